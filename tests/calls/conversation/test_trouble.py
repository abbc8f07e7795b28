"""What must not last, errors and losses, and the end of the call."""

from __future__ import annotations

from calls.conversation import commands as c
from calls.conversation import events as e
from calls.conversation import facts, silence
from calls.conversation.states import State
from tests.calls.conversation.talk import Talk, only, orders

# --- what must not last


def test_a_commit_that_never_comes_is_not_waited_for() -> None:
    talk = Talk().answered()
    talk.caller_begins()
    talk.feed(e.SpeechStopped("u1", 3000))
    assert orders(talk.wait(silence.COMMIT_WAIT)) == ["AskForReply"]


def test_a_reply_that_never_comes_is_asked_for_again_and_then_the_call_ends_with_an_apology() -> None:
    talk = Talk().answered()
    talk.caller_begins()
    talk.caller_stops()
    commands = talk.wait(60.0)
    assert orders(commands) == ["AskForReply", "AskForReply", "EndCall"]
    assert only(commands, c.EndCall)[0].failed


def test_a_stall_in_the_middle_of_a_reply_ends_it() -> None:
    talk = Talk().answered()
    talk.caller_begins()
    talk.caller_stops()
    reply, item = talk.reply_begins()
    talk.sound(reply, item, 1.0)
    commands = talk.wait(1.0 + silence.REPLY_STALLS + 0.1)
    assert orders(commands) == ["CancelReply"]
    assert talk.state is State.LISTENING


def test_a_cancel_that_is_never_confirmed_does_not_silence_the_agent() -> None:
    talk = Talk().answered()
    talk.caller_begins()
    talk.caller_stops()
    reply, item = talk.reply_begins()
    talk.sound(reply, item, 5.0)
    talk.caller_begins("u2")
    talk.caller_stops("u2")
    assert "AskForReply" in orders(talk.wait(silence.CANCEL_WAIT))


def test_media_that_stops_in_the_middle_of_speech_is_filled_with_silence() -> None:
    talk = Talk().answered()
    talk.caller_begins()
    talk.caller_frame()
    filled = only(talk.wait(silence.GAP + 0.01), c.SendAudio)
    assert len(filled) * 20 == silence.GAP_FILL_MS


def test_speech_that_never_stops_is_ended_by_hand() -> None:
    talk = Talk().answered()
    talk.caller_begins()
    commands = talk.wait(silence.SPEECH_LASTS + 0.1)
    assert "CommitInput" in orders(commands)
    assert orders(talk.feed(e.InputCommitted("u1"))) == ["AskForReply"]


# --- errors and losses


def test_a_benign_error_changes_nothing() -> None:
    talk = Talk().answered()
    assert orders(talk.feed(e.ModelError("benign", "response_cancel_not_active"))) == []
    assert talk.state is State.LISTENING


def test_a_refused_request_is_sent_again_when_the_active_reply_has_ended() -> None:
    talk = Talk().answered()
    talk.caller_begins()
    talk.caller_stops()
    request = talk.conversation.replies.asked
    talk.feed(e.ModelError("benign", "conversation_already_has_active_response", "", request))
    assert orders(talk.wait(silence.RETRY_PAUSE)) == ["AskForReply"]


def test_a_fatal_error_ends_the_call_with_an_apology() -> None:
    talk = Talk().answered()
    (end,) = only(talk.feed(e.ModelError("fatal", "insufficient_quota")), c.EndCall)
    assert end.failed
    assert talk.feed(e.SpeechStarted("u1", 0)) == []


def test_a_failed_reply_is_asked_for_again() -> None:
    talk = Talk().answered()
    talk.caller_begins()
    talk.caller_stops()
    reply, _ = talk.reply_begins()
    talk.feed(e.ReplyDone(reply, "failed", "", "server_error"))
    assert orders(talk.wait(silence.RETRY_PAUSE)) == ["AskForReply"]


