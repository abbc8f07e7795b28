"""A browser as a phone: microphone and loudspeaker of somebody on the team. Pure; no socket, no Django.

The protocol is ours, with the semantics of Twilio's Media Streams: marks come back when all before them was played, at once when
nothing is queued, and after a clear. From the browser: binary messages are sound (mu-law, 8 kHz, 20 ms each), texts are
`{"event": …}`: `start` (call, token), `mark` (name), `key` (digit), `stop`. To the browser, all texts: `sound` (payload: base64 of
mu-law), `mark` (name), `clear`.
"""

from __future__ import annotations

import binascii
from collections.abc import Callable
from typing import Any

import orjson

from calls.conversation.events import CallerAudio, CallerKey, MarkPlayed

from .base import PhoneEvent, Refused, StreamStarted, StreamStopped

MAX_TEXT = 4096
"""Characters. The longest message is the start, with its token."""

MAX_SOUND = 8000
"""Bytes in one message: a second. A frame has 160; a page that was held up may send some together."""

MAX_FAULTS = 100
"""Unreadable messages in a row, as with other carriers."""

BAD_DATA, POLICY, TOO_BIG = 1007, 1008, 1009


class Browser:
    """The dialect of one page's media socket. It remembers whether the call has begun."""

    slug = "browser"
    label = "Browser"
    selectable = False  # it has no numbers

    def __init__(self) -> None:
        self.call_id = ""
        self._faults = 0

    # --- from the page

    def parse(self, text: str | None, binary: bytes | None = None) -> PhoneEvent | None:
        if text is None:
            return self._sound(binary or b"")
        if len(text) > MAX_TEXT:
            return Refused(f"message of {len(text)} characters", fatal=True, close_code=TOO_BIG)
        try:
            message = orjson.loads(text)
            read = READERS[message["event"]]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            return self._fault("no message of a phone")
        try:
            return read(self, message)
        except (KeyError, TypeError):
            return self._fault(f"{message['event']} without its fields")

    def _fault(self, problem: str) -> Refused:
        """Skipped in a call; fatal before one, or when nothing else comes."""
        self._faults += 1
        return Refused(problem, fatal=not self.call_id or self._faults >= MAX_FAULTS, close_code=BAD_DATA)

    def _sound(self, mulaw: bytes) -> PhoneEvent | None:
        if not self.call_id:
            return Refused("sound before start", fatal=True, close_code=POLICY)
        if len(mulaw) > MAX_SOUND:
            return Refused(f"sound of {len(mulaw)} bytes", fatal=True, close_code=TOO_BIG)
        self._faults = 0
        return CallerAudio(mulaw, binascii.b2a_base64(mulaw, newline=False).decode()) if mulaw else None

    def _start(self, message: dict[str, Any]) -> PhoneEvent:
        if self.call_id:
            return Refused("a second start", fatal=True, close_code=POLICY)
        call_id, token = _string(message, "call"), _string(message, "token")
        self.call_id = call_id
        return StreamStarted(call_id, call_id, "", {"token": token})

    def _mark(self, message: dict[str, Any]) -> PhoneEvent:
        return MarkPlayed(_string(message, "name"))

    def _key(self, message: dict[str, Any]) -> PhoneEvent:
        digit = _string(message, "digit")
        return CallerKey(digit) if len(digit) == 1 and digit in "0123456789*#ABCD" else Refused("unknown key")

    def _stop(self, message: dict[str, Any]) -> PhoneEvent:
        return StreamStopped()

    # --- to the page

    def audio(self, mulaw: bytes) -> str:
        return f'{{"event":"sound","payload":"{binascii.b2a_base64(mulaw, newline=False).decode()}"}}'

    def mark(self, name: str) -> str:
        return f'{{"event":"mark","name":"{name}"}}'

    def clear(self) -> str:
        return '{"event":"clear"}'


def _string(fields: dict[str, Any], name: str) -> str:
    value = fields[name]
    if not isinstance(value, str) or not value:
        raise TypeError(name)
    return value


READERS: dict[str, Callable[[Browser, dict[str, Any]], PhoneEvent | None]] = {
    "start": Browser._start,
    "mark": Browser._mark,
    "key": Browser._key,
    "stop": Browser._stop,
}
