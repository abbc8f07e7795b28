"""Reported orders: what users of other systems complain about, and settings that change meanwhile.

Each test says where its order was seen: a section of OpenAI's reference or guide as our notes number them ("3.6"), a recording
of the live service (pydantic-ai's cassettes), or the thread in which somebody reported it.
"""

from __future__ import annotations

import pytest

from calls.conversation import commands as c
from calls.conversation import events as e
from calls.conversation import facts, silence
from calls.conversation.states import State
from tests.calls.conversation.situations import being
from tests.calls.conversation.talk import EAR, GATE, Talk, asks, only, orders, spoken

OVER_AGENT = ["the agent talks on while speech is weighed", "a reply is held"]


# --- what users report: cannot interrupt, or stops too late (D)


@pytest.mark.parametrize("situation", OVER_AGENT)
def test_stop_stops_the_agent_at_once(situation: str) -> None:
    """dograh#296: “keeps talking like a brutish robot even when I'm yelling stop”."""
    talk = being(situation)
    commands = talk.feed(e.EarlyWords("u2", "stop"))
    assert "TruncateReply" in orders(commands)
    assert talk.state is State.HEARING


def test_stop_that_was_taken_for_a_cough_stops_the_agent_when_its_words_come() -> None:
    """dograh#296: the word is shorter than the shortest interruption, and its transcript comes late."""
    talk = Talk(interrupt_phrases=("stop",), **GATE).answered()
    talk.agent_says(10.0)
    talk.wait(1.0)
    talk.murmurs("u2")
    commands = talk.feed(e.CallerTranscript("u2", "Stop!"))
    assert orders(commands) == ["ClearPlayback", "TruncateReply", "AddItem", "AskForReply"]


def test_speech_that_goes_on_across_the_deadline_wins() -> None:
    """pipecat#3191, OM1#2552: slow to interrupt, 2 to 3 s."""
    talk = Talk(stop_sound="when_sure", decide_by_ms=1200, **EAR).answered()
    talk.agent_says(10.0)
    talk.wait(1.0)
    talk.ear(0.1, 0.9)
    talk.caller_begins("u2", 10_000)
    began = talk.now
    while talk.state is not State.HEARING:
        talk.ear(0.032, 0.55 if round((talk.now - began) / 0.032) % 3 else 0.3, level_db=3.0)
        assert talk.now - began < 1.3


def test_every_later_interruption_works_like_the_first() -> None:
    """livekit/agents#3418, agents-js#1791: “speaking” but silent after an interruption, mostly on real calls."""
    talk = Talk(**GATE).answered()
    for number in range(5):
        talk.agent_says(6.0)
        talk.wait(1.0)
        talk.murmurs(f"m{number}")
        talk.wait(0.5)
        talk.caller_begins(f"i{number}", 20_000)
        assert len(only(talk.wait(1.2), c.TruncateReply)) == 1
        talk.caller_stops(f"i{number}", 23_000)
        reply, item = talk.reply_begins()
        assert spoken(talk.sound(reply, item, 1.0)) == 1.0
        talk.reply_done(reply, item)
        talk.wait(3.0)
    assert talk.notes(facts.STUCK) == []
    assert talk.notes(facts.UNEXPECTED) == []


# --- the agent cuts the caller off (E)


def test_a_number_in_groups_gets_one_answer_after_its_last_group() -> None:
    """livekit/agents#3701, #3484: the pause between two groups of digits is not the end."""
    talk = Talk(patience_number_ms=1500).answered()
    talk.agent_says(2.0, "What is your phone number?")
    talk.wait(3.0)
    commands: list[c.Command] = []
    for group in ("u2", "u3", "u4"):
        commands += talk.caller_begins(group)
        commands += talk.wait(1.0)
        commands += talk.caller_stops(group)
        commands += talk.wait(1.0)
    assert asks(commands) == 0
    assert asks(talk.wait(0.5)) == 1
    assert talk.notes(facts.INTERRUPTION) == []


