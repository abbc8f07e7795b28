"""A stand-in for Speechmatics' real-time speech to text, version 2: one websocket, one session.

Order, empty messages and delays are those of recorded sessions: `Info` before `RecognitionStarted`, acknowledgements late, partials
and finals every third of a second with or without words, the last mark in a final of its own, then the end of the utterance.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson

from calls import audio
from calls.rehearsal.voices.host import Message, Receive, Send, clock
from calls.rehearsal.voices.listener import NOT_UNDERSTOOD, End, Final, Heard, HeardWord, Listener, Partial
from calls.voices.pcm import Pcm16k

logger = logging.getLogger("calls.rehearsal")

Json = dict[str, Any]

MODELS = ("standard", "enhanced", "melia-1")
CODES = {
    "not_authorised": 4001,
    "not_allowed": 4003,
    "invalid_model": 4004,
    "quota_exceeded": 4005,
    "timelimit_exceeded": 4006,
    "job_error": 4013,
    "idle_timeout": 1008,
    "session_timeout": 1008,
    "unknown_error": 1011,
}
"""Close codes by the type of the error; the others are of what could not be read."""

UNREADABLE = 1003
MARKS = ".?!,"


@dataclass(frozen=True, slots=True)
class HearingBehaviour:
    """How the ear behaves, well or badly. The defaults are what recordings of the service show."""

    heard: tuple[str, ...] = ()  # what the caller's utterances say, handed over by whoever plays the caller
    word_ms: int = 300
    started_s: float = 0.3  # from StartRecognition to RecognitionStarted; 1.7 was recorded, too
    ack_s: float = 0.15  # from a frame to its acknowledgement
    lag_s: float = 0.25  # from a sound to what is said of it

    refuse_status: int | None = None  # the handshake is answered with this HTTP status
    error: str = ""  # the session ends with this type of error
    error_after_s: float = 0.0  # of sound; 0: instead of RecognitionStarted
    break_after_s: float | None = None  # of sound; the socket breaks
    idle_s: float = 3600.0  # without sound
    deaf: bool = False  # never hears a word
    taken_back: bool = False  # the first words of an utterance are withdrawn once
    late_finals: bool = False  # the last words come after the end of their utterance
    no_ends: bool = False  # utterances end only when they are forced to
    garbage: bool = False  # sends what nobody can read between its messages


class Ended(Exception):
    """The session is over, with an error that the client is told. `kind` as in the reference."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason


class Later:
    """Sends messages in order, each some time after it was given."""

    def __init__(self, send: Send, delay_s: float) -> None:
        self._send = send
        self._delay_s = delay_s
        self._waiting: asyncio.Queue[tuple[float, Message | None]] = asyncio.Queue()
        self._hurry = asyncio.Event()
        self.task = asyncio.create_task(self._run())

    def put(self, message: Json) -> None:
        self._waiting.put_nowait((clock() + self._delay_s, _frame(message)))

    async def flush(self, *, hurry: bool = False) -> None:
        """Until all has left, in its time or at once. Nothing may be given after it."""
        if hurry:
            self._hurry.set()
        self._waiting.put_nowait((0.0, None))
        await asyncio.wait([self.task])

    async def _run(self) -> None:
        while True:
            due_at, frame = await self._waiting.get()
            if frame is None:
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._hurry.wait(), max(0.0, due_at - clock()))
            await self._send(frame)


