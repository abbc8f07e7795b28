"""Reported orders: speech, commits, who cancels and who replies, truncation, errors (sections 3.1 to 3.5).

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
from tests.calls.conversation.talk import EAR, GATE, Talk, asks, line_until, only, orders, spoken

BENIGN = (
    "response_cancel_not_active",
    "conversation_already_has_active_response",
    "truncate_past_end",
    "unsupported_content_type",
    "item_truncate_invalid_item_id",
    "item_delete_invalid_item_id",
    "item_retrieve_invalid_item_id",
    "item_create_duplicate_item_id",
    "input_audio_buffer_commit_empty",
)
FATAL = (
    "insufficient_quota",
    "credit_balance_exhausted",
    "invalid_api_key",
    "account_deactivated",
    "billing_hard_limit_reached",
    "beta_api_shape_disabled",
    "model_not_found",
)

LIVE = [name for name, (state, _) in SITUATIONS.items() if state is not State.ENDED]
OVER_AGENT = ["the agent talks on while speech is weighed", "a reply is held"]


# --- 3.1: where speech begins and ends


def test_offsets_count_from_the_start_of_the_session_and_no_commit_resets_them() -> None:
    """3.1, recorded: 1460, 8948 and 16436 over three turns."""
    talk = Talk(silence_ms=500).answered()
    for number, (start, end) in enumerate(((1460, 4256), (8948, 11_744), (16_436, 19_232))):
        line_until(talk, (start + 300) / 1000)
        talk.caller_begins(f"u{number}", start)
        line_until(talk, end / 1000)
        talk.caller_stops(f"u{number}", end)
        reply, item = talk.reply_begins()
        talk.sound(reply, item, 1.0)
        talk.reply_done(reply, item)
    turns = talk.notes(facts.CALLER_TURN)
    assert [turn["started_ms"] for turn in turns] == pytest.approx([1760, 9248, 16_736], abs=40)
    assert [turn["ended_ms"] for turn in turns] == pytest.approx([3756, 11_244, 18_732], abs=40)


def test_a_turn_is_placed_where_it_was_said_though_media_was_lost_before_it() -> None:
    """3.1: the offsets count the sound that was sent and not the time that passed; frames do get lost on the way."""
    talk = Talk(silence_ms=500).answered()
    line_until(talk, 1.0)
    talk.wait(5.0)
    line_until(talk, 6.2)
    talk.caller_begins("u1", 900)  # 1.2 s of sound
    line_until(talk, 8.0)
    talk.caller_stops("u1", 3000)
    (turn,) = talk.notes(facts.CALLER_TURN)
    assert turn["started_ms"] == pytest.approx(6200, abs=100)


def test_what_was_said_before_the_session_stood_is_placed_where_it_was_said() -> None:
    """3.1: sound that was kept is sent in one go, and heard at once."""
    talk = Talk(silence_ms=500)
    talk.feed(e.CallAnswered())
    line_until(talk, 4.0)
    talk.feed(e.ModelReady("sess_1"))
    talk.caller_begins("u1", 700)
    talk.caller_stops("u1", 3500)
    assert talk.notes(facts.CALLER_TURN)[0]["started_ms"] == pytest.approx(1000, abs=40)


def test_a_turn_in_a_new_session_is_placed_by_the_new_sessions_offsets() -> None:
    """3.9: the timeline of the input restarts at 0 with the socket."""
    talk = Talk(silence_ms=500).answered()
    line_until(talk, 60.0)
    talk.link_is_restored(after=0.0)
    line_until(talk, 61.76)
    talk.caller_begins("u1", 1460)
    line_until(talk, 64.256)
    talk.caller_stops("u1", 4256)
    assert talk.notes(facts.CALLER_TURN)[0]["started_ms"] == pytest.approx(61_760, abs=40)


@pytest.mark.parametrize("situation", ["the caller speaks", *OVER_AGENT])
def test_when_media_stops_in_the_middle_of_speech_silence_brings_its_end(situation: str) -> None:
    """3.1 and pitfall 13; pydantic-ai#8137: 4 s without media gave nothing, 1.5 s of zeros the end; pipecat#4124."""
    talk = being(situation)
    item = "u1" if situation == "the caller speaks" else "u2"
    talk.caller_frame()
    filled = only(talk.wait(silence.GAP), c.SendAudio)
    assert len(filled) * 20 >= talk.conversation.settings.silence_ms
    talk.caller_stops(item, 13_000)
    assert talk.state is not State.HEARING
    assert asks(talk.commands) > 0


