"""Serves the stand-ins of all providers on one port, each below its slug: `ws://127.0.0.1:PORT/elevenlabs/v1/…`."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import uvicorn

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class VoiceBehaviour:
    """How a stand-in behaves, well or badly. The defaults are what is known of the services."""

    first_sound_s: float = 0.12  # from the text that lets it begin to its first sound
    pace: float = 8.0  # times real time
    chunk_ms: int = 230  # of sound in a message; not a multiple of 20 ms
    late_ms: int = 600  # of sound that still comes after a cancel, where it was in the making
    times: bool = True  # whether it tells when which word is spoken

    refuse_status: int | None = None  # the handshake, or the request, is answered with this HTTP status
    error: str = ""  # every utterance is refused: "quota", "voice", "key", "busy" or "server"
    mute: bool = False  # takes text and never makes a sound
    break_after_ms: float | None = None  # the socket breaks after so much sound of an utterance
    garbage: bool = False  # sends what nobody can read between its messages
    idle_s: float | None = None  # instead of the provider's own time, after which it closes an idle socket
    expiry_s: float = (
        1.0  # after its last sound, a stretch of speech takes no more text, where a provider has such a limit
    )


@dataclass(slots=True)
class Spoken:
    """What a stand-in really said: the truth that heard text is measured by."""

    context: str
    text: str = ""
    words: list[tuple[str, float]] = field(default_factory=list)  # as in `text`, and when it has ended: ms of its sound
    sent_ms: float = 0.0
    stopped: bool = False
    late_ms: float = 0.0  # sent after it was stopped

    def heard(self, ms: float) -> str:
        """The words that were over at a time of its sound."""
        return "".join(word for word, end_ms in self.words if end_ms <= ms).strip()


def clock() -> float:
    """The loop's time (s): a run in which time is only counted has a loop of its own."""
    return asyncio.get_running_loop().time()


class StandIn(Protocol):
    """An ASGI application for one provider; `scope["path"]` is as the provider would get it."""

    behaviour: VoiceBehaviour  # a new one holds for what begins after it
    spoken: list[Spoken]

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None: ...


class Host:
    """One server for several stand-ins, by slug."""

    def __init__(self, stand_ins: Mapping[str, Any]) -> None:
        self.stand_ins = stand_ins
        self._server: uvicorn.Server | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Listen; `host:port`. Raises OSError when the port cannot be had."""
        listener = socket.create_server((host, port))
        config = uvicorn.Config(
            self._serve,
            interface="asgi3",  # a bound method is taken for an older one
            ws="websockets-sansio",
            ws_per_message_deflate=False,
            ws_max_size=16 * 2**20,
            lifespan="off",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._task = asyncio.create_task(self._server.serve(sockets=[listener]))
        while not self._server.started:
            if self._task.done():
                await self._task
                raise OSError("the stand-ins of the voices could not be started")
            await asyncio.sleep(0.005)
        address, chosen = listener.getsockname()[:2]
        return f"{address}:{chosen}"

    async def close(self) -> None:
        """Harmless twice."""
        if self._server is not None and self._task is not None:
            self._server.should_exit = True
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _serve(self, scope: Message, receive: Receive, send: Send) -> None:
        _, slug, *rest = scope["path"].split("/", 2)
        stand_in = self.stand_ins.get(slug)
        if stand_in is None or scope["type"] not in ("http", "websocket"):
            await refuse(scope, receive, send, 404)
            return
        below = {**scope, "path": "/" + (rest[0] if rest else ""), "root_path": f"/{slug}"}
        await stand_in(below | {"voices.abort": lambda: self._abort(scope["client"])}, receive, send)

    def _abort(self, client: tuple[str, int]) -> None:
        """Break a connection without a farewell, which ASGI has no word for."""
        assert self._server is not None
        for connection in list(self._server.server_state.connections):
            if getattr(connection, "client", None) == tuple(client):
                connection.transport.abort()


async def refuse(scope: Message, receive: Receive, send: Send, status: int, body: bytes = b"") -> None:
    """Answer a request, or a handshake, with an HTTP status."""
    headers = [(b"content-type", b"application/json")]
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
        await send({"type": "websocket.http.response.body", "body": body})
    else:
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})
