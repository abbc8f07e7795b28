"""A stand-in on a port of its own, and two clients for it: one that speaks raw messages, one that uses our dialect."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import re
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosedError

from calls.conversation.commands import FinishSpeaking, Speak, StopSpeaking
from calls.conversation.events import BYTES_PER_MS, VoiceAudio, VoiceDone, VoiceFailed, VoiceTimed
from calls.rehearsal.voices.host import Host, VoiceBehaviour
from calls.voices.base import VoiceEvent
from calls.voices.options import build
from tests.calls.voices.messages import Json

PATIENCE_S = 20


@contextlib.asynccontextmanager
async def running(stand_in: Any, **behaviour: Any) -> AsyncIterator[str]:
    """`host:port/x`, below which it is reached."""
    stand_in.behaviour = VoiceBehaviour(**behaviour)
    host = Host({"x": stand_in})
    address = await host.start()
    try:
        yield f"{address}/x"
    finally:
        await host.close()


class Raw:
    """A client without a dialect, with a memory."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.got: list[Json] = []

    async def send(self, *messages: Json) -> None:
        for message in messages:
            await self.socket.send(json.dumps(message))

    async def until(self, wanted: Callable[[Json], Any]) -> Json:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                self.got.append(json.loads(await self.socket.recv()))
                if wanted(self.got[-1]):
                    return self.got[-1]

    async def nothing(self, seconds: float) -> None:
        """So long nothing comes."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                raise AssertionError(await self.socket.recv())

    async def end(self) -> tuple[int | None, str | None]:
        """Read on until the socket is closed; how it was."""
        with contextlib.suppress(ConnectionClosedError):
            async with asyncio.timeout(PATIENCE_S):
                async for message in self.socket:
                    self.got.append(json.loads(message))
        return self.socket.close_code, self.socket.close_reason


def sound(messages: Iterable[Json], name: str) -> bytes:
    """All the sound of it, whoever's fields they are."""
    mine = [m for m in messages if name in (m.get("contextId"), m.get("context_id"))]
    return b"".join(base64.b64decode(m.get("audio") or m.get("data") or "") for m in mine)


@contextlib.asynccontextmanager
async def raw(url: str, headers: dict[str, str] | None = None) -> AsyncIterator[Raw]:
    async with connect(url, additional_headers=headers or {}, compression=None) as socket:
        yield Raw(socket)


class Speaker:
    """A client with our dialect, as a call would be."""

    def __init__(self, dialect: Any, socket: ClientConnection) -> None:
        self.dialect = dialect
        self.socket = socket
        self.events: list[VoiceEvent] = []

    async def write(self, command: Any) -> None:
        for message in self.dialect.write(command):
            await self.socket.send(message)

    async def say(self, utterance: str, text: str, *, finish: bool = True) -> None:
        """Word by word, as a model writes."""
        for piece in re.findall(r"\S+\s*|\s+", text):
            await self.write(Speak(0, utterance, piece))
        if finish:
            await self.write(FinishSpeaking(0, utterance))

    async def stop(self, utterance: str) -> None:
        await self.write(StopSpeaking(0, utterance))

    async def until(self, kind: type, utterance: str) -> VoiceEvent:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                read = self.dialect.parse(await self.socket.recv())
                self.events += read
                for message in self.dialect.waiting():
                    await self.socket.send(message)
                for event in read:
                    if isinstance(event, kind) and event.utterance == utterance:
                        return event

    def sound_ms(self, utterance: str) -> float:
        sounds = [e.audio for e in self.events if isinstance(e, VoiceAudio) and e.utterance == utterance]
        return len(b"".join(sounds)) / BYTES_PER_MS

    def points(self, utterance: str) -> list[tuple[int, float]]:
        timed = [e for e in self.events if isinstance(e, VoiceTimed) and e.utterance == utterance]
        return [point for event in timed for point in event.points]

    def failures(self) -> list[str]:
        return [event.code for event in self.events if isinstance(event, VoiceFailed)]

    def ends(self) -> list[str]:
        return [event.utterance for event in self.events if isinstance(event, VoiceDone)]


@contextlib.asynccontextmanager
async def speaker(voice: Any, address: str, *, api_key: str = "rehearsal", **options: Any) -> AsyncIterator[Speaker]:
    dialect = voice(build(voice.Options, options), url=f"ws://{address}", api_key=api_key, language="en")
    async with connect(dialect.url(), additional_headers=dialect.headers(), compression=None) as socket:
        yield Speaker(dialect, socket)


def words_heard(text: str, points: list[tuple[int, float]], ms: float) -> int:
    """How many words of the text were over by then; between two points by the share of the characters."""
    (before, before_ms), (after, after_ms) = (0, 0.0), (0, 0.0)
    for place, at_ms in points:
        after, after_ms = place, at_ms
        if at_ms > ms:
            break
        before, before_ms = place, at_ms
    share = (ms - before_ms) / (after_ms - before_ms) if after_ms > before_ms else 0.0
    reached = before + (after - before) * share
    return sum(1 for word in re.finditer(r"\S+", text) if word.end() <= reached)
