"""The page that points a number at us."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from agents.models import PhoneNumber
from tests.calls.twilio_account import TOKEN, Account
from tests.people import ADMIN, person
from voiceplatform.audit import Act
from voiceplatform.models import AuditEntry

pytestmark = pytest.mark.django_db

BASE = "https://voice.example.com"


@pytest.fixture
def page(client: Client, settings: Any) -> str:
    settings.PUBLIC_BASE_URL = BASE
    settings.PUBLIC = settings.PUBLIC._replace(scheme="https", netloc="voice.example.com")
    user = person(ADMIN)
    assert user is not None
    client.force_login(user)
    number = PhoneNumber.objects.create(number="+12025550142")
    return f"/calls/numbers/{number.pk}/configure/"


def test_it_shows_what_is_set_and_sets_it(client: Client, page: str, account: Account) -> None:
    row = account.has("+12025550142")
    shown = client.get(page).content.decode()
    assert "https://demo.twilio.com/welcome/voice/" in shown and f"{BASE}/carriers/twilio/voice/" in shown
    assert row["voice_method"] == "GET"  # looking changes nothing
    answer = client.post(page, follow=True)
    assert "come to this server now" in answer.content.decode()
    assert (row["voice_url"], row["voice_method"]) == (f"{BASE}/carriers/twilio/voice/", "POST")
    [line] = AuditEntry.objects.filter(act=Act.CONFIGURED)
    assert line.about == "+12025550142"
    assert line.details["changes"] == [
        ["Voice webhook at the carrier", "https://demo.twilio.com/welcome/voice/", row["voice_url"]]
    ]
    assert "as it must be" in client.get(page).content.decode()


def problem(client: Client, page: str) -> str:
    """What the page says, looked at and asked to act; nothing must have been done."""
    told = client.get(page)
    assert client.post(page).status_code == told.status_code
    assert not AuditEntry.objects.filter(act=Act.CONFIGURED).exists()
    return str(told.content.decode())


def test_a_number_that_the_account_has_not(client: Client, page: str, account: Account) -> None:
    assert "The account has no number +12025550142" in problem(client, page)


def test_a_number_for_messages_only(client: Client, page: str, account: Account) -> None:
    account.has("+12025550142", capabilities={"voice": False, "sms": True})
    assert "takes no calls" in problem(client, page)


def test_an_address_that_the_carrier_cannot_reach(client: Client, page: str, account: Account, settings: Any) -> None:
    account.has("+12025550142")
    settings.PUBLIC = settings.PUBLIC._replace(netloc="127.0.0.1:8000")
    assert "The carrier cannot reach" in problem(client, page)


def test_without_credentials_it_says_which_and_how_else(client: Client, page: str, settings: Any) -> None:
    settings.TWILIO_ACCOUNT_SID = ""
    told = problem(client, page)
    assert "TWILIO_ACCOUNT_SID is not set" in told and "paste the address" in told and TOKEN not in told


def test_a_refusal_of_the_carrier_changes_nothing(client: Client, page: str, account: Account) -> None:
    account.instead = (401, b'{"code": 20003, "message": "Authenticate"}')
    assert "does not accept our credentials" in problem(client, page)
