"""The rehearsal model's session: what can be changed in it, and whatever else a client does."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls.rehearsal.session import CLIENT_EVENTS
from tests.calls.rehearsal.talk import Talk, cut, error_of, kinds, phone, phone_session, user_item

# --- the session


def test_the_voice_is_fixed_after_the_first_sound() -> None:
    s = phone()
    other = {"type": "session.update", "session": {"type": "realtime", "audio": {"output": {"voice": "cedar"}}}}
    assert kinds(s.handle(other, 0.0)) == ["session.updated"]
    s.speak(0.0)
    other["session"]["audio"]["output"]["voice"] = "marin"
    error = error_of(s.handle(other, 61.0))
    assert error["code"] == "cannot_update_voice"
    assert error["message"] == "Cannot update a conversation's voice if assistant audio is present."
    asked = {"type": "response.create", "response": {"audio": {"output": {"voice": "ash"}}}}
    assert error_of(s.handle(asked, 62.0))["code"] == "cannot_update_voice"


def test_a_session_expires_even_when_nothing_happens() -> None:
    s = phone(session_s=10.0)
    assert s.session_object["expires_at"] == 1_800_000_010
    assert s.deadline() == 10.0
    error = error_of(s.tick(10.0))
    assert (error["code"], error["message"]) == (
        "session_expired",
        "Your session hit the maximum duration of 60 minutes.",
    )
    assert s.expired
    assert s.deadline() is None
    assert s.handle({"type": "response.create"}, 11.0) == []


def test_updates_can_be_told_to_fail() -> None:
    s = Talk(update_error="insufficient_quota")
    error = error_of(s.handle({"type": "session.update", "session": phone_session()}, 0.0))
    assert error["code"] == "insufficient_quota"


@pytest.mark.parametrize(
    ("event", "code", "param"),
    [
        ("text", "invalid_json", None),
        ({}, "invalid_value", "type"),
        ({"type": "response.stop"}, "invalid_value", "type"),
        ({"type": ["response.create"]}, "invalid_value", "type"),
        ({"type": "response.cancel", "reply_id": "resp_1"}, "unknown_parameter", "reply_id"),
        (
            {"type": "response.create", "response": {"modalities": ["audio"]}},
            "unknown_parameter",
            "response.modalities",
        ),
        ({"type": "response.create", "response": {"metadata": {"n": 1}}}, "invalid_type", "response.metadata.n"),
        ({"type": "input_audio_buffer.append"}, "missing_required_parameter", "audio"),
        ({"type": "input_audio_buffer.append", "audio": "?"}, "invalid_value", "audio"),
        ({"type": "conversation.item.delete", "item_id": 7}, "invalid_type", "item_id"),
        (cut("item_x", -1), "integer_below_min_value", "audio_end_ms"),
        (cut("item_x", "soon"), "invalid_type", "audio_end_ms"),
    ],
)
def test_events_that_cannot_be_read(event: Any, code: str, param: str | None) -> None:
    error = error_of(phone().handle(event, 0.0))
    assert (error["code"], error["param"]) == (code, param)


def test_an_unknown_type_is_told_what_is_known() -> None:
    message = error_of(phone().handle({"type": "response.stop"}, 0.0))["message"]
    assert message.startswith("Invalid value: 'response.stop'. Supported values are: 'session.update', ")


# --- whatever a client does

TURNS = st.builds(
    lambda create, interrupt: {
        "type": "session.update",
        "session": phone_session(create_response=create, interrupt_response=interrupt),
    },
    st.booleans(),
    st.booleans(),
)
KNOWN = st.sampled_from(
    [
        {"type": "response.create"},
        {"type": "response.create", "response": {"output_modalities": ["text"]}},
        {"type": "response.create", "response": {"max_output_tokens": 3}},
        {"type": "response.cancel"},
        {"type": "input_audio_buffer.commit"},
        {"type": "input_audio_buffer.clear"},
        {"type": "session.update", "session": {"type": "realtime", "audio": {"input": {"turn_detection": None}}}},
        {"type": "session.update", "session": {"type": "realtime", "audio": {"output": {"voice": "ash"}}}},
        {"type": "conversation.item.create", "item": user_item("u1")},
        {"type": "conversation.item.delete", "item_id": "u1"},
        cut("u1", 10),
    ]
)
PATHS = [
    "type",
    "session",
    "response",
    "audio",
    "input",
    "turn_detection",
    "item",
    "item_id",
    "role",
    "content",
    "id",
    "threshold",
]
LEAVES = st.sampled_from(["", "root", "realtime", "server_vad", "user", "//8=", *CLIENT_EVENTS])
NONSENSE = st.recursive(
    LEAVES | st.integers(-5, 5) | st.none() | st.booleans() | st.floats(),
    lambda inner: st.dictionaries(st.sampled_from(PATHS), inner, max_size=4) | st.lists(inner, max_size=2),
    max_leaves=12,
)
SOUNDS = st.tuples(st.just("sound"), st.integers(0, 900), st.sampled_from([0.0, 0.9]))
STEPS = st.lists(st.tuples(KNOWN | TURNS | NONSENSE | SOUNDS, st.floats(0.0, 2.0)), max_size=25)


@given(STEPS, st.integers(0, 3), st.integers(1, 3))
def test_nothing_a_client_does_breaks_it_and_it_makes_one_reply_at_a_time(
    steps: list[tuple[Any, float]], late_deltas: int, items: int
) -> None:
    s, now, active, told = phone(late_deltas=late_deltas, items=items), 0.0, "", set[str]()
    for event, wait in steps:
        now += wait
        made = s.hear(event[1], event[2], now) if isinstance(event, tuple) else s.handle(event, now)
        for out in made:
            if out["type"] == "response.created":
                assert not active
                active = out["response"]["id"]
            elif out["type"] == "response.done":
                assert out["response"]["id"] == active
                active = ""
            elif "response_id" in out:
                assert out["response_id"] == active
            elif out["type"] == "conversation.item.added":
                told.add(out["item"]["id"])
    assert {item.id for item in s.items} <= told
