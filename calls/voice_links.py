"""The link to a voice that stands on a websocket: one for the whole call, kept alive by the provider's rules."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from calls.conversation.commands import FinishSpeaking, Speak, StopSpeaking
from calls.conversation.events import VoiceDone, VoiceFailed
from calls.sockets import Connection, MakeConnection, Refused, Socket
from calls.voices.base import SocketVoice, VoiceCommand, VoiceEvent

HANDSHAKE_S = 3.0
"""A voice whose socket does not open by then is no use to a caller who waits."""

NORMAL = 1000

Feed = Callable[[VoiceEvent], None]
Lost = Callable[[str, bool], None]


class VoiceLink(Protocol):
    """The way to one voice of one call. It never raises: what goes wrong is told to `lost(reason, retry)` or is a VoiceFailed."""

    async def open(self) -> None: ...

    def take(self, command: VoiceCommand) -> None: ...

    async def close(self) -> None: ...


def _ignore(reason: str, retry: bool) -> None:
    pass


class SocketLink:
    """A voice's websocket. What is to be said before it stands waits; one that idles out is opened anew without a word.

    `dialect`: makes one for each socket.
    """

    def __init__(
        self,
        dialect: Callable[[], SocketVoice],
        feed: Feed,
        lost: Lost = _ignore,
        *,
        connection: MakeConnection = Socket,
    ) -> None:
        self._make = dialect
        self._connection = connection
        self._feed = feed
        self._lost = lost
        self._dialect = dialect()
        self._socket: Connection | None = None
        self._stands = False
        self._closed = False
        self._waiting: deque[VoiceCommand] = deque()
        self._speaking: set[str] = set()
        self._wrote_at = 0.0
        self._keepalive: asyncio.TimerHandle | None = None
        self._reopening: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Connect. Harmless while it stands."""
        if self._socket is not None or self._closed:
            return
        dialect = self._dialect = self._make()
        socket = self._socket = self._connection(
            lambda message: self._read(socket, message), lambda *how: self._over(socket, *how)
        )
        try:
            await socket.open(dialect.url(), dialect.headers(), dialect.opening(), HANDSHAKE_S)
        except Refused as refusal:
            if socket is self._socket:
                self._socket = None
                self._report(refusal.reason, refusal.leaves_hope(dialect.may_retry))
            return
        if socket is not self._socket or self._closed:
            await socket.close()
            return
        self._stands = True
        self._wrote()
        while self._waiting:
            self._write(self._waiting.popleft())

    def take(self, command: VoiceCommand) -> None:
        """Say this, at once or as soon as the socket stands."""
        if self._closed:
            return
        if isinstance(command, Speak):
            self._speaking.add(command.utterance)
        elif isinstance(command, StopSpeaking):
            self._speaking.discard(command.utterance)
        if self._stands:
            self._write(command)
        else:
            self._waiting.append(command)
            if self._socket is None:
                self._open_soon()

    def _open_soon(self) -> None:
        self._reopening = asyncio.get_running_loop().create_task(self.open())

    def _write(self, command: Speak | FinishSpeaking | StopSpeaking) -> None:
        self._send(self._dialect.write(command))

    def _send(self, messages: Sequence[str]) -> None:
        if self._socket is not None and messages:
            for message in messages:
                self._socket.write(message)
            self._wrote()

    # --- from the provider

    def _read(self, socket: Connection, message: str | bytes) -> None:
        for event in self._dialect.parse(message):
            if socket is not self._socket or self._closed:
                return
            if isinstance(event, VoiceDone) or (isinstance(event, VoiceFailed) and event.utterance):
                self._speaking.discard(event.utterance)
            self._feed(event)
        if socket is self._socket:
            self._send(self._dialect.waiting())

    def _over(self, socket: Connection, reason: str, close_code: int | None) -> None:
        if socket is not self._socket or self._closed:
            return
        self._socket, self._stands = None, False
        self._quiet()
        if close_code == NORMAL and not self._speaking and not self._waiting:
            return  # idled out: it is opened anew with the next words
        self._report(reason, close_code is None or self._dialect.may_retry(close_code, None))

    def _report(self, reason: str, retry: bool) -> None:
        self._waiting.clear()
        self._speaking.clear()
        if not self._closed:
            self._lost(reason, retry)

    # --- keeping it alive

    def _wrote(self) -> None:
        """Something was said just now; the provider's patience begins anew."""
        loop = asyncio.get_running_loop()
        self._wrote_at = loop.time()
        rule = self._dialect.keepalive()
        if rule is not None and self._keepalive is None:
            self._keepalive = loop.call_later(rule[0], self._keep_alive)

    def _keep_alive(self) -> None:
        self._keepalive = None
        rule = self._dialect.keepalive()
        if rule is None or self._socket is None or not self._stands:
            return
        loop = asyncio.get_running_loop()
        quiet = loop.time() - self._wrote_at
        if quiet >= rule[0] - 0.01:
            for message in rule[1]:
                self._socket.write(message)
            self._wrote()
        else:
            self._keepalive = loop.call_later(rule[0] - quiet, self._keep_alive)

    def _quiet(self) -> None:
        if self._keepalive is not None:
            self._keepalive.cancel()
            self._keepalive = None

    async def close(self) -> None:
        """Leave the provider, within a second whatever it does. No event comes after it. Harmless twice."""
        self._closed, self._stands = True, False
        self._quiet()
        socket, self._socket = self._socket, None
        if socket is not None:
            await socket.close()
        if self._reopening is not None:
            await asyncio.wait({self._reopening}, timeout=1)
