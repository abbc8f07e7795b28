"""The link to a speech model: a socket with the model's dialect."""

from __future__ import annotations

from collections.abc import Callable

from calls.conversation.commands import Command, SendAudio
from calls.conversation.events import Event, LinkLost, OutletFull
from calls.realtime.base import ModelDialect
from calls.sockets import Refused, Socket


class LinkRefused(Exception):
    """The socket could not be opened. `reason` is safe to log; `retry`: a later try can succeed."""

    def __init__(self, reason: str, retry: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry = retry


class Link:
    """One session with the model. Commands are written within `take`, without a queue or a task between."""

    def __init__(self, dialect: ModelDialect, feed: Callable[[Event], None]) -> None:
        self._dialect = dialect
        self._feed = feed
        self._socket = Socket(self._read, self._lost)

    async def open(self) -> None:
        """Connect and send the dialect's opening. Raises LinkRefused."""
        dialect = self._dialect
        try:
            await self._socket.open(dialect.url(), dialect.headers(), dialect.opening())
        except Refused as refusal:
            raise LinkRefused(refusal.reason, refusal.leaves_hope(dialect.may_retry)) from None

    def _read(self, message: str | bytes) -> None:
        for event in self._dialect.parse(message):
            self._feed(event)

    def _lost(self, reason: str, close_code: int | None) -> None:
        self._feed(LinkLost(reason, close_code is None or self._dialect.may_retry(close_code, None)))

    def take(self, command: Command) -> None:
        """Write a command, if it is one for the model. Dropped without a word when the link is not open."""
        if not self._socket.is_open:
            return
        if type(command) is SendAudio and not self._takes_sound():
            return
        message = self._dialect.write(command)
        if message is not None:
            self._socket.write(message)

    def _takes_sound(self) -> bool:
        room = self._socket.has_room()
        if room is None:
            self._feed(OutletFull("model"))
        return bool(room)

    async def close(self) -> None:
        """Close in order, within a second whatever the peer does. No event comes after it. Harmless twice."""
        await self._socket.close()
