"""What happened, as small frozen facts.

Carriers, speech models and the shell make them; only the conversation reads them. All audio is mu-law, 8 kHz, mono:
8 bytes are one millisecond. Names of the fields follow the OpenAI Realtime reference where it has a name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from .settings import ConversationSettings

BYTES_PER_MS = 8

ErrorKind = Literal["benign", "retryable", "fatal"]


# --- from the phone ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CallAnswered:
    """The media stream stands: the phone can play, and the caller can be heard."""


@dataclass(frozen=True, slots=True)
class CallerAudio:
    """A frame of the caller's sound. `encoded` is its base64 as it came, so that it can go on as it is."""

    audio: bytes
    encoded: str


@dataclass(frozen=True, slots=True)
class MarkPlayed:
    """The phone returned a mark: everything sent before it was played, or was thrown away by a clear."""

    name: str


@dataclass(frozen=True, slots=True)
class CallerKey:
    """The caller pressed a key (DTMF): one of 0-9, *, #, A-D."""

    digit: str


@dataclass(frozen=True, slots=True)
class PhoneClosed:
    """The caller hung up, or the carrier's socket is gone. `failed`: it is our doing, and the caller is still there."""

    reason: str
    failed: bool = False


# --- from the speech model --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ModelReady:
    """The model's session is configured: its echo came back. `differences` names what it did not take as asked."""

    session_id: str
    differences: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelConfigured:
    """A later change of the session came back in its echo: it is in force."""

    request_id: str
    differences: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """The model's VAD heard the caller begin. `audio_start_ms` counts audio sent to it, less the prefix padding."""

    item_id: str
    audio_start_ms: int


@dataclass(frozen=True, slots=True)
class SpeechStopped:
    """The model's VAD heard the caller end. `audio_end_ms` includes the silence it waited for."""

    item_id: str
    audio_end_ms: int


@dataclass(frozen=True, slots=True)
class InputCommitted:
    """The caller's speech became an item of the conversation."""

    item_id: str
    previous_item_id: str | None = None


@dataclass(frozen=True, slots=True)
class CallerTranscript:
    """What the caller said, from the transcription model. May come before `SpeechStopped` or long after."""

    item_id: str
    text: str


@dataclass(frozen=True, slots=True)
class CallerTranscriptFailed:
    item_id: str
    code: str


@dataclass(frozen=True, slots=True)
class ReplyCreated:
    """A response began. `request_id` is ours, from the metadata we sent; None when the server made it by itself."""

    reply_id: str
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class ItemAdded:
    """A reply got an item: `kind` is "message", "function_call", …"""

    reply_id: str
    item_id: str
    kind: str = "message"


@dataclass(frozen=True, slots=True)
class ReplyAudio:
    """A piece of the agent's sound. Any length; an empty `reply_id` means that the source does not tell."""

    reply_id: str
    item_id: str
    content_index: int
    audio: bytes


@dataclass(frozen=True, slots=True)
class ReplyText:
    """A piece of what the agent is saying. Runs ahead of the audio.

    `spoken`: the model speaks it itself, and this is its transcript; otherwise it is text that a voice has to speak.
    """

    reply_id: str
    item_id: str
    content_index: int
    text: str
    spoken: bool = True


@dataclass(frozen=True, slots=True)
class ReplyTextDone:
    """All that the agent said in this part; after a cancel, as far as it got. `spoken` as in ReplyText."""

    reply_id: str
    item_id: str
    content_index: int
    text: str
    spoken: bool = True


@dataclass(frozen=True, slots=True)
class ReplyAudioDone:
    """No more audio for this part."""

    reply_id: str
    item_id: str
    content_index: int


@dataclass(frozen=True, slots=True)
class ReplyDone:
    """A response ended. `status`: completed, cancelled, incomplete, failed; `reason` and `error_code` say why."""

    reply_id: str
    status: str
    reason: str = ""
    error_code: str = ""
    usage: dict[str, int] | None = None


@dataclass(frozen=True, slots=True)
class ItemPlaced:
    """An item, whoever's, has its place in the model's conversation: after another, or first (None)."""

    item_id: str
    previous_item_id: str | None = None


@dataclass(frozen=True, slots=True)
class ItemTruncated:
    item_id: str
    audio_end_ms: int


@dataclass(frozen=True, slots=True)
class ItemDeleted:
    item_id: str


