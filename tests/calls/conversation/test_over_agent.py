"""Speech over the agent: what stops it, what does not, and what becomes of either."""

from __future__ import annotations

import pytest

from calls.conversation import commands as c
from calls.conversation import events as e
from calls.conversation import facts, silence
from calls.conversation.states import State
from tests.calls.conversation.gate import NATURAL, QUIET, stops, talking
from tests.calls.conversation.talk import Talk, only, orders

# --- while it is not known what it is


def test_the_agent_talks_on_while_it_is_weighed() -> None:
    talk = talking()
    assert orders(talk.caller_begins("u9", 10_000)) == []
    assert talk.state is State.WEIGHING


def test_or_falls_silent_at_once_when_the_settings_say_so() -> None:
    talk = talking(stop_sound="at_once")
    assert orders(talk.caller_begins("u9", 10_000)) == ["ClearPlayback"]
    assert talk.state is State.HOLDING


def test_with_everything_off_it_is_exactly_the_five_steps_at_once() -> None:
    bare = {name: type(value)() for name, value in NATURAL.items() if name not in ("stop_sound", "decide_by_ms")}
    talk = talking(**bare)
    assert not talk.conversation.settings.gated
    assert orders(talk.caller_begins("u9", 10_000)) == ["ClearPlayback", "TruncateReply"]
    assert talk.notes(facts.INTERRUPTION)[0]["because"] == "any_speech"


def test_a_reply_of_which_nothing_is_heard_yet_does_not_begin_meanwhile() -> None:
    talk = Talk(**NATURAL).answered()
    talk.caller_begins("u1")
    talk.caller_stops("u1")
    reply, item = talk.reply_begins()
    talk.hears(64, **QUIET)
    assert orders(talk.caller_begins("u9", 10_000)) == []
    assert talk.state is State.HOLDING
    assert orders(talk.sound(reply, item, 2.0)) == []
    commands = stops(talk, 100)
    assert sum(len(p.audio) for p in only(commands, c.PlayAudio)) == 2 * 8000


# --- what stops it


def test_enough_speech_stops_it_where_it_was_heard() -> None:
    talk = talking()
    talk.caller_begins("u9", 10_000)
    assert orders(talk.hears(480)) == []
    commands = talk.hears(32)
    assert orders(commands) == ["ClearPlayback", "TruncateReply"]
    assert only(commands, c.TruncateReply)[0].audio_end_ms == pytest.approx(2000 + 512, abs=20)
    (note,) = talk.notes(facts.INTERRUPTION)
    assert note["because"] == "speech"
    assert {"evidence": "speech_ms", "value": 512, "threshold": 500} in note["reasons"]
    assert talk.state is State.HEARING


def test_an_interruption_is_answered_when_the_caller_has_finished() -> None:
    talk = talking()
    talk.caller_begins("u9", 10_000)
    talk.hears(600)
    talk.hears(500, **QUIET)
    assert orders(talk.caller_stops("u9", 11_400)) == ["AskForReply"]


def test_our_ear_counts_what_was_spoken_before_the_model_noticed() -> None:
    talk = talking()
    talk.hears(480)
    talk.caller_begins("u9", 10_000)
    assert orders(talk.hears(32)) == ["ClearPlayback", "TruncateReply"]


def test_our_ear_stops_the_agent_also_when_the_model_notices_nothing_yet() -> None:
    talk = talking()
    assert orders(talk.hears(512)) == ["ClearPlayback", "TruncateReply"]
    assert talk.state is State.HEARING
    assert talk.notes(facts.INTERRUPTION)[0]["speech_item_id"] == ""
    talk.caller_begins("u9", 10_000)
    assert talk.notes(facts.UNEXPECTED) == []
    talk.hears(500, **QUIET)
    assert orders(talk.caller_stops("u9", 12_000)) == ["AskForReply"]


