"""What to do, as small frozen orders. The conversation gives them; outlets carry them out, in the order given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

# --- to the phone -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PlayAudio:
    """Hand whole 20 ms frames of mu-law to the phone. `play_at` is when the caller begins to hear it (monotonic s)."""

    item_id: str
    audio: bytes
    play_at: float


@dataclass(frozen=True, slots=True)
class SendMark:
    """Ask the phone to return `name` when all that was sent before it has been played."""

    name: str


@dataclass(frozen=True, slots=True)
class ClearPlayback:
    """Throw away all sound that the phone has not played. After `heard_until` (monotonic s) nothing was heard.

    `held`: the reply is kept, and it is not known yet whether there will be an interruption of that number.
    """

    heard_until: float
    interruption: int = 0
    held: bool = False


@dataclass(frozen=True, slots=True)
class EndCall:
    """Close the phone's socket. `failed`: the carrier's fallback then speaks an apology."""

    reason: str
    failed: bool = False


# --- to the speech model ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SendAudio:
    """Pass a frame of the caller's sound on; base64 as it came from the phone."""

    encoded: str


@dataclass(frozen=True, slots=True)
class CommitInput:
    """End the caller's speech by hand, when the model's VAD does not."""


@dataclass(frozen=True, slots=True)
class AskForReply:
    """Ask for one reply. `request_id` comes back in its metadata, and in the error when it is refused."""

    request_id: str
    instructions: str = ""


@dataclass(frozen=True, slots=True)
class CancelReply:
    """Stop generation of exactly this reply."""

    reply_id: str


@dataclass(frozen=True, slots=True)
class TruncateReply:
    """Cut an item of the agent to what the caller heard of it."""

    item_id: str
    content_index: int
    audio_end_ms: int


@dataclass(frozen=True, slots=True)
class DeleteItem:
    """Take an item out of the conversation."""

    item_id: str


@dataclass(frozen=True, slots=True)
class AddItem:
    """Put words into the conversation, when a lost one is rebuilt."""

    role: Literal["user", "assistant", "system"]
    text: str


@dataclass(frozen=True, slots=True)
class ConfigureModel:
    """Change the session that is running. Sent whole; the echo answers with `request_id`."""

    request_id: str
    turn_detection: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class OpenModel:
    """Open a new session with the model; `attempt` counts from 1 within one loss."""

    attempt: int


# --- to the record ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Note:
    """A fact for the record of the call: it goes to the spool, the database and, for some kinds, the log.

    The kinds and what their data holds are listed in calls/conversation/facts.py.
    """

    kind: str
    data: dict[str, Any] = field(default_factory=dict)


Command = (
    PlayAudio
    | SendMark
    | ClearPlayback
    | EndCall
    | SendAudio
    | CommitInput
    | AskForReply
    | CancelReply
    | TruncateReply
    | DeleteItem
    | AddItem
    | ConfigureModel
    | OpenModel
    | Note
)
