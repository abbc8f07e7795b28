"""The conversation that a session of the rehearsal model holds: items in order."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass(slots=True)
class Item:
    """One item. `audio_ms`: how much sound of it was sent, less what was cut off."""

    id: str
    role: str
    status: str = "completed"
    content: list[Json] = field(default_factory=list)
    audio_ms: float = 0.0
    phase: str = ""

    def as_json(self) -> Json:
        shown: Json = {"id": self.id, "type": "message", "status": self.status, "role": self.role}
        shown["content"] = self.content
        if self.phase:
            shown["phase"] = self.phase
        return shown


class Conversation:
    """Items by id, in their order."""

    def __init__(self) -> None:
        self._items: dict[str, Item] = {}

    def __contains__(self, item_id: object) -> bool:
        return item_id in self._items

    def __getitem__(self, item_id: str) -> Item:
        return self._items[item_id]

    def __iter__(self) -> Any:
        return iter(self._items.values())

    @property
    def last_id(self) -> str | None:
        return next(reversed(self._items), None)

    def add(self, item: Item, after: str | None = None) -> str | None:
        """Add an item; the id of the one before it. `after`: an id, or "root" for the beginning; None for the end."""
        if after is None:
            previous = self.last_id
            self._items[item.id] = item
            return previous
        order = list(self._items.values())
        place = 0 if after == "root" else [other.id for other in order].index(after) + 1
        order.insert(place, item)
        self._items = {other.id: other for other in order}
        return None if after == "root" else after

    def remove(self, item_id: str) -> None:
        del self._items[item_id]
