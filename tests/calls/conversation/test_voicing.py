"""Replies that another voice speaks: the same guarantees, and what is done when the voice fails."""

from __future__ import annotations

import pytest

from calls.conversation import commands as c
from calls.conversation import events as e
from calls.conversation import facts, silence
from calls.conversation.states import State
from tests.calls.conversation.talk import Talk, asks, only, orders, spoken

TEXT = "One two three. Four five six."
VOICES = ("elevenlabs", "cartesia")


def voiced(*voices: str, **settings: object) -> Talk:
    return Talk(voices=voices or ("elevenlabs",), **settings).answered()


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


# --- a voice fails


def test_a_voice_that_breaks_off_says_the_rest_once_more_and_then_the_next_one_does() -> None:
    talk = voiced(*VOICES)
    talk.agent_writes(TEXT)
    talk.voice_sounds(1.0, "One two three.")
    out = talk.feed(e.VoiceLost(0, "closed with 1006"))
    # The next one's handshake begins, too, as soon as one is in doubt.
    assert orders(out) == ["OpenVoice", "OpenVoice", "StopSpeaking", "Speak", "FinishSpeaking"]
    assert (only(out, c.Speak)[0].voice, only(out, c.Speak)[0].text) == (0, "Four five six.")
    out = talk.feed(e.VoiceLost(0, "closed with 1006"))
    assert orders(out) == ["LeaveVoice", "OpenVoice", "Speak", "FinishSpeaking"]
    assert (only(out, c.Speak)[0].voice, only(out, c.Speak)[0].text) == (1, "Four five six.")
    assert [note["then"] for note in talk.notes(facts.VOICE_FAILED)] == ["elevenlabs", "cartesia"]


def test_who_cannot_hope_for_better_is_not_asked_again() -> None:
    talk = voiced(*VOICES)
    talk.agent_writes(TEXT)
    out = talk.feed(e.VoiceFailed(talk.utterance, "quota", retry=False))
    assert only(out, c.Speak)[0].voice == 1


def test_the_caller_is_never_without_a_sound_for_two_seconds_while_another_voice_is_left() -> None:
    talk = voiced(*VOICES)
    talk.agent_writes(TEXT)
    talk.wait(silence.WITHOUT_SOUND)
    talk.feed(e.ItemDeleted("a1"))
    talk.wait(0.01)
    assert [(s.voice, s.text) for s in only(talk.commands, c.Speak)] == [(0, TEXT), (1, TEXT)]
    (_, last) = only(talk.commands, c.AskForReply)
    assert not last.as_text
    assert silence.WITHOUT_SOUND < 2.0


def test_without_another_voice_the_model_says_exactly_the_rest_by_itself() -> None:
    talk = voiced()
    _, item = talk.agent_writes(TEXT)
    talk.voice_sounds(1.0, "One two three.")
    out = talk.feed(e.VoiceFailed(talk.utterance, "quota", retry=False))
    # The model must not believe that it has said more than it has.
    assert [(add.text, add.after) for add in only(out, c.AddItem)] == [("One two three.", "u0x")]
    talk.feed(e.ItemDeleted(item))
    assert not asks(talk.feed(e.ItemPlaced("heard_1", "u0x")))  # the caller can still be weighed against what is heard
    (ask,) = only(talk.wait(1.0 - silence.REST_AHEAD), c.AskForReply)
    assert "“Four five six.”" in ask.instructions
    assert not ask.as_text
    # What has come of the voice is still heard, and the model's own sound follows it.
    reply, item = talk.reply_begins()
    talk.words(reply, item, "Four five six.")
    talk.sound(reply, item, 1.0)
    talk.reply_done(reply, item)
    talk.wait(2.0)
    talk.marks_return()
    assert [turn["heard_text"] for turn in talk.notes(facts.AGENT_TURN)] == ["One two three.", "Four five six."]
    assert talk.state is State.LISTENING


