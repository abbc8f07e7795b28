"""The conversation, case by case, in the order in which a call happens."""

from __future__ import annotations

import pytest

from calls.conversation import commands as c
from calls.conversation import events as e
from calls.conversation import facts, silence
from calls.conversation.states import State
from tests.calls.conversation.talk import Talk, only, orders

# --- the call begins


def test_the_model_is_opened_when_the_phone_is_there() -> None:
    talk = Talk(greeting="Hello.")
    assert orders(talk.feed(e.CallAnswered())) == ["SendMark", "OpenModel"]


def test_the_greeting_is_asked_for_first_and_word_for_word() -> None:
    talk = Talk(greeting="Good day.")
    talk.feed(e.CallAnswered())
    (ask,) = only(talk.feed(e.ModelReady("sess_1")), c.AskForReply)
    assert "“Good day.”" in ask.instructions
    assert talk.state is State.PREPARING


def test_without_a_greeting_the_caller_speaks_first() -> None:
    talk = Talk().answered()
    assert only(talk.commands, c.AskForReply) == []
    assert talk.state is State.LISTENING


def test_what_the_caller_says_before_the_model_is_ready_is_not_lost() -> None:
    talk = Talk()
    talk.feed(e.CallAnswered())
    for _ in range(3):
        assert talk.caller_frame() == []
    assert len(only(talk.feed(e.ModelReady("sess_1")), c.SendAudio)) == 3


def test_a_difference_between_asked_and_given_settings_is_noted() -> None:
    talk = Talk()
    talk.feed(e.CallAnswered())
    talk.feed(e.ModelReady("sess_1", ("voice: asked 'marin', got 'alloy'",)))
    assert talk.notes(facts.SESSION_DIFFERS) == [{"differences": ["voice: asked 'marin', got 'alloy'"]}]


# --- ordinary turns


def test_speech_while_nothing_plays_stops_nothing() -> None:
    talk = Talk().answered()
    assert orders(talk.caller_begins()) == []
    assert talk.notes(facts.INTERRUPTION) == []


def test_one_reply_is_asked_for_when_the_caller_has_stopped() -> None:
    talk = Talk().answered()
    talk.caller_begins()
    assert orders(talk.feed(e.SpeechStopped("u1", 3000))) == []
    assert orders(talk.feed(e.InputCommitted("u1"))) == ["AskForReply"]
    assert orders(talk.feed(e.InputCommitted("u1"))) == []


def test_the_server_that_replies_by_itself_is_not_asked() -> None:
    talk = Talk(create_response=True).answered()
    talk.caller_begins()
    assert orders(talk.caller_stops()) == []
    talk.feed(e.ReplyCreated("r1", None))
    assert talk.state is State.REPLYING


def test_a_reply_is_played_in_whole_frames_and_its_rest_is_not_lost() -> None:
    talk = Talk().answered()
    talk.caller_begins()
    talk.caller_stops()
    reply, item = talk.reply_begins()
    played = only(talk.feed(e.ReplyAudio(reply, item, 0, b"\x55" * 2008)), c.PlayAudio)
    assert [len(p.audio) for p in played] == [1920]
    played += only(talk.feed(e.ReplyAudio(reply, item, 0, b"\x55" * 2008)), c.PlayAudio)
    played += only(talk.feed(e.ReplyAudioDone(reply, item, 0)), c.PlayAudio)
    sound = b"".join(p.audio for p in played)
    assert len(sound) % 160 == 0
    assert sound.rstrip(b"\xff") == b"\x55" * 4016


def test_a_reply_is_finished_when_it_was_heard_not_when_it_was_made() -> None:
    talk = Talk().answered()
    talk.agent_says(3.0)
    assert talk.notes(facts.REPLY_FINISHED) == []
    assert talk.state is State.REPLYING
    talk.wait(2.9)
    assert talk.state is State.REPLYING
    talk.wait(0.1 + silence.MARK_WAIT)
    assert talk.state is State.LISTENING
    (turn,) = talk.notes(facts.AGENT_TURN)
    assert (turn["heard_ms"], turn["heard_text"], turn["unheard_text"]) == (3000, "one two three four five six", "")


def test_the_last_mark_finishes_a_reply() -> None:
    talk = Talk().answered()
    talk.agent_says(1.0)
    marks = list(talk.marks)
    talk.now += 1.05
    for name in marks:
        talk.feed(e.MarkPlayed(name))
    assert talk.state is State.LISTENING


def test_a_turn_ends_where_the_speech_did_which_semantic_vad_tells_without_its_silence() -> None:
    for kind, ended_ms in (("server_vad", 2500), ("semantic_vad", 3000)):
        talk = Talk(turn_detection={"type": kind}, silence_ms=500, prefix_padding_ms=300).answered()
        talk.caller_begins("u1", 1000)
        talk.caller_stops("u1", 3000)
        assert talk.notes(facts.CALLER_TURN)[0]["ended_ms"] == ended_ms


