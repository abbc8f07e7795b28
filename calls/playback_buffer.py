"""The playback buffer of a phone, as a carrier keeps it: plays in order, in real time, returns marks, obeys clear.

Pure: times are seconds that the caller of these methods passes in, and must not go back.
"""

from __future__ import annotations

import itertools
from collections import deque

from calls.audio import SILENCE

BYTES_PER_S = 8000.0


class PlaybackBuffer:
    """mu-law in, and what was heard of it, and when."""

    def __init__(self) -> None:
        self.heard: list[tuple[float, bytes]] = []
        """(when it began to sound, what sounded), cut at clears."""
        self._queue: deque[tuple[float, bytes]] = deque()
        self._marks: deque[tuple[float, str]] = deque()
        self._end_at = 0.0

    def add(self, mulaw: bytes, now: float) -> None:
        """Queue sound behind what is queued."""
        self._settle(now)
        begin = max(now, self._end_at)
        self._queue.append((begin, mulaw))
        self._end_at = begin + len(mulaw) / BYTES_PER_S

    def mark(self, name: str, now: float) -> None:
        """Return `name` when all that is queued has played: at once if nothing is."""
        self._marks.append((max(now, self._end_at), name))

    def clear(self, now: float) -> list[str]:
        """Throw away what has not played. All waiting marks, which go back at once, as carriers do it."""
        self._settle(now)
        for begin, mulaw in self._queue:
            played = int((now - begin) * BYTES_PER_S)
            if played > 0:
                self.heard.append((begin, mulaw[:played]))
        self._queue.clear()
        self._end_at = now
        waiting = [name for _, name in self._marks]
        self._marks.clear()
        return waiting

    def due(self, now: float) -> list[str]:
        """Marks whose sound has played by now; each is given once."""
        self._settle(now)
        names = []
        while self._marks and self._marks[0][0] <= now:
            names.append(self._marks.popleft()[1])
        return names

    def next_due(self) -> float | None:
        """When the next mark is due."""
        return self._marks[0][0] if self._marks else None

    def is_playing(self, now: float) -> bool:
        return now < self._end_at

    def playing_until(self) -> float:
        """When the last queued sound ends."""
        return self._end_at

    def heard_ms(self, now: float) -> float:
        """How much has sounded altogether."""
        self._settle(now)
        partly = sum(max(0.0, now - begin) for begin, _ in self._queue)
        return sum(len(mulaw) for _, mulaw in self.heard) / 8 + partly * 1000

    def between(self, begin: float, length: int, now: float) -> bytes:
        """`length` bytes of what has sounded from `begin` on, silence where nothing did."""
        self._settle(now)
        made = bytearray(SILENCE * length)
        for at, mulaw in itertools.chain(reversed(self._queue), reversed(self.heard)):
            first = round((at - begin) * BYTES_PER_S)
            if first + len(mulaw) <= 0:
                break
            if first < length:
                cut = max(0, -first)
                made[first + cut : first + len(mulaw)] = mulaw[cut : length - first]
        return bytes(made)

    def _settle(self, now: float) -> None:
        while self._queue and self._queue[0][0] + len(self._queue[0][1]) / BYTES_PER_S <= now:
            self.heard.append(self._queue.popleft())