def test_a_goodbye_that_the_model_has_to_say_by_itself_still_ends_the_call() -> None:
    talk = voiced(idle_prompt_ms=8000, idle_prompts_max=0, idle_prompt="Hello?", idle_goodbye="Goodbye.")
    talk.wait(8.0)
    reply, item = talk.reply_begins()
    talk.text(reply, item, "Goodbye.")
    talk.reply_done(reply)
    talk.feed(e.VoiceFailed(talk.utterance, "quota", retry=False))
    talk.feed(e.ItemDeleted(item))
    talk.wait(0.01)
    reply, item = talk.reply_begins()
    talk.sound(reply, item, 1.0)
    talk.reply_done(reply, item)
    talk.wait(1.1)
    talk.marks_return()
    assert talk.state is State.ENDED


def test_later_replies_are_the_models_own_once_all_voices_have_failed() -> None:
    talk = voiced()
    talk.feed(e.VoiceLost(0, "HTTP 401", retry=False))
    talk.caller_begins()
    (ask,) = only(talk.caller_stops(), c.AskForReply)
    assert not ask.as_text


def test_a_voice_that_fails_while_a_sound_is_weighed_owes_the_rest_after_the_verdict() -> None:
    talk = voiced(min_speech_ms=400, silence_ms=500, prefix_padding_ms=300, resume_overlap_ms=0)
    talk.agent_writes(TEXT)
    talk.voice_sounds(1.0, "One two three.")
    talk.wait(0.5)
    talk.caller_begins("u9", 10_000)
    out = talk.feed(e.VoiceFailed(talk.utterance, "quota", retry=False))
    assert not asks(out)
    talk.feed(e.ItemDeleted("a1"))
    talk.feed(e.ItemPlaced("heard_1", "u0x"))
    talk.wait(0.7)
    talk.caller_stops("u9", 11_000)
    out = talk.wait(1.0) + talk.marks_return()
    assert [ask.instructions for ask in only(out, c.AskForReply)] == [
        only(talk.commands, c.AskForReply)[-1].instructions
    ]
    assert "Four five six." in only(out, c.AskForReply)[0].instructions


def test_the_last_words_of_a_voice_that_does_not_say_that_it_is_done_are_not_said_again() -> None:
    talk = voiced(*VOICES)
    talk.agent_writes(TEXT)
    talk.voice_sounds(2.0, TEXT)
    talk.wait(3.0)
    talk.marks_return()
    assert len(only(talk.commands, c.Speak)) == 1
    assert not talk.notes(facts.VOICE_FAILED)
    assert talk.state is State.LISTENING


def test_the_models_link_may_be_lost_while_the_voice_speaks_on() -> None:
    talk = voiced()
    talk.agent_writes(TEXT)
    talk.voice_sounds(1.0, "One two three.")
    talk.link_is_restored(0.2)
    talk.voice_sounds(1.0, done=True)
    talk.wait(2.0)
    talk.marks_return()
    assert [turn["heard_text"] for turn in talk.notes(facts.AGENT_TURN)] == [TEXT]


# --- what fresh eyes found


def test_a_held_reply_is_no_voice_that_is_slow() -> None:
    """A voice may pause on purpose, because it is far ahead of what can be played."""
    talk = voiced(*VOICES, min_speech_ms=400, silence_ms=500, prefix_padding_ms=300)
    talk.agent_writes(TEXT)
    talk.voice_sounds(9.0, "One two three.")
    talk.wait(2.0)
    talk.caller_begins("u9", 10_000)
    talk.wait(0.39)
    assert not talk.notes(facts.VOICE_FAILED)


