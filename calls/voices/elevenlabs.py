"""ElevenLabs, text to speech over one websocket with many contexts (`multi-stream-input`). Both directions, pure.

Facts of the protocol are from ElevenLabs' documentation, the message types of its SDK, and from recordings of the service:
field names come in two spellings, alignments are null at times, restart within a sentence, and count from their own message.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.parse import quote, urlencode

import orjson

from calls.conversation.commands import FinishSpeaking, Speak
from calls.conversation.events import BYTES_PER_MS, VoiceAudio, VoiceDone, VoiceFailed, VoiceTimed

from . import wire
from .alignment import Alignment, Points
from .base import VoiceCommand, VoiceEvent
from .options import option
from .pieces import WholeWords
from .sentences import Sentences

CONTEXTS = 5
"""That the service allows at a time on one socket. A sixth ends the socket, and a context counts until its `isFinal`."""

KEEPALIVE_S = 10.0
INACTIVITY_S = 180
"""After which a context, or an idle socket, ends; the most that can be asked for. The default of 20 s is a long thought."""

SCHEDULE = [50, 90, 140, 200]
"""Characters after which each next piece is spoken, when no sentence has ended before. 50 is the least that the service takes."""

NEAR_MS = 300.0
"""Times of a message go on where those of the last one ended, if that is no further from where its sound begins."""

FAR_MS = 1000.0
"""Times that begin where the sound does, and not near 0, count from the utterance; but only when so much sound lies before."""

WITH_LANGUAGE = frozenset({"eleven_flash_v2_5", "eleven_turbo_v2_5"})
"""Models that can be told the language; the others refuse to be."""

HOPELESS = (
    *("api_key", "unauthorized", "authentication", "permission", "unusual_activity"),
    *("quota", "credits", "payment", "subscription"),
    *("voice_id", "voice_not", "voice_does", "model_id", "model_not", "model_does", "language_code", "unsupported_"),
)
"""Parts of what a refusal says, after which no other utterance can hope for better: key, account, voice or model are wrong."""


@dataclass(frozen=True, slots=True)
class ElevenLabsOptions:
    """Ranges are the service's own."""

    voice_id: str = option(
        "Voice",
        "Whose voice callers hear: the voice's id from your ElevenLabs library. The default, George, is there for every account.",
        default="JBFqnCBsd6RMkjVDRZzb",
        required=True,
    )
    model: str = option(
        "Model",
        "Flash answers soonest. Turbo and Multilingual sound richer, and callers wait a little longer for the first word.",
        default="eleven_flash_v2_5",
        choices=(
            ("eleven_flash_v2_5", "Flash v2.5: soonest, 32 languages"),
            ("eleven_turbo_v2_5", "Turbo v2.5: richer, 32 languages"),
            ("eleven_multilingual_v2", "Multilingual v2: richest, 29 languages, slowest"),
            ("eleven_flash_v2", "Flash v2: soonest, English only"),
        ),
    )
    language: str = option(
        "Language",
        "The language in which it reads numbers and names, as a code such as en, de or pt. Empty: the agent's language. "
        "Only the v2.5 models can be told; the others go by the text.",
        default="",
    )
    speed: float = option(
        "Speed",
        "How fast it talks. 1 is the voice's own pace; callers follow 0.9 to 1.1 easily.",
        default=1.0,
        least=0.7,
        most=1.2,
    )
    stability: float = option(
        "Stability",
        "Low: lively, and a sentence never sounds the same twice. High: even, at the top monotonous.",
        default=0.5,
        least=0.0,
        most=1.0,
    )
    similarity: float = option(
        "Similarity",
        "How closely it keeps to the voice it was made from. Very high also brings back noises of the recording.",
        default=0.75,
        least=0.0,
        most=1.0,
    )
    style: float = option(
        "Style",
        "Exaggerates the speaker's manner. Above 0 the first word comes later and the voice is less steady.",
        default=0.0,
        least=0.0,
        most=1.0,
    )
    speaker_boost: bool = option(
        "Speaker boost", "Sounds more like the speaker; the first word comes a little later.", default=False
    )
    normalization: str = option(
        "Numbers and signs",
        "Whether dates, amounts and telephone numbers are written out before they are spoken. The service decides by itself; "
        "“always” costs a little time, and with Flash and Turbo v2.5 needs an enterprise account.",
        default="auto",
        choices=(("auto", "As the service decides"), ("on", "Always"), ("off", "Never")),
    )


