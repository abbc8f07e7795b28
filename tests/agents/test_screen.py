"""The settings stand on the screen in the order in which a call happens, and changes are told in that order."""

from __future__ import annotations

from agents import history, screen
from agents.defaults import DEFAULTS
from agents.models import TurnSettings
from agents.presets import PRESETS


def test_every_setting_stands_on_the_screen_once() -> None:
    names = [name for _, part in screen.PARTS for name in part["fields"]]
    assert len(names) == len(set(names))
    assert set(names) == set(DEFAULTS) == set(screen.ORDER)


def test_the_parts_are_numbered_in_their_order() -> None:
    numbers = [int(title.split(".")[0]) for title, _ in screen.PARTS]
    assert numbers == sorted(numbers)
    assert set(numbers) == set(range(1, max(numbers) + 1))


def test_hearing_comes_before_answering_before_interrupting_before_silence() -> None:
    story = ["vad_type", "silence_floor_ms", "min_speech_ms", "mode", "idle_prompt_ms", "max_call_s"]
    assert screen.in_order(reversed(story)) == story


def test_what_belongs_together_stands_together() -> None:
    for one, other in (("min_speech_ms", "answer_window_ms"), ("resume_after_ms", "resume_overlap_ms")):
        assert screen.ORDER[other] == screen.ORDER[one] + 1


def test_changes_are_told_in_the_order_of_the_screen() -> None:
    told = [change.name for change in history.differences(TurnSettings, TurnSettings(), PRESETS["legacy"].values)]
    assert told == screen.in_order(told)
    assert set(told) == set(PRESETS["legacy"].own)
