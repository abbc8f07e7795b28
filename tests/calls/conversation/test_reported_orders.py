"""Every order of events that was recorded from the service or reported by its users, by name.

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
from tests.calls.conversation.talk import EAR, GATE, Talk, only, orders, spoken

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


def asks(commands: list[c.Command]) -> int:
    return len(only(commands, c.AskForReply))


def line_until(talk: Talk, second: float) -> None:
    """Frames of the line, until so many seconds after the stream began."""
    while talk.now < talk.conversation.began_at + second - 0.001:
        talk.wait(0.02)
        talk.caller_frame()


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
    assert orders(talk.wait(5.0)) == []
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
        talk.wait(silence.RETRY_PAUSE)
    assert talk.state is State.ENDED
    assert only(talk.commands, c.EndCall)[0].failed


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


# --- Twilio: marks


def test_marks_that_a_clear_brings_back_do_not_count_as_heard() -> None:
    """Twilio A.5 and pitfall 9; vellum-assistant#38316, bolna#984: `clear` returns every mark that was waiting."""
    talk = Talk().answered()
    talk.agent_says(5.0)
    waiting = list(talk.marks)
    talk.wait(1.0)
    talk.caller_begins("u2")
    for name in waiting:
        assert orders(talk.feed(e.MarkPlayed(name))) == []
    (turn,) = talk.notes(facts.AGENT_TURN)
    assert turn["heard_ms"] == 1000
    assert talk.state is State.HEARING


def test_marks_of_an_older_generation_do_not_count_for_the_reply_that_has_begun_since() -> None:
    """Pitfall 9, openai-agents' Python example: late marks re-arm the tracker with the interrupted item."""
    talk = Talk().answered()
    talk.agent_says(5.0)
    waiting = list(talk.marks)
    talk.wait(1.0)
    talk.caller_begins("u2")
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
    talk = Talk().answered()
    talk.agent_says(5.0)
    waiting = list(talk.marks)
    talk.wait(1.0)
    talk.caller_begins("u2")
    before = talk.notes(facts.AGENT_TURN)
    talk.feed(e.MarkPlayed(waiting[5]))
    assert talk.notes(facts.AGENT_TURN) == before


# --- what users report: cannot interrupt, or stops too late (D)


@pytest.mark.parametrize("situation", OVER_AGENT)
def test_stop_stops_the_agent_at_once(situation: str) -> None:
    """dograh#296: “keeps talking like a brutish robot even when I'm yelling stop”."""
    talk = being(situation)
    commands = talk.feed(e.EarlyWords("u2", "stop"))
    assert "TruncateReply" in orders(commands)
    assert talk.state is State.HEARING


def test_stop_that_was_taken_for_a_cough_stops_the_agent_when_its_words_come() -> None:
    """dograh#296: the word is shorter than the shortest interruption, and its transcript comes late."""
    talk = Talk(interrupt_phrases=("stop",), **GATE).answered()
    talk.agent_says(10.0)
    talk.wait(1.0)
    talk.murmurs("u2")
    commands = talk.feed(e.CallerTranscript("u2", "Stop!"))
    assert orders(commands) == ["ClearPlayback", "TruncateReply", "AddItem", "AskForReply"]


def test_speech_that_goes_on_across_the_deadline_wins() -> None:
    """pipecat#3191, OM1#2552: slow to interrupt, 2 to 3 s."""
    talk = Talk(stop_sound="when_sure", decide_by_ms=1200, **EAR).answered()
    talk.agent_says(10.0)
    talk.wait(1.0)
    talk.ear(0.1, 0.9)
    talk.caller_begins("u2", 10_000)
    began = talk.now
    while talk.state is not State.HEARING:
        talk.ear(0.032, 0.55 if round((talk.now - began) / 0.032) % 3 else 0.3, level_db=3.0)
        assert talk.now - began < 1.3


def test_every_later_interruption_works_like_the_first() -> None:
    """livekit/agents#3418, agents-js#1791: “speaking” but silent after an interruption, mostly on real calls."""
    talk = Talk(**GATE).answered()
    for number in range(5):
        talk.agent_says(6.0)
        talk.wait(1.0)
        talk.murmurs(f"m{number}")
        talk.wait(0.5)
        talk.caller_begins(f"i{number}", 20_000)
        assert len(only(talk.wait(1.2), c.TruncateReply)) == 1
        talk.caller_stops(f"i{number}", 23_000)
        reply, item = talk.reply_begins()
        assert spoken(talk.sound(reply, item, 1.0)) == 1.0
        talk.reply_done(reply, item)
        talk.wait(3.0)
    assert talk.notes(facts.STUCK) == []
    assert talk.notes(facts.UNEXPECTED) == []


