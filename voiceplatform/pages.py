"""The process that makes pages, beside the one that carries calls and passes their requests on (voiceplatform.forwarding)."""

from __future__ import annotations

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "voiceplatform.settings")
application = get_asgi_application()