def test_two_items_of_a_reply_are_spoken_one_after_the_other() -> None:
    talk = voiced()
    talk.caller_begins()
    talk.caller_stops()
    reply, first = talk.reply_begins()
    talk.text(reply, first, "One two three.")
    talk.feed(e.ItemAdded(reply, "b1"))
    talk.text(reply, "b1", "Four five six.")
    talk.reply_done(reply)
    assert [s.text for s in only(talk.commands, c.Speak)] == ["One two three."]
    out = talk.voice_sounds(1.0, "One two three.", done=True)
    assert [s.text for s in only(out, c.Speak)] == ["Four five six."]
    assert len(only(out, c.FinishSpeaking)) == 1
    talk.voice_sounds(1.0, "Four five six.", done=True)
    talk.wait(2.1)
    talk.marks_return()
    assert [turn["heard_text"] for turn in talk.notes(facts.AGENT_TURN)] == ["One two three.", "Four five six."]
    assert talk.state is State.LISTENING


def test_when_the_last_voice_fails_in_the_first_of_two_items_both_are_said() -> None:
    talk = voiced()
    talk.caller_begins()
    talk.caller_stops()
    reply, first = talk.reply_begins()
    talk.text(reply, first, "One two three.")
    talk.feed(e.ItemAdded(reply, "b1"))
    talk.text(reply, "b1", "Four five six.")
    talk.reply_done(reply)
    talk.feed(e.VoiceFailed(talk.utterance, "quota", retry=False))
    talk.feed(e.ItemDeleted(first))
    talk.feed(e.ItemDeleted("b1"))
    talk.wait(0.01)
    assert "“One two three. Four five six.”" in only(talk.commands, c.AskForReply)[-1].instructions


def test_an_item_that_was_heard_stays_in_the_record_when_the_next_one_cannot_be_said() -> None:
    talk = voiced()
    talk.caller_begins()
    talk.caller_stops()
    reply, first = talk.reply_begins()
    talk.text(reply, first, "One two three.")
    talk.feed(e.ItemAdded(reply, "b1"))
    talk.text(reply, "b1", "Four five six.")
    talk.reply_done(reply)
    talk.voice_sounds(1.0, "One two three.", done=True)
    talk.feed(e.VoiceFailed(talk.utterance, "quota", retry=False))
    talk.feed(e.ItemDeleted("b1"))
    talk.wait(1.1)
    talk.marks_return()
    assert [turn["heard_text"] for turn in talk.notes(facts.AGENT_TURN)] == ["One two three."]
    assert "“Four five six.”" in only(talk.commands, c.AskForReply)[-1].instructions


def test_two_items_are_put_back_in_their_order() -> None:
    talk = voiced()
    talk.caller_begins("u0x")
    talk.caller_stops("u0x")
    reply, first = talk.reply_begins()
    for item, before in (("u0x", None), (first, "u0x"), ("b1", first)):
        talk.feed(e.ItemPlaced(item, before))
    talk.text(reply, first, "One two three.")
    talk.text(reply, "b1", "Four five six.")
    talk.reply_done(reply)
    talk.voice_sounds(1.0, "One two three.", done=True)
    talk.voice_sounds(1.0, "Four five six.")
    talk.wait(0.7)
    out = talk.caller_begins("u9", 10_000)
    assert [(add.text, add.after) for add in only(out, c.AddItem)] == [("One two", "u0x")]
    assert [d.item_id for d in only(out, c.DeleteItem)] == [first, "b1"]


def test_the_next_voice_has_as_long_as_the_first_when_that_failed_at_once() -> None:
    talk = voiced(*VOICES)
    talk.agent_writes(TEXT)
    talk.wait(0.1)
    talk.feed(e.VoiceFailed(talk.utterance, "quota", retry=False))
    assert not talk.notes(facts.VOICE_FAILED)[1:]
    talk.wait(0.95)
    assert len(talk.notes(facts.VOICE_FAILED)) == 1
    talk.voice_sounds(2.0, TEXT, done=True)
    # … and in later replies, too.
    talk.wait(2.1)
    talk.marks_return()
    talk.agent_writes(TEXT)
    talk.wait(0.95)
    assert len(talk.notes(facts.VOICE_FAILED)) == 1


def test_there_is_no_second_try_when_there_is_no_time_for_it() -> None:
    talk = voiced()
    talk.agent_writes(TEXT)
    talk.wait(0.9)
    talk.feed(e.VoiceFailed(talk.utterance, "server", retry=True))
    assert talk.notes(facts.VOICE_FAILED)[-1]["then"] == "own"