def test_media_that_comes_back_after_the_gap_is_passed_on() -> None:
    """pydantic-ai#8137: muted and unmuted in one utterance."""
    talk = being("the caller speaks")
    talk.caller_frame()
    talk.wait(silence.GAP)
    assert orders(talk.caller_frame()) == ["SendAudio"]
    assert orders(talk.wait(silence.GAP / 2)) == []


def test_the_rest_of_speech_that_was_ended_by_hand_comes_under_an_id_of_its_own() -> None:
    """3.1: the id of speech_started is final unless the client commits by hand during speech."""
    talk = being("the caller speaks")
    talk.wait(silence.SPEECH_LASTS)
    assert asks(talk.feed(e.InputCommitted("u1"))) == 1
    reply, item = talk.reply_begins()
    talk.sound(reply, item, 2.0)
    assert orders(talk.caller_stops("u1b", 93_000)) == []
    talk.reply_done(reply, item)
    assert asks(talk.wait(5.0)) == 1
    assert talk.state is State.PREPARING


def test_the_rest_of_it_is_answered_by_itself_also_when_nobody_speaks_any_more() -> None:
    talk = being("the caller speaks")
    talk.wait(silence.SPEECH_LASTS)
    talk.feed(e.InputCommitted("u1"))
    reply, item = talk.reply_begins()
    talk.sound(reply, item, 2.0)
    talk.reply_done(reply, item)
    talk.wait(5.0)
    assert asks(talk.caller_stops("u1b", 98_000)) == 1
    assert [turn["item_id"] for turn in talk.notes(facts.CALLER_TURN)] == ["u1b"]


def test_the_rest_that_comes_before_the_request_is_answered_with_the_turn() -> None:
    talk = being("the caller speaks")
    talk.wait(silence.SPEECH_LASTS)
    assert asks([*talk.caller_stops("u1b", 91_000), *talk.feed(e.InputCommitted("u1"))]) == 1
    reply, item = talk.reply_begins()
    talk.sound(reply, item, 2.0)
    talk.reply_done(reply, item)
    assert orders(talk.wait(5.0)) == []


def test_a_hum_that_held_a_turn_open_is_not_answered_when_it_ends() -> None:
    talk = Talk(**EAR).answered()
    talk.ear(0.5, 0.1)
    talk.caller_begins()
    talk.ear(1.0, 0.9)
    talk.ear(silence.SPEECH_UNHEARD + 0.1, 0.1)
    talk.feed(e.InputCommitted("u1"))
    reply, item = talk.reply_begins()
    talk.sound(reply, item, 2.0)
    talk.reply_done(reply, item)
    talk.ear(5.0, 0.1)
    assert orders(talk.caller_stops("u1b", 30_000)) == ["DeleteItem"]
    assert talk.state is State.LISTENING


# --- 3.2: commits


def test_a_whole_turn_in_the_order_in_which_it_was_recorded() -> None:
    """3.2, 3.6 and 3.7, recorded: the caller's words and the agent's come in the middle of the agent's sound."""
    talk = Talk(silence_ms=500).answered()
    asked = 0
    for event in (
        e.SpeechStarted("item_U1", 1460),
        e.EarlyWords("item_U1", "Hel"),
        e.SpeechStopped("item_U1", 4256),
        e.InputCommitted("item_U1", None),
    ):
        asked += asks(talk.feed(event))
    assert asked == 1
    played = 0.0
    for event in (
        e.ReplyCreated("resp_7", talk.conversation.replies.asked),
        e.ItemAdded("resp_7", "item_A1"),
        e.ReplyText("resp_7", "item_A1", 0, "Hi"),
        e.ReplyText("resp_7", "item_A1", 0, " there."),
        e.ReplyAudio("resp_7", "item_A1", 0, b"\x55" * 2000),
        e.CallerTranscript("item_U1", "Hello."),
        e.ReplyAudio("resp_7", "item_A1", 0, b"\x55" * 2000),
        e.ReplyAudioDone("resp_7", "item_A1", 0),
        e.ReplyTextDone("resp_7", "item_A1", 0, "Hi there."),
        e.ReplyDone("resp_7", "completed", usage={"total_tokens": 83}),
    ):
        played += spoken(talk.feed(event))
    assert played == 0.5
    talk.wait(2.0)
    assert talk.state is State.LISTENING
    assert talk.notes(facts.CALLER_WORDS) == [{"item_id": "item_U1", "text": "Hello."}]
    (turn,) = talk.notes(facts.AGENT_TURN)
    assert (turn["heard_text"], turn["heard_ms"]) == ("Hi there.", 500)
    assert talk.notes(facts.UNEXPECTED) == []


