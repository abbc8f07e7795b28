"""What the dialect of an external ear is: a provider that turns the caller's sound into words and says when a turn is over.

Its events are those of the model's own hearing, so that nothing else in the product can tell the difference:

    SpeechStarted(item_id, audio_start_ms)   with the first words that are not empty; an id of the dialect's own, never used twice
    EarlyWords(item_id, text)                all words of the turn so far, each time they change
    CallerTranscript(item_id, text)          all words of the turn; then, in this order,
    SpeechStopped(item_id, audio_end_ms)     the end of the last word plus the silence that was waited for, and
    InputCommitted(item_id)

Offsets count the sound that was sent on this socket. An end of utterance without any words gives nothing, unless the speech was
announced: then the words are empty, and the turn is refused as noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Protocol

from calls.conversation.commands import ConfigureHearing, EndUtterance, SendToHearing
from calls.conversation.events import Event

HearingCommand = SendToHearing | ConfigureHearing | EndUtterance


class HearingDialect(Protocol):
    """One object per websocket."""

    slug: ClassVar[str]
    label: ClassVar[str]
    Options: ClassVar[type]
    key_variable: ClassVar[str]
    url_variable: ClassVar[str]
    service_url: ClassVar[str]
    stand_in: ClassVar[str]

    def __init__(self, options: Any, *, url: str, api_key: str, language: str = "", silence_ms: int = 500) -> None: ...

    def url(self) -> str: ...

    def headers(self) -> dict[str, str]:
        """Holds a secret: never log it."""

    def opening(self) -> Sequence[str]: ...

    def parse(self, text: str | bytes) -> Sequence[Event]:
        """One message of the wire as events; HearingReady when it may be given sound, HearingLost when it refuses. Never raises."""

    def write(self, command: HearingCommand) -> Sequence[str | bytes]:
        """An order as messages: text, or bytes for a frame of sound."""

    def closing(self) -> Sequence[str]:
        """What to say before the socket is closed."""

    def may_retry(self, close_code: int | None, http_status: int | None) -> bool: ...
