"""Sounds at the two ends of a reply, and what a noise leaves behind."""

from __future__ import annotations

import pytest

from calls.conversation import commands as c
from calls.conversation import events as e
from calls.conversation import facts, silence
from calls.conversation.states import State
from tests.calls.conversation.gate import NATURAL, QUIET, stops, talking
from tests.calls.conversation.talk import Talk, only, orders

# --- at the two ends of a reply


def test_what_was_said_before_is_no_evidence_against_the_reply_to_it() -> None:
    talk = Talk(**NATURAL).answered()
    talk.hears(500, **QUIET)
    talk.caller_begins("u1", 100)
    talk.hears(4000)
    talk.hears(500, **QUIET)
    talk.caller_stops("u1", 5400)
    reply, item = talk.reply_begins()
    talk.sound(reply, item, 5.0)
    talk.reply_done(reply, item)
    talk.hears(224, **QUIET)
    assert orders(talk.hears(32)) == []


@pytest.mark.parametrize("stop_sound", ["at_once", "when_sure"])
def test_an_echo_that_lasts_to_the_end_of_the_reply_is_not_answered(stop_sound: str) -> None:
    talk = talking(seconds=4.0, heard_s=2.0, stop_sound=stop_sound, resume_overlap_ms=0)
    talk.caller_begins("u9", 10_000)
    talk.hears(3500, echo=0.95)
    talk.hears(1500, **QUIET)
    assert "AskForReply" not in orders([*talk.caller_stops("u9", 14_000), *talk.wait(3.0)])
    assert talk.state is State.LISTENING


def test_a_cough_into_the_end_of_a_reply_is_not_answered() -> None:
    talk = talking(seconds=3.0, heard_s=2.7)
    talk.caller_begins("u9", 10_000)
    talk.hears(256, probability=0.3, level_db=40.0)
    talk.hears(500, **QUIET)
    assert "AskForReply" not in orders([*talk.caller_stops("u9", 11_000), *talk.wait(3.0)])


def test_who_says_a_short_word_over_the_goodbye_is_not_hung_up_on() -> None:
    talk = Talk(
        **NATURAL, idle_prompt_ms=4000, idle_prompts_max=1, idle_prompt="There?", idle_goodbye="Bye."
    ).answered()
    for _ in range(2):
        talk.wait(5.0)
        reply, item = talk.reply_begins()
        talk.sound(reply, item, 3.0)
        talk.reply_done(reply, item)
        if talk.notes(facts.IDLE_PROMPT)[-1]["goodbye"]:
            break
        talk.wait(3.0 + silence.MARK_WAIT)
    talk.hears(500, **QUIET)
    talk.caller_begins("u9", 10_000)
    talk.hears(256)
    talk.hears(500, **QUIET)
    stops(talk, 256)
    talk.wait(3.0)
    assert only(talk.commands, c.EndCall) == []


@pytest.mark.parametrize("frames", [{"echo": 0.95}, {"probability": 0.05}])
def test_a_word_that_stops_needs_a_voice(frames: dict[str, float]) -> None:
    """“One moment” comes back from the agent's own mouth, and recognisers hear “hello” in a knock."""
    talk = talking()
    talk.caller_begins("u9", 10_000)
    talk.hears(320, **frames)
    assert orders(talk.feed(e.EarlyWords("u9", "stop"))) == []
    talk.hears(500, **QUIET)
    stops(talk, 320)
    talk.feed(e.InputCommitted("u9"))
    assert orders(talk.feed(e.CallerTranscript("u9", "stop"))) == []


def test_a_noise_breaks_neither_the_silence_nor_the_patience() -> None:
    talk = Talk(**NATURAL, idle_prompt_ms=5000, idle_prompt="There?", response_delay_ms=3000).answered()
    talk.hears(3000, **QUIET)
    talk.caller_begins("n1", 100)
    talk.hears(256, probability=0.1, level_db=40.0)
    talk.hears(500, **QUIET)
    talk.caller_stops("n1", 1200)
    assert "AskForReply" in orders(talk.wait(1.5))
    talk = Talk(**NATURAL, response_delay_ms=3000).answered()
    talk.hears(500, **QUIET)
    talk.caller_begins("u1", 100)
    talk.hears(800)
    talk.hears(500, **QUIET)
    talk.caller_stops("u1", 1800)
    talk.hears(500, **QUIET)
    talk.caller_begins("n2", 3000)
    talk.hears(256, probability=0.1, level_db=40.0)
    talk.hears(500, **QUIET)
    assert "AskForReply" not in orders(talk.caller_stops("n2", 4000))
    assert "AskForReply" in orders(talk.wait(2.0))


def test_words_across_the_end_of_a_reply_are_answered_however_late_the_model_hears_their_end() -> None:
    """Semantic VAD can wait for seconds."""
    talk = talking(seconds=3.0, heard_s=2.7, turn_detection={"type": "semantic_vad"})
    talk.caller_begins("u9", 10_000)
    talk.hears(480)
    talk.hears(3000, **QUIET)
    assert "AskForReply" in orders(talk.caller_stops("u9", 13_500))


def test_a_hum_that_outlasts_the_reply_is_not_answered_and_a_caller_over_it_is() -> None:
    talk = talking(seconds=3.0, heard_s=1.0)
    talk.caller_begins("u9", 10_000)
    commands = talk.hears(20_000, probability=0.1, level_db=20.0)
    assert "AskForReply" not in orders(commands)
    assert talk.state is State.HEARING
    talk.hears(1000)
    assert "AskForReply" in orders(talk.hears(9000, probability=0.1, level_db=20.0))


def test_a_protected_greeting_that_breaks_off_is_said_again() -> None:
    talk = Talk(**{**NATURAL, "protect_greeting": True, "greeting": "This call is recorded."}).answered()
    reply, item = talk.reply_begins()
    talk.sound(reply, item, 1.0)
    talk.reply_done(reply, item, status="failed")
    (again,) = only(talk.wait(3.0), c.AskForReply)
    assert "“This call is recorded.”" in again.instructions


def test_also_when_the_link_is_lost_in_the_middle_of_it() -> None:
    talk = Talk(**{**NATURAL, "protect_greeting": True, "greeting": "This call is recorded."}).answered()
    reply, item = talk.reply_begins()
    talk.sound(reply, item, 1.0)
    talk.wait(0.5)
    talk.feed(e.LinkLost("closed with 1006"))
    talk.wait(2.0)
    (again,) = only(talk.feed(e.ModelReady("sess_2")), c.AskForReply)
    assert "“This call is recorded.”" in again.instructions


def test_one_that_always_breaks_off_is_given_up() -> None:
    talk = Talk(**{**NATURAL, "protect_greeting": True, "greeting": "This call is recorded."}).answered()
    for _ in range(silence.REPLY_ATTEMPTS):
        reply, item = talk.reply_begins()
        talk.sound(reply, item, 1.0)
        talk.reply_done(reply, item, status="failed")
        talk.wait(3.0)
    assert talk.state is State.LISTENING
    assert len(only(talk.commands, c.AskForReply)) == silence.REPLY_ATTEMPTS