def test_a_commit_by_hand_that_finds_nothing_to_commit_is_no_end_of_the_turn() -> None:
    """3.2 and 3.5: under VAD a manual commit usually lands on an empty buffer, input_audio_buffer_commit_empty."""
    talk = being("the caller speaks")
    assert "CommitInput" in orders(talk.wait(silence.SPEECH_LASTS))
    talk.feed(e.ModelError("benign", "input_audio_buffer_commit_empty", "", "commit-1"))
    assert asks(talk.wait(silence.COMMIT_WAIT)) == 1


# --- 3.3: who cancels, and who replies


def test_the_server_cancels_by_itself_and_makes_the_next_reply() -> None:
    """3.3, both true: response.done with turn_detected, then a response that nobody asked for. No cancel of ours: pitfall 7."""
    talk = Talk(create_response=True, interrupt_response=True).answered()
    talk.caller_begins()
    talk.caller_stops()
    talk.feed(e.ReplyCreated("r1"))
    talk.sound("r1", "a1", 5.0)
    talk.wait(1.0)
    stopped = talk.caller_begins("u2")
    stopped += talk.feed(e.ReplyDone("r1", "cancelled", "turn_detected"))
    assert orders(stopped) == ["ClearPlayback", "TruncateReply"]
    assert orders(talk.caller_stops("u2")) == []
    talk.feed(e.ReplyCreated("r2"))
    assert spoken(talk.sound("r2", "a2", 1.0)) == 1.0


def test_the_servers_cancel_can_be_known_before_the_speech_that_caused_it() -> None:
    """3.3: the response.done of the cancelled response and speech_started leave the server together."""
    talk = Talk(create_response=True, interrupt_response=True).answered()
    talk.caller_begins()
    talk.caller_stops()
    talk.feed(e.ReplyCreated("r1"))
    talk.sound("r1", "a1", 5.0)
    talk.wait(1.0)
    talk.feed(e.ReplyDone("r1", "cancelled", "turn_detected"))
    commands = talk.caller_begins("u2")
    assert only(commands, c.TruncateReply) == [c.TruncateReply("a1", 0, 1000)]
    assert orders(commands) == ["ClearPlayback", "TruncateReply"]


def test_a_server_that_only_cancels_still_leaves_the_asking_to_us() -> None:
    """3.3, create false and interrupt true: the server still cancels; livekit/agents#6642."""
    talk = Talk(interrupt_response=True).answered()
    talk.agent_is_saying(5.0)
    talk.wait(1.0)
    assert "CancelReply" not in orders(talk.caller_begins("u2"))
    assert asks(talk.caller_stops("u2")) == 0
    assert asks(talk.feed(e.ReplyDone("r1", "cancelled", "turn_detected"))) == 1


def test_a_reply_that_the_server_could_not_make_by_itself_is_asked_for_when_the_old_one_has_ended() -> None:
    """3.3, create true and interrupt false: conversation_already_has_active_response, for no request of ours, and a caller
    who would be left without an answer."""
    talk = Talk(create_response=True).answered()
    talk.caller_begins()
    talk.caller_stops()
    talk.feed(e.ReplyCreated("r1"))
    talk.sound("r1", "a1", 5.0)
    talk.wait(1.0)
    talk.caller_begins("u2")
    talk.wait(1.0)
    talk.caller_stops("u2")
    commands = talk.feed(e.ModelError("benign", "conversation_already_has_active_response"))
    commands += talk.feed(e.ReplyDone("r1", "cancelled", "client_cancelled"))
    assert asks(commands + talk.wait(1.0)) == 1


