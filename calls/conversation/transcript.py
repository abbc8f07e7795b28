"""Who said what, in the order in which it was said, and how much of it was heard."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from . import facts
from .commands import AddItem, Note
from .playback import Item
from .words import split_heard

GO_ON = "The line to you dropped and was restored. Go on where you were; do not greet again."
"""Without a word on it the model was seen to introduce itself again, or to change its language."""

LINES_REPLAYED = 60
"""How far back a rebuilt conversation goes. Older lines cost time before the caller is answered."""


@dataclass(slots=True)
class Line:
    """One item of the conversation, as it is put back into a new session."""

    role: str  # user or assistant
    text: str = ""
    spoken: bool = True  # an item of the agent: whether any of it is heard


class Transcript:
    """Lines by item id. Words may come before the item they belong to, or long after it."""

    def __init__(self) -> None:
        self._lines: dict[str, Line] = {}
        self._early_words: dict[str, str] = {}
        self._cut: dict[tuple[str, int], tuple[Item, int, int]] = {}

    def caller_item(self, item_id: str) -> None:
        """The caller's speech became an item: this is its place in the order."""
        self._lines[item_id] = Line("user", self._early_words.pop(item_id, ""))

    @property
    def answered(self) -> bool:
        """Whether the caller's last words have had a reply."""
        return next((line.role != "user" for line in reversed(self._lines.values()) if line.spoken), True)

    def agent_item(self, item_id: str) -> None:
        """The agent's item has its place in the order from its beginning."""
        self._lines.setdefault(item_id, Line("assistant", "", spoken=False))

    def agent_speaks(self, item_id: str) -> None:
        self.agent_item(item_id)
        self._lines[item_id].spoken = True

    def caller_words(self, item_id: str, text: str) -> None:
        if item_id in self._lines:
            self._lines[item_id].text = text
        else:
            self._early_words[item_id] = text

    def words_before(self, item_id: str) -> str:
        """What the caller said, of speech that is no item yet."""
        return self._early_words.get(item_id, "")

    def drop(self, item_id: str) -> None:
        """The item is taken out of the conversation."""
        self._lines.pop(item_id, None)
        self._early_words.pop(item_id, None)

    def agent_turn(self, item: Item, *, ended_ms: int, began_ms: int, interruption: int = 0) -> Note:
        """The record of an item of the agent: what it said, what of it was heard."""
        heard, unheard = self.split(item)
        line = self._lines.setdefault(item.item_id, Line("assistant"))
        line.text, line.spoken = heard, item.heard > 0
        if interruption and not item.text_done:
            self._cut[(item.item_id, item.content_index)] = (item, interruption, began_ms)
        return Note(
            facts.AGENT_TURN,
            {
                "reply_id": item.reply_id,
                "item_id": item.item_id,
                "started_ms": began_ms,
                "ended_ms": max(began_ms, ended_ms),
                "heard_ms": round(item.heard_ms),
                "generated_ms": round(item.received_ms),
                "text": item.text,
                "heard_text": heard,
                "unheard_text": unheard,
                "interruption": interruption,
            },
        )

    def late_words(self, item_id: str, content_index: int, text: str) -> Iterator[Note]:
        """The whole text of an item that was cut before its text was complete: its record is sent again."""
        cut = self._cut.pop((item_id, content_index), None)
        if cut is None:
            return
        item, interruption, began_ms = cut
        if text.startswith(item.text) and len(text) > len(item.text):
            item.text, item.text_done = text, True
            yield self.agent_turn(
                item, began_ms=began_ms, ended_ms=began_ms + round(item.heard_ms), interruption=interruption
            )

    @staticmethod
    def split(item: Item) -> tuple[str, str]:
        """What of an item's words was heard, and what was not."""
        if item.heard_to_its_end:
            return item.text, ""
        return split_heard(item.text, item.heard_ms, item.received_ms, item.audio_done, item.points)

    def rebuild(self, playing: Iterable[Item] = ()) -> Iterator[AddItem]:
        """The conversation as text, for a new session: of the agent's lines only what was heard, or is about to be."""
        for item in playing:
            self._lines.setdefault(item.item_id, Line("assistant")).text = item.text
        lines = [line for line in self._lines.values() if line.text]
        for line in lines[-LINES_REPLAYED:]:
            yield AddItem("user" if line.role == "user" else "assistant", line.text)
        yield AddItem("system", GO_ON)
