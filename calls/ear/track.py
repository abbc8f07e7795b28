"""The probabilities of speech beside a recording, a byte for each 32 ms: what other settings would have made of a call can then be
asked later, without hearing it again.

255 is certain. The first byte is of the recording's beginning. Where nothing was judged stands a zero, so that all stay in
place; what was judged has at least 1.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
from collections import deque
from io import FileIO
from pathlib import Path

from calls.conversation.events import SoundHeard
from calls.ear.stream import FRAME_S
from calls.writer import Writer

logger = logging.getLogger("calls")

_JITTER = 2
"""Frames that are later than this leave a gap; less, and they only arrived unevenly. As in the recorder."""

_SETTLED = 64
"""Frames that wait in memory, 2 s: sound that was held up for so long still goes into the gap that it left."""


class SpeechTrack:
    """One call's. Whatever fails costs the file, never the call."""

    def __init__(self, path: Path, started_at: float, writer: Writer) -> None:
        self._path = path
        self._started_at = started_at
        self._writer = writer
        self._heard: deque[tuple[float, float]] = deque()  # from the event loop to the writer's thread
        # The writer's own.
        self._laid = bytearray()
        self._written = 0
        self._file: FileIO | None = None
        self._failed = False
        writer.add(self)

    def add(self, sound: SoundHeard) -> None:
        """What was heard next. On the event loop: append, and nothing else."""
        self._heard.append((sound.at, sound.probability))

    async def close(self) -> None:
        """Write what is left."""
        try:
            await asyncio.wrap_future(self._writer.submit(self._finish))
        finally:
            self._writer.remove(self)

    # --- on the writer's thread

    def flush(self, now: float) -> None:
        """Lay out what was heard, and write what is old enough, a few seconds at a time."""
        self._lay_out()
        if len(self._laid) >= 2 * _SETTLED:
            self._write(len(self._laid) - _SETTLED)

    def _finish(self) -> None:
        self._lay_out()
        if self._laid:
            self._write(len(self._laid))
        if self._file is not None:
            self._file.close()
            self._file = None

    def _lay_out(self) -> None:
        while self._heard:
            at, probability = self._heard.popleft()
            place = round((at - self._started_at) / FRAME_S) - 1
            missing = place - self._written - len(self._laid)
            if missing > _JITTER:
                self._laid.extend(bytes(missing))
            elif missing < 0 and (gap := self._laid.rfind(0)) >= 0:
                del self._laid[gap]  # what was held up comes in a burst, and takes the place that was left for it
            self._laid.append(max(1, round(255 * probability)))

    def _write(self, count: int) -> None:
        settled = bytes(self._laid[:count])
        del self._laid[:count]
        self._written += count
        if self._failed:
            return
        try:
            if self._file is None:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._file = self._path.open("wb", buffering=0)
            if self._file.write(settled) != count:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            self._failed = True
            logger.error("%s cannot be written (%s); the call goes on without it", self._path.name, error.strerror)
