"""Keys of the providers: whose is used, how they are kept, and where they never appear."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.management import call_command
from django.core.serializers import serialize
from hypothesis import given
from hypothesis import strategies as st

from agents import keys
from agents.models import Agent, ProviderKey
from agents.snapshot import AgentSnapshot

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("providers")]

SECRET = "lk_9f86d081884c7d659a2feaa0c55ad015"


@pytest.fixture
def agent() -> Agent:
    return Agent.objects.create(name="Front desk", instructions="Help.", voice_provider="wren")


def test_the_agents_own_key_comes_before_the_environments(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    assert keys.key_for(agent.pk, "lark") == ""
    monkeypatch.setenv("LARK_API_KEY", "of the house")
    assert keys.key_for(agent.pk, "lark") == "of the house"
    keys.keep(agent=agent, slug="lark", key=SECRET, by=None)
    assert keys.key_for(agent.pk, "lark") == SECRET
    other = Agent.objects.create(name="Other", instructions="Help.")
    assert keys.key_for(other.pk, "lark") == keys.key_for(None, "lark") == "of the house"
    keys.forget(agent=agent, slug="lark")
    keys.forget(agent=agent, slug="lark")
    assert keys.key_for(agent.pk, "lark") == "of the house"


def test_the_keys_of_a_call_are_one_question(agent: Agent, django_assert_num_queries: Any) -> None:
    keys.keep(agent=agent, slug="lark", key=SECRET, by=None)
    with django_assert_num_queries(1):
        assert keys.keys_for(agent.pk, ["lark", "wren", "lark", "pigeon"]) == {"lark": SECRET, "wren": "", "pigeon": ""}
    with django_assert_num_queries(1):
        assert keys.key_for(agent.pk, "lark") == SECRET
    with django_assert_num_queries(0):
        assert keys.keys_for(agent.pk, []) == {}


def test_a_key_is_kept_encrypted_and_only_its_end_can_be_read(agent: Agent) -> None:
    keys.keep(agent=agent, slug="lark", key="an earlier one, long enough", by=None)
    keys.keep(agent=agent, slug="lark", key=SECRET, by=None)
    row = ProviderKey.objects.get()
    assert SECRET not in row.encrypted
    assert row.ending == "d015"
    assert SECRET not in f"{row} {row!r} {vars(row)} {serialize('json', [row])}"
    assert SECRET not in json.dumps(AgentSnapshot.of(agent).as_json())
    assert SECRET not in "".join(str(vars(line)) for line in Agent.history.all())


def test_of_a_short_key_nothing_is_shown(agent: Agent) -> None:
    keys.keep(agent=agent, slug="lark", key="12345678901", by=None)
    assert ProviderKey.objects.get().ending == ""


@given(st.text(min_size=1, max_size=300))
def test_whatever_was_typed_comes_back(key: str) -> None:
    assert keys.decrypt(keys.encrypt(key)) == key


def test_a_new_secret_key_reads_what_the_old_one_wrote_until_it_is_written_anew(
    agent: Agent, settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    keys.keep(agent=agent, slug="lark", key=SECRET, by=None)
    before, settings.SECRET_KEY = settings.SECRET_KEY, "a new one" * 9
    settings.SECRET_KEY_FALLBACKS = [before]
    assert keys.key_for(agent.pk, "lark") == SECRET
    assert not keys.is_current(ProviderKey.objects.get().encrypted)
    call_command("rotate_keys")
    assert capsys.readouterr().out == "1 key encrypted anew.\n"
    settings.SECRET_KEY_FALLBACKS = []
    assert keys.key_for(agent.pk, "lark") == SECRET
    call_command("rotate_keys")
    assert capsys.readouterr().out == "0 keys encrypted anew.\n"


def test_a_key_that_nobody_can_read_gives_way_to_the_environments_and_is_named(
    agent: Agent, settings: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LARK_API_KEY", "of the house")
    keys.keep(agent=agent, slug="lark", key=SECRET, by=None)
    settings.SECRET_KEY = "a new one" * 9
    assert keys.key_for(agent.pk, "lark") == "of the house"
    with pytest.raises(keys.Unreadable) as refused:
        keys.decrypt(ProviderKey.objects.get().encrypted)
    assert refused.value.__cause__ is None
    call_command("rotate_keys")
    assert "The key of Front desk for lark cannot be read" in capsys.readouterr().err
