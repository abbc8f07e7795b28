"""What reviewers say of moments: kept once, with who and when, and taken back by who said it."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied, ValidationError

from agents.models import Agent, PhoneNumber
from calls import services
from calls.conversation import facts
from calls.models import Call, Label
from tests.calls.test_services import claim, line, ring

pytestmark = pytest.mark.django_db


@pytest.fixture
def call() -> Call:
    agent = Agent.objects.create(name="Front desk", instructions="Help.")
    made = claim(ring(PhoneNumber.objects.create(number="+12025550142", agent=agent)))
    made.revision = 4
    made.save()
    services.apply_events(call_id=made.pk, lines=[line(3, facts.SETTINGS_APPLIED, 2000, revision=5, ticket="t")])
    return made


@pytest.fixture
def ada() -> User:
    return User.objects.create_user("ada")


def count(call: Call) -> int:
    return Call.objects.get(pk=call.pk).label_count


def test_a_label_keeps_who_when_and_the_revision_in_force(call: Call, ada: User) -> None:
    made = services.label(call=call, by=ada, kind="not_stop", at_ms=2100, about="interruption", ref="1")
    assert (made.author, made.author_name, made.revision) == (ada, "ada", 5)
    assert made.made_at is not None
    assert services.label(call=call, by=ada, kind="late", at_ms=1999).revision == 4
    assert count(call) == 2
    ada.delete()
    assert Label.objects.get(pk=made.pk).author_name == "ada"


def test_saying_it_twice_says_it_once_and_two_people_are_two(call: Call, ada: User) -> None:
    said: dict[str, Any] = {"call": call, "kind": "stop", "at_ms": 500, "about": "refusal", "ref": "7"}
    assert services.label(by=ada, **said) == services.label(by=ada, **said)
    services.label(by=User.objects.create_user("bob"), **said)
    services.label(by=ada, **{**said, "ref": "8"})
    assert count(call) == 3
    for words in ("one", "two"):
        services.label(call=call, by=ada, kind="note", at_ms=500, text=words)
    assert count(call) == 5


def test_only_its_author_removes_it(call: Call, ada: User) -> None:
    made = services.label(call=call, by=ada, kind="early", at_ms=500)
    with pytest.raises(PermissionDenied):
        services.remove_label(label=made, by=User.objects.create_superuser("root"))
    assert count(call) == 1
    services.remove_label(label=made, by=ada)
    assert count(call) == 0


WRONG = [
    {"kind": "maybe"},
    {"kind": "note", "text": "  "},
    {"text": "x" * 1001},
    {"about": "interruption"},
    {"about": "moment", "ref": "3"},
    {"about": "weather", "ref": "3"},
]


@pytest.mark.parametrize("wrong", WRONG)
def test_what_says_nothing_is_refused(call: Call, ada: User, wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        services.label(**{"call": call, "by": ada, "kind": "stop", "at_ms": 1, **wrong})
    assert count(call) == 0


def test_they_are_counted_for_a_dashboard(call: Call, ada: User) -> None:
    for kind, at_ms in (("stop", 1), ("stop", 2), ("not_stop", 3000), ("note", 4)):
        services.label(call=call, by=ada, kind=kind, at_ms=at_ms, text="x")
    assert Label.objects.counts() == {"stop": 2, "not_stop": 1, "early": 0, "late": 0, "note": 1}
    assert Label.objects.filter(call__agent=call.agent).verdicts().count() == 3
    assert Label.objects.missed_stops().count() == 2
    assert Label.objects.wrong_stops().of_revision(5).count() == 1
    assert Label.objects.of_revision(5).counts()["stop"] == 0
