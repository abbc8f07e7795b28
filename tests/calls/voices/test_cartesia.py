"""The Cartesia dialect against messages as they are on the wire: whole, damaged, and cut off after each byte."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls.conversation.commands import FinishSpeaking, Speak, StopSpeaking
from calls.conversation.events import VoiceAudio, VoiceDone, VoiceFailed, VoiceTimed
from calls.voices.base import VoiceEvent
from calls.voices.cartesia import Cartesia
from calls.voices.options import build, problems
from tests.calls.voices.messages import Json, cut_off, damaged, messages, mulaw

SERVER = messages("cartesia", "server")
CLIENT = messages("cartesia", "client")
UNREADABLE = [VoiceFailed("", "unreadable")]
SOUND = VoiceAudio("u1", b"\xff" * 80)


def voice(spoken: str = "en", **options: Any) -> Cartesia:
    made = build(Cartesia.Options, options)
    return Cartesia(made, url="wss://api.cartesia.ai", api_key="sk-secret", language=spoken)


def say(made: Cartesia, utterance: str, *pieces: str, finish: bool = False) -> list[Json]:
    sent = [message for piece in pieces for message in made.write(Speak(1, utterance, piece))]
    if finish:
        sent += made.write(FinishSpeaking(1, utterance))
    return [json.loads(message) for message in sent]


def stop(made: Cartesia, utterance: str) -> list[Json]:
    return [json.loads(message) for message in made.write(StopSpeaking(1, utterance))]


def hear(made: Cartesia, message: str, **changed: Any) -> list[VoiceEvent]:
    return list(made.parse(json.dumps(SERVER[message] | changed)))


def test_the_version_is_pinned_and_the_key_is_in_a_header_only() -> None:
    assert voice().url() == "wss://api.cartesia.ai/tts/websocket"
    assert voice().headers() == {"Authorization": "Bearer sk-secret", "Cartesia-Version": "2026-08-14"}


def test_options_have_the_ranges_of_the_service() -> None:
    assert problems(Cartesia.Options, {}) == {}
    wrong = {"voice_id": "", "speed": 1.6, "volume": 0.4, "emotion": "hungry", "model": "sonic-1", "buffer_ms": 1001}
    assert set(problems(Cartesia.Options, wrong)) == set(wrong)


# --- speaking


def test_an_utterance_is_one_context_that_ends_with_an_empty_text() -> None:
    sent = say(voice(), "u1", "Good morning, ", "how mor", "ning", finish=True)
    assert [message["transcript"] for message in sent] == ["Good morning, ", "how ", "morning", ""]
    assert sent[-2] == CLIENT["last text"]
    assert sent[-1] == CLIENT["end"]
    fixed = [{k: v for k, v in message.items() if k not in ("transcript", "continue")} for message in sent]
    assert all(other == fixed[0] for other in fixed)
    assert say(voice(), "u1", "Good morning, how ") == [CLIENT["text"]]


def test_the_request_is_made_of_the_options() -> None:
    made = voice("de-AT", model="sonic-3", voice_id=" v1", speed=0.8, volume=1.2, emotion="calm", buffer_ms=0)
    (sent,) = say(made, "u1", "Guten Tag ")
    assert sent["model_id"] == "sonic-3"
    assert sent["voice"] == {"mode": "id", "id": "v1"}
    assert sent["generation_config"] == {"speed": 0.8, "volume": 1.2, "emotion": "calm"}
    assert sent["max_buffer_delay_ms"] == 0
    assert sent["language"] == "de"
    assert say(voice("", language=""), "u1", "Hello ")[0]["language"] == "en"
    assert say(voice("en", language="pt"), "u1", "Hello ")[0]["language"] == "pt"


def test_a_stopped_utterance_is_cancelled_once_also_after_its_text_has_ended() -> None:
    made = voice()
    say(made, "u1", "Good morning ", finish=True)
    assert stop(made, "u1") == [CLIENT["cancel"]]
    assert stop(made, "u1") == []
    assert say(made, "u1", "More ", finish=True) == []


def test_what_was_never_sent_needs_no_cancel() -> None:
    made = voice()
    assert say(made, "u1", "Goo") == []
    assert stop(made, "u1") == []
    assert stop(made, "u2") == []
    assert say(made, "u2", finish=True) == []
    assert say(made, "u3", "", finish=True) == []


def test_an_utterance_that_is_over_is_not_cancelled() -> None:
    made = voice()
    say(made, "u1", "Hello ", finish=True)
    hear(made, "done")
    assert stop(made, "u1") == []


def test_the_service_is_reconnected_to_when_it_was_idle() -> None:
    made = voice()
    assert made.keepalive() is None
    assert made.may_retry(1000, None)
    assert not made.waiting()


# --- hearing


def test_sound_times_and_the_end() -> None:
    made = voice()
    say(made, "u1", "Good morning, how can I help?", finish=True)
    assert hear(made, "chunk") == [SOUND]
    assert hear(made, "chunk without a flush id", data=mulaw(1990)) == [VoiceAudio("u1", b"\x7e" * 15920)]
    assert hear(made, "timestamps") == [VoiceTimed("u1", ((4, 290.0), (12, 740.0)))]
    (timed,) = hear(made, "timestamps far in")
    assert isinstance(timed, VoiceTimed)
    assert [(place, round(ms, 3)) for place, ms in timed.points] == [(17, 4199.938), (21, 4500.0)]
    assert hear(made, "flush done") == []
    assert hear(made, "phoneme timestamps") == []
    assert hear(made, "timestamps without words") == []
    # Never back, although less sound came than was told.
    assert hear(made, "done") == [VoiceTimed("u1", ((29, 4500.0),)), VoiceDone("u1")]
    assert hear(made, "done") == []


def test_chinese_signs_and_tags_in_words() -> None:
    made = voice()
    say(made, "u1", "你好。再见", finish=True)
    assert hear(made, "timestamps, Chinese") == [VoiceTimed("u1", ((1, 200.0), (2, 400.0)))]
    text = '<emotion value="calm"/>Good morning, <break time="1s"/> how'
    say(made, "u2", text, finish=True)
    (timed,) = hear(made, "timestamps with tags", context_id="u2")
    assert isinstance(timed, VoiceTimed)
    assert [(text[:place][-7:], ms) for place, ms in timed.points] == [('"/>Good', 290.0), ("morning", 740.0)]


def test_late_sound_of_a_cancelled_utterance_is_still_its_own() -> None:
    made = voice()
    say(made, "u1", "Hello ")
    stop(made, "u1")
    say(made, "u2", "Good morning ")
    assert hear(made, "chunk") == [SOUND]
    assert hear(made, "done") == [VoiceDone("u1")]
    assert hear(made, "chunk") == [SOUND]


def test_sound_without_a_name_is_never_taken_for_that_of_another() -> None:
    made = voice()
    say(made, "u1", "Hello ")
    assert hear(made, "chunk", context_id=None) == [SOUND]
    stop(made, "u1")
    say(made, "u2", "Good morning ")
    assert hear(made, "chunk", context_id=None) == [VoiceAudio("", b"\xff" * 80)]


def test_an_end_that_nobody_asked_for_is_a_failure() -> None:
    made = voice()
    say(made, "u1", "Hello ")
    assert hear(made, "done") == [VoiceFailed("u1", "context_ended", True)]


# --- failing


@pytest.mark.parametrize(
    ("error", "code", "retry"),
    [
        ("error", "model_not_found", False),
        ("error, older shape", "error_400", True),
        ("error without a context", "internal_error", True),
        ("unknown voice", "voice_not_found", False),
        ("unknown voice, older shape", "error_400", False),
        ("quota", "quota_exceeded", False),
        ("too many at a time", "concurrency_limited", True),
        ("expired context", "context_closed", True),
    ],
)
def test_refusals_are_judged_in_both_shapes(error: str, code: str, retry: bool) -> None:
    made = voice()
    say(made, "u1", "Hello ")
    assert hear(made, error) == [VoiceFailed("u1", code, retry)]
    assert made.may_retry(1000, None) is retry


def test_a_refusal_that_names_nobody_concerns_the_utterance_that_is_wanted() -> None:
    made = voice()
    say(made, "u1", "Hello ")
    stop(made, "u1")
    say(made, "u2", "Hello ")
    assert hear(made, "error without a context") == [VoiceFailed("u2", "internal_error", True)]
    say(made, "u3", "Hello ")
    say(made, "u4", "Hello ")
    assert hear(made, "error without a context") == [VoiceFailed("", "internal_error", True)]


@pytest.mark.parametrize(("status", "retry"), [(401, False), (402, False), (404, False), (429, True), (500, True)])
def test_a_refused_handshake(status: int, retry: bool) -> None:
    assert voice().may_retry(None, status) is retry


# --- damage


@pytest.mark.parametrize("name", SERVER)
def test_a_message_cut_off_anywhere_is_unreadable_and_changes_nothing(name: str) -> None:
    made = voice()
    say(made, "u1", "Good morning ", finish=True)
    for part in cut_off(SERVER[name]):
        assert list(made.parse(part)) == UNREADABLE
    assert hear(made, "done")[-1] == VoiceDone("u1")


@pytest.mark.parametrize("name", SERVER)
def test_a_damaged_message_harms_nothing(name: str) -> None:
    for message in damaged(SERVER[name]):
        made = voice()
        say(made, "u1", "Good morning ", finish=True)
        for event in made.parse(json.dumps(message)):
            assert isinstance(event, VoiceAudio | VoiceTimed | VoiceDone | VoiceFailed)
        assert say(made, "u2", "Still here ")


@pytest.mark.parametrize(
    "text", ["", "null", "[]", "7", '{"type":"chunk","context_id":"u1","data":"no base64!"}', b"\xff"]
)
def test_what_is_no_message_is_unreadable(text: str | bytes) -> None:
    assert list(voice().parse(text)) == UNREADABLE


@given(st.text() | st.binary())
def test_parse_never_raises(text: str | bytes) -> None:
    voice().parse(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["words", "end"]), inner, max_size=2),
    max_leaves=8,
)
KINDS = st.sampled_from(["chunk", "timestamps", "done", "error", "flush_done", "phoneme_timestamps", "new"])
NAMES = st.sampled_from(
    ["context_id", "data", "word_timestamps", "status_code", "error", "error_code", "title", "done"]
)


@given(KINDS, st.dictionaries(NAMES, JSON))
def test_parse_never_raises_over_known_names(kind: str, message: Json) -> None:
    made = voice()
    say(made, "u1", "Good morning ")
    made.parse(json.dumps(message | {"type": kind}))
    say(made, "u1", "and more ", finish=True)
