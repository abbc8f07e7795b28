"""The evidence of a decision as it is shown, and the setting that made the difference."""

from __future__ import annotations

from typing import Any

import pytest

from agents.models import TurnSettings
from calls.conversation import facts
from calls.reasons import KINDS, decided_by, evidence, measured, speech, without_words, words

SHORT = {"evidence": "speech_ms", "value": 280, "threshold": 550}
SURE = {"evidence": "probability", "value": 0.91, "threshold": 0.5}
SAID = {"evidence": "words", "text": "mm-hm"}


def names(note: str, in_force: Any = None, /, **data: Any) -> list[str]:
    return [found.setting for found in decided_by(note, data, in_force)]


def test_evidence_is_shown_with_its_unit_and_how_it_stands_to_the_threshold() -> None:
    short, sure, said = evidence({"reasons": [SHORT, SURE, SAID]})
    assert (short.name, short.measured, short.compared, short.threshold) == (
        "length of speech",
        "280 ms",
        "<",
        "550 ms",
    )
    assert (sure.measured, sure.compared, sure.threshold) == ("up to 0.91", ">", "0.5")
    assert (said.measured, said.compared, said.threshold) == ("“mm-hm”", "", "")
    assert str(short) == "length of speech 280 ms < 550 ms"


def test_a_threshold_of_nothing_is_off_and_one_that_is_met_is_equal() -> None:
    left, equal, grace = evidence(
        {
            "reasons": [
                {"evidence": "left_ms", "value": 900, "threshold": 0},
                {"evidence": "speech_ms", "value": 550, "threshold": 550},
                {"evidence": "grace_ms", "threshold": 300},
            ]
        }
    )
    assert (left.compared, left.threshold) == ("", "off")
    assert equal.compared == "="
    assert (grace.measured, grace.threshold) == ("", "300 ms")


def test_evidence_of_a_kind_that_came_later_is_shown_by_its_name() -> None:
    (found,) = evidence({"reasons": [{"evidence": "pitch_rise", "value": 3, "threshold": 2}]})
    assert str(found) == "pitch rise 3 > 2"


@pytest.mark.parametrize(
    "reasons",
    [
        None,
        7,
        "x",
        {},
        [None, 3, "hearsay"],
        [{}],
        [{"evidence": "speech_ms"}],
        [{"evidence": "words"}],
        [{"value": 1}],
    ],
)
def test_what_is_no_evidence_is_left_out(reasons: Any) -> None:
    assert evidence({"reasons": reasons}) == []
    assert words({"reasons": reasons}) == ""
    assert measured({"reasons": reasons}, "speech_ms") == (None, None)


def test_the_first_records_had_their_lengths_outside_of_the_reasons() -> None:
    assert speech({"speech_ms": 280, "minimum_ms": 400}) == (280, 400)
    assert speech({"speech_ms": 1, "minimum_ms": 2, "reasons": [SHORT]}) == (280, 550)


@pytest.mark.parametrize(
    ("because", "settings"),
    [
        ("too_short", ["min_speech_ms"]),
        ("soft", ["min_loudness_db"]),
        ("noise", ["speech_probability"]),
        ("echo", ["echo_guard"]),
        ("laughter", ["laughter_guard"]),
        ("backchannel", ["ignore_backchannels", "backchannel_phrases"]),
        ("grace", ["grace_ms"]),
        ("answer", ["answer_window_ms"]),
        ("protected", ["protect_greeting"]),
        ("something new", []),
    ],
)
def test_a_refusal_names_the_setting_that_decided(because: str, settings: list[str]) -> None:
    assert names(facts.INTERRUPTION_REFUSED, because=because) == settings


def test_the_value_that_decided_stands_beside_the_setting() -> None:
    (found,) = decided_by(facts.INTERRUPTION_REFUSED, {"because": "too_short", "reasons": [SHORT]})
    assert (found.setting, found.threshold) == ("min_speech_ms", 550)
    (old,) = decided_by(facts.INTERRUPTION_REFUSED, {"speech_ms": 280, "minimum_ms": 400})
    assert (old.setting, old.threshold) == ("min_speech_ms", 400)


def test_a_stop_names_the_setting_that_decided() -> None:
    assert names(facts.INTERRUPTION, because="speech") == ["min_speech_ms"]
    assert names(facts.INTERRUPTION, because="deadline") == ["decide_by_ms"]
    assert names(facts.INTERRUPTION, because="any_speech") == ["min_speech_ms"]
    assert names(facts.INTERRUPTION, because="any_speech", mode="legacy") == ["mode"]
    assert names(facts.INTERRUPTION, {"interrupt_response": True}, because="any_speech") == ["interrupt_response"]
    assert names(facts.INTERRUPTION, because="any_speech", phase="asked") == []


def test_words_decide_by_the_list_or_by_being_more_than_listening() -> None:
    assert names(facts.INTERRUPTION, because="words", reasons=[SAID]) == ["interrupt_phrases"]
    assert names(facts.INTERRUPTION, because="words", reasons=[{**SHORT, "value": 100}, SURE, SAID]) == [
        "interrupt_phrases"
    ]
    assert "ignore_backchannels" in names(facts.INTERRUPTION, because="words", reasons=[SHORT, SURE, SAID])


def test_waits_name_their_settings() -> None:
    assert names(facts.PATIENCE, kind="email") == ["patience_email_ms"]
    assert names(facts.PATIENCE, kind="") == ["response_delay_ms"]
    assert names(facts.IDLE_PROMPT, goodbye=True) == ["idle_prompt_ms", "idle_prompts_max"]
    assert names(facts.CALL_WARNING) == ["max_call_s", "call_warning_s"]
    assert names(facts.CALL_STARTED) == []


def test_every_setting_that_can_be_named_is_one_of_the_screen() -> None:
    fields = {field.name for field in TurnSettings._meta.fields}
    assert {setting for _, _, setting in KINDS.values() if setting} <= fields
    becauses = [
        "",
        "any_speech",
        "speech",
        "words",
        "deadline",
        "too_short",
        "soft",
        "noise",
        "echo",
        "laughter",
        "backchannel",
    ]
    becauses += ["grace", "answer", "protected", "spelling", "number", "email"]
    for kind in vars(facts).values():
        for why in becauses:
            if isinstance(kind, str):
                assert set(names(kind, because=why, kind=why, goodbye=True)) <= fields


def test_nothing_that_was_spoken_is_left_without_words() -> None:
    data = {
        "heard_text": "s",
        "item_id": "i",
        "reasons": [{"evidence": "words", "text": "s"}],
        "deep": [[{"text": "s"}]],
    }
    assert without_words(data) == {"item_id": "i", "reasons": [{"evidence": "words"}], "deep": [[{}]]}


def test_words_name_the_setting_whose_list_they_are_in() -> None:
    for known, setting in (("interrupt_phrases", "interrupt_phrases"), ("", "ignore_backchannels")):
        data = {"because": "words", "reasons": [{"evidence": "words", "text": "stop", "list": known}]}
        assert [decider.setting for decider in decided_by(facts.INTERRUPTION, data)] == [setting]
