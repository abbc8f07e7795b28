"""Sound of the telephone, against the standard library's own tables where Python still has them."""

from __future__ import annotations

import io
import math
import struct
import warnings
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls import audio

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    audioop = pytest.importorskip("audioop", reason="gone from the standard library in 3.13")

EVERY_SAMPLE = struct.pack("<65536h", *range(-32768, 32768))


def test_mulaw_is_the_standards() -> None:
    assert audio.mulaw_decode(bytes(range(256))) == audioop.ulaw2lin(bytes(range(256)), 2)
    ours, theirs = audio.mulaw_encode(EVERY_SAMPLE), audioop.lin2ulaw(EVERY_SAMPLE, 2)
    # At the borders between two codes the libraries round either way; what is heard differs by half a step at most.
    off = [abs(a - b) for a, b in zip(ours, theirs, strict=True) if a != b]
    assert max(off, default=0) <= 1
    assert len(off) < 1000


@given(st.binary(max_size=500))
def test_mulaw_survives_a_round_trip(mulaw: bytes) -> None:
    again = audio.mulaw_encode(audio.mulaw_decode(mulaw))
    assert again == mulaw.replace(b"\x7f", b"\xff")  # the two zeros are one


@pytest.mark.parametrize(("rate_from", "rate_to"), [(16000, 8000), (44100, 8000), (22050, 24000), (8000, 24000)])
def test_a_tone_keeps_its_pitch_and_loudness(rate_from: int, rate_to: int) -> None:
    tone = [round(10000 * math.sin(2 * math.pi * 440 * n / rate_from)) for n in range(rate_from)]
    moved = struct.unpack(f"<{rate_to}h", audio.resample(struct.pack(f"<{rate_from}h", *tone), rate_from, rate_to))
    middle = moved[rate_to // 10 : -rate_to // 10]
    crossings = sum(a < 0 <= b for a, b in pairwise(middle))
    assert crossings == pytest.approx(440 * 0.8, abs=2)
    assert max(middle) == pytest.approx(10000, rel=0.03)


def test_what_cannot_be_heard_on_the_line_does_not_fold_down() -> None:
    high = [round(10000 * math.sin(2 * math.pi * 6000 * n / 16000)) for n in range(16000)]
    moved = struct.unpack("<8000h", audio.resample(struct.pack("<16000h", *high), 16000, 8000))
    assert max(abs(s) for s in moved[800:-800]) < 500


def test_the_header_is_read_by_others() -> None:
    sound = bytes(range(200)) * 2
    header = audio.mulaw_wav_header(len(sound), channels=2)
    file = io.BytesIO(header + sound)
    riff, size, form = struct.unpack("<4sI4s", file.read(12))
    assert (riff, size, form) == (b"RIFF", len(header) + len(sound) - 8, b"WAVE")
    assert len(header) == audio.HEADER_BYTES


def test_peaks_show_where_it_is_loud() -> None:
    quiet, loud = audio.silence(100), audio.mulaw_encode(struct.pack("<800h", *[32000] * 800))
    assert audio.peaks(quiet + loud, 2) == [0.0, pytest.approx(0.97, abs=0.03)]
    assert audio.peaks(b"", 10) == []


def test_tracks_are_interleaved() -> None:
    assert audio.interleave(b"ace", b"bdf") == b"abcdef"
