"""Reported orders: responses, their sound, and the server's idle timeout (sections 3.6 to 3.8, and sound without a name).

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
from tests.calls.conversation.talk import GATE, Talk, asks, only, orders, spoken

LIVE = [name for name, (state, _) in SITUATIONS.items() if state is not State.ENDED]


# --- 3.6: the order of responses


def test_late_sound_of_every_item_is_dropped_until_the_end_of_the_response_and_after_it() -> None:
    """3.6 and pitfall 8; openai-agents-js#1608, openai-agents-python#4135: deltas after the cancel and after speech_started."""
    talk = Talk().answered()
    reply, item = talk.agent_is_saying(2.0)
    talk.wait(0.5)
    talk.caller_begins("u2")
    talk.wait(0.6)
    late = talk.sound(reply, item, 0.5)
    late += talk.feed(e.ItemAdded(reply, "a2"))
    late += talk.sound(reply, "a2", 0.5)
    late += talk.feed(e.ReplyDone(reply, "cancelled"))
    late += talk.sound(reply, "a2", 0.25)
    assert orders(late) == ["DeleteItem"]
    assert talk.notes(facts.INTERRUPTION_SETTLED)[-1]["late_ms"] == 1250


def test_late_sound_does_not_disturb_the_next_reply() -> None:
    """Pitfall 8: the old generation's deltas must not start the playout again."""
    talk = Talk().answered()
    reply, item = talk.agent_says(3.0)
    talk.wait(0.5)
    talk.caller_begins("u2")
    talk.caller_stops("u2")
    new, new_item = talk.reply_begins()
    commands = talk.sound(new, new_item, 0.5) + talk.sound(reply, item, 0.5) + talk.sound(new, new_item, 0.5)
    assert {played.item_id for played in only(commands, c.PlayAudio)} == {new_item}
    assert spoken(commands) == 1.0


def test_the_next_reply_waits_for_the_end_of_the_cancelled_one() -> None:
    """3.6; openai-agents-python#2760, livekit/agents#2064, ReviewStage/luke#12: cancel and create back to back is refused."""
    talk = being("a reply is being made")
    talk.caller_begins("u2")
    assert asks(talk.caller_stops("u2") + talk.wait(0.5)) == 0
    talk.feed(e.ReplyDone("r0", "completed"))  # of another one: openai-agents-python#1466, codex#17306
    assert asks(talk.commands[-1:]) == 0
    assert asks(talk.feed(e.ReplyDone("r1", "cancelled"))) == 1


def test_also_a_reply_that_had_stalled_is_waited_for_after_its_cancel() -> None:
    """3.6: back to back is refused, however long ago the reply's last sound was."""
    talk = Talk().answered()
    talk.agent_is_saying(1.0)
    talk.wait(5.0)
    assert only(talk.caller_begins("u2"), c.CancelReply) == [c.CancelReply("r1")]
    commands = talk.wait(0.6) + talk.caller_stops("u2")
    assert asks(commands) == 0
    assert talk.notes(facts.STUCK) == []
    assert asks(talk.feed(e.ReplyDone("r1", "cancelled"))) == 1


def test_a_reply_that_the_caller_spoke_over_before_it_began_is_cancelled_on_arrival() -> None:
    """3.6; livekit/agents#6244: a cancel before response.created is a no-op, and the response then starts anyway."""
    talk = being("a reply is asked for")
    request = talk.conversation.replies.asked
    assert orders(talk.caller_begins("u2")) == []
    talk.caller_stops("u2")
    assert orders(talk.feed(e.ReplyCreated("r1", request))) == ["CancelReply"]
    late = talk.feed(e.ItemAdded("r1", "a1")) + talk.sound("r1", "a1", 0.5)
    assert orders(late) == ["DeleteItem"]
    assert asks(talk.feed(e.ReplyDone("r1", "cancelled", "client_cancelled"))) == 1


def test_a_cancel_that_comes_too_late_is_no_error() -> None:
    """3.5 and pitfall 7: the response ended while our cancel was on its way, response_cancel_not_active."""
    talk = being("a reply is being made")
    talk.caller_begins("u2")
    talk.feed(e.ReplyDone("r1", "completed"))
    talk.feed(e.ModelError("benign", "response_cancel_not_active", "", "cancel-1"))
    assert asks(talk.caller_stops("u2")) == 1


