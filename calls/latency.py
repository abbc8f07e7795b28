"""Where the time between the caller's last sound and the answer's first went, from the record of a call."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from calls.conversation import facts
from calls.reasons import number, text

PARTS = {
    "silence": "Silence, until it was clear that the caller had finished",
    "patience": "Patience: the waits that the settings add",
    "model": "The model takes the question up",
    "first": "Until the first sound left for the caller",
    "voice": "Of that, the other voice, from its first words on",
}
"""In the order in which the time passes. The last stands within the one before it."""

SHORT = {
    "silence": "silence",
    "patience": "patience",
    "model": "model",
    "first": "first sound",
    "voice": "of that voice",
}

LONGEST_MS = 60_000
"""What is longer is no delay, but a record with a gap."""


class Event(Protocol):
    @property
    def at_ms(self) -> int: ...
    @property
    def kind(self) -> str: ...
    @property
    def data(self) -> Any: ...


class CallerTurn(Protocol):
    @property
    def ended_ms(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer to a turn of the caller. `parts`: name in PARTS -> ms."""

    begins_ms: int  # the caller's last sound
    at_ms: int  # the answer's first
    parts: dict[str, int]

    @property
    def total_ms(self) -> int:
        return self.at_ms - self.begins_ms


def answers(events: Iterable[Event], caller_turns: Sequence[CallerTurn]) -> list[Answer]:
    """Of each reply that answered the caller. What the record does not tell is left out, and never guessed."""
    found = []
    noticed: int | None = None
    asked: dict[str, int] = {}  # request -> when
    created: dict[str, tuple[int, int | None]] = {}  # reply -> when it was created, and asked for
    for event in events:
        data = event.data if isinstance(event.data, dict) else {}
        if event.kind == facts.CALLER_STOPPED:
            noticed = event.at_ms
        elif event.kind == facts.REPLY_ASKED:
            asked[text(data.get("request_id"))] = event.at_ms
        elif event.kind == facts.REPLY_CREATED:
            created[text(data.get("reply_id"))] = (event.at_ms, asked.get(text(data.get("request_id"))))
        elif event.kind == facts.REPLY_STARTED and number(data.get("delay_ms")) is not None:
            ended = max((turn.ended_ms for turn in caller_turns if turn.ended_ms <= event.at_ms), default=None)
            if ended is not None and event.at_ms - ended <= LONGEST_MS:
                created_at, asked_at = created.get(text(data.get("reply_id")), (None, None))
                parts = _parts([ended, noticed, asked_at, created_at, event.at_ms])
                voice = number(data.get("voice_ms"))
                if voice is not None and 0 <= voice <= parts.get("first", 0):
                    parts["voice"] = round(voice)
                found.append(Answer(ended, event.at_ms, parts))
    return found


def _parts(moments: list[int | None]) -> dict[str, int]:
    """The lengths between moments that follow each other. One that is missing or out of order joins its neighbours' lengths."""
    parts: dict[str, int] = {}
    last = moments[0]
    for name, moment in zip(list(PARTS)[:4], moments[1:], strict=True):
        if last is not None and moment is not None and moment >= last and moment <= (moments[-1] or 0):
            parts[name], last = moment - last, moment
    return parts