@dataclass(frozen=True, slots=True)
class ModelError:
    """The model's server refused something. `kind` is our judgement; `request_id` the event_id that it answers.

    `detail` is safe to log: it carries ids and numbers, never words of the call.
    """

    kind: ErrorKind
    code: str
    detail: str = ""
    request_id: str | None = None


# --- from a voice that is not the model's ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class VoiceAudio:
    """A piece of the sound of an utterance: mu-law, any length."""

    utterance: str
    audio: bytes


@dataclass(frozen=True, slots=True)
class VoiceTimed:
    """How far in its text an utterance is at which time of its sound: (characters, milliseconds) since its start, both growing."""

    utterance: str
    points: tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True)
class VoiceDone:
    """All sound of an utterance has come."""

    utterance: str


@dataclass(frozen=True, slots=True)
class VoiceFailed:
    """A provider refused or broke an utterance; without one, it said something that concerns none.

    `code` is safe to log. `retry`: another utterance can hope for better; otherwise (key, voice, quota) the voice is out.
    """

    utterance: str
    code: str
    retry: bool = True


@dataclass(frozen=True, slots=True)
class VoiceLost:
    """A voice cannot be reached, or its socket is gone. `voice`: its number in the settings, from 0."""

    voice: int
    reason: str
    retry: bool = True


# --- from an ear that is not the model's -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class HearingReady:
    """The provider that hears the caller is listening."""


@dataclass(frozen=True, slots=True)
class HearingLost:
    """It cannot be reached, refuses us, or its socket is gone. `reason` is safe to log."""

    reason: str
    retry: bool = True


# --- from our own shells ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SoundHeard:
    """32 ms of the caller's sound as our own ear judged it, some time after it came.

    `at`: when it ended (monotonic s). `probability` that it is speech, 0 to 1. `level_db` over the line's own noise.
    `echo`: its likeness to what the agent was playing, 0 to 1. `laughter`: that of the last second to laughing, coughing or
    clearing one's throat rather than to speech, 0 to 1; 0 while the agent is silent.
    """

    at: float
    probability: float
    level_db: float = 0.0
    echo: float = 0.0
    laughter: float = 0.0


@dataclass(frozen=True, slots=True)
class EarlyWords:
    """The beginning of what the caller is saying, while it is still being said. All words so far, not the newest only."""

    item_id: str
    text: str


@dataclass(frozen=True, slots=True)
class SettingsChanged:
    """Somebody changed the agent's settings and wants them in this call. `by`: who, for the record."""

    settings: ConversationSettings
    by: str = ""
    changes: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)  # name -> old, new
    ticket: str = ""  # whom to tell that it is applied


@dataclass(frozen=True, slots=True)
class SentenceTyped:
    """Staff want the agent to say this to the caller, word for word. `by`: who, for the record."""

    text: str
    by: str = ""


@dataclass(frozen=True, slots=True)
class HangUpAsked:
    """Staff want the call to end now."""

    by: str = ""


@dataclass(frozen=True, slots=True)
class LinkLost:
    """The model's socket is gone. `retry` is False when a new one would meet the same refusal."""

    reason: str
    retry: bool = True


@dataclass(frozen=True, slots=True)
class OutletFull:
    """An outlet could not take what it was given: "phone", "model", "recorder" or "spool"."""

    outlet: str


@dataclass(frozen=True, slots=True)
class BadMessage:
    """Something came that could not be read. `problem` names the fault without quoting what was said."""

    source: Literal["phone", "model", "hearing"]
    problem: str


Event = (
    CallAnswered
    | CallerAudio
    | MarkPlayed
    | CallerKey
    | PhoneClosed
    | ModelReady
    | ModelConfigured
    | SpeechStarted
    | SpeechStopped
    | InputCommitted
    | CallerTranscript
    | CallerTranscriptFailed
    | ReplyCreated
    | ItemAdded
    | ReplyAudio
    | ReplyText
    | ReplyTextDone
    | ReplyAudioDone
    | ReplyDone
    | ItemPlaced
    | ItemTruncated
    | ItemDeleted
    | ModelError
    | VoiceAudio
    | VoiceTimed
    | VoiceDone
    | VoiceFailed
    | VoiceLost
    | HearingReady
    | HearingLost
    | SoundHeard
    | EarlyWords
    | SettingsChanged
    | SentenceTyped
    | HangUpAsked
    | LinkLost
    | OutletFull
    | BadMessage
)
