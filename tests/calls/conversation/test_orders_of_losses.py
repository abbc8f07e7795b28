"""Reported orders: expiry and loss, pitfalls, and marks (sections 3.9 and 4, Twilio).

Each test says where its order was seen: a section of OpenAI's reference or guide as our notes number them ("3.6"), a recording
of the live service (pydantic-ai's cassettes), or the thread in which somebody reported it.
"""

from __future__ import annotations

import pytest

from calls.conversation import commands as c
from calls.conversation import events as e
from calls.conversation import facts, silence
from calls.conversation.states import State
from tests.calls.conversation.situations import SITUATIONS, being
from tests.calls.conversation.talk import EAR, GATE, Talk, asks, only, orders, spoken

LIVE = [name for name, (state, _) in SITUATIONS.items() if state is not State.ENDED]


# --- 3.9: expiry and loss


def test_an_expired_session_is_replaced_and_the_conversation_goes_on() -> None:
    """1 and 3.9; reachy_mini_conversation_app#134, livekit/agents#2358: session_expired, then close 1001."""
    talk = Talk(greeting="Hello.").answered()
    talk.greets()
    talk.wait(4.0)
    assert orders(talk.feed(e.ModelError("retryable", "session_expired"))) == []
    assert orders(talk.feed(e.LinkLost("closed with 1001"))) == ["OpenModel"]
    commands = talk.feed(e.ModelReady("sess_2"))
    assert [line.role for line in only(commands, c.AddItem)] == ["assistant", "system"]
    assert asks(commands) == 0  # nobody waits for an answer, and nobody is greeted twice
    assert talk.state is State.LISTENING


def test_a_caller_who_waits_for_an_answer_gets_it_from_the_new_session() -> None:
    """3.9: a reply is asked for only if the caller's turn is unanswered."""
    talk = being("a reply is asked for")
    talk.feed(e.CallerTranscript("u1", "I need an appointment."))
    commands = talk.link_is_restored()
    assert asks(commands) == 1
    assert only(commands, c.AddItem)[0].text == "I need an appointment."


def test_of_a_reply_that_was_interrupted_the_new_session_is_told_what_was_heard() -> None:
    """3.9; pipecat#2791, #5303: the context keeps words that the caller never heard."""
    talk = Talk().answered()
    talk.agent_says(6.0, "one two three four five six")
    talk.wait(3.05)
    talk.caller_begins("u2")
    talk.caller_stops("u2")
    told = only(talk.link_is_restored(), c.AddItem)
    assert [line.text for line in told if line.role == "assistant"] == ["one two three"]


def test_no_id_of_the_old_session_is_used_in_the_new_one() -> None:
    """3.9: ids, marks and offsets die with the socket."""
    talk = being("a reply is being made")
    talk.link_is_restored()
    commands = talk.caller_begins("u2")
    assert "ClearPlayback" in orders(commands)
    assert only(commands, c.CancelReply, c.TruncateReply, c.DeleteItem) == []


def test_the_new_session_knows_what_the_agent_is_saying_just_now() -> None:
    """3.9: of the agent's lines what was heard. The caller answers the question that is still to be heard to its end."""
    talk = Talk().answered()
    talk.agent_says(4.0, "We have ten o'clock on Monday. Is that all right?")
    talk.wait(3.0)
    told = [line.text for line in only(talk.link_is_restored(), c.AddItem) if line.role == "assistant"]
    assert told
    assert told[0].startswith("We have ten o'clock")


def test_an_answer_that_is_being_heard_is_not_asked_for_a_second_time() -> None:
    """3.9: the caller is answered already; the answer plays on while the link is down."""
    talk = Talk().answered()
    talk.agent_says(5.0)
    talk.wait(2.0)
    assert asks(talk.link_is_restored()) == 0
    assert asks(talk.wait(10.0)) == 0


