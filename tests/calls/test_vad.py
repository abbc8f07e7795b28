"""Speech in recordings, and the turn of probabilities into starts and stops."""

from __future__ import annotations

import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls import audio
from calls.vad import FRAME, FRAME_MS, RATE, SileroVad, SpeechSegmenter, Started, Stopped

AUDIO = Path(__file__).parent.parent / "audio"
PAUSES_SPEECH = ((330, 2120), (3290, 3710), (4000, 4310), (5410, 7600))
"""Where pauses.wav holds speech, ms; labelled by others."""


def pcm_of(path: Path) -> bytes:
    with wave.open(str(path)) as file:
        assert file.getframerate() == RATE
        return file.readframes(file.getnframes())


@pytest.fixture(scope="module")
def pauses() -> bytes:
    return pcm_of(AUDIO / "pauses.wav")


def segments(probabilities: list[float], **settings: int) -> list[Started | Stopped]:
    given = {"prefix_padding_ms": 300, "silence_duration_ms": 500, **settings}
    segmenter = SpeechSegmenter(0.6, given["prefix_padding_ms"], given["silence_duration_ms"])
    return [heard for p in probabilities if (heard := segmenter.feed(p)) is not None]


# --- the network


def test_recorded_speech_is_told_from_its_pauses(pauses: bytes) -> None:
    probabilities = SileroVad().feed(pauses)
    assert len(probabilities) == len(pauses) // (2 * FRAME)
    speech, silence = [], []
    for index, probability in enumerate(probabilities):
        middle = index * FRAME_MS + FRAME_MS / 2
        if any(a + 150 < middle < b - 150 for a, b in PAUSES_SPEECH):
            speech.append(probability > 0.5)
        elif not any(a - 150 < middle < b + 300 for a, b in PAUSES_SPEECH):
            silence.append(probability < 0.5)
    assert np.mean(speech) > 0.9
    assert np.mean(silence) > 0.95


def test_a_tone_and_silence_are_no_speech() -> None:
    tone = (8000 * np.sin(np.arange(2 * RATE) * 2 * np.pi * 440 / RATE)).astype("<i2").tobytes()
    assert max(SileroVad().feed(tone)) < 0.5
    assert max(SileroVad().feed(bytes(4 * RATE))) < 0.5


def test_what_came_over_the_phone_is_heard_as_well(pauses: bytes) -> None:
    over_the_phone = audio.mulaw_decode(audio.mulaw_encode(pauses))
    assert np.mean(np.abs(np.subtract(SileroVad().feed(over_the_phone), SileroVad().feed(pauses)))) < 0.05


@given(st.lists(st.integers(1, 4000), max_size=20))
def test_a_stream_in_pieces_is_the_stream_in_one(sizes: list[int]) -> None:
    stream = pcm_of(AUDIO / "pauses.wav")[: 2 * RATE * 2]
    in_pieces = SileroVad()
    found, at = [], 0
    for size in [*sizes, len(stream)]:
        found += in_pieces.feed(stream[at : at + size])
        at += size
    assert found == SileroVad().feed(stream)


def test_streams_do_not_know_of_each_other_and_can_begin_anew(pauses: bytes) -> None:
    alone = SileroVad().feed(pauses[:32000])
    one, other = SileroVad(), SileroVad()
    for at in range(0, 32000, 640):
        other.feed(pauses[-640:])
        one.feed(pauses[at : at + 640])
    one.feed(pauses[:100])
    one.reset()
    assert one.feed(pauses[:32000]) == alone


# --- starts and stops


def test_a_recording_gives_its_turns(pauses: bytes) -> None:
    heard = segments(SileroVad().feed(pauses + bytes(2 * RATE)))
    starts = [event.audio_start_ms + 300 for event in heard if isinstance(event, Started)]
    stops = [event.audio_end_ms - 500 for event in heard if isinstance(event, Stopped)]
    assert starts == pytest.approx([330, 3290, 5410], abs=150)
    assert stops == pytest.approx([2120, 4310, 7600], abs=250)


def test_a_longer_silence_joins_what_a_shorter_one_parts(pauses: bytes) -> None:
    probabilities = SileroVad().feed(pauses + bytes(4 * RATE))
    assert len(segments(probabilities, silence_duration_ms=200)) > len(segments(probabilities)) > 2
    assert len(segments(probabilities, silence_duration_ms=1500)) == 2


def test_offsets_are_those_of_recordings_of_the_service() -> None:
    # Speech that is noticed in the 55th frame and over in the 133rd: 1460 and 4256 ms on the wire.
    heard = segments([0.0] * 55 + [0.9] * 62 + [0.0] * 20)
    assert heard == [Started(1460), Stopped(4256)]


def test_a_start_is_never_before_the_beginning() -> None:
    assert segments([0.9]) == [Started(0)]


def test_a_short_dip_does_not_end_speech_and_a_soft_word_does_not_start_it() -> None:
    assert segments([0.5] * 50) == []
    assert segments([0.9, *[0.5] * 50]) == [Started(0)]
    assert segments([0.9, *[0.0] * 15, 0.9, *[0.0] * 15]) == [Started(0)]


def test_frames_that_nobody_listened_to_count() -> None:
    segmenter = SpeechSegmenter(0.6, 0, 500)
    segmenter.feed(0.9)
    segmenter.skip(9)
    assert not segmenter.speaking
    assert segmenter.feed(0.9) == Started(320)


def test_other_settings_hold_from_the_next_frame_on() -> None:
    segmenter = SpeechSegmenter(0.6, 300, 500)
    segmenter.feed(0.9)
    segmenter.configure(0.6, 300, 64)
    assert [segmenter.feed(0.0), segmenter.feed(0.0)] == [None, Stopped(96)]


@given(st.lists(st.floats(0, 1), max_size=400), st.floats(0, 1), st.integers(0, 1000), st.integers(0, 2000))
def test_starts_and_stops_take_turns_on_the_grid(
    probabilities: list[float], threshold: float, padding_ms: int, silence_ms: int
) -> None:
    segmenter = SpeechSegmenter(threshold, padding_ms, silence_ms)
    expected: Iterator[type] = iter([Started, Stopped] * 400)
    last_end = 0
    for index, probability in enumerate(probabilities):
        heard = segmenter.feed(probability)
        if heard is None:
            continue
        assert isinstance(heard, next(expected))
        if isinstance(heard, Started):
            assert heard.audio_start_ms == max(0, index * FRAME_MS - padding_ms)
            assert index * FRAME_MS >= last_end
        else:
            assert heard.audio_end_ms == (index + 1) * FRAME_MS
            last_end = heard.audio_end_ms
    assert segmenter.position_ms == len(probabilities) * FRAME_MS
