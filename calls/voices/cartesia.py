"""Cartesia, text to speech over one websocket with a context for each utterance. Both directions, pure.

Facts of the protocol are from Cartesia's documentation and the message types of its SDK, whose API version is pinned here: it
decides about the shape of errors and about defaults.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import orjson

from calls.conversation.commands import FinishSpeaking, Speak
from calls.conversation.events import BYTES_PER_MS, VoiceAudio, VoiceDone, VoiceFailed, VoiceTimed

from . import wire
from .alignment import Alignment
from .base import VoiceCommand, VoiceEvent
from .options import option
from .pieces import WholeWords

VERSION = "2026-08-14"

HOPELESS = re.compile(
    r"api.?key|unauthorized|quota|credit|payment|plan|voice|model|language|permission|forbidden", re.IGNORECASE
)
"""In the code, title or words of a refusal: no other utterance can hope for better."""

_TAG = re.compile(r"<[^>]*>")


@dataclass(frozen=True, slots=True)
class CartesiaOptions:
    """Ranges are the service's own."""

    voice_id: str = option(
        "Voice",
        "Whose voice callers hear: the voice's id from Cartesia's library. The default is Katie, made for talking with people.",
        default="f786b574-daa5-4673-aa0c-cbe3e8534c02",
        required=True,
    )
    model: str = option(
        "Model",
        "Sonic 3.5 is the newest. Speed, volume and emotion are heard with both.",
        default="sonic-3.5",
        choices=(("sonic-3.5", "Sonic 3.5"), ("sonic-3", "Sonic 3")),
    )
    language: str = option(
        "Language",
        "The language it speaks, as a code such as en, de or pt; text of another one is read with its accent. "
        "Empty: the agent's language, and English when that is left open.",
        default="",
    )
    speed: float = option(
        "Speed",
        "How fast it talks. 1 is the voice's own pace; callers follow 0.9 to 1.2 easily.",
        default=1.0,
        least=0.6,
        most=1.5,
    )
    volume: float = option(
        "Volume",
        "How loud it is. 1 is the voice's own; far above it a telephone line distorts.",
        default=1.0,
        least=0.5,
        most=2.0,
    )
    emotion: str = option(
        "Emotion",
        "The mood that is heard all through the call, whatever is said.",
        default="",
        choices=(
            ("", "As the text suggests"),
            *(
                (mood, mood.capitalize())
                for mood in (
                    "neutral",
                    "calm",
                    "content",
                    "peaceful",
                    "happy",
                    "enthusiastic",
                    "excited",
                    "curious",
                    "confident",
                    "determined",
                    "proud",
                    "grateful",
                    "affectionate",
                    "sympathetic",
                    "apologetic",
                    "hesitant",
                    "surprised",
                    "sad",
                    "tired",
                    "scared",
                    "angry",
                    "sarcastic",
                )
            ),
        ),
    )
    buffer_ms: int = option(
        "Gather words for",
        "Milliseconds for which it waits for more words before it speaks. Short: the first word comes sooner. "
        "Long: the melody of a sentence is more natural.",
        default=250,
        least=0,
        most=1000,
    )


@dataclass(slots=True)
class _Context:
    """One utterance, as it stands with the service."""

    words: WholeWords = field(default_factory=WholeWords)
    alignment: Alignment = field(default_factory=Alignment)
    opened: bool = False
    finished: bool = False
    stopped: bool = False
    received: int = 0  # bytes of its sound


