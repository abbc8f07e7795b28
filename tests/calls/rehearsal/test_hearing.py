"""What the rehearsal model hears: offsets, items of the caller, who creates and who interrupts, changes in the middle of it,
transcription, idle timeout."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.calls.rehearsal.talk import Json, Talk, error_of, kinds, of, only, phone, phone_session

STARTED, STOPPED = "input_audio_buffer.speech_started", "input_audio_buffer.speech_stopped"
DELTA = "conversation.item.input_audio_transcription.delta"
COMPLETED = "conversation.item.input_audio_transcription.completed"
OFFSETS = ("audio_start_ms", "audio_end_ms")


def test_speech_gives_start_stop_and_an_item_with_offsets_on_the_grid() -> None:
    s = phone()
    s.hear(1760, 0.0, 1.0)
    started = only(s.hear(320, 0.9, 1.3), STARTED)
    assert started["audio_start_ms"] == 1460
    events = s.hear(640, 0.0, 2.0)
    assert kinds(events) == [
        STOPPED,
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
    ]
    assert events[0]["audio_end_ms"] == 1760 + 320 + 512  # 500 ms of silence, on the grid of 32 ms
    assert {events[0]["item_id"], events[1]["item_id"], events[2]["item"]["id"]} == {started["item_id"]}


def test_offsets_are_never_reset() -> None:
    s = phone()
    starts = []
    for turn in range(3):
        starts.append(only(s.hear(320, 0.9, turn), STARTED)["audio_start_ms"])
        s.hear(2880, 0.0, turn)
    assert starts == [0, 3200 - 300, 6400 - 300]


def test_the_item_holds_the_speech_with_its_padding_and_its_silence() -> None:
    s = phone()
    s.hear(3200, 0.0, 1.0)
    item_id = only(s.hear(640, 0.9, 1.3), STARTED)["item_id"]
    s.hear(1600, 0.0, 2.0)
    item = s.handle({"type": "conversation.item.retrieve", "item_id": item_id}, 3.0)[-1]["item"]
    assert len(base64.b64decode(item["content"][0]["audio"])) == (300 + 640 + 512) * 8


@pytest.mark.parametrize("kind", ["audio/pcm", "audio/pcmu", "audio/pcma"])
def test_offsets_are_the_same_in_every_format(kind: str) -> None:
    s = Talk()
    wanted = phone_session()
    wanted["audio"]["input"]["format"] = {"type": kind}
    assert kinds(s.handle({"type": "session.update", "session": wanted}, 0.0)) == ["session.updated"]
    s.hear(960, 0.0, 1.0)
    started = [event for _ in range(20) for event in of(s.hear(20, 0.9, 1.3), STARTED)]
    assert [event["audio_start_ms"] for event in started] == [660]


def test_sound_that_nobody_listens_to_counts_in_the_offsets() -> None:
    s = phone()
    off: Json = {
        "type": "session.update",
        "session": {"type": "realtime", "audio": {"input": {"turn_detection": None}}},
    }
    s.handle(off, 0.0)
    assert s.hear(1610, 0.9, 1.0) == []
    s.configure(1.0)
    s.hear(320, 0.0, 1.5)
    assert (
        only(s.hear(640, 0.9, 2.0), STARTED)["audio_start_ms"] == 1920 - 300
    )  # the frame that ends at 1952 has 22 ms of it


def test_without_turn_detection_only_a_commit_ends_the_turn() -> None:
    s = phone()
    off: Json = {
        "type": "session.update",
        "session": {"type": "realtime", "audio": {"input": {"turn_detection": None}}},
    }
    s.handle(off, 0.0)
    s.hear(90, 0.9, 1.0)
    error = error_of(s.handle({"type": "input_audio_buffer.commit", "event_id": "commit-3"}, 1.0))
    assert error["code"] == "input_audio_buffer_commit_empty"
    assert error["message"].startswith(
        "Error committing input audio buffer: buffer too small. Expected at least 100ms of audio"
    )
    s.hear(10, 0.9, 1.0)
    events = s.handle({"type": "input_audio_buffer.commit"}, 1.0)
    assert kinds(events) == ["input_audio_buffer.committed", "conversation.item.added", "conversation.item.done"]
    assert not of(s.run(60.0), "response.created")


def test_a_cleared_buffer_is_empty() -> None:
    s = phone()
    s.hear(320, 0.9, 1.0)
    assert kinds(s.handle({"type": "input_audio_buffer.clear"}, 1.0)) == ["input_audio_buffer.cleared"]
    assert error_of(s.handle({"type": "input_audio_buffer.commit"}, 1.0))["code"] == "input_audio_buffer_commit_empty"


def test_a_commit_while_the_vad_waits_for_speech_finds_nothing() -> None:
    s = phone()
    s.hear(2000, 0.0, 1.0)
    assert error_of(s.handle({"type": "input_audio_buffer.commit"}, 1.0))["code"] == "input_audio_buffer_commit_empty"


def test_a_commit_during_speech_takes_its_item_and_what_follows_is_new() -> None:
    s = phone()
    first = only(s.hear(640, 0.9, 1.0), STARTED)["item_id"]
    assert s.handle({"type": "input_audio_buffer.commit"}, 1.1)[0]["item_id"] == first
    assert only(s.hear(640, 0.9, 1.2), STARTED)["item_id"] != first


def test_a_deaf_model_hears_nothing() -> None:
    assert phone(deaf=True).hear(3200, 0.9, 1.0) == []


# --- create_response and interrupt_response


@pytest.mark.parametrize(
    ("create", "interrupt", "cancelled", "answered"),
    [(True, True, True, True), (True, False, False, False), (False, True, True, False), (False, False, False, False)],
)
def test_who_creates_and_who_interrupts(create: bool, interrupt: bool, cancelled: bool, answered: bool) -> None:
    s = phone()
    s.configure(create_response=create, interrupt_response=interrupt)
    s.ask(0.0)
    s.run(0.41)
    events = s.hear(320, 0.9, 0.41) + s.run(0.5)
    ended = [event["response"]["status_details"] for event in of(events, "response.done")]
    assert ended == ([{"type": "cancelled", "reason": "turn_detected"}] if cancelled else [])
    events = s.hear(640, 0.0, 0.6)
    assert bool(of(events, "response.created")) is answered
    errors = [event["error"] for event in of(events, "error")]
    if create and not interrupt:
        assert (errors[0]["code"], errors[0]["event_id"]) == ("conversation_already_has_active_response", None)
    else:
        assert errors == []


def test_speech_that_ends_before_its_own_cancel_is_done_is_answered_after_it() -> None:
    s = phone(late_deltas=3)
    s.configure(create_response=True, interrupt_response=True)
    s.ask(0.0)
    s.run(0.41)
    assert STOPPED in kinds(s.hear(320, 0.9, 0.41) + s.hear(640, 0.0, 0.41))
    events = s.run(0.6)
    order = [kind for kind in kinds(events) if kind in ("response.done", "response.created", "error")]
    assert order == ["response.done", "response.created"]


# --- other settings in the middle of a call


def test_a_changed_threshold_holds_from_the_next_frame_on_and_the_offsets_go_on() -> None:
    s = phone()
    s.hear(1610, 0.0, 1.0)  # 10 ms of the next frame are there already
    s.configure(threshold=0.8, prefix_padding_ms=100)
    assert s.hear(320, 0.7, 1.3) == []
    s.configure(threshold=0.5)
    # 1930 ms were heard, 1920 of them in whole frames.
    assert only(s.hear(320, 0.7, 1.6), STARTED)["audio_start_ms"] == 1920 - 300


def test_a_change_during_speech_leaves_the_speech_and_holds_for_its_end() -> None:
    s = phone()
    item_id = only(s.hear(320, 0.9, 1.0), STARTED)["item_id"]
    s.hear(320, 0.0, 1.3)
    s.configure(silence_duration_ms=1000)
    assert s.hear(640, 0.0, 2.0) == []  # 500 ms would be over
    events = s.hear(320, 0.0, 2.3)
    stopped = only(events, STOPPED)
    assert (stopped["item_id"], stopped["audio_end_ms"]) == (item_id, 320 + 1024)
    assert only(events, "input_audio_buffer.committed")["item_id"] == item_id
    item = s.handle({"type": "conversation.item.retrieve", "item_id": item_id}, 3.0)[-1]["item"]
    assert len(base64.b64decode(item["content"][0]["audio"])) == (320 + 1024) * 8


def test_a_change_during_speech_decides_who_answers_it() -> None:
    s = phone()
    s.hear(320, 0.9, 1.0)
    s.configure(create_response=True)
    assert kinds(s.hear(640, 0.0, 2.0))[-1] == "response.created"


def test_a_change_to_semantic_vad_during_speech_leaves_the_speech() -> None:
    s = phone()
    item_id = only(s.hear(320, 0.9, 1.0), STARTED)["item_id"]
    wanted = phone_session()
    wanted["audio"]["input"]["turn_detection"] = {"type": "semantic_vad", "eagerness": "low", "create_response": False}
    assert kinds(s.handle({"type": "session.update", "session": wanted}, 1.0)) == ["session.updated"]
    stopped = only(s.hear(3200, 0.0, 2.0), STOPPED)
    assert (stopped["item_id"], stopped["audio_end_ms"]) == (item_id, 320 + 1504)


def test_a_refused_change_during_speech_names_itself_and_leaves_everything() -> None:
    s = phone()
    item_id = only(s.hear(320, 0.9, 1.0), STARTED)["item_id"]
    bad = {"type": "session.update", "event_id": "settings-4", "session": phone_session(silence_duration_ms=-1)}
    error = error_of(s.handle(bad, 1.0))
    assert error["event_id"] == "settings-4"
    assert (error["code"], error["param"]) == (
        "integer_below_min_value",
        "session.audio.input.turn_detection.silence_duration_ms",
    )
    stopped = only(s.hear(640, 0.0, 2.0), STOPPED)
    assert (stopped["item_id"], stopped["audio_end_ms"]) == (item_id, 320 + 512)


# --- semantic_vad


@pytest.mark.parametrize(("eagerness", "longest_ms"), [("low", 1504), ("medium", 928), ("auto", 928), ("high", 512)])
def test_semantic_vad_waits_by_its_eagerness(eagerness: str, longest_ms: int) -> None:
    s = Talk()
    wanted = phone_session()
    wanted["audio"]["input"]["turn_detection"] = {
        "type": "semantic_vad",
        "eagerness": eagerness,
        "create_response": False,
    }
    s.handle({"type": "session.update", "session": wanted}, 0.0)
    s.hear(320, 0.9, 1.0)
    assert only(s.hear(3200, 0.0, 2.0), STOPPED)["audio_end_ms"] == 320 + longest_ms


# --- transcription


def turn(s: Talk, now: float) -> str:
    item_id: str = only(s.hear(320, 0.9, now), STARTED)["item_id"]
    s.hear(640, 0.0, now)
    return item_id


def test_words_are_never_invented() -> None:
    s = phone()
    item_id = turn(s, 1.0)
    (failed,) = s.run(2.0)
    assert failed["type"] == "conversation.item.input_audio_transcription.failed"
    assert (failed["item_id"], failed["error"]["code"]) == (item_id, "rehearsal_cannot_hear_words")


def test_words_that_were_handed_over_are_those_of_the_turns_in_order() -> None:
    s = phone(heard=("Hello.", "I need an appointment."), transcript_s=20.0)
    items = [turn(s, now) for now in (1.0, 2.0, 3.0)]
    settled = [event for event in s.run(60.0) if not event["type"].endswith(".delta")]
    assert [(event["item_id"], event.get("transcript")) for event in settled] == [
        (items[0], "Hello."),
        (items[1], "I need an appointment."),
        (items[2], None),
    ]


def test_words_come_one_by_one_while_they_are_spoken_and_before_the_stop() -> None:
    s = phone(heard=("I need an appointment.",), word_ms=200)
    events = [event for _ in range(60) for event in s.hear(20, 0.9, 1.0)]
    item_id = only(events, STARTED)["item_id"]
    assert [(event["item_id"], event["delta"]) for event in of(events, DELTA)] == [
        (item_id, "I"),
        (item_id, " need"),
        (item_id, " an"),
        (item_id, " appointment."),
    ]
    assert kinds(s.hear(640, 0.0, 2.0))[:2] == [STOPPED, "input_audio_buffer.committed"]
    # Nothing is said twice.
    assert kinds(s.run(60.0)) == [COMPLETED]


def test_words_stand_before_the_stop_in_whatever_pieces_the_sound_comes() -> None:
    s = phone(heard=("Yes, please.",), word_ms=300)
    s.hear(320, 0.9, 1.0)
    assert kinds(s.hear(640, 0.0, 1.0))[:4] == [DELTA, DELTA, STOPPED, "input_audio_buffer.committed"]


def test_words_that_the_speech_is_too_short_for_follow_the_commit() -> None:
    s = phone(heard=("Yes, I am listening to you.",), word_ms=400)
    events = s.hear(320, 0.9, 1.0) + s.hear(640, 0.0, 1.0)
    early = [event["delta"] for event in of(events, DELTA)]
    assert early == ["Yes,", " I"]
    late = s.run(60.0)
    assert kinds(late) == [DELTA, COMPLETED]
    assert late[0]["delta"] == " am listening to you."
    assert late[1]["transcript"] == "Yes, I am listening to you."


def test_other_transcription_models_write_after_the_commit_only() -> None:
    s = phone(heard=("I need an appointment.",))
    audio = {"input": {"transcription": {"model": "gpt-transcribe"}}}
    s.handle({"type": "session.update", "session": {"type": "realtime", "audio": audio}}, 0)
    assert not of(s.hear(3200, 0.9, 1.0) + s.hear(640, 0.0, 1.0), DELTA)
    assert only(s.run(60.0), DELTA)["delta"] == "I need an appointment."


def test_words_of_speech_that_is_not_listened_to_any_more_are_those_of_the_next() -> None:
    s = phone(heard=("Yes, please.",))
    first = only(s.hear(700, 0.9, 1.0), STARTED)["item_id"]
    off: Json = {
        "type": "session.update",
        "session": {"type": "realtime", "audio": {"input": {"turn_detection": None}}},
    }
    s.handle(off, 1.0)
    s.hear(320, 0.9, 1.0)
    s.handle({"type": "input_audio_buffer.commit"}, 1.0)
    late = s.run(60.0)
    assert kinds(late) == [DELTA, COMPLETED]
    assert late[0]["item_id"] == late[1]["item_id"] != first
    assert late[0]["delta"] == "Yes, please."


def test_words_that_are_known_choose_the_answer() -> None:
    s = phone(heard=("I need an appointment.",))
    turn(s, 1.0)
    s.ask(2.0)
    assert "Tuesday" in only(s.run(60.0), "response.output_audio_transcript.done")["transcript"]


def test_nothing_is_transcribed_when_nobody_asked_for_it() -> None:
    s = phone()
    s.handle(
        {"type": "session.update", "session": {"type": "realtime", "audio": {"input": {"transcription": None}}}}, 0
    )
    turn(s, 1.0)
    assert s.run(60.0) == []


# --- idle timeout


def quiet_after_a_reply() -> tuple[Talk, list[Json]]:
    """A reply of 0.7 s, then silence by the second; what came of it."""
    s = phone()
    s.configure(idle_timeout_ms=5000)
    s.ask(0.0, instructions="Say exactly these words: “Hello.”")
    s.run(2.0)
    return s, [event for second in range(3, 12) for event in s.hear(1000, 0.0, float(second))]


def test_silence_after_a_reply_is_answered() -> None:
    s, events = quiet_after_a_reply()
    assert kinds(events)[:7] == [
        "input_audio_buffer.timeout_triggered",
        "conversation.item.added",
        "conversation.item.done",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        "response.created",
    ]
    fired = events[0]
    assert fired["audio_start_ms"] % 32 == fired["audio_end_ms"] % 32 == 0
    assert 5000 <= fired["audio_end_ms"] - fired["audio_start_ms"] < 5032
    assert events[1]["item"]["role"] == "system"
    later = events + s.run(60.0)
    assert only(later, "conversation.item.input_audio_transcription.completed")["transcript"] == ""
    assert only(later, "response.output_audio_transcript.done")["transcript"].startswith("Are you still there?")


def test_speech_stops_the_idle_timeout() -> None:
    s = phone()
    s.configure(idle_timeout_ms=5000)
    s.speak(0.0)
    s.hear(320, 0.9, 61.0)
    events = [event for second in range(62, 80) for event in s.hear(1000, 0.0, float(second))]
    assert not of(events, "input_audio_buffer.timeout_triggered")


# --- offsets and words, whatever comes

PIECES = st.lists(st.tuples(st.integers(1, 700), st.booleans()), max_size=30)


@given(PIECES, st.integers(0, 1000), st.integers(0, 2000))
def test_every_start_has_one_stop_behind_it_on_the_grid(
    pieces: list[tuple[int, bool]], padding_ms: int, silence_ms: int
) -> None:
    s = phone()
    s.configure(prefix_padding_ms=padding_ms, silence_duration_ms=silence_ms)
    appended, open_start = 0, None
    for ms, loud in pieces:
        appended += ms
        for event in s.hear(ms, 0.9 if loud else 0.0, 0.0):
            if event["type"] == STARTED:
                assert open_start is None
                open_start = event["audio_start_ms"]
                assert open_start == 0 or (open_start + padding_ms) % 32 == 0
            elif event["type"] == STOPPED:
                assert open_start is not None
                assert event["audio_end_ms"] % 32 == 0
                assert open_start + silence_ms <= event["audio_end_ms"] <= appended
                open_start = None


@given(PIECES)
def test_asking_for_the_same_again_changes_nothing_that_is_heard(pieces: list[tuple[int, bool]]) -> None:
    asked_once, asked_often = phone(), phone()
    for ms, loud in pieces:
        asked_often.configure()
        heard = [s.hear(ms, 0.9 if loud else 0.0, 0.0) for s in (asked_once, asked_often)]
        once, often = ([(event["type"], *map(event.get, OFFSETS)) for event in events] for events in heard)
        assert once == often


@given(PIECES, st.lists(st.sampled_from(["Yes.", "I see.", "One, two, three."]), max_size=3), st.integers(1, 900))
def test_the_deltas_of_an_item_add_up_to_its_transcript(
    pieces: list[tuple[int, bool]], heard: list[str], word_ms: int
) -> None:
    s = phone(heard=tuple(heard), word_ms=word_ms)
    events = [event for ms, loud in pieces for event in s.hear(ms, 0.9 if loud else 0.0, 0.0)] + s.run(60.0)
    for completed in of(events, COMPLETED):
        deltas = [event["delta"] for event in of(events, DELTA) if event["item_id"] == completed["item_id"]]
        assert "".join(deltas) == completed["transcript"]
