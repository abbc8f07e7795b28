from django.urls import path

from calls import webhooks

app_name = "carriers"
urlpatterns = [
    path("twilio/voice/", webhooks.voice, name="twilio-voice"),
    path("twilio/stream-status/", webhooks.stream_status, name="twilio-stream-status"),
    path("twilio/after-stream/", webhooks.after_stream, name="twilio-after-stream"),
]
