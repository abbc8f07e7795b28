"""Verdicts on courses that are written down by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from calls.conversation import facts
from calls.scoring.course import Course, Heard, Moment
from calls.scoring.judge import Rules, Verdict, evidence, judge, reason
from calls.scoring.mixing import Laid
from calls.scoring.scenes import Channel, Scene

RULES = Rules(yield_ms=2000, silence_ms=500)


def scene(kind: str, start_ms: int = 3000, end_ms: int = 4000, **more: Any) -> Scene:
    caller = Channel(Path("caller.wav"), "caller.wav", 8000, segments=((start_ms, end_ms),))
    return Scene("it", kind, "conversation", caller, start_ms, end_ms, **more)


def laid(start_ms: int = 3000, end_ms: int = 4000, resumes_ms: int = 0) -> Laid:
    return Laid(b"", b"\0" * 80000, b"", start_ms, end_ms, resumes_ms=resumes_ms)


def course(
    *heard: tuple[float, float], length_ms: float = 6500, moments: tuple[Moment, ...] = (), **more: Any
) -> Course:
    stretches = tuple(Heard(begin, end, "resp-1") for begin, end in heard)
    asked = tuple(moment.at_ms for moment in moments if moment.what == "AskForReply")
    return Course(True, length_ms, "resp-1", 10000, moments, stretches, asked, **more)


def given_up(at_ms: float, **data: Any) -> Moment:
    return Moment(at_ms, facts.INTERRUPTION, {"number": 1, "phase": "playing", "reply_id": "resp-1", **data})


def verdict(kind: str, what: Course, rules: Rules = RULES) -> Verdict:
    return judge(scene(kind), laid(), what, rules)


# --- interruptions


def test_time_to_silence_is_from_the_labelled_start_to_the_last_sound_at_the_ear() -> None:
    made = verdict("interruption", course((0, 3240), moments=(given_up(3210),)))
    assert (made.ok, made.yielded, made.silent_after_ms) == (True, True, 240)


def test_a_reply_that_is_held_goes_on_and_is_then_given_up_counts_to_its_last_sound() -> None:
    made = verdict("interruption", course((0, 3240), (3900, 4300), moments=(given_up(4270),)))
    assert (made.yielded, made.silent_after_ms) == (True, 1300)


def test_giving_up_too_late_is_not_yielding() -> None:
    made = verdict("interruption", course((0, 3240), (3900, 5310), moments=(given_up(5300),)))
    assert (made.ok, made.yielded, made.silent_after_ms) == (False, False, None)
    assert "2300 ms after the start" in made.happened
    assert verdict("interruption", course((0, 5310), moments=(given_up(5300),)), Rules(yield_ms=2500)).yielded


def test_a_reply_that_is_given_up_but_sounds_on_took_at_least_to_the_end_of_the_scene() -> None:
    assert verdict("interruption", course((0, 6500), moments=(given_up(3200),))).silent_after_ms == 3500


def test_an_interruption_that_nobody_noticed_says_so() -> None:
    made = verdict("interruption", course((0, 6500)))
    assert not made.ok
    assert made.reason == "the model's VAD noticed no speech"


def test_a_reply_that_was_given_up_long_before_the_event_is_not_scored() -> None:
    made = verdict("interruption", course((0, 1000), moments=(given_up(970),)))
    assert not made.scored
    assert "before the event" in made.reason


# --- what the reply is to go on over


@pytest.mark.parametrize("kind", ["backchannel", "noise", "overlap"])
def test_a_reply_that_goes_on_is_right(kind: str) -> None:
    made = verdict(kind, course((0, 6500)))
    assert (made.ok, made.stopped, made.gave_up) == (True, False, False)


def test_a_gap_above_100_ms_is_a_stop_though_nothing_was_given_up() -> None:
    made = verdict("backchannel", course((0, 3300), (3401, 6500)))
    assert (made.ok, made.stopped, made.gave_up, made.stopped_at_ms, made.stopped_ms) == (False, True, False, 3300, 101)
    assert verdict("backchannel", course((0, 3300), (3400, 6500))).ok


def test_a_stop_after_the_part_that_is_judged_is_not_this_events() -> None:
    assert verdict("noise", course((0, 5001), (5500, 6500))).ok
    assert not verdict("noise", course((0, 4999), (5500, 6500))).ok


def test_a_pause_of_the_voice_before_the_caller_made_a_sound_is_no_stop_for_it() -> None:
    assert verdict("noise", course((0, 2500), (2750, 6500))).ok
    assert not verdict("noise", course((0, 2950), (3200, 6500))).ok


def test_the_end_of_the_reply_is_no_stop() -> None:
    made = replace(course((0, 4500)), reply_ms=4500)
    assert verdict("backchannel", made).ok


def test_a_reply_that_never_goes_on_has_stopped_and_was_given_up() -> None:
    made = verdict("noise", course((0, 3300), moments=(given_up(4400),)))
    assert (made.stopped, made.gave_up, made.stopped_ms) == (True, True, None)
    assert "did not go on" in made.happened


def test_giving_up_without_a_stop_is_wrong_all_the_same() -> None:
    made = verdict("backchannel", course((0, 6500), moments=(given_up(3300),)))
    assert (made.ok, made.stopped, made.gave_up) == (False, False, True)


def test_sound_of_a_later_reply_does_not_fill_the_gap() -> None:
    made = replace(course((0, 3300)), heard=(Heard(0, 3300, "resp-1"), Heard(3310, 6500, "resp-2")))
    assert verdict("backchannel", made).stopped


# --- silences, pauses, ends of turns


def test_an_open_line_is_neither_noticed_nor_answered() -> None:
    quiet = replace(course((0, 5000), length_ms=12000), reply_ms=5000)
    assert verdict("silence", quiet).ok
    noticed = replace(quiet, moments=(Moment(6000, facts.CALLER_SPEAKING, {}),))
    assert not verdict("silence", noticed).ok
    asked = replace(quiet, moments=(Moment(6000, facts.REPLY_ASKED, {"because": "caller_stopped"}),))
    assert verdict("silence", asked).answered
    prompted = replace(quiet, moments=(Moment(6000, facts.REPLY_ASKED, {"because": "idle"}),))
    assert verdict("silence", prompted).ok


def pause(length_ms: int, answer_at_ms: float | None, ignore: tuple[tuple[int, int], ...] = ()) -> Verdict:
    moments = () if answer_at_ms is None else (Moment(answer_at_ms, "AskForReply"),)
    what = scene("pause", 1000, 1000 + length_ms)
    what = replace(what, caller=replace(what.caller, ignore=ignore))
    return judge(what, laid(1000, 1000 + length_ms, 1000 + length_ms), course(moments=moments), RULES)


def test_an_answer_within_a_short_pause_is_premature() -> None:
    assert not pause(400, 1390).ok
    assert not pause(400, 1499).ok  # labels are allowed to be 100 ms off
    assert pause(400, 1501).ok
    assert pause(400, None).ok


def test_an_answer_within_a_long_pause_is_allowed_and_counted() -> None:
    assert (pause(900, 1600).ok, pause(900, 1600).answered) == (True, True)
    assert (pause(900, None).ok, pause(900, None).answered) == (True, False)


def test_a_long_pause_with_much_to_be_ignored_is_not_scored() -> None:
    assert not pause(900, None, ignore=((1200, 1600),)).scored
    assert pause(900, None, ignore=((1200, 1300),)).scored
    assert pause(400, None, ignore=((1000, 1400),)).scored  # no answer is wrong in there


def test_the_response_delay_is_from_the_end_of_the_turn_to_the_ear() -> None:
    moments = (Moment(900, facts.CALLER_SPEAKING, {}), Moment(1600, "AskForReply"))
    made = judge(
        scene("turn_end", 1000, 1000), laid(1000, 1000), course((2100, 3600), moments=moments, model_ms=400), RULES
    )
    assert (made.ok, made.delay_ms, made.model_ms) == (True, 1100, 400)
    none = judge(scene("turn_end", 1000, 1000), laid(1000, 1000), course(), RULES)
    assert (none.ok, none.answered) == (False, False)


# --- all of them


def test_a_scene_that_did_not_come_about_is_not_scored() -> None:
    assert not judge(scene("noise"), laid(), Course(False, 12000), RULES).scored
    assert "ended" in verdict("noise", course(moments=(Moment(10, "EndCall", {"reason": "model unreachable"}),))).reason
    assert "broken" in verdict("noise", course((0, 6500), faults=("broken",))).reason


def test_a_decision_is_told_with_its_reasons_whatever_they_are() -> None:
    reasons = [
        {"evidence": "speech_ms", "value": 240, "threshold": 550},
        {"evidence": "loudness_db", "value": 3.5},
        {"evidence": "words", "text": "mm-hm"},
        "hearsay",
    ]
    refused = Moment(0, facts.INTERRUPTION_REFUSED, {"because": "too_short", "reasons": reasons})
    why = "240 ms of speech, “mm-hm”, below the 550 ms minimum"
    weighed = "(length of speech 240 ms < 550 ms; louder than the line by up to 3.5 dB; words “mm-hm”)"
    assert reason(refused) == f"Went on: {why} {weighed}"
    assert evidence(refused) == f"{why} {weighed}"


def test_what_is_no_decision_is_told_by_its_sentence_or_its_numbers() -> None:
    stuck = Moment(0, facts.STUCK, {"state": "holding", "after_ms": 3000})
    assert evidence(stuck) == reason(stuck) == "Stuck for 3 s while the reply was held"
    assert evidence(Moment(0, "caller_stopped", {"item_id": "u1", "speech_ms": 300})) == "speech_ms 300"
    assert reason(Moment(0, "caller_stopped", {"item_id": "u1", "speech_ms": 300})) == "caller stopped: speech_ms 300"
    assert reason(Moment(0, facts.INTERRUPTION, {"number": 1, "heard_ms": 300})) == ""
