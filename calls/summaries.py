"""What the list shows and searches of a call, from the call's other rows."""

from __future__ import annotations

from statistics import median
from typing import Any

from calls import measures, search
from calls.conversation import facts
from calls.models import Call, CallEvent, Turn


def change(call: Call, events: list[CallEvent], turns: list[Turn]) -> list[str]:
    """Bring the call's own columns up to date, and tell which of them are others now.

    `events`: at least those of measures.KINDS, by seq. `turns`: all of them, in order.
    """
    summary = _of(call, events, turns)
    changed = [name for name, value in summary.items() if getattr(call, name) != value]
    for name in changed:
        setattr(call, name, summary[name])
    return changed


def _of(call: Call, events: list[CallEvent], turns: list[Turn]) -> dict[str, Any]:
    known = list(measures.of(call, events).values())
    delays = [ms for part in known for ms in part.delay_ms]
    applied = [measures.revision_in(event.data) for event in events if event.kind == facts.SETTINGS_APPLIED]
    worded = [turn for turn in turns if turn.text.strip()]
    said = [turn.text for turn in worded if turn.side == Turn.Side.CALLER] or [turn.text for turn in worded]
    return {
        "turn_count": len(turns),
        "interruption_count": sum(part.interruptions for part in known),
        "refusal_count": sum(part.refusals for part in known),
        "false_stop_count": sum(part.false_stops for part in known),
        "delay_ms": round(median(delays)) if delays else None,
        "first_words": " ".join(said[0].split())[:160] if said else "",
        "last_revision": applied[-1] if applied else call.revision,
    }


def text_of(turns: list[Turn]) -> str:
    """All that was said, in the form that is searched."""
    return search.plain(turn.text for turn in turns)
