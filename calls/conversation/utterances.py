"""What an external voice was given to say, and what of it has come as sound.

An item of the agent is spoken as one utterance, or as several when a voice fails and another says the rest. An utterance ends
when all its sound has come, or when it is stopped; what still comes of a stopped one is known by its id.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .events import BYTES_PER_MS
from .playback import Item
from .words import reached_by

SPEAKABLE = 60
"""Characters after which a voice can be expected to begin, when no sentence has ended before."""

_SENTENCE_END = re.compile(r"[.!?…。！？](?:\s|$)")
_SAYABLE = re.compile(r"\w")


def is_sayable(text: str) -> bool:
    """Whether there is anything in a text that makes a sound."""
    return bool(_SAYABLE.search(text))


@dataclass(slots=True)
class Utterance:
    """One stretch of an item, as one voice speaks it. Times are seconds on the monotonic clock."""

    id: str
    voice: int
    item: Item
    base: int  # characters of the item's text that are said before it
    begun_at: float
    text: str = ""
    finished: bool = False  # no more text comes
    awaited_since: float | None = None  # its sound can be expected since then, or since its last piece
    silent_since: float | None = None  # the caller has been without a sound, through all tries to say this
    received: int = 0  # bytes of its sound
    start_ms: float | None = None  # of the item's sound, where its own begins

    @property
    def rest(self) -> str:
        """What of its text has not come as sound yet, from a word's beginning on."""
        received_ms = self.received / BYTES_PER_MS
        start = self.start_ms or 0.0
        points = [(c - self.base, ms - start) for c, ms in self.item.points if c > self.base and ms >= start]
        return self.text[reached_by(self.text, received_ms, points) :]

    def sounds(self) -> None:
        """Its first sound, or its first time, has come: this is where it begins in the item."""
        if self.start_ms is None:
            self.start_ms = self.item.received_ms


class Utterances:
    """Those that are being spoken, in their order, and the memory of those that were stopped."""

    def __init__(self) -> None:
        self._open: dict[str, Utterance] = {}
        self._stopped: dict[str, str] = {}  # utterance -> reply
        self._number = 0
        self.text_at = 0.0  # when a voice was last given something

    @property
    def speaking(self) -> bool:
        return bool(self._open)

    @property
    def open(self) -> list[Utterance]:
        return list(self._open.values())

    @property
    def first(self) -> Utterance | None:
        """The one whose sound comes next."""
        return next(iter(self._open.values()), None)

    def begin(self, item: Item, voice: int, base: int, now: float, silent_since: float | None = None) -> Utterance:
        self._number += 1
        utterance = Utterance(f"u{self._number}", voice, item, base, now, silent_since=silent_since)
        item.voiced, item.waits_for_voice, item.stopped = True, False, False
        self._open[utterance.id] = utterance
        return utterance

    def of(self, item: Item) -> Utterance | None:
        """The one that speaks this item now."""
        return next((u for u in self._open.values() if u.item is item), None)

    def find(self, utterance_id: str) -> Utterance | None:
        return self._open.get(utterance_id)

    def give(self, utterance: Utterance, text: str, now: float) -> None:
        """More text for it."""
        utterance.text += text
        self.text_at = now
        speakable = len(utterance.text) >= SPEAKABLE or _SENTENCE_END.search(utterance.text)
        if not utterance.received and utterance.awaited_since is None and speakable and is_sayable(utterance.text):
            utterance.awaited_since = now

    def finish(self, utterance: Utterance, now: float) -> None:
        """No more text for it: from now on its sound, or its end, is due."""
        utterance.finished = True
        self.text_at = now
        if utterance.awaited_since is None:
            utterance.awaited_since = now

    def sound(self, utterance: Utterance, audio: bytes, now: float) -> None:
        """A piece of its sound. While its text still comes, nobody knows whether more sound can be expected."""
        utterance.sounds()
        utterance.received += len(audio)
        utterance.awaited_since = now if utterance.finished else None

    def done(self, utterance: Utterance) -> None:
        """All of its sound has come."""
        self._open.pop(utterance.id, None)

    def stop(self, utterance: Utterance) -> None:
        """It is not wanted any more."""
        utterance.item.stopped = True
        if self._open.pop(utterance.id, None) is not None:
            self._stopped[utterance.id] = utterance.item.reply_id

    def reply_of_stopped(self, utterance_id: str) -> str | None:
        return self._stopped.get(utterance_id)