def test_a_link_that_is_lost_in_the_middle_of_a_held_reply_lets_it_go_on() -> None:
    """3.9, with a reply that waits for the verdict: what was made is heard, once."""
    talk = being("a reply is held")
    commands = talk.feed(e.LinkLost("closed with 1006"))
    assert spoken(commands) == pytest.approx(1.5, abs=0.31)  # and a step back to a word
    talk.wait(0.3)
    talk.feed(e.ModelReady("sess_2"))
    assert spoken(talk.wait(5.0)) == 0
    assert talk.notes(facts.AGENT_TURN)[-1]["heard_ms"] == 2000


def test_a_link_that_is_lost_while_a_reply_is_held_before_its_first_sound_is_made_good() -> None:
    """3.9: the reply died with the socket, and the caller's question with it has no answer."""
    talk = being("a reply without a sound is held")
    talk.feed(e.CallerTranscript("u1", "I need an appointment."))
    assert asks(talk.link_is_restored()) == 1


def test_what_was_said_over_a_reply_is_answered_though_the_link_is_lost() -> None:
    """3.9 with pipecat#5425: words over a greeting that is heard to its end, and a new session that stands after it."""
    talk = Talk(greeting="Hello.", protect_greeting=True).answered()
    talk.greets(2.0)
    talk.wait(0.5)
    talk.caller_begins()
    talk.wait(0.5)
    talk.caller_stops()
    talk.feed(e.CallerTranscript("u1", "I need an appointment."))
    assert asks(talk.link_is_restored(after=4.0) + talk.wait(2.0)) == 1


def test_the_conversation_is_told_again_in_the_order_in_which_it_was_said() -> None:
    """3.9 and 3.6: items in order. What was said over a greeting came after its beginning."""
    talk = Talk(greeting="Hello.", protect_greeting=True).answered()
    talk.greets(2.0)
    talk.wait(0.5)
    talk.caller_begins()
    talk.wait(0.5)
    talk.caller_stops()
    talk.feed(e.CallerTranscript("u1", "I need an appointment."))
    talk.wait(3.0)
    told = only(talk.link_is_restored(), c.AddItem)
    assert [line.text for line in told[:-1]] == ["Hello.", "I need an appointment."]


@pytest.mark.parametrize("stopped", [True, False])
def test_words_that_died_with_the_link_before_they_were_an_item_are_asked_for(stopped: bool) -> None:
    """3.9 with livekit/agents-js#1124: lost between speech_stopped and committed, or just before speech_stopped; silent for
    the rest of the call, and no error."""
    talk = Talk().answered()
    talk.agent_says(1.0)
    talk.wait(3.0)
    talk.caller_begins("u2")
    if stopped:
        talk.feed(e.SpeechStopped("u2", 3000))
    assert asks(talk.link_is_restored() + talk.wait(5.0)) == 1


def test_a_caller_who_speaks_on_in_the_new_session_is_not_asked_meanwhile() -> None:
    """3.9: the link is lost in the middle of a sentence, and the new session hears its end."""
    talk = being("the caller speaks")
    commands = talk.link_is_restored()
    commands += talk.wait(0.2) + talk.caller_begins("u2") + talk.wait(3.0)
    assert asks(commands) == 0
    assert asks(talk.caller_stops("u2")) == 1
    assert talk.notes(facts.INTERRUPTION) == []


# --- 4: pitfalls that have not had their turn yet


def test_an_ordinary_turn_stops_nothing() -> None:
    """Pitfall 4; openai-agents-js#523, openai-agents-python#2370, #2374, #2385: speech_started on every turn."""
    talk = Talk().answered()
    talk.agent_says(1.0)
    talk.wait(1.05)  # heard, and its last mark is on its way
    assert orders(talk.caller_begins("u2")) == []
    assert talk.notes(facts.INTERRUPTION) == []


def test_an_item_is_measured_from_its_own_beginning() -> None:
    """Pitfall 1; twilio python sample#45: the start of the first item with the id of the second, 9250 against 57340 ms."""
    talk = Talk().answered()
    for _ in range(3):
        talk.agent_says(4.0)
        talk.wait(6.0)
    talk.agent_says(4.0)
    talk.wait(1.0)
    assert only(talk.caller_begins("u2"), c.TruncateReply) == [c.TruncateReply("a4", 0, 1000)]


