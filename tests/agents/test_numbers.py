"""Numbers and their page: who answers when, what is heard otherwise, and what is shown of the carrier's side."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone

from agents import languages
from agents.models import Agent, PhoneNumber, SignatureCheck
from agents.numbers import own_time_zone
from tests.people import ADMIN, REVIEWER, person

pytestmark = pytest.mark.django_db

WINTER = datetime(2026, 11, 23, 7, 30, tzinfo=UTC)  # Monday, 08:30 in Vienna
SUMMER = datetime(2026, 6, 22, 7, 30, tzinfo=UTC)  # Monday, 09:30 in Vienna


@pytest.fixture
def number() -> PhoneNumber:
    agent = Agent.objects.create(name="Front desk", instructions="Help.")
    return PhoneNumber.objects.create(number="+12025550142", agent=agent)


@pytest.fixture
def admin(client: Client) -> Client:
    user = person(ADMIN)
    assert user is not None
    client.force_login(user)
    return client


def filled(number: PhoneNumber, **more: str) -> dict[str, str]:
    """What the number's page sends."""
    agent = str(number.agent_id)
    base = {"number": number.number, "carrier": "twilio", "agent": agent, "active": "on", "time_zone": "Europe/Vienna"}
    return base | more


def save(client: Client, number: PhoneNumber, **more: str) -> Any:
    answer = client.post(f"/admin/agents/phonenumber/{number.pk}/change/", filled(number, **more))
    number.refresh_from_db()
    return answer


# --- hours


def test_hours_are_of_the_numbers_own_clock(number: PhoneNumber) -> None:
    number.around_the_clock, number.time_zone, number.hours = False, "Europe/Vienna", {"0": [[540, 600]]}
    assert not number.is_open(WINTER) and number.is_open(SUMMER)
    assert number.why_not(WINTER) == "outside its hours" and number.why_not(SUMMER) == ""


def test_a_new_number_is_answered_around_the_clock_by_the_servers_clock(number: PhoneNumber) -> None:
    assert number.is_open(WINTER) and number.time_zone == own_time_zone() == "UTC"
    number.full_clean()


def test_a_time_zone_that_is_gone_is_taken_for_utc(number: PhoneNumber) -> None:
    number.time_zone, number.around_the_clock, number.hours = "Mars/Olympus", False, {"0": [[420, 480]]}
    assert number.is_open(WINTER)


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"number": "hello"}, "number", "no telephone number"),
        ({"number": "+1202555"}, "number", "too long or too short"),
        ({"time_zone": "Vienna"}, "time_zone", "no such time zone"),
        ({"around_the_clock": False}, "around_the_clock", "nobody is ever put through"),
        ({"language": "xx-XX"}, "language", "does not speak"),
        ({"language": "pl-PL"}, "otherwise", "we have none in Polish"),
        ({"carrier": "pigeons"}, "carrier", "do not know this carrier"),
    ],
)
def test_what_would_not_work_is_refused(number: PhoneNumber, changes: dict[str, Any], field: str, says: str) -> None:
    for name, value in changes.items():
        setattr(number, name, value)
    with pytest.raises(ValidationError) as refused:
        number.full_clean()
    assert says in str(refused.value.message_dict[field])


def test_a_number_is_stored_as_e164(number: PhoneNumber) -> None:
    number.number = "+43 (1) 514-44 0"
    number.full_clean()
    assert number.number == "+431514440"


# --- words


def test_the_sentences_are_there_in_every_language_that_has_one() -> None:
    assert set(languages.CLOSED) == set(languages.APOLOGY)
    assert all(languages.full(letters) in languages.SPOKEN for letters in languages.CLOSED)
    assert all(len(text) < 400 for said in (languages.CLOSED, languages.APOLOGY) for text in said.values())


def test_an_own_sentence_is_said_in_the_numbers_language(number: PhoneNumber) -> None:
    number.language, number.otherwise = "pl-PL", "Zadzwoń później."
    number.full_clean()
    assert number.said_otherwise() == ("Zadzwoń później.", "pl-PL")
    assert number.apology() == (languages.APOLOGY["en"], "en-US")  # an English sentence in a Polish mouth helps nobody


# --- the page


def test_the_page_takes_hours_as_text_and_shows_them_as_understood(admin: Client, number: PhoneNumber) -> None:
    assert save(admin, number, hours_0="8-12, 13:30–18", hours_4="10pm-2am", otherwise="Bye.").status_code == 302
    assert number.hours == {"0": [[480, 720], [810, 1080]], "4": [[1320, 1560]]} and not number.around_the_clock
    assert (number.otherwise, number.time_zone) == ("Bye.", "Europe/Vienna")
    page = admin.get(f"/admin/agents/phonenumber/{number.pk}/change/").content.decode()
    assert 'value="08:00-12:00, 13:30-18:00"' in page and 'value="22:00-02:00"' in page


def test_hours_that_cannot_be_read_are_named_at_their_day(admin: Client, number: PhoneNumber) -> None:
    answer = save(admin, number, hours_2="nine to five")
    assert answer.status_code == 200 and number.hours == {}
    assert "“nine to five” is no time of opening" in answer.content.decode()
    assert list(answer.context["adminform"].form.errors) == ["hours_2"]


def test_a_new_number_begins_as_the_form_shows_it(admin: Client, number: PhoneNumber) -> None:
    assert admin.get("/admin/agents/phonenumber/add/").status_code == 200
    sent = filled(number, around_the_clock="on", time_zone="UTC") | {"number": "+1 202-555-0199"}
    assert admin.post("/admin/agents/phonenumber/add/", sent).status_code == 302
    made = PhoneNumber.objects.get(number="+12025550199")
    assert made.around_the_clock and made.hours == {}


def test_who_may_only_look_sees_the_week(number: PhoneNumber, client: Client) -> None:
    number.hours = {"0": [[480, 720]]}
    number.save()
    user = person(REVIEWER)
    assert user is not None
    client.force_login(user)
    page = client.get(f"/admin/agents/phonenumber/{number.pk}/change/").content.decode()
    assert "Monday: 08:00-12:00" in page and "Tuesday: closed" in page
    assert 'name="hours_0"' not in page


def test_the_page_says_what_a_caller_would_meet_now(admin: Client, number: PhoneNumber) -> None:
    where = f"/admin/agents/phonenumber/{number.pk}/change/"
    assert "Calls are put through to Front desk." in admin.get(where).content.decode()
    local = timezone.now().astimezone(number.zone)
    number.around_the_clock, number.hours = False, {str((local.weekday() + 2) % 7): [[480, 720]]}
    number.save()
    page = admin.get(where).content.decode()
    assert "outside its hours" in page and "at 08:00" in page
    assert "outside its hours" in admin.get("/admin/agents/phonenumber/").content.decode()


def test_the_page_shows_the_webhook_and_who_signed(admin: Client, number: PhoneNumber, settings: Any) -> None:
    settings.PUBLIC_BASE_URL = "https://voice.example.com"
    where = f"/admin/agents/phonenumber/{number.pk}/change/"
    page = admin.get(where).content.decode()
    assert "https://voice.example.com/carriers/twilio/voice/" in page and "no call yet" in page
    assert f"/calls/numbers/{number.pk}/configure/" in page
    now = timezone.now()
    kept = SignatureCheck.objects.create(number=number, refused_at=now - timedelta(hours=1), why="wrong signature")
    assert "wrong signature. Check TWILIO_AUTH_TOKEN" in admin.get(where).content.decode()
    kept.accepted_at = now
    kept.save()
    page = admin.get(where).content.decode()
    assert "correctly, at" in page and "was refused (wrong signature)" in page
