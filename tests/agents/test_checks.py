"""What `manage.py check --database default` says of agents whose voice or ear is a provider's."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.checks import Tags, run_checks

from agents import keys
from agents.models import Agent

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("providers")]

WREN = {"name": "Front desk", "instructions": "Help.", "voice_provider": "wren"}


def said(databases: list[str] | None = None) -> dict[str, tuple[str, str]]:
    """id -> message, hint."""
    found = run_checks(tags=[Tags.database], databases=databases or ["default"])
    return {one.id: (one.msg, one.hint or "") for one in found if one.id.startswith("agents.")}


def test_without_a_key_the_stand_in_answers_and_there_is_nothing_to_say() -> None:
    Agent.objects.create(**WREN, hearing_provider="wren")
    assert said() == {}


def test_it_is_asked_only_of_a_database() -> None:
    Agent.objects.create(**{**WREN, "voice_provider": "pigeon"})
    assert "agents.W001" in said()
    assert not [one for one in run_checks() if one.id.startswith("agents.")]


def test_before_the_first_migration_there_is_nothing_to_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Agent._meta, "db_table", "of_a_later_migration")
    assert said() == {}


def test_a_provider_that_is_gone_is_named_with_what_callers_hear_instead() -> None:
    Agent.objects.create(**{**WREN, "voice_provider": "pigeon"}, hearing_provider="owl")
    message, hint = said()["agents.W001"]
    assert message == "The agent “Front desk” hears with owl (not installed), and there is no such provider."
    assert "add 'owl' to settings.HEARINGS" in hint
    Agent.objects.update(hearing_provider="")
    message, hint = said()["agents.W001"]
    assert "speaks with pigeon" in message
    assert "the speech model's own" in hint


def test_options_that_no_longer_hold_are_named() -> None:
    Agent.objects.create(**{**WREN, "voice_provider": "lark", "voice_options": {"lark": {"speed": 9}}})
    message, _ = said()["agents.W002"]
    assert "“Front desk” speaks with Lark & Co, and that is not possible." in message
    assert "Voice: This is needed. Speed: From 0.7 to 1.2." in message
    Agent.objects.update(active=False)
    assert said() == {}


def test_the_real_service_needs_a_key_from_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    agent = Agent.objects.create(**WREN)
    monkeypatch.setenv("WREN_URL", "https://wren.example")
    message, hint = said()["agents.W003"]
    assert "“Front desk” speaks with Wren without a key" in message
    assert "Set WREN_API_KEY, or type a key on its page." in hint
    keys.keep(agent=agent, slug="wren", key="a key of its own", by=None)
    assert said() == {}
    keys.forget(agent=agent, slug="wren")
    monkeypatch.setenv("WREN_API_KEY", "of the house")
    assert said() == {}


def test_on_a_public_address_no_caller_should_get_a_stand_in(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    Agent.objects.create(**WREN)
    settings.PUBLIC = settings.PUBLIC._replace(netloc="voice.example.com")
    assert "callers get the stand-in" in said()["agents.W004"][0]
    monkeypatch.setenv("WREN_URL", "https://our.own.example")
    assert said() == {}


def test_keys_that_wait_for_their_rotation_or_are_lost_are_named(settings: Any) -> None:
    agent = Agent.objects.create(**WREN)
    keys.keep(agent=agent, slug="wren", key="a key of its own", by=None)
    before, settings.SECRET_KEY = settings.SECRET_KEY, "a new one" * 9
    assert "type the key anew" in said()["agents.W005"][1]
    settings.SECRET_KEY_FALLBACKS = [before]
    assert "manage.py rotate_keys" in said()["agents.W006"][1]
    keys.rotate()
    assert said() == {}
