"""What our own ear makes of a burst of sound."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from calls.conversation.events import SoundHeard
from calls.conversation.evidence import ALIVE, BURST_ENDS, FRAME_MS, Burst
from calls.conversation.settings import ConversationSettings

SETTINGS = ConversationSettings(
    min_speech_ms=500, speech_probability=0.8, min_loudness_db=6.0, echo_guard=0.7, laughter_guard=0.5
)


class Listening:
    """A burst that is told of frames one after the other."""

    def __init__(self, **settings: Any) -> None:
        self.burst, self.now = Burst(), 50.0
        self.settings = ConversationSettings(**settings) if settings else SETTINGS

    def hears(
        self, frames: int, probability: float, level_db: float = 30.0, echo: float = 0.0, laughter: float = 0.0
    ) -> Burst:
        for _ in range(frames):
            self.now += FRAME_MS / 1000
            self.burst.take(SoundHeard(self.now, probability, level_db, echo, laughter), self.settings)
        return self.burst


def test_clear_loud_speech_counts_by_its_length() -> None:
    burst = Listening().hears(10, 0.95)
    assert (burst.speech_ms, burst.counted_ms, burst.voiced_ms) == (320, 320, 320)
    assert burst.counts_now


def test_likely_speech_is_voiced_and_does_not_count() -> None:
    burst = Listening().hears(10, 0.6)
    assert (burst.speech_ms, burst.voiced_ms) == (0, 320)


def test_clear_speech_below_the_loudness_is_soft() -> None:
    burst = Listening().hears(5, 0.95, level_db=3.0)
    assert (burst.speech_ms, burst.soft_ms, burst.voiced_ms) == (0, 160, 160)


def test_what_sounds_like_the_agent_is_echo_and_neither_speech_nor_voice() -> None:
    burst = Listening().hears(5, 0.95, echo=0.8)
    assert (burst.speech_ms, burst.voiced_ms, burst.echo_ms) == (0, 0, 160)


def test_laughter_is_neither_speech_nor_voice() -> None:
    burst = Listening().hears(5, 0.95, laughter=0.6)
    assert (burst.speech_ms, burst.voiced_ms, burst.laughter_ms, burst.laughter) == (0, 0, 160, 0.6)


def test_a_gap_takes_half_of_its_length_off() -> None:
    listening = Listening()
    listening.hears(10, 0.95)
    assert listening.hears(6, 0.0).speech_ms == 320 - 96
    assert listening.burst.counted_ms == 320


def test_two_backchannels_with_a_second_between_do_not_add_up() -> None:
    listening = Listening()
    listening.hears(10, 0.95)
    listening.hears(round(BURST_ENDS * 1000 / FRAME_MS) + 2, 0.0)
    assert listening.hears(10, 0.95).counted_ms == 320


def test_an_ear_that_says_nothing_is_not_there() -> None:
    listening = Listening()
    assert not listening.burst.is_alive(0.0)
    listening.hears(1, 0.0)
    assert listening.burst.is_alive(listening.now + ALIVE - 0.01)
    assert not listening.burst.is_alive(listening.now + ALIVE)


def test_without_the_networks_opinion_loudness_decides() -> None:
    listening = Listening(min_loudness_db=10.0)
    assert listening.hears(2, 0.0, level_db=9.0).speech_ms == 0
    assert listening.hears(2, 0.0, level_db=11.0).speech_ms == 64


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(-10, 60), st.floats(0, 1)), max_size=200))
def test_what_counts_is_never_more_than_what_was_heard(frames: list[tuple[float, float, float]]) -> None:
    listening = Listening()
    for frame in frames:
        burst = listening.hears(1, *frame)
        assert 0 <= burst.speech_ms <= burst.counted_ms <= burst.voiced_ms
        assert burst.voiced_ms + burst.echo_ms <= len(frames) * FRAME_MS


def test_a_burst_of_noise_keeps_what_was_measured_of_it() -> None:
    listening = Listening()
    listening.hears(40, 0.0, level_db=0.0)
    listening.hears(5, 0.3, level_db=44.0)
    assert (listening.burst.surest, listening.burst.loudest_db) == (0.3, 44.0)
    assert listening.hears(40, 0.0, level_db=0.0).loudest_db == 0.0


def test_a_soft_consonant_between_loud_vowels_counts() -> None:
    listening = Listening()
    listening.hears(4, 0.95)
    assert listening.hears(4, 0.95, level_db=2.0).speech_ms == 256
    assert listening.hears(6, 0.95, level_db=2.0).soft_ms > 96  # and what stays soft does not
