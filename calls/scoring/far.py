"""Providers of voices and hearing in a run whose time is only counted: their stand-ins, at the far end of a wire in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx

from calls.providers import Network
from calls.scoring.clock import Clock
from calls.sockets import Over, Read, Refused


class Far:
    """All stand-ins of a run. `delay_s`: of the wire, each way."""

    def __init__(self, stand_ins: Mapping[str, Any], clock: Clock, delay_s: float) -> None:
        self.stand_ins = stand_ins
        self.clock = clock
        self.delay_s = delay_s

    def network(self) -> Network:
        return Network(connection=lambda read, lost: Wire(self, read, lost), transport=Streaming(self))

    def below(self, path: str) -> tuple[Any, dict[str, Any]]:
        """Whose path it is, and what of it the provider would get; None: nobody's."""
        _, slug, *rest = path.split("/", 2)
        below = {"path": "/" + (rest[0] if rest else ""), "root_path": f"/{slug}", "client": ("run", 0)}
        return self.stand_ins.get(slug), below


class Streaming(httpx.AsyncBaseTransport):
    """Requests to a stand-in; the body comes in the pieces in which it is sent. (httpx's own waits for the whole of it.)"""

    def __init__(self, far: Far) -> None:
        self._far = far

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        stand_in, below = self._far.below(request.url.path)
        if stand_in is None:
            return httpx.Response(404)
        scope = {
            "type": "http",
            "method": request.method,
            "query_string": request.url.query,
            "headers": [(name.lower(), value) for name, value in request.headers.raw],
            "voices.abort": lambda: None,
            **below,
        }
        answer = _Answer(self._far, await request.aread())
        answer.task = asyncio.get_running_loop().create_task(stand_in(scope, answer.receive, answer.send))
        status, headers = await answer.started
        return httpx.Response(status, headers=headers, stream=answer)


class _Answer(httpx.AsyncByteStream):
    """One answer on its way."""

    def __init__(self, far: Far, body: bytes) -> None:
        self.started: asyncio.Future[tuple[int, list[tuple[bytes, bytes]]]] = asyncio.get_running_loop().create_future()
        self.task: asyncio.Task[None] | None = None
        self._far = far
        self._asked: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._asked.put_nowait({"type": "http.request", "body": body, "more_body": False})
        self._pieces: asyncio.Queue[bytes | None] = asyncio.Queue()

    async def receive(self) -> dict[str, Any]:
        return await self._asked.get()

    async def send(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            head = message["status"], list(message.get("headers", ()))
            self._far.clock.later(2 * self._far.delay_s, lambda: self.started.set_result(head))
            return
        if piece := message.get("body"):
            self._later(piece)
        if not message.get("more_body"):
            self._later(None)

    def _later(self, piece: bytes | None) -> None:
        self._far.clock.later(2 * self._far.delay_s, lambda: self._pieces.put_nowait(piece))

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (piece := await self._pieces.get()) is not None:
            yield piece

    async def aclose(self) -> None:
        self._asked.put_nowait({"type": "http.disconnect"})
        if self.task is not None:
            self.task.cancel()


class Wire:
    """What a socket is to a link: messages leave now and arrive later, in order."""

    def __init__(self, far: Far, read: Read, lost: Over) -> None:
        self._far = far
        self._read = read
        self._lost = lost
        self._to_provider: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._task: asyncio.Task[None] | None = None
        self.is_open = False

    async def open(self, url: str, headers: dict[str, str], opening: Iterable[str], within_s: float = 5.0) -> None:
        """Raises Refused."""
        parts = urlsplit(url)
        stand_in, below = self._far.below(parts.path)
        if stand_in is None:
            raise Refused("HTTP 404", 404)
        scope = {
            "type": "websocket",
            "query_string": parts.query.encode(),
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
            "voices.abort": lambda: self._over(None),
            **below,
        }
        await asyncio.sleep(2 * self._far.delay_s)
        self._to_provider.put_nowait({"type": "websocket.connect"})
        self._task = asyncio.get_running_loop().create_task(stand_in(scope, self._to_provider.get, self._send))
        status = await self._answer
        if status != 101:
            raise Refused(f"HTTP {status}", status)
        self.is_open = True
        for message in opening:
            self.write(message)

    def write(self, message: str | bytes) -> None:
        if self.is_open:
            frame = {"text": message} if isinstance(message, str) else {"bytes": message}
            self._later(lambda: self._to_provider.put_nowait({"type": "websocket.receive", **frame}))

    def has_room(self) -> bool | None:
        return True

    def _later(self, act: Any) -> None:
        self._far.clock.later(self._far.delay_s, act)

    async def _send(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "websocket.accept":
                self._answer.set_result(101)
            case "websocket.http.response.start":
                self._answer.set_result(message["status"])
            case "websocket.send":
                said = message.get("text") or message.get("bytes") or ""
                self._later(lambda: self._arrive(said))
            case "websocket.close":
                code = message.get("code", 1000)
                self._later(lambda: self._over(code))

    def _arrive(self, message: str | bytes) -> None:
        if self.is_open:
            self._read(message)

    def _over(self, code: int | None) -> None:
        if self.is_open:
            self.is_open = False
            self._lost("closed" if code is None else f"closed with {code}", code)

    async def close(self) -> None:
        self.is_open = False
        if self._task is not None:
            self._task.cancel()
