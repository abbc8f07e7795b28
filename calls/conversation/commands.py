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
    """Ask for one reply. `request_id` comes back in its metadata, and in the error when it is refused.

    `as_text`: a voice that is not the model's will speak it.
    """

    request_id: str
    instructions: str = ""
    as_text: bool = False


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
    """Put words into the conversation: what a caller said to another ear, or what was heard of a reply, or a lost one rebuilt.

    `item_id`: ours, for what must be found again. `after`: the item that it follows, "root" for none; empty: it comes last.
    """

    role: Literal["user", "assistant", "system"]
    text: str
    item_id: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class ConfigureModel:
    """Change the session that is running. Sent whole; the echo answers with `request_id`."""

    request_id: str
    turn_detection: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class OpenModel:
    """Open a new session with the model; `attempt` counts from 1 within one loss."""

    attempt: int


# --- to a voice that is not the model's --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OpenVoice:
    """Open the way to a voice, by its number in the settings, from 0: it will be needed soon."""

    voice: int


@dataclass(frozen=True, slots=True)
class LeaveVoice:
    """This voice is not used any more in this call. `failed`: it is at fault, for the sake of other calls."""

    voice: int
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Speak:
    """More text of an utterance. The first one begins it; ids are never used twice. Text is verbatim, spaces included."""

    voice: int
    utterance: str
    text: str


@dataclass(frozen=True, slots=True)
class FinishSpeaking:
    """No more text comes for this utterance."""

    voice: int
    utterance: str


@dataclass(frozen=True, slots=True)
class StopSpeaking:
    """The utterance is not wanted any more."""

    voice: int
    utterance: str


# --- to an ear that is not the model's ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OpenHearing:
    """Open the way to the provider that hears the caller."""


@dataclass(frozen=True, slots=True)
class SendToHearing:
    """Pass a frame of the caller's sound on: mu-law."""

    audio: bytes


@dataclass(frozen=True, slots=True)
class ConfigureHearing:
    """From now on so much silence ends a turn of the caller's."""

    silence_ms: int


@dataclass(frozen=True, slots=True)
class EndUtterance:
    """Let the provider end the caller's turn now."""


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
    | OpenVoice
    | LeaveVoice
    | Speak
    | FinishSpeaking
    | StopSpeaking
    | OpenHearing
    | SendToHearing
    | ConfigureHearing
    | EndUtterance
    | Note
)
