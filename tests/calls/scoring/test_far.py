"""Scenes with other voices and another ear: their stand-ins in a run whose time is only counted."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from django.conf import settings as django_settings

from calls.conversation import facts
from calls.conversation.settings import ConversationSettings
from calls.scoring.clock import Clock
from calls.scoring.counted_loop import CountedLoop, LoopClock
from calls.scoring.world import Setup, play
from tests.calls.scoring.test_world import TURN_DETECTION, LoudIsSpeech, over_agent

VOICES = sorted(django_settings.VOICES)


def setup(voices: tuple[str, ...] = (), hearing: str = "") -> Setup:
    policy = ConversationSettings(turn_detection=TURN_DETECTION).with_providers(voices, hearing)
    return replace(Setup(policy, TURN_DETECTION), make_vad=LoudIsSpeech)


@pytest.mark.parametrize("slug", ["", *VOICES])
def test_no_stale_sound_is_heard_after_an_interruption_whoever_speaks(slug: str) -> None:
    course = play(over_agent(), setup((slug,) if slug else ()))
    assert not course.faults
    (cleared,) = [moment for moment in course.moments if moment.what == "ClearPlayback"]
    (stop,) = course.notes(facts.INTERRUPTION)
    cut = [heard for heard in course.heard if heard.start_ms < cleared.at_ms and heard.end_ms > cleared.at_ms - 500]
    # The clear takes 30 ms to the phone, which then plays its frame of 20 ms to the end.
    assert all(heard.end_ms <= cleared.at_ms + 51 for heard in cut)
    later = [heard for heard in course.heard if heard.start_ms > cleared.at_ms + 51]
    assert all(heard.reply != stop.data["reply_id"] for heard in later)
    assert later, "the caller is answered"


def test_the_same_scene_gives_the_same_course() -> None:
    first, second = (play(over_agent(), setup((VOICES[0],))) for _ in range(2))
    assert [(m.at_ms, m.what) for m in first.moments] == [(m.at_ms, m.what) for m in second.moments]


def test_acts_of_one_time_are_done_in_the_order_in_which_they_were_asked_for() -> None:
    def done(clock: Clock) -> list[int]:
        order: list[int] = []
        for number in (1, 2, 3):
            clock.at(0.5, lambda number=number: order.append(number))
        clock.at(0.2, lambda: order.append(0))
        clock.run(lambda: 1.0)
        return order

    loop = CountedLoop()
    assert done(LoopClock(loop)) == done(Clock()) == [0, 1, 2, 3]
    loop.close()


def test_a_run_that_waits_for_nothing_says_so_and_does_not_hang() -> None:
    loop = CountedLoop()
    with pytest.raises(RuntimeError, match="never comes"):
        loop.run_until_complete(asyncio.Event().wait())
    loop.close()
