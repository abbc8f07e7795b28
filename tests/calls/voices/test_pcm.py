"""PCM of a voice as the phone has it: the same however it is cut, at the same pitch, and nothing folded down."""

from __future__ import annotations

import math
import struct
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls import audio
from calls.voices.pcm import Pcm16k


def tone(hertz: float, seconds: float = 0.5) -> bytes:
    count = round(16000 * seconds)
    return struct.pack(f"<{count}h", *(round(12000 * math.sin(2 * math.pi * hertz * n / 16000)) for n in range(count)))


def samples(mulaw: bytes) -> tuple[int, ...]:
    pcm = audio.mulaw_decode(mulaw)
    return struct.unpack(f"<{len(pcm) // 2}h", pcm)


@given(st.binary(max_size=400), st.lists(st.integers(0, 400), max_size=12))
def test_piece_by_piece_it_is_the_sound_of_the_whole(pcm: bytes, cuts: list[int]) -> None:
    whole = Pcm16k().take(pcm)
    places = [0, *sorted(min(cut, len(pcm)) for cut in cuts), len(pcm)]
    sound = Pcm16k()
    assert b"".join(sound.take(pcm[a:b]) for a, b in pairwise(places)) == whole
    assert len(whole) == len(pcm) // 4


def test_a_byte_at_a_time() -> None:
    pcm, sound = tone(440, 0.05), Pcm16k()
    assert b"".join(sound.take(pcm[n : n + 1]) for n in range(len(pcm))) == Pcm16k().take(pcm)


@pytest.mark.parametrize("hertz", [200, 440, 1000, 3000])
def test_a_tone_of_the_telephone_keeps_its_pitch_and_loudness(hertz: int) -> None:
    middle = samples(Pcm16k().take(tone(hertz)))[400:-400]
    assert sum(a < 0 <= b for a, b in pairwise(middle)) == pytest.approx(hertz * len(middle) / 8000, abs=1.5)
    assert max(middle) == pytest.approx(12000, rel=0.06)


@pytest.mark.parametrize("hertz", [4700, 5500, 6000, 7500])
def test_what_the_telephone_cannot_carry_does_not_fold_down(hertz: int) -> None:
    assert max(map(abs, samples(Pcm16k().take(tone(hertz)))[400:-400])) < 400


def test_silence_and_the_loudest_sound_stay_what_they_are() -> None:
    assert set(samples(Pcm16k().take(bytes(3200)))) == {0}
    loudest = samples(Pcm16k().take(struct.pack("<1600h", *([32767] * 1600))))[100:]
    assert min(loudest) > 31000


def test_it_is_what_the_product_makes_of_the_whole_file_but_a_millisecond_later() -> None:
    pcm = tone(300, 0.2)
    at_once = samples(audio.mulaw_encode(audio.resample(pcm, 16000, 8000)))
    streamed = samples(Pcm16k().take(pcm))
    assert [abs(a - b) < 700 for a, b in zip(at_once[100:1000], streamed[108:1008], strict=True)] == [True] * 900
