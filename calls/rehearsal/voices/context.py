"""One stretch of speech in the making, as all providers with contexts have it: text is spoken in the order in which it came, its
sound leaves in pieces, no faster than the pace, and some of it still leaves after a stop."""

from __future__ import annotations

import asyncio
import itertools
import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from calls.rehearsal.voices.host import Spoken, VoiceBehaviour, clock
from calls.rehearsal.voices.line import Line
from calls.rehearsal.voices.speech import Speech, TimedWord

logger = logging.getLogger("calls.rehearsal")


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of the sound. Times are ms of the context's whole sound."""

    audio: bytes
    number: int  # within its job, from 0
    at_ms: float
    words: tuple[TimedWord, ...]  # that begin in it
    job_words: tuple[TimedWord, ...]  # of all that is spoken in one go with it
    job: int  # the number of what is spoken in one go, from 1


class Context(ABC):
    """A provider's own says what goes over the wire: `sounds`, `flushed` and `ends`."""

    def __init__(
        self, name: str, line: Line, behaviour: VoiceBehaviour, make: Callable[[str], Awaitable[Speech]], spoken: Spoken
    ) -> None:
        self.name = name
        self.line = line
        self.behaviour = behaviour
        self.spoken = spoken
        self.last_sound_at = clock()
        self.over = False
        self._make = make
        self._jobs: asyncio.Queue[tuple[str, float] | None] = asyncio.Queue()
        self._due_at = 0.0  # of the next piece
        self._sent_bytes = 0
        self._base_ms = 0.0
        self._halted = False
        self._resting = True
        self._task = asyncio.create_task(self._run())
        self._task.add_done_callback(self._ended)

    # --- what the provider tells

    @abstractmethod
    async def sounds(self, piece: Piece) -> None:
        """A piece of the sound is due."""

    async def flushed(self, job: int) -> None:
        """All the sound of what was spoken in one go has left. Not every provider tells."""
        return

    @abstractmethod
    async def ends(self) -> None:
        """All the sound has left, and no more comes."""

    # --- what it is told

    def say(self, text: str) -> None:
        """Speak this in one go, after what is being spoken."""
        self._jobs.put_nowait((text, clock()))

    def end(self) -> None:
        """No more comes."""
        self._jobs.put_nowait(None)

    def stop(self) -> None:
        """What was not begun is not spoken, and of what was only a little still comes."""
        self.spoken.stopped = self._halted = True

    def cancel(self) -> None:
        """The socket is gone."""
        self._task.cancel()

    async def finished(self) -> None:
        """Until all of it has left."""
        await asyncio.wait([self._task])

    @property
    def idle(self) -> bool:
        """Whether there is nothing to speak, or being spoken, at the moment."""
        return self._jobs.empty() and self._resting

    # --- inside

    def _ended(self, task: asyncio.Task[None]) -> None:
        fault = None if task.cancelled() else task.exception()
        if fault is not None:
            logger.error("A stand-in cannot go on speaking", exc_info=fault)
            self.line.abort()

    async def _run(self) -> None:
        for job in itertools.count(1):
            self._resting = True
            order = await self._jobs.get()
            self._resting = False
            if order is None:
                break
            if not self._halted:
                await self._speak(job, *order)
        if not self.behaviour.mute:
            self.over = True
            await self.ends()

    async def _speak(self, job: int, text: str, asked_at: float) -> None:
        speech = await self._make(text)
        words = tuple(word.later(self._base_ms) for word in speech.words)
        self.spoken.text += text
        self.spoken.words += [(word.text, word.end_ms) for word in words]
        if self.behaviour.mute:
            return
        self._due_at = max(self._due_at, asked_at + (0.0 if self._sent_bytes else self.behaviour.first_sound_s))
        size = self.behaviour.chunk_ms * speech.bytes_per_ms
        for number, start in enumerate(range(0, len(speech.audio), size)):
            audio = speech.audio[start : start + size]
            await asyncio.sleep(max(0.0, self._due_at - clock()))
            if self._halted and self.spoken.late_ms >= self.behaviour.late_ms:
                return
            await self._send(Piece(audio, number, self.spoken.sent_ms, (), words, job), speech.bytes_per_ms)
            self._due_at += len(audio) / speech.bytes_per_ms / self.behaviour.pace / 1000
        self._base_ms += speech.ms
        if not self._halted:
            await self.flushed(job)

    async def _send(self, piece: Piece, bytes_per_ms: int) -> None:
        ms = len(piece.audio) / bytes_per_ms
        until_ms = piece.at_ms + ms
        begun = tuple(word for word in piece.job_words if piece.at_ms <= word.start_ms < until_ms)
        broken_at = self.behaviour.break_after_ms
        if broken_at is not None and self.spoken.sent_ms >= broken_at:
            self.line.abort()
            self._task.cancel()
            return
        self._sent_bytes += len(piece.audio)
        self.spoken.sent_ms = until_ms
        self.spoken.late_ms += ms if self.spoken.stopped else 0.0
        self.last_sound_at = clock()
        await self.sounds(Piece(piece.audio, piece.number, piece.at_ms, begun, piece.job_words, piece.job))
