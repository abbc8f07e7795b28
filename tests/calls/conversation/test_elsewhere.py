"""The caller is heard by another ear than the model's."""

from __future__ import annotations

from typing import Any

from calls.conversation import commands as c
from calls.conversation import events as e
from calls.conversation import facts, silence
from calls.conversation.settings import ConversationSettings
from calls.conversation.states import State
from tests.calls.conversation.talk import EAR, Talk, only, orders

TURN = {"type": "server_vad", "threshold": 0.6}


def elsewhere(**settings: Any) -> Talk:
    talk = Talk(hearing="speechmatics", turn_detection=TURN, **settings).answered()
    talk.feed(e.HearingReady())
    return talk


def says(talk: Talk, item: str, text: str) -> list[c.Command]:
    """The provider hears a whole turn."""
    talk.feed(e.SpeechStarted(item, 1000))
    talk.feed(e.CallerTranscript(item, text))
    return [*talk.feed(e.SpeechStopped(item, 3000)), *talk.feed(e.InputCommitted(item))]


def test_the_callers_sound_goes_to_the_provider_and_none_of_it_to_the_model() -> None:
    talk = Talk(hearing="speechmatics")
    assert orders(talk.feed(e.CallAnswered())) == ["SendMark", "OpenHearing", "OpenModel"]
    assert orders(talk.caller_frame()) == ["SendToHearing"]
    talk.feed(e.ModelReady("s"))
    assert orders(talk.caller_frame()) == ["SendToHearing"]


def test_the_models_own_vad_is_off() -> None:
    assert elsewhere().conversation.session_turn_detection is None


def test_the_end_of_a_turn_puts_the_callers_words_into_the_conversation_and_then_asks() -> None:
    out = says(elsewhere(), "u1", "I need an appointment.")
    assert orders(out) == ["AddItem", "AskForReply"]
    (add,) = only(out, c.AddItem)
    assert (add.role, add.text, add.item_id) == ("user", "I need an appointment.", "u1")


def test_a_turn_without_a_word_asks_for_nothing() -> None:
    talk = elsewhere()
    assert orders(says(talk, "u1", "")) == []
    assert talk.notes(facts.TURN_REFUSED)[0]["because"] == "no_words"
    assert talk.state is State.LISTENING


def test_words_over_the_agent_stop_it() -> None:
    talk = elsewhere()
    says(talk, "u1", "Hello.")
    reply, item = talk.reply_begins()
    talk.sound(reply, item, 3.0)
    talk.wait(0.5)
    assert orders(talk.feed(e.SpeechStarted("u2", 9000)))[:2] == ["ClearPlayback", "CancelReply"]


def test_our_own_ear_stops_the_agent_before_the_first_words_come() -> None:
    talk = elsewhere(**EAR)
    says(talk, "u1", "Hello.")
    reply, item = talk.reply_begins()
    talk.sound(reply, item, 3.0)
    talk.reply_done(reply, item)
    talk.wait(0.3)
    assert only(talk.ear(0.6, 0.95), c.ClearPlayback)
    assert talk.state is State.HEARING


def test_our_own_ear_also_stops_an_agent_with_whom_nothing_is_weighed() -> None:
    talk = elsewhere()
    says(talk, "u1", "Hello.")
    reply, item = talk.reply_begins()
    talk.sound(reply, item, 3.0)
    talk.reply_done(reply, item)
    assert not only(talk.ear(0.16, 0.95), c.ClearPlayback)
    assert only(talk.ear(0.064, 0.95), c.ClearPlayback)


def test_a_murmur_that_is_refused_leaves_nothing_behind() -> None:
    talk = elsewhere(min_speech_ms=400, silence_ms=500, prefix_padding_ms=300)
    says(talk, "u1", "Hello.")
    reply, item = talk.reply_begins()
    talk.sound(reply, item, 3.0)
    talk.reply_done(reply, item)
    talk.wait(0.5)
    talk.feed(e.SpeechStarted("u2", 10_000))
    talk.wait(0.3)
    talk.feed(e.CallerTranscript("u2", "Mm-hm."))
    out = [*talk.feed(e.SpeechStopped("u2", 11_000)), *talk.feed(e.InputCommitted("u2"))]
    assert not only(out, c.AddItem, c.DeleteItem)
    assert talk.state is State.REPLYING


def test_a_provider_that_is_lost_is_tried_once_more_and_then_the_model_hears() -> None:
    talk = elsewhere()
    assert orders(talk.feed(e.HearingLost("closed with 1011"))) == ["OpenHearing"]
    out = talk.feed(e.HearingLost("HTTP 503"))
    assert [dict(told.turn_detection) for told in only(out, c.ConfigureModel)] == [TURN]
    assert orders(talk.caller_frame()) == ["SendAudio"]
    assert [note["then"] for note in talk.notes(facts.HEARING_LOST)] == ["speechmatics", "own"]


def test_words_that_were_lost_with_the_provider_are_asked_for_again() -> None:
    talk = elsewhere()
    talk.feed(e.SpeechStarted("u1", 1000))
    out = talk.feed(e.HearingLost("closed with 1011"))
    (ask,) = only(out, c.AskForReply)
    assert "could not be understood" in ask.instructions


