"""Putting right what the model believes it said, when a voice that is not its own was interrupted.

The model can cut only sound that it made itself. An item of text is therefore taken out and put in again with the words that were
heard, in its old place: after it there may already be what the caller said into it. While its reply is being made an item cannot
be repaired; and no reply is asked for before the repair is confirmed, or the model would answer to what nobody heard.
"""

from __future__ import annotations

from collections.abc import Iterator

from .commands import AddItem, Command, DeleteItem
from .playback import Item

FIRST = "root"
"""What the protocol calls the place before all items."""


class Repairs:
    """The order of the model's conversation, and the repairs that are due or not confirmed yet."""

    def __init__(self) -> None:
        self.since = 0.0  # the oldest that is not confirmed was sent
        self._order: list[str] = []
        self._due: dict[str, list[tuple[Item, str]]] = {}  # reply -> items and what was heard of them
        self._waiting: set[str] = set()  # ids whose deletion or addition is not confirmed
        self._added: dict[str, AddItem] = {}  # to be sent again without a place if the place is refused
        self._number = 0

    # --- the order

    def placed(self, item_id: str, previous_id: str | None) -> bool:
        """The model put an item into its conversation. Whether that was the last confirmation that was waited for."""
        if item_id in self._order:
            self._order.remove(item_id)
        if previous_id is None:
            self._order.insert(0, item_id)
        else:
            if previous_id not in self._order:
                self._order.append(previous_id)  # of which we were not told
            self._order.insert(self._order.index(previous_id) + 1, item_id)
        return self._settle(item_id)

    def removed(self, item_id: str) -> bool:
        """As `placed`, for an item that was taken out."""
        if item_id in self._order:
            self._order.remove(item_id)
        return self._settle(item_id)

    def forget_all(self) -> None:
        """The session is gone, and with it all that stood in it."""
        self._order.clear()
        self._due.clear()
        self._waiting.clear()
        self._added.clear()

    # --- repairs

    @property
    def outstanding(self) -> bool:
        """Whether something that was sent is not confirmed yet."""
        return bool(self._waiting)

    def later(self, item: Item, heard: str) -> None:
        """To be repaired when its reply has ended."""
        self._due.setdefault(item.reply_id, []).append((item, heard))

    def after(self, reply_id: str, now: float) -> Iterator[Command]:
        """Its reply has ended: what is due."""
        for item, heard in self._due.pop(reply_id, []):
            yield from self.repair(item, heard, now)

    def repair(self, item: Item, heard: str, now: float) -> Iterator[Command]:
        """Leave of an item only what was heard, as an item of ours. Nothing heard: nothing is left."""
        if not self._waiting:
            self.since = now
        old = item.model_id
        place = self._order.index(old) if old in self._order else -1
        yield DeleteItem(old)
        self._waiting.add(old)
        if not heard:
            if place >= 0:
                del self._order[place]
            return
        self._number += 1
        item.model_id = f"heard_{self._number}"
        if place >= 0:
            self._order[place] = item.model_id  # the next one is repaired beside it
        # Without its neighbour's name it would land behind what the caller said into it.
        after = "" if place < 0 else self._order[place - 1] if place else FIRST
        add = AddItem("assistant", heard, item.model_id, after)
        self._waiting.add(item.model_id)
        self._added[item.model_id] = add
        yield add

    def refused(self, request_id: str | None) -> Iterator[Command]:
        """The model refused one of our messages. A place that it does not know is no reason to lose the words."""
        what, _, item_id = (request_id or "").partition(":")
        if item_id not in self._waiting:
            return
        add = self._added.pop(item_id, None)
        if what == "add" and add is not None and add.after:
            yield AddItem(add.role, add.text, add.item_id)
        else:
            self._settle(item_id)

    def give_up(self) -> None:
        """Nothing came back: the call goes on without the confirmation."""
        self._waiting.clear()
        self._added.clear()

    def _settle(self, item_id: str) -> bool:
        waited = item_id in self._waiting
        self._waiting.discard(item_id)
        self._added.pop(item_id, None)
        return waited and not self._waiting
