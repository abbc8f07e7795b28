"""A phone for people without a carrier: rings the signed webhook, speaks the Twilio media protocol, hears and is heard.

Knows nothing of Django: all it needs is passed in. It plays WAV speech in real time, keeps a carrier's playback buffer,
returns marks, obeys `clear`, and remembers what the caller heard.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import secrets
import time
import urllib.error
import urllib.parse
import urllib.request
import wave
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from calls import audio
from calls.carriers import twilio
from calls.playback_buffer import PlaybackBuffer

FRAME_S = 0.02
QUIET_S = 0.35
"""Silence in the playback after which the agent counts as having stopped."""


class CallRefused(Exception):
    """The call did not come about; the message says why and what to look at."""


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened on the line. `at_ms`: since the media stream began."""

    at_ms: int
    what: str  # agent began | agent stopped | caller began | caller stopped | cleared | said | closed
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Script:
    """What the caller does. Sounds are mu-law."""

    opening: bytes = b""  # said once the agent's first words are over, or after `patience_s`
    over_agent: tuple[bytes, ...] = ()  # each said while the agent speaks, `into_speech_s` after it began
    into_speech_s: float = 1.2
    patience_s: float = 8.0
    listen_s: float = 4.0  # how long to stay when there is nothing more to say and the agent is silent
    longest_s: float = 120.0


@dataclass(slots=True)
class Answer:
    """What the webhook's TwiML asks for."""

    stream_url: str = ""
    parameters: dict[str, str] = field(default_factory=dict)
    action_url: str = ""
    said: list[str] = field(default_factory=list)


def read_wav(path: Path) -> bytes:
    """A WAV of 16-bit PCM, any rate, mono or stereo, as mu-law. Raises CallRefused with what to do."""
    try:
        with wave.open(str(path), "rb") as file:
            if file.getsampwidth() != 2:
                raise CallRefused(f"{path.name} is not 16-bit PCM. Convert it: sox {path.name} -b 16 out.wav")
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
            if file.getnchannels() > 1:
                samples = samples.reshape(-1, file.getnchannels()).mean(axis=1)
            pcm = samples.astype("<i2").tobytes()
            return audio.mulaw_encode(audio.resample(pcm, file.getframerate(), audio.RATE))
    except (OSError, wave.Error, EOFError) as error:
        raise CallRefused(f"{path} cannot be read as a WAV file: {error}") from None


def parse_answer(twiml: str) -> Answer:
    """Read the TwiML that a webhook gave."""
    answer = Answer()
    for verb in ElementTree.fromstring(twiml):
        if verb.tag == "Connect":
            answer.action_url = verb.get("action", "")
            stream = verb.find("Stream")
            if stream is not None:
                answer.stream_url = stream.get("url", "")
                answer.parameters = {p.get("name", ""): p.get("value", "") for p in stream.findall("Parameter")}
            return answer  # what follows is only for a stream that could not be opened
        if verb.tag == "Say":
            answer.said.append(verb.text or "")
    return answer