def test_text_that_no_voice_is_left_for_is_asked_for_as_sound_at_once() -> None:
    talk = voiced()
    talk.caller_begins()
    talk.caller_stops()
    talk.feed(e.VoiceLost(0, "HTTP 401", retry=False))
    reply, item = talk.reply_begins()
    out = talk.text(reply, item, "One ", done=False)
    assert only(out, c.CancelReply)
    talk.reply_done(reply, status="cancelled")
    out = talk.feed(e.ItemDeleted(item))
    assert [ask.as_text for ask in only(out, c.AskForReply)] == [False]


def test_the_rest_is_said_after_the_models_link_was_lost_as_well() -> None:
    talk = voiced()
    talk.agent_writes(TEXT)
    talk.voice_sounds(1.0, "One two three.")
    talk.wait(1.0)
    talk.feed(e.LinkLost("closed with 1006"))
    talk.feed(e.VoiceFailed(talk.utterance, "quota", retry=False))
    talk.wait(0.5)
    talk.marks_return()
    out = talk.feed(e.ModelReady("sess_2"))
    assert "Four five six." in only(out, c.AskForReply)[0].instructions


def test_the_rest_of_a_protected_greeting_is_protected() -> None:
    talk = Talk(voices=("elevenlabs",), greeting=TEXT, protect_greeting=True, min_speech_ms=400).answered()
    reply, item = talk.reply_begins()
    talk.text(reply, item, TEXT)
    talk.reply_done(reply)
    talk.voice_sounds(1.0, "One two three.")
    talk.wait(1.0)
    talk.feed(e.VoiceFailed(talk.utterance, "quota", retry=False))
    talk.wait(0.01)
    assert talk.state is State.PREPARING
    assert not only(talk.caller_begins("u9", 5000), c.ClearPlayback, c.CancelReply)
    talk.feed(e.ItemDeleted(item))
    out = talk.feed(e.ItemPlaced("heard_1", "root"))
    assert "Four five six." in only(out, c.AskForReply)[0].instructions


def test_a_typed_sentence_that_the_model_has_to_say_by_itself_is_said_once() -> None:
    talk = voiced()
    talk.feed(e.SentenceTyped("One moment, please."))
    talk.wait(0.01)
    reply, item = talk.reply_begins()
    talk.text(reply, item, "One moment, please.")
    talk.reply_done(reply)
    talk.feed(e.VoiceFailed(talk.utterance, "quota", retry=False))
    talk.feed(e.ItemDeleted(item))
    talk.wait(0.01)
    reply, item = talk.reply_begins()
    talk.sound(reply, item, 1.0)
    talk.reply_done(reply, item)
    talk.wait(3.0)
    talk.marks_return()
    talk.wait(1.0)
    assert len([ask for ask in only(talk.commands, c.AskForReply) if "One moment" in ask.instructions]) == 2


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


def test_a_voice_that_broke_off_behind_its_last_word_has_nothing_more_to_say() -> None:
    talk = voiced(*VOICES)
    talk.caller_begins()
    talk.caller_stops()
    reply, item = talk.reply_begins()
    talk.text(reply, item, "One two three.", done=False)
    talk.voice_sounds(1.0, "One two three.")
    talk.feed(e.VoiceLost(0, "closed with 1006"))
    out = talk.feed(e.ReplyTextDone(reply, item, 0, "One two three.", spoken=False))
    assert not only(out, c.FinishSpeaking)
    talk.reply_done(reply)
    talk.wait(3.0)
    talk.marks_return()
    assert len(talk.notes(facts.VOICE_FAILED)) == 1
    assert talk.state is State.LISTENING


def test_a_reply_that_makes_no_sound_at_all_is_no_fault_of_the_voice() -> None:
    talk = voiced(*VOICES)
    talk.agent_writes("👍")
    talk.wait(1.5)
    assert not talk.notes(facts.VOICE_FAILED)
