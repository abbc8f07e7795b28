"""One response in the making: which events it gives, and when."""

from __future__ import annotations

import binascii
import itertools
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from calls import audio
from calls.rehearsal import voice
from calls.rehearsal.behaviour import Behaviour
from calls.rehearsal.items import Item
from calls.rehearsal.sound import BYTES_PER_MS, encode

Json = dict[str, Any]
Events = Iterator[Json]

AHEAD_MS = 1500
"""By this much of the sound the words run ahead of it."""

AUDIO_TOKEN_MS = 50
"""The agent's sound that the service counts as one token."""

_OBFUSCATION = "rehearsal0123456"
"""The service pads text deltas, so that their length tells nothing. Ours has nothing to hide, but the field is there."""


@dataclass(slots=True)
class Part:
    """One item of the reply: its words and its sound, as far as they are not sent yet."""

    item: Item
    index: int
    words: deque[voice.Word]
    deltas: deque[bytes] = field(default_factory=deque)
    said: str = ""
    previous_id: str | None = None
    opened: bool = False
    clock_ms: float = 0.0  # of its sound that was sent; of a text, as if it were spoken
    cut_short: bool = False  # max_output_tokens


@dataclass(slots=True)
class Asked:
    """What a response was asked to be: its own wishes, else those of the session."""

    modality: str = "audio"  # or text
    format: Json = field(default_factory=lambda: {"type": "audio/pcmu"})
    voice: Any = "marin"
    speed: float = 1.0
    max_output_tokens: int | str = "inf"
    metadata: Json | None = None
    in_conversation: bool = True