class SimulatedPhone:
    """One call. `ring`, then `talk`; `timeline`, `heard()` and `said_and_heard()` tell how it went."""

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
        self.spoken = bytearray()
        self.answer = Answer()
        self._auth_token = auth_token
        self._delay_s = delay_s
        self._on_moment, self._on_message = on_moment, on_message
        self._socket: ClientConnection | None = None
        self._began_at = 0.0
        self._sequence = 0
        self._chunk = 0
        self._agent_speaks = False
        self._agent_began_at = 0.0
        self._agent_stopped_at = 0.0
        self._wake = asyncio.Event()
        self._hung_up = False

    # --- the webhook

    async def ring(self) -> Answer:
        """Ask who answers. Raises CallRefused when the webhook does not say."""
        twiml = await self._post(
            f"{self.base_url}/carriers/twilio/voice/", {"CallStatus": "ringing", "Direction": "inbound"}
        )
        self.answer = parse_answer(twiml)
        for words in self.answer.said:
            self._moment("said", words)
        return self.answer

    async def _post(self, url: str, more: dict[str, str]) -> str:
        fields = {
            "CallSid": self.call_sid,
            "AccountSid": self.account_sid,
            "From": self.caller,
            "To": self.to,
            "ApiVersion": "2010-04-01",
            **more,
        }
        signed = twilio.signature(self._auth_token, url, {name: [value] for name, value in fields.items()})
        request = urllib.request.Request(url, urllib.parse.urlencode(fields).encode(), {"X-Twilio-Signature": signed})
        try:
            return await asyncio.to_thread(_fetch, request)
        except urllib.error.HTTPError as error:
            hint = " Is TWILIO_AUTH_TOKEN here the same as the server's?" if error.code == 403 else ""
            raise CallRefused(f"The webhook answered {error.code}.{hint}") from None
        except OSError as error:
            raise CallRefused(f"Nobody answers at {self.base_url} ({error}). Is `make run` running?") from None

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
            )
        except (OSError, WebSocketException) as error:
            raise CallRefused(f"The media stream at {url} cannot be opened: {error}") from None
        await self.send({"event": "connected", "protocol": "Call", "version": "1.0.0"})
        self._began_at = time.monotonic()
        await self.send(self.start_message())

    def start_message(self) -> dict[str, Any]:
        return {
            "event": "start",
            "sequenceNumber": self._count(),
            "streamSid": self.stream_sid,
            "start": {
                "accountSid": self.account_sid,
                "callSid": self.call_sid,
                "streamSid": self.stream_sid,
                "tracks": ["inbound"],
                "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
                "customParameters": self.answer.parameters,
            },
        }

    def _count(self) -> str:
        self._sequence += 1
        return str(self._sequence)

    async def send(self, message: dict[str, Any] | str) -> None:
        """Send one message of the media protocol, or any text."""
        assert self._socket is not None
        text = message if isinstance(message, str) else orjson.dumps(message).decode()
        await self._later(self._socket.send(text))

    async def _later(self, work: Any) -> None:
        if self._delay_s:
            await asyncio.sleep(self._delay_s)
        with contextlib.suppress(ConnectionClosed):
            await work

    def _media(self, mulaw: bytes) -> str:
        self._chunk += 1
        return orjson.dumps(
            {
                "event": "media",
                "sequenceNumber": self._count(),
                "streamSid": self.stream_sid,
                "media": {
                    "track": "inbound",
                    "chunk": str(self._chunk),
                    "timestamp": str(self.now_ms()),
                    "payload": base64.b64encode(mulaw).decode(),
                },
            }
        ).decode()

    # --- the call

    async def talk(self, script: Script) -> list[Moment]:
        """Carry the call by the script, to its end; the timeline."""
        await self.open()
        tasks = [asyncio.create_task(work) for work in (self._listen(), self._return_marks(), self._speak(script))]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await self.hang_up()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for task in tasks:
            if not task.cancelled() and isinstance(task.exception(), Exception):
                raise task.exception()  # type: ignore[misc]
        await self._after_stream()
        return self.timeline

    async def hang_up(self) -> None:
        """Say `stop` and close, as a carrier does when the caller hangs up. Harmless twice."""
        if self._socket is None or self._hung_up:
            return
        self._hung_up = True
        self.buffer.clear(time.monotonic())
        stop = {"event": "stop", "streamSid": self.stream_sid, "sequenceNumber": self._count()}
        stop["stop"] = {"accountSid": self.account_sid, "callSid": self.call_sid}
        with contextlib.suppress(ConnectionClosed):
            await self._socket.send(orjson.dumps(stop).decode())
        await self._socket.close()
        self.close_code = self._socket.close_code
        self._moment("closed", f"code {self.close_code}")

    async def _after_stream(self) -> None:
        if self.answer.action_url:
            twiml = await self._post(self.answer.action_url, {"CallStatus": "in-progress"})
            for words in parse_answer(twiml).said:
                self._moment("said", words)

    async def _listen(self) -> None:
        assert self._socket is not None
        with contextlib.suppress(ConnectionClosed):
            async for text in self._socket:
                if self._delay_s:
                    await asyncio.sleep(0)
                    asyncio.get_running_loop().call_later(self._delay_s, self._take, text)
                else:
                    self._take(text)

    def _take(self, text: str | bytes) -> None:
        message, now = orjson.loads(text), time.monotonic()
        if self._on_message is not None:
            self._on_message(message)
        match message["event"]:
            case "media":
                if not self._agent_speaks:
                    self._agent_speaks, self._agent_began_at = True, now
                    self._moment("agent began")
                self.buffer.add(base64.b64decode(message["media"]["payload"]), now)
            case "mark":
                self.buffer.mark(message["mark"]["name"], now)
            case "clear":
                left = max(0.0, self.buffer.playing_until() - now)
                names = self.buffer.clear(now)
                self._moment("cleared", f"{left * 1000:.0f} ms unheard")
                self._agent_is_silent(now)
                for name in names:
                    self._return(name)
        self._wake.set()

    def _return(self, name: str) -> None:
        message = {
            "event": "mark",
            "sequenceNumber": self._count(),
            "streamSid": self.stream_sid,
            "mark": {"name": name},
        }
        task = asyncio.ensure_future(self.send(message))
        task.add_done_callback(lambda t: t.cancelled() or t.exception())

    async def _return_marks(self) -> None:
        while True:
            due = self.buffer.next_due()
            wait = 0.05 if due is None else max(0.0, min(0.05, due - time.monotonic()))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), wait)
            self._wake.clear()
            now = time.monotonic()
            for name in self.buffer.due(now):
                self._return(name)
            if self._agent_speaks and now > self.buffer.playing_until() + QUIET_S:
                self._agent_is_silent(self.buffer.playing_until())

    def _agent_is_silent(self, at: float) -> None:
        if self._agent_speaks:
            self._agent_speaks, self._agent_stopped_at = False, at
            self._moment("agent stopped", at=at)

    async def _speak(self, script: Script) -> None:
        """Frames on a clock that does not drift: sound of the script, or silence."""
        to_say, saying, last_said_at = list(script.over_agent), b"", self._began_at
        opening: bytes | None = script.opening or None
        number = 0
        while (now := time.monotonic()) - self._began_at < script.longest_s:
            if not saying:
                agent_is_done = (
                    not self._agent_speaks and self._agent_stopped_at > 0 and now - self._agent_stopped_at > 0.5
                )
                if opening is not None and (agent_is_done or now - self._began_at > script.patience_s):
                    saying, opening = opening, None
                    self._moment("caller began")
                elif to_say and opening is None and self._is_into_speech(now, last_said_at, script):
                    saying = to_say.pop(0)
                    self._moment("caller began", "over the agent")
                elif self._has_heard_enough(now, last_said_at, opening, to_say, script):
                    return
            frame, saying = (saying[:160].ljust(160, b"\xff"), saying[160:]) if saying else (b"\xff" * 160, b"")
            if any(byte != 0xFF for byte in frame) and not saying:
                last_said_at = now
                self._moment("caller stopped")
            self.spoken += frame
            await self.send(self._media(frame))
            number += 1
            await asyncio.sleep(max(0.0, self._began_at + number * FRAME_S - time.monotonic()))

    def _is_into_speech(self, now: float, last_said_at: float, script: Script) -> bool:
        began_since = self._agent_speaks and self._agent_began_at > last_said_at
        return began_since and now - self._agent_began_at >= script.into_speech_s

    def _has_heard_enough(
        self, now: float, last_said_at: float, opening: bytes | None, to_say: list[bytes], script: Script
    ) -> bool:
        quiet_since = max(last_said_at, self._agent_stopped_at, self._began_at)
        patience = script.listen_s if opening is None and not to_say else script.patience_s + script.listen_s
        return not self._agent_speaks and now - quiet_since > patience

    # --- what came of it

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


def _fetch(request: urllib.request.Request) -> str:
    with urllib.request.urlopen(request, timeout=15) as response:
        return str(response.read().decode())