@pytest.mark.parametrize("situation", LIVE)
def test_a_cancel_always_names_its_reply(situation: str) -> None:
    """3.6 and pitfall 7; pydantic-ai#7870, #8132: a bare cancel hit the answer to the interruption."""
    talk = being(situation)
    talk.caller_begins("u3", 20_000)
    talk.wait(1.5)
    talk.feed(e.ReplyCreated("r9", talk.conversation.replies.asked))
    talk.wait(30.0)
    assert all(cancel.reply_id for cancel in only(talk.commands, c.CancelReply))
    assert len(set(only(talk.commands, c.CancelReply))) == len(only(talk.commands, c.CancelReply)), "cancelled twice"


def test_a_request_that_meets_an_active_reply_is_sent_again_when_that_has_ended() -> None:
    """3.5 and 3.6; openai-agents-python#1466: conversation_already_has_active_response, then its response.done."""
    talk = being("a reply is asked for")
    request = talk.conversation.replies.asked
    talk.feed(e.ModelError("benign", "conversation_already_has_active_response", "", request))
    commands = talk.feed(e.ReplyDone("r0", "completed")) + talk.wait(silence.RETRY_PAUSE)
    assert asks(commands) == 1
    reply, item = talk.reply_begins()
    assert spoken(talk.sound(reply, item, 1.0)) == 1.0


def test_a_request_that_meets_an_active_reply_for_ever_is_given_up() -> None:
    """Pitfall 12; ssdavidai/alfred#94: the error is repeated, and the call is dead."""
    talk = being("a reply is asked for")
    for _ in range(60):
        request = talk.conversation.replies.asked
        if request is not None:
            talk.feed(e.ModelError("benign", "conversation_already_has_active_response", "", request))
        talk.wait(1.0)
    assert talk.state is State.ENDED
    assert only(talk.commands, c.EndCall)[0].failed


def test_a_reply_whose_end_overtakes_its_beginning_is_heard() -> None:
    """3.6, LiveKit's handler: with its sound between the two."""
    talk = being("a reply is asked for")
    request = talk.conversation.replies.asked
    talk.sound("r1", "a1", 1.0)
    talk.feed(e.ReplyDone("r1", "completed"))
    talk.feed(e.ReplyCreated("r1", request))
    talk.wait(3.0)
    assert talk.notes(facts.AGENT_TURN)[0]["heard_ms"] == 1000
    assert talk.state is State.LISTENING
    assert talk.conversation.replies.free


def test_a_reply_that_ended_before_it_began_and_had_no_sound_is_asked_for_again() -> None:
    """3.6: done before created. Who waits for an answer still waits."""
    talk = being("a reply is asked for")
    request = talk.conversation.replies.asked
    commands = talk.feed(e.ReplyDone("r1", "failed", "", "server_error"))
    commands += talk.feed(e.ReplyCreated("r1", request))
    assert asks(commands + talk.wait(silence.RETRY_PAUSE)) == 1


def test_the_end_of_a_reply_that_never_began_does_not_keep_the_caller_waiting() -> None:
    """3.6: response.done without response.created has been seen around interruptions. It can only be of the reply that was
    asked for."""
    talk = being("a reply is asked for")
    commands = talk.feed(e.ReplyDone("r1", "cancelled", "turn_detected"))
    assert asks(commands + talk.wait(1.0)) == 1


def test_the_end_of_an_unwanted_reply_that_never_began_frees_the_conversation() -> None:
    """3.6: the same, after the caller spoke before response.created."""
    talk = being("a reply is asked for")
    talk.caller_begins("u2")
    commands = talk.feed(e.ReplyDone("r1", "cancelled", "turn_detected"))
    commands += talk.caller_stops("u2")
    assert asks(commands + talk.wait(1.0)) == 1


def test_a_second_beginning_of_a_reply_that_was_heard_is_nothing_new() -> None:
    """3.6: the same event twice, while the next reply is asked for already."""
    talk = Talk().answered()
    reply, _ = talk.agent_says(1.0)
    talk.wait(3.0)
    talk.caller_begins("u2")
    talk.caller_stops("u2")
    talk.feed(e.ReplyCreated(reply))
    assert talk.state is State.PREPARING
    new, item = talk.reply_begins()
    assert spoken(talk.sound(new, item, 1.0)) == 1.0


