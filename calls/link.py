"""A websocket that we opened: to a speech model, or to anything that has a dialect."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI
from websockets.protocol import State

from calls.conversation.commands import Command, SendAudio
from calls.conversation.events import Event, LinkLost, OutletFull
from calls.realtime.base import ModelDialect

logger = logging.getLogger("calls")

HANDSHAKE_S = 5.0
CLOSE_S = 0.8
MAX_MESSAGE = 16 * 2**20
"""Bytes. Deltas are some 16 kB, but an item that is asked back carries all of its sound."""

WRITE_BOUND = 256 * 1024
"""Bytes waiting in our own buffer: some 20 s of a caller's sound. A peer that is this far behind does not listen."""


class LinkRefused(Exception):
    """The socket could not be opened. `reason` is safe to log; `retry`: a later try can succeed."""

    def __init__(self, reason: str, retry: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry = retry


class Link:
    """One outgoing websocket. Messages are written within `take`, without a queue or a task between.

    `websockets` is driven below its `send` coroutine: the protocol object frames the message and the connection hands the
    bytes to the transport, both synchronously. What `send` adds is fragmentation and waiting for room, and here room is checked
    instead: a late frame of sound is worth nothing.
    """

    def __init__(self, dialect: ModelDialect, feed: Callable[[Event], None]) -> None:
        self._dialect = dialect
        self._feed = feed
        self._socket: ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None
        self._full = False
        self._over = False  # closed by us, or already reported lost

    async def open(self) -> None:
        """Connect and send the dialect's opening. Raises LinkRefused."""
        url = self._dialect.url()
        try:
            self._socket = await connect(
                url,
                additional_headers=self._dialect.headers(),
                compression=None,
                max_size=MAX_MESSAGE,
                open_timeout=HANDSHAKE_S,
                close_timeout=CLOSE_S,
                ping_interval=20,
                ping_timeout=20,
                proxy=None if urlsplit(url).scheme == "ws" else True,
            )
        except InvalidStatus as error:
            status = error.response.status_code
            raise LinkRefused(f"HTTP {status}", self._dialect.may_retry(None, status)) from None
        except InvalidURI:
            raise LinkRefused("the model's address is not a websocket address", False) from None
        except (OSError, TimeoutError, InvalidHandshake, EOFError) as error:
            # Only the type: these exceptions can carry headers, and those hold the key.
            raise LinkRefused(type(error).__name__, True) from None
        if self._over:
            await self._socket.close()
            return
        for message in self._dialect.opening():
            await self._socket.send(message)
        self._reader = asyncio.get_running_loop().create_task(self._read(self._socket))

    async def _read(self, socket: ClientConnection) -> None:
        reason, retry = "closed", True
        try:
            async for message in socket:
                for event in self._dialect.parse(message):
                    if self._over:
                        return
                    self._feed(event)
        except ConnectionClosed:
            pass
        except Exception as error:
            logger.exception("Reading from the model failed")
            reason = type(error).__name__
        if socket.close_code is not None:
            reason = f"closed with {socket.close_code}"
            retry = self._dialect.may_retry(socket.close_code, None)
        self._lost(reason, retry)

    def _lost(self, reason: str, retry: bool) -> None:
        if not self._over:
            self._over = True
            self._feed(LinkLost(reason, retry))

    def take(self, command: Command) -> None:
        """Write a command, if it is one for the model. Dropped without a word when the link is not open."""
        socket = self._socket
        if socket is None or self._over or socket.protocol.state is not State.OPEN:
            return
        if type(command) is SendAudio and self._is_full(socket):
            return
        message = self._dialect.write(command)
        if message is not None:
            socket.protocol.send_text(message.encode())
            socket.send_data()

    def _is_full(self, socket: ClientConnection) -> bool:
        waiting = socket.transport.get_write_buffer_size()
        if self._full:
            self._full = waiting > WRITE_BOUND // 2
        elif waiting > WRITE_BOUND:
            self._full = True
            self._feed(OutletFull("model"))
        return self._full

    async def close(self) -> None:
        """Close in order, within a second whatever the peer does. No event comes after it. Harmless twice."""
        self._over = True
        if self._socket is not None:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(self._socket.close(), CLOSE_S + 0.1)
            self._socket.transport.abort()
        if self._reader is not None:
            self._reader.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await self._reader
