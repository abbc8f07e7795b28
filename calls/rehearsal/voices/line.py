"""One websocket of a stand-in, over ASGI: JSON both ways, and the ends that a socket can find."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import orjson

from calls.rehearsal.voices.host import Message, Receive, Send, VoiceBehaviour

Json = dict[str, Any]

GARBAGE: tuple[Message, ...] = (
    {"text": '{"audio":'},
    {"bytes": b"\x00\xff\xfe"},
    {"text": "[]"},
    {"text": '{"type":7,"contextId":{},"audio":"no base64!","data":[]}'},
)


class Line:
    """Sends nothing any more once it has ended, from whichever side."""

    def __init__(self, scope: Message, receive: Receive, send: Send, behaviour: VoiceBehaviour) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._garbage = itertools.cycle(GARBAGE) if behaviour.garbage else None
        self._order = asyncio.Lock()
        self.ended = False

    async def accept(self) -> None:
        await self._receive()
        await self._send({"type": "websocket.accept"})

    async def next(self, wait_s: float) -> Json | None:
        """The client's next message; what is no JSON object is an empty one. None: the client has gone. Raises TimeoutError."""
        async with asyncio.timeout(wait_s):
            message = await self._receive()
        if message["type"] != "websocket.receive":
            self.ended = True
            return None
        try:
            read = orjson.loads(message.get("text") or message.get("bytes") or b"")
        except orjson.JSONDecodeError:
            return {}
        return read if isinstance(read, dict) else {}

    async def send(self, message: Json) -> None:
        async with self._order:
            if self._garbage is not None:
                await self._pass(next(self._garbage))
            await self._pass({"text": orjson.dumps(message).decode()})

    async def _pass(self, frame: Message) -> None:
        if not self.ended:
            await self._send({"type": "websocket.send", **frame})

    async def close(self, code: int, reason: str = "") -> None:
        async with self._order:
            if not self.ended:
                self.ended = True
                # A close frame holds 123 bytes of reason.
                await self._send({"type": "websocket.close", "code": code, "reason": reason[:120]})

    def abort(self) -> None:
        """Break it without a farewell."""
        self.ended = True
        self._scope["voices.abort"]()
