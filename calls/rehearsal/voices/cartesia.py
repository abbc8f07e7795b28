"""A stand-in for Cartesia's text to speech over a websocket: one context for each utterance.

It keeps the service's rules as its documentation and its SDK have them. What nobody has recorded is as hard for the client as it
can be: a cancelled context sends sound that was in the making, and no `done`.
"""

from __future__ import annotations

import base64
import re
import uuid
from urllib.parse import parse_qs

from calls.rehearsal.voices import speech
from calls.rehearsal.voices.context import Context, Piece
from calls.rehearsal.voices.host import Message, Receive, Send, Spoken, VoiceBehaviour, clock, refuse
from calls.rehearsal.voices.line import Json, Line
from calls.rehearsal.voices.speech import TimedWord

PATH = "/tts/websocket"
IDLE_S = 300.0
BUFFER_MS, MOST_BUFFER_MS = 3000, 5000
ENOUGH = re.compile(r"[.!?…。！？]\s*$|\S{1}[\s\S]{79}")
"""What the service speaks without waiting for more: a sentence, or 80 characters."""

NEW_ERRORS = "2026-03-01"
"""The API version from which errors have a title and a code."""

VOICE_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
MODELS = re.compile(r"sonic-(3|3\.5|latest|2)(-\d{4}-\d{2}-\d{2})?")
FORMATS = {("pcm_mulaw", 8000): "audio/pcmu", ("pcm_alaw", 8000): "audio/pcma", ("pcm_s16le", 24000): "audio/pcm"}
MAY_CHANGE = frozenset({"transcript", "continue", "duration", "flush"})

WITHOUT_SPACES = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff]")

ERRORS = {
    "quota": (402, "quota_exceeded", "Payment required", "You are out of credits."),
    "voice": (404, "voice_not_found", "Voice not found", "The voice was not found."),
    "key": (401, "unauthorized", "Unauthorized", "The API key is not valid."),
    "busy": (429, "concurrency_limited", "Too many requests", "Your plan allows 2 concurrent requests."),
    "server": (500, "internal_error", "Internal error", "Something went wrong."),
}


