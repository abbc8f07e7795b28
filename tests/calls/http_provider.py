"""A provider of speech over HTTP that is told by the test what to answer, and when."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

SOUND = b"\x00\x10" * 1600
"""100 ms at 16 kHz."""


@dataclass(slots=True)
class Asked:
    """A request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    text: str
    connection: int
    gone: asyncio.Event = field(default_factory=asyncio.Event)  # the client closed while it was answered


@dataclass(slots=True)
class Answer:
    """`then`: waited for before the last piece. `cut`: the connection breaks instead of an end."""

    status: int = 200
    pieces: tuple[bytes, ...] = (SOUND,)
    kind: str = "audio/pcm"
    then: asyncio.Event | None = None
    cut: bool = False


class Provider:
    """`answer` is given each POST, and its number from 1."""

    def __init__(self) -> None:
        self.answer: Callable[[Asked, int], Answer] = lambda asked, number: Answer()
        self.asked: list[Asked] = []  # POSTs only
        self.warmed = 0
        self.connections = 0
        self.url = ""
        self._writers: list[asyncio.StreamWriter] = []

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Provider]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            server.close()
            self.drop()

    def drop(self) -> None:
        """Close all connections, as a server does with idle ones."""
        for writer in self._writers:
            writer.close()
        self._writers.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        number = self.connections
        self._writers.append(writer)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                await self._one(reader, writer, number)

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: int) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        method, path, _ = head[0].split(" ")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in head[1:] if line)}
        body: Any = await reader.readexactly(int(headers.get("content-length", "0")))
        if method == "HEAD":
            self.warmed += 1
            writer.write(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")
            return
        asked = Asked(method, path, headers, json.loads(body)["text"], connection)
        self.asked.append(asked)
        answer = self.answer(asked, len(self.asked))
        writer.write(
            f"HTTP/1.1 {answer.status} x\r\ncontent-type: {answer.kind}\r\ntransfer-encoding: chunked\r\n\r\n".encode()
        )
        gone = asyncio.create_task(reader.read(1))
        gone.add_done_callback(lambda task: asked.gone.set())
        for index, piece in enumerate(answer.pieces):
            if answer.then is not None and index == len(answer.pieces) - 1:
                await asyncio.wait([asyncio.ensure_future(answer.then.wait()), gone], return_when="FIRST_COMPLETED")
                if gone.done():
                    raise ConnectionError
            if piece:
                writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        if answer.cut:
            writer.close()
            raise ConnectionError
        gone.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await gone
        asked.gone.clear()
        writer.write(b"0\r\n\r\n")
