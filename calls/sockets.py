"""One outgoing websocket, written to within one step: what a link to a model, a voice or an ear has in common.

`websockets` is driven below its `send` coroutine: the protocol object frames the message and the connection hands the bytes to the
transport, both synchronously. What `send` adds is fragmentation and waiting for room, and here room is checked instead: a late
frame of sound is worth nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable
from typing import Protocol
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI
from websockets.protocol import State

logger = logging.getLogger("calls")

HANDSHAKE_S = 5.0
CLOSE_S = 0.8
MAX_MESSAGE = 16 * 2**20
"""Bytes. Deltas are some 16 kB, but an item that is asked back carries all of its sound."""

WRITE_BOUND = 256 * 1024
"""Bytes waiting in our own buffer: some 20 s of a caller's sound. A peer that is this far behind does not listen."""


class Refused(Exception):
    """The socket could not be opened. `reason` is safe to log."""

    def __init__(
        self, reason: str, http_status: int | None = None, *, close_code: int | None = None, hopeless: bool = False
    ) -> None:
        super().__init__(reason)
        self._status, self._close_code, self._hopeless = http_status, close_code, hopeless
        self.reason = reason

    def leaves_hope(self, may_retry: Callable[[int | None, int | None], bool]) -> bool:
        """Whether another try can do better, by what the dialect knows of the provider's answers."""
        if self._hopeless:
            return False
        nothing_said = self._status is None and self._close_code is None
        return nothing_said or may_retry(self._close_code, self._status)


Read = Callable[[str | bytes], None]
Over = Callable[[str, int | None], None]


class Connection(Protocol):
    """What a link needs of a socket. In a run whose time is only counted it is none."""

    @property
    def is_open(self) -> bool: ...

    async def open(self, url: str, headers: dict[str, str], opening: Iterable[str], within_s: float = ...) -> None: ...

    def write(self, message: str | bytes) -> None: ...

    def has_room(self) -> bool | None: ...

    async def close(self) -> None: ...


MakeConnection = Callable[[Read, Over], Connection]


class Socket:
    """A connection with a reader. `read` gets each message; `lost` is called once, with the close code, unless we closed."""

    def __init__(self, read: Read, lost: Over) -> None:
        self._read_message = read
        self._lost = lost
        self._socket: ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None
        self._full = False
        self._over = False  # closed by us, or already reported lost

    async def open(
        self, url: str, headers: dict[str, str], opening: Iterable[str], within_s: float = HANDSHAKE_S
    ) -> None:
        """Connect and send what opens the conversation. Raises Refused."""
        try:
            self._socket = await connect(
                url,
                additional_headers=headers,
                compression=None,
                max_size=MAX_MESSAGE,
                open_timeout=within_s,
                close_timeout=CLOSE_S,
                ping_interval=20,
                ping_timeout=20,
                proxy=None if urlsplit(url).scheme == "ws" else True,
            )
        except InvalidStatus as error:
            status = error.response.status_code
            raise Refused(f"HTTP {status}", status) from None
        except InvalidURI:
            raise Refused("the address is not a websocket address", hopeless=True) from None
        except (OSError, TimeoutError, InvalidHandshake, EOFError) as error:
            # Only the type: these exceptions can carry headers, and those hold the key.
            raise Refused(type(error).__name__) from None
        if self._over:
            await self._socket.close()
            return
        try:
            for message in opening:
                await self._socket.send(message)
        except ConnectionClosed:
            # Let in and shown out: a wrong key is told so by some.
            code = self._socket.close_code
            raise Refused("closed" if code is None else f"closed with {code}", close_code=code) from None
        self._reader = asyncio.get_running_loop().create_task(self._read(self._socket))

    @property
    def is_open(self) -> bool:
        socket = self._socket
        return socket is not None and not self._over and socket.protocol.state is State.OPEN

    def write(self, message: str | bytes) -> None:
        """Put a message on the wire. Dropped without a word when the socket is not open."""
        socket = self._socket
        if socket is None or not self.is_open:
            return
        if isinstance(message, str):
            socket.protocol.send_text(message.encode())
        else:
            socket.protocol.send_binary(message)
        socket.send_data()

    def has_room(self) -> bool | None:
        """Whether sound may be written. None: the bound was reached just now."""
        waiting = self._socket.transport.get_write_buffer_size() if self._socket is not None else 0
        if self._full:
            self._full = waiting > WRITE_BOUND // 2
        elif waiting > WRITE_BOUND:
            self._full = True
            return None
        return not self._full

    async def _read(self, socket: ClientConnection) -> None:
        reason = ""
        try:
            async for message in socket:
                if self._over:
                    return
                self._read_message(message)
        except ConnectionClosed:
            pass
        except Exception as error:
            logger.exception("Reading from a socket failed")
            reason = type(error).__name__
        if not self._over:
            self._over = True
            code = socket.close_code
            self._lost(reason or ("closed" if code is None else f"closed with {code}"), code)

    async def close(self) -> None:
        """Close in order, within a second whatever the peer does. Nothing is read after it. Harmless twice."""
        self._over = True
        if self._socket is not None:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(self._socket.close(), CLOSE_S + 0.1)
            self._socket.transport.abort()
        if self._reader is not None:
            self._reader.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await self._reader