class HearingSession:
    def __init__(self, scope: Message, receive: Receive, send: Send, behaviour: HearingBehaviour) -> None:
        self.id = str(uuid.uuid4())
        self.behaviour = behaviour
        self.received: list[Json] = []  # all messages of the client but its sound
        self.frames = 0
        self.sound_s = 0.0
        self._scope = scope
        self._receive = receive
        self._pass = send
        self._over = False
        self._sound: Sound | None = None
        self._listener: Listener | None = None
        self._finished = False
        self._taken_back = False
        self._withheld: list[Json] = []

    async def serve(self) -> None:
        """Until one of both ends it."""
        await self._receive()
        await self._pass({"type": "websocket.accept"})
        self._acks, self._engine = Later(self._send, self.behaviour.ack_s), Later(self._send, self.behaviour.lag_s)
        logger.info(
            "A stand-in hears: it does not understand words, and writes %s for what it was not given", NOT_UNDERSTOOD
        )
        try:
            await self._say(
                {
                    "message": "Info",
                    "type": "concurrent_session_usage",
                    "usage": 1,
                    "quota": 2,
                    "reason": "1 concurrent sessions active out of quota 2",
                    "last_updated": "2025-09-12T15:51:53Z",
                }
            )
            await self._converse()
        except Ended as end:
            code = CODES.get(end.kind, UNREADABLE)
            await self._say(
                {"message": "Error", "type": end.kind, "reason": end.reason, "code": code, "seq_no": self.frames}
            )
            await self._close(code, end.kind)
        finally:
            self._over = True
            for later in (self._acks, self._engine):
                later.task.cancel()

    async def _converse(self) -> None:
        idle_s = self.behaviour.idle_s
        heard_at = clock()
        while not self._over:
            try:
                async with asyncio.timeout(max(0.0, heard_at + idle_s - clock())):
                    message = await self._receive()
            except TimeoutError:
                raise Ended("idle_timeout", "Session timed out because no audio was received") from None
            if message["type"] != "websocket.receive":
                return
            sound = message.get("bytes")
            if sound is not None:
                heard_at = clock()
                await self._add(sound)
            else:
                await self._take(_read(message.get("text") or ""))

    # --- from the client

    async def _take(self, message: Json) -> None:
        kind = message.get("message")
        self.received.append(message)
        if kind == "StartRecognition":
            await self._start(message)
        elif self._listener is None:
            raise Ended("protocol_error", "StartRecognition must come first")
        elif kind == "ForceEndOfUtterance":
            if not isinstance(message.get("timestamp", 0.0), int | float):
                raise Ended("invalid_message", "timestamp must be a number")
            self._tell(self._listener.force())
        elif kind == "SetRecognitionConfig":
            silence_ms, delay_ms = _lengths(message.get("transcription_config") or {})
            self._listener.configure(silence_ms, delay_ms)
        elif kind == "EndOfStream":
            await self._finish(message)
        else:
            raise Ended("invalid_message", "There is no such message")

    async def _start(self, message: Json) -> None:
        behaviour = self.behaviour
        if self._listener is not None:
            raise Ended("protocol_error", "The recognition has started")
        config = message.get("transcription_config")
        if not isinstance(config, dict) or not isinstance(config.get("language"), str):
            raise Ended("invalid_config", "transcription_config needs a language")
        if config.get("model", "enhanced") not in MODELS:
            raise Ended("invalid_model", "There is no such model")
        if len(config.get("additional_vocab") or ()) > 1000:
            raise Ended("invalid_config", "additional_vocab has more than 1000 entries")
        self._sound = Sound(message.get("audio_format") or {})
        silence_ms, delay_ms = _lengths(config)
        if behaviour.error and not behaviour.error_after_s:
            raise Ended(behaviour.error, "Refused by the stand-in")
        texts = iter(behaviour.heard)
        self._listener = Listener(texts, silence_ms=silence_ms, delay_ms=delay_ms, word_ms=behaviour.word_ms)
        self._partials = bool(config.get("enable_partials"))
        await asyncio.sleep(behaviour.started_s)
        pack = {
            "adapted": False,
            "itn": True,
            "language_description": "English",
            "word_delimiter": " ",
            "writing_direction": "left-to-right",
        }
        await self._say(
            {
                "message": "RecognitionStarted",
                "orchestrator_version": "stand-in",
                "id": self.id,
                "language_pack_info": pack,
            }
        )

    async def _add(self, sound: bytes) -> None:
        if self._listener is None or self._sound is None:
            raise Ended("protocol_error", "Sound came before StartRecognition")
        if self._finished:
            self._engine.put({"message": "Warning", "type": "add_audio_after_eos", "reason": "Sound after EndOfStream"})
            return
        self.frames += 1
        self.sound_s += self._sound.seconds(sound)
        self._acks.put({"message": "AudioAdded", "seq_no": self.frames})
        behaviour = self.behaviour
        if behaviour.error and self.sound_s >= behaviour.error_after_s:
            raise Ended(behaviour.error, "Refused by the stand-in")
        if behaviour.break_after_s is not None and self.sound_s >= behaviour.break_after_s:
            self._over = True
            self._scope["voices.abort"]()
            return
        if not behaviour.deaf:
            self._tell(self._listener.feed(self._sound.pcm(sound)))

    async def _finish(self, message: Json) -> None:
        if not isinstance(message.get("last_seq_no"), int):
            raise Ended("invalid_message", "last_seq_no is missing")
        if self._finished or self._listener is None:
            return
        self._finished = True
        self._tell(self._listener.finish())
        await self._acks.flush(hurry=True)
        self._engine.put({"message": "EndOfTranscript"})
        await self._engine.flush()
        await self._close(1000, "")

    # --- to the client

    def _tell(self, heard: Iterable[Heard]) -> None:
        for one in heard:
            match one:
                case Partial():
                    if self._partials:
                        self._tell_partial(one)
                case Final():
                    self._tell_final(one)
                case End():
                    if not self.behaviour.no_ends or one.forced:
                        at = {"start_time": one.at_ms / 1000, "end_time": one.at_ms / 1000}
                        forced = {"forced": True} if one.forced else {}
                        self._engine.put({"message": "EndOfUtterance", "format": "2.9", "metadata": at, **forced})
                    for message in self._withheld:
                        self._engine.put(message)
                    self._withheld, self._taken_back = [], False

    def _tell_partial(self, partial: Partial) -> None:
        self._engine.put(_transcript("AddPartialTranscript", partial.words, partial.start_ms, partial.end_ms))
        if self.behaviour.taken_back and partial.words and not self._taken_back:
            self._taken_back = True
            self._engine.put(_transcript("AddPartialTranscript", (), partial.start_ms, partial.end_ms))

    def _tell_final(self, final: Final) -> None:
        words, mark = final.words, ""
        if final.closes and words and words[-1].text[-1] in MARKS and len(words[-1].text) > 1:
            last = words[-1]
            words, mark = (*words[:-1], HeardWord(last.text[:-1], last.start_ms, last.end_ms)), last.text[-1]
        until_ms = words[-1].end_ms if words else final.end_ms
        messages = [_transcript("AddTranscript", words, final.start_ms, until_ms, forced=final.forced)]
        if mark:
            messages.append(_transcript("AddTranscript", (), until_ms, final.end_ms, mark=mark, forced=final.forced))
        if final.closes and self.behaviour.late_finals:
            self._withheld += messages
            return
        for message in messages:
            self._engine.put(message)

    async def _say(self, message: Json) -> None:
        await self._send(_frame(message))

    async def _send(self, frame: Message) -> None:
        if self._over:
            return
        if self.behaviour.garbage:
            await self._pass({"type": "websocket.send", "text": '{"message":"AddTranscript","results":7}'})
            await self._pass({"type": "websocket.send", "bytes": b"\x00\xff"})
        await self._pass(frame)

    async def _close(self, code: int, reason: str) -> None:
        if not self._over:
            self._over = True
            await self._pass({"type": "websocket.close", "code": code, "reason": reason})


