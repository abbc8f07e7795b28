"""Callers for the bench: light enough that one process speaks for all of them."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import time
from dataclasses import dataclass, field

import orjson
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from calls.playback_buffer import PlaybackBuffer
from calls.simulated_phone import SimulatedPhone
from tests.bench.model_server import DELTA

FRAME_S = 0.02
_REST = base64.b64encode(b"\xff" * 142).decode()  # behind 18 bytes of header, which are 24 characters


@dataclass
class Heard:
    """What one caller's phone saw."""

    number: int
    sent: int = 0
    arrivals: dict[int, dict[int, float]] = field(default_factory=dict)  # sound byte -> delta -> when it arrived
    received: dict[int, int] = field(default_factory=dict)
    clears: list[float] = field(default_factory=list)
    stale_bytes: int = 0
    heard_at_clear: list[dict[int, int]] = field(default_factory=list)
    hung_up_at: float = 0.0
    close_code: int | None = None


class Caller:
    """One call: frames that carry their number and time, a playback buffer, marks and clears."""

    def __init__(self, number: int, base_url: str, token: str, to: str, delay_s: float) -> None:
        self.heard = Heard(number)
        self._phone = SimulatedPhone(base_url=base_url, auth_token=token, to=to)
        self._delay_s = delay_s
        self._buffer = PlaybackBuffer()
        self._stopped: set[int] = set()
        self._socket: ClientConnection | None = None

    async def talk(self, seconds: float) -> Heard:
        await self._phone.ring()
        await self._phone.open()
        socket = self._socket = self._phone._socket
        assert socket is not None
        tasks = [asyncio.create_task(self._listen(socket)), asyncio.create_task(self._return_marks())]
        with contextlib.suppress(ConnectionClosed):
            await self._speak(socket, seconds)
        self.heard.hung_up_at = time.monotonic()
        self._silence(self.heard.hung_up_at)
        await self._phone.hang_up()
        self.heard.close_code = socket.close_code
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return self.heard

    async def _speak(self, socket: ClientConnection, seconds: float) -> None:
        head = f'{{"event":"media","sequenceNumber":"3","streamSid":"{self._phone.stream_sid}","media":{{"track":"inbound",'
        head += '"chunk":"1","timestamp":"20","payload":"'
        number = self.heard.number.to_bytes(2)
        began = time.monotonic()
        for seq in range(1, round(seconds / FRAME_S) + 1):
            await asyncio.sleep(max(0.0, began + seq * FRAME_S - time.monotonic()))
            if self._delay_s:
                asyncio.get_running_loop().call_later(self._delay_s, self._send_frame, socket, head, number, seq)
            else:
                self._send_frame(socket, head, number, seq)
            self.heard.sent = seq
        await asyncio.sleep(self._delay_s + 0.3)

    @staticmethod
    def _send_frame(socket: ClientConnection, head: str, number: bytes, seq: int) -> None:
        stamp = number + seq.to_bytes(4) + time.monotonic_ns().to_bytes(8) + b"\xff" * 4
        message = head + base64.b64encode(stamp).decode() + _REST + '"}}'
        with contextlib.suppress(Exception):
            socket.protocol.send_text(message.encode())
            socket.send_data()

    async def _listen(self, socket: ClientConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for text in socket:
                arrived = time.monotonic()
                if self._delay_s:
                    asyncio.get_running_loop().call_later(self._delay_s, self._take, text, arrived)
                else:
                    self._take(text, arrived)

    def _take(self, text: str | bytes, arrived: float) -> None:
        if self.heard.hung_up_at:
            return
        message, now = orjson.loads(text), time.monotonic()
        match message["event"]:
            case "media":
                self._media(base64.b64decode(message["media"]["payload"]), arrived, now)
            case "mark":
                self._buffer.mark(message["mark"]["name"], now)
            case "clear":
                self.heard.clears.append(arrived)
                for name in self._silence(now):
                    self._return(name)

    def _silence(self, now: float) -> list[str]:
        """Nothing more is heard: by a clear, or because the caller hangs up while one is on its way. The marks that are due."""
        names = self._buffer.clear(now)
        heard: dict[int, int] = {}
        for _, sound in self._buffer.heard:
            for byte in set(sound) - {0xFF}:
                heard[byte] = heard.get(byte, 0) + sound.count(byte)
        self.heard.heard_at_clear.append(heard)
        self._buffer.heard.clear()
        self._stopped = set(self.heard.received)
        return names

    def _media(self, sound: bytes, arrived: float, now: float) -> None:
        for byte in sorted(set(sound) - {0xFF}):
            count = sound.count(byte)
            if byte in self._stopped:
                self.heard.stale_bytes += count
            before = self.heard.received.get(byte, 0)
            self.heard.received[byte] = before + count
            for delta in range(-(-before // DELTA), -(-(before + count) // DELTA)):
                self.heard.arrivals.setdefault(byte, {})[delta] = arrived
        self._buffer.add(sound, now)

    def _return(self, name: str) -> None:
        text = (
            f'{{"event":"mark","sequenceNumber":"9","streamSid":"{self._phone.stream_sid}","mark":{{"name":"{name}"}}}}'
        )
        asyncio.get_running_loop().call_later(self._delay_s, self._write, text)

    def _write(self, text: str) -> None:
        if self._socket is not None:
            with contextlib.suppress(Exception):
                self._socket.protocol.send_text(text.encode())
                self._socket.send_data()

    async def _return_marks(self) -> None:
        while True:
            now = time.monotonic()
            for name in self._buffer.due(now):
                self._return(name)
            due = self._buffer.next_due()
            await asyncio.sleep(0.005 if due is None else max(0.0005, min(0.005, due - time.monotonic())))
