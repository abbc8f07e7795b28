"""What the list shows of a call follows from its record, in whatever order that arrives. Also run on PostgreSQL."""

from __future__ import annotations

import random

import pytest

from agents.models import Agent, PhoneNumber
from calls import search, services
from calls.conversation import facts
from calls.models import Call, Transcript
from tests.calls.test_services import LINES, claim, line, ring

pytestmark = pytest.mark.django_db

MORE = [
    line(20, facts.REPLY_STARTED, 1000, reply_id="r0", delay_ms=None),
    line(21, facts.REPLY_STARTED, 1300, reply_id="r1", delay_ms=9),
    line(22, facts.REPLY_STARTED, 1800, reply_id="r2", delay_ms=9),
    line(23, facts.REPLY_STARTED, 1400, reply_id="r3", delay_ms=9),
    line(30, facts.SETTINGS_APPLIED, 1500, revision=12, ticket="t1", differences=[]),
    line(31, facts.INTERRUPTION, 1700, number=9, phase="asked", mode="full"),
]
RECORD = [*LINES, *MORE]


@pytest.fixture
def call(db: None) -> Call:
    agent = Agent.objects.create(name="Front desk", instructions="Help.", voice="cedar")
    return claim(ring(PhoneNumber.objects.create(number="+12025550142", agent=agent)))


def summary(call: Call) -> dict[str, object]:
    call.refresh_from_db()
    names = ("turn_count", "interruption_count", "refusal_count", "false_stop_count", "delay_ms", "first_words")
    return {
        **{name: getattr(call, name) for name in (*names, "voice", "revision", "last_revision")},
        "text": Transcript.objects.get(call=call).text,
    }


def test_a_call_is_summed_up(call: Call) -> None:
    services.apply_events(call_id=call.pk, lines=RECORD)
    assert summary(call) == {
        "turn_count": 2,
        "interruption_count": 2,  # and not the one before the agent had begun
        "refusal_count": 1,  # one of two became an interruption
        "false_stop_count": 1,
        "delay_ms": 500,  # since the caller's last sound
        "first_words": "I lost my card",
        "voice": "cedar",
        "revision": call.settings["turn"]["revision"],
        "last_revision": 12,
        "text": " i lost my card \n good day how ",
    }


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_arrival_makes_no_difference(call: Call, seed: int) -> None:
    services.apply_events(call_id=call.pk, lines=RECORD)
    expected = summary(call)
    Call.objects.filter(pk=call.pk).update(turn_count=99, delay_ms=1, first_words="x", last_revision=0)
    for table in (call.events, call.turns, call.interruptions, call.refusals, Transcript.objects.filter(call=call)):
        table.all().delete()
    shuffled = random.Random(seed).sample(RECORD, len(RECORD))
    for n in range(0, len(shuffled), 3):
        services.apply_events(call_id=call.pk, lines=shuffled[n : n + 3])
    assert summary(call) == expected


def test_words_of_the_agent_stand_for_a_caller_without_words(call: Call) -> None:
    services.apply_events(call_id=call.pk, lines=[entry for entry in RECORD if entry["kind"] != facts.CALLER_WORDS])
    call.refresh_from_db()
    assert call.first_words == "Good day how"


def test_a_call_without_words_has_no_transcript(call: Call) -> None:
    services.apply_events(call_id=call.pk, lines=[line(1, facts.CALLER_TURN, 9, item_id="u", started_ms=1, ended_ms=2)])
    call.refresh_from_db()
    assert (call.turn_count, call.first_words) == (1, "")
    assert not Transcript.objects.exists()


def test_words_that_became_known_later_are_found(call: Call) -> None:
    services.apply_events(call_id=call.pk, lines=[entry for entry in LINES if entry["seq"] != 2])
    assert not Call.objects.said(search.terms("card")).exists()
    services.apply_events(call_id=call.pk, lines=[LINES[1]])
    assert Call.objects.said(search.terms("card")).get() == call


def test_what_cannot_be_summed_up_costs_the_summary_only(call: Call) -> None:
    wrong = [line(5, facts.REPLY_STARTED, 1, delay_ms="soon"), line(6, facts.SETTINGS_APPLIED, 1, revision=[1])]
    assert services.apply_events(call_id=call.pk, lines=[*wrong, LINES[1], LINES[2]]) == 4
    call.refresh_from_db()
    assert (call.first_words, call.delay_ms) == ("I lost my card", None)
