"""What the caller hears of the agent, cut on the grid of the caller's own sound."""

from __future__ import annotations

from collections import deque

from calls import audio

_JOINED = 40 * audio.BYTES_PER_MS
"""Pieces that begin so near the end of the one before are played without a gap: in between, only the reckoning of when was
corrected. A gap of one sample would already blur the likeness of an echo."""

_PIECES = 4096
"""How much is kept of what is still to be played, at about a quarter of a second each. More than the phone's queue takes."""


class Playing:
    """The agent's sound on the sending clock. Places are samples since the clock's zero."""

    def __init__(self) -> None:
        self._pieces: deque[tuple[int, bytes]] = deque(maxlen=_PIECES)
        self._end = 0

    def agent(self, mulaw: bytes, play_at: float) -> None:
        """Sound of the agent that the caller begins to hear at `play_at` (s)."""
        start = round(play_at * audio.RATE)
        if abs(start - self._end) <= _JOINED:
            start = self._end
        self._pieces.append((start, mulaw))
        self._end = start + len(mulaw)

    def clear(self, heard_until: float) -> None:
        """Nothing of what was given so far was heard after this (s)."""
        cut = round(heard_until * audio.RATE)
        kept = [(start, sound[: cut - start]) for start, sound in self._pieces if start < cut]
        self._pieces = deque(kept, maxlen=_PIECES)
        self._end = min(self._end, cut)

    def between(self, begin: int, end: int) -> bytes | None:
        """What sounds from `begin` to `end`; None: nothing does. What was before is forgotten."""
        pieces = self._pieces
        while pieces and pieces[0][0] + len(pieces[0][1]) <= begin:
            pieces.popleft()
        if not pieces or pieces[0][0] >= end:
            return None
        sound = bytearray(audio.SILENCE * (end - begin))
        for start, piece in pieces:
            if start >= end:
                break
            first, last = max(start, begin), min(start + len(piece), end)
            if first < last:
                sound[first - begin : last - begin] = piece[first - start : last - start]
        return bytes(sound)