def test_a_noise_over_the_agent_costs_nothing_but_a_pause() -> None:
    """Pitfall 10; twilio node sample#19, openai-realtime-api-beta#48, hybridclaw#1503, siphon-ai#173; pipecat#1661."""
    talk = Talk(**GATE).answered()
    talk.agent_says(4.0)
    talk.wait(1.0)
    commands = talk.murmurs("u2")
    assert orders(commands)[0] == "ClearPlayback"
    assert spoken(commands) == 3.0
    assert only(commands, c.DeleteItem) == [c.DeleteItem("u2")]
    assert not only(commands, c.CancelReply, c.TruncateReply, c.AskForReply)


def test_small_words_one_after_the_other_do_not_add_up_to_an_interruption() -> None:
    """livekit/livekit#4270: min_interruption_words accumulates over the whole turn of the agent."""
    talk = Talk(**GATE).answered()
    talk.agent_says(20.0)
    for number in range(6):
        talk.wait(1.5)
        talk.murmurs(f"m{number}", 10_000 + 2000 * number, spoken_ms=300)
    assert talk.notes(facts.INTERRUPTION) == []
    assert len(talk.notes(facts.INTERRUPTION_REFUSED)) == 6
    assert talk.state is State.REPLYING


def test_a_greeting_that_is_interrupted_is_cut_and_not_said_again() -> None:
    """Pitfall 11; aiavatarkit#356."""
    talk = Talk(greeting="Hello, this is the dentist.").answered()
    reply, item = talk.reply_begins()
    talk.sound(reply, item, 3.0)
    talk.wait(0.5)
    assert orders(talk.caller_begins()) == ["ClearPlayback", "CancelReply", "TruncateReply"]
    talk.caller_stops()
    (ask,) = only(talk.feed(e.ReplyDone(reply, "cancelled")), c.AskForReply)
    assert ask.instructions == ""


def test_hello_over_a_protected_greeting_before_its_first_sound_is_answered_after_it() -> None:
    """Pitfall 11 and pipecat#5425: a muted greeting stranded the turn for the rest of the call; livekit/agents#5001."""
    talk = Talk(greeting="This call is recorded.", protect_greeting=True).answered()
    assert orders(talk.caller_begins()) == []
    reply, item = talk.reply_begins()
    assert orders(talk.caller_stops()) == []
    assert spoken(talk.sound(reply, item, 3.0)) == 3.0
    talk.reply_done(reply, item)
    assert asks(talk.wait(2.9)) == 0
    commands = talk.wait(2.0)
    assert asks(commands) == 1
    assert only(commands, c.AskForReply)[0].instructions == ""


def test_hello_before_a_protected_greeting_is_created_does_not_withdraw_it() -> None:
    """Pitfall 11 with livekit/agents#6244: said in the time between response.create and response.created."""
    talk = Talk(greeting="This call is recorded.", protect_greeting=True).answered()
    talk.caller_begins()
    talk.caller_stops()
    reply, item = talk.reply_begins()
    assert only(talk.commands, c.CancelReply) == []
    assert spoken(talk.sound(reply, item, 2.0)) == 2.0


def test_hello_over_a_protected_greeting_that_was_refused_does_not_put_it_off() -> None:
    """Pitfall 11 with 3.6: the greeting met the rate limit, and the caller speaks in the pause before the next try."""
    talk = Talk(greeting="This call is recorded.", protect_greeting=True).answered()
    reply, _ = talk.reply_begins()
    talk.feed(e.ReplyDone(reply, "failed", "", "inference_rate_limit_exceeded"))
    talk.wait(silence.RETRY_PAUSE / 2)
    talk.caller_begins()
    assert asks(talk.wait(silence.RETRY_PAUSE / 2)) == 1
    assert talk.notes(facts.STUCK) == []


