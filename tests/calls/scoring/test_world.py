"""Whole calls in a clock that is only counted, with outcomes that are known to the millisecond."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from calls import audio
from calls.conversation import events as e
from calls.conversation import facts
from calls.conversation.conversation import Conversation
from calls.conversation.settings import ConversationSettings
from calls.scoring import mixing, scenes
from calls.scoring.clock import Clock
from calls.scoring.course import Course
from calls.scoring.mixing import Laid
from calls.scoring.world import Setup, Words, play

TURN_DETECTION = {
    "type": "server_vad",
    "threshold": 0.5,
    "prefix_padding_ms": 300,
    "silence_duration_ms": 500,
    "idle_timeout_ms": None,
    "create_response": False,
    "interrupt_response": False,
}


class LoudIsSpeech:
    """A VAD to be reckoned with: a frame with one loud sample in it is speech."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, pcm16: bytes) -> list[float]:
        data = self._rest + pcm16
        whole = len(data) - len(data) % 512
        self._rest = data[whole:]
        frames = np.abs(np.frombuffer(data[:whole], "<i2").astype(int)).reshape(-1, 256)
        return [float(frame.max() > 4000) for frame in frames]

    def reset(self) -> None:
        self._rest = b""


def setup(**settings: Any) -> Setup:
    policy = ConversationSettings(turn_detection=TURN_DETECTION, **settings)
    return Setup(policy, TURN_DETECTION, make_vad=LoudIsSpeech)


def tone(ms: int) -> bytes:
    wave = 12000 * np.sin(np.arange(ms * 8) * 2 * np.pi * 400 / 8000)
    return audio.mulaw_encode(wave.astype("<i2").tobytes())


def over_agent(speech_at_ms: int = 3000, speech_ms: int = 1500, length_ms: int = 6000) -> Laid:
    """The agent speaks from 0 on, and the caller for a while over it."""
    caller = audio.silence(speech_at_ms) + tone(speech_ms)
    caller += audio.silence(length_ms - len(caller) / 8)
    agent = tone(length_ms + 4000)
    return Laid(
        caller, agent, audio.SILENCE, speech_at_ms, speech_at_ms + speech_ms, words=((3500, "no"), (3900, "wait"))
    )


def began_at_ms(course: Course, phone_ms: float = 30, model_ms: float = 30) -> float:
    """When the scene began, since the phone rang: its session stood one way of the phone and two of the model after that."""
    return phone_ms + 2 * model_ms - course.notes(facts.SESSION_CONFIGURED)[0].at_ms


def test_the_agent_is_silent_as_soon_as_the_vad_and_the_network_allow() -> None:
    course = play(over_agent(), setup())
    spoken_at = began_at_ms(course) + 3000
    # The frame of the VAD in which the speech begins is known with the frame of the phone in which it ends.
    vad_frame_ends = (math.floor((spoken_at + 1) / 32) + 1) * 32
    phone_frame_ends = math.ceil(vad_frame_ends / 20) * 20
    decided = phone_frame_ends + 30 + 30 + 30  # to us, to the model, and back
    assert course.notes("SpeechStarted")[0].at_ms < 0  # the request
    heard, *more = [stretch for stretch in course.heard if stretch.reply == course.reply]
    assert not more
    assert heard.start_ms == 0
    assert heard.end_ms == pytest.approx(decided + 30 - began_at_ms(course), abs=0.2)
    (interruption,) = course.notes(facts.INTERRUPTION)
    assert interruption.at_ms == pytest.approx(decided - began_at_ms(course), abs=0.2)
    assert interruption.data["heard_ms"] == pytest.approx(heard.end_ms, abs=21)


def test_a_slower_network_adds_exactly_its_delays() -> None:
    """Both delays are chosen so that the scene meets the frames of phone and VAD as before."""
    near = play(over_agent(), setup())
    far = play(over_agent(), replace(setup(), model_delay_s=0.07))
    assert far.heard[0].end_ms - near.heard[0].end_ms == pytest.approx(2 * 40, abs=0.2)
    farther = play(over_agent(), replace(setup(), phone_delay_s=0.11))
    assert farther.heard[0].end_ms - near.heard[0].end_ms == pytest.approx(2 * 80, abs=0.2)


def test_a_reply_that_is_held_goes_on_and_was_not_given_up() -> None:
    course = play(over_agent(speech_ms=200), setup(min_speech_ms=1000))
    first, second = course.heard
    assert first.reply == second.reply == course.reply
    assert not course.notes(facts.INTERRUPTION)
    (refused,) = course.notes(facts.INTERRUPTION_REFUSED)
    assert second.start_ms == pytest.approx(refused.at_ms + 30, abs=0.2)
    assert second.end_ms == pytest.approx(course.length_ms, abs=0.2)