def test_a_caller_who_goes_on_just_when_the_answer_is_asked_for_is_heard_out() -> None:
    """livekit/agents#3903: the request is on its way, and neither reply nor silence comes of it."""
    talk = being("a reply is asked for")
    request = talk.conversation.replies.asked
    talk.caller_begins("u2")
    talk.feed(e.ReplyCreated("r1", request))
    talk.feed(e.ReplyDone("r1", "cancelled"))
    assert spoken(talk.commands) == 0
    assert asks(talk.caller_stops("u2")) == 1


# --- stuck turns, dead air (G), and recovery (C)


def test_a_noise_before_the_reply_is_created_does_not_lose_it() -> None:
    """livekit/agents#1229; avc-phone-ai: noise 0.7 s after the request threw the reply away, 20 to 35 s of dead air."""
    talk = Talk(**EAR).answered()
    talk.caller_begins()
    talk.caller_stops()
    request = talk.conversation.replies.asked
    talk.ear(0.7, 0.1)
    talk.caller_begins("u2", 10_000)
    talk.ear(0.3, 0.1)
    talk.feed(e.ReplyCreated("r1", request))
    talk.feed(e.ReplyDone("r1", "cancelled"))
    assert asks(talk.caller_stops("u2", 11_000)) == 1


def test_a_noise_before_the_reply_is_created_does_not_lose_it_without_an_ear_either() -> None:
    """livekit/agents#1229: then the noise is a turn, and is answered with what went before it."""
    talk = being("a reply is asked for")
    request = talk.conversation.replies.asked
    talk.caller_begins("u2", 10_000)
    talk.feed(e.ReplyCreated("r1", request))
    talk.feed(e.ReplyDone("r1", "cancelled"))
    assert asks(talk.caller_stops("u2", 11_000)) == 1


def test_a_noise_while_the_caller_is_given_time_does_not_lose_the_reply() -> None:
    """livekit/agents#1229, in the pause before the request: what is wanted then is the answer, and not the greeting again."""
    talk = Talk(greeting="What is your number?", patience_number_ms=3000, **EAR).answered()
    talk.greets(text="What is your number?")
    talk.wait(4.0)
    talk.ear(0.5, 0.9)
    talk.caller_begins()
    talk.caller_stops()
    talk.ear(1.5, 0.1)
    talk.caller_begins("u2", 10_000)
    talk.ear(0.3, 0.1)
    commands = talk.caller_stops("u2", 11_000) + talk.wait(3.0)
    assert talk.notes(facts.TURN_REFUSED) != []
    assert [ask.instructions for ask in only(commands, c.AskForReply)] == [""]


def test_a_noise_before_the_first_sound_of_a_reply_leaves_it_alone() -> None:
    """livekit/agents#1229, pipecat#1661: created, and nothing heard yet."""
    talk = being("a reply without a sound is held")
    talk.sound("r1", "a1", 1.0)
    talk.wait(0.7)
    assert spoken(talk.caller_stops("u2", 11_000)) == 1.0
    assert only(talk.commands, c.CancelReply) == []


def test_a_reply_that_began_and_never_had_a_sound_is_asked_for_again() -> None:
    """livekit/agents#3418, agents-js#1124: the state says speaking, and nothing is heard for the rest of the call."""
    talk = being("a reply has begun without a sound")
    commands = talk.wait(silence.REPLY_STALLS)
    assert only(commands, c.CancelReply) == [c.CancelReply("r1")]
    commands += talk.feed(e.ReplyDone("r1", "cancelled"))
    assert asks(commands + talk.wait(1.0)) == 1


def test_sound_that_comes_after_a_stalled_reply_was_cancelled_is_dropped() -> None:
    """3.6: deltas on their way arrive after the cancel, whatever it was sent for. Nobody could stop them any more."""
    talk = Talk().answered()
    reply, item = talk.agent_is_saying(1.0)
    talk.wait(1.0 + silence.REPLY_STALLS)
    assert only(talk.commands, c.CancelReply) == [c.CancelReply(reply)]
    assert spoken(talk.sound(reply, item, 1.0)) == 0


def test_the_caller_who_speaks_into_the_end_of_the_goodbye_is_not_hung_up_on() -> None:
    """livekit/agents#3903 and #2829: “I cannot hear you. Goodbye.” – “I am here!”, before the last mark is back."""
    talk = being("goodbye has been said")
    talk.caller_begins("u2")
    assert talk.state is State.HEARING
    assert asks(talk.caller_stops("u2")) == 1