def test_when_the_model_never_notices_the_agent_asks_what_was_said() -> None:
    talk = talking()
    talk.hears(512)
    commands = talk.hears(3000, **QUIET)
    (ask,) = only(commands, c.AskForReply)
    assert "could not be understood" in ask.instructions
    assert talk.notes(facts.STUCK)[0]["repair"] == "ask the caller to repeat it"


def test_speech_that_goes_on_across_the_deadline_always_wins() -> None:
    """Here against the loudness: a soft caller is heard all the same."""
    talk = talking()
    talk.caller_begins("u9", 10_000)
    assert orders(talk.hears(1184, level_db=2.0)) == []
    assert orders(talk.hears(64, level_db=2.0)) == ["ClearPlayback", "TruncateReply"]
    assert talk.notes(facts.INTERRUPTION)[0]["because"] == "deadline"


def test_and_against_words_of_listening() -> None:
    talk = talking()
    talk.caller_begins("u9", 10_000)
    talk.feed(e.EarlyWords("u9", "yeah yeah okay"))
    assert orders(talk.hears(1184)) == []
    assert "ClearPlayback" in orders(talk.hears(64))


def test_a_word_that_stops_needs_no_length() -> None:
    talk = talking()
    talk.caller_begins("u9", 10_000)
    talk.hears(160)
    assert orders(talk.feed(e.EarlyWords("u9", "Stop!"))) == ["ClearPlayback", "TruncateReply"]
    (note,) = talk.notes(facts.INTERRUPTION)
    assert note["because"] == "words"
    assert {"evidence": "words", "text": "Stop!", "list": "interrupt_phrases"} in note["reasons"]


def test_other_words_stop_it_with_most_of_the_length() -> None:
    talk = talking()
    talk.caller_begins("u9", 10_000)
    talk.hears(160)
    assert orders(talk.feed(e.EarlyWords("u9", "but what"))) == []
    assert orders(talk.hears(192)) == []
    assert "ClearPlayback" in orders(talk.hears(32))


# --- what does not


def test_a_backchannel_leaves_the_reply_playing_and_nothing_of_it_in_the_conversation() -> None:
    talk = talking()
    talk.caller_begins("u9", 10_000)
    talk.hears(288)
    talk.feed(e.EarlyWords("u9", "Mm-hm."))
    talk.hears(500, **QUIET)
    assert orders(stops(talk, 288)) == []
    assert orders(talk.feed(e.InputCommitted("u9"))) == ["DeleteItem"]
    assert talk.state is State.REPLYING
    (note,) = talk.notes(facts.INTERRUPTION_REFUSED)
    assert (note["because"], note["kept"], note["held"]) == ("backchannel", False, False)
    talk.wait(30.0)
    assert talk.notes(facts.AGENT_TURN)[-1]["unheard_text"] == ""
    assert talk.notes(facts.REPLY_ASKED) == [{"request_id": "ask-1", "because": "caller_stopped"}]


@pytest.mark.parametrize(
    ("frames", "because"),
    [
        ({"probability": 0.95}, "too_short"),
        ({"probability": 0.1, "level_db": 40.0}, "noise"),
        ({"probability": 0.95, "echo": 0.9}, "echo"),
        ({"probability": 0.95, "level_db": 3.0}, "soft"),
    ],
)
def test_what_it_was_is_written_down(frames: dict[str, float], because: str) -> None:
    talk = talking()
    talk.caller_begins("u9", 10_000)
    talk.hears(320, **frames)
    talk.hears(500, **QUIET)
    stops(talk, 320)
    (note,) = talk.notes(facts.INTERRUPTION_REFUSED)
    assert note["because"] == because
    assert talk.state is State.REPLYING


def test_a_laugh_does_not_stop_the_agent_however_long_it_lasts() -> None:
    talk = talking()
    talk.caller_begins("u9", 10_000)
    talk.hears(416)  # less cannot be told from speech
    assert orders(talk.hears(4000, laughter=0.8)) == []
    talk.hears(500, **QUIET)
    assert orders(stops(talk, 4400)) == []
    (note,) = talk.notes(facts.INTERRUPTION_REFUSED)
    assert (note["because"], note["kept"]) == ("laughter", False)
    assert {"evidence": "laughter", "value": 0.8, "threshold": 0.5} in note["reasons"]


