"""Twilio's media messages: whole, split, damaged, and anything at all."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calls.carriers import twilio
from calls.carriers.base import Greeted, Refused, StreamStarted, StreamStopped
from calls.carriers.twilio import Twilio
from calls.conversation.events import CallerAudio, CallerKey, MarkPlayed

WIRE = Path(__file__).parents[2] / "wire" / "twilio"
CALL = (WIRE / "call.jsonl").read_text().splitlines()
CONNECTED, START, MEDIA, *_, STOP = CALL
DAMAGED = json.loads((WIRE / "damaged.json").read_text())
STREAM_ID = "MZ00000000000000000000000000000001"


@pytest.fixture
def line() -> Twilio:
    """The dialect of a stream that has started."""
    dialect = Twilio()
    dialect.parse(CONNECTED)
    assert isinstance(dialect.parse(START), StreamStarted)
    return dialect


def changed(text: str, **fields: Any) -> str:
    """A start message with other fields inside `start`; None takes one out."""
    message = json.loads(text)
    for name, value in fields.items():
        if value is None:
            del message["start"][name]
        else:
            message["start"][name] = value
    return json.dumps(message)


# --- a whole call


def test_every_message_of_a_call_is_read() -> None:
    dialect = Twilio()
    events = [dialect.parse(text) for text in CALL]
    frames = [base64.b64decode(json.loads(text)["media"]["payload"]) for text in CALL if '"event":"media"' in text]
    assert len(frames) == 3 and all(len(frame) == 160 for frame in frames)
    assert events[0] == Greeted()
    assert events[1] == StreamStarted(
        STREAM_ID,
        "CA00000000000000000000000000000001",
        "AC00000000000000000000000000000001",
        {"token": "b64url-token", "from_number": "+420600000001"},
        "audio/x-mulaw",
        8000,
    )
    assert [event.audio for event in events if isinstance(event, CallerAudio)] == frames
    assert events[4:6] == [CallerKey("5"), MarkPlayed("g1:m7")]
    assert events[-1] == StreamStopped()


def test_sound_goes_on_in_the_base64_it_came_in(line: Twilio) -> None:
    event = line.parse(MEDIA)
    assert isinstance(event, CallerAudio)
    assert event.encoded == json.loads(MEDIA)["media"]["payload"]


def test_frames_of_any_length_are_sound(line: Twilio) -> None:
    for length in (1, 2, 3, 80, 161, 4000):
        sound = bytes(range(256)) * 20
        payload = base64.b64encode(sound[:length]).decode()
        text = json.dumps({"event": "media", "media": {"track": "inbound", "payload": payload}})
        assert line.parse(text) == CallerAudio(sound[:length], payload)


def test_an_empty_frame_needs_nothing(line: Twilio) -> None:
    assert line.parse('{"event":"media","media":{"track":"inbound","payload":""}}') is None


def test_the_other_track_is_no_sound_of_the_caller(line: Twilio) -> None:
    assert line.parse(MEDIA.replace('"track":"inbound"', '"track":"outbound"')) is None


@pytest.mark.parametrize("digit", list("0123456789*#ABCD"))
def test_every_key_of_a_telephone_is_known(line: Twilio, digit: str) -> None:
    assert line.parse(json.dumps({"event": "dtmf", "dtmf": {"digit": digit}})) == CallerKey(digit)


@pytest.mark.parametrize("digit", ["E", "12", "٣", "a"])
def test_other_keys_are_refused_and_the_call_goes_on(line: Twilio, digit: str) -> None:
    event = line.parse(json.dumps({"event": "dtmf", "dtmf": {"digit": digit}}))
    assert isinstance(event, Refused) and not event.fatal


def test_a_start_may_lack_what_it_can_do_without() -> None:
    event = Twilio().parse(changed(START, customParameters=None, mediaFormat=None, accountSid=None))
    assert isinstance(event, StreamStarted)
    assert (event.parameters, event.account_id, event.encoding, event.sample_rate) == ({}, "", "audio/x-mulaw", 8000)


# --- byte by byte, split, damaged


def test_a_message_cut_anywhere_is_refused_and_never_half_believed() -> None:
    for text in CALL:
        for end in range(len(text)):
            dialect = Twilio()
            refused = dialect.parse(text[:end])
            assert isinstance(refused, Refused) and refused.fatal and refused.close_code == 1007
            assert dialect.stream_id == ""


def test_a_call_goes_on_after_every_cut_message(line: Twilio) -> None:
    for end in range(0, len(MEDIA), 7):
        event = line.parse(MEDIA[:end])
        assert isinstance(event, Refused) and not event.fatal
        assert isinstance(line.parse(MEDIA), CallerAudio)


@pytest.mark.parametrize("sample", DAMAGED, ids=lambda sample: sample["name"])
def test_a_damaged_message_costs_only_itself(line: Twilio, sample: dict[str, str]) -> None:
    assert line.parse(sample["text"]) == Refused(sample["problem"], fatal=False, close_code=1007)
    assert isinstance(line.parse(MEDIA), CallerAudio)


@pytest.mark.parametrize("sample", DAMAGED, ids=lambda sample: sample["name"])
def test_a_stranger_who_begins_with_a_damaged_message_is_shown_the_door(sample: dict[str, str]) -> None:
    event = Twilio().parse(sample["text"])
    assert isinstance(event, Refused) and event.fatal and event.close_code in (1007, 1008)


@pytest.mark.parametrize("sample", DAMAGED, ids=lambda sample: sample["name"])
def test_a_refusal_does_not_quote_what_came(line: Twilio, sample: dict[str, str]) -> None:
    event = line.parse(sample["text"].replace("hello", "my secret"))
    assert isinstance(event, Refused) and "secret" not in event.problem


def test_nothing_but_damage_for_two_seconds_ends_the_stream(line: Twilio) -> None:
    verdicts = [line.parse("{") for _ in range(twilio.MAX_FAULTS)]
    assert all(isinstance(verdict, Refused) for verdict in verdicts)
    assert [verdict.fatal for verdict in verdicts].index(True) == twilio.MAX_FAULTS - 1


def test_damage_now_and_then_never_ends_the_stream(line: Twilio) -> None:
    for _ in range(3 * twilio.MAX_FAULTS):
        refused = line.parse("{")
        assert isinstance(refused, Refused) and not refused.fatal
        assert isinstance(line.parse(MEDIA), CallerAudio)


# --- what breaks the protocol


def test_media_before_start_breaks_the_protocol() -> None:
    dialect = Twilio()
    dialect.parse(CONNECTED)
    assert dialect.parse(MEDIA) == Refused("media before start", fatal=True, close_code=1008)


def test_a_second_start_breaks_the_protocol(line: Twilio) -> None:
    assert line.parse(START) == Refused("a second start", fatal=True, close_code=1008)
    assert line.stream_id == STREAM_ID


@pytest.mark.parametrize("name", ["streamSid", "callSid"])
def test_a_start_without_its_ids_starts_nothing(name: str) -> None:
    for text in (changed(START, **{name: None}), changed(START, **{name: ""}), changed(START, **{name: 7})):
        dialect = Twilio()
        assert dialect.parse(text) == Refused("start without its fields", fatal=True, close_code=1007)
        assert dialect.stream_id == ""


@pytest.mark.parametrize(
    "form", [{"encoding": "audio/l16", "sampleRate": 8000}, {"encoding": "audio/x-mulaw", "sampleRate": 16000}]
)
def test_sound_in_another_form_is_not_supported(form: dict[str, Any]) -> None:
    event = Twilio().parse(changed(START, mediaFormat=form))
    assert isinstance(event, Refused) and event.fatal and event.close_code == 1003


def test_binary_messages_are_not_supported(line: Twilio) -> None:
    assert line.parse(None, b"\x00\xff") == Refused("binary message", fatal=True, close_code=1003)


def test_a_message_too_big_is_not_even_read(line: Twilio) -> None:
    event = line.parse('{"event":"mark","mark":{"name":"' + "x" * 5_000_000 + '"}}')
    assert isinstance(event, Refused) and event.fatal and event.close_code == 1009


def test_an_event_that_twilio_invents_is_told_once_and_then_skipped(line: Twilio) -> None:
    assert line.parse('{"event":"keepalive"}') == Refused("unknown event")
    assert line.parse('{"event":"keepalive"}') is None
    assert line.parse('{"event":"another"}') is None
    assert isinstance(line.parse(MEDIA), CallerAudio)


# --- anything at all

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
EVENTS = st.sampled_from(["connected", "start", "media", "mark", "dtmf", "stop", "clear", ""])
INSIDES = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(
        ("payload", "track", "name", "digit", "streamSid", "callSid", "mediaFormat", "customParameters"), JSON
    ),
)
SHAPED = st.builds(
    lambda event, inside: json.dumps({"event": event, event: inside}), EVENTS | JSON.map(str), INSIDES | JSON
)


@settings(deadline=None)
@given(st.lists(st.one_of(st.text(), JSON.map(json.dumps), SHAPED, st.sampled_from(CALL), st.binary()), max_size=12))
def test_no_message_whatever_raises(messages: list[str | bytes]) -> None:
    dialect = Twilio()
    for message in messages:
        event = dialect.parse(None, message) if isinstance(message, bytes) else dialect.parse(message)
        if isinstance(event, Refused) and event.fatal:
            assert event.close_code in (1003, 1007, 1008, 1009) and event.problem
        if isinstance(event, CallerAudio):
            assert base64.b64decode(event.encoded, validate=True) == event.audio


@settings(deadline=None)
@given(st.data())
def test_a_true_message_with_one_character_changed_never_raises(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(CALL))
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters())
    dialect = Twilio()
    if "start" not in text:
        dialect.parse(START)
    dialect.parse(text[:at] + other + text[at + 1 :])


# --- to the phone


@settings(deadline=None)
@given(st.binary(max_size=5000))
def test_sound_to_the_phone_has_the_documented_form(sound: bytes) -> None:
    dialect = Twilio()
    dialect.parse(START)
    assert json.loads(dialect.audio(sound)) == {
        "event": "media",
        "streamSid": STREAM_ID,
        "media": {"payload": base64.b64encode(sound).decode()},
    }


def test_mark_and_clear_have_the_documented_form(line: Twilio) -> None:
    assert json.loads(line.mark("g3:m17")) == {"event": "mark", "streamSid": STREAM_ID, "mark": {"name": "g3:m17"}}
    assert json.loads(line.clear()) == {"event": "clear", "streamSid": STREAM_ID}


def test_a_strange_stream_id_does_not_break_what_we_write() -> None:
    dialect = Twilio()
    strange = 'MZ"\\\n☎'
    dialect.parse(changed(START, streamSid=strange))
    for text in (dialect.audio(b"\xff"), dialect.mark("m1"), dialect.clear()):
        assert json.loads(text)["streamSid"] == strange
