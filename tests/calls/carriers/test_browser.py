"""The browser's dialect, message by message."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls.carriers.base import Refused, StreamStarted, StreamStopped
from calls.carriers.browser import BAD_DATA, MAX_FAULTS, MAX_SOUND, MAX_TEXT, POLICY, TOO_BIG, Browser
from calls.conversation.events import CallerAudio, CallerKey, MarkPlayed

FRAME = bytes(range(160))


def text(event: str, **fields: Any) -> str:
    return json.dumps({"event": event, **fields})


@pytest.fixture
def phone() -> Browser:
    made = Browser()
    assert made.parse(text("start", call="BR1", token="t")) == StreamStarted("BR1", "BR1", "", {"token": "t"})
    return made


def test_sound_is_binary_and_gets_the_base64_that_the_model_takes(phone: Browser) -> None:
    assert phone.parse(None, FRAME) == CallerAudio(FRAME, base64.b64encode(FRAME).decode())
    assert phone.parse(None, b"") is None


def test_marks_keys_and_the_end(phone: Browser) -> None:
    assert phone.parse(text("mark", name="m7")) == MarkPlayed("m7")
    assert phone.parse(text("key", digit="#")) == CallerKey("#")
    assert phone.parse(text("key", digit="12")) == Refused("unknown key")
    assert phone.parse(text("stop")) == StreamStopped()


def test_nothing_is_heard_before_the_call_is_named() -> None:
    assert Browser().parse(None, FRAME) == Refused("sound before start", fatal=True, close_code=POLICY)
    for unreadable in (
        "",
        "[]",
        "{}",
        '{"event": 1}',
        '{"event": []}',
        text("start"),
        text("mark"),
        text("start", call=1, token="t"),
    ):
        refused = Browser().parse(unreadable)
        assert isinstance(refused, Refused)
        assert (refused.fatal, refused.close_code) == (True, BAD_DATA)


def test_a_second_start_ends_the_socket(phone: Browser) -> None:
    assert phone.parse(text("start", call="BR2", token="t")) == Refused("a second start", fatal=True, close_code=POLICY)


def test_what_is_too_big_ends_the_socket(phone: Browser) -> None:
    sound, words = phone.parse(None, b"\xff" * (MAX_SOUND + 1)), phone.parse("x" * (MAX_TEXT + 1))
    for refused in (sound, words):
        assert isinstance(refused, Refused)
        assert (refused.fatal, refused.close_code) == (True, TOO_BIG)


def test_unreadable_messages_are_skipped_until_nothing_else_comes(phone: Browser) -> None:
    for _ in range(MAX_FAULTS - 1):
        refused = phone.parse("no JSON")
        assert isinstance(refused, Refused)
        assert not refused.fatal
    phone.parse(None, FRAME)
    again = [phone.parse(text("mark")) for _ in range(MAX_FAULTS)]
    assert [isinstance(refused, Refused) and refused.fatal for refused in again] == [False] * (MAX_FAULTS - 1) + [True]


@given(st.one_of(st.text(), st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps)))
def test_no_text_raises(anything: str) -> None:
    Browser().parse(anything)


def test_what_goes_to_the_page(phone: Browser) -> None:
    assert json.loads(phone.audio(FRAME)) == {"event": "sound", "payload": base64.b64encode(FRAME).decode()}
    assert json.loads(phone.mark("m1")) == {"event": "mark", "name": "m1"}
    assert json.loads(phone.clear()) == {"event": "clear"}
