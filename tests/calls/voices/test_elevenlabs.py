"""The ElevenLabs dialect against messages as they are on the wire: whole, damaged, and cut off after each byte."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls.conversation.commands import FinishSpeaking, Speak, StopSpeaking
from calls.conversation.events import VoiceAudio, VoiceDone, VoiceFailed, VoiceTimed
from calls.voices.base import VoiceEvent
from calls.voices.elevenlabs import CONTEXTS, ElevenLabs
from calls.voices.options import build, problems
from tests.calls.voices.messages import Json, cut_off, damaged, messages, mulaw

SERVER = messages("elevenlabs", "server")
CLIENT = messages("elevenlabs", "client")
UNREADABLE = [VoiceFailed("", "unreadable")]


def voice(spoken: str = "en", **options: Any) -> ElevenLabs:
    made = build(ElevenLabs.Options, options)
    return ElevenLabs(made, url="wss://api.elevenlabs.io", api_key="sk-secret", language=spoken)


def say(made: ElevenLabs, utterance: str, *pieces: str, finish: bool = False) -> list[Json]:
    sent = [message for piece in pieces for message in made.write(Speak(1, utterance, piece))]
    if finish:
        sent += made.write(FinishSpeaking(1, utterance))
    return [json.loads(message) for message in sent]


def stop(made: ElevenLabs, utterance: str) -> list[Json]:
    return [json.loads(message) for message in made.write(StopSpeaking(1, utterance))]


def hear(made: ElevenLabs, message: str | Json, **changed: Any) -> list[VoiceEvent]:
    whole = (SERVER[message] if isinstance(message, str) else message) | changed
    return list(made.parse(json.dumps(whole)))


def points(events: list[VoiceEvent]) -> list[tuple[int, float]]:
    return [point for event in events if isinstance(event, VoiceTimed) for point in event.points]


# --- opening


def test_the_address_says_what_a_phone_needs_and_holds_no_key() -> None:
    address = urlsplit(voice(voice_id="a/b ", speed=1.1).url())
    assert (address.scheme, address.netloc) == ("wss", "api.elevenlabs.io")
    assert address.path == "/v1/text-to-speech/a%2Fb/multi-stream-input"
    assert {name: value for name, (value,) in parse_qs(address.query).items()} == {
        "model_id": "eleven_flash_v2_5",
        "output_format": "ulaw_8000",
        "sync_alignment": "true",
        "inactivity_timeout": "180",
        "apply_text_normalization": "auto",
        "language_code": "en",
    }
    assert voice().headers() == {"xi-api-key": "sk-secret"}


@pytest.mark.parametrize(
    ("options", "language", "told"),
    [
        ({}, "de-AT", ["de"]),
        ({}, "", None),
        ({"language": "pt"}, "en", ["pt"]),
        ({"model": "eleven_multilingual_v2"}, "en", None),  # it would refuse
    ],
)
def test_only_models_that_can_be_told_the_language_are(options: Json, language: str, told: list[str] | None) -> None:
    assert parse_qs(urlsplit(voice(language, **options).url()).query).get("language_code") == told


def test_options_have_the_ranges_of_the_service() -> None:
    assert problems(ElevenLabs.Options, {}) == {}
    wrong = {"voice_id": " ", "speed": 1.3, "stability": -0.1, "similarity": 2, "style": 1.5, "model": "eleven_v3"}
    assert set(problems(ElevenLabs.Options, wrong)) == set(wrong)


# --- speaking


def test_an_utterance_is_opened_once_with_its_settings_then_spoken_then_closed() -> None:
    made = voice()
    sent = say(made, "u1", "Good mor", "ning, how ", "mor", "ning", finish=True)
    assert sent == [
        CLIENT["opening"],
        {"text": "Good ", "context_id": "u1"},
        {"text": "morning, how ", "context_id": "u1"},
        CLIENT["last text"],
        CLIENT["close"],
    ]


def test_the_settings_are_the_options() -> None:
    (opening, *_) = say(voice(speed=0.9, stability=0.2, similarity=0.3, style=0.4, speaker_boost=True), "u1", "Hello ")
    assert opening["voice_settings"] == {
        "stability": 0.2,
        "similarity_boost": 0.3,
        "style": 0.4,
        "use_speaker_boost": True,
        "speed": 0.9,
    }


def test_the_first_sentence_is_spoken_while_the_second_is_written() -> None:
    sent = say(voice(), "u1", "Good ", "morning. How", " can I help? I", finish=True)[1:]
    assert sent == [
        {"text": "Good ", "context_id": "u1"},
        {"text": "morning. ", "context_id": "u1", "flush": True},
        {"text": "How can I help? ", "context_id": "u1"},
        {"text": "I ", "context_id": "u1", "flush": True},
        CLIENT["close"],
    ]


def test_a_first_sentence_whose_end_is_known_only_later_is_flushed_then() -> None:
    sent = say(voice(), "u1", "Good morning. ", "How ")[1:]
    assert sent == [
        {"text": "Good morning. ", "context_id": "u1"},
        CLIENT["flush"],
        {"text": "How ", "context_id": "u1"},
    ]
    sent = say(voice(), "u1", "It is 3. ", "million ", "Euros. So ")[1:]
    assert [message.get("flush") for message in sent] == [None, None, True, None]


def test_a_long_first_sentence_is_left_to_the_schedule() -> None:
    sent = say(voice(), "u1", "One two three four five six seven eight nine ten eleven ", "twelve. Thirteen ")[1:]
    assert [message.get("flush") for message in sent] == [None, None]


def test_a_whole_text_at_once_is_cut_behind_its_first_sentence() -> None:
    sent = say(voice(), "u1", "Good morning. How can I help you on this fine day in November, which is one of many? ")[
        1:
    ]
    assert sent[0] == CLIENT["first sentence"]
    assert sent[1]["text"].startswith("How can")


def test_a_text_that_ends_with_a_space_is_flushed_and_closed() -> None:
    made = voice()
    assert say(made, "u1", "Good morning, how ")[1:] == [CLIENT["text"]]
    assert say(made, "u1", finish=True) == [CLIENT["flush"], CLIENT["close"]]
    assert say(made, "u1", "More ", finish=True) == []  # it is over


def test_a_stopped_utterance_is_closed_once() -> None:
    made = voice()
    say(made, "u1", "Good mor")
    assert stop(made, "u1") == [CLIENT["close"]]
    assert stop(made, "u1") == []
    assert say(made, "u1", "ning ", finish=True) == []


def test_stopping_after_the_end_of_the_text_adds_nothing() -> None:
    made = voice()
    say(made, "u1", "Good morning ", finish=True)
    assert stop(made, "u1") == []
    assert stop(made, "never begun") == []
    assert say(made, "never begun", finish=True) == []


# --- contexts


def test_a_sixth_utterance_waits_until_one_is_final() -> None:
    made = voice()
    for n in range(1, CONTEXTS + 1):
        assert say(made, f"u{n}", "Hello ")
        assert stop(made, f"u{n}")
    assert say(made, "u6", "Good morning ", finish=True) == []
    assert not made.waiting()
    assert hear(made, "final", contextId="u2") == [VoiceDone("u2")]
    assert [json.loads(message)["context_id"] for message in made.waiting()] == ["u6"] * 4
    assert not made.waiting()


def test_a_waiting_utterance_that_is_stopped_is_never_spoken() -> None:
    made = voice()
    for n in range(1, CONTEXTS + 1):
        say(made, f"u{n}", "Hello ", finish=True)
    say(made, "u6", "Good morning ", finish=True)
    assert stop(made, "u6") == []
    hear(made, "final", contextId="u1")
    assert not made.waiting()


def test_an_end_that_was_never_told_does_not_fill_the_socket_for_ever() -> None:
    made = voice()
    for n in range(1, 40):
        assert say(made, f"u{n}", "Hello ")
        stop(made, f"u{n}")
        if n % 2:
            hear(made, "final", contextId=f"u{n}")


def test_a_context_that_failed_is_over() -> None:
    made = voice()
    for n in range(1, 20):
        assert say(made, f"u{n}", "Hello ")
        assert hear(made, "error as an object", contextId=f"u{n}") == [VoiceFailed(f"u{n}", "system_busy", True)]


# --- staying open


def test_between_utterances_a_keepalive_names_no_context() -> None:
    made = voice()
    seconds, sent = made.keepalive()
    assert seconds < 20
    assert [json.loads(message) for message in sent] == [CLIENT["keepalive"]]


def test_an_open_context_is_kept_alive_and_one_that_is_not_open_is_not_named() -> None:
    made = voice()
    say(made, "u1", "Hello ")
    say(made, "u2", "Hello ", finish=True)
    assert [json.loads(message) for message in made.keepalive()[1]] == [CLIENT["keepalive of a context"]]


# --- hearing


def test_sound_and_times() -> None:
    made = voice()
    say(made, "u1", "Hello World! ", finish=True)
    sound, timed = hear(made, "audio")
    assert sound == VoiceAudio("u1", b"\xff" * 80)
    assert timed == VoiceTimed("u1", ((5, 302.0), (11, 662.0)))
    assert hear(made, "audio without alignment", audio=mulaw(1100)) == [VoiceAudio("u1", b"\x7e" * 8800)]
    # All of the text lies within all of the sound, whatever was told.
    assert hear(made, "final") == [VoiceTimed("u1", ((13, 1110.0),)), VoiceDone("u1")]
    assert hear(made, "final") == []


@pytest.mark.parametrize(
    "spelled", ["audio", "audio snake case", "audio old field names", "audio with plain alignment only"]
)
def test_every_spelling_is_read(spelled: str) -> None:
    made = voice()
    say(made, "u1", "Hello World ")
    sound, timed = hear(made, spelled)
    assert sound == VoiceAudio("u1", b"\xff" * 80)
    assert points([timed])[-1] == (11, 662.0)


@pytest.mark.parametrize("spelled", ["final", "final with nulls", "final snake case"])
def test_every_end_is_read(spelled: str) -> None:
    made = voice()
    say(made, "u1", "Hello ", finish=True)
    assert hear(made, spelled) == [VoiceDone("u1")]


def told(words: str, step: int, begin: int = 0) -> Json:
    """An alignment in which every character lasts so many ms."""
    starts = [begin + n * step for n in range(len(words))]
    return {"chars": list(words), "charStartTimesMs": starts, "charDurationsMs": [step] * len(words)}


def test_times_count_from_their_own_message() -> None:
    made = voice()
    say(made, "u1", "Hello World hello world ", finish=True)
    hear(made, "audio", audio=mulaw(1022))
    assert points(hear(made, "audio"))[-2:] == [(17, 1022 + 302), (23, 1022 + 662)]


def test_times_that_are_told_before_their_sound_go_on_after_each_other() -> None:
    made = voice()
    say(made, "u1", "Hello World. Good morning ", finish=True)
    hear(made, "audio", audio=mulaw(400), normalizedAlignment=told(" Hello World. ", 100))
    hear(made, "audio without alignment", audio=mulaw(1000))
    more = hear(made, "audio", audio=mulaw(1300), normalizedAlignment=told(" Good morning", 100))
    assert points(more) == [(17, 1400 + 500), (25, 1400 + 1300)]


def test_times_that_are_told_after_their_sound_count_from_where_nothing_was_told() -> None:
    made = voice()
    say(made, "u1", "Hello World. Good morning ", finish=True)
    hear(made, "audio without alignment", audio=mulaw(1000))
    late = hear(made, "audio", audio=mulaw(400), normalizedAlignment=told(" Hello World. ", 100))
    assert points(late) == [(5, 600), (11, 1300)]


def test_times_that_are_never_told_do_not_move_the_others() -> None:
    made = voice()
    say(made, "u1", "Hello World. Good morning ", finish=True)
    hear(made, "audio without alignment", audio=mulaw(1300))
    later = hear(made, "audio", audio=mulaw(1300), normalizedAlignment=told(" Good morning", 100))
    assert points(later) == []  # not sure yet
    assert points(hear(made, "final"))[-1] == (26, 2600)


def test_times_that_count_from_the_utterance_are_not_moved() -> None:
    made = voice()
    say(made, "u1", "Hello World again ", finish=True)
    hear(made, "audio", audio=mulaw(1250))
    assert points(hear(made, "audio", normalizedAlignment=told(" again", 50, begin=1250))) == [(17, 1550.0)]


def test_two_passes_of_one_sentence_do_not_run_back() -> None:
    made = voice()
    say(made, "u1", "Hello World. And more ", finish=True)
    first = points(hear(made, "two passes, first", audio=mulaw(370)))
    second = points(hear(made, "two passes, second", audio=mulaw(380)))
    assert [*first, *second] == [(5, 302.0), (11, 362 + 290.0)]


def test_two_passes_of_the_plain_alignment_alone_do_not_run_back_either() -> None:
    made = voice()
    say(made, "u1", "Hello World. And more ", finish=True)
    first = points(hear(made, "two passes, first", normalizedAlignment=None))
    assert first[-1] == (11, 662.0)
    assert points(hear(made, "two passes, second", normalizedAlignment=None)) == []


def test_late_sound_of_a_closed_utterance_is_still_its_own() -> None:
    made = voice()
    say(made, "u1", "Hello World ")
    stop(made, "u1")
    say(made, "u2", "Good morning ")
    assert hear(made, "audio without alignment") == [VoiceAudio("u1", b"\xff" * 80)]
    assert hear(made, "final") == [VoiceDone("u1")]
    assert hear(made, "audio without alignment") == [VoiceAudio("u1", b"\xff" * 80)]


def test_sound_without_a_name_is_never_taken_for_that_of_another() -> None:
    made = voice()
    say(made, "u1", "Hello ")
    assert hear(made, "audio without alignment", contextId=None) == [VoiceAudio("u1", b"\xff" * 80)]
    stop(made, "u1")
    say(made, "u2", "Good morning ")
    assert hear(made, "audio without alignment", contextId=None) == [VoiceAudio("", b"\xff" * 80)]


def test_an_end_that_nobody_asked_for_is_a_failure() -> None:
    made = voice()
    say(made, "u1", "Hello ")
    assert hear(made, "final") == [VoiceFailed("u1", "context_ended", True)]


@pytest.mark.parametrize(
    "wrong", [{"chars": ["a"]}, {"chars": ["a"], "charStartTimesMs": ["0"], "charDurationsMs": [1]}, 7, ["a"]]
)
def test_a_broken_alignment_costs_no_sound(wrong: Any) -> None:
    made = voice()
    say(made, "u1", "Hello World ")
    assert hear(made, "audio", normalizedAlignment=wrong, alignment=None) == [VoiceAudio("u1", b"\xff" * 80)]
    assert points(hear(made, "audio", normalizedAlignment=wrong))  # the plain one is there


# --- failing


@pytest.mark.parametrize(
    ("error", "code", "retry"),
    [
        ("too many contexts", "max_active_conversations", True),
        ("idle", "input_timeout_exceeded", True),
        ("server error", "something_went_wrong", True),
        ("unreadable to it", "invalid_input_message", True),
        ("error as an object", "system_busy", True),
        ("unknown voice", "voice_id_does_not_exist", False),
        ("wrong key", "invalid_api_key", False),
        ("quota", "quota_exceeded", False),
        ("quota, as a sentence", "error", False),
    ],
)
def test_refusals_are_judged(error: str, code: str, retry: bool) -> None:
    made = voice()
    say(made, "u1", "Hello ")
    assert hear(made, error) == [VoiceFailed("u1", code, retry)]
    assert made.may_retry(1008, None) is retry


def test_a_refusal_that_names_nobody_concerns_the_utterance_that_is_wanted() -> None:
    made = voice()
    say(made, "u1", "Hello ")
    stop(made, "u1")
    say(made, "u2", "Hello ")
    assert hear(made, "quota") == [VoiceFailed("u2", "quota_exceeded", False)]
    say(made, "u3", "Hello ")
    say(made, "u4", "Hello ")
    assert hear(made, "server error") == [VoiceFailed("", "something_went_wrong", True)]


def test_a_socket_that_ends_before_any_sound_for_a_reason_of_ours_is_not_tried_again() -> None:
    made = voice()
    assert not made.may_retry(1008, None)
    assert not made.may_retry(1009, None)
    assert made.may_retry(1006, None) and made.may_retry(None, None) and made.may_retry(1011, None)
    say(made, "u1", "Hello ")
    hear(made, "audio")
    assert made.may_retry(1008, None)


@pytest.mark.parametrize(
    ("status", "retry"), [(401, False), (403, False), (404, False), (429, True), (500, True), (503, True)]
)
def test_a_refused_handshake(status: int, retry: bool) -> None:
    assert voice().may_retry(None, status) is retry


# --- damage


@pytest.mark.parametrize("name", SERVER)
def test_a_message_cut_off_anywhere_is_unreadable_and_changes_nothing(name: str) -> None:
    made = voice()
    say(made, "u1", "Hello World ", finish=True)
    for part in cut_off(SERVER[name]):
        assert list(made.parse(part)) == UNREADABLE
    assert hear(made, "final")[-1] == VoiceDone("u1")


@pytest.mark.parametrize("name", SERVER)
def test_a_damaged_message_harms_nothing(name: str) -> None:
    for message in damaged(SERVER[name]):
        made = voice()
        say(made, "u1", "Hello World ", finish=True)
        for event in made.parse(json.dumps(message)):
            assert isinstance(event, VoiceAudio | VoiceTimed | VoiceDone | VoiceFailed)
        assert say(made, "u2", "Still here ")


@pytest.mark.parametrize("text", ["", "null", "[]", "7", '"text"', "{}x", b"\x00\xff", '{"audio":"not base64!"}'])
def test_what_is_no_message_is_unreadable(text: str | bytes) -> None:
    assert list(voice().parse(text)) == UNREADABLE


@given(st.text() | st.binary())
def test_parse_never_raises(text: str | bytes) -> None:
    voice().parse(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*SERVER["audio"], "error", "message", "code", "context_id", "is_final"]), JSON))
def test_parse_never_raises_over_known_names(message: Json) -> None:
    made = voice()
    say(made, "u1", "Hello World ")
    made.parse(json.dumps(message))
    say(made, "u1", "and more ", finish=True)


ORDERS = st.lists(
    st.tuples(st.sampled_from(["speak", "finish", "stop", "final", "sound"]), st.integers(1, 9)), max_size=60
)


@given(ORDERS)
def test_whatever_the_order_no_sixth_context_is_opened_and_each_utterance_is_done_once(
    orders: list[tuple[str, int]],
) -> None:
    made = voice()
    opened: set[str] = set()
    known: set[str] = set()
    done: list[str] = []

    def sent(texts: Any) -> None:
        for message in map(json.loads, texts):
            name = message["context_id"]
            if "voice_settings" in message:
                assert name not in known
                known.add(name)
                opened.add(name)
            assert name in opened
        assert len(opened) <= CONTEXTS

    ended: set[str] = set()
    for order, n in orders:
        name = f"u{n}"
        if order == "speak" and name not in ended:
            sent(made.write(Speak(1, name, "Hello there. ")))
        elif order == "finish":
            sent(made.write(FinishSpeaking(1, name)))
            ended.add(name)
        elif order == "stop":
            sent(made.write(StopSpeaking(1, name)))
            ended.add(name)
        elif order == "sound":
            assert hear(made, "audio", contextId=name)[0] == VoiceAudio(name, b"\xff" * 80)
        elif name in opened and name in ended:
            opened.discard(name)
            done += [event.utterance for event in hear(made, "final", contextId=name) if isinstance(event, VoiceDone)]
            sent(made.waiting())
    assert len(done) == len(set(done))
