"""A platform of a few lines, for a simulated phone to call: real sockets, and Twilio's own check of the signatures."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

from twilio.request_validator import RequestValidator
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from calls.carriers import twilio
from calls.simulated_phone import Script, SimulatedPhone

TOKEN = "12345"
SHORT = Script(listen_s=0.3, patience_s=0.3, longest_s=10)

Play = Callable[["Line"], Awaitable[None]]


class Line:
    """The platform's end of one media socket."""

    def __init__(self, socket: ServerConnection) -> None:
        self.socket = socket
        self.got: list[tuple[float, dict[str, Any]]] = []
        self.stream_id = ""
        self.faults: list[Exception] = []
        self._news = asyncio.Event()

    async def read(self) -> None:
        async for text in self.socket:
            message = json.loads(text)
            self.stream_id = message.get("streamSid", self.stream_id)
            self.got.append((time.monotonic(), message))
            self._news.set()

    def all(self, event: str) -> list[dict[str, Any]]:
        return [message for _, message in self.got if message["event"] == event]

    async def when(self, event: str, count: int = 1) -> float:
        """The time at which so many messages of a kind had come."""
        while True:
            times = [at for at, message in self.got if message["event"] == event]
            if len(times) >= count:
                return times[count - 1]
            self._news.clear()
            await self._news.wait()

    async def send(self, event: str, **fields: Any) -> None:
        await self.socket.send(json.dumps({"event": event, "streamSid": self.stream_id, **fields}))

    async def play(self, sound: bytes) -> None:
        await self.send("media", media={"payload": base64.b64encode(sound).decode()})

    async def mark(self, name: str) -> None:
        await self.send("mark", mark={"name": name})


class SmallPlatform:
    """Webhooks on one port, the media socket on another. `play` is what it does with a call."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.unsigned: list[str] = []
        self.lines: list[Line] = []
        self.handshakes: list[str] = []
        self.answers: dict[str, tuple[int, str]] = {}
        self.play: Play = nothing
        self.called = asyncio.Event()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._request_class())
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        self._sockets: Server | None = None
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    async def start(self) -> None:
        self._sockets = await serve(self._converse, "127.0.0.1", 0, max_size=None)
        self.stream_url = f"ws://127.0.0.1:{self._sockets.sockets[0].getsockname()[1]}/carriers/twilio/media/"
        self.answers = {
            "/carriers/twilio/voice/": (
                200,
                twilio.answer(
                    stream_url=self.stream_url,
                    parameters={"token": "t<1>"},
                    status_url=f"{self.url}/status/",
                    action_url=f"{self.url}/after/",
                    fallback="Sorry, no stream.",
                ),
            ),
            "/after/": (200, twilio.hang_up()),
            "/status/": (204, ""),
        }

    async def stop(self) -> None:
        await asyncio.to_thread(self._http.shutdown)
        self._http.server_close()
        if self._sockets is not None:
            self._sockets.close()
            await self._sockets.wait_closed()

    def phone(self, **more: Any) -> SimulatedPhone:
        return SimulatedPhone(base_url=self.url, auth_token=TOKEN, to="+12025550142", **more)

    async def call(self, script: Script = SHORT, **more: Any) -> SimulatedPhone:
        made = self.phone(**more)
        await made.ring()
        async with asyncio.timeout(30):
            await made.talk(script)
        return made

    def answer(self, path: str, twiml: str, status: int = 200) -> None:
        self.answers[path] = (status, twiml)

    async def _converse(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        self.handshakes.append(socket.request.headers["X-Twilio-Signature"])
        line = Line(socket)
        self.lines.append(line)
        self.called.set()
        playing = asyncio.create_task(self.play(line))
        try:
            await line.read()
        finally:
            playing.cancel()
            results = await asyncio.gather(playing, return_exceptions=True)
            line.faults = [r for r in results if isinstance(r, Exception) and not isinstance(r, ConnectionClosed)]

    def _request_class(self) -> type[BaseHTTPRequestHandler]:
        platform = self

        class Request(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                fields = dict(parse_qsl(body, keep_blank_values=True))
                platform.asked.append((self.path, fields))
                signed = self.headers["X-Twilio-Signature"]
                if not RequestValidator(TOKEN).validate(platform.url + self.path, fields, signed):
                    platform.unsigned.append(self.path)
                status, answer = platform.answers.get(self.path, (404, ""))
                self.send_response(status)
                if status == 301:
                    self.send_header("Location", answer)
                self.send_header("Content-Length", str(len(answer.encode())))
                self.end_headers()
                self.wfile.write(answer.encode())

            def log_message(self, *args: Any) -> None:
                pass

        return Request


async def nothing(line: Line) -> None:
    """A platform that only listens."""


@contextlib.asynccontextmanager
async def running() -> AsyncIterator[SmallPlatform]:
    """A platform for one test; at its end, that all it was asked was signed, and that nothing it expected failed."""
    platform = SmallPlatform()
    await platform.start()
    try:
        yield platform
    finally:
        await platform.stop()
    assert not platform.unsigned
    assert not [fault for line in platform.lines for fault in line.faults]