# --- the agent cuts the caller off (E)


def test_a_number_in_groups_gets_one_answer_after_its_last_group() -> None:
    """livekit/agents#3701, #3484: the pause between two groups of digits is not the end."""
    talk = Talk(patience_number_ms=1500).answered()
    talk.agent_says(2.0, "What is your phone number?")
    talk.wait(3.0)
    commands: list[c.Command] = []
    for group in ("u2", "u3", "u4"):
        commands += talk.caller_begins(group)
        commands += talk.wait(1.0)
        commands += talk.caller_stops(group)
        commands += talk.wait(1.0)
    assert asks(commands) == 0
    assert asks(talk.wait(0.5)) == 1
    assert talk.notes(facts.INTERRUPTION) == []


def test_a_caller_who_goes_on_just_when_the_answer_is_asked_for_is_heard_out() -> None:
    """livekit/agents#3903: the request is on its way, and neither reply nor silence comes of it."""
    talk = being("a reply is asked for")
    request = talk.conversation.replies.asked
    talk.caller_begins("u2")
    talk.feed(e.ReplyCreated("r1", request))
    talk.feed(e.ReplyDone("r1", "cancelled"))
    assert spoken(talk.commands) == 0
    assert asks(talk.caller_stops("u2")) == 1


# --- stuck turns, dead air (G), and recovery (C)


def test_a_noise_before_the_reply_is_created_does_not_lose_it() -> None:
    """livekit/agents#1229; avc-phone-ai: noise 0.7 s after the request threw the reply away, 20 to 35 s of dead air."""
    talk = Talk(**EAR).answered()
    talk.caller_begins()
    talk.caller_stops()
    request = talk.conversation.replies.asked
    talk.ear(0.7, 0.1)
    talk.caller_begins("u2", 10_000)
    talk.ear(0.3, 0.1)
    talk.feed(e.ReplyCreated("r1", request))
    talk.feed(e.ReplyDone("r1", "cancelled"))
    assert asks(talk.caller_stops("u2", 11_000)) == 1


def test_a_noise_before_the_reply_is_created_does_not_lose_it_without_an_ear_either() -> None:
    """livekit/agents#1229: then the noise is a turn, and is answered with what went before it."""
    talk = being("a reply is asked for")
    request = talk.conversation.replies.asked
    talk.caller_begins("u2", 10_000)
    talk.feed(e.ReplyCreated("r1", request))
    talk.feed(e.ReplyDone("r1", "cancelled"))
    assert asks(talk.caller_stops("u2", 11_000)) == 1


def test_a_noise_while_the_caller_is_given_time_does_not_lose_the_reply() -> None:
    """livekit/agents#1229, in the pause before the request: what is wanted then is the answer, and not the greeting again."""
    talk = Talk(greeting="What is your number?", patience_number_ms=3000, **EAR).answered()
    talk.greets(text="What is your number?")
    talk.wait(4.0)
    talk.ear(0.5, 0.9)
    talk.caller_begins()
    talk.caller_stops()
    talk.ear(1.5, 0.1)
    talk.caller_begins("u2", 10_000)
    talk.ear(0.3, 0.1)
    commands = talk.caller_stops("u2", 11_000) + talk.wait(3.0)
    assert talk.notes(facts.TURN_REFUSED) != []
    assert [ask.instructions for ask in only(commands, c.AskForReply)] == [""]


def test_a_noise_before_the_first_sound_of_a_reply_leaves_it_alone() -> None:
    """livekit/agents#1229, pipecat#1661: created, and nothing heard yet."""
    talk = being("a reply without a sound is held")
    talk.sound("r1", "a1", 1.0)
    talk.wait(0.7)
    assert spoken(talk.caller_stops("u2", 11_000)) == 1.0
    assert only(talk.commands, c.CancelReply) == []


def test_a_reply_that_began_and_never_had_a_sound_is_asked_for_again() -> None:
    """livekit/agents#3418, agents-js#1124: the state says speaking, and nothing is heard for the rest of the call."""
    talk = being("a reply has begun without a sound")
    commands = talk.wait(silence.REPLY_STALLS)
    assert only(commands, c.CancelReply) == [c.CancelReply("r1")]
    commands += talk.feed(e.ReplyDone("r1", "cancelled"))
    assert asks(commands + talk.wait(1.0)) == 1


