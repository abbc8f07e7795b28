"""What one call's ear makes of recorded sound."""

from __future__ import annotations

import pytest

from calls import audio
from calls.ear.stream import Ear
from tests.calls.ear.sounds import COUGH, INTERRUPTION, REQUEST, hear, louder


def test_a_sentence_is_speech_far_over_the_line_and_like_nothing_else() -> None:
    heard = hear(Ear(), audio.silence(1000) + REQUEST)
    clear = [sound for sound in heard if sound.probability >= 0.8]
    assert len(clear) * 32 > 700
    assert min(sorted(sound.level_db for sound in clear)[len(clear) // 4 :]) > 10
    assert all(sound.echo == 0.0 for sound in heard)  # nobody else spoke


def test_a_cough_is_loud_and_not_surely_speech() -> None:
    heard = hear(Ear(), audio.silence(1000) + COUGH)
    assert max(sound.level_db for sound in heard) > 20
    assert sum(sound.probability >= 0.8 for sound in heard) * 32 < 200


def test_an_open_line_is_neither() -> None:
    heard = hear(Ear(), audio.silence(3000))
    assert max(sound.probability for sound in heard) < 0.5
    assert max(sound.level_db for sound in heard[16:]) <= 0


def test_each_32_ms_are_judged_once_and_tell_when_they_ended() -> None:
    heard = hear(Ear(), REQUEST, began_at=100.0)
    assert len(heard) == len(REQUEST) // 256
    assert [sound.at for sound in heard] == pytest.approx([100 + 0.032 * (n + 1) for n in range(len(heard))], abs=0.001)


def test_nothing_ended_after_it_came_also_on_an_uneven_line() -> None:
    ear, heard = Ear(), []
    arrivals = [100.05, 100.051, 100.06, 100.12, 100.121, 100.122, 103.0, 103.02, 103.021]
    for now in arrivals:
        told = ear.caller(REQUEST[:512], now)
        assert all(sound.at <= now for sound in told)
        heard += told
    assert len(heard) == 2 * len(arrivals)
    assert [sound.at for sound in heard] == sorted(sound.at for sound in heard)


@pytest.mark.parametrize("size", [80, 160, 333, 1600])
def test_the_size_of_the_pieces_makes_no_difference(size: int) -> None:
    whole, pieces = hear(Ear(), REQUEST), hear(Ear(), REQUEST, size=size)
    assert [sound.probability for sound in pieces] == pytest.approx([sound.probability for sound in whole], abs=1e-6)


def test_the_same_sound_is_heard_the_same() -> None:
    assert hear(Ear(), REQUEST) == hear(Ear(), REQUEST)


def test_the_network_begins_anew_with_each_reply() -> None:
    """What was loud before must not hide a soft start."""

    def said_over(reply: bool) -> list[float]:
        ear = Ear()
        hear(ear, REQUEST)
        if reply:
            ear.agent(REQUEST * 2, 100 + len(REQUEST) / 8000)
        return [sound.probability for sound in hear(ear, louder(COUGH, 0.1), 100 + len(REQUEST) / 8000)]

    assert said_over(True) != said_over(False)


def test_an_echo_of_the_agent_is_like_it_and_a_caller_over_it_is_not() -> None:
    agent = (REQUEST * 3)[: 8000 * 6]
    delay = 1200  # 150 ms

    def mostly(caller: bytes) -> float:
        ear = Ear()
        ear.agent(agent, 100.0)
        told = sorted(s.echo for s in hear(ear, caller) if s.level_db >= 10 and s.probability >= 0.5 and s.at > 101.5)
        return told[len(told) // 2]

    echo = louder(audio.SILENCE * delay + agent, 0.2)[: len(agent)]
    other = audio.silence(1500) + INTERRUPTION + audio.silence(500)
    assert mostly(echo) > 0.7
    assert mostly(other[: len(agent)]) < 0.5
