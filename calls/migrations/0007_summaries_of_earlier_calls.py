"""Calls of before get what the list shows and searches, from their own rows."""

from statistics import median

from django.db import migrations

from calls import search


def forwards(apps, schema_editor):
    Call, Transcript = apps.get_model("calls", "Call"), apps.get_model("calls", "Transcript")
    for call in Call.objects.iterator(chunk_size=200):
        summarise(call, Transcript)


def summarise(call, Transcript):
    settings = call.settings if isinstance(call.settings, dict) else {}
    turns = list(call.turns.order_by("started_ms", "id").values_list("side", "text"))
    ends = list(call.turns.filter(side="caller").values_list("ended_ms", flat=True))
    events = call.events.filter(kind__in=("reply_started", "settings_applied")).order_by("seq")
    events = list(events.values_list("kind", "at_ms", "data"))
    answers = [at for kind, at, data in events if kind == "reply_started" and number(data.get("delay_ms"))]
    delays = [at - max(end for end in ends if end <= at) for at in answers if any(end <= at for end in ends)]
    applied = [data["revision"] for kind, _, data in events if kind == "settings_applied" and number(data.get("revision"))]
    revision = (settings.get("turn") or {}).get("revision")
    said = [text for side, text in turns if text.strip() and side == "caller"] or [text for _, text in turns if text.strip()]
    refusals = call.refusals.filter(interruption=0)
    call.voice = str(settings.get("voice") or "")[:80]
    call.revision = revision if number(revision) else 0
    call.last_revision = applied[-1] if applied else call.revision
    call.turn_count = len(turns)
    call.interruption_count = call.interruptions.exclude(phase="asked").count()
    call.refusal_count = refusals.count()
    call.false_stop_count = refusals.filter(held=True).count()
    call.delay_ms = round(median(delays)) if delays else None
    call.first_words = " ".join(said[0].split())[:160] if said else ""
    call.save()
    if text := search.plain(text for _, text in turns):
        Transcript.objects.update_or_create(call=call, defaults={"text": text})


def number(value):
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 2**31


class Migration(migrations.Migration):
    dependencies = [("calls", "0006_search_in_postgresql")]
    operations = [migrations.RunPython(forwards, migrations.RunPython.noop)]
