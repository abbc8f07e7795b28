"""Recordings for the simulated phone: any rate, mono or stereo, or a refusal that says what to do."""

from __future__ import annotations

import contextlib
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from calls import audio
from calls.simulated_phone import CallRefused, read_wav


def tone(rate: int, hertz: float, channels: int = 1) -> bytes:
    wave_ = 12_000 * np.sin(2 * np.pi * hertz * np.arange(rate) / rate)
    return np.repeat(wave_.astype("<i2"), channels).tobytes()


def write(path: Path, pcm: bytes, rate: int, channels: int = 1, width: int = 2) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(pcm)
    return path


def spectrum(mulaw: bytes) -> np.ndarray[Any, Any]:
    """Strength per hertz of one second."""
    samples = np.frombuffer(audio.mulaw_decode(mulaw), "<i2").astype(float)
    return np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) / len(samples)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate", [8000, 11025, 16000, 22050, 44100, 48000])
def test_recordings_of_any_rate_keep_their_length_and_pitch(tmp_path: Path, rate: int, channels: int) -> None:
    mulaw = read_wav(write(tmp_path / "a.wav", tone(rate, 440, channels), rate, channels))
    assert len(mulaw) == 8000
    assert int(spectrum(mulaw).argmax()) == 440
    assert np.abs(np.frombuffer(audio.mulaw_decode(mulaw), "<i2").astype(int)).max() == pytest.approx(12_000, rel=0.08)


@pytest.mark.parametrize("rate", [16000, 44100, 48000])
def test_what_the_telephone_cannot_carry_does_not_fold_down(tmp_path: Path, rate: int) -> None:
    high = read_wav(write(tmp_path / "high.wav", tone(rate, 5500), rate))
    low = read_wav(write(tmp_path / "low.wav", tone(rate, 1000), rate))
    assert spectrum(high).max() < spectrum(low).max() / 30


def test_both_sides_of_a_stereo_recording_are_heard(tmp_path: Path) -> None:
    left, right = np.frombuffer(tone(8000, 400), "<i2"), np.frombuffer(tone(8000, 900), "<i2")
    mulaw = read_wav(write(tmp_path / "s.wav", np.column_stack([left, right]).tobytes(), 8000, 2))
    strength = spectrum(mulaw)
    assert strength[400] == pytest.approx(strength[900], rel=0.1) and strength[400] > 50 * strength[650]


def test_a_recording_that_cannot_be_played_is_refused_with_what_to_do(tmp_path: Path) -> None:
    eight_bit = write(tmp_path / "8bit.wav", b"\x80" * 800, 8000, width=1)
    with pytest.raises(CallRefused, match=r"not 16-bit PCM\. Convert it: sox"):
        read_wav(eight_bit)
    with pytest.raises(CallRefused, match="holds no sound"):
        read_wav(write(tmp_path / "empty.wav", b"", 8000))
    (tmp_path / "text.wav").write_text("Not a recording.")
    (tmp_path / "nothing.wav").write_bytes(b"")
    for name in ("text.wav", "nothing.wav", "missing.wav", "."):
        with pytest.raises(CallRefused, match="cannot be read as a WAV"):
            read_wav(tmp_path / name)


def test_every_recording_cut_short_is_played_or_refused(tmp_path: Path) -> None:
    whole = write(tmp_path / "whole.wav", tone(16000, 440)[:400], 16000).read_bytes()
    for end in range(0, len(whole), 3):
        (tmp_path / "cut.wav").write_bytes(whole[:end])
        with contextlib.suppress(CallRefused):
            assert read_wav(tmp_path / "cut.wav")


def test_the_shipped_recordings_can_be_played() -> None:
    clips = sorted((Path(__file__).parents[2] / "calls" / "clips").glob("*.wav"))
    assert len(clips) >= 3
    assert all(0.5 <= len(read_wav(clip)) / 8000 <= 10 for clip in clips)
    credits = (clips[0].parent / "CREDITS.md").read_text()
    assert all(f"`{clip.name}`" in credits for clip in clips)
