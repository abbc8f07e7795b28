"""Gives agents that exist their first revisions: as they were, and with the defaults of this version.

What was there before had none of the new settings, so "as they were" is all of them off: rolling back to it brings the earlier
behaviour back. Agents whose model answers or stops by itself, or that run in legacy mode, stay as they were: the new
evidence would contradict that.
"""

from django.db import migrations
from django.utils import timezone

OFF = {
    "stop_sound": "at_once",
    "answer_window_ms": 0,
    "speech_probability": 0.0,
    "min_loudness_db": 0.0,
    "ignore_backchannels": False,
    "echo_guard": 0.0,
    "patience_spelling_ms": 0,
    "patience_number_ms": 0,
    "patience_email_ms": 0,
    "idle_prompt_ms": 0,
    "max_call_s": 0,
    "call_warning_s": 0,
}


def first_revisions(apps, schema_editor):
    now = timezone.now()
    agents = apps.get_model("agents", "Agent")
    for agent in agents.objects.all():
        keep(apps.get_model("agents", "HistoricalAgent"), agent, now, "as it was before this version")
    for turn in apps.get_model("agents", "TurnSettings").objects.all():
        first_revision(apps.get_model("agents", "HistoricalTurnSettings"), turn, now)


def first_revision(history, turn, now):
    new = {name: getattr(turn, name) for name in OFF}
    assign(turn, OFF)
    turn.decide_by_ms = max(turn.decide_by_ms, turn.min_speech_ms)
    keep(history, turn, now, "as it was before this version")
    if not (turn.create_response or turn.interrupt_response or turn.mode == "legacy"):
        assign(turn, new)
        turn.min_speech_ms = turn.min_speech_ms or 560
        if turn.idle_timeout_ms:
            turn.idle_prompt_ms = 0
        keep(history, turn, timezone.now(), "defaults of this version")
    turn.save()


def assign(row, values):
    for name, value in values.items():
        setattr(row, name, value)


def keep(history, row, when, why):
    values = {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
    history.objects.create(**values, history_date=when, history_type="~", history_change_reason=why)


class Migration(migrations.Migration):

    dependencies = [
        ('agents', '0002_tuning_and_history'),
    ]

    operations = [
        migrations.RunPython(first_revisions, migrations.RunPython.noop),
    ]
