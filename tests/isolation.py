"""A pytest plugin that is loaded before Django's settings: data of the tests' own, no leftovers of a running platform."""

import atexit
import os
import shutil
import tempfile

_DATA = tempfile.mkdtemp(prefix="vp-test-")
atexit.register(shutil.rmtree, _DATA, ignore_errors=True)
OURS = (
    "OPENAI_API_KEY",
    "OPENAI_REALTIME_URL",
    "PUBLIC_BASE_URL",
    "REDIS_URL",
    "DATABASE_URL",
    "PORT",
    "PAGES_ADDRESS",
    "REHEARSAL_PORT",
    "STAND_INS_PORT",
    "ALLOWED_HOSTS",
    "AUDIT_DAYS",
    "TWILIO_ACCOUNT_SID",
    "TWILIO_API_KEY",
    "TWILIO_API_SECRET",
    "TWILIO_API_URL",
)
PROVIDERS = tuple(name for name in os.environ if name.startswith(("ELEVENLABS_", "CARTESIA_", "SPEECHMATICS_")))
for name in (*OURS, *PROVIDERS):
    os.environ.pop(name, None)
os.environ["DATA_DIR"] = _DATA
if url := os.environ.get("TEST_DATABASE_URL"):
    os.environ["DATABASE_URL"] = url  # pytest-django makes a database beside it
os.environ["TWILIO_AUTH_TOKEN"] = "12345"
os.environ["DJANGO_SETTINGS_MODULE"] = "voiceplatform.settings"