def test_of_commentary_and_final_answer_each_is_cut_at_its_own_place() -> None:
    """3.6; pipecat#4465, openai-agents-js#1608, openclaw#138592: heard to its end, partly, and not at all."""
    talk = Talk().answered()
    reply, commentary = talk.agent_is_saying(1.0)
    talk.feed(e.ReplyAudioDone(reply, commentary, 0))
    for item in ("final_answer", "more"):
        talk.feed(e.ItemAdded(reply, item))
        talk.sound(reply, item, 2.0)
        talk.feed(e.ReplyAudioDone(reply, item, 0))
    talk.reply_done(reply)
    talk.wait(2.0)
    cuts = only(talk.caller_begins("u2"), c.TruncateReply)
    assert cuts == [c.TruncateReply("final_answer", 0, 1000), c.TruncateReply("more", 0, 0)]
    assert [turn["heard_ms"] for turn in talk.notes(facts.AGENT_TURN)] == [1000, 1000, 0]


def test_the_end_of_an_item_may_come_after_the_beginning_of_the_next() -> None:
    """3.6, recorded on 2.1: `.done` of index 0 after events of index 1. The rest of a frame of the first is heard before the
    second, or it would click in the middle of it."""
    talk = Talk().answered()
    reply, first = talk.agent_is_saying(0.0)
    commands = talk.feed(e.ReplyAudio(reply, first, 0, b"\x55" * 2040))
    commands += talk.feed(e.ItemAdded(reply, "second"))
    commands += talk.feed(e.ReplyAudio(reply, "second", 0, b"\x22" * 1600))
    commands += talk.feed(e.ReplyAudioDone(reply, first, 0))
    commands += talk.feed(e.ReplyAudio(reply, "second", 0, b"\x22" * 1600))
    commands += talk.reply_done(reply, "second")
    played = [command.item_id for command in only(commands, c.PlayAudio)]
    assert played == sorted(played, key=[first, "second"].index)
    sound = b"".join(command.audio for command in only(commands, c.PlayAudio)).replace(b"\xff", b"")
    assert sound == b"\x55" * 2040 + b"\x22" * 3200


def test_a_call_of_a_function_is_no_item_that_could_be_heard_or_cut() -> None:
    """Pitfall 17 and 3.6: `function_call` beside the message, and its events after the message's sound."""
    talk = Talk().answered()
    reply, item = talk.agent_is_saying(2.0)
    talk.feed(e.ItemAdded(reply, "f1", "function_call"))
    talk.wait(0.5)
    commands = talk.caller_begins("u2")
    assert only(commands, c.TruncateReply, c.DeleteItem) == [c.TruncateReply(item, 0, 500)]
    assert orders(talk.feed(e.ItemAdded(reply, "f2", "function_call"))) == []


def test_words_come_before_the_item_they_belong_to() -> None:
    """3.6, recorded with gpt-realtime-whisper: transcription before speech_stopped and committed."""
    talk = being("the caller speaks")
    talk.feed(e.EarlyWords("u1", "I need"))
    talk.feed(e.CallerTranscript("u1", "I need an appointment."))
    talk.caller_stops("u1")
    told = only(talk.link_is_restored(), c.AddItem)
    assert [(line.role, line.text) for line in told[:-1]] == [("user", "I need an appointment.")]


def test_words_come_in_the_middle_of_the_answer() -> None:
    """3.6, recorded: `completed` among the deltas of the reply's sound."""
    talk = Talk(**GATE, interrupt_phrases=("stop",)).answered()
    reply, item = talk.agent_is_saying(1.0)
    assert orders(talk.feed(e.CallerTranscript("u1", "Stop the subscription."))) == []
    assert spoken(talk.sound(reply, item, 1.0)) == 1.0
    assert talk.state is State.REPLYING