class Refused(Exception):
    """A request is answered with an error, and its context is over. The socket stays."""

    def __init__(self, status: int, code: str, title: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.title, self.message = status, code, title, message


class CartesiaStandIn:
    def __init__(self) -> None:
        self.behaviour = VoiceBehaviour()
        self.spoken: list[Spoken] = []

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        query = {name: values[0] for name, values in parse_qs(scope["query_string"].decode()).items()}
        headers = {name.decode().lower(): value.decode() for name, value in scope["headers"]}
        bearer = headers.get("authorization", "").removeprefix("Bearer").strip()
        key = query.get("api_key") or query.get("access_token") or headers.get("x-api-key") or bearer
        version = query.get("cartesia_version") or headers.get("cartesia-version", "")
        status = self.behaviour.refuse_status
        if scope["type"] != "websocket" or scope["path"] != PATH:
            status = 404
        elif status is None and key == "wrong":
            status = 401  # whoever has no key is served: that is what a stand-in is for
        elif status is None and not re.fullmatch(r"\d{4}-\d{2}-\d{2}", version):
            status = 400
        if status is not None:
            await refuse(scope, receive, send, status)
        else:
            await _Session(self, Line(scope, receive, send, self.behaviour), version).serve()


class _Session:
    """One websocket."""

    def __init__(self, stand_in: CartesiaStandIn, line: Line, version: str) -> None:
        self.stand_in = stand_in
        self.line = line
        self.version = version
        self.contexts: dict[str, _Context] = {}

    async def serve(self) -> None:
        await self.line.accept()
        idle_s = self.stand_in.behaviour.idle_s or IDLE_S
        heard_at = clock()
        try:
            while True:
                now = clock()
                deadlines = [context.due_at for context in self.contexts.values() if context.due_at is not None]
                try:
                    message = await self.line.next(max(0.0, min([heard_at + idle_s, *deadlines]) - now))
                except TimeoutError:
                    for context in self.contexts.values():
                        context.speak_if_due(clock())
                    if clock() - heard_at >= idle_s:
                        await self.line.close(1000, "connection idle timeout")
                        return
                    continue
                if message is None:
                    return
                heard_at = clock()
                await self._take(message)
        finally:
            for context in self.contexts.values():
                context.cancel()

    async def _take(self, message: Json) -> None:
        name = message.get("context_id")
        name = name if isinstance(name, str) else None
        try:
            if message.get("cancel"):
                if name in self.contexts:
                    self.contexts[name].stop()
                    self.contexts[name].end()
                return
            context = self._context(name, message)
            context.add(message)
        except Refused as refused:
            await self.line.send(self._error(refused, name))

    def _context(self, name: str | None, message: Json) -> _Context:
        if self.stand_in.behaviour.error:
            raise Refused(*ERRORS[self.stand_in.behaviour.error])
        known = self.contexts.get(name) if name else None
        if known is None:
            kind = _check(message)
            name = name or str(uuid.uuid4())
            spoken = Spoken(name)
            self.stand_in.spoken.append(spoken)
            known = self.contexts[name] = _Context(self, name, spoken, message, kind)
            return known
        if not known.takes_more():
            raise Refused(400, "context_closed", "Context closed", "The context has expired or was closed.")
        if not known.same(message):
            raise Refused(
                400, "context_mismatch", "Context mismatch", "All fields but the transcript must stay the same."
            )
        return known

    def _error(self, refused: Refused, name: str | None) -> Json:
        named = {"context_id": name} if name else {}
        message: Json = {"type": "error", **named, "done": True, "status_code": refused.status}
        if self.version < NEW_ERRORS:
            return message | {"error": f"{refused.title}: {refused.message}"}
        told = {"title": refused.title, "message": refused.message, "error_code": refused.code}
        return message | told | {"request_id": str(uuid.uuid4()), "doc_url": "https://docs.cartesia.ai"}


def _check(message: Json) -> str:
    """The format that the sound is asked for in. Raises Refused."""
    voice, model = message.get("voice"), message.get("model_id")
    output, delay = message.get("output_format"), message.get("max_buffer_delay_ms", BUFFER_MS)
    if not isinstance(message.get("transcript"), str) or not isinstance(voice, dict) or not isinstance(output, dict):
        raise Refused(400, "invalid_request", "Invalid request", "transcript, voice and output_format are required.")
    if not MODELS.fullmatch(str(model)):
        raise Refused(400, "model_not_found", "Invalid model", f"Model {model} does not exist.")
    if voice.get("mode") != "id" or not VOICE_ID.fullmatch(str(voice.get("id"))):
        raise Refused(*ERRORS["voice"])
    if not isinstance(delay, int) or not 0 <= delay <= MOST_BUFFER_MS:
        raise Refused(
            400, "invalid_request", "Invalid request", f"max_buffer_delay_ms must be from 0 to {MOST_BUFFER_MS}."
        )
    config = message.get("generation_config") or {}
    for name, least, most in (("speed", 0.6, 1.5), ("volume", 0.5, 2.0)):
        if not isinstance(config.get(name, 1), int | float) or not least <= config.get(name, 1) <= most:
            raise Refused(400, "invalid_request", "Invalid request", f"{name} must be from {least} to {most}.")
    asked = (str(output.get("encoding")), output.get("sample_rate"))
    kind = next((kind for known, kind in FORMATS.items() if known == asked and output.get("container") == "raw"), None)
    if kind is None:
        raise Refused(400, "invalid_request", "Invalid output format", f"This stand-in has raw {[*FORMATS]} only.")
    return kind


class _Context(Context):
    def __init__(self, session: _Session, name: str, spoken: Spoken, first: Json, kind: str) -> None:
        speed = (first.get("generation_config") or {}).get("speed", 1.0)

        async def make(text: str) -> speech.Speech:
            return await speech.speak(text, voice_id=first["voice"]["id"], speed=speed, kind=kind)

        super().__init__(name, session.line, session.stand_in.behaviour, make, spoken)
        self.due_at: float | None = None  # when what was gathered is spoken, if no more text comes
        self._session = session
        self._fixed = {key: value for key, value in first.items() if key not in MAY_CHANGE}
        self._delay_ms: int = first.get("max_buffer_delay_ms", BUFFER_MS)
        self._buffer = ""
        self._complete = False
        self._flush_id = 0
        self._tells: set[int] = set()  # the jobs after which flush_done is sent
        self._jobs_given = 0

    def same(self, message: Json) -> bool:
        if message.get("transcript") == "" and not message.get("continue"):
            return True  # the service's own SDK ends a context with other fields than it began it
        return {key: value for key, value in message.items() if key not in MAY_CHANGE} == self._fixed

    def takes_more(self) -> bool:
        expired = self.idle and self.spoken.sent_ms and clock() - self.last_sound_at > self.behaviour.expiry_s
        return not (self._complete or self.spoken.stopped or self.over or expired)

    def add(self, message: Json) -> None:
        """More text, verbatim behind what there is."""
        self._buffer += message["transcript"] if isinstance(message.get("transcript"), str) else ""
        self._complete = not message.get("continue", False)
        at_once = self._complete or message.get("flush") or not self._delay_ms or ENOUGH.search(self._buffer)
        if self._buffer and self.due_at is None:
            self.due_at = clock() + self._delay_ms / 1000
        if at_once:
            self._speak_buffer(flush=bool(message.get("flush")) or not self._delay_ms)
        if self._complete:
            self.end()

    def speak_if_due(self, now: float) -> None:
        if self.due_at is not None and now >= self.due_at:
            self._speak_buffer(flush=False)

    def _speak_buffer(self, *, flush: bool) -> None:
        self.due_at = None
        if self._buffer.strip():
            self._jobs_given += 1
            self.say(self._buffer)
            if flush:
                self._tells.add(self._jobs_given)
        self._buffer = ""

    async def sounds(self, piece: Piece) -> None:
        self._flush_id = piece.job
        common = {"context_id": self.name, "done": False, "status_code": 206, "flush_id": piece.job}
        data = base64.b64encode(piece.audio).decode()
        await self.line.send({"type": "chunk", **common, "data": data, "step_time": 12.5})
        if self.behaviour.times and self._fixed.get("add_timestamps") and piece.words:
            words = [sign for word in piece.words for sign in _signs(word)]
            told = {
                "words": [word.text for word in words],
                "start": [word.start_ms / 1000 for word in words],
                "end": [word.end_ms / 1000 for word in words],
            }
            await self.line.send({"type": "timestamps", **common, "word_timestamps": told})
        if self._fixed.get("add_phoneme_timestamps") and piece.words:
            letters = {
                "phonemes": [word.text[:1] for word in piece.words],
                "start": [word.start_ms / 1000 for word in piece.words],
                "end": [word.end_ms / 1000 for word in piece.words],
            }
            await self.line.send({"type": "phoneme_timestamps", **common, "phoneme_timestamps": letters})

    async def flushed(self, job: int) -> None:
        if job in self._tells:
            common = {"context_id": self.name, "done": False, "status_code": 206}
            await self.line.send({"type": "flush_done", **common, "flush_done": True, "flush_id": job})

    async def ends(self) -> None:
        if not self.spoken.stopped:
            await self.line.send({"type": "done", "context_id": self.name, "done": True, "status_code": 200})


def _signs(word: TimedWord) -> list[TimedWord]:
    """A word as the service tells it; of a script without spaces, each sign."""
    text = word.text.strip()
    if not WITHOUT_SPACES.search(text):
        return [TimedWord(text, word.start_ms, word.end_ms)]
    step = (word.end_ms - word.start_ms) / len(text)
    return [TimedWord(sign, word.start_ms + n * step, word.start_ms + (n + 1) * step) for n, sign in enumerate(text)]