def test_a_goodbye_that_is_interrupted_does_not_end_the_call() -> None:
    """livekit/agents#2829: the caller was only away from the phone."""
    talk = Talk(idle_prompt_ms=8000, idle_prompts_max=0, idle_goodbye="Goodbye.").answered()
    talk.wait(8.0)
    talk.greets(2.0, "Goodbye.")
    talk.wait(1.0)
    talk.caller_begins("u2")
    talk.caller_stops("u2")
    reply, item = talk.reply_begins()
    talk.sound(reply, item, 1.0)
    talk.reply_done(reply, item)
    talk.wait(3.0)
    assert talk.state is State.LISTENING


def test_an_idle_prompt_that_meets_the_callers_first_word_is_withdrawn() -> None:
    """livekit/agents#3903, openai-agents-python#1763: both break the silence at once."""
    talk = Talk(idle_prompt_ms=8000, idle_prompt="Are you there?").answered()
    talk.wait(8.0)
    request = talk.conversation.replies.asked
    talk.caller_begins()
    assert orders(talk.feed(e.ReplyCreated("r1", request))) == ["CancelReply"]
    talk.feed(e.ReplyDone("r1", "cancelled"))
    (ask,) = only(talk.caller_stops(), c.AskForReply)
    assert ask.instructions == ""


# --- settings that change while the call runs (H)

STRICTER = {"turn_detection": {"type": "server_vad", "threshold": 0.8}}


def test_a_change_is_in_force_when_the_model_says_so_and_is_sent_whole() -> None:
    """livekit/agents-js#268, ricky0123/vad#173, and pitfall 14: partial turn_detection."""
    talk = Talk().answered()
    (sent,) = only(talk.settings_change(revision=7, **STRICTER), c.ConfigureModel)
    assert sent.turn_detection == STRICTER["turn_detection"]
    assert talk.conversation.settings.revision == 0
    talk.feed(e.ModelConfigured(sent.request_id))
    assert talk.conversation.settings.revision == 7


def test_a_change_during_a_held_reply_judges_it_by_the_new_settings() -> None:
    """pipecat#2153: interruptions are switched in the middle of one."""
    talk = Talk(**GATE).answered()
    talk.agent_says(5.0)
    talk.wait(1.0)
    talk.caller_begins("u2", 10_000)
    assert "TruncateReply" in orders(talk.settings_change())  # every speech is one now
    assert talk.state is State.HEARING


def test_a_change_during_a_held_reply_that_only_asks_for_more_keeps_it_held() -> None:
    """pipecat#2153, the other way: longer speech is asked for."""
    talk = Talk(**GATE).answered()
    talk.agent_says(5.0)
    talk.wait(1.0)
    talk.caller_begins("u2", 10_000)
    assert orders(talk.settings_change(**{**GATE, "min_speech_ms": 900})) == []
    assert talk.state is State.HOLDING
    talk.wait(1.1)
    assert spoken(talk.caller_stops("u2", 10_000 + 300 + 600 + 500)) == 4.0


def test_a_held_reply_is_cancelled_by_us_though_the_server_is_to_cancel_from_now_on() -> None:
    """livekit/agents#6642 with agents-js#268: the speech began while the server left cancelling to us."""
    talk = Talk(**GATE).answered()
    talk.agent_is_saying(3.0)
    talk.wait(0.5)
    talk.caller_begins("u2", 10_000)
    talk.settings_change(interrupt_response=True, **STRICTER)
    commands = talk.feed(e.ModelConfigured("settings-1"))
    assert "TruncateReply" in orders(commands)
    assert only(commands, c.CancelReply) == [c.CancelReply("r1")]


@pytest.mark.parametrize("situation", ["the model is being opened", "the model is to be opened again"])
def test_a_change_during_connecting_waits_for_the_session(situation: str) -> None:
    """agents-js#268: there is nobody yet to be told."""
    talk = being(situation)
    assert only(talk.settings_change(**STRICTER), c.ConfigureModel) == []
    assert len(only(talk.feed(e.ModelReady("sess_1")), c.ConfigureModel)) == 1
    talk.feed(e.ModelConfigured("settings-1"))
    assert len(talk.notes(facts.SETTINGS_APPLIED)) == 1


