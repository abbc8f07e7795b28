"""What a call's record becomes in the database, in whatever order it arrives."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.models import Agent, PhoneNumber
from calls import services
from calls.conversation import facts
from calls.models import Call, Refusal, Turn

pytestmark = pytest.mark.django_db


def ring(number: PhoneNumber, sid: str = "CA1") -> Call:
    return services.ring(
        carrier="twilio", carrier_call_id=sid, account_id="AC1", caller="+1202", called=number.number, number=number
    )


def claim(call: Call) -> Call:
    claimed = services.claim_stream(call_id=call.pk, carrier_call_id=call.carrier_call_id)
    assert claimed is not None
    return claimed


def line(seq: int, kind: str, at_ms: int = 0, **data: Any) -> dict[str, Any]:
    return {"seq": seq, "at_ms": at_ms, "kind": kind, "data": data}


AGENT = {"reply_id": "r1", "item_id": "a1", "started_ms": 400, "ended_ms": 1800, "heard_ms": 1400, "generated_ms": 9000}
REFUSED = {
    "because": "too_short",
    "reasons": [{"evidence": "speech_ms", "value": 280, "threshold": 550}],
    "kept": False,
    "held": True,
    "speech_ms": 280,
    "minimum_ms": 550,
    "resumed_at_ms": 700,
}
LINES = [
    line(1, facts.CALL_STARTED, 0, agent="Front desk"),
    line(2, facts.CALLER_WORDS, 900, item_id="u1", text="I lost my card"),
    line(3, facts.CALLER_TURN, 1000, item_id="u1", started_ms=100, ended_ms=900),
    line(4, facts.INTERRUPTION_CLEARED, 1801, number=1, clear_ms=0.8),
    line(
        5,
        facts.INTERRUPTION,
        1800,
        number=1,
        phase="generating",
        mode="full",
        reply_id="r1",
        item_id="a1",
        heard_ms=1400,
        generated_ms=9000,
        heard_text="Good day",
        unheard_text="how are you",
        cleared_ms=7600,
        cleared_chunks=30,
        steps=["clear", "cancel"],
        because="speech",
        reasons=[{"evidence": "speech_ms", "value": 580, "threshold": 550}],
        speech_item_id="u1",
    ),
    line(6, facts.AGENT_TURN, 1800, **AGENT, text="Good day", heard_text="Good", unheard_text="day", interruption=1),
    line(
        7,
        facts.AGENT_TURN,
        1900,
        **AGENT,
        text="Good day how",
        heard_text="Good",
        unheard_text="day how",
        interruption=1,
    ),
    line(8, facts.INTERRUPTION_SETTLED, 2000, number=1, late_frames=38, late_ms=750),
    line(9, facts.RECORDING, 5000, path="recordings/x.wav", duration_ms=5000, bytes=80058, peaks=[[0.1], [0.2]]),
    line(10, facts.CALL_ENDED, 5000, reason="caller hung up", failed=False, duration_ms=5000),
    line(11, facts.INTERRUPTION_REFUSED, 700, **REFUSED, item_id="u0"),
    line(12, facts.INTERRUPTION_REFUSED, 800, **REFUSED, item_id="u2"),
    line(13, facts.INTERRUPTION, 900, number=2, phase="playing", mode="full", because="words", speech_item_id="u2"),
]


def rows(call: Call) -> dict[str, Any]:
    call.refresh_from_db()
    without = ("id", "call_id")
    return {
        "call": (call.status, call.end_reason, call.duration_ms),
        "events": list(call.events.values_list("seq", "kind")),
        "turns": [{k: v for k, v in t.items() if k not in without} for t in call.turns.values()],
        "stops": [{k: v for k, v in t.items() if k not in without} for t in call.interruptions.values()],
        "refusals": [{k: v for k, v in t.items() if k not in without} for t in call.refusals.values()],
        "recording": call.recording.path,
    }


def test_a_repeated_webhook_is_the_same_call(number: PhoneNumber) -> None:
    assert ring(number) == ring(number)
    assert Call.objects.count() == 1


def test_a_stream_is_claimed_once_and_freezes_the_settings(number: PhoneNumber) -> None:
    call = ring(number)
    claimed = claim(call)
    assert claimed.status == Call.Status.LIVE
    assert claimed.settings["turn"]["threshold"] == 0.6
    assert services.claim_stream(call_id=call.pk, carrier_call_id="CA1") is None


def test_a_call_is_looked_up_by_who_speaks() -> None:
    call = Call()
    call.begin_with({"voice": "marin", "voices": [], "turn": {"revision": 7}})
    assert (call.voice, call.revision, call.last_revision) == ("marin", 7, 7)
    call.begin_with({"voice": "marin", "voices": [{"provider": "cartesia", "options": {}}, {"provider": "elevenlabs"}]})
    assert (call.voice, call.revision) == ("cartesia", 0)


@pytest.mark.parametrize("wrong", ["other call", "other id", "agent off"])
def test_a_stream_is_not_claimed_by_others(number: PhoneNumber, wrong: str) -> None:
    call = ring(number)
    if wrong == "agent off":
        Agent.objects.update(active=False)
    call_id = uuid4() if wrong == "other call" else call.pk
    sid = "CA2" if wrong == "other id" else "CA1"
    assert services.claim_stream(call_id=call_id, carrier_call_id=sid) is None


def test_a_record_becomes_turns_interruptions_and_an_outcome(number: PhoneNumber) -> None:
    call = claim(ring(number))
    assert services.apply_events(call_id=call.pk, lines=LINES) == len(LINES)
    caller, agent = call.turns.all()
    assert (caller.side, caller.text) == (Turn.Side.CALLER, "I lost my card")
    assert (agent.heard_text, agent.unheard_text, agent.interruption) == ("Good", "day how", 1)
    stop = call.interruptions.get(number=1)
    assert (stop.heard_ms, stop.clear_ms, stop.late_frames, stop.steps) == (1400, 0.8, 38, ["clear", "cancel"])
    assert (stop.because, stop.reasons[0]["value"], stop.speech_item_id) == ("speech", 580, "u1")
    assert rows(call)["call"] == ("ended", "caller hung up", 5000)
    assert Call.objects.interrupted().get() == call
    assert not Call.objects.uninterrupted().exists()


def test_a_sound_that_did_not_stop_the_agent_is_a_row_with_its_reasons(number: PhoneNumber) -> None:
    call = claim(ring(number))
    services.apply_events(call_id=call.pk, lines=LINES)
    first, second = call.refusals.all()
    assert (first.at_ms, first.because, first.held, first.kept, first.interruption) == (
        700,
        "too_short",
        True,
        False,
        0,
    )
    assert (first.speech_ms, first.minimum_ms, first.reasons) == (280, 550, REFUSED["reasons"])
    assert (second.item_id, second.interruption) == ("u2", 2)  # the same speech stopped the agent after all
    assert list(Refusal.objects.false_stops()) == [first]
    assert Call.objects.stopped_for_nothing().get() == Call.objects.went_on().get() == call


def test_a_refusal_of_the_first_records_has_no_reasons(number: PhoneNumber) -> None:
    call = claim(ring(number))
    old = line(1, facts.INTERRUPTION_REFUSED, 5, item_id="u1", speech_ms=280, minimum_ms=400)
    services.apply_events(call_id=call.pk, lines=[old])
    row = call.refusals.get()
    assert (row.because, row.reasons, row.held, row.speech_ms) == ("", [], False, 280)


def test_twice_delivered_is_once_stored(number: PhoneNumber) -> None:
    call = claim(ring(number))
    services.apply_events(call_id=call.pk, lines=LINES)
    before = rows(call)
    assert services.apply_events(call_id=call.pk, lines=LINES) == 0
    assert rows(call) == before


@pytest.fixture
def expected(number: PhoneNumber) -> Iterator[tuple[PhoneNumber, dict[str, Any]]]:
    call = claim(ring(number, "CA-once"))
    services.apply_events(call_id=call.pk, lines=LINES)
    yield number, rows(call)


# Each example rings a call of its own, so the shared number is no state between them.
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(order=st.permutations(LINES), cuts=st.lists(st.integers(1, 9), max_size=3), again=st.integers(0, 9))
def test_the_order_of_arrival_does_not_matter(
    expected: tuple[PhoneNumber, dict[str, Any]], order: list, cuts: list[int], again: int
) -> None:
    number, whole = expected
    call = claim(ring(number, f"CA-{uuid4()}"[:60]))
    edges = [0, *sorted(cuts), len(order)]
    for begin, end in pairwise(edges):
        services.apply_events(call_id=call.pk, lines=order[begin:end])
    services.apply_events(call_id=call.pk, lines=order[:again])
    assert rows(call) == whole


def test_one_damaged_line_does_not_take_its_batch_with_it(
    number: PhoneNumber, caplog: pytest.LogCaptureFixture
) -> None:
    call = claim(ring(number))
    damaged = [
        {"seq": "x"},
        {"kind": "turn"},
        line(1, facts.CALLER_KEY, digit="5"),
        line(2, facts.AGENT_TURN, text=None),
    ]
    assert services.apply_events(call_id=call.pk, lines=damaged) == 2
    assert "left out" in caplog.text


@pytest.mark.parametrize(
    "damaged",
    [
        line(1, facts.CALLER_WORDS, item_id="u1", text="nul \0 here"),
        line(1, facts.INTERRUPTION, number=1, steps=7),
        line(1, facts.INTERRUPTION_REFUSED, item_id=["u1"], because={"a": 1}, reasons="private", held="yes"),
        line(1, facts.AGENT_TURN, item_id="a1", started_ms=10**30, text="private"),
        line(1, facts.CALLER_KEY, at_ms=10**30, digit="\0"),
    ],
    ids=["nul", "steps", "refusal", "number", "time"],
)
def test_data_of_another_form_is_stored_and_stops_no_other_row(
    number: PhoneNumber, damaged: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    call = claim(ring(number))
    lines = [damaged, line(2, facts.CALL_ENDED, 10, reason="caller hung up", failed=False, duration_ms=10)]
    assert services.apply_events(call_id=call.pk, lines=lines) == 2
    assert rows_of(call) == ("ended", "caller hung up")
    assert "\0" not in str(call.events.get(seq=1).data)
    assert "private" not in caplog.text


def rows_of(call: Call) -> tuple[str, str]:
    call.refresh_from_db()
    return call.status, call.end_reason


@pytest.mark.parametrize("seq", [0, -1, 10**30])
def test_a_number_that_no_row_can_have_is_left_out(number: PhoneNumber, seq: int) -> None:
    call = claim(ring(number))
    assert services.apply_events(call_id=call.pk, lines=[line(seq, facts.CALLER_KEY), line(1, facts.CALLER_KEY)]) == 1


def test_lines_of_an_unknown_call_are_left_to_the_spool() -> None:
    assert services.apply_events(call_id=uuid4(), lines=LINES) == 0


def test_a_call_that_never_connected_is_over_after_a_while(number: PhoneNumber) -> None:
    call, young = ring(number, "CA1"), ring(number, "CA2")
    Call.objects.filter(pk=call.pk).update(rang_at=timezone.now() - timedelta(minutes=6))
    assert services.end_unanswered_calls() == 1
    call.refresh_from_db()
    young.refresh_from_db()
    assert (call.status, young.status) == (Call.Status.ENDED, Call.Status.RINGING)


def test_a_call_whose_process_left_no_trace_is_over_after_a_while(number: PhoneNumber) -> None:
    lost, recorded = claim(ring(number, "CA1")), claim(ring(number, "CA2"))
    Call.objects.update(started_at=timezone.now() - timedelta(minutes=16))
    services.apply_events(call_id=recorded.pk, lines=LINES[:1])
    assert services.end_unanswered_calls() == 1
    lost.refresh_from_db()
    recorded.refresh_from_db()
    assert (lost.status, lost.end_reason, recorded.status) == (Call.Status.FAILED, "server stopped", Call.Status.LIVE)


def test_a_failure_is_known_at_once(number: PhoneNumber) -> None:
    call = claim(ring(number))
    services.note_failure(call_id=call.pk, reason="model unreachable")
    call.refresh_from_db()
    assert (call.status, call.end_reason) == (Call.Status.FAILED, "model unreachable")
