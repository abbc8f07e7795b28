"""The figures of days: the sums of their calls, however often they are counted."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.core.management import call_command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.models import Agent
from calls import counting, tasks
from calls.figures import CallFigures, DayFigures, added, bins, percentile, percentile_of, steps
from calls.models import Call
from tests.calls.test_measures import end, speech, stop
from tests.calls.test_services import claim, ring

pytestmark = pytest.mark.django_db
DAY = date(2026, 11, 26)


def agent_named(name: str) -> Agent:
    return Agent.objects.get_or_create(name=name, defaults={"instructions": "Help."})[0]


def ended(agent: Agent, revision: int = 1, day: date = DAY, **figures: Any) -> CallFigures:
    """A call that ended, with its figures."""
    call = Call.objects.create(
        agent=agent, carrier="twilio", carrier_call_id=f"CA{Call.objects.count()}", duration_ms=1000, status="ended"
    )
    return CallFigures.objects.create(call=call, agent=agent, revision=revision, day=day, **{"share": 1.0, **figures})


def test_a_day_is_the_sum_of_its_calls() -> None:
    desk = agent_named("Desk")
    ended(desk, stops=3, interruptions=2, false_stops=1, refusals=4, silence_ms=[500, 700], delay_ms=[900])
    ended(desk, stops=1, interruptions=1, silence_ms=[519], share=0.5)
    assert counting.count_pending() == 1
    day = DayFigures.objects.get()
    assert (day.calls, day.parts, day.stops, day.interruptions, day.false_stops) == (1.5, 2, 4, 3, 1)
    assert (day.interruptions_squared, day.refusals_squared) == (5, 16)
    assert day.silence == {"510": 2, "710": 1}
    assert not CallFigures.objects.filter(counted=False).exists()


def test_days_agents_and_revisions_are_counted_apart() -> None:
    for agent, revision, day in [("a", 1, DAY), ("a", 2, DAY), ("b", 1, DAY), ("a", 1, date(2026, 11, 25))]:
        ended(agent_named(agent), revision, day)
    assert counting.count_pending() == 4
    assert {day.parts for day in DayFigures.objects.all()} == {1}
    assert counting.count_pending() == 0


def test_what_has_changed_is_counted_anew_and_nothing_twice() -> None:
    row = ended(agent_named("a"), interruptions=2, stops=2)
    counting.count_pending()
    CallFigures.objects.filter(pk=row.pk).update(interruptions=5, counted=False)
    ended(agent_named("a"), interruptions=1)
    tasks.count_figures()
    day = DayFigures.objects.get()
    assert (day.parts, day.interruptions) == (2, 6)


def test_earlier_calls_are_measured_by_a_command(number: Any, capsys: pytest.CaptureFixture[str]) -> None:
    from calls import services

    call = claim(ring(number))
    services.apply_events(call_id=call.pk, lines=[*speech(1, "u1", 1000, 3000), *stop(4, 1, 1600, "u1"), end()])
    CallFigures.objects.all().delete()
    call_command("recount_figures", "--only-missing")
    assert "Measured 1 calls" in capsys.readouterr().out
    assert DayFigures.objects.get().interruptions == 1
    call_command("recount_figures", "--only-missing")
    assert "Measured 0 calls" in capsys.readouterr().out


LENGTHS = st.lists(st.integers(0, 5000), min_size=1, max_size=60)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(LENGTHS, st.sampled_from([0.05, 0.5, 0.95, 1.0]))
def test_a_percentile_of_steps_is_within_a_step_of_the_true_one(lengths: list[int], part: float) -> None:
    found = percentile(steps(lengths), part)
    rank = max(1, -(-len(lengths) * round(part * 100) // 100))
    assert found is not None
    assert abs(found - sorted(lengths)[rank - 1]) <= 10
    assert percentile_of(bins({str(step): count for step, count in steps(lengths).items()}), part) == found


@given(LENGTHS, LENGTHS)
def test_steps_of_parts_add_up_to_those_of_the_whole(some: list[int], others: list[int]) -> None:
    stored = [{str(step): count for step, count in steps(part).items()} for part in (some, others)]
    assert added(stored) == steps([*some, *others])


def test_nothing_has_no_percentile() -> None:
    assert percentile({}, 0.5) is percentile_of(bins({}), 0.5) is None
