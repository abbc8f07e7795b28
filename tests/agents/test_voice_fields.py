"""Whose voice and whose ears an agent has, and what a call is told of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from agents.contradictions import EVIDENCE
from agents.models import Agent, TurnSettings
from agents.snapshot import AgentSnapshot

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("providers")]

LARK = {"voice_id": "anna", "model": "swift", "speed": 1.0, "chunk": 50, "boost": True}


def made(**values: Any) -> Agent:
    agent = Agent.objects.create(name="Front desk", instructions="Help.", **values)
    TurnSettings.objects.create(agent=agent)
    return agent


def test_an_agent_speaks_and_hears_with_the_model_unless_it_is_told_otherwise() -> None:
    agent = made()
    agent.full_clean()
    snapshot = AgentSnapshot.of(agent)
    assert (snapshot.voices, snapshot.hearing, agent.is_external()) == ([], None, False)


def test_a_call_is_told_both_voices_in_their_order_with_every_option() -> None:
    agent = made(
        voice_provider="lark",
        voice_options={"lark": {"voice_id": "anna"}, "wren": {"voice_id": "theo"}},
        second_voice_provider="wren",
        hearing_provider="wren",
        hearing_options={"wren": {"max_delay": 2}},
    )
    agent.full_clean()
    snapshot = AgentSnapshot.of(agent)
    assert snapshot.voices == [
        {"provider": "lark", "options": LARK},
        {"provider": "wren", "options": {"voice_id": "sarah"}},
    ]
    assert snapshot.hearing == {"provider": "wren", "options": {"max_delay": 2.0}}
    assert AgentSnapshot.from_json(json.loads(json.dumps(snapshot.as_json()))) == snapshot


def test_a_second_voice_alone_has_nobody_to_stand_in_for() -> None:
    agent = made(second_voice_provider="lark")
    agent.full_clean()  # also when it could not speak
    assert agent.voices() == []


def test_a_call_that_an_earlier_version_stored_can_be_read() -> None:
    data = AgentSnapshot.of(made()).as_json()
    del data["voices"], data["hearing"]
    data["of_a_later_version"] = 1
    snapshot = AgentSnapshot.from_json(data)
    assert (snapshot.voices, snapshot.hearing, snapshot.name) == ([], None, "Front desk")


@pytest.mark.parametrize(
    ("values", "field", "says"),
    [
        ({"voice_provider": "pigeon"}, "voice_provider", "We do not know this provider."),
        ({"voice_provider": "lark"}, "voice_options", "Voice: This is needed."),
        (
            {"voice_provider": "lark", "voice_options": {"lark": {"voice_id": "a", "speed": 3}}},
            "voice_options",
            "Speed: From 0.7 to 1.2.",
        ),
        (
            {"hearing_provider": "wren", "hearing_options": {"wren": {"max_delay": "x"}}},
            "hearing_options",
            "Longest delay: A number.",
        ),
        (
            {"voice_provider": "wren", "second_voice_provider": "lark"},
            "second_voice_options",
            "Voice: This is needed.",
        ),
    ],
    ids=str,
)
def test_what_a_provider_does_not_take_is_refused(values: dict[str, Any], field: str, says: str) -> None:
    with pytest.raises(ValidationError) as refused:
        made(**values).full_clean()
    assert refused.value.message_dict[field] == [says]


def test_an_option_that_a_provider_gave_up_is_let_go() -> None:
    agent = made(voice_provider="wren", voice_options={"wren": {"voice_id": "theo", "sparkle": 9}})
    agent.full_clean()
    assert agent.voices() == [{"provider": "wren", "options": {"voice_id": "theo"}}]


@pytest.mark.parametrize(
    "values",
    [{"voice_provider": "pigeon"}, {"voice_provider": "lark", "voice_options": {"lark": {"speed": 9}}}],
    ids=["gone", "invalid"],
)
def test_a_call_goes_without_a_voice_that_cannot_be_made_and_the_log_says_so(
    values: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    agent = made(**values, second_voice_provider="wren")
    assert [voice["provider"] for voice in agent.voices()] == ["wren"]
    assert f"The agent {agent.pk} goes without voice" in caplog.text


@pytest.mark.parametrize("values", [{"voice_provider": "wren"}, {"hearing_provider": "wren"}], ids=str)
@pytest.mark.parametrize("field", ["create_response", "idle_timeout_ms"])
def test_the_model_may_not_answer_by_itself_for_a_provider(values: dict[str, Any], field: str) -> None:
    turn = made(**values).turn_settings
    turn.full_clean()
    for name in (*EVIDENCE, "idle_prompt_ms"):
        setattr(turn, name, 0)  # nothing else that contradicts it
    setattr(turn, field, 6000 if field == "idle_timeout_ms" else True)
    with pytest.raises(ValidationError) as refused:
        turn.full_clean()
    assert "through a provider" in str(refused.value.message_dict[field])
    turn.agent.voice_provider = turn.agent.hearing_provider = ""
    turn.full_clean()
