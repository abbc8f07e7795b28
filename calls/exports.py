"""What leaves the product: the list as CSV, and of one call its transcript (text, JSON, WebVTT) and its events (JSON lines)."""

from __future__ import annotations

import csv
import html
import io
import json
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

from asgiref.sync import sync_to_async

from calls.models import Call, CallQuerySet, TranscriptQuerySet, Turn
from calls.ordering import Order

CHUNK = 500
"""Calls that are read at once. Between two chunks the thread, the database and the event loop are everybody's."""

COLUMNS = [
    *("id", "rang_at", "carrier", "caller", "called", "agent", "voice", "revision", "last_revision", "status"),
    *("end_reason", "duration_ms", "turns", "interruptions", "refusals", "false_stops", "median_delay_ms", "labels"),
    *("first_words", "url"),
]


async def as_csv(calls: CallQuerySet | TranscriptQuerySet, order: Order, base_url: str) -> AsyncIterator[str]:
    """The whole list, however long, in the order in which it is shown. Begins at once and never holds more than a chunk."""
    yield "\ufeff" + _csv([COLUMNS])  # the mark tells spreadsheets that this is UTF-8
    last: Call | None = None
    while chunk := await sync_to_async(_chunk)(calls, order, last):
        yield _csv([_row(call, base_url) for call in chunk])
        last = chunk[-1]


def _chunk(calls: CallQuerySet | TranscriptQuerySet, order: Order, last: Call | None) -> list[Call]:
    ids = calls.values_list("pk", flat=True)
    return Call.objects.listed(list((order.sort(ids) if last is None else order.after(ids, last))[:CHUNK]))


def _csv(rows: list[list[Any]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def _row(call: Call, base_url: str) -> list[Any]:
    return [
        *(call.pk, call.rang_at.isoformat(timespec="milliseconds"), call.carrier, _cell(call.caller)),
        *(_cell(call.called), _cell(call.agent.name if call.agent else ""), _cell(call.voice)),
        *(call.revision or "", call.last_revision or "", call.status, call.end_reason),
        *("" if call.duration_ms is None else call.duration_ms, call.turn_count, call.interruption_count),
        *(call.refusal_count, call.false_stop_count, "" if call.delay_ms is None else call.delay_ms),
        *(call.label_count, _cell(call.first_words), f"{base_url}{call.get_absolute_url()}"),
    ]


def _cell(text: str) -> str:
    """A spreadsheet runs what begins like a formula, and callers choose their words and names. Numbers stay as they are."""
    return f"'{text}" if text[:1] in tuple("=+-@\t\r") and not re.fullmatch(r"[+-]?[\d ]+", text) else text


# --- one call


def file_name(call: Call, ending: str) -> str:
    return f"call-{call.rang_at:%Y%m%d-%H%M%S}-{str(call.pk)[:8]}.{ending}"


def as_text(call: Call, turns: list[Turn]) -> str:
    lines = [
        f"{call.caller or 'unknown'} → {call.called}, {call.rang_at:%d %b %Y %H:%M:%S} UTC",
        f"Agent: {agent_name(call)}. Settings revision {call.revision}. Length {call.length}.",
        "What the caller did not hear stands in [brackets].",
        "",
    ]
    for turn in turns:
        lines.append(f"{_clock(turn.started_ms)}  {_who(call, turn)}: {_said(turn)}")
    return "\n".join(lines) + "\n"


def as_json(call: Call, turns: list[Turn]) -> str:
    """Everything that was said, with times in ms since the media stream began."""
    fields = ("item_id", "started_ms", "ended_ms", "text", "heard_text", "unheard_text", "heard_ms", "generated_ms")
    told = {
        "call": str(call.pk),
        "rang_at": call.rang_at.isoformat(),
        "caller": call.caller,
        "called": call.called,
        "agent": agent_name(call),
        "revision": call.revision,
        "duration_ms": call.duration_ms,
        "turns": [_told(turn, fields) for turn in turns],
    }
    return json.dumps(told, ensure_ascii=False, indent=2) + "\n"


def _told(turn: Turn, fields: tuple[str, ...]) -> dict[str, Any]:
    """Of the caller's turns only what they have: they are always heard."""
    kept = fields if turn.side == Turn.Side.AGENT else fields[:4]
    told = {"side": turn.side, **{name: getattr(turn, name) for name in kept}}
    return {**told, "interruption": turn.interruption} if turn.interruption else told


def as_vtt(call: Call, turns: list[Turn]) -> str:
    """Captions for the recording: what could be heard, while it could be heard."""
    cues = ["WEBVTT", ""]
    for turn in turns:
        said = turn.heard_text if turn.side == Turn.Side.AGENT else turn.text
        if said.strip():
            who = re.sub(r"[<>&\s]+", " ", _who(call, turn)).strip()
            words = html.escape(" ".join(said.split()), quote=False)
            times = f"{_clock(turn.started_ms)} --> {_clock(max(turn.ended_ms, turn.started_ms + 1))}"
            cues += [times, f"<v {who}>{words}", ""]
    return "\n".join(cues)


def as_lines(call: Call) -> Iterator[str]:
    """The record of the call: one event a line, as its spool had them."""
    for event in call.events.order_by("seq").iterator(chunk_size=2000):
        line = {"seq": event.seq, "at_ms": event.at_ms, "kind": event.kind, "data": event.data}
        yield json.dumps(line, ensure_ascii=False) + "\n"


def agent_name(call: Call) -> str:
    return str(call.settings.get("name") or call.agent or "Agent")


def _who(call: Call, turn: Turn) -> str:
    return agent_name(call) if turn.side == Turn.Side.AGENT else "Caller"


def _said(turn: Turn) -> str:
    if turn.side != Turn.Side.AGENT:
        return " ".join(turn.text.split()) or "(no words)"
    heard, unheard = " ".join(turn.heard_text.split()), " ".join(turn.unheard_text.split())
    return " ".join(part for part in (heard, f"[{unheard}]" if unheard else "") if part) or "(no words)"


def _clock(ms: int) -> str:
    return f"{ms // 3600000:02d}:{ms // 60000 % 60:02d}:{ms % 60000 / 1000:06.3f}"
