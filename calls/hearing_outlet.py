"""The ear of a call that is not the model's: a link with a hearing dialect."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

from calls import circuit
from calls.conversation import commands as c
from calls.conversation.events import Event, HearingLost, HearingReady, OutletFull
from calls.sockets import MakeConnection, Refused, Socket
from calls.voices.hearing import HearingDialect

FRAMES_KEPT = 250
"""5 s of the caller's sound, kept while the provider is not listening yet."""

HANDSHAKE_S = 3.0

Feed = Callable[[Event], None]


class HearingLink:
    """One socket. Sound that comes before the provider listens waits for it."""

    def __init__(self, dialect: HearingDialect, feed: Feed, connection: MakeConnection = Socket) -> None:
        self._dialect = dialect
        self._feed = feed
        self._socket = connection(self._read, self._lost)
        self._ready = False
        self._over = False
        self._early: deque[c.SendToHearing] = deque(maxlen=FRAMES_KEPT)
        self._change: c.ConfigureHearing | None = None  # that came before it listened

    async def open(self) -> None:
        dialect = self._dialect
        try:
            await self._socket.open(dialect.url(), dialect.headers(), dialect.opening(), HANDSHAKE_S)
        except Refused as refusal:
            self._report(HearingLost(refusal.reason, refusal.leaves_hope(dialect.may_retry)))

    def take(self, command: c.SendToHearing | c.ConfigureHearing | c.EndUtterance) -> None:
        if not self._ready:
            if isinstance(command, c.SendToHearing):
                self._early.append(command)
            elif isinstance(command, c.ConfigureHearing):
                self._change = command
            return
        if type(command) is c.SendToHearing:
            room = self._socket.has_room()
            if room is None:
                self._feed(OutletFull("hearing"))
            if not room:
                return
        for message in self._dialect.write(command):
            self._socket.write(message)

    def _read(self, message: str | bytes) -> None:
        for event in self._dialect.parse(message):
            if self._over:
                return
            if isinstance(event, HearingReady):
                self._ready = True
                if self._change is not None:
                    self.take(self._change)
                while self._early:
                    self.take(self._early.popleft())
            if isinstance(event, HearingLost):
                self._report(event)
            else:
                self._feed(event)

    def _lost(self, reason: str, close_code: int | None) -> None:
        self._report(HearingLost(reason, close_code is None or self._dialect.may_retry(close_code, None)))

    def _report(self, lost: HearingLost) -> None:
        if not self._over:
            self._over, self._ready = True, False
            self._feed(lost)

    async def close(self) -> None:
        """Take leave and close, within a second whatever the provider does. No event comes after it. Harmless twice."""
        self._over = True
        if self._ready:
            self._ready = False
            for message in self._dialect.closing():
                self._socket.write(message)
        await self._socket.close()


class HearingOutlet:
    """The link that hears now, and its replacement when it is lost."""

    takes = frozenset({c.OpenHearing, c.SendToHearing, c.ConfigureHearing, c.EndUtterance, c.EndCall})

    def __init__(
        self, dialect: Callable[[], HearingDialect], address: str, feed: Feed, connection: MakeConnection = Socket
    ) -> None:
        self._dialect = dialect
        self._connection = connection
        self._circuit = circuit.of(address)
        self._feed = feed
        self._link: HearingLink | None = None
        self._change: c.ConfigureHearing | None = None  # during the call, which another link must know as well
        self._tasks: set[asyncio.Task[Any]] = set()

    def take(self, command: c.Command, now: float) -> None:
        match command:
            case c.SendToHearing() | c.ConfigureHearing() | c.EndUtterance():
                if isinstance(command, c.ConfigureHearing):
                    self._change = command
                if self._link is not None:
                    self._link.take(command)
            case c.OpenHearing():
                self._open(now)
            case c.EndCall():
                self._leave()

    def _open(self, now: float) -> None:
        self._leave()
        if not self._circuit.allows(now):
            self._feed(HearingLost("out of order", retry=False))
            return
        link = HearingLink(self._dialect(), lambda event: self._from(link, event), self._connection)
        self._link = link
        if self._change is not None:
            link.take(self._change)
        self._start(link.open())

    def _from(self, link: HearingLink, event: Event) -> None:
        if link is not self._link:
            return
        if isinstance(event, HearingReady):
            self._circuit.succeeded()
        elif isinstance(event, HearingLost) and event.retry:
            self._circuit.failed(asyncio.get_running_loop().time())
        self._feed(event)

    def _leave(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            self._start(link.close())

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Leave the provider's socket and wait for it. Harmless twice."""
        self._leave()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=2)
