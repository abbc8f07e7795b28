"""What the dialects of voices share in reading: leniently what matters little, and never an exception."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from typing import Any

import orjson

from calls.conversation.events import VoiceFailed

from .base import VoiceEvent

Json = dict[str, Any]

MOST_MS = 3_600_000.0
"""No utterance is longer than an hour; a time beyond it is none."""

_CODE = re.compile(r"[A-Za-z0-9_.\-]{1,64}")


def read(text: str | bytes, of: Callable[[Json], Sequence[VoiceEvent]]) -> Sequence[VoiceEvent]:
    """One message of the wire; what cannot be read is a failure of none."""
    try:
        message = orjson.loads(text)
        if isinstance(message, dict):
            return of(message)
    except (orjson.JSONDecodeError, binascii.Error, KeyError, TypeError, ValueError, AttributeError, IndexError):
        pass
    return (VoiceFailed("", "unreadable"),)


def sound(encoded: Any) -> bytes:
    """Base64 as it is on the wire; nothing, too. Raises ValueError and TypeError."""
    return base64.b64decode(encoded, validate=True) if encoded else b""


def whose(name: Any, opened: Sequence[str]) -> str:
    """The utterance that a message names; without a name, the one that is open if there is only one. Raises TypeError."""
    if name is None or name == "":
        return opened[0] if len(opened) == 1 else ""
    if not isinstance(name, str):
        raise TypeError("the name of a context is no text")
    return name


def safe_code(*candidates: Any, default: str) -> str:
    """The first that is a code and no sentence: sentences of a provider can quote what was to be said."""
    return next((c for c in candidates if isinstance(c, str) and _CODE.fullmatch(c)), default)


def milliseconds(value: Any) -> float:
    """A time of the wire. Raises ValueError and TypeError when it is none."""
    ms = float(value)
    if not 0 <= ms <= MOST_MS or isinstance(value, bool | str):
        raise ValueError("no time")
    return ms


def hopeful(http_status: int) -> bool:
    """Whether a request that was answered so can be answered otherwise next time."""
    return http_status in (408, 425, 429) or http_status >= 500
