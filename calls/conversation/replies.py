"""Which reply was asked for, which is being made, and which are dead.

The model makes one reply at a time; asking for another meanwhile is refused. So there is one slot: free, asked (we
sent `response.create`), or active (the model said `response.created`). A dead reply is one that was interrupted:
its sound is dropped by its id for as long as the call lasts, because late deltas carry it, and nothing else tells
them apart.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Dead:
    """An interrupted reply, and what still came of it."""

    interruption: int
    late_bytes: int = 0
    told_bytes: int = 0  # of them, in the record
    done: bool = False
    deaf_items: int = 0  # items that were taken out of the conversation because nobody heard them


class Replies:
    """One slot for the reply that is asked for or made, and the memory of the dead."""

    def __init__(self) -> None:
        self.asked: str | None = None
        self.asked_at = 0.0
        self.active: str | None = None
        self.heard_from_at = 0.0  # when the active reply last gave a sign of life
        self.dead: dict[str, Dead] = {}
        self._over: set[str] = set()
        self._unwanted: dict[str, int] = {}  # request id -> number of the interruption that made it so
        self._number = 0

    @property
    def free(self) -> bool:
        return self.asked is None and self.active is None

    def ask(self, now: float) -> str:
        """Take the slot for a new request; its id."""
        assert self.free
        self._number += 1
        self.asked = f"ask-{self._number}"
        self.asked_at = now
        return self.asked

    def created(self, reply_id: str, request_id: str | None, now: float) -> int | None:
        """The model began a reply. The number of the interruption that made it unwanted, or None when it is wanted."""
        if request_id is not None and request_id == self.asked:
            self.asked = None
        if reply_id not in self._over:  # its end can overtake its beginning
            self.active, self.heard_from_at = reply_id, now
        interruption = self._unwanted.pop(request_id, None) if request_id is not None else None
        if interruption is not None:
            self.bury(reply_id, interruption)
        return interruption

    def has_ended(self, reply_id: str) -> bool:
        return reply_id in self._over

    def ended_unseen(self, reply_id: str) -> bool:
        """Whether an end of which no beginning was seen can only be that of the outstanding request."""
        return (
            self.asked is not None and self.active is None and reply_id not in self._over and reply_id not in self.dead
        )

    def could_begin(self, reply_id: str) -> bool:
        """Whether this may be the reply that was asked for, its creation missed."""
        return bool(reply_id) and self.active is None and reply_id not in self._over

    def give_up_request(self, interruption: int) -> str | None:
        """What was asked for is not wanted any more: it is cancelled on arrival, and keeps the slot until then."""
        if self.asked is not None:
            self._unwanted[self.asked] = interruption
        return self.asked

    @property
    def asked_is_wanted(self) -> bool:
        return self.asked is not None and self.asked not in self._unwanted

    def refused(self, request_id: str | None) -> bool:
        """The model refused a request. True: it was the one outstanding, and it was still wanted."""
        if request_id is None or request_id != self.asked:
            return False
        self.asked = None
        return self._unwanted.pop(request_id, None) is None

    def bury(self, reply_id: str, interruption: int) -> Dead:
        return self.dead.setdefault(reply_id, Dead(interruption))

    def sign_of_life(self, reply_id: str, now: float) -> None:
        if reply_id == self.active:
            self.heard_from_at = now

    def done(self, reply_id: str) -> None:
        """The model ended a reply: the slot is free again. Harmless for one that was never created."""
        self._over.add(reply_id)
        if self.active == reply_id:
            self.active = None
        if reply_id in self.dead:
            self.dead[reply_id].done = True

    def forget_all(self) -> None:
        """The socket is gone, and with it all that was asked for or being made."""
        self.asked = self.active = None
        self._unwanted.clear()
