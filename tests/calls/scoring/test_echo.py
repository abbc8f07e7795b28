"""The agent's sound on its way back to the phone."""

from __future__ import annotations

import numpy as np
import pytest

from calls import audio
from calls.scoring.echo import PATHS, EchoPath, Returning


def noise(ms: int, level: float = 2000) -> bytes:
    return audio.mulaw_encode(np.random.default_rng(3).normal(0, level, ms * 8).astype("<i2").tobytes())


def back(path: EchoPath, mulaw: bytes) -> np.ndarray:
    returning = Returning(path)
    return np.concatenate([returning.frame(mulaw[i : i + 160]) for i in range(0, len(mulaw), 160)])


def dbfs(sound: np.ndarray) -> float:
    return float(10 * np.log10(np.mean(sound.astype(float) ** 2) / 32768**2))


@pytest.mark.parametrize("path", [path for path in PATHS if not path.overdriven], ids=lambda path: path.name)
def test_what_comes_back_is_as_much_softer_as_the_path_says(path: EchoPath) -> None:
    sound = noise(3000)
    played = np.frombuffer(audio.mulaw_decode(sound), "<i2")
    assert dbfs(back(path, sound)[8000:]) - dbfs(played) == pytest.approx(path.gain_db, abs=1)


def test_without_a_room_it_is_the_sound_itself() -> None:
    sound = noise(200)
    played = np.frombuffer(audio.mulaw_decode(sound), "<i2")
    assert np.allclose(back(EchoPath("wire", 20, -6), sound), played * 10 ** (-6 / 20))


def test_a_room_goes_on_after_the_sound_and_dies_away() -> None:
    sound = noise(400) + audio.SILENCE * 6400
    room = back(EchoPath("room", 20, 0, room_ms=400), sound)
    after = [dbfs(room[at : at + 400]) for at in (3240, 4400, 5600)]
    assert after[0] > after[1] > after[2]
    assert not room[3200 + 3200 :].any()


def test_an_overdriven_loudspeaker_is_no_louder_than_its_end_stop() -> None:
    assert np.abs(back(EchoPath("small", 20, 0, overdriven=True), noise(300, 9000))).max() <= 32768 / 6
