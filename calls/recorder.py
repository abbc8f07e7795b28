"""Both tracks of a call as they were: the caller left, and right what the caller *heard* of the agent.

Frames only land in memory here. One thread of the process lays them out and writes them, so neither a slow disk nor numpy
ever stands in the way of a frame. The file is a playable WAV after every flush, also when the process is killed: its header
says what had been written by then.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
from collections import deque
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from calls import audio
from calls.writer import Writer

logger = logging.getLogger("calls")

SETTLED_S = 1.0
"""How old sound must be before it is written: a clear can still cut the agent's until it is played."""

JITTER_MS = 60.0
"""Caller frames later than this are a gap, filled with silence; earlier ones only arrived unevenly."""

PEAK_BUCKETS = 1200


@dataclass(frozen=True, slots=True)
class Recorded:
    path: Path
    duration_ms: int
    size: int
    peaks: list[list[float]]


class Recorder:
    """One call's recording. All times are seconds on the monotonic clock; bytes are samples."""

    def __init__(self, path: Path, started_at: float, writer: Writer) -> None:
        self.path = path
        self._started_at = started_at
        self._writer = writer
        # From the event loop to the writer's thread: appended on one side, taken off on the other.
        self._caller: deque[tuple[float, bytes]] = deque()
        self._agent: deque[tuple[float, bytes | None]] = deque()
        # The writer's own.
        self._left = bytearray()
        self._gap = (0, 0)  # where silence was last put for the caller, and how much; in samples
        self._to_play: list[tuple[int, bytes]] = []
        self._written = 0  # samples of each track on disk
        self._file: FileIO | None = None
        self._failed = False
        self._loudest: list[list[float]] = [[], []]
        self._flushed_at = started_at
        writer.add(self)

    # --- on the event loop: append, and nothing else

    def caller(self, mulaw: bytes, now: float) -> None:
        """Sound of the caller that arrived now."""
        self._caller.append((now, mulaw))

    def agent(self, mulaw: bytes, play_at: float) -> None:
        """Sound of the agent that the caller begins to hear at `play_at`."""
        self._agent.append((play_at, mulaw))

    def clear(self, heard_until: float) -> None:
        """Nothing of what was given so far was heard after this."""
        self._agent.append((heard_until, None))

    async def close(self, now: float) -> Recorded:
        """Write what is left; the finished file. Whatever fails is logged, and what was written stays."""
        try:
            await asyncio.wrap_future(self._writer.submit(self._finish, now))
        finally:
            self._writer.remove(self)
        samples = self._written
        return Recorded(
            self.path,
            round(samples / audio.BYTES_PER_MS),
            audio.HEADER_BYTES + 2 * samples,
            [_thin(track, PEAK_BUCKETS) for track in self._loudest],
        )

    def _sample(self, at: float) -> int:
        return max(0, round((at - self._started_at) * audio.RATE))

    # --- on the writer's thread

    def flush(self, now: float) -> None:
        """Lay out and write what is old enough. Called about once a second."""
        if now - self._flushed_at >= SETTLED_S:
            self._flushed_at = now
            self._write_until(self._sample(now - SETTLED_S))

    def _finish(self, now: float) -> None:
        self._write_until(self._sample(now))
        if self._file is not None:
            self._file.close()
            self._file = None

    def _write_until(self, until: int) -> None:
        self._lay_out_caller()
        self._take_orders()
        count = until - self._written
        if self._failed:
            self._left.clear()
            self._to_play.clear()
            return
        if count <= 0:
            return
        left = bytes(self._left[:count]).ljust(count, audio.SILENCE)
        del self._left[:count]
        right = self._heard(until)
        try:
            if self._file is None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._file = self.path.open("wb", buffering=0)
                self._put(0, audio.mulaw_wav_header(0))
            # The sound before the header that counts it: whatever happens between the two, what is counted is there.
            self._put(audio.HEADER_BYTES + 2 * self._written, audio.interleave(left, right))
            self._put(0, audio.mulaw_wav_header(2 * (self._written + count)))
        except OSError as error:
            self._failed = True
            logger.error(
                "The recording %s cannot be written (%s); the call goes on without it", self.path.name, error.strerror
            )
            return
        self._written += count
        for track, sound in zip(self._loudest, (left, right), strict=True):
            track.extend(audio.peaks(sound, max(1, count // 400)))

    def _put(self, at: int, text: bytes) -> None:
        assert self._file is not None
        self._file.seek(at)
        if self._file.write(text) != len(text):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _lay_out_caller(self) -> None:
        while self._caller:
            now, mulaw = self._caller.popleft()
            laid = self._written + len(self._left)
            missing = self._sample(now) - len(mulaw) - laid
            if missing > JITTER_MS * audio.BYTES_PER_MS:
                self._gap = (laid, missing)
                self._left.extend(audio.SILENCE * missing)
            elif missing < 0:
                self._close_gap(-missing)
            self._left.extend(mulaw)

    def _close_gap(self, surplus: int) -> None:
        """Sound that was held up comes in a burst: it belongs where silence was put for it, and what follows stays on time."""
        start, length = self._gap
        begin = max(start, self._written)
        taken = min(surplus, start + length - begin)
        if taken > 0:
            del self._left[begin - self._written : begin - self._written + taken]
            self._gap = (start, begin - start + (start + length - begin) - taken)

    def _take_orders(self) -> None:
        """Sound and cuts, in the order in which they were given."""
        while self._agent:
            at, mulaw = self._agent.popleft()
            sample = self._sample(at)
            if mulaw is not None:
                self._to_play.append((sample, mulaw))
            else:
                self._to_play = [(start, sound[: sample - start]) for start, sound in self._to_play if start < sample]

    def _heard(self, until: int) -> bytes:
        """The agent's track from what is written up to `until`."""
        track = bytearray(audio.SILENCE * (until - self._written))
        for start, sound in self._to_play:
            begin, end = max(start, self._written), min(start + len(sound), until)
            if begin < end:
                track[begin - self._written : end - self._written] = sound[begin - start : end - start]
        self._to_play = [(start, sound) for start, sound in self._to_play if start + len(sound) > until]
        return bytes(track)


def _thin(loudest: list[float], buckets: int) -> list[float]:
    if len(loudest) <= buckets:
        return loudest
    step = len(loudest) / buckets
    return [max(loudest[int(i * step) : max(int(i * step) + 1, int((i + 1) * step))]) for i in range(buckets)]