def test_a_held_reply_that_the_server_cancels_all_the_same_is_heard_as_far_as_it_was_made() -> None:
    """livekit/agents#6635: cancelled although interrupt_response is false."""
    talk = Talk(**GATE).answered()
    talk.agent_is_saying(2.0)
    talk.wait(0.5)
    talk.caller_begins("u2", 10_000)
    talk.feed(e.ReplyDone("r1", "cancelled", "turn_detected"))
    talk.wait(0.7)
    assert spoken(talk.caller_stops("u2", 11_000)) == 1.5
    talk.wait(3.0)
    assert talk.state is State.LISTENING
    assert talk.notes(facts.AGENT_TURN)[0]["heard_ms"] == 2000


def test_a_reply_that_the_server_cancels_for_a_noise_before_its_first_sound_is_asked_for_again() -> None:
    """livekit/agents#6635 with #1229: the reply is lost to a noise and never comes back."""
    talk = Talk(**GATE).answered()
    talk.caller_begins()
    talk.caller_stops()
    talk.reply_begins()
    talk.caller_begins("u2", 10_000)
    talk.feed(e.ReplyDone("r1", "cancelled", "turn_detected"))
    talk.wait(0.7)
    commands = talk.caller_stops("u2", 11_000)
    assert only(commands, c.DeleteItem) == [c.DeleteItem("u2")]
    assert asks(commands + talk.wait(1.0)) == 1


# --- 3.4: truncation


def test_a_reply_that_was_made_long_ago_is_cut_without_a_cancel_and_the_next_is_asked_for_at_once() -> None:
    """3.3 and pitfall 5; openai-agents-js#1173 and #1608, twilio node sample#9: no response.done follows any more."""
    talk = Talk().answered()
    _, item = talk.agent_says(10.0)
    talk.wait(3.0)
    commands = talk.caller_begins("u2")
    assert orders(commands) == ["ClearPlayback", "TruncateReply"]
    assert only(commands, c.TruncateReply) == [c.TruncateReply(item, 0, 3000)]
    assert asks(talk.caller_stops("u2")) == 1


def test_sound_that_came_and_of_which_nothing_was_heard_is_cut_at_its_start() -> None:
    """3.4, recorded (pydantic-ai, test_handle_barge_in_over_live_speech): 0 is accepted once the item has sound."""
    talk = Talk().answered()
    _, item = talk.agent_is_saying(2.0)
    assert only(talk.caller_begins("u2"), c.TruncateReply) == [c.TruncateReply(item, 0, 0)]


def test_an_item_without_sound_is_deleted_and_not_cut() -> None:
    """3.4; livekit/agents#6157, #6158, #6249: “Only model output audio messages can be truncated”."""
    talk = being("a reply has begun without a sound")
    commands = talk.caller_begins("u2")
    assert only(commands, c.TruncateReply, c.DeleteItem) == [c.DeleteItem("a1")]
    talk.feed(e.ModelError("benign", "unsupported_content_type", "", "delete-1"))
    assert orders(talk.sound("r1", "a1", 0.5)) == []  # its sound was on its way
    assert asks(talk.caller_stops("u2")) == 0
    assert asks(talk.feed(e.ReplyDone("r1", "cancelled"))) == 1


def test_an_item_that_is_added_after_the_interruption_is_deleted_when_it_is_added() -> None:
    """Section 5, step 4: not at all heard, without sound: deleted when it is added."""
    talk = being("a reply is asked for")
    talk.feed(e.ReplyCreated("r1", talk.conversation.replies.asked))
    assert orders(talk.caller_begins("u2")) == ["ClearPlayback", "CancelReply"]
    assert orders(talk.feed(e.ItemAdded("r1", "a1"))) == ["DeleteItem"]


@pytest.mark.parametrize("late_s", [0.0, 0.06, 5.0])
def test_the_cut_is_never_beyond_the_sound_that_was_received(late_s: float) -> None:
    """3.4 and pitfalls 2 and 3: “Audio content of 3700ms is already shorter than 3760ms”; openclaw#125502,
    openai-agents-python#4122, pipecat#931."""
    talk = Talk().answered()
    _, item = talk.agent_is_saying(3.5)
    talk.now += 3.5 + late_s  # the model makes no more for a while
    (cut,) = only(talk.caller_begins("u2"), c.TruncateReply)
    assert cut == c.TruncateReply(item, 0, 3500)


