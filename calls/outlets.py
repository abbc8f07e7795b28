"""What takes the conversation's commands: the phone, the model, the recording and the record of a call."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from calls import log
from calls.carriers.base import PhoneDialect
from calls.conversation import commands as c
from calls.conversation.events import Event, LinkLost, OutletFull
from calls.conversation.facts import INTERRUPTION_CLEARED
from calls.link import Link, LinkRefused
from calls.realtime.base import ModelDialect

QUEUE_BOUND = 3000
"""Messages that the phone's socket has not taken: some minutes of sound. A carrier that is this far behind is gone."""

Feed = Callable[[Event], None]


class PhoneOutlet:
    """Writes to the phone's socket, in order, from one task. A clear overtakes all that waits for the socket."""

    takes = frozenset({c.PlayAudio, c.SendMark, c.ClearPlayback, c.EndCall})

    def __init__(self, dialect: PhoneDialect, send: Callable[[str], Awaitable[None]], feed: Feed, note: NoteTaker):
        self._dialect = dialect
        self._send = send
        self._feed = feed
        self._note = note
        self._queue: deque[tuple[str, c.ClearPlayback | None, float]] = deque()
        self._wake = asyncio.Event()
        self._end: c.EndCall | None = None
        self.messages = 0

    def take(self, command: c.Command, now: float) -> None:
        match command:
            case c.PlayAudio():
                self._put(self._dialect.audio(command.audio), None, now)
            case c.SendMark():
                self._put(self._dialect.mark(command.name), None, now)
            case c.ClearPlayback():
                self._queue.clear()
                self._put(self._dialect.clear(), command, now)
            case c.EndCall():
                self._end = command
                self._wake.set()

    def _put(self, message: str, clear: c.ClearPlayback | None, now: float) -> None:
        if len(self._queue) >= QUEUE_BOUND:
            self._queue.clear()
            self._feed(OutletFull("phone"))
            return
        self._queue.append((message, clear, now))
        self._wake.set()

    async def run(self) -> c.EndCall:
        """Write until the call ends; why it does."""
        while True:
            while self._queue and self._end is None:
                message, clear, since = self._queue.popleft()
                await self._send(message)
                self.messages += 1
                if clear is not None and clear.interruption:
                    clear_ms = round((time.monotonic() - since) * 1000, 3)
                    self._note(INTERRUPTION_CLEARED, {"number": clear.interruption, "clear_ms": clear_ms})
            if self._end is not None:
                return self._end
            self._wake.clear()
            await self._wake.wait()


class ModelOutlet:
    """The link to the model, and its replacement when it is lost. A link that was replaced is not heard any more."""

    takes = frozenset(
        {
            c.OpenModel,
            c.SendAudio,
            c.CommitInput,
            c.AskForReply,
            c.CancelReply,
            c.TruncateReply,
            c.DeleteItem,
            c.AddItem,
            c.ConfigureModel,
            c.EndCall,
        }
    )

    def __init__(self, dialect: Callable[[], ModelDialect], feed: Feed):
        self._dialect = dialect
        self._feed = feed
        self._link: Link | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def take(self, command: c.Command, now: float) -> None:
        match command:
            case c.OpenModel():
                self._replace()
            case c.EndCall():
                self._leave()
            case _:
                if self._link is not None:
                    self._link.take(command)

    def _replace(self) -> None:
        self._leave()
        link = Link(self._dialect(), lambda event: self._from(link, event))
        self._link = link
        self._start(self._open(link))

    def _from(self, link: Link, event: Event) -> None:
        if link is self._link:
            self._feed(event)

    async def _open(self, link: Link) -> None:
        try:
            await link.open()
        except LinkRefused as refusal:
            self._from(link, LinkLost(refusal.reason, refusal.retry))

    def _leave(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            self._start(link.close())

    def _start(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Leave the model's socket and wait for it. Harmless twice."""
        self._leave()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=2)


class Track(Protocol):
    """What a recorder is to the bridge."""

    def agent(self, audio: bytes, play_at: float) -> None: ...

    def clear(self, heard_until: float) -> None: ...


class RecorderOutlet:
    """The agent's track as the caller hears it."""

    takes = frozenset({c.PlayAudio, c.ClearPlayback})

    def __init__(self, recorder: Track):
        self._recorder = recorder

    def take(self, command: c.Command, now: float) -> None:
        match command:
            case c.PlayAudio():
                self._recorder.agent(command.audio, command.play_at)
            case c.ClearPlayback():
                self._recorder.clear(command.heard_until)


class Journal(Protocol):
    """What a spool is to the bridge."""

    def write(self, kind: str, data: dict[str, Any], at_ms: int) -> int: ...


NoteTaker = Callable[[str, dict[str, Any]], None]


class RecordOutlet:
    """Notes go to the spool, and some to the log."""

    takes = frozenset({c.Note})

    def __init__(self, call_id: object, spool: Journal, began_at: Callable[[], float]):
        self._call_id = call_id
        self._spool = spool
        self._began_at = began_at

    def take(self, command: c.Command, now: float) -> None:
        if isinstance(command, c.Note):
            self.note(command.kind, command.data, now)

    def note(self, kind: str, data: dict[str, Any], now: float | None = None) -> None:
        """Write down a fact that the shell itself found."""
        at = time.monotonic() if now is None else now
        self._spool.write(kind, data, max(0, round((at - self._began_at()) * 1000)))
        log.say(self._call_id, kind, data)
