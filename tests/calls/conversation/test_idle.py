"""When nobody speaks, and when the call gets long."""

from __future__ import annotations

from typing import Any

from calls.conversation import commands as c
from calls.conversation import events as e
from calls.conversation import facts
from calls.conversation.states import State
from tests.calls.conversation.talk import Talk, only, orders

IDLE: dict[str, Any] = {
    "idle_prompt_ms": 8000,
    "idle_prompts_max": 2,
    "idle_prompt": "Are you still there?",
    "idle_goodbye": "Goodbye.",
}


def said(talk: Talk, seconds: float = 1.0) -> None:
    """The reply that was asked for is made and heard."""
    reply, item = talk.reply_begins()
    talk.sound(reply, item, seconds)
    talk.reply_done(reply, item)
    talk.wait(seconds)
    for name in list(talk.marks):
        talk.feed(e.MarkPlayed(name))


def test_the_agent_asks_after_the_silence_and_in_these_words() -> None:
    talk = Talk(**IDLE).answered()
    assert orders(talk.wait(7.9)) == []
    (ask,) = only(talk.wait(0.2), c.AskForReply)
    assert "“Are you still there?”" in ask.instructions
    assert talk.notes(facts.IDLE_PROMPT)[0] == {"number": 1, "goodbye": False, "after_ms": 8000}


def test_silence_counts_from_when_the_reply_was_heard_not_from_when_it_was_made() -> None:
    talk = Talk(**IDLE).answered()
    talk.agent_says(6.0)
    talk.wait(6.0)
    for name in list(talk.marks):
        talk.feed(e.MarkPlayed(name))
    assert only(talk.wait(7.9), c.AskForReply) == []
    assert only(talk.wait(0.2), c.AskForReply) != []


def test_who_does_not_answer_is_asked_again_and_then_told_goodbye() -> None:
    talk = Talk(**IDLE).answered()
    for _ in range(2):
        talk.wait(8.1)
        said(talk)
    (goodbye,) = only(talk.wait(8.1), c.AskForReply)
    assert "“Goodbye.”" in goodbye.instructions
    said(talk)
    assert only(talk.commands, c.EndCall) == [c.EndCall("caller silent")]
    assert talk.state is State.ENDED


def test_who_answers_begins_anew() -> None:
    talk = Talk(**IDLE).answered()
    talk.wait(8.1)
    said(talk)
    talk.agent_says(1.0)
    talk.wait(2.1)
    talk.wait(8.1)
    assert [n["number"] for n in talk.notes(facts.IDLE_PROMPT)] == [1, 1]


def test_who_interrupts_the_goodbye_stays() -> None:
    talk = Talk(**{**IDLE, "idle_prompts_max": 1}).answered()
    talk.wait(8.1)
    said(talk)
    talk.wait(8.1)
    reply, item = talk.reply_begins()
    talk.sound(reply, item, 2.0)
    talk.wait(0.5)
    talk.caller_begins("u9")
    talk.caller_stops("u9")
    talk.reply_done(reply, status="cancelled")
    talk.wait(5.0)
    assert only(talk.commands, c.EndCall) == []


def test_who_presses_keys_is_there() -> None:
    talk = Talk(**IDLE).answered()
    talk.wait(7.0)
    talk.feed(e.CallerKey("5"))
    assert only(talk.wait(7.9), c.AskForReply) == []


def test_without_a_goodbye_the_call_stays_open_and_nothing_more_is_asked() -> None:
    talk = Talk(**{**IDLE, "idle_goodbye": ""}).answered()
    for _ in range(2):
        talk.wait(8.1)
        said(talk)
    assert orders(talk.wait(600.0)) == []


def test_nobody_is_asked_while_they_speak_or_are_answered() -> None:
    talk = Talk(**IDLE).answered()
    talk.caller_begins("u1")
    for _ in range(100):
        talk.wait(0.2)
        talk.caller_frame()
    assert only(talk.commands, c.AskForReply) == []


# --- the longest call

LONG: dict[str, Any] = {"max_call_s": 100, "call_warning_s": 20, "call_warning": "We have to end soon."}


def test_the_caller_is_warned_and_then_the_call_ends() -> None:
    talk = Talk(**LONG).answered()
    assert orders(talk.wait(79.9)) == []
    (warning,) = only(talk.wait(0.2), c.AskForReply)
    assert "“We have to end soon.”" in warning.instructions
    said(talk)
    (end,) = only(talk.wait(20.0), c.EndCall)
    assert (end.reason, end.failed) == ("longest call", False)


def test_who_is_speaking_is_warned_with_the_next_answer() -> None:
    talk = Talk(**LONG).answered()
    talk.wait(79.0)
    talk.caller_begins("u1")
    for _ in range(20):
        talk.wait(0.1)
        talk.caller_frame()
    (answer,) = only(talk.caller_stops("u1"), c.AskForReply)
    assert answer.instructions.startswith("Say exactly these words first: “We have to end soon.”")


def test_a_reply_that_is_being_heard_is_followed_by_the_warning() -> None:
    talk = Talk(**LONG).answered()
    talk.wait(78.0)
    talk.agent_says(4.0)
    talk.wait(4.0)
    for name in list(talk.marks):
        talk.feed(e.MarkPlayed(name))
    assert "“We have to end soon.”" in only(talk.commands, c.AskForReply)[-1].instructions


def test_the_call_ends_also_in_the_middle_of_a_sentence() -> None:
    talk = Talk(**{**LONG, "call_warning": ""}).answered()
    talk.wait(95.0)
    talk.agent_says(60.0)
    assert only(talk.wait(6.0), c.EndCall) != []
    assert talk.notes(facts.AGENT_TURN)[-1]["unheard_text"] != ""


def test_without_words_or_time_for_it_nobody_is_warned() -> None:
    for left_out in ({"call_warning": ""}, {"call_warning_s": 0}):
        talk = Talk(**{**LONG, **left_out}).answered()
        assert orders(talk.wait(99.9)) == []
        assert orders(talk.wait(0.2)) == ["EndCall"]


def test_a_noise_is_no_answer_to_whether_the_caller_is_there() -> None:
    talk = Talk(**{**IDLE, "speech_probability": 0.8}).answered()
    for number in range(2):
        talk.wait(8.1)
        said(talk)
        talk.hears(64, probability=0.1)
        talk.caller_begins(f"n{number}")
        talk.hears(256, probability=0.1)
        talk.caller_stops(f"n{number}")
    talk.wait(8.1)
    assert [note["goodbye"] for note in talk.notes(facts.IDLE_PROMPT)] == [False, False, True]


def test_a_warning_that_the_caller_spoke_into_comes_with_the_next_answer() -> None:
    talk = Talk(**LONG).answered()
    talk.wait(80.1)
    request = talk.conversation.replies.asked
    talk.caller_begins("u1")
    talk.feed(e.ReplyCreated("r9", request))
    talk.feed(e.ReplyDone("r9", "cancelled"))
    (answer,) = only(talk.caller_stops("u1"), c.AskForReply)
    assert "“We have to end soon.”" in answer.instructions