@dataclass(slots=True)
class _Context:
    """One utterance, as it stands with the service."""

    words: WholeWords = field(default_factory=WholeWords)
    alignment: Alignment = field(default_factory=Alignment)
    held: list[wire.Json] = field(default_factory=list)  # to be sent when there is room for another context
    first: Sentences | None = field(default_factory=Sentences)  # None: the first sound is on its way
    given: int = 0  # characters of the text
    opened: int = 0  # the number of the step in which it was; 0: not yet
    closed: int = 0  # … and closed
    finished: bool = False
    normalized: bool = False  # its times are told for the text as it is spoken
    told_ms: float = 0.0  # up to here
    received: int = 0  # bytes of its sound


class ElevenLabs:
    """One socket's dialect."""

    slug: ClassVar[str] = "elevenlabs"
    label: ClassVar[str] = "ElevenLabs"
    transport: ClassVar[str] = "websocket"
    Options: ClassVar[type] = ElevenLabsOptions
    key_variable: ClassVar[str] = "ELEVENLABS_API_KEY"
    url_variable: ClassVar[str] = "ELEVENLABS_URL"
    service_url: ClassVar[str] = "wss://api.elevenlabs.io"
    stand_in: ClassVar[str] = "calls.rehearsal.voices.elevenlabs.ElevenLabsStandIn"

    def __init__(self, options: Any, *, url: str, api_key: str, language: str = "") -> None:
        self._options: ElevenLabsOptions = options
        self._url = url.rstrip("/")
        self._api_key = api_key
        self._language = (options.language or language).partition("-")[0].lower()
        self._contexts: dict[str, _Context] = {}  # in the order of their first text
        self._step = 0
        self._sounded = False
        self._hope: bool | None = None  # as the last refusal had it

    # --- opening

    def url(self) -> str:
        query = {
            "model_id": self._options.model,
            "output_format": "ulaw_8000",
            "sync_alignment": "true",
            "inactivity_timeout": str(INACTIVITY_S),
            "apply_text_normalization": self._options.normalization,
        }
        if self._language and self._options.model in WITH_LANGUAGE:
            query["language_code"] = self._language
        voice = quote(self._options.voice_id.strip(), safe="")
        return f"{self._url}/v1/text-to-speech/{voice}/multi-stream-input?{urlencode(query)}"

    def headers(self) -> dict[str, str]:
        return {"xi-api-key": self._api_key} if self._api_key else {}

    def opening(self) -> Sequence[str]:
        return ()

    def keepalive(self) -> tuple[float, Sequence[str]]:
        # One that names a context before its first message would count as that message, and its voice_settings be refused.
        open_now: list[wire.Json] = [
            {"text": "", "context_id": name}
            for name, context in self._contexts.items()
            if context.opened and not context.closed
        ]
        return KEEPALIVE_S, [_dump(message) for message in open_now or [{"text": ""}]]

    def may_retry(self, close_code: int | None, http_status: int | None) -> bool:
        if http_status is not None:
            return wire.hopeful(http_status)
        if self._hope is not None:
            return self._hope
        # A wrong key, voice or model can also be told by nothing but the end of the socket, before any sound.
        return self._sounded or close_code not in (1008, 1009)

    # --- to the service

    def write(self, command: VoiceCommand) -> Sequence[str]:
        name, context = command.utterance, self._contexts.get(command.utterance)
        if isinstance(command, Speak):
            if context is None:
                context = self._contexts[name] = _Context(first=Sentences(self._language))
                context.held.append(self._first_message(name))
            if not context.closed:
                context.alignment.add_text(command.text)
                context.held += _texts(name, context, command.text)
        elif context is not None and isinstance(command, FinishSpeaking):
            self._finish(name, context)
        elif context is not None:
            self._stop(name, context)
        return self.waiting()

    def waiting(self) -> Sequence[str]:
        """What was held back until a context ended."""
        messages: list[wire.Json] = []
        for context in self._contexts.values():
            if context.held and not context.opened and self._count() < CONTEXTS:
                self._step += 1
                context.opened = self._step
            if context.opened:
                messages += context.held
                context.held = []
        return [_dump(message) for message in messages]

    def _count(self) -> int:
        return sum(1 for context in self._contexts.values() if context.opened)

    def _first_message(self, name: str) -> wire.Json:
        o = self._options
        settings = {
            "stability": o.stability,
            "similarity_boost": o.similarity,
            "style": o.style,
            "use_speaker_boost": o.speaker_boost,
            "speed": o.speed,
        }
        return {
            "text": " ",
            "context_id": name,
            "voice_settings": settings,
            "generation_config": {"chunk_length_schedule": SCHEDULE},
        }

    def _finish(self, name: str, context: _Context) -> None:
        if not context.closed:
            rest = context.words.rest()
            flush: wire.Json = {"context_id": name, "flush": True}
            context.held.append({"text": f"{rest} "} | flush if rest else flush)
            context.finished = True
            # What was flushed is still spoken after it; without it, the context would never be final.
            self._close(name, context)

    def _stop(self, name: str, context: _Context) -> None:
        if not context.opened:
            del self._contexts[name]
        elif not context.closed:
            self._close(name, context)

    def _close(self, name: str, context: _Context) -> None:
        self._step += 1
        context.closed = self._step
        context.held.append({"context_id": name, "close_context": True})

    # --- from the service

    def parse(self, text: str | bytes) -> Sequence[VoiceEvent]:
        return wire.read(text, self._read)

    def _read(self, m: wire.Json) -> Sequence[VoiceEvent]:
        if m.get("error") or ("message" in m and "code" in m):
            return self._failed(m)
        name = self._name(m)
        context = self._contexts.get(name)
        events: list[VoiceEvent] = []
        if sound := wire.sound(m.get("audio")):
            events.append(VoiceAudio(name, sound))
            self._sounded = True
        if context is not None:
            context.received += len(sound)
            if points := _points(context, m, len(sound) / BYTES_PER_MS):
                events.append(VoiceTimed(name, points))
            if m.get("isFinal", m.get("is_final")):
                events += self._final(name, context)
        return events

    def _name(self, m: wire.Json) -> str:
        """Whose message it is; without a name, of the only one that there is."""
        name = m.get("contextId", m.get("context_id"))
        return wire.whose(name, [name for name, context in self._contexts.items() if context.opened])

    def _final(self, name: str, context: _Context) -> Sequence[VoiceEvent]:
        del self._contexts[name]
        # A context that was closed before this one was opened is over as well: its `isFinal` was lost, and would be waited for.
        for other, stale in list(self._contexts.items()):
            if 0 < stale.closed < context.opened:
                del self._contexts[other]
        if not context.closed:
            return (VoiceFailed(name, "context_ended"),)
        points = context.alignment.end(context.received / BYTES_PER_MS) if context.finished and context.received else ()
        timed = (VoiceTimed(name, points),) if points else ()
        return (*timed, VoiceDone(name))

    def _failed(self, m: wire.Json) -> Sequence[VoiceEvent]:
        error = m.get("error")
        inner = error if isinstance(error, dict) else {"error": error, "message": m.get("message")}
        code = wire.safe_code(inner.get("error"), inner.get("code"), inner.get("type"), default="error")
        # Some refusals have a sentence where others have a code. It is judged, and not passed on.
        told = code if code != "error" else f"{inner.get('error')} {inner.get('message')}".replace(" ", "_")
        self._hope = not any(part in told.lower() for part in HOPELESS)
        wanted = [name for name, context in self._contexts.items() if context.finished or not context.closed]
        name = wire.whose(m.get("contextId", m.get("context_id")), wanted)
        self._contexts.pop(name, None)
        return (VoiceFailed(name, code, self._hope),)


