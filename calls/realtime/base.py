"""What a speech model's dialect is: both directions of its websocket protocol, pure, in one file each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from calls.conversation.commands import Command
from calls.conversation.events import Event


@dataclass(frozen=True, slots=True)
class ModelSession:
    """All that a session with the model is configured with. Values go to the model as they stand here."""

    model: str
    instructions: str
    voice: str
    turn_detection: dict[str, Any] | None  # None: another ear hears the caller
    transcription: dict[str, Any] | None = None
    noise_reduction: dict[str, Any] | None = None
    speed: float = 1.0
    max_output_tokens: int | str = "inf"
    as_text: bool = False  # another voice speaks: the model answers in text
    extra: dict[str, Any] = field(default_factory=dict)


class ModelDialect(Protocol):
    """One object per socket: it may remember what it asked for, to compare the echo with."""

    def url(self) -> str:
        """The address to open, the model in it."""

    def headers(self) -> dict[str, str]:
        """What to send with the handshake. Holds a secret: never log it."""

    def opening(self) -> Sequence[str]:
        """The messages to send first."""

    def parse(self, text: str | bytes) -> Sequence[Event]:
        """One message of the wire as events, none for one that needs nothing. Never raises."""

    def write(self, command: Command) -> str | None:
        """An order as a message; None for an order that is not for the model."""

    def may_retry(self, close_code: int | None, http_status: int | None) -> bool:
        """Whether a new socket can hope for better."""
