"""What one call adds to the figures: read from its stored events, whatever their order."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.models import PhoneNumber
from calls import services
from calls.conversation import facts
from calls.figures import CallFigures
from calls.models import Call
from tests.calls.test_services import claim, line, ring

pytestmark = pytest.mark.django_db

Line = dict[str, Any]
PHRASES = {"backchannel_phrases": ["mm-hm", "yes"], "interrupt_phrases": ["stop"], "prefix_padding_ms": 300}


@pytest.fixture
def call(number: PhoneNumber) -> Call:
    made = claim(ring(number))
    made.settings["turn"] |= {**PHRASES, "revision": 7}
    made.save()
    return made


def end(duration_ms: int = 60_000) -> Line:
    return line(99, facts.CALL_ENDED, duration_ms, reason="caller hung up", failed=False, duration_ms=duration_ms)


def speech(seq: int, item: str, started_ms: int, ended_ms: int, words: str | None = None) -> list[Line]:
    """A turn of the caller; `words` None: nobody wrote them down."""
    lines = [
        line(seq, facts.CALLER_SPEAKING, started_ms + 40, item_id=item, audio_start_ms=started_ms - 300),
        line(seq + 1, facts.CALLER_TURN, ended_ms + 500, item_id=item, started_ms=started_ms, ended_ms=ended_ms),
    ]
    if words is not None:
        lines.append(line(seq + 2, facts.CALLER_WORDS, ended_ms + 700, item_id=item, text=words))
    return lines


def stop(seq: int, number: int, at_ms: int, item: str, *, phase: str = "playing", reasons: Any = ()) -> list[Line]:
    return [
        line(
            seq,
            facts.INTERRUPTION,
            at_ms,
            number=number,
            phase=phase,
            mode="full",
            speech_item_id=item,
            because="speech",
            reasons=list(reasons),
        ),
        line(seq + 1, facts.INTERRUPTION_CLEARED, at_ms + 2, number=number, clear_ms=2.0),
    ]


def refusal(seq: int, at_ms: int, item: str, *, held: bool) -> Line:
    return line(seq, facts.INTERRUPTION_REFUSED, at_ms, item_id=item, because="too_short", held=held, kept=False)


def measured(call: Call, lines: list[Line]) -> dict[int, CallFigures]:
    services.apply_events(call_id=call.pk, lines=lines)
    return {row.revision: row for row in call.figures.all()}


def test_nothing_is_counted_before_the_call_has_ended(call: Call) -> None:
    assert not measured(call, [*speech(1, "u1", 1000, 3000), *stop(4, 1, 1600, "u1")])
    (found,) = measured(call, [end()]).values()
    assert (found.revision, found.share, found.interruptions, found.stops) == (7, 1.0, 1, 1)


def test_the_time_to_silence_runs_from_the_speech_to_the_clear_on_the_wire(call: Call) -> None:
    found = measured(call, [*speech(1, "u1", 1000, 3000), *stop(4, 1, 1600, "u1"), end()])
    assert found[7].silence_ms == [602]


def test_speech_that_our_ear_had_heard_for_longer_than_the_model_counts_from_there(call: Call) -> None:
    evidence = [{"evidence": "speech_ms", "value": 620, "threshold": 560}]
    found = measured(call, [*speech(1, "u1", 1500, 3000), *stop(4, 1, 1600, "u1", reasons=evidence), end()])
    assert found[7].silence_ms == [620]


def test_a_sound_that_was_stopped_while_it_was_weighed_was_silent_from_then_on(call: Call) -> None:
    cleared = line(3, facts.INTERRUPTION_CLEARED, 1050, number=1, clear_ms=1.0)
    stopped = stop(4, 1, 1600, "u1", reasons=[{"evidence": "speech_ms", "value": 560}])[0]
    assert measured(call, [*speech(1, "u1", 1000, 3000)[:2], cleared, stopped, end()])[7].silence_ms == [50]


def test_a_stop_without_a_clear_has_no_time_to_silence(call: Call) -> None:
    found = measured(call, [*speech(1, "u1", 1000, 3000), stop(4, 1, 1600, "u1")[0], end()])
    assert found[7].interruptions == 1
    assert found[7].silence_ms == []


def test_the_response_delay_holds_the_silence_that_was_waited_for(call: Call) -> None:
    greeting = line(1, facts.REPLY_STARTED, 400, reply_id="r0", delay_ms=None)
    answer = line(9, facts.REPLY_STARTED, 3900, reply_id="r1", delay_ms=400)
    assert measured(call, [greeting, *speech(2, "u1", 1000, 3000), answer, end()])[7].delay_ms == [900]


@pytest.mark.parametrize(
    ("lasted_ms", "words", "is_false"),
    [
        (1500, "I lost my card", False),
        (1500, "", True),
        (1500, "mm-hm, yes", True),
        (200, "stop", False),
        (1500, None, False),
        (200, None, True),
    ],
)
def test_a_stop_for_no_real_turn_is_false(call: Call, lasted_ms: int, words: str | None, is_false: bool) -> None:
    lines = [*speech(1, "u1", 1000, 1000 + lasted_ms, words), *stop(4, 1, 1150, "u1"), end()]
    assert measured(call, lines)[7].false_stops == is_false


def test_a_stop_that_no_turn_came_of_is_false(call: Call) -> None:
    assert measured(call, [*stop(4, 1, 1150, ""), end()])[7].false_stops == 1


def test_a_stop_by_our_own_ear_belongs_to_the_turn_that_was_going_on(call: Call) -> None:
    found = measured(call, [*speech(1, "u1", 1000, 3000), *stop(4, 1, 1600, ""), end()])
    assert (found[7].false_stops, found[7].silence_ms) == (0, [602])


def test_a_stop_that_was_taken_back_is_false_and_no_interruption(call: Call) -> None:
    lines = [refusal(1, 1000, "u1", held=True), refusal(2, 5000, "u2", held=False), end()]
    found = measured(call, lines)[7]
    assert (found.stops, found.interruptions, found.false_stops, found.refusals) == (1, 0, 1, 2)


def test_a_reviewers_word_decides_what_was_a_false_stop(call: Call) -> None:
    lines = [*speech(1, "u1", 1000, 3000, "hello"), *stop(4, 1, 1600, "u1"), refusal(7, 5000, "u2", held=True), end()]
    assert measured(call, lines)[7].false_stops == 1
    ada = User.objects.create_user("ada")
    call.refresh_from_db()
    CallFigures.objects.update(counted=True)
    wrong = services.label(call=call, by=ada, kind="not_stop", at_ms=1600, about="interruption", ref="1")
    assert (call.figures.get().false_stops, call.figures.get().counted) == (2, False)
    services.label(call=call, by=ada, kind="stop", at_ms=5000, about="refusal", ref="7")
    assert call.figures.get().false_stops == 1
    services.label(call=call, by=ada, kind="late", at_ms=1600, about="interruption", ref="1")
    services.remove_label(label=wrong, by=ada)
    assert call.figures.get().false_stops == 0


def test_speech_before_the_answer_stops_nothing(call: Call) -> None:
    found = measured(call, [*speech(1, "u1", 1000, 3000), *stop(4, 1, 1600, "u1", phase="asked"), end()])
    assert (found[7].stops, found[7].interruptions) == (0, 0)


def test_a_change_during_the_call_parts_its_figures(call: Call) -> None:
    applied = line(20, facts.SETTINGS_APPLIED, 15_000, revision=8, ticket="t1", differences=[])
    lines = [
        *speech(1, "u1", 1000, 3000),
        *stop(4, 1, 1600, "u1"),
        applied,
        *speech(21, "u2", 20_000, 22_000),
        *stop(24, 2, 20_500, "u2"),
        end(60_000),
    ]
    found = measured(call, lines)
    assert {revision: row.share for revision, row in found.items()} == {7: 0.25, 8: 0.75}
    assert {revision: row.silence_ms for revision, row in found.items()} == {7: [602], 8: [502]}


def test_a_line_that_comes_late_is_counted_again(call: Call) -> None:
    measured(call, [*speech(1, "u1", 1000, 3000), end()])
    CallFigures.objects.update(counted=True)
    assert measured(call, [refusal(50, 30_000, "u9", held=True)])[7].counted is False
    CallFigures.objects.update(counted=True)
    unchanged = measured(call, [line(51, facts.CALLER_SPEAKING, 31_000, item_id="u10", audio_start_ms=30_900)])
    assert unchanged[7].counted is True


ALL = [
    *speech(1, "u1", 1000, 3000, "I lost my card"),
    *stop(4, 1, 1600, "u1"),
    line(6, facts.REPLY_STARTED, 3900, reply_id="r1", delay_ms=400),
    refusal(7, 5000, "u2", held=True),
    line(8, facts.SETTINGS_APPLIED, 15_000, revision=8, ticket="t1", differences=[]),
    *speech(21, "u3", 20_000, 20_100),
    *stop(24, 2, 20_050, "u3"),
    end(),
]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.permutations(ALL), st.integers(1, len(ALL)))
def test_the_order_of_the_lines_makes_no_difference(number: PhoneNumber, order: list[Line], cut: int) -> None:
    def figures(lines: list[Line], cut: int) -> list[Any]:
        Call.objects.all().delete()
        made = claim(ring(number))
        made.settings["turn"] |= {**PHRASES, "revision": 7}
        made.save()
        for batch in (lines[:cut], lines[cut:]):
            services.apply_events(call_id=made.pk, lines=batch)
        rows = made.figures.order_by("revision").filter(share__gt=0)
        return list(rows.values_list("revision", "share", "stops", "false_stops", "refusals", "silence_ms", "delay_ms"))

    assert figures(order, cut) == figures(ALL, len(ALL))