def test_words_that_come_out_of_order_stand_in_the_order_of_the_speech() -> None:
    """3.6 and pitfall 16; openclaw#113723, livekit/agents-js#2165."""
    talk = Talk().answered()
    for item in ("u1", "u2"):
        talk.caller_begins(item)
        talk.caller_stops(item)
    talk.feed(e.CallerTranscript("u2", "The second."))
    talk.feed(e.CallerTranscript("u1", "The first."))
    told = only(talk.link_is_restored(), c.AddItem)
    assert [line.text for line in told[:-1]] == ["The first.", "The second."]


def test_words_that_could_not_be_made_out_are_not_waited_for() -> None:
    """3.6: `failed` is settled."""
    talk = being("what was said is no item yet")
    talk.feed(e.CallerTranscriptFailed("u1", "audio_unintelligible"))
    assert asks(talk.feed(e.InputCommitted("u1"))) == 1


@pytest.mark.parametrize("code", ["inference_rate_limit_exceeded", "server_error"])
def test_a_failed_reply_is_asked_for_again_after_a_pause(code: str) -> None:
    """3.6: `failed` with status_details."""
    talk = being("a reply has begun without a sound")
    assert asks(talk.feed(e.ReplyDone("r1", "failed", "", code))) == 0
    assert asks(talk.wait(silence.RETRY_PAUSE)) == 1


def test_a_reply_that_fails_in_the_middle_is_heard_as_far_as_it_came() -> None:
    """3.6: `failed` after some sound."""
    talk = being("a reply is being made")
    talk.feed(e.ReplyDone("r1", "failed", "", "server_error"))
    assert talk.state is State.REPLYING
    assert asks(talk.wait(6.0)) == 0
    assert talk.state is State.LISTENING


@pytest.mark.parametrize("reason", ["max_output_tokens", "content_filter"])
def test_an_incomplete_reply_is_heard_as_far_as_it_came(reason: str) -> None:
    """3.6: `incomplete`."""
    talk = being("a reply is being made")
    talk.feed(e.ReplyDone("r1", "incomplete", reason))
    talk.wait(6.0)
    assert talk.notes(facts.AGENT_TURN)[0]["heard_ms"] == 5000
    assert talk.state is State.LISTENING


def test_an_incomplete_reply_without_a_sound_is_asked_for_again_but_not_for_ever() -> None:
    """3.6: `incomplete` by the content filter, again and again."""
    talk = being("a reply is asked for")
    for number in range(silence.REPLY_ATTEMPTS + 1):
        if talk.conversation.replies.asked:
            reply, _ = talk.reply_begins(f"r{number}", f"a{number}")
            talk.feed(e.ReplyDone(reply, "incomplete", "content_filter"))
        talk.wait(1.0)
    assert asks(talk.commands) == silence.REPLY_ATTEMPTS
    assert talk.state is State.LISTENING


# --- 3.7: how the sound comes


def test_a_long_reply_is_received_in_a_tenth_of_its_time_and_in_pieces_of_any_size() -> None:
    """3.7, recorded: about 2,000 bytes a delta, 12 times faster than it is heard."""
    talk = Talk().answered()
    reply, item = talk.agent_is_saying(0.0)
    for _ in range(80):
        talk.feed(e.ReplyAudio(reply, item, 0, b"\x55" * 2012))
        talk.now += 0.02
    talk.reply_done(reply, item)
    talk.now += 3.4
    (cut,) = only(talk.caller_begins("u2"), c.TruncateReply)
    assert cut.audio_end_ms == pytest.approx(5000, abs=1)


# --- 3.8: the server's idle timeout


def test_the_servers_idle_timeout_is_answered_and_is_no_turn_of_the_caller() -> None:
    """3.8, recorded (test_idle_timeout_nudge…): committed without speech, a reply that nobody asked for, empty words."""
    talk = Talk().answered()
    talk.agent_says(1.0)
    talk.wait(6.0)
    turns = len(talk.notes(facts.CALLER_TURN))
    talk.feed(e.InputCommitted("item_U2"))
    talk.feed(e.ReplyCreated("r9"))
    talk.feed(e.ItemAdded("r9", "a9"))
    assert spoken(talk.sound("r9", "a9", 1.0)) == 1.0
    talk.feed(e.CallerTranscript("item_U2", ""))
    talk.reply_done("r9", "a9")
    assert asks(talk.wait(5.0)) == 0
    assert talk.state is State.LISTENING
    assert len(talk.notes(facts.CALLER_TURN)) == turns
    assert talk.notes(facts.UNEXPECTED) == []