def test_who_goes_on_with_words_after_a_laugh_stops_the_agent() -> None:
    talk = talking()
    talk.caller_begins("u9", 10_000)
    talk.hears(416)
    talk.hears(1600, laughter=0.8)
    assert orders(talk.hears(400, laughter=0.2)) == []
    assert "ClearPlayback" in orders(talk.hears(128, laughter=0.2))


def test_a_laugh_is_speech_where_nobody_guards_against_it() -> None:
    talk = talking(laughter_guard=0.0)
    talk.caller_begins("u9", 10_000)
    assert "ClearPlayback" in orders(talk.hears(512, laughter=0.9))


def test_a_noise_has_no_deadline() -> None:
    talk = talking()
    talk.caller_begins("u9", 10_000)
    assert orders(talk.hears(6000, probability=0.2, level_db=40.0)) == []
    assert talk.state is State.WEIGHING


def test_small_pieces_far_apart_do_not_add_up() -> None:
    talk = talking()
    for number in range(4):
        talk.caller_begins(f"m{number}", 10_000)
        talk.hears(288)
        talk.hears(500, **QUIET)
        stops(talk, 288, f"m{number}")
        talk.feed(e.InputCommitted(f"m{number}"))
        talk.hears(1100, **QUIET)
    assert talk.notes(facts.INTERRUPTION) == []
    assert len(talk.notes(facts.INTERRUPTION_REFUSED)) == 4


def test_speech_that_was_refused_and_goes_on_stops_the_agent_after_all() -> None:
    talk = talking(stop_sound="at_once")
    talk.caller_begins("u9", 10_000)
    talk.hears(96)
    assert "PlayAudio" in orders(talk.hears(352, **QUIET))  # a breath
    commands = talk.hears(512)
    assert orders(commands)[-2:] == ["ClearPlayback", "TruncateReply"]
    assert talk.notes(facts.INTERRUPTION)[0]["speech_item_id"] == "u9"
    assert orders(talk.caller_stops("u9", 12_000)) == ["AskForReply"]  # and its item is not deleted


def test_a_held_reply_goes_on_as_soon_as_the_caller_is_quiet() -> None:
    talk = talking(stop_sound="at_once", resume_after_ms=300, resume_overlap_ms=0)
    talk.caller_begins("u9", 10_000)
    talk.hears(160)
    assert orders(talk.hears(256, **QUIET)) == []
    played = only(talk.hears(96, **QUIET), c.PlayAudio)
    assert sum(len(p.audio) for p in played) == pytest.approx(18 * 8000, abs=160)
    assert orders([*stops(talk, 160), *talk.feed(e.InputCommitted("u9"))]) == ["DeleteItem"]
    assert talk.notes(facts.UNEXPECTED) == []


def test_without_an_ear_the_models_offsets_decide() -> None:
    for spoken_ms, because in ((400, facts.INTERRUPTION_REFUSED), (600, facts.INTERRUPTION)):
        talk = Talk(**NATURAL).answered()
        talk.agent_says(20.0)
        talk.wait(2.0)
        talk.caller_begins("u9", 10_000)
        talk.wait(0.9)
        stops(talk, spoken_ms)
        assert len(talk.notes(because)) == 1


def test_an_ear_that_dies_leaves_the_decision_to_the_models_offsets() -> None:
    talk = talking()
    talk.caller_begins("u9", 10_000)
    talk.hears(96)
    talk.wait(2.0)
    assert talk.notes(facts.INTERRUPTION)[0]["because"] in ("speech", "deadline")


# --- late words


