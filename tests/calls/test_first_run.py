"""The guide for the first minutes: ticked off by what is there."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest

from agents.models import Agent, PhoneNumber
from calls.first_run import guide
from calls.models import Call

pytestmark = pytest.mark.django_db


def shown(user: Any = None) -> Any:
    request = HttpRequest()
    request.user = user or User.objects.get_or_create(username="root", is_superuser=True)[0]
    return guide(request)


def test_each_step_is_ticked_off_by_what_is_there() -> None:
    first = shown()
    assert [step.done for step in first["steps"]] == [False, False, False]
    assert (first["next"], first["steps"][0].link) == (0, "/admin/agents/agent/add/")
    agent = Agent.objects.create(name="Front desk", instructions="Help.")
    assert shown()["next"] == 1
    PhoneNumber.objects.create(number="+12025550142", agent=agent)
    third = shown()
    assert third["next"] == 2
    assert "place_call --to +12025550142" in third["steps"][2].command
    Call.objects.create(carrier="twilio", carrier_call_id="CA1", duration_ms=1200, status="ended")
    assert shown() is None


def test_a_number_without_an_agent_that_answers_is_no_number_yet() -> None:
    agent = Agent.objects.create(name="Front desk", instructions="Help.", active=False)
    PhoneNumber.objects.create(number="+12025550142", agent=agent)
    assert [step.done for step in shown()["steps"]] == [False, False, False]


def test_a_call_that_never_had_sound_ticks_nothing_off() -> None:
    Call.objects.create(carrier="twilio", carrier_call_id="CA1", status="refused")
    assert shown()["done"] == 0


def test_who_may_not_make_an_agent_is_not_sent_there() -> None:
    assert [step.link for step in shown(AnonymousUser())["steps"]] == ["", "", ""]
