"""When a number's hours are, and in which language a carrier says that nobody takes the call."""

from __future__ import annotations

import pytest
from django.utils import timezone

from agents import languages
from agents.models import Agent, PhoneNumber
from calls.models import Call
from tests.calls.test_webhooks import RINGING, VOICE, post, public, said, twiml, verbs

pytestmark = pytest.mark.django_db
__all__ = ["public"]  # a fixture for each of these tests


@pytest.fixture
def closed(number: PhoneNumber) -> PhoneNumber:
    """A number whose hours are a minute of yesterday."""
    number.around_the_clock, number.time_zone = False, "Europe/Vienna"
    local = timezone.now().astimezone(number.zone)
    number.hours = {str((local.weekday() - 1) % 7): [[0, 1]]}
    number.save()
    return number


def test_outside_its_hours_a_number_says_its_sentence_in_its_language(closed: PhoneNumber) -> None:
    PhoneNumber.objects.update(otherwise="Wir haben geschlossen & schlafen.", language="de-DE")
    response = post(VOICE, RINGING)
    assert verbs(response) == ["Say", "Hangup"] and said(response) == "Wir haben geschlossen & schlafen."
    assert twiml(response)[0].attrib == {"language": "de-DE"}
    call = Call.objects.get()
    assert (call.status, call.end_reason, call.number) == (Call.Status.REFUSED, "outside its hours", closed)


def test_within_its_hours_it_is_put_through(closed: PhoneNumber) -> None:
    local = timezone.now().astimezone(closed.zone)
    PhoneNumber.objects.update(hours={str(local.weekday()): [[0, 1440]]})
    assert verbs(post(VOICE, RINGING))[0] == "Connect"


@pytest.mark.parametrize(
    ("own", "of_agent", "spoken"),
    [("", "", "en-US"), ("", "de", "de-DE"), ("fr-CA", "de", "fr-CA"), ("", "xx", "en-US"), ("", "pt", "pt-PT")],
)
def test_the_carrier_speaks_the_numbers_language_else_the_agents(
    number: PhoneNumber, own: str, of_agent: str, spoken: str
) -> None:
    PhoneNumber.objects.update(language=own, active=False)
    Agent.objects.update(language=of_agent)
    response = post(VOICE, RINGING)
    assert twiml(response)[0].get("language") == spoken
    assert said(response) == languages.CLOSED[spoken[:2]]
