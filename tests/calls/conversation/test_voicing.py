"""Replies that another voice speaks: the same guarantees, and what is done when the voice fails."""

from __future__ import annotations

import pytest

from calls.conversation import commands as c
from calls.conversation import events as e
from calls.conversation import facts, silence
from calls.conversation.states import State
from tests.calls.conversation.talk import Talk, asks, only, orders, spoken
from tests.calls.conversation.voiced_situations import TEXT, VOICES, voiced

# --- spoken


def test_the_way_to_the_voice_is_opened_when_the_call_begins() -> None:
    talk = Talk(voices=VOICES)
    assert orders(talk.feed(e.CallAnswered())) == ["SendMark", "OpenVoice", "OpenModel"]


def test_replies_are_asked_for_as_text() -> None:
    talk = voiced()
    talk.caller_begins()
    (ask,) = only(talk.caller_stops(), c.AskForReply)
    assert ask.as_text


def test_text_goes_to_the_voice_as_it_comes_and_nothing_is_lost_or_said_twice() -> None:
    talk = voiced()
    talk.caller_begins()
    talk.caller_stops()
    reply, item = talk.reply_begins()
    for piece in ("One ", "two", " three."):
        assert [s.text for s in only(talk.text(reply, item, piece, done=False), c.Speak)] == [piece]
    # The whole text at its end is longer than its pieces were: a piece was lost on the way.
    done = talk.feed(e.ReplyTextDone(reply, item, 0, "One two three. Four.", spoken=False))
    assert [s.text for s in only(done, c.Speak)] == [" Four."]
    assert len(only(done, c.FinishSpeaking)) == 1
    assert not only(talk.reply_done(reply), c.FinishSpeaking)


def test_a_reply_ends_when_the_voice_has_said_all_and_it_was_heard() -> None:
    talk = voiced()
    talk.agent_writes(TEXT)
    talk.voice_sounds(2.0, TEXT)
    talk.wait(0.5)
    assert talk.state is State.REPLYING
    talk.feed(e.VoiceDone(talk.utterance))
    talk.wait(1.5)
    talk.marks_return()
    assert talk.state is State.LISTENING
    (turn,) = talk.notes(facts.AGENT_TURN)
    assert (turn["heard_text"], turn["unheard_text"]) == (TEXT, "")


def test_the_time_from_the_first_text_to_the_first_sound_is_told() -> None:
    talk = voiced()
    talk.agent_writes(TEXT)
    talk.wait(0.25)
    talk.voice_sounds(1.0)
    (started,) = talk.notes(facts.REPLY_STARTED)
    assert (started["voice"], started["voice_ms"]) == ("elevenlabs", 250)


def test_a_pause_of_the_voice_in_the_middle_is_not_the_end_of_the_reply() -> None:
    talk = voiced()
    talk.agent_writes(TEXT)
    talk.voice_sounds(0.5, "One two three.")
    talk.wait(0.8)
    assert talk.state is State.REPLYING
    talk.voice_sounds(0.5, done=True)
    talk.wait(0.6)
    talk.marks_return()
    assert talk.state is State.LISTENING


# --- interrupted


def test_an_interruption_clears_the_phone_stops_the_voice_and_leaves_the_model_with_what_was_heard() -> None:
    talk = voiced()
    _, item = talk.agent_writes(TEXT)
    talk.voice_sounds(2.0, TEXT)  # six words, a third of a second each
    talk.wait(1.05)
    out = talk.caller_begins("u9", 10_000)
    assert orders(out) == ["ClearPlayback", "StopSpeaking", "DeleteItem", "AddItem"]
    (add,) = only(out, c.AddItem)
    assert (add.role, add.text, add.after) == ("assistant", "One two three.", "u0x")
    assert only(out, c.DeleteItem)[0].item_id == item
    (cut,) = talk.notes(facts.INTERRUPTION)
    assert (cut["heard_text"], cut["unheard_text"]) == ("One two three.", "Four five six.")
    assert cut["steps"] == ["clear", "stop_voice", "cancel", "truncate", "suppress", "silent"]


def test_of_what_nobody_heard_nothing_is_put_back() -> None:
    talk = voiced()
    talk.agent_writes(TEXT)
    out = talk.caller_begins("u9", 10_000)
    assert orders(out) == ["ClearPlayback", "StopSpeaking", "DeleteItem"]


def test_what_was_heard_to_its_end_is_left_alone() -> None:
    talk = voiced()
    talk.agent_writes(TEXT)
    talk.voice_sounds(2.0, TEXT, done=True)
    talk.wait(1.95)
    out = talk.caller_begins("u9", 10_000)
    assert not only(out, c.DeleteItem, c.AddItem)


def test_while_the_reply_is_being_written_the_repair_waits_for_its_end() -> None:
    talk = voiced()
    talk.caller_begins()
    talk.caller_stops()
    reply, item = talk.reply_begins()
    talk.text(reply, item, TEXT, done=False)
    talk.voice_sounds(2.0, TEXT)
    talk.wait(1.05)
    out = talk.caller_begins("u9", 10_000)
    assert orders(out) == ["ClearPlayback", "StopSpeaking", "CancelReply"]
    assert orders(talk.reply_done(reply, status="cancelled")) == ["DeleteItem", "AddItem"]


def test_the_next_reply_is_asked_for_only_after_the_repair() -> None:
    talk = voiced()
    _, item = talk.agent_writes(TEXT)
    talk.voice_sounds(2.0, TEXT)
    talk.wait(1.05)
    talk.caller_begins("u9", 10_000)
    assert not asks(talk.caller_stops("u9", 12_000))
    assert not asks(talk.feed(e.ItemDeleted(item)))
    assert asks(talk.feed(e.ItemPlaced("heard_1", "u0x"))) == 1


