"""The conversation that a session of the rehearsal model holds: items in order."""

from __future__ import annotations

import binascii
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from calls.rehearsal.checks import (
    Check,
    Json,
    Refusal,
    anything,
    by_type,
    invalid_value,
    missing,
    one_of,
    record,
    sequence,
    short_text,
    text,
)

_TYPE = {"type": text}
_HEAD: dict[str, Check] = {
    **_TYPE,
    "id": short_text(32),
    "object": one_of("realtime.item"),
    "status": one_of("completed", "incomplete", "in_progress"),
}
_TEXT = record({**_TYPE, "text": text}, required=("type", "text"))
_SOUND = record({**_TYPE, "audio": text, "transcript": text}, required=("type", "audio"))
_CONTENT: dict[str, Check] = {
    "system": by_type({"input_text": _TEXT}),
    "user": by_type({"input_text": _TEXT, "input_audio": _SOUND}),
    "assistant": by_type({"output_text": _TEXT}),
}
_FUNCTIONS = {
    "function_call": record(
        {**_HEAD, "call_id": text, "name": text, "arguments": text}, required=("name", "arguments")
    ),
    "function_call_output": record({**_HEAD, "call_id": text, "output": text}, required=("call_id", "output")),
}


@dataclass(slots=True)
class Item:
    """One item. `audio` is its sound in the format of the session, less what was cut off; `said` the words of an agent's."""

    id: str
    role: str = ""
    status: str = "completed"
    content: list[Json] = field(default_factory=list)
    phase: str = ""
    body: Json = field(default_factory=dict)  # of an item that is no message
    audio: bytearray = field(default_factory=bytearray)
    bytes_per_ms: int = 8
    was_cut: bool = False

    @property
    def audio_ms(self) -> int:
        """How much sound of it there is, whole ms, rounded down."""
        return len(self.audio) // self.bytes_per_ms

    def cut(self, audio_end_ms: int) -> None:
        """Keep the beginning. The words go: the model cannot tell which of them are left."""
        del self.audio[audio_end_ms * self.bytes_per_ms :]
        self.was_cut = True
        for part in self.content:
            part["transcript"] = ""

    def as_json(self, *, with_audio: bool = False) -> Json:
        if self.body:
            return {**self.body, "id": self.id, "status": self.status}
        content = [dict(part) for part in self.content]
        for part in content:
            if with_audio and self.audio and part["type"].endswith("_audio"):
                part["audio"] = binascii.b2a_base64(bytes(self.audio), newline=False).decode()
        shown: Json = {"id": self.id, "type": "message", "status": self.status, "role": self.role, "content": content}
        if self.phase:
            shown["phase"] = self.phase
        return shown

    @property
    def words(self) -> str:
        """Words in it that are known for certain: those that were written."""
        return " ".join(part["text"] for part in self.content if "text" in part)


def read_item(given: Any, new_id: str, path: str = "item") -> Item:
    """An item that a client made. Raises Refusal."""
    anything(given, path)
    kind = given.get("type", "message")
    text(kind, f"{path}.type")
    if kind in _FUNCTIONS:
        _FUNCTIONS[kind](given, path)
        return Item(given.get("id") or new_id, body={k: v for k, v in given.items() if k not in ("id", "status")})
    if kind != "message":
        raise invalid_value(kind, ("message", *_FUNCTIONS), f"{path}.type")
    role = given.get("role")
    if "role" not in given:
        raise missing(f"{path}.role")
    if not isinstance(role, str) or role not in _CONTENT:
        raise invalid_value(role, tuple(_CONTENT), f"{path}.role")
    shape = {**_HEAD, "role": text, "content": sequence(_CONTENT[role])}
    record(shape, required=("content",))(given, path)
    item = Item(given.get("id") or new_id, role)
    for index, part in enumerate(given["content"]):
        shown = dict(part)
        if part["type"] == "input_audio":
            item.audio += read_audio(shown.pop("audio"), f"{path}.content[{index}].audio")
            shown.setdefault("transcript", None)
        item.content.append(shown)
    return item


def read_audio(value: Any, path: str) -> bytes:
    """Sound from base64. Raises Refusal."""
    text(value, path)
    try:
        return binascii.a2b_base64(value, strict_mode=True)
    except (binascii.Error, ValueError):
        raise Refusal("invalid_value", f"Invalid '{path}'. Expected base64-encoded audio bytes.", path) from None


class Conversation:
    """Items by id, in their order."""

    def __init__(self) -> None:
        self._items: dict[str, Item] = {}

    def __contains__(self, item_id: object) -> bool:
        return item_id in self._items

    def __iter__(self) -> Iterator[Item]:
        return iter(self._items.values())

    def find(self, item_id: str, act: str) -> Item:
        """An item for an act: "truncate", "delete", "retrieve". Raises the act's own Refusal."""
        if item_id not in self._items:
            doing = {"truncate": "truncating", "delete": "deleting", "retrieve": "retrieving"}[act]
            message = f"Error {doing} item: the item with id '{item_id}' does not exist."
            raise Refusal(f"item_{act}_invalid_item_id", message)
        return self._items[item_id]

    def add(self, item: Item, after: str | None = None) -> str | None:
        """Add an item; the id of the one before it. `after`: an id, or "root" for the beginning; None for the end.
        Raises Refusal."""
        if item.id in self._items:
            raise Refusal(
                "item_create_duplicate_item_id", f"Error adding item: the item with id '{item.id}' already exists."
            )
        if after is None:
            previous = next(reversed(self._items), None)
            self._items[item.id] = item
            return previous
        if after != "root" and after not in self._items:
            message = f"Error adding item: the previous item with id '{after}' does not exist."
            raise Refusal("item_create_invalid_previous_item_id", message, "previous_item_id")
        order = list(self._items.values())
        place = 0 if after == "root" else [other.id for other in order].index(after) + 1
        order.insert(place, item)
        self._items = {other.id: other for other in order}
        return None if after == "root" else after

    def remove(self, item_id: str) -> None:
        del self._items[item_id]

    def unanswered_words(self) -> str:
        """What the caller's side wrote, or was handed over to have said, since the agent last spoke."""
        words: list[str] = []
        for item in reversed(self._items.values()):
            if item.role == "assistant":
                break
            if item.role == "user":
                words.insert(0, item.words or _transcripts(item))
        return " ".join(filter(None, words))


def _transcripts(item: Item) -> str:
    return " ".join(part["transcript"] for part in item.content if part.get("transcript"))
