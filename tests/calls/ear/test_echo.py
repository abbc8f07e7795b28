"""Echoes of the agent's sound, and people who speak over it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from calls import audio
from calls.ear import echo
from calls.ear.stream import Ear
from calls.simulated_phone import read_wav
from tests.calls.ear.sounds import INTERRUPTION, REQUEST, hear

Wave = npt.NDArray[np.float64]

AGENT = REQUEST * 3
SPEECH = read_wav(Path(__file__).parents[2] / "audio" / "pauses.wav")


def wave(mulaw: bytes) -> Wave:
    return np.frombuffer(audio.mulaw_decode(mulaw), "<i2").astype(np.float64)


def phone(sound: Wave) -> bytes:
    return audio.mulaw_encode(np.clip(np.rint(sound), -32768, 32767).astype("<i2").tobytes())


def line(length: int) -> Wave:
    """Noise at -70 dBFS."""
    return np.random.default_rng(1).standard_normal(length) * 10


def echo_of(agent: bytes, delay_ms: int, gain_db: float) -> Wave:
    """The agent's sound out of a loudspeaker, overdriven a little, back through a room of 60 ms and a telephone's band."""
    sound = np.tanh(wave(agent) / 12000) * 12000
    room = np.random.default_rng(delay_ms).standard_normal(480) * np.exp(-np.arange(480) / 120)
    room *= 0.5 / np.sqrt((room**2).sum())
    room[0] += 1
    spectrum = np.fft.rfft(np.convolve(sound, room)[: len(sound)])
    frequency = np.fft.rfftfreq(len(sound), 1 / 8000)
    spectrum[(frequency < 300) | (frequency > 3400)] = 0
    late = np.concatenate([np.zeros(delay_ms * 8), np.fft.irfft(spectrum, len(sound))])[: len(sound)]
    loudness: Wave = late * 10 ** (gain_db / 20)
    return loudness


def told(caller: Wave) -> list[float]:
    """How like the agent's sound each frame is in which somebody seems to speak."""
    ear = Ear()
    for at in range(0, len(AGENT), 2000):  # in pieces, as it comes from the model
        ear.agent(AGENT[at : at + 2000], 100.0 + at / 8000)
    return [s.echo for s in hear(ear, phone(caller + line(len(caller)))) if s.level_db >= 6 and s.probability >= 0.5]


@pytest.mark.parametrize("delay_ms", [45, 120, 250, 400])
@pytest.mark.parametrize("gain_db", [-6, -20])
def test_an_echo_is_known_at_any_delay_and_loudness(delay_ms: int, gain_db: float) -> None:
    found = told(echo_of(AGENT, delay_ms, gain_db))
    assert len(found) > 50
    assert np.mean([likeness > 0.7 for likeness in found]) > 0.9


@pytest.mark.parametrize("person", [SPEECH, INTERRUPTION], ids=["speech", "interruption"])
@pytest.mark.parametrize("begins_ms", [500, 3300, 5500])
def test_a_person_over_the_agent_is_none(person: bytes, begins_ms: int) -> None:
    caller = np.zeros(len(AGENT))
    spoken = wave(person)[: len(AGENT) - begins_ms * 8]
    caller[begins_ms * 8 : begins_ms * 8 + len(spoken)] = spoken
    found = told(caller)
    assert np.mean([likeness < 0.4 for likeness in found]) > 0.85
    assert np.mean([likeness > 0.7 for likeness in found]) < 0.05


def test_a_person_over_a_soft_echo_is_none() -> None:
    caller = echo_of(AGENT, 180, -30)
    spoken = wave(INTERRUPTION)
    caller[8000 : 8000 + len(spoken)] += spoken
    ear = Ear()
    ear.agent(AGENT, 100.0)
    found = [
        sound.echo
        for sound in hear(ear, phone(caller + line(len(caller))))
        if 101.1 < sound.at < 101 + len(spoken) / 8000 and sound.level_db >= 25
    ]
    assert len(found) > 10
    assert np.median(found) < 0.4


def test_nothing_is_like_an_agent_who_is_silent() -> None:
    ear = Ear()
    ear.agent(AGENT, 50.0)
    ear.clear(90.0)
    assert {sound.echo for sound in hear(ear, AGENT)} == {0.0}


def test_a_comparison_that_is_taken_up_again_is_the_one_that_went_on() -> None:
    frames = wave(AGENT)[: 256 * 120].reshape(-1, 256).astype(np.float32) / 32768
    quiet = np.zeros((1, 256), np.float32)

    def compare(memory: echo.Memory, caller: npt.NDArray[np.float32], number: int) -> float:
        memory.sounding = number + 1
        return echo.likenesses([memory], caller, frames[number : number + 1])[0]

    through, again = echo.Memory(), echo.Memory()
    for memory in (through, again):
        memory.begin(np.zeros(256 * echo.HISTORY, np.float32), 0)
        for number in range(100):
            if memory is through or number < 80:
                compare(memory, frames[number - 5 : number - 4] if 20 <= number < 80 else quiet, number)
    again.begin(frames[100 - echo.HISTORY : 100].ravel(), 20)
    for number in range(100, 120):
        caller = frames[number - 5 : number - 4]
        assert compare(again, caller, number) == pytest.approx(compare(through, caller, number), abs=0.05)
