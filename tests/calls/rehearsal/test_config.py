"""The session object: its defaults, its echo, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from tests.calls.rehearsal.talk import Json, Talk, error_of, kinds, only

SERVER_VAD = {
    "type": "server_vad",
    "threshold": 0.5,
    "prefix_padding_ms": 300,
    "silence_duration_ms": 500,
    "idle_timeout_ms": None,
    "create_response": True,
    "interrupt_response": True,
}
WHOLE: Json = {
    "type": "realtime",
    "model": "gpt-realtime-2.1",
    "output_modalities": ["audio"],
    "instructions": "You answer the phone for a dentist. Be brief.",
    "audio": {
        "input": {
            "format": {"type": "audio/pcmu"},
            "noise_reduction": {"type": "far_field", "strength": 1},
            "transcription": {"model": "gpt-realtime-whisper", "language": "en", "delay": "low"},
            "turn_detection": {**SERVER_VAD, "threshold": 0.6, "idle_timeout_ms": 15000},
        },
        "output": {"format": {"type": "audio/pcmu"}, "voice": "marin", "speed": 1.0},
    },
    "tools": [{"type": "function", "name": "find_slot", "description": "Find one.", "parameters": {"type": "object"}}],
    "tool_choice": "auto",
    "parallel_tool_calls": False,
    "reasoning": {"effort": "low"},
    "max_output_tokens": 1024,
    "truncation": {
        "type": "retention_ratio",
        "retention_ratio": 0.8,
        "token_limits": {"post_instructions": 20000},
    },
    "tracing": {"workflow_name": "phone", "group_id": "call-42", "metadata": {"line": "7"}},
    "include": ["item.input_audio_transcription.logprobs"],
}


def update(s: Talk, **session: Any) -> Json:
    event = only(
        s.handle({"type": "session.update", "session": {"type": "realtime", **session}}, 0.0), "session.updated"
    )
    session_object: Json = event["session"]
    return session_object


def test_it_says_what_it_is_before_anything_else() -> None:
    assert "rehearsal" in Talk().session_object["instructions"]
    assert "scripted" in Talk().session_object["instructions"]


def test_every_field_of_the_reference_is_taken_and_echoed() -> None:
    shown = update(Talk(), **WHOLE)
    assert {name: shown[name] for name in WHOLE} == WHOLE
    assert shown["object"] == "realtime.session"


def test_what_is_left_out_of_turn_detection_gets_its_default() -> None:
    shown = update(Talk(), audio={"input": {"turn_detection": {"type": "server_vad", "threshold": 0.8}}})
    assert shown["audio"]["input"]["turn_detection"] == {**SERVER_VAD, "threshold": 0.8}
    shown = update(Talk(), audio={"input": {"turn_detection": {"type": "semantic_vad"}}})
    assert shown["audio"]["input"]["turn_detection"] == {
        "type": "semantic_vad",
        "eagerness": "auto",
        "create_response": True,
        "interrupt_response": True,
    }


@pytest.mark.parametrize(("model", "silence_ms"), [("gpt-realtime", 200), ("gpt-realtime-2.1", 500), ("any", 500)])
def test_the_served_default_of_silence_is_that_of_the_model(model: str, silence_ms: int) -> None:
    detection = Talk(model=model).session_object["audio"]["input"]["turn_detection"]
    assert detection["silence_duration_ms"] == silence_ms


def test_absent_fields_stay_and_null_clears() -> None:
    s = Talk()
    update(s, **WHOLE)
    shown = update(s, instructions="", tools=[], audio={"input": {"turn_detection": None, "noise_reduction": None}})
    assert (shown["instructions"], shown["tools"]) == ("", [])
    hearing = shown["audio"]["input"]
    assert (hearing["turn_detection"], hearing["noise_reduction"]) == (None, None)
    assert hearing["transcription"] == WHOLE["audio"]["input"]["transcription"]
    assert hearing["format"] == {"type": "audio/pcmu"}


def test_a_change_of_turn_detection_in_the_middle_echoes_the_whole_session_with_it() -> None:
    s = Talk()
    before = update(s, **WHOLE)
    s.speak(0.0)
    other = {**SERVER_VAD, "threshold": 0.8, "silence_duration_ms": 700, "create_response": False}
    before["audio"]["input"]["turn_detection"] = other
    assert update(s, audio={"input": {"turn_detection": other}}) == before


def test_the_model_of_the_address_stays() -> None:
    assert update(Talk(model="gpt-realtime-2.1-mini"), model="gpt-realtime-2.1")["model"] == "gpt-realtime-2.1-mini"


def test_an_echo_can_be_told_to_differ() -> None:
    shown = update(Talk(echo_threshold=0.9), **WHOLE)
    assert shown["audio"]["input"]["turn_detection"]["threshold"] == 0.9


def detection(**members: Any) -> Json:
    return {"type": "realtime", "audio": {"input": {"turn_detection": {"type": "server_vad", **members}}}}


@pytest.mark.parametrize(
    ("session", "code", "param"),
    [
        ({}, "missing_required_parameter", "session.type"),
        ({"type": "transcription"}, "invalid_value", "session.type"),
        ({"type": "realtime", "modalities": ["audio"]}, "unknown_parameter", "session.modalities"),
        ({"type": "realtime", "temperature": 0.8}, "unknown_parameter", "session.temperature"),
        ({"type": "realtime", "output_modalities": ["audio", "text"]}, "invalid_value", "session.output_modalities"),
        ({"type": "realtime", "max_output_tokens": 5000}, "integer_above_max_value", "session.max_output_tokens"),
        ({"type": "realtime", "audio": {"output": {"voice": "bob"}}}, "invalid_value", "session.audio.output.voice"),
        (
            {"type": "realtime", "audio": {"output": {"speed": 2}}},
            "decimal_above_max_value",
            "session.audio.output.speed",
        ),
        (
            {"type": "realtime", "audio": {"input": {"format": {"type": "g711_ulaw"}}}},
            "invalid_value",
            "session.audio.input.format.type",
        ),
        (
            {"type": "realtime", "audio": {"input": {"format": {"type": "audio/pcmu", "rate": 8000}}}},
            "unknown_parameter",
            "session.audio.input.format.rate",
        ),
        (
            {"type": "realtime", "audio": {"input": {"format": {"type": "audio/pcm", "rate": 16000}}}},
            "integer_below_min_value",
            "session.audio.input.format.rate",
        ),
        (detection(type="mind_reading"), "invalid_value", "session.audio.input.turn_detection.type"),
        (detection(threshold=1.5), "decimal_above_max_value", "session.audio.input.turn_detection.threshold"),
        (detection(threshold=float("nan")), "invalid_type", "session.audio.input.turn_detection.threshold"),
        (detection(threshold="high"), "invalid_type", "session.audio.input.turn_detection.threshold"),
        (
            detection(idle_timeout_ms=4000),
            "integer_below_min_value",
            "session.audio.input.turn_detection.idle_timeout_ms",
        ),
        (detection(silence_duration_ms=0.5), "invalid_type", "session.audio.input.turn_detection.silence_duration_ms"),
        (detection(eagerness="low"), "unknown_parameter", "session.audio.input.turn_detection.eagerness"),
        (detection(create_response=1), "invalid_type", "session.audio.input.turn_detection.create_response"),
    ],
)
def test_a_refused_update_says_why_and_changes_nothing(session: Json, code: str, param: str) -> None:
    s = Talk()
    before = s.session_object
    error = error_of(s.handle({"type": "session.update", "event_id": "cfg-1", "session": session}, 0.0))
    assert (error["code"], error["param"], error["event_id"]) == (code, param, "cfg-1")
    assert update(s) == before


def test_a_voice_can_be_one_of_the_callers_own() -> None:
    s = Talk()
    events = s.handle(
        {"type": "session.update", "session": {"type": "realtime", "audio": {"output": {"voice": {"id": "voice_1"}}}}},
        0,
    )
    assert kinds(events) == ["session.updated"]
    assert s.speak(0.0)