# --- an interruption, hop by hop


def test_the_five_steps_come_in_one_step_and_in_their_order() -> None:
    talk = Talk().answered()
    talk.caller_begins()
    talk.caller_stops()
    reply, item = talk.reply_begins()
    talk.words(reply, item, "one two three four five six seven eight")
    talk.sound(reply, item, 20.0)
    talk.wait(0.9)
    commands = talk.caller_begins("u2")
    assert orders(commands) == ["ClearPlayback", "CancelReply", "TruncateReply"]
    assert only(commands, c.CancelReply) == [c.CancelReply(reply)]
    assert only(commands, c.TruncateReply) == [c.TruncateReply(item, 0, 900)]
    (note,) = talk.notes(facts.INTERRUPTION)
    assert note["phase"] == "generating"
    assert (note["heard_ms"], note["generated_ms"], note["cleared_ms"]) == (900, 20000, 19100)
    assert note["steps"] == ["clear", "cancel", "truncate", "suppress", "silent"]
    assert (note["reply_id"], note["item_id"]) == (reply, item)


def test_late_sound_of_the_stopped_reply_is_dropped_by_its_id_and_counted() -> None:
    talk = Talk().answered()
    talk.caller_begins()
    talk.caller_stops()
    reply, item = talk.reply_begins()
    talk.sound(reply, item, 2.0)
    talk.wait(0.5)
    talk.caller_begins("u2")
    talk.wait(0.7)  # longer than any time window
    assert orders(talk.sound(reply, item, 0.75)) == []
    talk.reply_done(reply, status="cancelled")
    assert talk.notes(facts.INTERRUPTION_SETTLED)[-1] == {"number": 1, "late_frames": 38, "late_ms": 750}
    assert orders(talk.sound(reply, item, 0.25)) == []  # and even after its end


def test_sound_that_names_no_reply_is_dropped_within_the_window_only() -> None:
    talk = Talk(suppress_ms=500).answered()
    talk.agent_says(5.0)
    talk.wait(1.0)
    talk.caller_begins("u2")
    assert orders(talk.feed(e.ReplyAudio("", "x", 0, b"\x55" * 1600))) == []
    talk.now += 0.51
    assert "PlayAudio" in orders(talk.feed(e.ReplyAudio("", "x", 0, b"\x55" * 1600)))


def test_a_reply_that_is_made_but_still_playing_is_stopped_without_cancel() -> None:
    talk = Talk().answered()
    _, item = talk.agent_says(10.0)
    talk.wait(4.0)
    commands = talk.caller_begins("u2")
    assert orders(commands) == ["ClearPlayback", "TruncateReply"]
    assert only(commands, c.TruncateReply) == [c.TruncateReply(item, 0, 4000)]
    assert talk.notes(facts.INTERRUPTION)[0]["phase"] == "playing"


def test_of_several_items_each_is_cut_at_its_own_place() -> None:
    talk = Talk().answered()
    talk.caller_begins()
    talk.caller_stops()
    reply, _ = talk.reply_begins(item="a1")
    talk.sound(reply, "a1", 2.0)
    talk.feed(e.ReplyAudioDone(reply, "a1", 0))
    for item in ("a2", "a3"):
        talk.feed(e.ItemAdded(reply, item))
        talk.sound(reply, item, 2.0)
    talk.feed(e.ItemAdded(reply, "a4"))
    talk.wait(2.5)
    commands = talk.caller_begins("u2")
    assert only(commands, c.TruncateReply) == [c.TruncateReply("a2", 0, 500), c.TruncateReply("a3", 0, 0)]
    assert only(commands, c.DeleteItem) == [c.DeleteItem("a4")]


def test_an_item_that_is_added_to_a_dead_reply_is_deleted() -> None:
    talk = Talk().answered()
    talk.caller_begins()
    talk.caller_stops()
    reply, item = talk.reply_begins()
    talk.sound(reply, item, 2.0)
    talk.wait(0.5)
    talk.caller_begins("u2")
    assert only(talk.feed(e.ItemAdded(reply, "a9")), c.DeleteItem) == [c.DeleteItem("a9")]


def test_an_item_heard_to_within_a_syllable_of_its_end_is_left_whole() -> None:
    talk = Talk().answered()
    talk.agent_says(3.0)
    talk.wait(2.95)
    assert "TruncateReply" not in orders(talk.caller_begins("u2"))