class Reply:
    """A response that is being made. `step` at `due_at` gives what is due; `due_at` None: nothing more by itself.

    `sound`: mu-law that it consists of, instead of its words spoken.
    """

    def __init__(
        self,
        reply_id: str,
        asked: Asked,
        words: str,
        *,
        behaviour: Behaviour,
        now: float,
        new_item_id: Callable[[], str],
        sound: bytes | None = None,
    ) -> None:
        self.id = reply_id
        self.asked = asked
        self.behaviour = behaviour
        self.status = "in_progress"
        self.details: Json | None = None
        self.due_at: float | None = (
            None if behaviour.mute else now + min(behaviour.first_words_s, behaviour.first_audio_s)
        )
        self._sound_at = now + behaviour.first_audio_s
        self._parts = _parts(words, asked, behaviour, new_item_id, sound)
        self._current = 0
        self._late = 0

    # --- what it is

    @property
    def items(self) -> list[Item]:
        """Those that exist by now."""
        return [part.item for part in self._parts if part.opened]

    @property
    def sent_ms(self) -> float:
        """Sound that was sent."""
        return sum(part.clock_ms for part in self._parts) if self.asked.modality == "audio" else 0.0

    @property
    def is_done(self) -> bool:
        return self.status != "in_progress"

    @property
    def is_stopping(self) -> bool:
        return self.details is not None and not self.is_done

    def as_json(self, heard_ms: float = 0.0) -> Json:
        """`heard_ms`: of the caller's sound in the conversation, for the usage of a reply that is done."""
        return {
            "object": "realtime.response",
            "id": self.id,
            "status": self.status,
            "status_details": self.details if self.is_done else None,
            "output": [item.as_json() for item in self.items],
            "conversation_id": "conv_rehearsal" if self.asked.in_conversation else None,
            "output_modalities": [self.asked.modality],
            "max_output_tokens": self.asked.max_output_tokens,
            "audio": {"output": {"format": self.asked.format, "voice": voice_name(self.asked.voice)}},
            "usage": self._usage(heard_ms) if self.is_done else None,
            "metadata": self.asked.metadata,
        }

    def _usage(self, heard_ms: float) -> Json:
        """Estimated from lengths, at the service's rates: 50 ms of the agent, 100 ms of the caller, a word of text."""
        heard, sounded = round(heard_ms / 100), round(self.sent_ms / AUDIO_TOKEN_MS)
        said = sum(len(part.said.split()) for part in self._parts)
        return {
            "total_tokens": heard + sounded + said,
            "input_tokens": heard,
            "output_tokens": sounded + said,
            "input_token_details": {"text_tokens": 0, "audio_tokens": heard, "image_tokens": 0, "cached_tokens": 0},
            "output_token_details": {"text_tokens": said, "audio_tokens": sounded},
        }

    # --- its course

    def step(self, place: Callable[[Item], str | None]) -> Events:
        """What is due at `due_at`. `place` puts an item into the conversation; the id of the one before it."""
        at = self.due_at or 0.0
        if self.is_stopping:
            yield from self._step_of_the_end(at)
            return
        if self.behaviour.reply_error is not None:
            error = {
                "type": "server_error",
                "code": self.behaviour.reply_error,
                "message": "The rehearsal was told to fail.",
            }
            yield from self._finish("failed", {"type": "failed", "error": error})
            return
        part = self._parts[self._current]
        if not part.opened:
            yield from self._open(part, place)
            if self._current == 0:
                self.due_at = self._sound_at
                return
        yield from self._say(part, part.clock_ms + AHEAD_MS)
        if part.deltas:
            yield self._sound(part)
        else:
            part.clock_ms += self.behaviour.delta_ms
        self.due_at = at + self._pause
        if part.deltas or (part.words and self.asked.modality == "text"):
            return
        yield from self._close(part, "incomplete" if part.cut_short else "completed")
        self._current += 1
        if part.cut_short:
            yield from self._finish("incomplete", {"type": "incomplete", "reason": "max_output_tokens"})
        elif self._current == len(self._parts):
            yield from self._finish("completed", None)

    def stop(self, reason: str, now: float) -> None:
        """No more of it, but for what is in flight. It is done only after its last `step`."""
        self.details = {"type": "cancelled", "reason": reason}
        part = self._parts[self._current]
        self._late = min(self.behaviour.late_deltas, len(part.deltas)) if part.clock_ms else 0
        self.due_at = now if self._late else now + self.behaviour.cancel_s

    def _step_of_the_end(self, at: float) -> Events:
        part = self._parts[self._current]
        if self._late:
            self._late -= 1
            yield self._sound(part)
            self.due_at = at + (self._pause if self._late else self.behaviour.cancel_s)
            return
        if part.opened:
            yield from self._close(part, "incomplete")
        yield from self._finish("cancelled", self.details)

    def _finish(self, status: str, details: Json | None) -> Events:
        self.status, self.details, self.due_at = status, details, None
        yield from ()

    @property
    def _pause(self) -> float:
        return self.behaviour.delta_ms / 1000 / self.behaviour.pace

    # --- its events

    def _open(self, part: Part, place: Callable[[Item], str | None]) -> Events:
        part.opened = True
        part.item.status = "in_progress"
        yield {**self._about(part), "type": "response.output_item.added", "item": part.item.as_json()}
        if self.asked.in_conversation:
            part.previous_id = place(part.item)
            yield {"type": "conversation.item.added", "previous_item_id": part.previous_id, "item": part.item.as_json()}
        yield {**self._within(part), "type": "response.content_part.added", "part": self._content(part)}
        yield from self._say(part, AHEAD_MS)

    def _say(self, part: Part, upto_ms: float) -> Events:
        """The words that begin to sound before this."""
        name = (
            "response.output_audio_transcript.delta" if self.asked.modality == "audio" else "response.output_text.delta"
        )
        while part.words and part.words[0].at_ms < upto_ms:
            word = part.words.popleft().text
            part.said += word
            yield {**self._within(part), "type": name, "delta": word, "obfuscation": obfuscation(word)}

    def _sound(self, part: Part) -> Json:
        delta = part.deltas.popleft()
        part.clock_ms += len(delta) / part.item.bytes_per_ms
        part.item.audio += delta
        encoded = binascii.b2a_base64(delta, newline=False).decode()
        return {**self._within(part), "type": "response.output_audio.delta", "delta": encoded}

    def _close(self, part: Part, status: str) -> Events:
        """What follows an item's last delta."""
        if status == "completed":
            yield from self._say(part, float("inf"))
        part.item.status = status
        spoken = self.asked.modality == "audio"
        kind, words = ("output_audio", "transcript") if spoken else ("output_text", "text")
        part.item.content = [{"type": kind, words: "" if part.item.was_cut else part.said}]
        about = self._within(part)
        if spoken:
            yield {**about, "type": "response.output_audio.done"}
            yield {**about, "type": "response.output_audio_transcript.done", "transcript": part.said}
        else:
            yield {**about, "type": "response.output_text.done", "text": part.said}
        yield {**about, "type": "response.content_part.done", "part": self._content(part)}
        if self.asked.in_conversation:
            yield {"type": "conversation.item.done", "previous_item_id": part.previous_id, "item": part.item.as_json()}
        yield {**self._about(part), "type": "response.output_item.done", "item": part.item.as_json()}

    def _content(self, part: Part) -> Json:
        if self.asked.modality == "audio":
            return {"type": "audio", "transcript": part.said}
        return {"type": "text", "text": part.said}

    def _about(self, part: Part) -> Json:
        return {"response_id": self.id, "output_index": part.index}

    def _within(self, part: Part) -> Json:
        return {**self._about(part), "item_id": part.item.id, "content_index": 0}


