"""Turns, interruptions, refusals, recordings, outcome, summary and figures of a call, derived from its stored events only.

The same events give the same rows whatever the order in which they arrived, so a call can be derived again at any time.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import DataError, IntegrityError, transaction
from django.utils import timezone

from calls import measures, summaries
from calls.conversation import facts
from calls.models import Call, CallEvent, Interruption, Recording, Refusal, Transcript, Turn

logger = logging.getLogger("calls")

LARGEST = 2**31 - 1
"""The largest number that a column of ours takes in every database."""

TURN_KINDS = {facts.CALLER_TURN, facts.CALLER_WORDS, facts.AGENT_TURN}
INTERRUPTION_KINDS = {facts.INTERRUPTION, facts.INTERRUPTION_CLEARED, facts.INTERRUPTION_SETTLED}
REFUSAL_KINDS = {facts.INTERRUPTION_REFUSED, facts.INTERRUPTION}


def derive(call: Call, kinds: set[str]) -> None:
    """Bring the rows that depend on these kinds of events up to date.

    Events with data of another form than the facts describe cost the rows that depend on them, and never the events.
    """
    for depends_on, build in DERIVATIONS:
        if depends_on & kinds:
            try:
                with transaction.atomic():
                    build(call, list(call.events.filter(kind__in=depends_on).order_by("seq")))
            except (DataError, IntegrityError, TypeError, ValueError, AttributeError, OverflowError) as error:
                kind = type(error).__name__
                logger.error("[%s] %s could not be derived (%s)", call.pk, build.__name__.strip("_"), kind)


def _turns(call: Call, events: list[CallEvent]) -> None:
    words: dict[str, str] = {}
    rows: dict[str, dict[str, Any]] = {}
    for event in events:
        data = event.data
        item_id = str(data.get("item_id", ""))[:64]
        if event.kind == facts.CALLER_WORDS:
            words[item_id] = str(data.get("text", ""))
        elif event.kind == facts.CALLER_TURN:
            rows[item_id] = {"side": Turn.Side.CALLER, **_numbers(data, "started_ms", "ended_ms")}
        elif event.kind == facts.AGENT_TURN:
            rows[item_id] = {
                "side": Turn.Side.AGENT,
                "reply_id": str(data.get("reply_id", ""))[:64],
                **{name: str(data.get(name, "")) for name in ("text", "heard_text", "unheard_text")},
                **_numbers(data, "started_ms", "ended_ms", "heard_ms", "generated_ms", "interruption"),
            }
    for item_id, row in rows.items():
        if row["side"] == Turn.Side.CALLER:
            row["text"] = words.get(item_id, "")
        Turn.objects.update_or_create(call=call, item_id=item_id, defaults=row)


def _interruptions(call: Call, events: list[CallEvent]) -> None:
    rows: dict[int, dict[str, Any]] = {}
    for event in events:
        data = event.data
        row = rows.setdefault(_number(data, "number"), {})
        if event.kind == facts.INTERRUPTION:
            row["at_ms"] = event.at_ms
            row["steps"] = [str(step) for step in data.get("steps") or []]
            row |= {name: str(data.get(name, ""))[:64] for name in ("reply_id", "item_id", "speech_item_id")}
            row |= _why(data)
            row |= {"phase": str(data.get("phase", ""))[:16], "mode": str(data.get("mode", ""))[:8]}
            row |= {name: str(data.get(name, "")) for name in ("heard_text", "unheard_text")}
            row |= _numbers(data, "heard_ms", "generated_ms", "cleared_ms", "cleared_chunks")
        elif event.kind == facts.INTERRUPTION_CLEARED:
            clear_ms = data.get("clear_ms")
            row["clear_ms"] = float(clear_ms) if isinstance(clear_ms, int | float) else None
        else:
            row |= _numbers(data, "late_frames", "late_ms")
    for number, row in rows.items():
        if "at_ms" in row:  # the rest waits for its interruption
            Interruption.objects.update_or_create(call=call, number=number, defaults=row)


def _refusals(call: Call, events: list[CallEvent]) -> None:
    rows: dict[int, dict[str, Any]] = {}
    refused: dict[str, int] = {}  # item -> the event that refused it
    for event in events:
        data = event.data
        if event.kind == facts.INTERRUPTION_REFUSED:
            item_id = str(data.get("item_id", ""))[:64]
            if item_id:
                refused[item_id] = event.seq
            rows[event.seq] = {
                "at_ms": event.at_ms,
                "item_id": item_id,
                "interruption": 0,
                **_why(data),
                "kept": data.get("kept") is True,
                "held": data.get("held") is True,
                **_numbers(data, "speech_ms", "minimum_ms"),
            }
        elif (seq := refused.get(str(data.get("speech_item_id", ""))[:64])) is not None:
            rows[seq]["interruption"] = _number(data, "number")
    for seq, row in rows.items():
        Refusal.objects.update_or_create(call=call, seq=seq, defaults=row)


def _recording(call: Call, events: list[CallEvent]) -> None:
    data = events[-1].data
    Recording.objects.update_or_create(
        call=call,
        defaults={
            "path": str(data.get("path", ""))[:255],
            "duration_ms": _number(data, "duration_ms"),
            "size": _number(data, "bytes"),
            "peaks": data.get("peaks") or [],
        },
    )


def _outcome(call: Call, events: list[CallEvent]) -> None:
    event = events[0]
    call.status = Call.Status.FAILED if event.data.get("failed") else Call.Status.ENDED
    call.end_reason = str(event.data.get("reason", ""))[:64]
    call.duration_ms = _number(event.data, "duration_ms")
    began = call.started_at or call.rang_at or timezone.now()
    call.ended_at = began + timedelta(milliseconds=call.duration_ms)
    call.save(update_fields=["status", "end_reason", "duration_ms", "ended_at"])


def _figures(call: Call, events: list[CallEvent]) -> None:
    """Last, because it reads the other rows. Before the end there is nothing to count yet."""
    if call.duration_ms is not None:
        measures.keep(call)


def _summary(call: Call, events: list[CallEvent]) -> None:
    """What the list of calls shows and searches. After the other rows, because it reads them."""
    turns = list(call.turns.all())
    changed = summaries.change(call, events, turns)
    if changed:
        call.save(update_fields=changed)
    text = summaries.text_of(turns)
    if Transcript.objects.filter(call=call).exclude(text=text).update(text=text) or not text:
        return
    Transcript.objects.get_or_create(call=call, defaults={"text": text, "rang_at": call.rang_at})


def revision_at(call: Call, at_ms: int) -> int:
    """The revision of the turn settings that was in force then: of the latest change that was applied, else the call's first."""
    applied = call.events.filter(kind=facts.SETTINGS_APPLIED, at_ms__lte=at_ms).order_by("seq").last()
    return _number(applied.data, "revision") if applied is not None else call.revision


def _why(data: dict[str, Any]) -> dict[str, Any]:
    """Of a stop or a refusal; records from before they were weighed tell nothing."""
    reasons = data.get("reasons")
    return {"because": str(data.get("because", ""))[:16], "reasons": reasons if isinstance(reasons, list) else []}


def _number(data: dict[str, Any], name: str) -> int:
    value = data.get(name)
    return min(max(0, round(value)), LARGEST) if isinstance(value, int | float) else 0


def _numbers(data: dict[str, Any], *names: str) -> dict[str, int]:
    return {name: _number(data, name) for name in names}


DERIVATIONS: list[tuple[set[str], Callable[[Call, list[CallEvent]], None]]] = [
    (TURN_KINDS, _turns),
    (INTERRUPTION_KINDS, _interruptions),
    (REFUSAL_KINDS, _refusals),
    ({facts.RECORDING}, _recording),
    ({facts.CALL_ENDED}, _outcome),
    ({*TURN_KINDS, *INTERRUPTION_KINDS, *REFUSAL_KINDS, *measures.KINDS}, _summary),
    ({facts.CALL_ENDED, *TURN_KINDS, *INTERRUPTION_KINDS, *REFUSAL_KINDS, *measures.KINDS}, _figures),
]
