"""Settings for all tests: data of their own, no leftovers of a running platform."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

_DATA = tempfile.mkdtemp(prefix="vp-test-")
for name in (
    "OPENAI_API_KEY",
    "OPENAI_REALTIME_URL",
    "PUBLIC_BASE_URL",
    "REDIS_URL",
    "PORT",
    "REHEARSAL_PORT",
    "ALLOWED_HOSTS",
):
    os.environ.pop(name, None)
os.environ["DATA_DIR"] = _DATA
os.environ["TWILIO_AUTH_TOKEN"] = "12345"
os.environ["DJANGO_SETTINGS_MODULE"] = "voiceplatform.settings"

import pytest  # noqa: E402

CLIPS = Path(__file__).parent.parent / "calls" / "clips"


@pytest.fixture(scope="session")
def clips() -> Path:
    """Recorded speech that the product ships."""
    return CLIPS


from hypothesis import HealthCheck, settings  # noqa: E402
from playwright.sync_api import Browser, sync_playwright  # noqa: E402

# Time is a number in these tests; how long the machine takes for an example says nothing about the product.
settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("default")


@pytest.fixture
def browser() -> Iterator[Browser]:
    """A real Chromium, from Debian's packages or the system."""
    # Its driver runs an event loop in this thread, which Django would take for asynchronous use of the ORM.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    arguments = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required", "--disable-background-networking"]
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=arguments
        )
        yield made
        made.close()
