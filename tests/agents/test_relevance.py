"""What is said of settings that have no effect names settings and values that exist."""

from __future__ import annotations

from typing import Any

import pytest

from agents.models import TurnSettings
from agents.relevance import NEEDS, Need
from agents.snapshot import TURN_FIELDS

EACH = sorted({need for needs in NEEDS.values() for need in needs}, key=str)


def test_only_settings_wait_for_others() -> None:
    assert set(NEEDS) <= set(TURN_FIELDS)
    assert all(name != need.other for name, needs in NEEDS.items() for need in needs)


@pytest.mark.parametrize("need", EACH, ids=lambda need: f"{need.other}-{need.wanted}")
def test_a_need_names_a_setting_and_values_that_it_can_have(need: Need) -> None:
    if need.other == "hearing_provider":  # a choice of the agent; which providers there are is in the settings
        assert need.wanted == ("",)
        return
    field: Any = TurnSettings._meta.get_field(need.other)
    if need.wanted is None:
        assert field.get_internal_type() in ("PositiveIntegerField", "FloatField")
    else:
        assert set(need.wanted) <= ({"on", "off"} if not field.choices else {value for value, _ in field.choices})
    assert need.otherwise


def test_what_only_sound_decides_on_and_what_only_meaning() -> None:
    waits = {name: need.wanted for name, needs in NEEDS.items() for need in needs if need.other == "vad_type"}
    assert [name for name, wanted in waits.items() if wanted == ("semantic_vad",)] == ["eagerness"]
    sent = TurnSettings(vad_type="semantic_vad").turn_detection()
    assert not {"threshold", "prefix_padding_ms", "silence_duration_ms", "idle_timeout_ms"} & set(sent)
