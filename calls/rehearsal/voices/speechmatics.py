"""A stand-in for Speechmatics: their text to speech over HTTP, and their ear (speechmatics_hearing.py) on the same address.

Text to speech is as their SDK and their documentation have it: one POST for a text, answered with PCM or WAV at 16 kHz in chunks
as it is made. Their messages for errors are not known; clients go by the status.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
from urllib.parse import parse_qs, unquote

import orjson

from calls import audio
from calls.rehearsal.voices import speech
from calls.rehearsal.voices.host import Message, Receive, Send, Spoken, VoiceBehaviour, clock, refuse
from calls.rehearsal.voices.speechmatics_hearing import HearingBehaviour, HearingSession

HEARING_PATH = "/v2"
GENERATE = "/generate/"
VOICES = ("sarah", "theo", "megan", "jack")
FORMATS = ("wav_16000", "pcm_16000")  # the first is what is made when none is asked for
RATE = 16000
BYTES_PER_MS = 2 * RATE // 1000
MOST_BODY = 2**20

STATUSES = {"quota": 402, "voice": 404, "key": 401, "busy": 503, "server": 500}


class SpeechmaticsStandIn:
    def __init__(self) -> None:
        self.behaviour = VoiceBehaviour()
        self.hearing = HearingBehaviour()  # how the ear behaves; a new one holds for the sessions that begin after it
        self.spoken: list[Spoken] = []  # one for each request
        self.sessions: list[HearingSession] = []  # of the ear, those that are open

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        headers = {name.decode().lower(): value.decode() for name, value in scope["headers"]}
        query = {name: values[0] for name, values in parse_qs(scope["query_string"].decode()).items()}
        # Whoever has no key is served: that is what a stand-in is for. "wrong" is a key that the service refuses.
        key = query.get("jwt") or headers.get("authorization", "").removeprefix("Bearer ")
        path = scope["path"]
        if scope["type"] == "websocket" and path.rstrip("/") == HEARING_PATH:
            await self._hear(scope, receive, send, key)
        elif scope["type"] == "http" and path.startswith(GENERATE) and scope["method"] == "POST":
            await self._generate(scope, receive, send, key, query.get("output_format", FORMATS[0]))
        else:
            await refuse(scope, receive, send, 404)

    async def _hear(self, scope: Message, receive: Receive, send: Send, key: str) -> None:
        status = 401 if key == "wrong" else self.hearing.refuse_status
        if status is not None:
            await refuse(scope, receive, send, status)
            return
        session = HearingSession(scope, receive, send, self.hearing)
        self.sessions.append(session)
        try:
            await session.serve()
        finally:
            self.sessions.remove(session)

    # --- text to speech

    async def _generate(self, scope: Message, receive: Receive, send: Send, key: str, kind: str) -> None:
        behaviour = self.behaviour
        text = _text(await _body(receive))
        voice = unquote(scope["path"].removeprefix(GENERATE))
        status = behaviour.refuse_status or STATUSES.get(behaviour.error)
        if status is None and key == "wrong":
            status = 401
        elif status is None and voice not in VOICES:
            status = 404
        elif status is None and (not text or kind not in FORMATS):
            status = 400
        if status is not None:
            await refuse(scope, receive, send, status, orjson.dumps({"detail": f"Refused with {status}."}))
            return
        spoken = Spoken(f"request-{len(self.spoken) + 1}", text or "")
        self.spoken.append(spoken)
        await _Answer(scope, receive, send, behaviour, spoken).serve(voice, kind)


class _Answer:
    """The answer to one request: its sound, in chunks, until the client has it or has gone."""

    def __init__(self, scope: Message, receive: Receive, send: Send, behaviour: VoiceBehaviour, spoken: Spoken) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._behaviour = behaviour
        self._spoken = spoken

    async def serve(self, voice: str, kind: str) -> None:
        asked_at = clock()
        made = await speech.speak(self._spoken.text, voice_id=voice, kind="audio/pcm")
        self._spoken.words += [(word.text, word.end_ms) for word in made.words]
        pcm = audio.resample(made.audio, 24000, RATE)
        gone = asyncio.create_task(self._gone())
        sending = asyncio.create_task(self._give(pcm, kind, asked_at))
        try:
            await asyncio.wait([gone, sending], return_when=asyncio.FIRST_COMPLETED)
            self._spoken.stopped = not sending.done()
        finally:
            for task in (gone, sending):
                task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await sending

    async def _gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def _give(self, pcm: bytes, kind: str, asked_at: float) -> None:
        behaviour = self._behaviour
        content_type = b"audio/wav" if kind.startswith("wav") else b"audio/pcm"
        await asyncio.sleep(max(0.0, asked_at + behaviour.first_sound_s - clock()))
        await self._send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", content_type)]})
        if behaviour.mute:
            await asyncio.Event().wait()
        if kind.startswith("wav"):
            await self._chunk(_wav_header(len(pcm)))
        due_at = clock()
        # Chunks of HTTP know nothing of samples: most end in the middle of one.
        size = behaviour.chunk_ms * BYTES_PER_MS + 1 if not behaviour.garbage else 333
        for start in range(0, len(pcm), size):
            await asyncio.sleep(max(0.0, due_at - clock()))
            if behaviour.break_after_ms is not None and self._spoken.sent_ms >= behaviour.break_after_ms:
                self._scope["voices.abort"]()
                return
            piece = pcm[start : start + size]
            await self._chunk(piece)
            self._spoken.sent_ms += len(piece) / BYTES_PER_MS
            due_at += len(piece) / BYTES_PER_MS / behaviour.pace / 1000
        await self._send({"type": "http.response.body", "body": b""})

    async def _chunk(self, body: bytes) -> None:
        await self._send({"type": "http.response.body", "body": body, "more_body": True})


async def _body(receive: Receive) -> bytes:
    body = b""
    while len(body) <= MOST_BODY:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return body
    return b""


def _text(body: bytes) -> str | None:
    """What is to be spoken; None when the request does not say it as it should."""
    try:
        asked = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    text = asked.get("text") if isinstance(asked, dict) else None
    return text if isinstance(text, str) and text.strip() else None


def _wav_header(data_bytes: int) -> bytes:
    """A RIFF header for 16-bit PCM at 16 kHz: 44 bytes."""
    return (
        struct.pack("<4sI4s", b"RIFF", 36 + data_bytes, b"WAVE")
        + struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, RATE, 2 * RATE, 2, 16)
        + struct.pack("<4sI", b"data", data_bytes)
    )
