"""What all tests share. Their environment is made in tests/isolation.py."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from playwright.sync_api import Browser, sync_playwright

from tests.providers import HEARINGS, VOICES

CLIPS = Path(__file__).parent.parent / "calls" / "clips"


@pytest.fixture(scope="session")
def clips() -> Path:
    """Recorded speech that the product ships."""
    return CLIPS


@pytest.fixture
def providers(settings: Any) -> Any:
    """The settings, with the providers of tests/providers.py and no others."""
    settings.VOICES, settings.HEARINGS = VOICES, HEARINGS
    return settings


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
