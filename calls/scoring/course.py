"""What happened in a scene, on the scene's clock: whole milliseconds from its beginning on, negative before."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from calls import audio

_RANDOM_ID = re.compile(r"^(item|resp|sess|event)_[0-9a-f]{20}$")

Piece = tuple[tuple[float, bytes], str]
"""A piece of sound as a playback buffer has it (when it began to sound, what sounded), and what it is a piece of."""


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened. `what`: the name of a command or an event, or the kind of a note, which is in small letters."""

    at_ms: float
    what: str
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Heard:
    """A stretch of sound without a gap at the caller's ear, of one reply."""

    start_ms: float
    end_ms: float
    reply: str


@dataclass(frozen=True, slots=True)
class Course:
    """All that the judge needs. `began`: whether the scene came about at all, which takes an agent that speaks."""

    began: bool
    length_ms: float
    reply: str = ""  # the reply over which the scene is played
    reply_ms: float = 0.0  # its sound, all of it
    moments: tuple[Moment, ...] = ()
    heard: tuple[Heard, ...] = ()
    asked: tuple[float, ...] = ()  # when each request for a reply left us
    model_ms: float = 0.0  # from the last request to the first sound that the model sent, without the network
    probabilities: tuple[
        tuple[float, float], ...
    ] = ()  # of speech, as the model's VAD has them: (end of the frame, value)
    caller_sound: bytes = b""  # mu-law from the beginning of the scene on
    agent_sound: bytes = b""  # as heard
    faults: tuple[
        str, ...
    ] = ()  # what failed in the core or the bridge, which carries on; nothing of such a scene counts

    def notes(self, kind: str) -> list[Moment]:
        return [moment for moment in self.moments if moment.what == kind]


class Names:
    """Ids that the model makes up, as numbers in the order of their appearance: else no two runs would be the same."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}
        self._counts: dict[str, int] = {}

    def of(self, value: Any) -> Any:
        """A value with all such ids in it replaced."""
        if isinstance(value, str):
            kind = _RANDOM_ID.match(value)
            return value if kind is None else self._name(value, kind[1])
        if isinstance(value, dict):
            return {name: self.of(member) for name, member in value.items()}
        if isinstance(value, list | tuple):
            return [self.of(member) for member in value]
        return value

    def _name(self, value: str, kind: str) -> str:
        if value not in self._known:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            self._known[value] = f"{kind}-{self._counts[kind]}"
        return self._known[value]


def stretches(pieces: Sequence[Piece]) -> Iterator[tuple[float, float, str]]:
    """Pieces of one thing that follow each other without a gap, as one: begin, end (s), and of what."""
    begin, end, of = 0.0, -1.0, ""
    for (at, mulaw), what in pieces:
        if end < 0 or what != of or at - end > 0.001:
            if end >= 0:
                yield begin, end, of
            begin, of = at, what
        end = at + len(mulaw) / 8000
    if end >= 0:
        yield begin, end, of


def track(pieces: Sequence[Piece], begin: float, end: float) -> bytes:
    """What was heard between two times (s), silence where nothing was."""
    made = bytearray(audio.SILENCE * max(0, round((end - begin) * 8000)))
    for (at, mulaw), _ in pieces:
        first = round((at - begin) * 8000)
        cut = max(0, -first)
        made[first + cut : first + len(mulaw)] = mulaw[cut:]
    return bytes(made)