@pytest.mark.parametrize("code", ["cannot_update_voice", "invalid_value"])
def test_a_change_that_is_refused_leaves_the_call_with_what_it_had(code: str) -> None:
    """3.5: cannot_update_voice after the first sound, invalid_value for a value of another model."""
    talk = being("a reply is being made")
    talk.settings_change(revision=7, **STRICTER)
    assert orders(talk.feed(e.ModelError("retryable", code, "", "settings-1"))) == []
    assert talk.notes(facts.SETTINGS_REFUSED) == [{"revision": 7, "ticket": "t1", "code": code}]
    assert talk.conversation.settings.revision == 0
    assert talk.state is State.REPLYING


def test_a_change_that_is_never_answered_is_given_up() -> None:
    """agents-js#268: nobody is told that it is applied when it is not."""
    talk = Talk().answered()
    talk.settings_change(revision=7, **STRICTER)
    talk.wait(silence.SETTINGS_WAIT)
    assert [note["code"] for note in talk.notes(facts.SETTINGS_REFUSED)] == ["no_answer"]
    assert talk.conversation.deadline() is None


def test_a_change_that_is_answered_after_it_was_given_up_is_taken_back() -> None:
    """Patter#154: what the model says of its session is true, whatever was believed. It hears by other settings than we do,
    until it is told again what is in force."""
    present = {"type": "server_vad", "threshold": 0.5}
    talk = Talk(turn_detection=present).answered()
    talk.settings_change(revision=7, **STRICTER)
    talk.wait(silence.SETTINGS_WAIT)
    (again,) = only(talk.feed(e.ModelConfigured("settings-1")), c.ConfigureModel)
    assert again.turn_detection == present
    assert talk.feed(e.ModelConfigured(again.request_id)) == []
    assert talk.notes(facts.SETTINGS_APPLIED) == []


def test_of_two_changes_in_a_row_each_is_answered_and_the_last_stands() -> None:
    """agents-js#268: a slider that is moved twice."""
    talk = Talk().answered()
    first = talk.settings_change("t1", revision=7, **STRICTER)
    second = talk.settings_change("t2", revision=8, turn_detection={"type": "semantic_vad", "eagerness": "low"})
    assert (len(only(first, c.ConfigureModel)), len(only(second, c.ConfigureModel))) == (1, 0)
    (sent,) = only(talk.feed(e.ModelConfigured("settings-1")), c.ConfigureModel)
    talk.feed(e.ModelConfigured(sent.request_id))
    assert [note["ticket"] for note in talk.notes(facts.SETTINGS_APPLIED)] == ["t1", "t2"]
    assert talk.conversation.settings.revision == 8


def test_of_two_changes_the_second_does_not_suffer_from_the_refusal_of_the_first() -> None:
    """3.5 with agents-js#268."""
    talk = Talk().answered()
    talk.settings_change("t1", revision=7, **STRICTER)
    talk.settings_change("t2", revision=8)  # which the model need not know
    talk.feed(e.ModelError("retryable", "invalid_value", "", "settings-1"))
    assert talk.conversation.settings.revision == 8
    assert [note["ticket"] for note in talk.notes(facts.SETTINGS_REFUSED)] == ["t1"]


def test_a_change_that_died_with_the_link_is_offered_to_the_new_session() -> None:
    """3.9: what was sent and not answered is unknown to the new session."""
    talk = Talk().answered()
    talk.settings_change(revision=7, **STRICTER)
    (again,) = only(talk.link_is_restored(), c.ConfigureModel)
    talk.feed(e.ModelConfigured(again.request_id))
    assert talk.conversation.settings.revision == 7
    assert talk.notes(facts.SETTINGS_REFUSED) == []


def test_protection_that_is_switched_off_during_the_greeting_lets_the_caller_stop_it() -> None:
    """pipecat#2153, openai-realtime-api-beta#26: toggled while the message that it protects is heard."""
    talk = Talk(greeting="This call is recorded.", protect_greeting=True).answered()
    talk.greets(5.0)
    talk.wait(1.0)
    talk.settings_change(greeting="This call is recorded.")
    assert "TruncateReply" in orders(talk.caller_begins())
