from django.urls import path

from calls.consumers import CallConsumer

websocket_urlpatterns = [path("carriers/<slug:carrier>/media/", CallConsumer.as_asgi())]