def test_a_noise_that_outlasts_a_protected_greeting_does_not_bring_it_twice() -> None:
    """Pitfalls 10 and 11: a hum from before the greeting's first sound until after its end."""
    talk = Talk(greeting="This call is recorded.", protect_greeting=True, **EAR).answered()
    talk.ear(0.5, 0.1)
    talk.caller_begins()
    talk.greets(1.0)
    talk.ear(3.0, 0.1)
    commands = talk.caller_stops() + talk.wait(1.0)
    assert asks(commands) == 0
    assert talk.state is State.LISTENING


def test_a_caller_whom_the_models_vad_never_hears_stops_the_agent_and_is_asked_again() -> None:
    """Pitfall 11; ssdavidai/alfred#94: not a single speech_started in a whole call."""
    talk = Talk(**EAR).answered()
    _, item = talk.agent_says(5.0)
    talk.wait(1.0)
    commands = talk.ear(0.5, 0.9)
    assert [cut.item_id for cut in only(commands, c.TruncateReply)] == [item]
    commands = talk.ear(3.0, 0.1)
    (ask,) = only(commands, c.AskForReply)
    assert "could not be understood" in ask.instructions


def test_the_servers_reply_wins_the_race_with_ours_and_is_the_only_one() -> None:
    """Pitfall 12; hybridclaw#1502: VAD's response was created first, and ours is refused."""
    talk = being("a reply is asked for")
    request = talk.conversation.replies.asked
    talk.feed(e.ReplyCreated("r9"))
    talk.feed(e.ModelError("benign", "conversation_already_has_active_response", "", request))
    assert spoken(talk.sound("r9", "a9", 1.0)) == 1.0
    talk.reply_done("r9", "a9")
    assert asks(talk.wait(10.0)) == 0
    assert talk.state is State.LISTENING


def test_the_refusal_of_our_request_may_come_before_the_servers_own_reply_is_known() -> None:
    """Pitfall 12: the same race, the other way round."""
    talk = being("a reply is asked for")
    talk.feed(e.ModelError("benign", "conversation_already_has_active_response", "", talk.conversation.replies.asked))
    talk.feed(e.ReplyCreated("r9"))
    talk.sound("r9", "a9", 1.0)
    talk.reply_done("r9", "a9")
    assert asks(talk.wait(10.0)) == 0


def test_a_reply_that_begins_while_the_caller_speaks_is_withdrawn() -> None:
    """livekit/agents#3903: agent and caller start together."""
    talk = being("the caller speaks")
    assert orders(talk.feed(e.ReplyCreated("r9"))) == ["CancelReply"]
    assert orders(talk.feed(e.ItemAdded("r9", "a9")) + talk.sound("r9", "a9", 1.0)) == ["DeleteItem"]


def test_the_agents_words_run_ahead_of_its_sound_and_are_split_by_the_sound() -> None:
    """Pitfall 16; livekit/agents#2201: all words are there before a second was heard."""
    talk = Talk().answered()
    talk.agent_says(6.0, "one two three four five six")
    talk.wait(1.0)
    talk.caller_begins("u2")
    (turn,) = talk.notes(facts.AGENT_TURN)
    assert (turn["heard_text"], turn["unheard_text"]) == ("one", "two three four five six")


@pytest.mark.parametrize("situation", LIVE)
def test_nothing_that_comes_after_the_caller_hung_up_is_acted_on(situation: str) -> None:
    """Pitfall 18; block/berd#318: errors after the stop must not surface."""
    talk = being(situation)
    talk.feed(e.PhoneClosed("caller hung up"))
    for event in (
        e.ReplyAudio("r1", "a1", 0, b"\x55" * 2000),
        e.ReplyDone("r1", "cancelled"),
        e.ModelError("benign", "response_cancel_not_active"),
        e.ModelError("fatal", "insufficient_quota"),
        e.MarkPlayed("g1:1"),
        e.LinkLost("closed with 1000"),
        e.ModelReady("sess_2"),
        e.PhoneClosed("caller hung up"),
    ):
        assert talk.feed(event) == []
    assert talk.wait(200.0) == []


