"""The rehearsal model as a server: one websocket, one session."""

from __future__ import annotations

import asyncio
import contextlib
import http
import logging
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from calls.rehearsal.behaviour import Behaviour
from calls.rehearsal.session import Session
from calls.vad import SileroVad

logger = logging.getLogger("calls.rehearsal")

Watcher = Callable[[str, dict[str, Any]], None]


class RehearsalServer:
    """Serves sessions until it is closed. `watch` sees every event: ("client" or "server", the event)."""

    def __init__(self, behaviour: Behaviour | None = None, watch: Watcher | None = None) -> None:
        self.behaviour = behaviour or Behaviour()
        self.sessions: list[Session] = []
        self.open_sockets = 0
        self._watch = watch or (lambda side, event: None)
        self._server: Server | None = None

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Listen; the address for OPENAI_REALTIME_URL."""
        self._server = await serve(
            self._converse, host, port, compression=None, max_size=16 * 2**20, process_request=self._admit
        )
        port = self._server.sockets[0].getsockname()[1]
        return f"ws://{host}:{port}/v1/realtime"

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        if self.behaviour.refuse_status is not None:
            return connection.respond(http.HTTPStatus(self.behaviour.refuse_status), "Refused by the rehearsal.\n")
        if urlsplit(request.path).path != "/v1/realtime":
            return connection.respond(http.HTTPStatus.NOT_FOUND, "The rehearsal model is at /v1/realtime.\n")
        return None

    async def _converse(self, socket: ServerConnection) -> None:
        query = parse_qs(urlsplit(socket.request.path if socket.request else "").query)
        now = time.monotonic()
        session = Session(query.get("model", ["gpt-realtime-2.1"])[0], SileroVad(), self.behaviour, now, time.time())
        self.sessions.append(session)
        self.open_sockets += 1
        logger.info("Rehearsal session %s began", session.id)
        wake = asyncio.Event()
        speaking = asyncio.create_task(self._speak(socket, session, wake))
        try:
            await self._send(socket, session.hello())
            async for text in socket:
                event = self._read(text)
                self._watch("client", event)
                await self._send(socket, session.handle(event, time.monotonic()))
                wake.set()
        except ConnectionClosed:
            pass
        finally:
            speaking.cancel()
            with contextlib.suppress(asyncio.CancelledError, ConnectionClosed):
                await speaking
            self.open_sockets -= 1
            logger.info("Rehearsal session %s ended", session.id)

    @staticmethod
    def _read(text: str | bytes) -> Any:
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            return {}

    async def _speak(self, socket: ServerConnection, session: Session, wake: asyncio.Event) -> None:
        """Send what is due when it is due; break the socket when the behaviour says so."""
        drop_at = None
        if self.behaviour.drop_after_s is not None:
            drop_at = session.began_at + self.behaviour.drop_after_s
        while True:
            due = min((at for at in (session.deadline(), drop_at) if at is not None), default=None)
            wait = None if due is None else max(0.0, due - time.monotonic())
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(wake.wait(), wait)
            wake.clear()
            now = time.monotonic()
            if drop_at is not None and now >= drop_at:
                socket.transport.abort()
                return
            await self._send(socket, session.tick(now))
            if session.has_expired(now):
                await socket.close(1001, "Your session hit the maximum duration of 60 minutes.")
                return

    async def _send(self, socket: ServerConnection, events: list[dict[str, Any]]) -> None:
        for event in events:
            self._watch("server", event)
            await socket.send(orjson.dumps(event).decode())
