"""The agent's own sound on its way back: out of the loudspeaker, through a room, into the microphone, over the line.

Nothing is recorded for it: what comes back is made of what the phone plays at that moment, so a reply that stops has no echo any
more.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from calls import audio

Samples = npt.NDArray[np.float64]

_DECAY_DB = 30.0
"""By so much a room's sound has fallen at its end."""

_ROOM_DB = -6.0
"""The room's part of the sound against the direct one."""

_DRIVE = 6.0
"""How far a small loudspeaker is driven into its end stop: a loud vowel comes out at a third."""


@dataclass(frozen=True, slots=True)
class EchoPath:
    """`delay_ms`: there and back, at least a frame. `gain_db`: of all that comes back. `room_ms`: until the room is quiet."""

    name: str
    delay_ms: int
    gain_db: float
    room_ms: int = 0
    overdriven: bool = False


PATHS = (
    EchoPath("a hybrid of the line", 60, -22),
    EchoPath("a handset held loosely", 180, -24, room_ms=60),
    EchoPath("a speakerphone", 240, -14, room_ms=250),
    EchoPath("a loud speakerphone in a bare room", 350, -8, room_ms=400, overdriven=True),
)
"""Delays and levels as G.131 and G.168 have them for telephones, and as mobile networks add to them."""


class Returning:
    """What comes back, 20 ms after 20 ms."""

    def __init__(self, path: EchoPath) -> None:
        self.path = path
        self._response = _response(path)
        self._past: Samples = np.zeros(len(self._response) - 1)

    def frame(self, played: bytes) -> Samples:
        """Of the next piece of what the phone played, `delay_ms` ago; as long as that."""
        sound = np.frombuffer(audio.mulaw_decode(played), "<i2").astype(np.float64)
        if self.path.overdriven:
            sound = 32768 / _DRIVE * np.tanh(sound * _DRIVE / 32768)
        through = np.concatenate([self._past, sound])
        if len(self._past):
            self._past = through[-len(self._past) :]
        return np.convolve(through, self._response, "valid")


def _response(path: EchoPath) -> Samples:
    """The room as a filter: the direct sound, and behind it noise that dies away. The same each time."""
    tail = np.random.default_rng(7).normal(size=path.room_ms * 8)
    tail *= 10 ** (-_DECAY_DB / 20 * np.arange(len(tail)) / max(1, len(tail)))
    if len(tail):
        tail *= 10 ** (_ROOM_DB / 20) / np.sqrt(np.sum(tail**2))
    response = np.concatenate([[1.0], tail])
    made: Samples = response / np.sqrt(np.sum(response**2)) * 10 ** (path.gain_db / 20)
    return made