def test_changed_settings_are_in_force_at_once_because_the_model_need_not_know() -> None:
    talk = elsewhere()
    out = talk.settings_change(turn_detection={"type": "server_vad", "threshold": 0.7}, min_speech_ms=300)
    assert not only(out, c.ConfigureModel)
    assert talk.notes(facts.SETTINGS_APPLIED)
    assert not only(out, c.ConfigureHearing)
    assert talk.conversation.settings.min_speech_ms == 300
    assert talk.conversation.settings.hearing == "speechmatics"


def test_a_changed_silence_is_told_to_who_waits_for_it() -> None:
    talk = elsewhere()
    (told,) = only(talk.settings_change(turn_detection=TURN, silence_ms=900), c.ConfigureHearing)
    assert told.silence_ms == 900
    talk.feed(e.HearingLost("HTTP 401", retry=False))
    assert not only(talk.settings_change("t2", turn_detection=TURN, silence_ms=700), c.ConfigureHearing)


def test_a_turn_that_never_ends_is_ended_by_the_provider_when_it_is_told_to() -> None:
    talk = elsewhere()
    talk.feed(e.SpeechStarted("u1", 1000))
    assert "EndUtterance" in orders(talk.wait(91.0))


def test_the_provider_is_told_when_our_own_ear_hears_that_the_caller_has_finished() -> None:
    talk = elsewhere(**EAR)
    talk.feed(e.SpeechStarted("u1", 1000))
    assert not only(talk.ear(1.0, 0.95), c.EndUtterance)
    out = talk.ear(0.8, 0.05)
    assert len(only(out, c.EndUtterance)) == 1


def test_who_goes_on_after_a_pause_is_not_cut_off_and_the_provider_is_told_again() -> None:
    talk = elsewhere(**EAR)
    talk.feed(e.SpeechStarted("u1", 1000))
    talk.ear(1.0, 0.95)
    assert not only(talk.ear(0.5, 0.05), c.EndUtterance)
    talk.ear(0.5, 0.95)
    assert len(only(talk.ear(0.8, 0.05), c.EndUtterance)) == 1


def test_without_our_own_ear_the_provider_decides_alone() -> None:
    talk = elsewhere()
    talk.feed(e.SpeechStarted("u1", 1000))
    assert not only(talk.wait(3.0), c.EndUtterance)


def test_a_provider_that_never_gets_ready_is_left_before_the_caller_gives_up() -> None:
    talk = Talk(hearing="speechmatics", turn_detection=TURN).answered()
    talk.wait(2 * silence.HEARING_WAIT)
    assert [note["then"] for note in talk.notes(facts.HEARING_LOST)] == ["speechmatics", "own"]


def test_a_provider_that_is_deaf_is_found_out_by_our_own_ear() -> None:
    talk = elsewhere(**EAR)
    talk.ear(1.0, 0.95)
    talk.ear(2.5, 0.05)
    assert talk.notes(facts.HEARING_LOST)[-1]["then"] == "own"
    assert "could not be understood" in only(talk.commands, c.AskForReply)[-1].instructions


def test_where_our_own_ear_is_not_asked_it_accuses_nobody() -> None:
    talk = elsewhere()
    talk.ear(1.0, 0.1)
    talk.ear(2.5, 0.1)
    assert not talk.notes(facts.HEARING_LOST)


def test_what_is_said_while_the_model_is_being_opened_is_answered() -> None:
    talk = Talk(hearing="speechmatics", greeting="Hello.")
    talk.feed(e.CallAnswered())
    talk.feed(e.HearingReady())
    says(talk, "u1", "I need an appointment.")
    out = talk.feed(e.ModelReady("s"))
    assert [add.text for add in only(out, c.AddItem)] == ["I need an appointment."]
    assert [ask.instructions for ask in only(out, c.AskForReply)] == [""]


def test_a_turn_that_ends_while_the_models_link_is_lost_is_answered_by_the_next_session() -> None:
    talk = elsewhere()
    talk.feed(e.SpeechStarted("u1", 1000))
    talk.feed(e.LinkLost("closed with 1006"))
    talk.feed(e.CallerTranscript("u1", "I need an appointment."))
    talk.feed(e.SpeechStopped("u1", 3000))
    talk.feed(e.InputCommitted("u1"))
    out = talk.feed(e.ModelReady("sess_2"))
    assert "I need an appointment." in [add.text for add in only(out, c.AddItem)]
    assert only(out, c.AskForReply)


def test_who_speaks_on_over_the_new_session_is_answered_when_the_turn_ends() -> None:
    talk = elsewhere()
    talk.feed(e.SpeechStarted("u1", 1000))
    talk.feed(e.LinkLost("closed with 1006"))
    talk.feed(e.ModelReady("sess_2"))
    assert talk.state is State.HEARING
    talk.feed(e.CallerTranscript("u1", "I need an appointment."))
    out = [*talk.feed(e.SpeechStopped("u1", 3000)), *talk.feed(e.InputCommitted("u1"))]
    assert orders(out) == ["AddItem", "AskForReply"]


def test_the_model_cannot_cancel_by_itself_for_a_caller_whom_it_does_not_hear() -> None:
    settings = ConversationSettings(interrupt_response=True).with_providers((), "speechmatics")
    assert not settings.interrupt_response