class Cartesia:
    """One socket's dialect."""

    slug: ClassVar[str] = "cartesia"
    label: ClassVar[str] = "Cartesia"
    transport: ClassVar[str] = "websocket"
    Options: ClassVar[type] = CartesiaOptions
    key_variable: ClassVar[str] = "CARTESIA_API_KEY"
    url_variable: ClassVar[str] = "CARTESIA_URL"
    service_url: ClassVar[str] = "wss://api.cartesia.ai"
    stand_in: ClassVar[str] = "calls.rehearsal.voices.cartesia.CartesiaStandIn"

    def __init__(self, options: Any, *, url: str, api_key: str, language: str = "") -> None:
        self._url = url.rstrip("/")
        self._api_key = api_key
        self._contexts: dict[str, _Context] = {}
        self._refused = False
        # All but the text must stay the same within a context.
        self._request = {
            "model_id": options.model,
            "voice": {"mode": "id", "id": options.voice_id.strip()},
            "language": (options.language or language or "en").partition("-")[0].lower(),
            "output_format": {"container": "raw", "encoding": "pcm_mulaw", "sample_rate": 8000},
            "generation_config": _generation(options),
            # Its default is 0 in old descriptions of the service and 3 s in new ones.
            "max_buffer_delay_ms": options.buffer_ms,
            "add_timestamps": True,
            "use_normalized_timestamps": False,
        }

    # --- opening

    def url(self) -> str:
        return f"{self._url}/tts/websocket"

    def headers(self) -> dict[str, str]:
        key = {"Authorization": f"Bearer {self._api_key}"} if self._api_key else {}
        return key | {"Cartesia-Version": VERSION}

    def opening(self) -> Sequence[str]:
        return ()

    def keepalive(self) -> None:
        # An idle socket is closed after 300 s, with 1000; there is no message to keep it open.
        return None

    def may_retry(self, close_code: int | None, http_status: int | None) -> bool:
        return not self._refused if http_status is None else wire.hopeful(http_status)

    def waiting(self) -> Sequence[str]:
        return ()

    # --- to the service

    def write(self, command: VoiceCommand) -> Sequence[str]:
        name, context = command.utterance, self._contexts.get(command.utterance)
        if isinstance(command, Speak):
            if context is None:
                context = self._contexts[name] = _Context()
            if context.finished or context.stopped:
                return ()
            context.alignment.add_text(command.text)
            return self._texts(name, context, context.words.take(command.text))
        if context is None or context.stopped:
            return ()
        if isinstance(command, FinishSpeaking):
            return self._finish(name, context)
        context.stopped = True
        if not context.opened:
            del self._contexts[name]
            return ()
        return [_dump({"context_id": name, "cancel": True})]

    def _texts(self, name: str, context: _Context, text: str) -> list[str]:
        if not text:
            return []
        context.opened = True
        return [self._message(name, text, more=True)]

    def _finish(self, name: str, context: _Context) -> Sequence[str]:
        if context.finished:
            return ()
        context.finished = True
        last = self._texts(name, context, context.words.rest())
        if not context.opened:
            del self._contexts[name]
            return ()
        return [*last, self._message(name, "", more=False)]

    def _message(self, name: str, transcript: str, *, more: bool) -> str:
        return _dump({**self._request, "context_id": name, "transcript": transcript, "continue": more})

    # --- from the service

    def parse(self, text: str | bytes) -> Sequence[VoiceEvent]:
        return wire.read(text, self._read)

    def _read(self, m: wire.Json) -> Sequence[VoiceEvent]:
        kind = m["type"]
        if kind == "error":
            return self._failed(m)
        if kind not in ("chunk", "timestamps", "done"):
            return ()
        name = wire.whose(m.get("context_id"), list(self._contexts))
        context = self._contexts.get(name)
        if kind == "chunk":
            sound = wire.sound(m["data"])
            if context is not None:
                context.received += len(sound)
            return (VoiceAudio(name, sound),) if sound else ()
        if context is None:
            return ()
        return self._done(name, context) if kind == "done" else self._timed(name, context, m)

    def _timed(self, name: str, context: _Context, m: wire.Json) -> Sequence[VoiceEvent]:
        told = m.get("word_timestamps") or {"words": [], "end": []}
        ends = [wire.milliseconds(seconds) * 1000 for seconds in told["end"]]
        words = [_TAG.sub("", word) for word in told["words"]]
        points = context.alignment.words(zip(words, ends, strict=True))
        return (VoiceTimed(name, points),) if points else ()

    def _done(self, name: str, context: _Context) -> Sequence[VoiceEvent]:
        del self._contexts[name]
        if context.stopped:
            return (VoiceDone(name),)
        if not context.finished:
            return (VoiceFailed(name, "context_ended"),)
        points = context.alignment.end(context.received / BYTES_PER_MS) if context.received else ()
        timed = (VoiceTimed(name, points),) if points else ()
        return (*timed, VoiceDone(name))

    def _failed(self, m: wire.Json) -> Sequence[VoiceEvent]:
        """Both shapes: with `error_code`, `title` and `message`, and the older one with a sentence in `error`."""
        status = m.get("status_code")
        status = status if isinstance(status, int) else 0
        told = (m.get("error_code"), m.get("title"), m.get("message"), m.get("error"))
        retry = status in (0, 400, 409, 422) or wire.hopeful(status)
        if status < 500 and status != 429:
            retry = retry and not any(isinstance(words, str) and HOPELESS.search(words) for words in told)
        self._refused = not retry
        name = wire.whose(
            m.get("context_id"), [name for name, context in self._contexts.items() if not context.stopped]
        )
        self._contexts.pop(name, None)
        code = wire.safe_code(m.get("error_code"), default=f"error_{status}" if status else "error")
        return (VoiceFailed(name, code, retry),)


def _generation(options: Any) -> wire.Json:
    mood = {"emotion": options.emotion} if options.emotion else {}
    return {"speed": options.speed, "volume": options.volume, **mood}


def _dump(message: wire.Json) -> str:
    return orjson.dumps(message).decode()
