"""What a telephone company's dialect is: both directions of its media protocol, pure, in one file each.

A dialect reads what came over the wire into events and writes orders into what goes over it. It holds no socket, no clock
and no Django; `calls.webhooks` asks its other half, `verify` and the answers, for the HTTP side.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from calls.conversation.events import Event


@dataclass(frozen=True, slots=True)
class StreamStarted:
    """The media stream began. `parameters` are what our answer to the webhook asked the carrier to repeat."""

    stream_id: str
    carrier_call_id: str
    account_id: str
    parameters: dict[str, str] = field(default_factory=dict)
    encoding: str = "audio/x-mulaw"
    sample_rate: int = 8000


@dataclass(frozen=True, slots=True)
class StreamStopped:
    """The carrier said that the stream is over; its socket closes next."""


@dataclass(frozen=True, slots=True)
class Greeted:
    """The carrier's hello before the stream (Twilio's `connected`)."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A message that cannot be read. `problem` names the fault and never quotes the message.

    `fatal`: the socket must close with `close_code`; otherwise the message is skipped.
    """

    problem: str
    fatal: bool = False
    close_code: int = 1003


PhoneEvent = Event | StreamStarted | StreamStopped | Greeted | Refused


class PhoneDialect(Protocol):
    """One object per media socket: it may remember the stream's id."""

    def parse(self, text: str | None, binary: bytes | None = None) -> PhoneEvent | None:
        """One message of the wire as one event; None for one that needs nothing. Never raises."""

    def audio(self, mulaw: bytes) -> str:
        """The message that hands sound to the carrier."""

    def mark(self, name: str) -> str:
        """The message that asks for `name` back once all before it was played."""

    def clear(self) -> str:
        """The message that throws away all unplayed sound."""


# --- the carrier's REST API, where it has one


@dataclass(frozen=True, slots=True)
class RestRequest:
    """One request, without the address before `path` and without credentials."""

    method: str
    path: str
    query: dict[str, str] = field(default_factory=dict)
    form: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Held:
    """A number as the carrier has it. `instead`: what is set there and would go before our address."""

    id: str
    voice_url: str
    method: str = "POST"
    instead: tuple[str, ...] = ()
    takes_calls: bool = True

    def calls(self, voice_url: str) -> bool:
        """Whether calls are asked for at this address already."""
        return self.voice_url == voice_url and self.method.upper() == "POST" and not self.instead


class CarrierRefused(Exception):
    """The carrier did not do it. The message is for a person: what is wrong, and what to do. It holds no secret."""
