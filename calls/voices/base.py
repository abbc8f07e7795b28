"""What a voice's dialect is: how a provider of speech is told what to say, pure, in one file each.

A voice speaks *utterances*: stretches of text that arrive in pieces and come back as mu-law at 8 kHz. An utterance has an id that
is never used twice, so what still comes of one that was stopped is known by its id. A dialect holds no socket, no clock and
no Django. There are two ways to reach a provider: a websocket that stands for the whole call, or one HTTP request a sentence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from calls.conversation.commands import FinishSpeaking, Speak, StopSpeaking
from calls.conversation.events import VoiceAudio, VoiceDone, VoiceFailed, VoiceTimed

VoiceCommand = Speak | FinishSpeaking | StopSpeaking
VoiceEvent = VoiceAudio | VoiceTimed | VoiceDone | VoiceFailed


class VoiceClass(Protocol):
    """What the registry (settings.VOICES) and the admin's form know of a provider."""

    slug: ClassVar[str]
    label: ClassVar[str]
    transport: ClassVar[str]  # "websocket" or "http"
    Options: ClassVar[type]  # a frozen dataclass of `option(…)` fields
    key_variable: ClassVar[str]  # the environment variable that holds the key
    url_variable: ClassVar[str]  # … and the one that names another server
    service_url: ClassVar[str]  # the provider's own
    stand_in: ClassVar[str]  # dotted path of its local stand-in, see calls/rehearsal/voices/host.py


class SocketVoice(Protocol):
    """One object per websocket."""

    def __init__(self, options: Any, *, url: str, api_key: str, language: str = "") -> None: ...

    def url(self) -> str:
        """The address to open."""

    def headers(self) -> dict[str, str]:
        """What to send with the handshake. Holds a secret: never log it."""

    def opening(self) -> Sequence[str]:
        """The messages to send first."""

    def write(self, command: VoiceCommand) -> Sequence[str]:
        """An order as messages, in order; none for one that needs nothing."""

    def waiting(self) -> Sequence[str]:
        """Messages of earlier orders that had to wait for what was just parsed. To be asked, and sent, after every `parse`."""

    def parse(self, text: str | bytes) -> Sequence[VoiceEvent]:
        """One message of the wire as events. Never raises: what cannot be read is a VoiceFailed with code "unreadable" and no
        utterance, which is noted and fails nothing."""

    def keepalive(self) -> tuple[float, Sequence[str]] | None:
        """(seconds of silence on our side after which to send, the messages); None when the provider needs or has none. A socket
        that it closes with 1000 while nothing is being said has idled out, which is no failure: the next words open another."""

    def may_retry(self, close_code: int | None, http_status: int | None) -> bool:
        """Whether a new socket can hope for better: not after a refused key, an unknown voice or an exhausted quota."""


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request: its answer is the sound of one sentence."""

    method: str
    url: str
    headers: dict[str, str]
    json: dict[str, Any]


class Sound(Protocol):
    """Turns the body of one answer into mu-law at 8 kHz, piece by piece as it arrives."""

    def take(self, chunk: bytes) -> bytes: ...


class HttpVoice(Protocol):
    """One object per call."""

    def __init__(self, options: Any, *, url: str, api_key: str, language: str = "") -> None: ...

    def request(self, text: str) -> Request:
        """What to ask for a sentence. Holds a secret: never log it."""

    def sound(self) -> Sound:
        """For the body of one answer."""

    def refusal(self, http_status: int) -> tuple[str, bool]:
        """(a code for the record, whether a later try can hope for better)."""
