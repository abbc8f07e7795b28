"""Twilio: Media Streams in both directions, and the HTTP half: signatures and TwiML. Pure; no socket, no Django.

From Twilio's documentation of Media Streams, of <Connect><Stream> and of request validation. Numbers in its messages are strings.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from xml.sax.saxutils import escape, quoteattr

import orjson

from calls.conversation.events import CallerAudio, CallerKey, MarkPlayed

from .base import Greeted, PhoneEvent, Refused, StreamStarted, StreamStopped

MAX_MESSAGE = 64 * 1024
"""Characters. A frame is some 400; nothing that Twilio sends comes near."""

MAX_FAULTS = 100
"""Unreadable messages in a row. One costs 20 ms of sound, so the call goes on; two seconds of them: nobody is heard."""

UNSUPPORTED, BAD_DATA, POLICY, TOO_BIG = 1003, 1007, 1008, 1009

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that no XML document may hold, not even escaped."""

STREAM_ERRORS = {
    "31901": "Twilio could not connect to us in time",
    "31910": "Twilio could not agree on TLS with us",
    "31920": "our server did not accept the stream's handshake",
    "31921": "our server closed the stream",
    "31922": "the stream's address is not wss",
    "31924": "our server broke the protocol of the stream",
    "31930": "our server reads too slowly; sound of the caller was dropped",
    "31931": "more than ten minutes of sound were queued; the rest was dropped",
    "31950": "our server sent a message that cannot be decoded",
    "31951": "our server sent a message that is not valid",
}


class NotBase64(Exception):
    """The payload of a frame cannot be decoded, or not by everyone."""


class Twilio:
    """The dialect of one media socket. It remembers the stream's id, which every answer carries."""

    slug = "twilio"
    label = "Twilio"

    def __init__(self) -> None:
        self.stream_id = ""
        self._faults = 0
        self._met_unknown = False
        self._media_head = self._mark_head = ""

    # --- from the phone

    def parse(self, text: str | None, binary: bytes | None = None) -> PhoneEvent | None:
        if text is None:
            return Refused("binary message", fatal=True, close_code=UNSUPPORTED)
        if len(text) > MAX_MESSAGE:
            return Refused(f"message of {len(text)} characters", fatal=True, close_code=TOO_BIG)
        try:
            message = orjson.loads(text)
        except orjson.JSONDecodeError:
            return self._fault("not JSON")
        if not isinstance(message, dict):
            return self._fault("not a JSON object")
        event = message.get("event")
        if not isinstance(event, str):
            return self._fault("message without an event")
        read = READERS.get(event)
        if read is None:
            return self._unknown()
        try:
            return read(self, message)
        except NotBase64:
            return self._fault("sound that is not base64")
        except (KeyError, TypeError, ValueError, AttributeError):
            return self._fault(f"{event} without its fields")

    def _fault(self, problem: str) -> Refused:
        """What cannot be read is skipped in a call, and fatal before one, or when nothing else comes."""
        self._faults += 1
        fatal = not self.stream_id or self._faults >= MAX_FAULTS
        return Refused(problem, fatal=fatal, close_code=BAD_DATA)

    def _unknown(self) -> Refused | None:
        """Twilio adds events without notice: told once, then skipped."""
        if self._met_unknown:
            return None
        self._met_unknown = True
        return Refused("unknown event")

    def _connected(self, message: dict[str, Any]) -> PhoneEvent:
        return Greeted()

    def _media(self, message: dict[str, Any]) -> PhoneEvent | None:
        if not self.stream_id:
            return Refused("media before start", fatal=True, close_code=POLICY)
        media = message["media"]
        if media.get("track", "inbound") != "inbound":
            return None
        encoded = media["payload"]
        if not isinstance(encoded, str):
            raise TypeError
        try:
            audio = binascii.a2b_base64(encoded, strict_mode=True)
        except ValueError:
            raise NotBase64 from None
        # The text goes on to the model as it is, and Python lets more padding pass than belongs there.
        if len(encoded) != (len(audio) + 2) // 3 * 4:
            raise NotBase64
        self._faults = 0
        return CallerAudio(audio, encoded) if audio else None

    def _start(self, message: dict[str, Any]) -> PhoneEvent:
        if self.stream_id:
            return Refused("a second start", fatal=True, close_code=POLICY)
        start = message["start"]
        stream_id, call_id = _string(start, "streamSid"), _string(start, "callSid")
        form = start.get("mediaFormat") or {}
        encoding, rate = str(form.get("encoding", "audio/x-mulaw")), int(form.get("sampleRate", 8000))
        if encoding != "audio/x-mulaw" or rate != 8000:
            return Refused(f"sound as {encoding} at {rate} Hz", fatal=True, close_code=UNSUPPORTED)
        parameters = {str(name): str(value) for name, value in (start.get("customParameters") or {}).items()}
        self.stream_id = stream_id
        quoted = orjson.dumps(stream_id).decode()
        self._media_head = f'{{"event":"media","streamSid":{quoted},"media":{{"payload":"'
        self._mark_head = f'{{"event":"mark","streamSid":{quoted},"mark":{{"name":"'
        return StreamStarted(stream_id, call_id, str(start.get("accountSid", "")), parameters, encoding, rate)

    def _mark(self, message: dict[str, Any]) -> PhoneEvent:
        return MarkPlayed(_string(message["mark"], "name"))

    def _dtmf(self, message: dict[str, Any]) -> PhoneEvent:
        digit = _string(message["dtmf"], "digit")
        return CallerKey(digit) if len(digit) == 1 and digit in "0123456789*#ABCD" else Refused("unknown key")

    def _stop(self, message: dict[str, Any]) -> PhoneEvent:
        return StreamStopped()

    # --- to the phone

    def audio(self, mulaw: bytes) -> str:
        return f'{self._media_head}{binascii.b2a_base64(mulaw, newline=False).decode()}"}}}}'

    def mark(self, name: str) -> str:
        return f'{self._mark_head}{name}"}}}}'

    def clear(self) -> str:
        return f'{{"event":"clear","streamSid":{orjson.dumps(self.stream_id).decode()}}}'