def test_what_was_heard_is_never_more_than_was_received() -> None:
    talk = Talk().answered()
    talk.caller_begins()
    talk.caller_stops()
    reply, item = talk.reply_begins()
    talk.sound(reply, item, 1.0)
    talk.wait(5.0)  # the model stalls in the middle of its reply
    (cut,) = only(talk.caller_begins("u2"), c.TruncateReply)
    assert cut.audio_end_ms == 1000


def test_the_next_reply_is_asked_for_only_when_the_cancelled_one_has_ended() -> None:
    talk = Talk().answered()
    talk.caller_begins()
    talk.caller_stops()
    reply, item = talk.reply_begins()
    talk.sound(reply, item, 5.0)
    talk.wait(0.5)
    talk.caller_begins("u2")
    assert "AskForReply" not in orders(talk.caller_stops("u2"))
    assert orders(talk.reply_done(reply, status="cancelled")) == ["AskForReply"]


def test_four_interruptions_in_a_row_are_four_clean_ones() -> None:
    talk = Talk().answered()
    for number in range(1, 5):
        talk.agent_says(10.0)
        talk.wait(0.5 * number)
        talk.caller_begins(f"i{number}")
        talk.caller_stops(f"i{number}")
        reply, item = talk.reply_begins()
        talk.sound(reply, item, 0.25)
        talk.reply_done(reply, item)
        talk.wait(2.0)
    notes = talk.notes(facts.INTERRUPTION)
    assert [n["number"] for n in notes] == [1, 2, 3, 4]
    assert [n["heard_ms"] for n in notes] == [500, 1000, 1500, 2000]
    assert talk.notes(facts.UNEXPECTED) == []


def test_a_request_that_is_no_longer_wanted_is_cancelled_on_arrival() -> None:
    talk = Talk().answered()
    talk.caller_begins()
    talk.caller_stops()
    request = talk.conversation.replies.asked
    commands = talk.caller_begins("u2")
    assert orders(commands) == []
    assert talk.notes(facts.INTERRUPTION)[0]["phase"] == "asked"
    commands = talk.feed(e.ReplyCreated("r1", request))
    assert only(commands, c.CancelReply) == [c.CancelReply("r1")]
    assert orders(talk.sound("r1", "a1", 0.5)) == []


def test_speech_before_the_second_request_is_created_leaves_one_request_outstanding() -> None:
    talk = Talk().answered()
    talk.caller_begins()
    talk.caller_stops()
    first = talk.conversation.replies.asked
    talk.caller_begins("u2")
    assert "AskForReply" not in orders(talk.caller_stops("u2"))  # the first is not even created
    talk.feed(e.ReplyCreated("r1", first))
    assert orders(talk.reply_done("r1", status="cancelled")) == ["AskForReply"]


def test_a_reply_that_the_server_makes_while_the_caller_speaks_is_cancelled() -> None:
    talk = Talk().answered()
    talk.caller_begins()
    assert only(talk.feed(e.ReplyCreated("r1", None)), c.CancelReply) == [c.CancelReply("r1")]


def test_the_words_of_a_cut_item_are_completed_when_they_come_late() -> None:
    talk = Talk().answered()
    talk.caller_begins()
    talk.caller_stops()
    reply, item = talk.reply_begins()
    talk.words(reply, item, "one two")
    talk.sound(reply, item, 2.0)
    talk.wait(0.3)
    talk.caller_begins("u2")
    talk.feed(e.ReplyTextDone(reply, item, 0, "one two three four"))
    turns = talk.notes(facts.AGENT_TURN)
    assert [t["text"] for t in turns] == ["one two", "one two three four"]
    assert turns[-1]["heard_text"] + " " + turns[-1]["unheard_text"] == "one two three four"


# --- each step is a setting


@pytest.mark.parametrize(
    ("setting", "left_out"),
    [
        ({"cancel_reply": False}, "CancelReply"),
        ({"truncate": "off"}, "TruncateReply"),
        ({"clear_buffers": False}, "ClearPlayback"),
    ],
)
def test_a_step_that_is_off_is_left_out_and_the_others_are_done(setting: dict, left_out: str) -> None:
    talk = Talk(**setting).answered()
    talk.caller_begins()
    talk.caller_stops()
    reply, item = talk.reply_begins()
    talk.sound(reply, item, 5.0)
    talk.wait(1.0)
    done = orders(talk.caller_begins("u2"))
    assert sorted([*done, left_out]) == ["CancelReply", "ClearPlayback", "TruncateReply"]


def test_truncation_at_the_start() -> None:
    talk = Talk(truncate="start").answered()
    _, item = talk.agent_says(5.0)
    talk.wait(1.0)
    assert only(talk.caller_begins("u2"), c.TruncateReply) == [c.TruncateReply(item, 0, 0)]