def test_a_repair_that_is_never_confirmed_does_not_keep_the_caller_waiting() -> None:
    talk = voiced()
    talk.agent_writes(TEXT)
    talk.voice_sounds(2.0, TEXT)
    talk.wait(1.05)
    talk.caller_begins("u9", 10_000)
    talk.caller_stops("u9", 12_000)
    assert asks(talk.wait(silence.REPAIR_WAIT)) == 1


def test_a_place_that_the_model_does_not_know_loses_no_words() -> None:
    talk = voiced()
    _, item = talk.agent_writes(TEXT)
    talk.voice_sounds(2.0, TEXT)
    talk.wait(1.05)
    talk.caller_begins("u9", 10_000)
    talk.feed(e.ItemDeleted(item))
    out = talk.feed(e.ModelError("benign", "invalid_value", "param=previous_item_id", "add:heard_1"))
    (again,) = only(out, c.AddItem)
    assert (again.text, again.after) == ("One two three.", "")


def test_sound_of_a_stopped_utterance_is_dropped_by_its_name_however_late() -> None:
    talk = voiced()
    talk.agent_writes(TEXT)
    stopped = talk.utterance
    talk.voice_sounds(1.0, "One two three.")
    talk.wait(0.5)
    talk.caller_begins("u9", 10_000)
    talk.wait(5.0)
    out = talk.feed(e.VoiceAudio(stopped, b"\x55" * 4000))
    assert not only(out, c.PlayAudio)
    assert talk.notes(facts.INTERRUPTION_SETTLED)[-1]["late_ms"] == 500


def test_late_sound_is_told_a_few_times_however_many_pieces_it_comes_in() -> None:
    talk = voiced()
    talk.agent_writes(TEXT)
    stopped = talk.utterance
    talk.voice_sounds(1.0, "One two three.")
    talk.wait(0.5)
    talk.caller_begins("u9", 10_000)
    before = len(talk.notes(facts.INTERRUPTION_SETTLED))
    for _ in range(20):
        talk.feed(e.VoiceAudio(stopped, b"\x55" * 160))
    talk.feed(e.VoiceDone(stopped))
    told = [note["late_ms"] for note in talk.notes(facts.INTERRUPTION_SETTLED)[before:]]
    assert told == [20, 40, 80, 160, 320, 400]


def test_a_murmur_over_the_voice_lets_it_go_on_from_where_it_was_heard() -> None:
    talk = voiced(min_speech_ms=400, silence_ms=500, prefix_padding_ms=300, resume_overlap_ms=0)
    talk.agent_writes(TEXT)
    talk.voice_sounds(2.0, TEXT)
    talk.wait(0.5)
    out = talk.murmurs(spoken_ms=200)
    assert not only(out, c.StopSpeaking)
    assert spoken(out) == pytest.approx(1.5, abs=0.02)
    assert talk.state is State.REPLYING


# --- several items, and steps that are left out


def test_two_items_of_a_reply_are_spoken_one_after_the_other() -> None:
    talk = voiced()
    talk.agent_writes_two_items("One two three.", "Four five six.")
    assert [s.text for s in only(talk.commands, c.Speak)] == ["One two three."]
    out = talk.voice_sounds(1.0, "One two three.", done=True)
    assert [s.text for s in only(out, c.Speak)] == ["Four five six."]
    assert len(only(out, c.FinishSpeaking)) == 1
    talk.voice_sounds(1.0, "Four five six.", done=True)
    talk.wait(2.1)
    talk.marks_return()
    assert [turn["heard_text"] for turn in talk.notes(facts.AGENT_TURN)] == ["One two three.", "Four five six."]
    assert talk.state is State.LISTENING


def test_two_items_are_put_back_in_their_order() -> None:
    talk = voiced()
    first = talk.agent_writes_two_items("One two three.", "Four five six.")
    talk.voice_sounds(1.0, "One two three.", done=True)
    talk.voice_sounds(1.0, "Four five six.")
    talk.wait(0.7)
    out = talk.caller_begins("u9", 10_000)
    assert [(add.text, add.after) for add in only(out, c.AddItem)] == [("One two", "u0x")]
    assert [d.item_id for d in only(out, c.DeleteItem)] == [first, "b1"]


def test_a_stopped_reply_does_not_begin_again_when_more_of_its_text_comes() -> None:
    talk = voiced(suppress_in_flight=False)
    talk.caller_begins()
    talk.caller_stops()
    reply, item = talk.reply_begins()
    talk.text(reply, item, "One two three. ", done=False)
    talk.voice_sounds(1.0, "One two three.")
    talk.wait(0.5)
    talk.caller_begins("u9", 10_000)
    assert not only(talk.text(reply, item, "Four ", done=False), c.Speak)
    assert only(talk.reply_done(reply, status="cancelled"), c.DeleteItem)


def test_with_the_buffers_left_alone_the_voice_ends_what_it_has() -> None:
    talk = voiced(clear_buffers=False)
    talk.caller_begins()
    talk.caller_stops()
    reply, item = talk.reply_begins()
    talk.text(reply, item, "One two three. ", done=False)
    talk.voice_sounds(1.0, "One two three.")
    talk.wait(0.5)
    out = talk.caller_begins("u9", 10_000)
    assert only(out, c.FinishSpeaking)
    assert not only(out, c.StopSpeaking)
