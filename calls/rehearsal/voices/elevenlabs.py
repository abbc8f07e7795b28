"""A stand-in for ElevenLabs' `multi-stream-input`: many contexts on one websocket.

It keeps the service's rules as its documentation, its SDK and recordings have them, and its quirks. Times begin at 0 in every
message and are not as long as its sound; all together they are. Every few messages nothing is told, and the next one tells
more. The plain alignment of what is spoken in one go is told twice.
"""

from __future__ import annotations

import base64
import re
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qs, unquote

from calls.rehearsal.voices import speech
from calls.rehearsal.voices.context import Context, Piece
from calls.rehearsal.voices.host import Message, Receive, Send, Spoken, VoiceBehaviour, clock, refuse
from calls.rehearsal.voices.line import Json, Line
from calls.rehearsal.voices.numbers import spelled
from calls.rehearsal.voices.speech import TimedWord

PATH = re.compile(r"/v1/text-to-speech/([^/]+)/multi-stream-input")
VOICE_ID = re.compile(r"[A-Za-z0-9]{20}")
MODELS = frozenset(
    {"eleven_flash_v2_5", "eleven_turbo_v2_5", "eleven_multilingual_v2", "eleven_flash_v2", "eleven_turbo_v2"}
)
WITH_LANGUAGE = frozenset({"eleven_flash_v2_5", "eleven_turbo_v2_5"})
FORMATS = {"ulaw_8000": "audio/pcmu", "alaw_8000": "audio/pcma", "pcm_24000": "audio/pcm"}
CONTEXTS = 5
SCHEDULE = [120, 160, 250, 290]
INACTIVITY_S, MOST_INACTIVITY_S = 20, 180
UNTOLD = 5
"""Every so many messages, sound comes without times, which the next message then tells."""

POLICY = 1008
ERRORS = {
    "quota": ("quota_exceeded", "This request exceeds your quota. You have 0 credits remaining."),
    "voice": ("voice_id_does_not_exist", "A voice with that voice_id does not exist."),
    "key": ("invalid_api_key", "Invalid API key"),
    "busy": ("too_many_concurrent_requests", "Too many concurrent requests. Your current subscription allows 2."),
    "server": ("something_went_wrong", "We are sorry, something went wrong. You are not charged for this request."),
}


