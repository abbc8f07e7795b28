from django.urls import path

from calls import label_pages, views
from calls.following import pages

app_name = "calls"
urlpatterns = [
    path("", views.call_list, name="list"),
    path("live/", pages.board, name="live"),
    path("live/<uuid:call_id>/", pages.follow, name="follow"),
    path("live/agents/<int:agent_id>/", pages.phone, name="phone"),
    path("live/agents/<int:agent_id>/start/", pages.start, name="start"),
    path("live/agents/<int:agent_id>/keep/", pages.keep, name="keep"),
    path("calls.csv", views.export_list, name="export"),
    path("<uuid:call_id>/", views.call_detail, name="detail"),
    path("<uuid:call_id>/recording.wav", views.recording, name="recording"),
    path("<uuid:call_id>/transcript.<slug:ending>", views.transcript, name="transcript"),
    path("<uuid:call_id>/events.jsonl", views.event_log, name="events"),
    path("<uuid:call_id>/labels/", label_pages.add, name="label"),
    path("<uuid:call_id>/labels/<int:label_id>/remove/", label_pages.remove, name="remove_label"),
]
