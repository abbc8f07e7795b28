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

from calls import vad
from calls.rehearsal import script, voice
from calls.rehearsal.behaviour import Behaviour
from calls.rehearsal.session import EXPIRED, Session

logger = logging.getLogger("calls.rehearsal")

PATH = "/v1/realtime"
DEFAULT_MODEL = "gpt-realtime-2.1"
EXPIRED_CODE = 1001

Watcher = Callable[[str, dict[str, Any]], None]


class RehearsalServer:
    """Serves sessions until it is closed. `watch` sees every event in the order of the wire: ("client" or "server", the event).

    A new `behaviour` holds for the sessions that begin after it.
    """

    def __init__(self, behaviour: Behaviour | None = None, watch: Watcher | None = None) -> None:
        self.behaviour = behaviour or Behaviour()
        self.sessions: list[Session] = []  # those that are open
        self._watch = watch or (lambda side, event: None)
        self._server: Server | None = None

    @property
    def open_sockets(self) -> int:
        return len(self.sessions)

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Listen; the address for OPENAI_REALTIME_URL. Raises OSError, and RuntimeError when it cannot hear or speak."""
        await asyncio.to_thread(_prepare)
        self._server = await serve(
            self._converse,
            host,
            port,
            compression=None,
            max_size=16 * 2**20,
            process_request=self._admit,
            server_header="Rehearsal model (scripted answers)",
        )
        port = self._server.sockets[0].getsockname()[1]
        return f"ws://{host}:{port}{PATH}"

    async def close(self) -> None:
        """End all sessions. Harmless twice."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        if self.behaviour.refuse_status is not None:
            return connection.respond(http.HTTPStatus(self.behaviour.refuse_status), "Refused by the rehearsal.\n")
        if urlsplit(request.path).path != PATH:
            return connection.respond(http.HTTPStatus.NOT_FOUND, f"The rehearsal model is at {PATH}.\n")
        return None

    async def _converse(self, socket: ServerConnection) -> None:
        query = parse_qs(urlsplit(socket.request.path if socket.request else "").query)
        model = query.get("model", [DEFAULT_MODEL])[0]
        session = Session(model, vad.SileroVad(), self.behaviour, time.monotonic(), time.time())
        self.sessions.append(session)
        logger.info("Rehearsal session %s began", session.id)
        try:
            await _Line(socket, session, self._watch).serve()
        finally:
            self.sessions.remove(session)
            logger.info("Rehearsal session %s ended", session.id)


def _prepare() -> None:
    """Everything that would hold up the first sessions."""
    vad.load()
    voice.prepare(script.everything())


class _Line:
    """One socket and its session. Events leave in the order in which the session gave them, whichever task asked it."""

    def __init__(self, socket: ServerConnection, session: Session, watch: Watcher) -> None:
        self._socket = socket
        self._session = session
        self._watch = watch
        self._wake = asyncio.Event()
        self._armed: float | None = None  # the deadline that `_speak` waits for
        self._order = asyncio.Lock()  # first come, first served

    async def serve(self) -> None:
        speaking = asyncio.create_task(self._speak())
        speaking.add_done_callback(self._speaking_ended)
        try:
            await self._send(self._session.hello())
            async for text in self._socket:
                event = _read(text)
                self._watch("client", event)
                await self._send(self._session.handle(event, time.monotonic()))
                if self._session.deadline() != self._armed:
                    self._wake.set()
        except ConnectionClosed:
            pass
        finally:
            speaking.cancel()
            await asyncio.wait([speaking])

    def _speaking_ended(self, task: asyncio.Task[None]) -> None:
        fault = None if task.cancelled() else task.exception()
        if fault is not None and not isinstance(fault, ConnectionClosed):
            logger.error("Rehearsal session %s cannot go on", self._session.id, exc_info=fault)
            self._socket.transport.abort()

    async def _speak(self) -> None:
        """Send what is due when it is due; end the socket when the behaviour or the session says so."""
        behaviour, session = self._session.behaviour, self._session
        drop_at = None if behaviour.drop_after_s is None else session.began_at + behaviour.drop_after_s
        while True:
            self._armed = session.deadline()
            due = min((at for at in (self._armed, drop_at) if at is not None), default=None)
            wait = None if due is None else max(0.0, due - time.monotonic())
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), wait)
            self._wake.clear()
            now = time.monotonic()
            if drop_at is not None and now >= drop_at:
                await self._drop(behaviour.drop_code)
                return
            await self._send(session.tick(now))
            if session.expired:
                await self._socket.close(EXPIRED_CODE, EXPIRED)
                return

    async def _drop(self, code: int | None) -> None:
        if code is None:
            self._socket.transport.abort()
        else:
            await self._socket.close(code, "The rehearsal was told to end.")

    async def _send(self, events: list[dict[str, Any]]) -> None:
        if not events:
            return
        async with self._order:
            for event in events:
                self._watch("server", event)
                await self._socket.send(orjson.dumps(event), text=True)


def _read(text: str | bytes) -> dict[str, Any]:
    """The event; what is no JSON object is one without a type."""
    try:
        event = orjson.loads(text)
    except orjson.JSONDecodeError:
        event = None
    return event if isinstance(event, dict) else {}