def test_stop_is_heard_also_when_its_words_come_late() -> None:
    talk = talking()
    talk.caller_begins("u9", 10_000)
    talk.hears(256)
    talk.hears(500, **QUIET)
    stops(talk, 256)
    talk.feed(e.InputCommitted("u9"))
    commands = talk.feed(e.CallerTranscript("u9", "Stop!"))
    assert orders(commands) == ["ClearPlayback", "TruncateReply", "AddItem", "AskForReply"]
    assert only(commands, c.AddItem) == [c.AddItem("user", "Stop!")]


def test_late_words_of_listening_change_nothing() -> None:
    talk = talking()
    talk.caller_begins("u9", 10_000)
    talk.hears(256)
    stops(talk, 256)
    talk.feed(e.InputCommitted("u9"))
    assert orders(talk.feed(e.CallerTranscript("u9", "Okay."))) == []
    assert talk.notes(facts.CALLER_WORDS)[-1] == {"item_id": "u9", "text": "Okay."}
    talk.wait(30.0)
    assert orders(talk.feed(e.CallerTranscript("u9", "stop"))) == []  # nothing is left to stop


# --- the end of the reply, its beginning, and the greeting


def test_a_short_answer_to_a_question_is_no_backchannel() -> None:
    """“Is that right?” “Yes.” over its last syllables."""
    talk = talking(seconds=3.0, heard_s=2.2, text="Is that right?")
    talk.caller_begins("u9", 10_000)
    talk.hears(192)
    talk.hears(288, **QUIET)
    assert orders(stops(talk, 192)) == []
    assert talk.notes(facts.INTERRUPTION_REFUSED)[0]["because"] == "answer"
    assert orders(talk.feed(e.InputCommitted("u9"))) == []  # it is kept
    assert "AskForReply" in orders(talk.wait(2.0))
    assert talk.notes(facts.REPLY_FINISHED) != []


def test_the_turn_is_the_callers_when_the_reply_ends_while_they_speak() -> None:
    talk = talking(seconds=3.0, heard_s=2.7)
    talk.caller_begins("u9", 10_000)
    talk.hears(400)
    talk.wait(silence.MARK_WAIT)
    assert talk.state is State.HEARING
    assert "AskForReply" in orders(talk.caller_stops("u9", 11_400))
    assert talk.notes(facts.INTERRUPTION) == []


def test_refused_speech_that_outlasts_the_reply_becomes_a_turn() -> None:
    talk = talking(seconds=4.0, heard_s=2.0, stop_sound="at_once", resume_overlap_ms=0)
    talk.caller_begins("u9", 10_000)
    talk.hears(96)
    talk.hears(352, **QUIET)
    talk.hears(3500, probability=0.6)
    assert talk.state is State.HEARING
    assert orders(talk.caller_stops("u9", 15_000)) == ["AskForReply"]


def test_nothing_stops_a_reply_in_its_first_moments() -> None:
    talk = Talk(**{**NATURAL, "grace_ms": 1000}).answered()
    talk.agent_says(20.0)
    talk.hears(96, **QUIET)
    talk.caller_begins("u9", 10_000)
    assert orders(talk.hears(832)) == []
    assert "ClearPlayback" in orders(talk.hears(96))


def test_a_protected_greeting_is_heard_to_its_end_and_what_was_said_is_answered_after_it() -> None:
    talk = Talk(**{**NATURAL, "protect_greeting": True, "greeting": "This call is recorded."}).answered()
    reply, item = talk.reply_begins()
    talk.sound(reply, item, 3.0)
    talk.reply_done(reply, item)
    talk.hears(500, **QUIET)
    talk.caller_begins("u9", 10_000)
    assert orders(talk.hears(1500)) == []
    assert orders(talk.caller_stops("u9", 12_300)) == []
    (note,) = talk.notes(facts.INTERRUPTION_REFUSED)
    assert (note["because"], note["kept"]) == ("protected", True)
    assert orders(talk.wait(3.0)) == ["AskForReply"]
    assert talk.notes(facts.AGENT_TURN)[-1]["heard_ms"] == 3000


