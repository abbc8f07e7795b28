"""Whether a second of sound is a laugh or a cough, or speech."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from calls import audio
from calls.ear import laughter, stream
from calls.ear.network import FRAME
from tests.calls.ear.sounds import COUGH, INTERRUPTION, REQUEST, hear, louder

SECOND = laughter.FRAMES * FRAME


def likeness(mulaw: bytes) -> float:
    """Of the last second."""
    sound = (audio.silence(1000) + mulaw)[-SECOND:]
    return laughter.likeness(stream.samples([sound[i : i + FRAME] for i in range(0, SECOND, FRAME)]))


def test_a_cough_is_one_and_a_sentence_is_none() -> None:
    assert likeness(COUGH[:SECOND]) > 0.5
    for said in (REQUEST, INTERRUPTION):
        assert max(likeness(said[: at * 8]) for at in range(600, len(said) // 8, 200)) < 0.5


def test_silence_is_none() -> None:
    assert likeness(b"") < 0.5


@pytest.mark.parametrize("gain", [0.1, 0.3, 1.5])
def test_a_cough_is_one_soft_or_loud(gain: float) -> None:
    assert likeness(louder(COUGH, gain)[:SECOND]) > 0.5


def test_the_bands_are_those_of_the_mel_scale() -> None:
    """A tone is loudest in the band round it."""
    for hz, band in ((200, 1), (1000, 19), (4000, 48)):
        tone = np.sin(2 * np.pi * hz * np.arange(2 * SECOND) / 16000).astype(np.float32)
        assert int(laughter._log_mel(tone).mean(axis=0).argmax()) == pytest.approx(band, abs=1)


def over_the_agent(caller: bytes) -> list[float]:
    ear = stream.Ear()
    ear.agent(REQUEST * 3, 100.0)
    return [sound.laughter for sound in hear(ear, caller)]


def test_it_is_asked_only_of_what_could_stop_the_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(laughter, "likeness", lambda sound: asked.append(len(sound)) or 0.7)
    hear(stream.Ear(), audio.silence(1000) + REQUEST)
    assert not asked  # the agent was silent
    over_the_agent(audio.silence(2000))
    assert not asked  # the caller was
    told = over_the_agent(audio.silence(1000) + REQUEST)
    assert set(told) == {0.0, 0.7}
    assert set(asked) == {laughter.FRAMES}
    assert len(asked) <= len(REQUEST) // FRAME / 3 + 1


def test_without_its_package_nothing_is_laughter_and_it_is_said_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    laughter.can_tell.cache_clear()
    laughter._session.cache_clear()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    try:
        with caplog.at_level("WARNING", logger="calls"):
            monkeypatch.setattr("calls.ear.laughter.logger.propagate", True)
            assert set(over_the_agent(audio.silence(1000) + REQUEST)) == {0.0}
            over_the_agent(REQUEST)
        assert [record.getMessage() for record in caplog.records].count(caplog.messages[0]) == 1
        assert "the package sead is missing" in caplog.messages[0]
    finally:
        laughter.can_tell.cache_clear()
        laughter._session.cache_clear()