def _texts(name: str, context: _Context, text: str) -> Iterable[wire.Json]:
    """Text as messages. The first sentence is flushed, so that nobody waits for the second one to hear it."""
    ready, before = context.words.take(text), context.given
    context.given += len(ready)
    if context.first is not None:
        complete = context.first.take(text)
        end = len(complete[0]) if complete else 0
        if before < end <= context.given:
            yield {"text": ready[: end - before], "context_id": name, "flush": True}
            ready = ready[end - before :]
        elif 0 < end <= before:
            yield {"context_id": name, "flush": True}
        if end or context.given >= SCHEDULE[0]:
            context.first = None
    if ready:
        yield {"text": ready, "context_id": name}


@dataclass(frozen=True, slots=True)
class _Told:
    """Words, when each has ended, and when all of it begins and ends. Times as they were told."""

    words: list[tuple[str, float]]
    start_ms: float
    end_ms: float


def _points(context: _Context, m: wire.Json, sound_ms: float) -> Points:
    """What a message with so much sound tells of times. What is malformed counts as not told: the sound is what matters."""
    told = _told(m.get("normalizedAlignment", m.get("normalized_alignment")))
    context.normalized = context.normalized or told is not None
    # The plain one restarts within a sentence at times, and counts from elsewhere then: it only stands in for the other.
    told = told if context.normalized else _told(m.get("alignment"))
    if told is None:
        return ()
    base_ms = _base_ms(told, context.told_ms, context.received / BYTES_PER_MS, sound_ms)
    context.told_ms = base_ms + told.end_ms
    return context.alignment.words((word, base_ms + end_ms) for word, end_ms in told.words)