class Sound:
    """The client's sound as 16-bit PCM at 8 kHz. Raises Ended for a format that is not in the reference, or not done here."""

    def __init__(self, about: Json) -> None:
        self._encoding, self._rate = about.get("encoding"), about.get("sample_rate")
        known = {"mulaw": (8000,), "pcm_s16le": (8000, 16000)}
        if about.get("type") != "raw" or self._rate not in known.get(str(self._encoding), ()):
            raise Ended("invalid_audio_type", "The stand-in takes raw mulaw at 8 kHz and pcm_s16le at 8 or 16 kHz")
        self._reduced = Pcm16k()
        self._rest = b""

    def seconds(self, sound: bytes) -> float:
        return len(sound) / (8000 if self._encoding == "mulaw" else 2 * int(self._rate or 1))

    def pcm(self, sound: bytes) -> bytes:
        if self._encoding == "mulaw":
            return audio.mulaw_decode(sound)
        if self._rate == 16000:
            return audio.mulaw_decode(self._reduced.take(sound))
        data = self._rest + sound
        whole = len(data) - len(data) % 2
        self._rest = data[whole:]
        return data[:whole]


def _lengths(config: Json) -> tuple[int, int]:
    """(the silence that ends an utterance, the longest wait for a final) in ms. Raises Ended for what the service refuses."""
    silence = (config.get("conversation_config") or {}).get("end_of_utterance_silence_trigger", 0)
    delay = config.get("max_delay", 4)
    if not isinstance(silence, int | float) or not 0 <= silence <= 2:
        raise Ended("invalid_config", "end_of_utterance_silence_trigger is from 0 to 2")
    if not isinstance(delay, int | float) or not 0.7 <= delay <= 4:
        raise Ended("invalid_config", "max_delay is from 0.7 to 4")
    return round(silence * 1000), round(delay * 1000)


def _transcript(
    kind: str, words: Iterable[HeardWord], start_ms: int, end_ms: int, *, mark: str = "", forced: bool = False
) -> Json:
    results: list[Json] = []
    spelled = []
    for word in words:
        bare = word.text.rstrip(MARKS) or word.text
        results.append(_result("word", bare, word.start_ms, word.end_ms))
        spelled.append(word.text)
        results += [_mark(sign, word.end_ms) for sign in word.text[len(bare) :]]
    if mark:
        results.append(_mark(mark, start_ms))
        spelled.append(mark)
    text = " ".join(spelled)
    final = kind == "AddTranscript"
    return {
        "message": kind,
        "format": "2.9",
        "results": results,
        "metadata": {
            "end_time": end_ms / 1000,
            "start_time": start_ms / 1000,
            "transcript": f"{text} " if final and text else text,
        },
        **({"forced": True} if forced else {}),
    }


def _result(kind: str, text: str, start_ms: int, end_ms: int) -> Json:
    best = {"confidence": 1.0, "content": text, "language": "en", "speaker": "S1"}
    return {"alternatives": [best], "end_time": end_ms / 1000, "start_time": start_ms / 1000, "type": kind}


def _mark(sign: str, at_ms: int) -> Json:
    return _result("punctuation", sign, at_ms, at_ms) | {"attaches_to": "previous", "is_eos": sign != ","}


def _read(text: str) -> Json:
    try:
        message = orjson.loads(text)
    except orjson.JSONDecodeError:
        message = None
    if not isinstance(message, dict):
        raise Ended("invalid_message", "This is no JSON object")
    return message


def _frame(message: Json) -> Message:
    return {"type": "websocket.send", "text": orjson.dumps(message).decode()}