def test_sound_that_comes_after_a_stalled_reply_was_cancelled_is_dropped() -> None:
    """3.6: deltas on their way arrive after the cancel, whatever it was sent for. Nobody could stop them any more."""
    talk = Talk().answered()
    reply, item = talk.agent_is_saying(1.0)
    talk.wait(1.0 + silence.REPLY_STALLS)
    assert only(talk.commands, c.CancelReply) == [c.CancelReply(reply)]
    assert spoken(talk.sound(reply, item, 1.0)) == 0


def test_the_caller_who_speaks_into_the_end_of_the_goodbye_is_not_hung_up_on() -> None:
    """livekit/agents#3903 and #2829: “I cannot hear you. Goodbye.” – “I am here!”, before the last mark is back."""
    talk = being("goodbye has been said")
    talk.caller_begins("u2")
    assert talk.state is State.HEARING
    assert asks(talk.caller_stops("u2")) == 1


def test_a_goodbye_that_is_interrupted_does_not_end_the_call() -> None:
    """livekit/agents#2829: the caller was only away from the phone."""
    talk = Talk(idle_prompt_ms=8000, idle_prompts_max=0, idle_goodbye="Goodbye.").answered()
    talk.wait(8.0)
    talk.greets(2.0, "Goodbye.")
    talk.wait(1.0)
    talk.caller_begins("u2")
    talk.caller_stops("u2")
    reply, item = talk.reply_begins()
    talk.sound(reply, item, 1.0)
    talk.reply_done(reply, item)
    talk.wait(3.0)
    assert talk.state is State.LISTENING


def test_an_idle_prompt_that_meets_the_callers_first_word_is_withdrawn() -> None:
    """livekit/agents#3903, openai-agents-python#1763: both break the silence at once."""
    talk = Talk(idle_prompt_ms=8000, idle_prompt="Are you there?").answered()
    talk.wait(8.0)
    request = talk.conversation.replies.asked
    talk.caller_begins()
    assert orders(talk.feed(e.ReplyCreated("r1", request))) == ["CancelReply"]
    talk.feed(e.ReplyDone("r1", "cancelled"))
    (ask,) = only(talk.caller_stops(), c.AskForReply)
    assert ask.instructions == ""


# --- settings that change while the call runs (H)

STRICTER = {"turn_detection": {"type": "server_vad", "threshold": 0.8}}


def test_a_change_is_in_force_when_the_model_says_so_and_is_sent_whole() -> None:
    """livekit/agents-js#268, ricky0123/vad#173, and pitfall 14: partial turn_detection."""
    talk = Talk().answered()
    (sent,) = only(talk.settings_change(revision=7, **STRICTER), c.ConfigureModel)
    assert sent.turn_detection == STRICTER["turn_detection"]
    assert talk.conversation.settings.revision == 0
    talk.feed(e.ModelConfigured(sent.request_id))
    assert talk.conversation.settings.revision == 7


def test_a_change_during_a_held_reply_judges_it_by_the_new_settings() -> None:
    """pipecat#2153: interruptions are switched in the middle of one."""
    talk = Talk(**GATE).answered()
    talk.agent_says(5.0)
    talk.wait(1.0)
    talk.caller_begins("u2", 10_000)
    assert "TruncateReply" in orders(talk.settings_change())  # every speech is one now
    assert talk.state is State.HEARING


def test_a_change_during_a_held_reply_that_only_asks_for_more_keeps_it_held() -> None:
    """pipecat#2153, the other way: longer speech is asked for."""
    talk = Talk(**GATE).answered()
    talk.agent_says(5.0)
    talk.wait(1.0)
    talk.caller_begins("u2", 10_000)
    assert orders(talk.settings_change(**{**GATE, "min_speech_ms": 900})) == []
    assert talk.state is State.HOLDING
    talk.wait(1.1)
    assert spoken(talk.caller_stops("u2", 10_000 + 300 + 600 + 500)) == 4.0


def test_a_held_reply_is_cancelled_by_us_though_the_server_is_to_cancel_from_now_on() -> None:
    """livekit/agents#6642 with agents-js#268: the speech began while the server left cancelling to us."""
    talk = Talk(**GATE).answered()
    talk.agent_is_saying(3.0)
    talk.wait(0.5)
    talk.caller_begins("u2", 10_000)
    talk.settings_change(interrupt_response=True, **STRICTER)
    commands = talk.feed(e.ModelConfigured("settings-1"))
    assert "TruncateReply" in orders(commands)
    assert only(commands, c.CancelReply) == [c.CancelReply("r1")]


