"""What is done when the voice that speaks a reply fails: it, another, or the model itself says the rest."""

from __future__ import annotations

from calls.conversation import commands as c
from calls.conversation import events as e
from calls.conversation import facts, silence
from calls.conversation.states import State
from tests.calls.conversation.talk import Talk, asks, only, orders
from tests.calls.conversation.voiced_situations import TEXT, VOICES, voiced


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


def test_a_held_reply_is_no_voice_that_is_slow() -> None:
    """A voice may pause on purpose, because it is far ahead of what can be played."""
    talk = voiced(*VOICES, min_speech_ms=400, silence_ms=500, prefix_padding_ms=300)
    talk.agent_writes(TEXT)
    talk.voice_sounds(9.0, "One two three.")
    talk.wait(2.0)
    talk.caller_begins("u9", 10_000)
    talk.wait(0.39)
    assert not talk.notes(facts.VOICE_FAILED)


def test_when_the_last_voice_fails_in_the_first_of_two_items_both_are_said() -> None:
    talk = voiced()
    first = talk.agent_writes_two_items("One two three.", "Four five six.")
    talk.feed(e.VoiceFailed(talk.utterance, "quota", retry=False))
    talk.feed(e.ItemDeleted(first))
    talk.feed(e.ItemDeleted("b1"))
    talk.wait(0.01)
    assert "“One two three. Four five six.”" in only(talk.commands, c.AskForReply)[-1].instructions


def test_an_item_that_was_heard_stays_in_the_record_when_the_next_one_cannot_be_said() -> None:
    talk = voiced()
    talk.agent_writes_two_items("One two three.", "Four five six.")
    talk.voice_sounds(1.0, "One two three.", done=True)
    talk.feed(e.VoiceFailed(talk.utterance, "quota", retry=False))
    talk.feed(e.ItemDeleted("b1"))
    talk.wait(1.1)
    talk.marks_return()
    assert [turn["heard_text"] for turn in talk.notes(facts.AGENT_TURN)] == ["One two three."]
    assert "“Four five six.”" in only(talk.commands, c.AskForReply)[-1].instructions


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
