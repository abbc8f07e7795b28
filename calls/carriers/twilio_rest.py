"""Twilio's REST API as requests to send and answers to read, for what we ask of it: our numbers. Pure; calls/carrier_api.py sends.

From Twilio's documentation of the IncomingPhoneNumbers resource. Bodies are forms, answers JSON.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import orjson

from .base import CarrierRefused, Held, RestRequest

REMEDIES = {
    401: "Twilio does not accept our credentials. Check TWILIO_ACCOUNT_SID, and TWILIO_AUTH_TOKEN or TWILIO_API_KEY with "
    "TWILIO_API_SECRET.",
    403: "These credentials may not do this. A restricted API key needs the right to read and update phone numbers.",
    404: "Twilio does not know this account or number. Check TWILIO_ACCOUNT_SID.",
    429: "Twilio asks for a pause: too many requests. Try again in a minute.",
}


@dataclass(frozen=True, slots=True)
class TwilioRest:
    """Requests of one account."""

    account_id: str
    user: str = field(repr=False)
    secret: str = field(repr=False)

    label = "Twilio"

    def find(self, number: str) -> RestRequest:
        """Ask for the account's number, E.164. Twilio looks for parts too, so read with held()."""
        return RestRequest("GET", self._path("IncomingPhoneNumbers.json"), query={"PhoneNumber": number})

    def point(self, held: Held, voice_url: str) -> RestRequest:
        """Have calls to a number asked for at our webhook. What would go before it, a trunk or an application, is taken off."""
        form = {"VoiceUrl": voice_url, "VoiceMethod": "POST"}
        form |= dict.fromkeys(held.instead, "")
        return RestRequest("POST", self._path(f"IncomingPhoneNumbers/{held.id}.json"), form=form)

    def _path(self, rest: str) -> str:
        return f"/2010-04-01/Accounts/{self.account_id}/{rest}"

    def held(self, number: str, status: int, body: bytes) -> Held | None:
        """The number, from the answer to find(); None when the account does not have it. Raises CarrierRefused."""
        listed = _read(status, body).get("incoming_phone_numbers")
        if not isinstance(listed, list):
            raise CarrierRefused("Twilio's answer cannot be read.")
        return next((_held(row) for row in listed if isinstance(row, dict) and row.get("phone_number") == number), None)

    def pointed(self, status: int, body: bytes) -> Held:
        """The number as it is now, from the answer to point(). Raises CarrierRefused."""
        return _held(_read(status, body))


def _held(row: dict[str, object]) -> Held:
    sid = row.get("sid")
    if not isinstance(sid, str) or not sid:
        raise CarrierRefused("Twilio's answer cannot be read.")
    capabilities = row.get("capabilities")
    voice = not isinstance(capabilities, dict) or capabilities.get("voice", True) is not False
    fields = {"VoiceApplicationSid": "voice_application_sid", "TrunkSid": "trunk_sid"}
    return Held(
        id=sid,
        voice_url=str(row.get("voice_url") or ""),
        method=str(row.get("voice_method") or ""),
        instead=tuple(name for name, key in fields.items() if row.get(key)),
        takes_calls=voice,
    )


def _read(status: int, body: bytes) -> dict[str, object]:
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        answer = None
    if 200 <= status < 300 and isinstance(answer, dict):
        return answer
    said = answer.get("message") if isinstance(answer, dict) else None
    code = answer.get("code") if isinstance(answer, dict) else None
    if status >= 500:
        raise CarrierRefused(f"Twilio has trouble of its own (answer {status}). Try again later.")
    remedy = REMEDIES.get(status, "Twilio did not do it.")
    if isinstance(said, str) and said:
        remedy += f" It says: “{said[:200]}”{f' (error {code})' if isinstance(code, int) else ''}."
    raise CarrierRefused(remedy if status not in range(200, 300) else "Twilio's answer cannot be read.")