def obfuscation(delta: str) -> str:
    """What stands beside a text delta."""
    return _OBFUSCATION[len(delta) % len(_OBFUSCATION) :]


def voice_name(asked: Any) -> str:
    """A voice of the service by name; a client's own by its id."""
    return str(asked["id"] if isinstance(asked, dict) else asked)


def _parts(
    words: str, asked: Asked, behaviour: Behaviour, new_item_id: Callable[[], str], sound: bytes | None = None
) -> list[Part]:
    """The words, divided into as many items as are wanted, as far as there are sentences."""
    texts = _shares(voice.sentences(words) or [words], behaviour.items)
    count = len(texts)
    parts: list[Part] = []
    left = asked.max_output_tokens
    for index, text in enumerate(texts):
        phase = "" if count == 1 else ("final_answer" if index == count - 1 else "commentary")
        item = Item(new_item_id(), "assistant", phase=phase, bytes_per_ms=BYTES_PER_MS[asked.format["type"]])
        if asked.modality != "audio":
            part = _written(item, index, text)
        elif sound is not None:
            part = _given(item, index, sound, asked, behaviour)
        else:
            part = _spoken(item, index, text, asked, behaviour)
        if isinstance(left, int):
            left -= _shorten(part, left)
        parts.append(part)
        if part.cut_short:
            break
    return parts


def _shares(sentences: list[str], count: int) -> list[str]:
    """Sentences in as many texts as are wanted, as far as there are sentences, each about as long as the others."""
    count = min(count, len(sentences))
    ends = list(itertools.accumulate(map(len, sentences)))
    bounds = [0]
    for share in range(1, count):
        first, last = bounds[-1] + 1, len(sentences) - (count - share)
        bounds.append(min(range(first, last + 1), key=lambda end: abs(ends[end - 1] - ends[-1] * share / count)))
    bounds.append(len(sentences))
    return ["".join(sentences[a:b]).rstrip() for a, b in itertools.pairwise(bounds)]


def _spoken(item: Item, index: int, text: str, asked: Asked, behaviour: Behaviour) -> Part:
    kind = asked.format["type"]
    speech = voice.speak(text, kind, voice=voice_name(asked.voice), speed=asked.speed)
    return Part(item, index, deque(speech.words), _deltas(speech.audio, item, behaviour))


def _given(item: Item, index: int, mulaw: bytes, asked: Asked, behaviour: Behaviour) -> Part:
    """A sound that was made elsewhere, in the format asked for. It has no words."""
    kind = asked.format["type"]
    rate = 24000 if kind == "audio/pcm" else audio.RATE
    pcm = audio.resample(audio.mulaw_decode(mulaw), audio.RATE, rate)
    made = mulaw if kind == "audio/pcmu" else encode(pcm, kind)
    return Part(item, index, deque(), _deltas(made, item, behaviour))


def _deltas(made: bytes, item: Item, behaviour: Behaviour) -> deque[bytes]:
    size = behaviour.delta_ms * item.bytes_per_ms
    return deque(made[i : i + size] for i in range(0, len(made), size))


def _written(item: Item, index: int, text: str) -> Part:
    """Words without sound come some 400 ms apart on the clock that sound would have."""
    words = text.split(" ")
    spaced = [word + " " for word in words[:-1]] + words[-1:]
    return Part(item, index, deque(voice.Word(word, i * 400) for i, word in enumerate(spaced)))


def _shorten(part: Part, tokens: int) -> int:
    """Cut a part to so many tokens; how many it takes."""
    if not part.deltas:
        part.cut_short = len(part.words) > tokens
        while len(part.words) > tokens:
            part.words.pop()
        return len(part.words)
    sound = b"".join(part.deltas)
    size, limit = len(part.deltas[0]), tokens * AUDIO_TOKEN_MS * part.item.bytes_per_ms
    if len(sound) > limit:
        part.cut_short = True
        part.deltas = deque(sound[i : min(i + size, limit)] for i in range(0, limit, size))
        part.words = deque(word for word in part.words if word.at_ms < tokens * AUDIO_TOKEN_MS)
    return len(sound) // (AUDIO_TOKEN_MS * part.item.bytes_per_ms)