def test_the_ear_hears_of_the_agent_what_was_sent() -> None:
    laid = over_agent()
    course = play(laid, setup(min_speech_ms=4000))
    begin, end = round(course.heard[0].start_ms * 8), round(course.heard[0].end_ms * 8)
    assert course.agent_sound[begin:end] == laid.agent[begin:end]
    assert set(course.agent_sound[end : end + 800]) == {0xFF}


def test_what_the_caller_says_is_aligned_with_what_the_caller_hears_to_the_sample() -> None:
    laid = over_agent()
    course = play(laid, setup())
    assert course.caller_sound[: 5000 * 8] == laid.caller[: 5000 * 8]


def test_an_ordinary_turn_is_answered_after_silence_network_and_model() -> None:
    caller = tone(1000) + audio.silence(3000)
    course = play(Laid(caller, b"", audio.SILENCE, 1000, 1000), setup())
    # Speech from 0 to 1000 is over in the frame of the VAD that ends at 1024; 16 silent ones of 32 ms follow.
    decided = math.ceil((1024 + 16 * 32) / 20) * 20 + 30 + 30 + 30
    assert course.asked == (pytest.approx(decided, abs=0.2),)
    assert course.model_ms == 400
    assert course.heard[0].start_ms == pytest.approx(decided + 30 + 400 + 30 + 30, abs=0.2)


def test_two_plays_of_a_scene_are_the_same() -> None:
    assert play(over_agent(), setup(min_speech_ms=400)) == play(over_agent(), setup(min_speech_ms=400))


def test_a_real_scene_is_played_with_silero(folder: Path) -> None:
    scene = next(scene for scene in scenes.read(folder).scenes if scene.id == "int")
    course = play(mixing.lay(scene), Setup(ConversationSettings(turn_detection=TURN_DETECTION), TURN_DETECTION))
    (interruption,) = [moment for moment in course.notes(facts.INTERRUPTION) if moment.at_ms > 0]
    noticed = next(at for at, probability in course.probabilities if probability >= 0.5)
    assert 90 <= interruption.at_ms - noticed <= 90 + 20
    assert 2120 < noticed < 2400


def test_a_fault_of_the_core_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Conversation, event: e.MarkPlayed, now: float) -> Iterable[Any]:
        raise RuntimeError("broken")

    monkeypatch.setattr(Conversation, "_mark_played", fail)
    assert "MarkPlayed: RuntimeError('broken')" in play(over_agent(), setup()).faults[0]


class Notebook:
    """An ear that writes down what it was told, and has an opinion on every tenth frame."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.frames = 0
        self.agent_ms = 0.0
        self.clears: list[float] = []

    def caller(self, mulaw: bytes, now: float) -> list[e.SoundHeard]:
        assert now == self.clock.now
        self.frames += 1
        return [e.SoundHeard(at=now, probability=0.5)] if self.frames % 10 == 0 else []

    def agent(self, mulaw: bytes, play_at: float) -> None:
        self.agent_ms += len(mulaw) / 8

    def clear(self, heard_until: float) -> None:
        self.clears.append(heard_until)


def test_an_ear_of_our_own_hears_both_sides() -> None:
    ears: list[Notebook] = []

    def make(feed: object, clock: Clock) -> Notebook:
        ears.append(Notebook(clock))
        return ears[-1]

    laid = over_agent()
    course = play(laid, replace(setup(), make_ear=make))
    (ear,) = ears
    assert ear.frames == pytest.approx((began_at_ms(course) + course.length_ms) / 20, abs=4)
    assert ear.agent_ms >= len(laid.agent) / 8
    assert len(ear.clears) == 1


def test_words_belong_to_the_speech_in_which_they_were_said() -> None:
    words = Words()
    assert words.known("early", 0.9) is None  # before anything was noticed: kept for what is
    words.speech_started("one", 1.0)
    assert words.known("late", 1.1) == ("one", "early late")
    words.speech_started("two", 3.0)
    assert words.known("still", 1.9) == ("one", "early late still")
    assert words.known("new", 3.2) == ("two", "new")


def test_the_clock_keeps_the_order_of_what_falls_together() -> None:
    clock, done = Clock(), []
    for name in "abc":
        clock.later(1.0, lambda name=name: done.append((clock.now, name)))
    clock.at(0.5, lambda: clock.later(0.5, lambda: done.append((clock.now, "d"))))
    clock.later(0.7, lambda: done.append((clock.now, "never"))).cancel()
    clock.later(9.0, lambda: done.append((clock.now, "after the end")))
    ends = itertools.repeat(2.0)
    clock.run(lambda: next(ends))
    assert done == [(1.0, "a"), (1.0, "b"), (1.0, "c"), (1.0, "d")]
