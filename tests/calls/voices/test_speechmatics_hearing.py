"""Speechmatics' ear against its messages as they are on the wire, whole, and in orders that callers would notice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from calls.conversation import commands as c
from calls.conversation import events as e
from calls.voices import options
from calls.voices.speechmatics_hearing import MOST_WORDS, SpeechmaticsHearing, SpeechmaticsHearingOptions, vocabulary

WIRE = Path(__file__).parents[2] / "wire" / "speechmatics"


def wire(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (WIRE / f"{name}.jsonl").read_text().splitlines()]


SESSION, TWO, OTHERS, CLIENT = wire("session"), wire("two_utterances"), wire("others"), wire("client")
STARTED = next(message for message in SESSION if message["message"] == "RecognitionStarted")
FRAME = c.SendToHearing(b"\xff" * 160)


def ear(language: str = "en", silence_ms: int = 500, **values: Any) -> SpeechmaticsHearing:
    chosen = options.build(SpeechmaticsHearingOptions, values)
    url = "wss://eu2.rt.speechmatics.com/v2"
    return SpeechmaticsHearing(chosen, url=url, api_key="sm-secret", language=language, silence_ms=silence_ms)


def ready(**more: Any) -> SpeechmaticsHearing:
    made = ear(**more)
    assert read(made, STARTED) == [e.HearingReady()]
    return made


def read(made: SpeechmaticsHearing, *messages: dict[str, Any]) -> list[e.Event]:
    return [event for message in messages for event in made.parse(json.dumps(message))]


def partial(*words: tuple[str, float, float], upto: float | None = None) -> dict[str, Any]:
    return _transcript("AddPartialTranscript", words, upto)


def final(*words: tuple[str, float, float], upto: float | None = None) -> dict[str, Any]:
    return _transcript("AddTranscript", words, upto)


def _transcript(kind: str, words: tuple[tuple[str, float, float], ...], upto: float | None) -> dict[str, Any]:
    results = [
        {"type": "word", "start_time": begin, "end_time": end, "alternatives": [{"content": text, "confidence": 1.0}]}
        for text, begin, end in words
    ]
    end_time = upto if upto is not None else max((end for _, _, end in words), default=0.0)
    about = {"start_time": 0.0, "end_time": end_time, "transcript": " ".join(text for text, _, _ in words)}
    return {"message": kind, "format": "2.9", "metadata": about, "results": results}


def full_stop(at: float, upto: float) -> dict[str, Any]:
    mark = {"type": "punctuation", "start_time": at, "end_time": at, "attaches_to": "previous", "is_eos": True}
    results = [mark | {"alternatives": [{"content": ".", "confidence": 1.0}]}]
    return {
        "message": "AddTranscript",
        "metadata": {"start_time": at, "end_time": upto, "transcript": ". "},
        "results": results,
    }


def end(at: float, **more: Any) -> dict[str, Any]:
    return {"message": "EndOfUtterance", "format": "2.9", "metadata": {"start_time": at, "end_time": at}, **more}


def turn(events: list[e.Event]) -> str:
    """The id of the turn that began in these events."""
    (started,) = [event for event in events if isinstance(event, e.SpeechStarted)]
    return started.item_id


HELLO = ("Hello", 0.4, 0.9)
THERE = ("there", 0.9, 1.2)


# --- opening


def test_the_address_has_no_secret_and_the_header_has() -> None:
    made = ear()
    assert made.url() == "wss://eu2.rt.speechmatics.com/v2"
    assert made.headers() == {"Authorization": "Bearer sm-secret"}
    assert SpeechmaticsHearing(SpeechmaticsHearingOptions(), url="ws://x/v2", api_key="").headers() == {}


def test_the_opening_is_the_message_on_the_wire() -> None:
    (opening,) = ear().opening()
    assert json.loads(opening) == CLIENT[0]


def config(**more: Any) -> dict[str, Any]:
    (opening,) = ear(**more).opening()
    asked: dict[str, Any] = json.loads(opening)["transcription_config"]
    return asked


def test_the_options_are_asked_for() -> None:
    asked = config(model="standard", max_delay=2.0, vocabulary="Brno, Siobhan = shivawn", quietest=3.4)
    assert asked["model"] == "standard"
    assert asked["max_delay"] == 2.0
    assert asked["additional_vocab"] == [{"content": "Brno"}, {"content": "Siobhan", "sounds_like": ["shivawn"]}]
    assert asked["audio_filtering_config"] == {"volume_threshold": 3.4}
    assert not config().keys() & {"additional_vocab", "audio_filtering_config", "output_locale"}


@pytest.mark.parametrize(
    ("language", "code", "locale"),
    [
        ("", "en", None),
        ("de", "de", None),
        ("en-GB", "en", "en-GB"),
        ("en_us", "en", "en-US"),
        ("zh", "cmn", None),
        ("pt-BR", "pt", None),
    ],
)
def test_the_language_is_the_agents(language: str, code: str, locale: str | None) -> None:
    asked = config(language=language)
    assert (asked["language"], asked.get("output_locale")) == (code, locale)


@pytest.mark.parametrize(
    ("silence_ms", "trigger", "delay"), [(500, 0.5, 0.7), (900, 0.9, 1.0), (5000, 2.0, 2.1), (0, 0.1, 0.7)]
)
def test_the_silence_is_within_their_bounds_and_below_the_delay(silence_ms: int, trigger: float, delay: float) -> None:
    asked = config(silence_ms=silence_ms)
    assert asked["conversation_config"] == {"end_of_utterance_silence_trigger": trigger}
    assert asked["max_delay"] == delay


def test_a_changed_silence_is_told_within_the_same_bounds() -> None:
    made = ready(silence_ms=500)
    (message,) = made.write(c.ConfigureHearing(1500))
    assert json.loads(message) == {
        "message": "SetRecognitionConfig",
        "transcription_config": {
            "max_delay": 1.6,
            "max_delay_mode": "flexible",
            "conversation_config": {"end_of_utterance_silence_trigger": 1.5},
        },
    }


def test_the_vocabulary_is_read_leniently() -> None:
    assert vocabulary(" a ,, b\nc=  , = d ") == [{"content": "a"}, {"content": "b"}, {"content": "c"}]
    assert len(vocabulary(",".join(f"w{n}" for n in range(MOST_WORDS + 5)))) == MOST_WORDS


# --- what we send


def test_sound_goes_out_as_it_is_once_the_service_listens_and_is_counted_by_us() -> None:
    made = ear()
    assert [made.write(FRAME), made.write(c.EndUtterance()), made.closing()] == [(), (), ()]
    read(made, STARTED)
    assert [made.write(FRAME) for _ in range(3)] == [(FRAME.audio,)] * 3
    assert made.write(c.SendToHearing(b"")) == ()
    sent = [*made.write(c.EndUtterance()), *made.closing()]
    assert [json.loads(message) for message in sent] == CLIENT[1:]
    read(made, {"message": "AudioAdded", "seq_no": 1})  # acknowledgements come late, and do not count
    assert json.loads(made.closing()[0])["last_seq_no"] == 3


# --- recorded sessions


def test_a_recorded_session_is_one_turn() -> None:
    made = ear()
    events = read(made, *SESSION)
    item = turn(events)
    said = "Welcome to Speechmatics"
    assert events == [
        e.HearingReady(),
        e.SpeechStarted(item, 360),
        e.EarlyWords(item, "Welcome"),
        e.EarlyWords(item, "Welcome to"),
        e.EarlyWords(item, said),
        e.EarlyWords(item, f"{said}."),
        e.CallerTranscript(item, f"{said}."),
        e.SpeechStopped(item, 1960 + 500),
        e.InputCommitted(item),
    ]


def test_two_recorded_utterances_are_two_turns() -> None:
    events = read(ear(silence_ms=200), *TWO)
    first, second = (event for event in events if isinstance(event, e.SpeechStarted))
    assert (first.audio_start_ms, second.audio_start_ms) == (360, 3480)
    assert first.item_id != second.item_id
    assert [event for event in events if isinstance(event, e.CallerTranscript)] == [
        e.CallerTranscript(first.item_id, "Welcome to speech.")
    ]
    assert events[-1] == e.EarlyWords(second.item_id, "We're delighted that")


def test_what_is_no_words_is_no_event() -> None:
    quiet = [message for message in OTHERS if message["message"] != "Error"]
    assert read(ready(), *quiet, SESSION[0], SESSION[2], STARTED) == []


# --- orders that a caller would notice


def test_an_end_without_words_is_nothing_and_one_end_is_enough() -> None:
    made = ready()
    assert read(made, final(upto=2.0), end(2.0)) == []
    events = read(made, partial(HELLO), final(HELLO), end(1.7))
    assert [type(event) for event in events[-3:]] == [e.CallerTranscript, e.SpeechStopped, e.InputCommitted]
    assert read(made, end(1.7), final(upto=2.4), end(2.4)) == []


def test_a_short_word_can_come_as_a_final_without_a_partial() -> None:
    events = read(ready(), final(("No", 0.5, 0.7)))
    assert events == [e.SpeechStarted(turn(events), 500), e.EarlyWords(turn(events), "No")]


def test_words_that_were_never_final_are_said_and_their_late_final_is_not_said_again() -> None:
    made = ready()
    events = read(made, final(HELLO), partial(THERE), end(1.7))
    assert events[-3:] == [
        e.CallerTranscript(turn(events), "Hello there"),
        e.SpeechStopped(turn(events), 1700),
        e.InputCommitted(turn(events)),
    ]
    # Looked at again, it begins a little later.
    assert read(made, partial(("there", 0.92, 1.22)), final(("there", 0.92, 1.22)), full_stop(1.2, 1.7)) == []


def test_words_that_come_after_their_end_are_a_turn_that_ends_at_once() -> None:
    made = ready()
    first = turn(read(made, final(HELLO), end(1.7)))
    events = read(made, final(THERE))
    item = turn(events)
    assert item != first
    assert events == [
        e.SpeechStarted(item, 900),
        e.EarlyWords(item, "there"),
        e.CallerTranscript(item, "there"),
        e.SpeechStopped(item, 1700),
        e.InputCommitted(item),
    ]
    assert read(made, end(1.7)) == []


def test_an_utterance_right_after_another_is_not_ended_by_what_is_known_of_the_first() -> None:
    made = ready()
    read(made, final(HELLO), end(1.7))
    events = read(made, partial(("And", 1.8, 2.0)), final(("And", 1.8, 2.0)), partial(("you", 2.0, 2.2)))
    assert not any(isinstance(event, e.InputCommitted) for event in events)
    assert read(made, final(("you", 2.0, 2.2)), end(2.7))[-3] == e.CallerTranscript(turn(events), "And you")


def test_words_after_the_end_that_are_there_already_begin_the_next_turn() -> None:
    made = ready()
    first = turn(read(made, partial(HELLO)))
    events = read(made, partial(HELLO, ("Wait", 1.8, 2.1)), end(1.4))
    assert events[1:4] == [
        e.CallerTranscript(first, "Hello"),
        e.SpeechStopped(first, 1400),
        e.InputCommitted(first),
    ]
    second = turn(events)
    assert events[4:] == [e.SpeechStarted(second, 1800), e.EarlyWords(second, "Wait")]


def test_a_final_of_some_of_the_words_does_not_take_back_the_others() -> None:
    made = ready()
    events = read(made, partial(HELLO, THERE), final(HELLO))
    assert events == [e.SpeechStarted(turn(events), 400), e.EarlyWords(turn(events), "Hello there")]


def test_words_that_are_taken_back_are_told_and_end_as_nothing_when_the_silence_is_over() -> None:
    made = ready()
    item = turn(read(made, partial(("uh", 0.5, 0.7))))
    assert read(made, partial(upto=1.0)) == [e.EarlyWords(item, "")]
    assert read(made, final(upto=1.1)) == []
    assert read(made, final(upto=1.3)) == [
        e.CallerTranscript(item, ""),
        e.SpeechStopped(item, 1200),
        e.InputCommitted(item),
    ]
    assert read(made, end(1.4)) == []


def test_words_that_were_taken_back_and_end_as_the_service_says_are_empty() -> None:
    made = ready()
    item = turn(read(made, partial(("uh", 0.5, 0.7))))
    read(made, partial(upto=1.0))
    assert read(made, end(1.2))[0] == e.CallerTranscript(item, "")


def test_words_that_come_back_after_they_were_taken_for_nothing_are_heard() -> None:
    made = ready()
    first = turn(read(made, partial(HELLO), partial(upto=1.5), final(upto=2.0)))
    events = read(made, final(HELLO, upto=2.0))
    assert turn(events) != first
    assert e.EarlyWords(turn(events), "Hello") in events


def test_a_pause_inside_a_turn_with_words_ends_nothing() -> None:
    made = ready()
    read(made, partial(HELLO), final(HELLO))
    assert read(made, partial(upto=2.0), final(upto=3.0), final(upto=9.0)) == []


def test_a_forced_end_is_an_end() -> None:
    made = ready()
    item = turn(read(made, partial(HELLO)))
    made.write(c.EndUtterance())
    events = read(made, final(HELLO) | {"forced": True}, end(0.95, forced=True))
    assert events[0] == e.CallerTranscript(item, "Hello")
    assert events[1] == e.SpeechStopped(item, 1400)


@pytest.mark.parametrize("broken", [{"message": "EndOfUtterance"}, {"message": "EndOfUtterance", "metadata": {}}])
def test_an_end_without_a_time_still_ends_the_turn(broken: dict[str, Any]) -> None:
    made = ready()
    item = turn(read(made, partial(HELLO)))
    assert read(made, broken)[0] == e.CallerTranscript(item, "Hello")


def test_marks_have_no_space_where_they_are_attached() -> None:
    made = ready()
    item = turn(read(made, final(HELLO)))
    assert read(made, full_stop(0.9, 1.4)) == [e.EarlyWords(item, "Hello.")]
    assert read(ready(), full_stop(0.9, 1.4), end(1.5)) == []  # of a turn that is long over


def test_languages_without_spaces_have_none() -> None:
    made = ear()
    read(made, STARTED | {"language_pack_info": {"word_delimiter": ""}})
    events = read(made, final(("你", 0.1, 0.3), ("好", 0.3, 0.5)))
    assert events[-1] == e.EarlyWords(turn(events), "你好")


def test_a_transcript_without_single_words_is_taken_as_it_is() -> None:
    told = {"start_time": 0.2, "end_time": 1.0, "transcript": "Hello there "}
    made = ready()
    events = read(made, {"message": "AddTranscript", "metadata": told, "results": []}, end(1.5))
    assert events[0] == e.SpeechStarted(turn(events), 200)
    assert e.CallerTranscript(turn(events), "Hello there") in events


def test_an_entity_is_a_word() -> None:
    entity = final(("20 May", 0.5, 1.4))
    entity["results"][0] |= {"type": "entity", "entity_class": "date", "spoken_form": [], "written_form": []}
    assert isinstance(read(ready(), entity)[0], e.SpeechStarted)


def test_no_id_comes_twice_in_a_call_of_several_sockets() -> None:
    ids = [turn(read(ready(), partial(HELLO))) for _ in range(50)]
    assert len(set(ids)) == 50
    assert max(map(len, ids)) <= 32  # a longer one is no id for the model


# --- trouble


@pytest.mark.parametrize(
    ("kind", "reason", "retry"),
    [
        ("not_authorised", "not_authorised", False),
        ("invalid_model", "invalid_model", False),
        ("timelimit_exceeded", "timelimit_exceeded", False),
        ("protocol_error", "protocol_error", False),
        ("quota_exceeded", "quota_exceeded", True),
        ("job_error", "job_error", True),
        ("session_timeout", "session_timeout", True),
        ("the caller said: 4711", "unknown_error", True),
        (None, "unknown_error", True),
    ],
)
def test_an_error_is_a_loss_without_its_text(kind: object, reason: str, retry: bool) -> None:
    error = {"message": "Error", "type": kind, "reason": "secret words"}
    assert read(ready(), error) == [e.HearingLost(reason, retry)]


def test_errors_as_they_are_on_the_wire() -> None:
    lost = [read(ear(), message)[0] for message in OTHERS if message["message"] == "Error"]
    assert lost == [
        e.HearingLost("quota_exceeded", True),
        e.HearingLost("not_authorised", False),
        e.HearingLost("invalid_model", False),
    ]


@pytest.mark.parametrize(
    ("code", "status", "retry"),
    [
        (4001, None, False),
        (4003, None, False),
        (4004, None, False),
        (4006, None, False),
        (1003, None, False),
        (1008, None, False),
        (4005, None, True),
        (4013, None, True),
        (1011, None, True),
        (1006, None, True),
        (None, None, True),
        (None, 401, False),
        (None, 404, False),
        (None, 429, True),
        (None, 503, True),
    ],
)
def test_what_can_be_tried_again(code: int | None, status: int | None, retry: bool) -> None:
    assert ear().may_retry(code, status) is retry
