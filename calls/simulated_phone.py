"""A phone for people without a carrier: rings the signed webhook, speaks the Twilio media protocol, hears and is heard.

Knows nothing of Django: all it needs is passed in. It plays speech in real time, keeps a carrier's playback buffer,
returns marks, obeys `clear`, and remembers what the caller heard. It is as strict as the carrier: what Twilio would not
take from us ends the call.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import secrets
import time
import wave
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from calls import audio
from calls.carriers import twilio
from calls.playback_buffer import PlaybackBuffer
from calls.simulated_caller import Caller, Hearing, Script
from calls.simulated_webhook import Answer, CallRefused, parse_answer, post

__all__ = ["Answer", "CallRefused", "Moment", "ProtocolBroken", "Script", "SimulatedPhone", "parse_answer", "read_wav"]

FRAME_S = 0.02
QUIET_S = 0.35
"""Silence in the playback after which the agent counts as having stopped."""

_END = ""


class ProtocolBroken(CallRefused):
    """The platform sent what a carrier does not take; the message says what."""


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened on the line. `at_ms`: since the media stream began."""

    at_ms: int
    what: str  # agent began | agent stopped | caller began | caller stopped | cleared | said | closed
    detail: str = ""


def read_wav(path: Path) -> bytes:
    """A WAV of 16-bit PCM, any rate, mono or stereo, as mu-law. Raises CallRefused with what to do."""
    try:
        with wave.open(str(path), "rb") as file:
            if file.getsampwidth() != 2:
                raise CallRefused(f"{path} is not 16-bit PCM. Convert it: sox {path} -b 16 out.wav")
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
            if file.getnchannels() > 1:
                samples = samples.reshape(-1, file.getnchannels()).mean(axis=1)
            if not len(samples):
                raise CallRefused(f"{path} holds no sound.")
            pcm = samples.astype("<i2").tobytes()
            return audio.mulaw_encode(audio.resample(pcm, file.getframerate(), audio.RATE))
    except (OSError, wave.Error, EOFError, ValueError) as error:
        why = str(error) or "it ends too early"
        raise CallRefused(f"{path} cannot be read as a WAV file of 16-bit PCM: {why}") from None


