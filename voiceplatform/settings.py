"""Django's settings. Everything that differs between installations comes from the environment; see the README."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from voiceplatform import environment as env
from voiceplatform.unfold import UNFOLD  # noqa: F401  a Django setting

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = env.folder("DATA_DIR", BASE_DIR / "var")

# --- who we are
PORT = env.number("PORT", 8000)
PUBLIC_BASE_URL = env.address("PUBLIC_BASE_URL", f"http://127.0.0.1:{PORT}", ("https", "http"))
PUBLIC = urlsplit(PUBLIC_BASE_URL)
PAGES_ADDRESS = env.pages_address("PAGES_ADDRESS")
DEBUG = env.flag("DEBUG", False)
SECRET_KEY = env.kept_secret("SECRET_KEY", DATA_DIR)
SECRET_KEY_FALLBACKS = env.text("SECRET_KEY_FALLBACKS").split()  # earlier ones, for as long as a change takes
# This machine is always allowed: the supervisor and health probes ask by address.
ALLOWED_HOSTS = [
    *env.names("ALLOWED_HOSTS", [PUBLIC.hostname or "localhost"]),
    *("127.0.0.1", "localhost", "[::1]"),
]
CSRF_TRUSTED_ORIGINS = [PUBLIC_BASE_URL]

# --- the outside parties
OPENAI_API_KEY = env.text("OPENAI_API_KEY")
REHEARSAL_PORT = env.number("REHEARSAL_PORT", 8765)
REHEARSAL_URL = f"ws://127.0.0.1:{REHEARSAL_PORT}/v1/realtime"
OPENAI_SERVICE_URL = "wss://api.openai.com/v1/realtime"
OPENAI_REALTIME_URL = env.address(
    "OPENAI_REALTIME_URL", OPENAI_SERVICE_URL if OPENAI_API_KEY else REHEARSAL_URL, ("wss", "ws")
)
AUDIT_DAYS = env.days("AUDIT_DAYS", 730)
# Providers of voices and ears have their variables in their own files; without a key, their stand-ins answer here.
STAND_INS_PORT = env.number("STAND_INS_PORT", REHEARSAL_PORT + 1)
TWILIO_AUTH_TOKEN = env.kept_secret("TWILIO_AUTH_TOKEN", DATA_DIR)
TWILIO_ACCOUNT_SID = env.text("TWILIO_ACCOUNT_SID")
TWILIO_API_KEY = env.text("TWILIO_API_KEY")
TWILIO_API_SECRET = env.text("TWILIO_API_SECRET")
TWILIO_API_URL = env.address("TWILIO_API_URL", "https://api.twilio.com", ("https", "http"))

CARRIERS = {"twilio": "calls.carriers.twilio.Twilio", "browser": "calls.carriers.browser.Browser"}
MODELS = {"openai": "calls.realtime.openai.OpenAIRealtime"}
VOICES = {
    "cartesia": "calls.voices.cartesia.Cartesia",
    "elevenlabs": "calls.voices.elevenlabs.ElevenLabs",
    "speechmatics": "calls.voices.speechmatics.SpeechmaticsVoice",
}
HEARINGS = {"speechmatics": "calls.voices.speechmatics_hearing.SpeechmaticsHearing"}

# --- Django
INSTALLED_APPS = [
    "daphne",
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "voiceplatform.apps.PeopleConfig",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "channels",
    "simple_history",
    "voiceplatform.apps.VoicePlatformConfig",
    "agents.apps.AgentsConfig",
    "calls.apps.CallsConfig",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",  # who changed it
]
ROOT_URLCONF = "voiceplatform.urls"
ASGI_APPLICATION = "voiceplatform.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
DATABASES = {"default": env.database("DATABASE_URL", DATA_DIR / "db.sqlite3")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
LANGUAGE_CODE = "en"
FORMAT_MODULE_PATH = ["voiceplatform.formats"]
TIME_ZONE = env.time_zone("TZ", "UTC")
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
WAVESURFER = BASE_DIR / "node_modules" / "wavesurfer.js" / "dist"
STATICFILES_DIRS = [("wavesurfer", WAVESURFER)] if WAVESURFER.is_dir() else []
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG

# --- safety: strict wherever the world reaches us by https, workable on a laptop's plain http
HTTPS = PUBLIC.scheme == "https"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
X_FRAME_OPTIONS = "DENY"
SILENCED_SYSTEM_CHECKS = (
    # Plain http is only ever the embedded default on this machine; voiceplatform.checks warns of any other use.
    [] if HTTPS else ["security.W004", "security.W008", "security.W012", "security.W016"]
)

# --- the broker: tasks, and messages between processes
REDIS_URL = env.redis_address("REDIS_URL", f"unix://{DATA_DIR}/redis/redis.sock")
CHANNEL_LAYERS = {
    "default": {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": [REDIS_URL]}}
}
CELERY_BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://", 1) if REDIS_URL.startswith("unix://") else REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_TIME_LIMIT = 300
CELERY_TASK_SOFT_TIME_LIMIT = 240
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_TIMEOUT = 2
# A task of a killed worker comes back after the visibility timeout, and only then if the sweep is frequent.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 900,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    "socket_connect_timeout": 2,
    "socket_timeout": 10,
    "max_retries": 1,
}
CELERY_BEAT_SCHEDULE = {
    "end-unanswered-calls": {"task": "calls.tasks.end_unanswered_calls", "schedule": 60.0},
    # Not published again while one waits: a worker that was away for an hour has no hour of them to do.
    "count-figures": {"task": "calls.tasks.count_figures", "schedule": 10.0, "options": {"expires": 10.0}},
    "sum-up-earlier-calls": {
        "task": "calls.tasks.sum_up_earlier_calls",
        "schedule": 10.0,
        "options": {"expires": 10.0},
    },
    "forget-old-audit-lines": {"task": "voiceplatform.tasks.forget_old_audit_lines", "schedule": 86400.0},
}
CELERY_TASK_PUBLISH_RETRY = False  # the outbox tries again by itself, from the disk

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "filters": {"brief": {"()": "voiceplatform.brief.Brief"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        "calls": {"level": "INFO"},
        "voiceplatform": {"level": "INFO"},
        "channels_redis.pubsub": {"filters": ["brief"]},
        "django": {"handlers": [], "level": "WARNING", "propagate": True},
    },
}