def test_a_lost_link_is_replaced_and_the_conversation_told_again_as_text() -> None:
    talk = Talk(greeting="Hello.").answered()
    reply, item = talk.reply_begins()
    talk.words(reply, item, "Hello.")
    talk.sound(reply, item, 1.0)
    talk.reply_done(reply, item)
    talk.wait(3.0)
    talk.caller_begins("u1")
    talk.caller_stops("u1")
    talk.feed(e.CallerTranscript("u1", "I need an appointment."))
    assert orders(talk.feed(e.LinkLost("closed with 1006"))) == ["OpenModel"]
    talk.caller_frame()
    commands = talk.feed(e.ModelReady("sess_2"))
    told = only(commands, c.AddItem)
    assert [(t.role, t.text) for t in told[:2]] == [("assistant", "Hello."), ("user", "I need an appointment.")]
    assert told[2].role == "system"
    assert orders(commands)[-2:] == ["SendAudio", "AskForReply"]
    assert only(commands, c.AskForReply)[0].instructions == ""


def test_a_link_that_cannot_be_replaced_ends_the_call_with_an_apology() -> None:
    talk = Talk().answered()
    talk.feed(e.LinkLost("closed with 1006"))
    for _ in range(silence.OPEN_ATTEMPTS):
        talk.feed(e.LinkLost("HTTP 503"))
        talk.wait(5.0)
    assert talk.state is State.ENDED
    assert only(talk.commands, c.EndCall)[0].failed


def test_a_refusal_that_no_retry_can_cure_ends_the_call_at_once() -> None:
    talk = Talk()
    talk.feed(e.CallAnswered())
    assert only(talk.feed(e.LinkLost("HTTP 401", retry=False)), c.EndCall)


def test_a_model_that_never_configures_its_session_ends_the_call() -> None:
    talk = Talk()
    talk.feed(e.CallAnswered())
    assert only(talk.wait(silence.READY_WAIT), c.EndCall)[0].failed


def test_what_still_plays_goes_on_playing_while_the_link_is_down() -> None:
    talk = Talk().answered()
    talk.agent_says(5.0)
    talk.wait(1.0)
    commands = talk.feed(e.LinkLost("closed with 1001"))
    assert "ClearPlayback" not in orders(commands)


# --- the end


def test_hanging_up_records_what_was_heard_and_ends_everything() -> None:
    talk = Talk().answered()
    talk.agent_says(5.0)
    talk.wait(2.0)
    commands = talk.feed(e.PhoneClosed("caller hung up"))
    assert only(commands, c.EndCall) == [c.EndCall("caller hung up")]
    assert talk.notes(facts.AGENT_TURN)[-1]["heard_ms"] == 2000
    assert talk.conversation.deadline() is None
    for event in (e.SpeechStarted("u", 0), e.ReplyAudio("r", "a", 0, b"\x55" * 160), e.PhoneClosed("again")):
        assert talk.feed(event) == []


def test_an_event_that_is_not_expected_is_a_note_and_changes_nothing() -> None:
    talk = Talk().answered()
    talk.feed(e.SpeechStopped("u1", 100))
    assert talk.notes(facts.UNEXPECTED) == [{"event": "SpeechStopped", "state": "listening"}]
    assert talk.state is State.LISTENING


def test_done_before_created_does_not_leave_a_reply_active() -> None:
    talk = Talk().answered()
    talk.caller_begins()
    talk.caller_stops()
    request = talk.conversation.replies.asked
    talk.feed(e.ReplyDone("r1", "completed"))
    talk.feed(e.ReplyCreated("r1", request))
    assert talk.conversation.replies.active is None


def test_a_phone_that_takes_no_more_sound_ends_the_call() -> None:
    talk = Talk().answered()
    assert only(talk.feed(e.OutletFull("phone")), c.EndCall)
    talk = Talk().answered()
    assert only(talk.feed(e.OutletFull("model")), c.EndCall) == []