@pytest.mark.parametrize("situation", ["the model is being opened", "the model is to be opened again"])
def test_a_change_during_connecting_waits_for_the_session(situation: str) -> None:
    """agents-js#268: there is nobody yet to be told."""
    talk = being(situation)
    assert only(talk.settings_change(**STRICTER), c.ConfigureModel) == []
    assert len(only(talk.feed(e.ModelReady("sess_1")), c.ConfigureModel)) == 1
    talk.feed(e.ModelConfigured("settings-1"))
    assert len(talk.notes(facts.SETTINGS_APPLIED)) == 1


@pytest.mark.parametrize("code", ["cannot_update_voice", "invalid_value"])
def test_a_change_that_is_refused_leaves_the_call_with_what_it_had(code: str) -> None:
    """3.5: cannot_update_voice after the first sound, invalid_value for a value of another model."""
    talk = being("a reply is being made")
    talk.settings_change(revision=7, **STRICTER)
    assert orders(talk.feed(e.ModelError("retryable", code, "", "settings-1"))) == []
    assert talk.notes(facts.SETTINGS_REFUSED) == [{"revision": 7, "ticket": "t1", "code": code}]
    assert talk.conversation.settings.revision == 0
    assert talk.state is State.REPLYING


def test_a_change_that_is_never_answered_is_given_up() -> None:
    """agents-js#268: nobody is told that it is applied when it is not."""
    talk = Talk().answered()
    talk.settings_change(revision=7, **STRICTER)
    talk.wait(silence.SETTINGS_WAIT)
    assert [note["code"] for note in talk.notes(facts.SETTINGS_REFUSED)] == ["no_answer"]
    assert talk.conversation.deadline() is None


def test_a_change_that_is_answered_after_it_was_given_up_is_taken_back() -> None:
    """Patter#154: what the model says of its session is true, whatever was believed. It hears by other settings than we do,
    until it is told again what is in force."""
    present = {"type": "server_vad", "threshold": 0.5}
    talk = Talk(turn_detection=present).answered()
    talk.settings_change(revision=7, **STRICTER)
    talk.wait(silence.SETTINGS_WAIT)
    (again,) = only(talk.feed(e.ModelConfigured("settings-1")), c.ConfigureModel)
    assert again.turn_detection == present
    assert talk.feed(e.ModelConfigured(again.request_id)) == []
    assert talk.notes(facts.SETTINGS_APPLIED) == []


def test_of_two_changes_in_a_row_each_is_answered_and_the_last_stands() -> None:
    """agents-js#268: a slider that is moved twice."""
    talk = Talk().answered()
    first = talk.settings_change("t1", revision=7, **STRICTER)
    second = talk.settings_change("t2", revision=8, turn_detection={"type": "semantic_vad", "eagerness": "low"})
    assert (len(only(first, c.ConfigureModel)), len(only(second, c.ConfigureModel))) == (1, 0)
    (sent,) = only(talk.feed(e.ModelConfigured("settings-1")), c.ConfigureModel)
    talk.feed(e.ModelConfigured(sent.request_id))
    assert [note["ticket"] for note in talk.notes(facts.SETTINGS_APPLIED)] == ["t1", "t2"]
    assert talk.conversation.settings.revision == 8


def test_of_two_changes_the_second_does_not_suffer_from_the_refusal_of_the_first() -> None:
    """3.5 with agents-js#268."""
    talk = Talk().answered()
    talk.settings_change("t1", revision=7, **STRICTER)
    talk.settings_change("t2", revision=8)  # which the model need not know
    talk.feed(e.ModelError("retryable", "invalid_value", "", "settings-1"))
    assert talk.conversation.settings.revision == 8
    assert [note["ticket"] for note in talk.notes(facts.SETTINGS_REFUSED)] == ["t1"]


def test_a_change_that_died_with_the_link_is_offered_to_the_new_session() -> None:
    """3.9: what was sent and not answered is unknown to the new session."""
    talk = Talk().answered()
    talk.settings_change(revision=7, **STRICTER)
    (again,) = only(talk.link_is_restored(), c.ConfigureModel)
    talk.feed(e.ModelConfigured(again.request_id))
    assert talk.conversation.settings.revision == 7
    assert talk.notes(facts.SETTINGS_REFUSED) == []


def test_protection_that_is_switched_off_during_the_greeting_lets_the_caller_stop_it() -> None:
    """pipecat#2153, openai-realtime-api-beta#26: toggled while the message that it protects is heard."""
    talk = Talk(greeting="This call is recorded.", protect_greeting=True).answered()
    talk.greets(5.0)
    talk.wait(1.0)
    talk.settings_change(greeting="This call is recorded.")
    assert "TruncateReply" in orders(talk.caller_begins())