def test_an_idle_timeout_that_comes_while_the_reply_can_still_be_heard_is_heard_after_it() -> None:
    """3.8: if the playout lags, the timer fires early from the caller's view."""
    talk = being("a reply is made and can still be heard")
    talk.feed(e.InputCommitted("item_U2"))
    talk.feed(e.ReplyCreated("r9"))
    (first, *_) = only(talk.sound("r9", "a9", 1.0), c.PlayAudio)
    assert first.play_at == pytest.approx(talk.now + 4.5)
    talk.reply_done("r9", "a9")
    talk.wait(1.0)
    cuts = only(talk.caller_begins("u2", 10_000) + talk.ear(0.5, 0.9), c.TruncateReply)
    assert cuts == [c.TruncateReply("a1", 0, 1500), c.TruncateReply("a9", 0, 0)]


@pytest.mark.parametrize("status", ["failed", "completed"])
def test_a_second_reply_that_comes_to_nothing_leaves_the_first_to_be_interrupted(status: str) -> None:
    """3.8 with 3.6: the early idle reply meets the rate limit while the first can still be heard; dograh#296."""
    talk = Talk().answered()
    _, item = talk.agent_says(10.0)
    talk.wait(1.0)
    talk.feed(e.ReplyCreated("r9"))
    talk.feed(e.ReplyDone("r9", status, "", "inference_rate_limit_exceeded"))
    talk.wait(0.2)
    commands = talk.caller_begins("u2")
    assert only(commands, c.TruncateReply) == [c.TruncateReply(item, 0, 1200)]
    assert "ClearPlayback" in orders(commands)


def test_a_second_reply_that_comes_to_nothing_does_not_end_the_first_while_speech_is_weighed() -> None:
    """3.8 with 3.6, and the caller speaks meanwhile."""
    talk = Talk(stop_sound="when_sure", **GATE).answered()
    talk.agent_says(10.0)
    talk.wait(1.0)
    talk.feed(e.ReplyCreated("r9"))
    talk.caller_begins("u2", 10_000)
    talk.feed(e.ReplyDone("r9", "failed", "", "inference_rate_limit_exceeded"))
    assert talk.notes(facts.REPLY_FINISHED) == []
    assert "ClearPlayback" in orders(talk.wait(1.5))


# --- sound that names no reply


def test_a_source_that_never_names_a_reply_is_heard_again_after_an_interruption() -> None:
    """An empty response_id on the parts of a response. The time window must not become one for ever."""
    talk = being("a reply is asked for")
    talk.feed(e.ReplyCreated("r1", talk.conversation.replies.asked))
    talk.sound("", "a1", 2.0)
    talk.wait(0.5)
    talk.caller_begins("u2")
    assert spoken(talk.sound("", "a1", 0.25)) == 0
    talk.feed(e.ReplyDone("r1", "cancelled"))
    talk.wait(1.0)
    talk.caller_stops("u2")
    talk.feed(e.ReplyCreated("r2", talk.conversation.replies.asked))
    assert spoken(talk.sound("", "a2", 1.0)) == 1.0


def test_sound_that_names_no_reply_is_of_the_reply_that_is_being_made() -> None:
    """An empty response_id on the parts of a response, and its end with the id: it was not without a sound."""
    talk = being("a reply is asked for")
    talk.feed(e.ReplyCreated("r1", talk.conversation.replies.asked))
    talk.sound("", "a1", 1.0)
    talk.feed(e.ReplyDone("r1", "completed"))
    assert asks(talk.wait(5.0)) == 0
    assert talk.notes(facts.AGENT_TURN)[0]["heard_ms"] == 1000
    assert talk.state is State.LISTENING


def test_one_part_that_names_no_reply_does_not_end_the_call() -> None:
    """An empty response_id is not the id of the goodbye."""
    talk = Talk().answered()
    reply, item = talk.agent_is_saying(1.0)
    talk.sound("", "a2", 0.5)
    talk.reply_done(reply, item)
    talk.wait(5.0)
    assert talk.state is State.LISTENING
