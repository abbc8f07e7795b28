"""What becomes of agents that an earlier version left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from agents import history, services
from agents.models import Agent, TurnSettings

pytestmark = pytest.mark.django_db(transaction=True)

EARLIER = ("agents", "0001_initial")


def go_to(*targets: tuple[str, str]) -> Any:
    executor = MigrationExecutor(connection)
    executor.migrate(list(targets))
    return executor.loader.project_state(list(targets)).apps


def go_to_the_newest() -> None:
    """Also of other apps, whose migrations stand on ours."""
    go_to(*MigrationExecutor(connection).loader.graph.leaf_nodes())


@pytest.fixture
def migrated() -> Iterator[Callable[..., TurnSettings]]:
    """Turn settings that were made by the earlier version with some values, after the migration."""

    def make(**values: Any) -> TurnSettings:
        earlier = go_to(EARLIER)
        agent = earlier.get_model("agents", "Agent").objects.create(name="Old", instructions="x")
        earlier.get_model("agents", "TurnSettings").objects.create(agent=agent, **values)
        go_to_the_newest()
        return TurnSettings.objects.get()

    yield make
    go_to_the_newest()


def test_agents_that_exist_get_the_defaults_and_a_way_back(migrated: Callable[..., TurnSettings]) -> None:
    turn = migrated(threshold=0.8)
    assert (turn.min_speech_ms, turn.stop_sound, turn.threshold, turn.idle_prompt_ms) == (560, "when_sure", 0.8, 12000)
    assert turn.laughter_guard == history.of(turn.agent)[0].turn.laughter_guard == 0.5
    turn.full_clean()
    new, old = history.of(turn.agent)
    assert (new.why, old.why) == ("defaults of this version", "as it was before this version")
    assert turn.revision == new.revision
    services.undo(agent=turn.agent, latest=new.key, by=None)
    turn.refresh_from_db()
    assert (turn.min_speech_ms, turn.stop_sound, turn.speech_probability, turn.idle_prompt_ms) == (0, "at_once", 0, 0)
    assert turn.laughter_guard == 0


@pytest.mark.parametrize("own", [{"create_response": True}, {"interrupt_response": True}, {"mode": "legacy"}], ids=str)
def test_agents_that_leave_it_to_the_model_stay_as_they_were(
    migrated: Callable[..., TurnSettings], own: dict[str, Any]
) -> None:
    turn = migrated(**own)
    assert (turn.min_speech_ms, turn.echo_guard, turn.ignore_backchannels, turn.max_call_s) == (0, 0, False, 0)
    assert turn.answer_window_ms == turn.laughter_guard == 0
    turn.full_clean()
    assert len(history.of(turn.agent)) == 1


def test_who_had_the_models_time_out_is_not_asked_twice(migrated: Callable[..., TurnSettings]) -> None:
    turn = migrated(idle_timeout_ms=8000)
    assert (turn.idle_timeout_ms, turn.idle_prompt_ms) == (8000, 0)
    turn.full_clean()


def test_a_long_shortest_interruption_is_kept_and_still_decided(migrated: Callable[..., TurnSettings]) -> None:
    turn = migrated(min_speech_ms=2000)
    assert (turn.min_speech_ms, turn.decide_by_ms) == (2000, 2000)
    turn.full_clean()
    assert Agent.objects.get().turn_settings == turn