# --- Twilio: marks


def interrupted() -> tuple[Talk, list[str]]:
    """A reply of five seconds, interrupted after one; and its marks, none of which had come back by then."""
    talk = Talk().answered()
    talk.agent_says(5.0)
    waiting = list(talk.marks)
    talk.wait(1.0)
    talk.caller_begins("u2")
    return talk, waiting


def test_marks_that_a_clear_brings_back_do_not_count_as_heard() -> None:
    """Twilio A.5 and pitfall 9; vellum-assistant#38316, bolna#984: `clear` returns every mark that was waiting."""
    talk, waiting = interrupted()
    for name in waiting:
        assert orders(talk.feed(e.MarkPlayed(name))) == []
    (turn,) = talk.notes(facts.AGENT_TURN)
    assert turn["heard_ms"] == 1000
    assert talk.state is State.HEARING


def test_marks_of_an_older_generation_do_not_count_for_the_reply_that_has_begun_since() -> None:
    """Pitfall 9, openai-agents' Python example: late marks re-arm the tracker with the interrupted item."""
    talk, waiting = interrupted()
    talk.caller_stops("u2")
    reply, item = talk.reply_begins()
    talk.sound(reply, item, 2.0)
    talk.reply_done(reply, item)
    for name in waiting:
        talk.feed(e.MarkPlayed(name))
    assert talk.state is State.REPLYING
    talk.wait(0.5)
    assert only(talk.caller_begins("u3"), c.TruncateReply) == [c.TruncateReply(item, 0, 500)]


def test_marks_that_the_clear_of_a_hold_brings_back_do_not_count_when_the_reply_goes_on() -> None:
    """Twilio A.5, with a reply that is held and not destroyed."""
    talk = Talk(**GATE).answered()
    _, item = talk.agent_says(5.0)
    waiting = list(talk.marks)
    talk.wait(1.0)
    talk.caller_begins("u2", 10_000)
    for name in waiting:
        talk.feed(e.MarkPlayed(name))
    assert talk.state is State.HOLDING
    talk.wait(0.7)
    talk.caller_stops("u2", 11_000)
    talk.wait(1.0)
    talk.caller_begins("u3", 20_000)
    assert only(talk.wait(1.5), c.TruncateReply) == [c.TruncateReply(item, 0, 2000)]


def test_a_carrier_that_returns_no_marks_after_a_clear_is_not_waited_for() -> None:
    """Carriers B.1: Plivo and Vonage drop them."""
    talk = Talk().answered()
    talk.agent_says(5.0)
    talk.wait(1.0)
    talk.caller_begins("u2")
    talk.caller_stops("u2")
    reply, item = talk.reply_begins()
    talk.sound(reply, item, 1.0)
    talk.reply_done(reply, item)
    talk.wait(0.9)
    talk.marks_return()
    talk.wait(0.2)
    assert talk.state is State.LISTENING


def test_a_mark_that_returns_at_once_because_nothing_is_queued_is_no_sound() -> None:
    """Twilio A.5: returned immediately if nothing is queued."""
    talk = Talk()
    talk.feed(e.CallAnswered())
    assert talk.marks_return() == []
    talk.feed(e.ModelReady("sess_1"))
    assert talk.state is State.LISTENING


def test_a_mark_that_is_not_ours_is_nobodys() -> None:
    """Twilio A.5: unknown names are logged at most."""
    talk = being("a reply is made and can still be heard")
    assert talk.feed(e.MarkPlayed("responsePart")) == []
    assert talk.state is State.REPLYING


def test_a_mark_that_crossed_the_clear_changes_nothing_any_more() -> None:
    """Twilio A.5: the phone had played a little more by the time the clear reached it."""
    talk, waiting = interrupted()
    before = talk.notes(facts.AGENT_TURN)
    talk.feed(e.MarkPlayed(waiting[5]))
    assert talk.notes(facts.AGENT_TURN) == before
