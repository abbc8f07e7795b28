"""The HTTP side of a simulated phone: asks the platform's webhooks as a carrier does, and reads the TwiML they answer."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree

from calls.carriers import twilio

ANSWER_S = 15
"""A carrier waits no longer for an answer."""


class CallRefused(Exception):
    """The call did not come about; the message says why and what to look at."""


@dataclass(slots=True)
class Answer:
    """What TwiML asks for. `said` is spoken first; `fallback` only when the stream cannot be opened."""

    stream_url: str = ""
    parameters: dict[str, str] = field(default_factory=dict)
    action_url: str = ""
    status_url: str = ""
    said: list[str] = field(default_factory=list)
    fallback: list[str] = field(default_factory=list)


def parse_answer(twiml: str) -> Answer:
    """Read the TwiML that a webhook gave. Raises CallRefused when it is none."""
    try:
        response = ElementTree.fromstring(twiml)
    except ElementTree.ParseError as error:
        raise CallRefused(f"The webhook's answer is not XML ({error}).") from None
    if response.tag != "Response":
        raise CallRefused(f"The webhook's answer is not TwiML: it begins with <{response.tag}>.")
    answer = Answer()
    for verb in response:
        stream = verb.find("Stream") if verb.tag == "Connect" else None
        if stream is not None:
            answer.action_url = verb.get("action", "")
            answer.stream_url = stream.get("url", "")
            answer.status_url = stream.get("statusCallback", "")
            answer.parameters = {p.get("name", ""): p.get("value", "") for p in stream.findall("Parameter")}
        elif verb.tag == "Say":
            (answer.fallback if answer.stream_url else answer.said).append(verb.text or "")
    return answer


def post(url: str, auth_token: str, fields: dict[str, str]) -> str:
    """Ask a webhook with a signed form, and wait for its answer. Raises CallRefused."""
    signed = twilio.signature(auth_token, url, {name: [value] for name, value in fields.items()})
    try:
        request = urllib.request.Request(url, urllib.parse.urlencode(fields).encode(), {"X-Twilio-Signature": signed})
        with _opener.open(request, timeout=ANSWER_S) as response:
            return str(response.read().decode())
    except urllib.error.HTTPError as error:
        raise CallRefused(f"The webhook at {url} answered {error.code}.{_hint(error)}") from None
    except (OSError, http.client.HTTPException) as error:
        raise CallRefused(f"Nobody answers at {url} ({error}). Is `make run` running?") from None
    except ValueError as error:
        raise CallRefused(f"{url} cannot be asked: {error}") from None


def _hint(error: urllib.error.HTTPError) -> str:
    if error.code == 403:
        return " Are TWILIO_AUTH_TOKEN and PUBLIC_BASE_URL here the same as the server's?"
    if error.code in (301, 302, 307, 308):
        return f" It points to {error.headers.get('Location')}; a carrier does not follow. Call that address."
    return " See the server's log." if error.code >= 500 else ""


class _Stay(urllib.request.HTTPRedirectHandler):
    """A redirected POST would become a GET without its form, and its signature be wrong."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _Stay())