def _base_ms(told: _Told, told_ms: float, received_ms: float, sound_ms: float) -> float:
    """What the times of a message count from. By its documentation they are those of the message's own sound; in recordings they
    are longer or shorter than it at times, and all of them together as long as all sound."""
    before_ms = received_ms - sound_ms
    if before_ms >= FAR_MS and told.start_ms >= before_ms - 50:
        return 0.0
    if abs(told_ms - before_ms) <= NEAR_MS:
        return told_ms
    return min(told_ms, before_ms, key=lambda base_ms: abs(base_ms + told.end_ms - received_ms))


def _told(alignment: Any) -> _Told | None:
    """Words from characters. None when there are none, or they are malformed."""
    try:
        chars = _either(alignment, "chars", "characters")
        starts = _times(alignment, "charStartTimesMs", "charsStartTimesMs", "char_start_times_ms")
        ends = [
            start + span
            for start, span in zip(
                starts, _times(alignment, "charDurationsMs", "charsDurationsMs", "char_durations_ms"), strict=True
            )
        ]
        words: list[tuple[str, float]] = []
        word = ""
        for char, end in zip(chars, ends, strict=True):
            if char.isspace():
                word = ""
                continue
            if word:
                words.pop()
            word += char
            words.append((word, end))
        return _Told(words, starts[0], max(ends)) if words else None
    except (TypeError, ValueError, KeyError, AttributeError):
        return None


def _times(told: Any, *names: str) -> list[float]:
    return [wire.milliseconds(value) for value in _either(told, *names)]


def _either(told: Any, *names: str) -> Any:
    for name in names:
        if name in told:
            return told[name]
    raise KeyError(names[0])


def _dump(message: wire.Json) -> str:
    return orjson.dumps(message).decode()
