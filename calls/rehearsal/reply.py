"""One response in the making: which events it gives, and when."""

from __future__ import annotations

import binascii
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from calls.rehearsal.behaviour import Behaviour
from calls.rehearsal.items import Item

Json = dict[str, Any]
TRANSCRIPT_AHEAD = 6
"""Deltas by which the words run ahead of the sound."""


@dataclass(slots=True)
class Part:
    """One audio item: its words and its sound, still to be sent."""

    item: Item
    words: list[str]
    deltas: deque[bytes]
    bytes_per_ms: float
    index: int
    said: str = ""
    previous_id: str | None = None
    opened: bool = False
    number: int = 0
    per_delta: int = 1


@dataclass(slots=True)
class Reply:
    """A response that is being made."""

    id: str
    metadata: Json | None
    parts: list[Part]
    began_at: float
    behaviour: Behaviour
    place: Callable[[Item], str | None]  # puts an item into the conversation; the id of the one before it
    modalities: list[str] = field(default_factory=lambda: ["audio"])
    due_at: float = 0.0
    current: int = 0

    def as_json(self, status: str, details: Json | None = None, usage: Json | None = None) -> Json:
        shown = [part.item.as_json() for part in self.parts if part.opened]
        return {
            "object": "realtime.response",
            "id": self.id,
            "status": status,
            "status_details": details,
            "output": shown,
            "conversation_id": "conv_rehearsal",
            "output_modalities": self.modalities,
            "max_output_tokens": "inf",
            "usage": usage,
            "metadata": self.metadata,
        }

    def step(self) -> Iterator[Json]:
        """The next delta, with what opens and closes around it. Empty when all is sent."""
        if self.current >= len(self.parts):
            return
        part = self.parts[self.current]
        if not part.opened:
            yield from self._open(part)
        yield from self._words(part, part.number + TRANSCRIPT_AHEAD)
        if part.deltas:
            yield self._sound(part)
        if not part.deltas:
            yield from self.close(part, "completed")
            self.current += 1

    def _open(self, part: Part) -> Iterator[Json]:
        part.opened = True
        part.item.status = "in_progress"
        yield self._event("response.output_item.added", part, with_item=True, flat=False)
        part.previous_id = self.place(part.item)
        yield {"type": "conversation.item.added", "previous_item_id": part.previous_id, "item": part.item.as_json()}
        yield self._event("response.content_part.added", part) | {"part": {"type": "audio", "transcript": ""}}

    def _words(self, part: Part, upto: int) -> Iterator[Json]:
        while part.words and len(part.said.split()) < upto * part.per_delta:
            word = part.words.pop(0)
            part.said += word
            yield self._event("response.output_audio_transcript.delta", part) | {"delta": word}

    def _sound(self, part: Part) -> Json:
        delta = part.deltas.popleft()
        part.number += 1
        part.item.audio_ms += len(delta) / part.bytes_per_ms
        encoded = binascii.b2a_base64(delta, newline=False).decode()
        return self._event("response.output_audio.delta", part) | {"delta": encoded}

    def late(self) -> Iterator[Json]:
        """Sound that was on its way when a cancel came."""
        if self.current < len(self.parts) and self.parts[self.current].opened:
            part = self.parts[self.current]
            for _ in range(min(self.behaviour.late_deltas, len(part.deltas))):
                yield self._sound(part)

    def close(self, part: Part, status: str) -> Iterator[Json]:
        """What follows an item's last delta."""
        if status == "completed":
            yield from self._words(part, 1_000_000)
        part.item.status = status
        part.item.content = [{"type": "output_audio", "transcript": part.said}]
        yield self._event("response.output_audio.done", part)
        yield self._event("response.output_audio_transcript.done", part) | {"transcript": part.said}
        yield self._event("response.content_part.done", part) | {"part": {"type": "audio", "transcript": part.said}}
        yield {"type": "conversation.item.done", "previous_item_id": part.previous_id, "item": part.item.as_json()}
        yield self._event("response.output_item.done", part, with_item=True, flat=False)

    def _event(self, kind: str, part: Part, with_item: bool = False, flat: bool = True) -> Json:
        event: Json = {"type": kind, "response_id": self.id, "output_index": part.index}
        if flat:
            event |= {"item_id": part.item.id, "content_index": 0}
        if with_item:
            event["item"] = part.item.as_json()
        return event
