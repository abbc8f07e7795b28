"""Speechmatics' ear against messages that are cut short, damaged or in any order: nothing raises, and turns stay turns."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls.conversation import events as e
from tests.calls.voices.test_speechmatics_hearing import (
    HELLO,
    OTHERS,
    SESSION,
    THERE,
    TWO,
    end,
    final,
    full_stop,
    partial,
    read,
    ready,
    turn,
)


@pytest.mark.parametrize("message", [*SESSION, *OTHERS], ids=lambda m: m["message"])
def test_a_message_that_is_cut_short_is_noted_and_harms_nothing(message: dict[str, Any]) -> None:
    text = json.dumps(message)
    made = ready()
    for cut in range(len(text)):
        assert made.parse(text[:cut]) == (e.BadMessage("hearing", "not JSON"),)
    assert turn(read(made, partial(HELLO)))


@pytest.mark.parametrize("message", SESSION[3:18], ids=lambda m: m["message"])
def test_a_message_without_one_of_its_members_or_with_a_strange_one_never_raises(message: dict[str, Any]) -> None:
    made = ready()
    for name in message:
        for strange in (None, 7, "x", [], {}, [None], {"end_time": "soon"}, True):
            for event in [*read(made, message | {name: strange})]:
                assert isinstance(event, e.Event)
        read(made, {key: value for key, value in message.items() if key != name})
    assert read(ready(), partial(HELLO))


def test_a_damaged_transcript_changes_nothing() -> None:
    made = ready()
    item = turn(read(made, partial(HELLO)))
    bad = final(THERE)
    bad["results"][0]["alternatives"] = []
    assert read(made, bad) == [e.BadMessage("hearing", "fields missing or of the wrong type")]
    assert read(made, final(HELLO, THERE), end(1.7))[-3] == e.CallerTranscript(item, "Hello there")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
times = st.floats(min_value=0, max_value=12).map(lambda t: round(t, 2))
words = st.lists(st.tuples(st.sampled_from(["yes", "no", "wait"]), times, times), max_size=3)
real = st.one_of(
    st.builds(lambda w, t: partial(*w, upto=t), words, times),
    st.builds(lambda w, t: final(*w, upto=t), words, times),
    st.builds(full_stop, times, times),
    st.builds(end, times),
    st.sampled_from(SESSION + TWO),
)


@given(st.binary(max_size=200) | st.text(max_size=200) | json_values.map(json.dumps))
def test_nothing_from_outside_raises(text: str | bytes) -> None:
    assert all(isinstance(event, e.Event) for event in ready().parse(text))


@given(st.sampled_from(SESSION + OTHERS), st.dictionaries(st.text(max_size=12), json_values, max_size=3))
def test_nothing_in_a_known_message_raises(message: dict[str, Any], more: dict[str, Any]) -> None:
    made = ready()
    for damaged in (message | more, message | {"metadata": more}, message | {"results": [more]}):
        made.parse(json.dumps(damaged))


@given(st.lists(real, max_size=40))
def test_turns_begin_and_end_in_order_and_once_whatever_comes(messages: list[dict[str, Any]]) -> None:
    made = ready()
    speaking, seen = "", set()
    awaited: list[type] = []
    for event in read(made, *messages):
        match event:
            case e.SpeechStarted(item_id):
                assert not speaking and item_id not in seen
                speaking = item_id
                seen.add(item_id)
            case e.EarlyWords(item_id):
                assert item_id == speaking and not awaited
            case e.CallerTranscript(item_id):
                assert item_id == speaking
                awaited = [e.SpeechStopped, e.InputCommitted]
            case e.SpeechStopped(item_id, offset):
                assert item_id == speaking and awaited.pop(0) is e.SpeechStopped and offset >= 0
            case e.InputCommitted(item_id):
                assert item_id == speaking and awaited.pop(0) is e.InputCommitted
                speaking = ""
    assert not awaited
