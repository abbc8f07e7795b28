"""The OpenAI dialect against messages as they are on the wire, whole and damaged, and against the SDK's types."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls.conversation import commands as c
from calls.conversation import events as e
from calls.realtime.base import ModelSession
from calls.realtime.openai import OpenAIRealtime
from tests.openai_types import check_client_event

WIRE = Path(__file__).parents[2] / "wire" / "openai"
SERVER = [json.loads(line) for line in (WIRE / "server.jsonl").read_text().splitlines()]
TURN = {
    "type": "server_vad",
    "threshold": 0.6,
    "prefix_padding_ms": 300,
    "silence_duration_ms": 500,
    "idle_timeout_ms": None,
    "create_response": False,
    "interrupt_response": False,
}


def dialect(**more: Any) -> OpenAIRealtime:
    session = ModelSession(
        model="gpt-realtime-2.1",
        instructions="Answer the phone.",
        voice="marin",
        turn_detection=more.pop("turn_detection", TURN),
        transcription={"model": "gpt-realtime-whisper", "language": "en"},
        noise_reduction={"type": "far_field"},
    )
    return OpenAIRealtime(session, url="wss://api.openai.com/v1/realtime", **more)


def read(message: dict[str, Any], made: OpenAIRealtime | None = None) -> list[e.Event]:
    return list((made or dialect()).parse(json.dumps(message)))


def of(kind: str, n: int = 0) -> dict[str, Any]:
    return [message for message in SERVER if message["type"] == kind][n]


# --- opening


def test_the_model_is_in_the_address_and_the_key_in_a_header_only() -> None:
    made = dialect(api_key="sk-secret")
    assert made.url() == "wss://api.openai.com/v1/realtime?model=gpt-realtime-2.1"
    assert made.headers() == {"Authorization": "Bearer sk-secret"}
    assert dialect().headers() == {}


def test_the_session_is_asked_for_whole() -> None:
    (opening,) = dialect().opening()
    update = json.loads(opening)
    check_client_event(update)
    assert update["session"]["audio"]["input"]["turn_detection"] == TURN
    assert update["session"]["audio"]["input"]["format"] == {"type": "audio/pcmu"}
    assert update["session"]["audio"]["output"] == {"format": {"type": "audio/pcmu"}, "voice": "marin", "speed": 1.0}


def test_an_echo_as_asked_is_no_difference() -> None:
    made = dialect()
    (ready,) = read({"type": "session.updated", "session": {"id": "sess_1", **made.session_object()}}, made)
    assert ready == e.ModelReady("sess_1", ())
    assert read({"type": "session.updated", "session": {}}, made) == []  # only the first answers our asking


def test_every_difference_is_named() -> None:
    made = dialect()
    echo = json.loads(json.dumps(made.session_object()))
    echo["audio"]["input"]["turn_detection"]["silence_duration_ms"] = 200
    echo["audio"]["output"]["format"] = {"type": "audio/pcm", "rate": 24000}
    (ready,) = read({"type": "session.updated", "session": echo}, made)
    assert ready.differences == (
        "audio.output.format.type: asked 'audio/pcmu', got 'audio/pcm'",
        "audio.input.turn_detection.silence_duration_ms: asked 500, got 200",
    )


# --- from the model


def test_each_message_of_the_reference_is_read_without_complaint() -> None:
    made = dialect()
    for message in SERVER:
        assert not any(isinstance(event, e.BadMessage) for event in read(message, made)), message["type"]


@pytest.mark.parametrize(
    ("kind", "event"),
    [
        ("input_audio_buffer.speech_started", e.SpeechStarted("item_U1", 1460)),
        ("input_audio_buffer.speech_stopped", e.SpeechStopped("item_U1", 4256)),
        ("input_audio_buffer.committed", e.InputCommitted("item_U1", None)),
        ("conversation.item.input_audio_transcription.completed", e.CallerTranscript("item_U1", "Hello.")),
        (
            "conversation.item.input_audio_transcription.failed",
            e.CallerTranscriptFailed("item_U1", "audio_unintelligible"),
        ),
        ("response.created", e.ReplyCreated("resp_7", "create-7")),
        ("response.output_item.added", e.ItemAdded("resp_7", "item_A1", "message")),
        ("response.output_audio.delta", e.ReplyAudio("resp_7", "item_A1", 0, b"\xff\xff\xff\xff\xdf"[:4])),
        ("response.output_audio.done", e.ReplyAudioDone("resp_7", "item_A1", 0)),
        ("response.output_audio_transcript.delta", e.ReplyText("resp_7", "item_A1", 0, "Hi")),
        ("response.output_audio_transcript.done", e.ReplyTextDone("resp_7", "item_A1", 0, "Hi there.")),
        ("conversation.item.truncated", e.ItemTruncated("item_A1", 1480)),
        ("conversation.item.deleted", e.ItemDeleted("item_A2")),
    ],
)
def test_what_messages_mean(kind: str, event: e.Event) -> None:
    assert read(of(kind)) == [event]


def test_how_replies_end() -> None:
    ends = [read(message)[0] for message in SERVER if message["type"] == "response.done"]
    assert [(d.status, d.reason, d.error_code) for d in ends] == [
        ("completed", "", ""),
        ("cancelled", "turn_detected", ""),
        ("cancelled", "client_cancelled", ""),
        ("incomplete", "max_output_tokens", ""),
        ("failed", "", "inference_rate_limit_exceeded"),
    ]
    assert ends[0].usage == {"total_tokens": 83, "input_tokens": 23, "output_tokens": 60}


def error(code: str | None, message: str = "", **more: Any) -> e.ModelError:
    (event,) = read(
        {"type": "error", "error": {"type": "invalid_request_error", "code": code, "message": message, **more}}
    )
    assert isinstance(event, e.ModelError)
    return event


@pytest.mark.parametrize(
    ("code", "message", "kind", "known_as"),
    [
        ("response_cancel_not_active", "", "benign", "response_cancel_not_active"),
        (None, "Cancellation failed: no active response found", "benign", "response_cancel_not_active"),
        ("conversation_already_has_active_response", "", "benign", "conversation_already_has_active_response"),
        ("invalid_value", "Audio content of 3700ms is already shorter than 3760ms", "benign", "truncate_past_end"),
        ("item_truncate_invalid_item_id", "", "benign", "item_truncate_invalid_item_id"),
        ("input_audio_buffer_commit_empty", "", "benign", "input_audio_buffer_commit_empty"),
        ("session_expired", "", "retryable", "session_expired"),
        ("server_error", "", "retryable", "server_error"),
        ("insufficient_quota", "", "fatal", "insufficient_quota"),
        ("invalid_api_key", "", "fatal", "invalid_api_key"),
        ("beta_api_shape_disabled", "", "fatal", "beta_api_shape_disabled"),
    ],
)
def test_errors_are_sorted(code: str | None, message: str, kind: str, known_as: str) -> None:
    found = error(code, message)
    assert (found.kind, found.code) == (kind, known_as)


def test_an_error_names_our_request_and_quotes_nothing() -> None:
    found = error("server_error", "The caller said: my PIN is 1234", event_id="ask-3", param="session.voice")
    assert found.request_id == "ask-3"
    assert "1234" not in repr(found)


@given(st.sampled_from(SERVER), st.data())
def test_no_damage_raises(message: dict[str, Any], data: st.DataObject) -> None:
    text = json.dumps(message)
    end = data.draw(st.integers(0, len(text)))
    dialect().parse(text[:end])
    broken = dict(message)
    name = data.draw(st.sampled_from(sorted(broken)))
    broken[name] = data.draw(st.one_of(st.none(), st.integers(), st.text(max_size=5), st.lists(st.none(), max_size=2)))
    dialect().parse(json.dumps(broken))


@given(st.binary(max_size=60) | st.text(max_size=60))
def test_no_noise_raises(noise: str | bytes) -> None:
    for event in dialect().parse(noise):
        assert isinstance(event, e.BadMessage)


def test_sound_that_is_not_base64_is_named_and_not_played() -> None:
    broken = of("response.output_audio.delta") | {"delta": "no base64!"}
    (event,) = read(broken)
    assert isinstance(event, e.BadMessage)


# --- to the model


@pytest.mark.parametrize(
    "command",
    [
        c.SendAudio("/////w=="),
        c.CommitInput(),
        c.AskForReply("ask-1"),
        c.AskForReply("ask-2", "Say exactly these words: “Hello.”"),
        c.CancelReply("resp_7"),
        c.TruncateReply("item_A1", 0, 1480),
        c.DeleteItem("item_A2"),
        c.AddItem("user", "I need an appointment."),
        c.AddItem("assistant", "Sure, which day?"),
        c.AddItem("system", "The line dropped."),
    ],
)
def test_every_order_is_an_event_that_the_sdk_knows(command: c.Command) -> None:
    text = dialect().write(command)
    assert text is not None
    check_client_event(json.loads(text))


def test_a_cancel_names_its_reply_and_a_request_itself() -> None:
    assert json.loads(dialect().write(c.CancelReply("resp_7")) or "")["response_id"] == "resp_7"
    ask = json.loads(dialect().write(c.AskForReply("ask-1", "Greet.")) or "")
    assert (ask["event_id"], ask["response"]["metadata"]) == ("ask-1", {"req": "ask-1"})
    # These instructions replace the session's, so the agent's own are sent along.
    assert ask["response"]["instructions"] == "Answer the phone.\n\nGreet."


def test_an_order_for_somebody_else_is_not_written() -> None:
    assert dialect().write(c.ClearPlayback(0.0)) is None


@pytest.mark.parametrize(
    ("close", "http", "again"),
    [(1006, None, True), (4000, None, False), (None, 401, False), (None, 429, True), (None, 503, True)],
)
def test_when_to_try_again(close: int | None, http: int | None, again: bool) -> None:
    assert dialect().may_retry(close, http) is again