class SimulatedPhone:
    """One call. `ring`, then `talk`; `timeline`, `heard()` and `save()` tell how it went."""

    def __init__(
        self,
        *,
        base_url: str,
        auth_token: str,
        to: str,
        caller: str = "+12025550199",
        delay_s: float = 0.0,
        on_moment: Callable[[Moment], None] | None = None,
        on_message: Callable[[dict[str, Any]], None] | None = None,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.to, self.caller = to, caller
        self.call_sid = "CA" + secrets.token_hex(16)
        self.stream_sid = "MZ" + secrets.token_hex(16)
        self.account_sid = "AC" + "0" * 32
        self.buffer = PlaybackBuffer()
        self.timeline: list[Moment] = []
        self.close_code: int | None = None
        self.closed_by_platform = False
        self.spoken = bytearray()
        self.answer = Answer()
        self._auth_token = auth_token
        self._on_moment, self._on_message = on_moment, on_message
        self._socket: ClientConnection | None = None
        self._began_at = 0.0
        self._sequence = 0
        self._chunk = 0
        self._hearing = Hearing()
        self._human: Caller | None = None
        self._hung_up = False
        # The network: what is on its way, with when it arrives.
        self._delay_s = delay_s
        self._outgoing: asyncio.Queue[tuple[float, str | bytes]] = asyncio.Queue()
        self._incoming: asyncio.Queue[tuple[float, str | bytes]] = asyncio.Queue()
        self._sending: asyncio.Task[None] | None = None
        # Marks to send back, and the timer for the next of them.
        self._played: deque[str] = deque()
        self._wake = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0

    # --- the webhook

    async def ring(self) -> Answer:
        """Ask who answers. Raises CallRefused when the webhook does not say."""
        url = f"{self.base_url}/carriers/twilio/voice/"
        self.answer = parse_answer(await self._post(url, CallStatus="ringing", Direction="inbound"))
        for words in self.answer.said:
            self._moment("said", words)
        return self.answer

    async def _post(self, url: str, **more: str) -> str:
        fields = {"CallSid": self.call_sid, "AccountSid": self.account_sid, "From": self.caller, "To": self.to}
        return await asyncio.to_thread(post, url, self._auth_token, {**fields, "ApiVersion": "2010-04-01", **more})

    # --- the media socket

    async def open(self) -> None:
        """Open the media stream that the webhook asked for, and say who we are."""
        url = self.answer.stream_url
        try:
            self._socket = await connect(
                url,
                additional_headers={"X-Twilio-Signature": twilio.signature(self._auth_token, url, {})},
                compression=None,
                ping_interval=None,
                max_size=None,
                proxy=None,
            )
        except (OSError, WebSocketException) as error:
            await self._stream_failed()
            raise CallRefused(f"The media stream at {url} cannot be opened: {error}") from None
        if self._delay_s:
            self._sending = asyncio.create_task(self._send_delayed())
        await self.send({"event": "connected", "protocol": "Call", "version": "1.0.0"})
        self._began_at = time.monotonic()
        await self.send(self.start_message())

    async def _stream_failed(self) -> None:
        """What a carrier does then: tell the status callback, and go on with the TwiML behind the stream."""
        for words in self.answer.fallback:
            self._moment("said", words)
        if self.answer.status_url:
            with contextlib.suppress(CallRefused):
                await self._post(
                    self.answer.status_url,
                    StreamSid=self.stream_sid,
                    StreamEvent="stream-error",
                    StreamError="Stream - WebSocket - Handshake Error (31920)",
                )

    def start_message(self) -> dict[str, Any]:
        return self._message(
            "start",
            {
                "accountSid": self.account_sid,
                "callSid": self.call_sid,
                "streamSid": self.stream_sid,
                "tracks": ["inbound"],
                "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
                "customParameters": self.answer.parameters,
            },
        )

    def _message(self, event: str, fields: dict[str, Any]) -> dict[str, Any]:
        self._sequence += 1
        return {"event": event, "sequenceNumber": str(self._sequence), "streamSid": self.stream_sid, event: fields}

    def _media(self, mulaw: bytes) -> dict[str, Any]:
        self._chunk += 1
        payload = base64.b64encode(mulaw).decode()
        fields = {"track": "inbound", "chunk": str(self._chunk), "timestamp": str(self.now_ms()), "payload": payload}
        return self._message("media", fields)

    async def send(self, message: dict[str, Any] | str | bytes) -> None:
        """Send one message of the media protocol, or anything else as it is. In order; nothing when the line is closed."""
        raw = message if isinstance(message, str | bytes) else orjson.dumps(message).decode()
        if self._delay_s:
            self._outgoing.put_nowait((time.monotonic() + self._delay_s, raw))
        else:
            await self._send_now(raw)

    async def _send_now(self, raw: str | bytes) -> None:
        assert self._socket is not None, "open() comes first"
        with contextlib.suppress(ConnectionClosed):
            await self._socket.send(raw)

    async def _send_delayed(self) -> None:
        while True:
            raw = await _arrived(self._outgoing)
            if raw == _END:
                return
            await self._send_now(raw)

    # --- the call

    async def talk(self, script: Script) -> list[Moment]:
        """Carry the call by the script, to its end; the timeline."""
        await self.open()
        listening = asyncio.create_task(self._listen())
        tasks = [listening, *(asyncio.create_task(work) for work in (self._return_marks(), self._speak(script)))]
        if self._delay_s:
            tasks.append(asyncio.create_task(self._take_delayed()))
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            self.closed_by_platform = listening.done() and not self._hung_up
        finally:
            await self.hang_up()
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                raise result
        await self._after_stream()
        return self.timeline

    async def hang_up(self) -> None:
        """Say `stop` and close, as a carrier does when the caller hangs up. Harmless twice."""
        if self._socket is None or self._hung_up:
            return
        self._hung_up = True
        now = time.monotonic()
        self.buffer.clear(now)
        self._agent_is_silent(now)
        if self._timer is not None:
            self._timer.cancel()
        await self.send(self._message("stop", {"accountSid": self.account_sid, "callSid": self.call_sid}))
        if self._sending is not None:
            self._outgoing.put_nowait((0.0, _END))
            await self._sending
        await self._socket.close()
        self.close_code = self._socket.close_code
        self._moment("closed", f"code {self.close_code}, by the {'platform' if self.closed_by_platform else 'caller'}")

    async def _after_stream(self) -> None:
        """Ask what comes after the stream. The carrier says only to a caller who is still there what it is told to say."""
        if self.answer.action_url:
            status = "in-progress" if self.closed_by_platform else "completed"
            for words in parse_answer(await self._post(self.answer.action_url, CallStatus=status)).said:
                self._moment("said", words)

    # --- what the platform sends

    async def _listen(self) -> None:
        assert self._socket is not None
        with contextlib.suppress(ConnectionClosed):
            async for raw in self._socket:
                if self._delay_s:
                    self._incoming.put_nowait((time.monotonic() + self._delay_s, raw))
                else:
                    self._take(raw)
        await asyncio.sleep(self._delay_s)  # the news of the close is no faster than what was sent before it

    async def _take_delayed(self) -> None:
        while True:
            self._take(await _arrived(self._incoming))

    def _take(self, raw: str | bytes) -> None:
        now = time.monotonic()
        message = self._checked(raw)
        if self._on_message is not None:
            self._on_message(message)
        match message["event"]:
            case "media":
                sound = _sound(message["media"].get("payload"))
                if not self._hearing.speaks:
                    self._hearing.speaks, self._hearing.began_at = True, now
                    self._moment("agent began")
                self.buffer.add(sound, now)
            case "mark":
                self.buffer.mark(message["mark"]["name"], now)
            case "clear":
                left = max(0.0, self.buffer.playing_until() - now)
                self._played.extend(self.buffer.clear(now))
                self._moment("cleared", f"{left * 1000:.0f} ms unheard")
                self._agent_is_silent(now)
                self._wake.set()
        self._arm(now)

    def _checked(self, raw: str | bytes) -> dict[str, Any]:
        """A message that Twilio would take. Raises ProtocolBroken with the error that it would report."""
        if isinstance(raw, bytes):
            raise ProtocolBroken("The platform sent a binary message (31950).")
        try:
            message = orjson.loads(raw)
        except orjson.JSONDecodeError:
            raise ProtocolBroken("The platform sent a message that is not JSON (31950).") from None
        event = message.get("event") if isinstance(message, dict) else None
        if event not in ("media", "mark", "clear"):
            raise ProtocolBroken("The platform sent something other than media, mark or clear (31924).")
        if message.get("streamSid") != self.stream_sid:
            raise ProtocolBroken(f"The platform sent a {event} for another stream (31951).")
        if event != "clear" and not isinstance(message.get(event), dict):
            raise ProtocolBroken(f"The platform sent a {event} without its fields (31951).")
        if event == "mark" and not (isinstance(message["mark"].get("name"), str) and message["mark"]["name"]):
            raise ProtocolBroken("The platform sent a mark without a name (31951).")
        return dict(message)

    # --- the playback

    def _arm(self, now: float) -> None:
        """Look again when the next mark is due, or when the agent will have been quiet for long enough."""
        times = [self.buffer.playing_until() + QUIET_S] if self._hearing.speaks else []
        due = self.buffer.next_due()
        at = min(times if due is None else [*times, due], default=None)
        if at is None or self._hung_up or (self._timer is not None and self._timer_at <= at):
            return  # a timer that is too early looks, and arms the next
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = at
        self._timer = asyncio.get_running_loop().call_later(max(0.0, at - now), self._look)

    def _look(self) -> None:
        self._timer = None
        now = time.monotonic()
        self._played.extend(self.buffer.due(now))
        if self._played:
            self._wake.set()
        if self._hearing.speaks and now >= self.buffer.playing_until() + QUIET_S:
            self._agent_is_silent(self.buffer.playing_until())
        self._arm(now)

    def _agent_is_silent(self, at: float) -> None:
        if self._hearing.speaks:
            self._hearing.speaks, self._hearing.stopped_at = False, at
            self._moment("agent stopped", at=at)

    async def _return_marks(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._played:
                await self.send(self._message("mark", {"name": self._played.popleft()}))

    # --- what the caller says

    async def _speak(self, script: Script) -> None:
        """Frames on a clock that does not drift: what is late is sent at once."""
        self._human = Caller(script, self._began_at, self._moment)
        sent = 0
        while (frame := self._human.frame(time.monotonic(), self._hearing)) is not None:
            self.spoken += frame
            await self.send(self._media(frame))
            sent += 1
            await asyncio.sleep(max(0.0, self._began_at + sent * FRAME_S - time.monotonic()))

    # --- what came of it

    @property
    def unsaid(self) -> int:
        """How many sounds of the script there was no moment for."""
        return 0 if self._human is None else self._human.unsaid

    def now_ms(self) -> int:
        return max(0, round((time.monotonic() - self._began_at) * 1000)) if self._began_at else 0

    def _moment(self, what: str, detail: str = "", at: float | None = None) -> None:
        at_ms = self.now_ms() if at is None else max(0, round((at - self._began_at) * 1000))
        moment = Moment(at_ms, what, detail)
        self.timeline.append(moment)
        if self._on_moment is not None:
            self._on_moment(moment)

    def heard(self) -> bytes:
        """What the caller heard, mu-law from the stream's start, silence where nothing sounded."""
        track = bytearray()
        for begin, mulaw in self.buffer.heard:
            start = max(0, round((begin - self._began_at) * audio.RATE))
            track.extend(audio.SILENCE * max(0, start - len(track)))
            track.extend(mulaw)
        return bytes(track)

    def save(self, path: Path) -> None:
        """A stereo WAV: what the caller said left, what they heard right."""
        left, right = bytes(self.spoken), self.heard()
        length = max(len(left), len(right))
        left, right = left.ljust(length, audio.SILENCE), right.ljust(length, audio.SILENCE)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(audio.mulaw_wav_header(2 * length) + audio.interleave(left, right))


async def _arrived(line: asyncio.Queue[tuple[float, str | bytes]]) -> str | bytes:
    at, raw = await line.get()
    await asyncio.sleep(max(0.0, at - time.monotonic()))
    return raw


def _sound(payload: object) -> bytes:
    if not isinstance(payload, str):
        raise ProtocolBroken("The platform sent media without a payload (31951).")
    try:
        return binascii.a2b_base64(payload, strict_mode=True)
    except ValueError:
        raise ProtocolBroken("The platform sent media that is not base64 (31950).") from None
