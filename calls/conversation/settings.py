"""What one call's conversation runs with. Frozen: a change is a new object."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class ConversationSettings:
    """Lengths are milliseconds. The names are those of the agent's turn settings, so that one word means one thing."""

    greeting: str = ""  # spoken first; empty: the caller speaks first
    turn_detection: Mapping[str, Any] = field(default_factory=dict)  # as sent to the model, for the record

    # who makes the reply, and who stops it
    create_response: bool = False  # True: the model's server replies by itself when speech stops
    interrupt_response: bool = False  # True: the model's server cancels by itself when speech starts
    silence_ms: int = 500  # what the VAD waits for before it says that speech stopped
    prefix_padding_ms: int = 300  # what the VAD counts back when it says where speech started

    # the five steps of an interruption
    mode: Literal["full", "legacy"] = "full"  # legacy: cancel, and nothing else
    cancel_reply: bool = True
    truncate: Literal["heard", "start", "off"] = "heard"
    clear_buffers: bool = True
    suppress_in_flight: bool = True
    suppress_ms: int = 500
    mark_silent: bool = True

    min_speech_ms: int = 0  # shorter speech over the agent is no interruption: the reply goes on

    @classmethod
    def of(cls, turn: Mapping[str, Any], **more: Any) -> ConversationSettings:
        """From an agent's turn settings; what the conversation does not know is left out."""
        known = {f.name for f in fields(cls)}
        return cls(**{name: value for name, value in {**turn, **more}.items() if name in known})
