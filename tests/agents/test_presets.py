"""Named settings: whole, valid, different, and each value with its reason."""

from __future__ import annotations

from itertools import combinations

import pytest

from agents import contradictions
from agents.defaults import DEFAULTS
from agents.models import Agent, TurnSettings
from agents.presets import LEFT_ALONE, PRESETS, Preset
from agents.snapshot import TURN_FIELDS

EACH = pytest.mark.parametrize("preset", PRESETS.values(), ids=str)


def test_they_are_the_six_of_the_product() -> None:
    assert list(PRESETS) == ["natural", "patient", "snappy", "noisy_line", "protect_disclaimer", "legacy"]
    assert all(slug == preset.slug for slug, preset in PRESETS.items())


@EACH
@pytest.mark.django_db
def test_every_value_is_valid_and_none_contradicts_another(preset: Preset) -> None:
    agent = Agent.objects.create(name="A", instructions="x")
    turn = TurnSettings(agent=agent, **preset.values)
    turn.full_clean()
    assert contradictions.found(turn) == {}


@EACH
def test_it_names_every_setting_of_manners_and_says_why(preset: Preset) -> None:
    assert set(preset.values) == set(preset.reasons) == set(TURN_FIELDS) - LEFT_ALONE
    assert all(preset.reasons.values())
    assert set(preset.own) <= set(preset.values)
    assert preset.label
    assert preset.why


@EACH
def test_what_it_calls_its_own_differs_from_the_defaults(preset: Preset) -> None:
    same = [name for name, (value, _) in preset.own.items() if value == DEFAULTS[name].value]
    assert not same


def test_natural_is_the_defaults_of_the_model() -> None:
    fresh = TurnSettings()
    assert PRESETS["natural"].values == {name: getattr(fresh, name) for name in TURN_FIELDS if name not in LEFT_ALONE}
    assert set(DEFAULTS) == set(TURN_FIELDS)


def test_no_two_are_the_same() -> None:
    for one, other in combinations(PRESETS.values(), 2):
        assert one.values != other.values


def test_legacy_weighs_nothing() -> None:
    from calls.conversation.settings import ConversationSettings

    assert not ConversationSettings.of(PRESETS["legacy"].values).gated
    assert ConversationSettings.of(PRESETS["natural"].values).gated