class Refused(Exception):
    """What the client did, or asked for, ends the socket."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class ElevenLabsStandIn:
    def __init__(self) -> None:
        self.behaviour = VoiceBehaviour()
        self.spoken: list[Spoken] = []

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        path = PATH.fullmatch(scope["path"])
        if path is None or scope["type"] != "websocket":
            await refuse(scope, receive, send, 404)
        elif self.behaviour.refuse_status is not None:
            await refuse(scope, receive, send, self.behaviour.refuse_status)
        else:
            line = Line(scope, receive, send, self.behaviour)
            await _Session(self, line, unquote(path[1]), scope).serve()


class _Session:
    """One websocket."""

    def __init__(self, stand_in: ElevenLabsStandIn, line: Line, voice_id: str, scope: Message) -> None:
        query = {name: values[0] for name, values in parse_qs(scope["query_string"].decode()).items()}
        headers = {name.decode().lower(): value.decode() for name, value in scope["headers"]}
        self.stand_in = stand_in
        self.line = line
        self.voice_id = voice_id
        self.model = query.get("model_id", "eleven_multilingual_v2")
        self.language = query.get("language_code")
        self.format = query.get("output_format", "mp3_44100")
        self.auto = query.get("auto_mode") == "true"
        self.key = headers.get("xi-api-key") or query.get("authorization") or query.get("single_use_token")
        timeout = query.get("inactivity_timeout", "")
        self.inactivity_s: float = int(timeout) if timeout.isdigit() else INACTIVITY_S
        if stand_in.behaviour.idle_s is not None:
            self.inactivity_s = stand_in.behaviour.idle_s
        self.contexts: dict[str, _Context] = {}  # those that take text
        self.closing: set[_Context] = set()  # … and those that only speak what they have
        self.heard_at = clock()

    async def serve(self) -> None:
        await self.line.accept()
        try:
            await self._converse()
        except Refused as refused:
            await self.line.send({"message": refused.message, "error": refused.code, "code": POLICY})
            await self.line.close(POLICY, refused.message)
        finally:
            for context in (*self.contexts.values(), *self.closing):
                context.cancel()

    async def _converse(self) -> None:
        if not 1 <= self.inactivity_s <= MOST_INACTIVITY_S and self.stand_in.behaviour.idle_s is None:
            raise Refused("invalid_inactivity_timeout", "The inactivity timeout must be between 1 and 180 seconds.")
        while True:
            try:
                message = await self.line.next(self._next_timeout() - clock())
            except TimeoutError:
                self._time_out()
                continue
            if message is None:
                return
            self.heard_at = clock()
            if message.get("close_socket"):
                await self._close_all()
                return
            self._take(message)

    # --- time

    def _next_timeout(self) -> float:
        named = [context.named_at for context in self.contexts.values()]
        return min([self.heard_at, *named]) + self.inactivity_s

    def _time_out(self) -> None:
        now = clock()
        if now - self.heard_at >= self.inactivity_s:
            raise Refused(
                "input_timeout_exceeded",
                f"Have not received a new text input within the timeout of {self.inactivity_s} seconds. Streaming input "
                "terminated. Please make sure to either feed the input in the timely manner, or to send the end of input text "
                '(empty string "") when done.',
            )
        for context in list(self.contexts.values()):
            if now - context.named_at >= self.inactivity_s:
                context.close()

    # --- messages

    def _take(self, message: Json) -> None:
        text, name = message.get("text"), message.get("context_id", message.get("contextId"))
        control = message.get("flush") or message.get("close_context")
        if not isinstance(text, str) and not control:
            raise Refused(
                "invalid_input_message",
                "Could not parse input message, make sure it is a json and follows the schema outlined in protocol.",
            )
        if name is None and text == "" and "default" not in self.contexts:
            return  # keeps the socket open, and no more
        name = "default" if name is None else str(name)
        context = self.contexts.get(name)
        if message.get("close_context"):
            if context is not None:
                context.close()
            return
        if context is None:
            if not isinstance(text, str):
                return
            context = self._open(name, message)
        elif "voice_settings" in message or "generation_config" in message:
            raise Refused("invalid_message", "voice_settings can only be provided in the first message of a context.")
        context.named_at = clock()
        context.add(text or "", flush=bool(message.get("flush")), auto=self.auto)

    def _open(self, name: str, message: Json) -> _Context:
        self._admit(message)
        if len(self.contexts) + len(self.closing) >= CONTEXTS:
            raise Refused(
                "max_active_conversations",
                f"Maximum simultaneous contexts per WebSocket connection exceeded ({CONTEXTS}). "
                "Please close existing contexts before creating new ones.",
            )
        spoken = Spoken(name)
        self.stand_in.spoken.append(spoken)
        settings, config = message.get("voice_settings") or {}, message.get("generation_config") or {}
        context = _Context(self, name, spoken, settings.get("speed", 1.0))
        context.schedule = config.get("chunk_length_schedule") or SCHEDULE
        _check(settings, context.schedule)
        self.contexts[name] = context
        return context

    def _admit(self, message: Json) -> None:
        key = self.key or message.get("xi-api-key") or message.get("xi_api_key") or message.get("authorization")
        error = self.stand_in.behaviour.error
        # Whoever has no key is served: that is what a stand-in is for. "wrong" is a key that the service refuses.
        if error or key == "wrong":
            raise Refused(*ERRORS[error or "key"])
        if not VOICE_ID.fullmatch(self.voice_id):
            raise Refused(ERRORS["voice"][0], f"A voice with voice_id {self.voice_id} does not exist.")
        if self.model not in MODELS:
            raise Refused(
                "model_not_found", f"A model with model ID {self.model} does not exist or is not available here."
            )
        if self.language and self.model not in WITH_LANGUAGE:
            raise Refused("unsupported_language", f"Model {self.model} does not support language_code.")
        if self.format not in FORMATS:
            raise Refused("unsupported_output_format", f"This stand-in has {', '.join(FORMATS)} only.")

    async def _close_all(self) -> None:
        for context in list(self.contexts.values()):
            context.add("", flush=True, auto=False)
            context.close()
        for context in list(self.closing):
            await context.finished()
        await self.line.close(1000)


def _check(settings: Json, schedule: Any) -> None:
    ranges = {"stability": (0, 1), "similarity_boost": (0, 1), "style": (0, 1), "speed": (0.7, 1.2)}
    for name, (least, most) in ranges.items():
        value = settings.get(name, least)
        if not isinstance(value, int | float) or not least <= value <= most:
            raise Refused("invalid_voice_settings", f"{name} must be between {least} and {most}.")
    if not all(isinstance(size, int) and 50 <= size <= 500 for size in schedule):
        raise Refused("invalid_generation_config", "Each chunk length must be between 50 and 500.")


class _Context(Context):
    def __init__(self, session: _Session, name: str, spoken: Spoken, speed: float) -> None:
        async def make(text: str) -> speech.Speech:
            return await speech.speak(text, voice_id=session.voice_id, speed=speed, kind=FORMATS[session.format])

        super().__init__(name, session.line, session.stand_in.behaviour, make, spoken)
        self.session = session
        self.named_at = clock()
        self.schedule: list[int] = SCHEDULE
        self._buffer = ""
        self._spoken_jobs = 0
        self._flushed = False  # by the last message
        self._messages = 0
        self._told_ms = 0.0
        self._untold: tuple[TimedWord, ...] = ()

    def add(self, text: str, *, flush: bool, auto: bool) -> None:
        """More text; it is spoken when there is enough of it, or when that is asked for."""
        self._buffer += text
        self._flushed = flush or (self._flushed and not text.strip())
        enough = self.schedule[min(self._spoken_jobs, len(self.schedule) - 1)]
        if self._buffer.strip() and (flush or auto or len(self._buffer) >= enough):
            self._spoken_jobs += 1
            self.say(self._buffer)
            self._buffer = ""

    def close(self) -> None:
        """Text that was not flushed is gone. What was is still spoken, all of it if the flush was the last word of the client."""
        if not self._flushed:
            self.stop()
        self.session.closing.add(self.session.contexts.pop(self.name))
        self.end()

    async def sounds(self, piece: Piece) -> None:
        self._messages += 1
        normalized, plain = None, None
        if self.behaviour.times:
            words = (*self._untold, *piece.words)
            last = words[-1:] == piece.job_words[-1:]
            self._untold = () if self._messages % UNTOLD or last else words
            if words and not self._untold:
                begun = piece.job_words.index(words[-1]) + 1
                until_ms = piece.job_words[begun].start_ms if begun < len(piece.job_words) else words[-1].end_ms
                normalized = _alignment(words, self._told_ms, until_ms, normalized=True)
                self._told_ms = until_ms
            if piece.number < 2:  # both passes tell all of it
                plain = _alignment(piece.job_words, piece.job_words[0].start_ms, piece.job_words[-1].end_ms)
        await self.line.send(
            {
                "audio": base64.b64encode(piece.audio).decode(),
                "isFinal": None,
                "normalizedAlignment": normalized,
                "alignment": plain,
                "contextId": self.name,
            }
        )

    async def ends(self) -> None:
        self.session.closing.discard(self)
        await self.line.send({"isFinal": True, "contextId": self.name})


def _alignment(words: tuple[TimedWord, ...], base_ms: float, until_ms: float, *, normalized: bool = False) -> Json:
    """Times of characters, counted from `base_ms`, without gaps. Normalised: as it is spoken, with a space in front."""
    chars: list[str] = []
    borders = [base_ms]
    if normalized:
        chars.append(" ")
        borders.append(words[0].start_ms)
    for word, following_ms in zip(words, [*(word.start_ms for word in words[1:]), until_ms], strict=True):
        text = (spelled(word.text) if normalized else word.text).strip()
        step = (word.end_ms - word.start_ms) / max(1, len(text))
        chars += [*text, " "]
        borders += [*(word.start_ms + n * step for n in range(1, len(text) + 1)), following_ms]
    times = [round(border - base_ms) for border in borders]
    return {"chars": chars, "charStartTimesMs": times[:-1], "charDurationsMs": [b - a for a, b in pairwise(times)]}