def _string(fields: dict[str, Any], name: str) -> str:
    value = fields[name]
    if not isinstance(value, str) or not value:
        raise TypeError(name)
    return value


READERS: dict[str, Callable[[Twilio, dict[str, Any]], PhoneEvent | None]] = {
    "media": Twilio._media,
    "mark": Twilio._mark,
    "dtmf": Twilio._dtmf,
    "start": Twilio._start,
    "stop": Twilio._stop,
    "connected": Twilio._connected,
}


# --- the HTTP half: signatures


def signature(token: str, url: str, fields: Mapping[str, Sequence[str]]) -> str:
    """What Twilio puts into X-Twilio-Signature: HMAC-SHA1 over the URL and the sorted form fields."""
    signed = url + "".join(name + value for name in sorted(fields) for value in sorted(set(fields[name])))
    return base64.b64encode(hmac.new(token.encode(), signed.encode(), hashlib.sha1).digest()).decode()


def is_signed(tokens: Iterable[str], url: str, fields: Mapping[str, Sequence[str]], given: str) -> bool:
    """Whether one of the tokens signed this request. Twilio signs with and without the port, so both are tried."""
    matches = False
    for token in filter(None, tokens):
        for candidate in _with_and_without_port(url):
            matches |= hmac.compare_digest(signature(token, candidate, fields).encode(), given.encode())
    return matches


def _with_and_without_port(url: str) -> list[str]:
    parts = urlsplit(url)
    host, _, port = parts.netloc.rpartition(":")
    if not port.isdigit():  # none given; the colons of an IPv6 address stand in brackets
        host, port = parts.netloc, "443" if parts.scheme in ("https", "wss") else "80"
    return [url, *(urlunsplit(parts._replace(netloc=netloc)) for netloc in (host, f"{host}:{port}"))]


# --- the HTTP half: TwiML


def answer(
    *,
    stream_url: str,
    parameters: Mapping[str, str],
    status_url: str,
    action_url: str,
    fallback: str,
    language: str = "",
) -> str:
    """TwiML that connects the call to our media socket. `fallback` is spoken, in `language`, when the stream cannot be opened."""
    named = "".join(f"<Parameter name={_quoted(name)} value={_quoted(value)}/>" for name, value in parameters.items())
    return _response(
        f'<Connect action={_quoted(action_url)} method="POST">'
        f'<Stream url={_quoted(stream_url)} statusCallback={_quoted(status_url)} statusCallbackMethod="POST">'
        f"{named}</Stream></Connect>{_say(fallback, language)}<Hangup/>"
    )


def say_and_hang_up(text: str, language: str = "") -> str:
    """TwiML that speaks a sentence and ends the call. `language`: such as de-DE; empty: as the account is set, English."""
    return _response(f"{_say(text, language)}<Hangup/>")


def hang_up() -> str:
    """TwiML that ends the call."""
    return _response("<Hangup/>")


def _say(text: str, language: str) -> str:
    named = f" language={_quoted(language)}" if language else ""
    return f"<Say{named}>{escape(_NOT_XML.sub('', text))}</Say>"


def _quoted(text: str) -> str:
    return quoteattr(_NOT_XML.sub("", text))


def _response(verbs: str) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?><Response>{verbs}</Response>'
