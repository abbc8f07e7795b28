"""A speech model without a mind: it says when the caller speaks and stops, and replies with sound that says where it is from.

Every byte of a reply's sound is the number of the reply (and of its item), so what reaches the phone can
be told apart byte by byte.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import random
import time
from dataclasses import dataclass, field
from typing import Any

import orjson
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

DELTA = 2000
ITEM_STEP = 128
"""The second item of reply n sounds as n + 128."""


@dataclass
class Behaviour:
    reply_s: float = 10.0
    pace: float = 10.0
    late_deltas: int = 3
    items: int = 1
    seed: int = 1


@dataclass
class Call:
    """What the model saw of one call. Times are seconds on the monotonic clock, which all processes share."""

    number: int
    frames: int = 0
    out_of_order: int = 0
    last_seq: int = 0
    latencies: list[float] = field(default_factory=list)
    started_at: dict[int, float] = field(default_factory=dict)  # interruption -> when speech_started was sent
    sent_at: dict[int, list[float]] = field(default_factory=dict)  # sound byte -> when each of its deltas was sent
    cuts: list[tuple[int, int]] = field(default_factory=list)  # (sound byte, audio_end_ms)
    errors: list[str] = field(default_factory=list)
    closed_at: float = 0.0


class ModelServer:
    """All calls by number; a caller's frames carry the number of their call."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.calls: dict[int, Call] = {}
        self._server: Any = None

    async def start(self) -> str:
        self._server = await serve(self._converse, "127.0.0.1", 0, compression=None, max_size=None, ping_interval=None)
        return f"ws://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1/realtime"

    async def close(self) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _converse(self, socket: ServerConnection) -> None:
        session = _Session(self, socket)
        with contextlib.suppress(ConnectionClosed):
            await session.run()
        session.end()


class _Session:
    def __init__(self, server: ModelServer, socket: ServerConnection) -> None:
        self.server, self.socket = server, socket
        self.b = server.behaviour
        self.random = random.Random(self.b.seed)
        self.call: Call | None = None
        self.reply = 0
        self.speaking: asyncio.Task[None] | None = None
        self.next_speech: asyncio.Task[None] | None = None
        self.speeches = 0

    async def run(self) -> None:
        await self.send({"type": "session.created", "session": {"type": "realtime", "id": "sess"}})
        async for text in self.socket:
            if text.startswith('{"type":"input_audio_buffer.append"'):
                self._frame(text)
                continue
            event = orjson.loads(text)
            match event["type"]:
                case "session.update":
                    await self.send({"type": "session.updated", "session": {**event["session"], "id": "sess"}})
                case "response.create":
                    await self._create(event)
                case "response.cancel":
                    await self._cancel(event)
                case "conversation.item.truncate":
                    self._truncate(event)

    def end(self) -> None:
        for task in (self.speaking, self.next_speech):
            if task is not None:
                task.cancel()
        if self.call is not None:
            self.call.closed_at = time.monotonic()

    async def send(self, event: dict[str, Any]) -> None:
        await self.socket.send(orjson.dumps({"event_id": "event_1", **event}).decode())

    def _frame(self, text: str) -> None:
        now = time.monotonic()
        start = text.index('"audio":"') + 9
        head = base64.b64decode(text[start : start + 24])
        number, seq = int.from_bytes(head[0:2]), int.from_bytes(head[2:6])
        sent = int.from_bytes(head[6:14]) / 1e9
        if self.call is None:
            self.call = self.server.calls.setdefault(number, Call(number))
            self.random.seed(self.b.seed * 1000 + number)
        call = self.call
        call.frames += 1
        call.out_of_order += seq != call.last_seq + 1
        call.last_seq = seq
        call.latencies.append(now - sent)

    async def _create(self, event: dict[str, Any]) -> None:
        if self.speaking is not None and not self.speaking.done():
            if self.call is not None:
                self.call.errors.append("a reply was asked for while one was active")
            return
        self.reply += 1
        reply_id = f"resp_{self.reply}"
        metadata = (event.get("response") or {}).get("metadata")
        made = {
            "id": reply_id,
            "object": "realtime.response",
            "status": "in_progress",
            "output": [],
            "metadata": metadata,
        }
        await self.send({"type": "response.created", "response": made})
        self.speaking = asyncio.create_task(self._speak(reply_id, self.reply))

    async def _speak(self, reply_id: str, number: int) -> None:
        deltas = round(self.b.reply_s * 8000 / DELTA / self.b.items)
        began = False
        for item in range(self.b.items):
            sound = (number % 120 + 1 + item * ITEM_STEP) % 256
            where = {"response_id": reply_id, "item_id": f"{sound}", "output_index": item}
            added = {"id": f"{sound}", "type": "message", "role": "assistant", "status": "in_progress", "content": []}
            await self.send({"type": "response.output_item.added", **where, "item": added})
            for n in range(deltas):
                if n % 4 == 0:
                    words = {"content_index": 0, "delta": "some words of the agent "}
                    await self.send({"type": "response.output_audio_transcript.delta", **where, **words})
                await self._delta(where, sound)
                if not began:
                    began = True
                    self.next_speech = asyncio.create_task(self._interrupt())
                await asyncio.sleep(DELTA / 8000 / self.b.pace)
            await self.send({"type": "response.output_audio.done", **where, "content_index": 0})
        await self._done(reply_id, "completed")

    async def _delta(self, where: dict[str, Any], sound: int) -> None:
        if self.call is not None:
            self.call.sent_at.setdefault(sound, []).append(time.monotonic())
        encoded = base64.b64encode(bytes([sound]) * DELTA).decode()
        await self.send({"type": "response.output_audio.delta", **where, "content_index": 0, "delta": encoded})

    async def _done(self, reply_id: str, status: str) -> None:
        done = {"id": reply_id, "object": "realtime.response", "status": status, "output": []}
        await self.send({"type": "response.done", "response": done})

    async def _interrupt(self) -> None:
        """The caller speaks over the reply: while it is made, or when it is made and still playing."""
        await asyncio.sleep(self.random.uniform(0.3, 3.5))
        self.speeches += 1
        item = f"u{self.speeches}"
        if self.call is not None:
            self.call.started_at[self.reply] = time.monotonic()
        await self.send({"type": "input_audio_buffer.speech_started", "audio_start_ms": 0, "item_id": item})
        await asyncio.sleep(0.6)
        await self.send({"type": "input_audio_buffer.speech_stopped", "audio_end_ms": 1400, "item_id": item})
        await self.send({"type": "input_audio_buffer.committed", "item_id": item, "previous_item_id": None})

    async def _cancel(self, event: dict[str, Any]) -> None:
        if self.speaking is None or self.speaking.done() or event.get("response_id") != f"resp_{self.reply}":
            error = {
                "type": "invalid_request_error",
                "code": "response_cancel_not_active",
                "message": "no active response",
            }
            await self.send({"type": "error", "error": error})
            return
        self.speaking.cancel()
        sound = self.reply % 120 + 1
        where = {"response_id": f"resp_{self.reply}", "item_id": f"{sound}", "output_index": 0}
        for _ in range(self.b.late_deltas):
            await self._delta(where, sound)
        await self._done(f"resp_{self.reply}", "cancelled")

    def _truncate(self, event: dict[str, Any]) -> None:
        if self.call is not None:
            self.call.cuts.append((int(event["item_id"]), event["audio_end_ms"]))