def test_hello_before_the_first_sound_does_not_cost_a_protected_greeting() -> None:
    talk = Talk(**{**NATURAL, "protect_greeting": True, "greeting": "This call is recorded."}).answered()
    talk.caller_begins("u1", 0)
    talk.caller_stops("u1", 1200)
    reply, item = talk.reply_begins()
    assert "CancelReply" not in orders(talk.commands)
    assert "PlayAudio" in orders(talk.sound(reply, item, 1.0))
    talk.reply_done(reply, item)
    assert "AskForReply" in orders(talk.wait(3.0))  # the “hello” is answered


def test_the_second_reply_is_not_protected() -> None:
    talk = Talk(**{**NATURAL, "protect_greeting": True, "greeting": "This call is recorded."}).answered()
    reply, item = talk.reply_begins()
    talk.sound(reply, item, 1.0)
    talk.reply_done(reply, item)
    talk.wait(3.0)
    talk.agent_says(10.0)
    talk.hears(500, **QUIET)
    talk.caller_begins("u9", 10_000)
    assert "ClearPlayback" in orders(talk.hears(600))


# --- noise while nobody speaks


def test_a_cough_in_silence_is_not_answered() -> None:
    talk = Talk(**NATURAL).answered()
    talk.hears(500, **QUIET)
    talk.caller_begins("u9", 100)
    talk.hears(300, probability=0.2, level_db=40.0)
    talk.hears(500, **QUIET)
    assert orders(talk.caller_stops("u9", 1200)) == ["DeleteItem"]
    assert talk.notes(facts.TURN_REFUSED)[0]["because"] == "noise"
    assert talk.state is State.LISTENING


def test_a_cough_in_the_pause_before_the_answer_brings_the_answer_back() -> None:
    talk = Talk(**NATURAL).answered()
    talk.hears(500, **QUIET)
    talk.caller_begins("u1", 100)
    talk.hears(800)
    talk.hears(500, **QUIET)
    talk.caller_stops("u1", 1800)
    talk.caller_begins("u9", 2000)
    talk.hears(200, probability=0.2, level_db=40.0)
    talk.hears(500, **QUIET)
    talk.feed(e.SpeechStopped("u9", 3000))
    talk.feed(e.ReplyCreated("r1", "ask-1"))
    assert "PlayAudio" in orders(talk.sound("r1", "a1", 1.0))
    assert "CancelReply" not in orders(talk.commands)


@pytest.mark.parametrize(("from_on", "answered"), [(0.4, False), (0.1, True), (0.0, True)])
def test_a_sound_in_silence_is_a_turn_from_the_probability_that_is_set(from_on: float, answered: bool) -> None:
    talk = Talk(**NATURAL, turn_probability=from_on).answered()
    talk.hears(500, **QUIET)
    talk.caller_begins("u9", 100)
    talk.hears(200, probability=0.2, level_db=40.0)
    talk.hears(500, **QUIET)
    assert ("AskForReply" in orders(talk.caller_stops("u9", 1100))) is answered


def test_soft_speech_in_silence_is_answered() -> None:
    talk = Talk(**NATURAL).answered()
    talk.hears(500, **QUIET)
    talk.caller_begins("u9", 100)
    talk.hears(800, probability=0.45, level_db=3.0)
    talk.hears(500, **QUIET)
    assert orders(talk.caller_stops("u9", 1700)) == ["AskForReply"]


def test_the_clear_of_a_held_reply_has_the_number_of_the_interruption_that_it_may_become() -> None:
    """So that the time from the speech to the clear is known also of those that stop at once."""
    talk = talking(stop_sound="at_once")
    (clear,) = only(talk.caller_begins("u9", 10_000), c.ClearPlayback)
    assert (clear.interruption, clear.held) == (1, True)
    talk.hears(512)
    assert talk.notes(facts.INTERRUPTION)[0]["number"] == 1