def test_without_suppression_late_sound_is_played() -> None:
    talk = Talk(suppress_in_flight=False).answered()
    talk.caller_begins()
    talk.caller_stops()
    reply, item = talk.reply_begins()
    talk.sound(reply, item, 2.0)
    talk.wait(0.5)
    talk.caller_begins("u2")
    assert "PlayAudio" in orders(talk.sound(reply, item, 0.25))


def test_without_the_silent_mark_more_speech_counts_as_another_interruption() -> None:
    for marked, interruptions in ((True, 1), (False, 2)):
        talk = Talk(mark_silent=marked).answered()
        talk.agent_says(10.0)
        talk.wait(1.0)
        talk.caller_begins("u2")
        talk.caller_stops("u2")
        reply, item = talk.reply_begins()
        talk.reply_done(reply, item, status="cancelled")
        assert talk.state is State.LISTENING
        talk.caller_begins("u3")
        assert len(talk.notes(facts.INTERRUPTION)) == interruptions


def test_legacy_cancels_and_does_nothing_else() -> None:
    talk = Talk(mode="legacy").answered()
    talk.caller_begins()
    talk.caller_stops()
    reply, item = talk.reply_begins()
    talk.sound(reply, item, 5.0)
    talk.wait(1.0)
    commands = talk.caller_begins("u2")
    assert orders(commands) == ["CancelReply"]
    assert "PlayAudio" in orders(talk.sound(reply, item, 0.25))
    assert talk.notes(facts.INTERRUPTION)[0]["mode"] == "legacy"


def test_a_server_that_interrupts_by_itself_is_not_sent_a_cancel() -> None:
    talk = Talk(interrupt_response=True).answered()
    talk.caller_begins()
    talk.caller_stops()
    reply, item = talk.reply_begins()
    talk.sound(reply, item, 5.0)
    talk.wait(1.0)
    assert orders(talk.caller_begins("u2")) == ["ClearPlayback", "TruncateReply"]


# --- shortest interruption


def test_speech_that_is_too_short_stops_the_sound_and_the_reply_goes_on_from_where_it_was_heard() -> None:
    talk = Talk(min_speech_ms=400, silence_ms=500, prefix_padding_ms=300, resume_overlap_ms=0).answered()
    talk.agent_says(5.0)
    talk.wait(1.0)
    assert orders(talk.caller_begins("u2", at_ms=10_000)) == ["ClearPlayback"]
    assert talk.state is State.HOLDING
    talk.wait(0.7)
    commands = talk.feed(e.SpeechStopped("u2", 10_000 + 300 + 200 + 500))
    played = only(commands, c.PlayAudio)
    assert sum(len(p.audio) for p in played) == 4 * 8000
    assert orders(talk.feed(e.InputCommitted("u2"))) == ["DeleteItem"]
    assert talk.notes(facts.INTERRUPTION_REFUSED)[0]["speech_ms"] == 200
    talk.wait(6.0)
    (turn,) = talk.notes(facts.AGENT_TURN)
    assert (turn["heard_ms"], turn["interruption"]) == (5000, 0)


def test_speech_that_goes_on_becomes_an_interruption_at_the_heard_place() -> None:
    talk = Talk(min_speech_ms=400, silence_ms=500).answered()
    _, item = talk.agent_says(5.0)
    talk.wait(1.0)
    talk.caller_begins("u2")
    commands = talk.wait(1.2)
    assert only(commands, c.TruncateReply) == [c.TruncateReply(item, 0, 1000)]
    assert talk.state is State.HEARING


def test_long_enough_speech_that_has_stopped_is_an_interruption_and_is_answered() -> None:
    talk = Talk(min_speech_ms=400, silence_ms=500, prefix_padding_ms=300).answered()
    talk.agent_says(5.0)
    talk.wait(1.0)
    talk.caller_begins("u2", at_ms=10_000)
    talk.wait(0.9)
    commands = talk.caller_stops("u2", end_ms=10_000 + 300 + 500 + 500)
    assert orders(commands) == ["TruncateReply", "AskForReply"]


def test_sound_that_arrives_while_the_reply_is_held_is_kept_and_played_after() -> None:
    talk = Talk(min_speech_ms=400, silence_ms=500, prefix_padding_ms=300, resume_overlap_ms=0).answered()
    talk.caller_begins()
    talk.caller_stops()
    reply, item = talk.reply_begins()
    talk.sound(reply, item, 2.0)
    talk.wait(1.0)
    talk.caller_begins("u2", at_ms=10_000)
    assert orders(talk.sound(reply, item, 1.0)) == []
    played = only(talk.feed(e.SpeechStopped("u2", 10_900)), c.PlayAudio)
    assert sum(len(p.audio) for p in played) == 2 * 8000
