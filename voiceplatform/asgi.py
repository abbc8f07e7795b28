"""The web process: webhooks over http, the phone's media over websockets; pages, unless another process makes them."""

from __future__ import annotations

import gc
import logging
import os
import sys

from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "voiceplatform.settings")
http = get_asgi_application()

from calls import outbox  # noqa: E402  needs the app registry
from calls.ear import laughter, network  # noqa: E402
from calls.routing import websocket_urlpatterns  # noqa: E402
from voiceplatform.forwarding import PagesElsewhere  # noqa: E402

try:
    network.load()  # not while the first call waits
    laughter.can_tell()
except network.NoNetwork as why:
    logging.getLogger("calls").error("Calls will go on without an ear of our own: %s", why)

# A thread that writes records may keep the interpreter for this long before sound gets its turn; the default is 5 ms.
sys.setswitchinterval(0.0005)

# What was loaded at start is never garbage; left in, each full collection walks through all of it while calls wait.
gc.collect()
gc.freeze()

outbox.start()

if settings.PAGES_ADDRESS:
    http = PagesElsewhere(http, settings.PAGES_ADDRESS)

# Carriers send no Origin header, so no origin validator stands here: the stream's token is the gate.
application = ProtocolTypeRouter({"http": http, "websocket": URLRouter(websocket_urlpatterns)})
