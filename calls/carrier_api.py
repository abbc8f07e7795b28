"""Sends what a carrier's dialect asks of its REST API, with the credentials of the environment."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import httpx
from django.conf import settings

from calls.carriers.base import CarrierRefused, Held, RestRequest
from calls.carriers.twilio_rest import TwilioRest

logger = logging.getLogger("calls")

WAIT_S = 10.0
"""A person waits for the page."""


class NoCredentials(CarrierRefused):
    """Nothing is set by which we could ask the carrier."""


def twilio() -> list[TwilioRest]:
    """The account's API, once for each credential that may be good: an API key, else each auth token of a rotation."""
    account = settings.TWILIO_ACCOUNT_SID
    if not account:
        raise NoCredentials(
            "TWILIO_ACCOUNT_SID is not set. With it, and TWILIO_AUTH_TOKEN or an API key, this page can do it for you."
        )
    if settings.TWILIO_API_KEY and settings.TWILIO_API_SECRET:
        return [TwilioRest(account, settings.TWILIO_API_KEY, settings.TWILIO_API_SECRET)]
    tokens = [token.strip() for token in settings.TWILIO_AUTH_TOKEN.split(",") if token.strip()]
    return [TwilioRest(account, account, token) for token in tokens]


APIS = {"twilio": (twilio, lambda: settings.TWILIO_API_URL)}
"""Carrier -> how its API is asked, and where it is."""


@dataclass(frozen=True, slots=True)
class CarrierApi:
    """A carrier's API as far as we use it. Every method raises CarrierRefused, with words for a person."""

    carrier: str

    def find(self, number: str) -> Held | None:
        """The number as the carrier has it; None when the account has no such number."""
        api, (status, body) = self._ask(lambda api: api.find(number))
        return api.held(number, status, body)

    def point(self, held: Held, voice_url: str) -> Held:
        """Have calls to a number asked for at our webhook. The number as it is then."""
        api, (status, body) = self._ask(lambda api: api.point(held, voice_url))
        return api.pointed(status, body)

    def _ask(self, request: object) -> tuple[TwilioRest, tuple[int, bytes]]:
        if self.carrier not in APIS:
            raise NoCredentials("This carrier cannot be configured from here. Paste the address at the carrier.")
        make, where = APIS[self.carrier]
        answer = None
        for api in make():
            answer = api, _send(api, request(api), where())
            if answer[1][0] != 401:
                break
        if answer is None:
            raise NoCredentials("TWILIO_AUTH_TOKEN is empty.")
        return answer


def _send(api: TwilioRest, request: RestRequest, base_url: str) -> tuple[int, bytes]:
    try:
        with httpx.Client(base_url=base_url, auth=(api.user, api.secret), timeout=WAIT_S, trust_env=False) as client:
            answer = client.request(
                request.method, request.path, params=request.query or None, data=request.form or None
            )
            return answer.status_code, answer.content
    except httpx.TimeoutException:
        raise CarrierRefused(f"{api.label} did not answer within {WAIT_S:.0f} s. Try again.") from None
    except httpx.HTTPError as error:
        logger.warning("%s cannot be reached (%s)", api.label, type(error).__name__)
        raise CarrierRefused(f"{api.label} cannot be reached at {base_url}. Is this server allowed out?") from None
