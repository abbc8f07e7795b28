"""Which settings of a running call are offered, and what a change makes of the whole."""

from __future__ import annotations

from typing import Any

import pytest

from agents.models import Agent, TurnSettings
from agents.snapshot import AgentSnapshot
from calls.conversation.settings import ConversationSettings
from calls.following.tuning import NO_REVISION, OFFERED, NotAccepted, changed, controls


@pytest.fixture
def agent(db: None) -> Agent:
    made = Agent.objects.create(name="Front desk", instructions="Help.", language="en")
    TurnSettings.objects.create(agent=made, idle_prompt_ms=8000, interrupt_phrases="stop\nwait")
    return made


@pytest.fixture
def turn(agent: Agent) -> dict[str, Any]:
    """As a call has them: through JSON, with all that was left to the language resolved."""
    return AgentSnapshot.of(agent).turn


def test_each_offered_setting_has_its_label_its_range_and_what_is_heard() -> None:
    made = {control.name: control for control in controls()}
    assert set(made) == set(OFFERED)
    threshold = made["threshold"]
    assert (threshold.kind, threshold.low, threshold.high, threshold.step) == ("range", 0, 1, 0.01)
    assert (made["min_speech_ms"].unit, made["min_speech_ms"].step) == ("ms", 20)
    assert made["protect_greeting"].kind == "switch"
    assert [value for value, _ in made["stop_sound"].choices] == ["at_once", "when_sure"]
    assert all(control.says and "\n" not in control.says for control in made.values())


def test_what_is_changed_differs_and_nothing_else(agent: Agent, turn: dict[str, Any]) -> None:
    told = changed(agent.pk, turn, {"threshold": 0.8, "protect_greeting": True})
    differs = {name for name, value in told["turn"].items() if value != turn.get(name)}
    assert differs == {"threshold", "protect_greeting", "revision"}
    assert told["turn"]["revision"] == NO_REVISION
    assert told["turn_detection"]["threshold"] == 0.8
    ConversationSettings.of(told["turn"], greeting="", turn_detection=told["turn_detection"])


def test_the_silence_in_force_follows_its_two_settings(agent: Agent, turn: dict[str, Any]) -> None:
    told = changed(agent.pk, turn, {"silence_floor_ms": 900})
    assert told["turn"]["silence_ms"] == told["turn_detection"]["silence_duration_ms"] == 900
    assert changed(agent.pk, told["turn"], {"response_latency_ms": 1200})["turn"]["silence_ms"] == 1200


def test_a_second_change_keeps_the_first(agent: Agent, turn: dict[str, Any]) -> None:
    once = changed(agent.pk, turn, {"threshold": 0.8})["turn"]
    assert changed(agent.pk, once, {"min_speech_ms": 300})["turn"]["threshold"] == 0.8


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"threshold": 4}, "at most 1"),
        ({"threshold": "loud"}, "loud"),
        ({"stop_sound": "never"}, "never"),
        ({"idle_goodbye": "Go away."}, "Not to be changed in a call: idle_goodbye"),
    ],
)
def test_what_the_settings_do_not_take_is_told_in_their_words(
    agent: Agent, turn: dict[str, Any], values: dict[str, Any], says: str
) -> None:
    with pytest.raises(NotAccepted, match=says):
        changed(agent.pk, turn, values)


def test_nothing_is_stored(agent: Agent, turn: dict[str, Any]) -> None:
    changed(agent.pk, turn, {"threshold": 0.8})
    assert TurnSettings.objects.get().threshold == turn["threshold"]
    assert TurnSettings.history.count() == 1


def test_a_call_whose_agent_is_gone_is_not_changed(agent: Agent, turn: dict[str, Any]) -> None:
    pk = agent.pk
    agent.delete()
    with pytest.raises(NotAccepted, match="gone"):
        changed(pk, turn, {"threshold": 0.8})