def test_a_cut_that_is_refused_changes_nothing_and_the_caller_is_answered() -> None:
    """pipecat#3677: the receive loop ended with the error of a truncate, and the bot was silent for the rest of the call."""
    talk = Talk().answered()
    talk.agent_says(5.0)
    talk.wait(1.0)
    talk.caller_begins("u2")
    assert orders(talk.feed(e.ModelError("benign", "truncate_past_end", "", "truncate-1"))) == []
    assert asks(talk.caller_stops("u2")) == 1


def test_what_the_server_closes_after_a_cut_and_a_cancel_is_not_taken_for_news() -> None:
    """community.openai.com/t/1112932: truncated, audio.done, transcript.done with the partial text, then response.done."""
    talk = Talk().answered()
    reply, item = talk.agent_is_saying(2.0, "one two")
    talk.wait(0.5)
    talk.caller_begins("u2")
    closing = talk.feed(e.ItemTruncated(item, 500))
    closing += talk.feed(e.ReplyAudioDone(reply, item, 0))
    closing += talk.feed(e.ReplyTextDone(reply, item, 0, "one two three"))
    closing += talk.feed(e.ReplyDone(reply, "cancelled", "client_cancelled"))
    assert orders(closing) == []
    assert talk.notes(facts.AGENT_TURN)[-1]["text"] == "one two three"
    assert talk.state is State.HEARING


def test_an_item_that_was_heard_to_its_end_keeps_its_words() -> None:
    """3.4; openai-agents-python#2370, pipecat#2106: a needless cut takes the transcript, and the model says it again."""
    talk = Talk().answered()
    talk.agent_says(3.0)
    talk.wait(2.92)
    assert "TruncateReply" not in orders(talk.caller_begins("u2"))


def test_what_was_heard_is_written_down_before_the_server_forgets_it() -> None:
    """3.4; openai-agents-js#523: the cut deletes the server's transcript."""
    talk = Talk().answered()
    reply, item = talk.agent_says(6.0, "one two three four five six")
    talk.wait(3.05)
    talk.caller_begins("u2")
    talk.feed(e.ItemTruncated(item, 3050))
    talk.feed(e.ReplyTextDone(reply, item, 0, ""))
    (turn,) = talk.notes(facts.AGENT_TURN)
    assert (turn["heard_text"], turn["unheard_text"]) == ("one two three", "four five six")
    assert talk.notes(facts.INTERRUPTION)[0]["heard_text"] == "one two three"


# --- 3.5: errors


@pytest.mark.parametrize("code", BENIGN)
@pytest.mark.parametrize("situation", LIVE)
def test_a_benign_error_changes_nothing_wherever_we_are(situation: str, code: str) -> None:
    """3.5 and pitfall 7; pipecat#3677, hashintel/hash#9399, block/berd#318: errors taken for the end of the session. Those that
    VAD causes name no request of ours, and deletes were seen to name none either."""
    talk = being(situation)
    before, deadline = talk.state, talk.conversation.deadline()
    for request in (None, "cancel-1", "truncate-2", "delete-3"):
        commands = talk.feed(e.ModelError("benign", code, "", request))
        assert orders(commands) == []
        assert [note.kind for note in only(commands, c.Note)] == [facts.MODEL_ERROR]
    assert (talk.state, talk.conversation.deadline()) == (before, deadline)


@pytest.mark.parametrize("code", FATAL)
@pytest.mark.parametrize("situation", LIVE)
def test_a_fatal_error_ends_the_call_with_an_apology_wherever_we_are(situation: str, code: str) -> None:
    """3.5: what no new session can cure."""
    talk = being(situation)
    (end,) = only(talk.feed(e.ModelError("fatal", code)), c.EndCall)
    assert end == c.EndCall(code, failed=True)
    assert talk.feed(e.LinkLost("closed with 4000")) == []


def test_a_reply_that_is_refused_for_what_it_says_is_tried_again_and_then_given_up() -> None:
    """3.5, invalid_value: a bug of ours must not leave the caller in silence."""
    talk = being("a reply is asked for")
    for _ in range(silence.REPLY_ATTEMPTS):
        talk.feed(e.ModelError("retryable", "invalid_value", "param=response", talk.conversation.replies.asked))
        talk.wait(4 * silence.RETRY_PAUSE)
    assert talk.state is State.ENDED
    assert only(talk.commands, c.EndCall)[0].failed
