"""A number is pointed at us through the carrier's REST API: against a stand-in that the carrier's SDK takes for the real one."""

from __future__ import annotations

from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client as TwilioSdk

from calls import carrier_api
from calls.carrier_api import CarrierApi, NoCredentials
from calls.carriers.base import CarrierRefused
from tests.calls.twilio_account import ACCOUNT, KEY, NUMBER_ID, SECRET, TOKEN, Account

NUMBER = "+12025550142"
WEBHOOK = "https://voice.example.com/carriers/twilio/voice/"


TWILIO = CarrierApi("twilio")


# --- the stand-in is what the SDK expects of Twilio


class Elsewhere(TwilioHttpClient):
    """The SDK's own client, which sends to another address what it would send to api.twilio.com."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    def request(self, method: str, url: str, **kwargs: Any) -> Any:
        return super().request(method, url.replace("https://api.twilio.com", self._url), **kwargs)


def sdk(account: Account, secret: str = TOKEN) -> TwilioSdk:
    return TwilioSdk(ACCOUNT, secret, http_client=Elsewhere(account.url))


def test_the_sdk_finds_and_points_a_number_of_the_stand_in(account: Account) -> None:
    account.has(NUMBER, trunk_sid="TK1")
    [found] = sdk(account).incoming_phone_numbers.list(phone_number=NUMBER, limit=1)
    assert (found.sid, found.voice_url, found.trunk_sid) == (NUMBER_ID, "https://demo.twilio.com/welcome/voice/", "TK1")
    changed = found.update(voice_url=WEBHOOK, voice_method="POST", trunk_sid="")
    assert (changed.voice_url, changed.voice_method, changed.trunk_sid) == (WEBHOOK, "POST", None)


def test_the_sdk_reads_the_stand_ins_refusals(account: Account) -> None:
    with pytest.raises(TwilioRestException) as refused:
        sdk(account, "wrong").incoming_phone_numbers(NUMBER_ID).fetch()
    assert (refused.value.status, refused.value.code) == (401, 20003)


def test_we_send_what_the_sdk_sends(account: Account) -> None:
    account.has(NUMBER)
    [found] = sdk(account).incoming_phone_numbers.list(phone_number=NUMBER, limit=1)
    found.update(voice_url=WEBHOOK, voice_method="POST")
    theirs, account.asked = account.asked, []
    held = TWILIO.find(NUMBER)
    assert held is not None
    TWILIO.point(held, WEBHOOK)
    # The SDK asks for pages of a size of its own.
    theirs = [(method, path, {n: v for n, v in form.items() if n != "PageSize"}) for method, path, form in theirs]
    assert account.asked == theirs


# --- ours


def test_a_number_is_found_and_pointed_at_us(account: Account) -> None:
    account.has(NUMBER)
    held = TWILIO.find(NUMBER)
    assert held is not None and not held.calls(WEBHOOK) and held.takes_calls
    now = TWILIO.point(held, WEBHOOK)
    assert now.calls(WEBHOOK)
    again = TWILIO.find(NUMBER)
    assert again is not None and again.calls(WEBHOOK)


@pytest.mark.parametrize("field", ["voice_application_sid", "trunk_sid"])
def test_what_goes_before_our_address_is_taken_off(account: Account, field: str) -> None:
    row = account.has(NUMBER, **{field: "XX1", "voice_url": WEBHOOK, "voice_method": "POST"})
    held = TWILIO.find(NUMBER)
    assert held is not None and not held.calls(WEBHOOK)
    assert TWILIO.point(held, WEBHOOK).calls(WEBHOOK) and row[field] is None


def test_a_number_that_only_looks_like_it_is_another(account: Account) -> None:
    account.has(NUMBER + "1")
    assert TWILIO.find(NUMBER) is None


def test_an_api_key_goes_before_the_auth_token(account: Account, settings: Any) -> None:
    settings.TWILIO_AUTH_TOKEN, settings.TWILIO_API_KEY, settings.TWILIO_API_SECRET = "wrong", KEY, SECRET
    account.has(NUMBER)
    assert TWILIO.find(NUMBER) is not None


def test_both_tokens_of_a_rotation_are_tried(account: Account, settings: Any) -> None:
    settings.TWILIO_AUTH_TOKEN = f"new-one, {TOKEN}"
    account.has(NUMBER)
    assert TWILIO.find(NUMBER) is not None and len(account.asked) == 2


def test_without_an_account_nobody_is_asked(account: Account, settings: Any) -> None:
    settings.TWILIO_ACCOUNT_SID = ""
    with pytest.raises(NoCredentials, match="TWILIO_ACCOUNT_SID is not set"):
        TWILIO.find(NUMBER)
    with pytest.raises(NoCredentials, match="cannot be configured from here"):
        CarrierApi("browser").find(NUMBER)
    assert not account.asked


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (401, b'{"code": 20003, "message": "Authenticate"}', "does not accept our credentials.*“Authenticate”.*20003"),
        (403, b"{}", "may not do this"),
        (404, b'{"code": 20404}', "does not know this account"),
        (429, b"", "asks for a pause"),
        (400, b'{"code": 21402, "message": "Url is not a valid url"}', "did not do it.*Url is not a valid url.*21402"),
        (503, b"<html>", "trouble of its own .answer 503"),
        (200, b"<html>", "cannot be read"),
        (200, b"[]", "cannot be read"),
        (200, b'{"incoming_phone_numbers": {}}', "cannot be read"),
        (200, b'{"incoming_phone_numbers": [{"phone_number": "+12025550142"}]}', "cannot be read"),
        (302, b"", "did not do it"),
    ],
)
def test_refusals_are_told_in_plain_words(account: Account, status: int, body: bytes, says: str) -> None:
    account.instead = (status, body)
    with pytest.raises(CarrierRefused, match=says) as refused:
        TWILIO.find(NUMBER)
    assert TOKEN not in str(refused.value)


def test_a_carrier_that_is_away_is_told_too(account: Account, settings: Any) -> None:
    account.close()
    with pytest.raises(CarrierRefused, match="cannot be reached"):
        TWILIO.find(NUMBER)


def test_a_carrier_that_does_not_answer_is_not_waited_for_long(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(carrier_api, "WAIT_S", 0.2)
    monkeypatch.setattr(account, "answer", lambda request: account.silent.wait(5))
    with pytest.raises(CarrierRefused, match="did not answer"):
        TWILIO.find(NUMBER)


def test_credentials_are_not_shown_by_what_holds_them(account: Account) -> None:
    assert TOKEN not in repr(carrier_api.twilio())
