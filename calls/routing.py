from channels.auth import AuthMiddlewareStack
from channels.routing import URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.urls import path, re_path

from calls.consumers import CallConsumer
from calls.following.sockets import BoardSocket, CallSocket, PlacingStaff

browser_urlpatterns = [
    path("carriers/browser/media/", PlacingStaff(CallConsumer.as_asgi()), {"carrier": "browser"}),
    path("calls/live/socket/", BoardSocket.as_asgi()),
    path("calls/live/<uuid:call_id>/socket/", CallSocket.as_asgi()),
]

# Browsers say where a page came from and who is signed in, and both are asked for. Carriers do neither: the token is their gate.
browsers = AllowedHostsOriginValidator(AuthMiddlewareStack(URLRouter(browser_urlpatterns)))

websocket_urlpatterns = [
    re_path(r"^(?=carriers/browser/|calls/live/)", browsers),
    path("carriers/<slug:carrier>/media/", CallConsumer.as_asgi()),
]
