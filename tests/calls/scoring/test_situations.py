"""The same sounds over an echo, before a reply and at its end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from calls import audio
from calls.conversation import facts
from calls.scoring import scenes, situations
from calls.scoring.judge import Rules, judge
from calls.scoring.scenes import Scene
from calls.scoring.world import Setup, play
from tests.calls.scoring.test_world import TURN_DETECTION, over_agent, setup


@pytest.fixture
def places(folder: Path) -> dict[str, Scene]:
    return {scene.id: scene for scene in situations.of(scenes.read(folder))}


def test_each_sound_over_the_agent_is_tried_in_the_other_places(places: dict[str, Scene]) -> None:
    assert [(scene.id, scene.kind) for scene in places.values()] == [
        *((f"echo/prompt-{n}", "echo") for n in (1, 2, 3, 4)),
        ("a/interruption-1/over-echo", "speech_over_echo"),
        ("int/over-echo", "speech_over_echo"),
        ("a/interruption-1/before-reply", "speech_before_a_reply"),
        ("int/before-reply", "speech_before_a_reply"),
        ("noise/cough/before-reply", "noise_before_a_reply"),
        ("a/interruption-1/at-end", "speech_at_the_end_of_a_reply"),
        ("int/at-end", "speech_at_the_end_of_a_reply"),
        ("noise/cough/at-end", "noise_at_the_end_of_a_reply"),
    ]
    assert all(scene.kind in {kind for kinds in scenes.GROUPS.values() for kind in kinds} for scene in places.values())


def test_a_long_noise_falls_into_no_moment(folder: Path) -> None:
    read = scenes.read(folder)
    read.scenes = [replace(scene, end_ms=scene.start_ms + situations.SHORT_MS + 1) for scene in read.scenes]
    assert not [
        scene for scene in situations.of(read) if scene.kind in ("noise_before_a_reply", scenes.AT_END["noise"])
    ]


def test_before_a_reply_the_event_comes_right_after_the_request(places: dict[str, Scene]) -> None:
    laid, whole = situations.lay(places["int/before-reply"]), situations.lay(replace(places["int/before-reply"].of))
    assert laid.on_request
    assert laid.start_ms == situations.AFTER_REQUEST_MS
    begin = (whole.start_ms - laid.start_ms) * 8
    assert laid.caller.startswith(whole.caller[begin:])
    assert laid.agent == whole.agent[whole.start_ms * 8 :]
    assert laid.words[0][0] - laid.start_ms == whole.words[0][0] - whole.start_ms
    assert laid.duration_ms >= laid.end_ms + 3000


def test_at_the_end_the_reply_has_so_much_left(places: dict[str, Scene]) -> None:
    scene = places["int/at-end"]
    laid = situations.lay(scene)
    assert scene.left_ms == len(laid.agent) // 8 - laid.start_ms == 500
    assert laid.duration_ms >= laid.end_ms + 3000


def test_an_echo_comes_back_as_late_as_its_path_says_and_stops_with_the_agent() -> None:
    path = situations.PATHS[0]
    laid = replace(over_agent(speech_at_ms=5000, speech_ms=600), echo=path)
    course = play(laid, setup())
    sound = np.frombuffer(audio.mulaw_decode(course.caller_sound), "<i2").astype(float)
    agent = np.frombuffer(audio.mulaw_decode(course.agent_sound), "<i2").astype(float)
    one, other = sound[: 2000 * 8], agent[: 2000 * 8]
    delay_ms = int(np.argmax([one[d * 8 :] @ other[: len(other) - d * 8] for d in range(100)]))
    assert delay_ms % 2.5 == pytest.approx(path.delay_ms % 2.5, abs=1)  # a tone of 400 Hz looks alike each 2.5 ms
    begins_ms = int(np.argmax(np.abs(sound) > 100)) / 8
    assert begins_ms == pytest.approx(path.delay_ms, abs=2)


def test_what_comes_between_the_request_and_the_reply_is_told() -> None:
    laid = replace(over_agent(speech_at_ms=100, speech_ms=1500, length_ms=5000), on_request=True)
    course = play(laid, setup())
    assert course.asked[0] == 0
    (interruption,) = [moment for moment in course.notes(facts.INTERRUPTION) if moment.at_ms >= 0]
    scene = scene_of(scenes.BEFORE_REPLY[scenes.INTERRUPTION])
    verdict = judge(scene, laid, course, Rules())
    assert (verdict.yielded, verdict.stopped, verdict.ok) == (True, False, True)
    assert interruption.at_ms < 500
    noise = judge(scene_of(scenes.BEFORE_REPLY[scenes.NOISE]), laid, course, Rules())
    assert (noise.gave_up, noise.ok) == (True, False)
    assert noise.delay_ms == course.heard[0].start_ms > 1600


def test_a_reply_to_which_nobody_says_anything_comes_at_once() -> None:
    laid = replace(over_agent(speech_at_ms=4000, speech_ms=100, length_ms=5000), on_request=True)
    course = play(laid, setup())
    verdict = judge(scene_of(scenes.BEFORE_REPLY[scenes.BACKCHANNEL]), replace(laid, end_ms=300), course, Rules())
    assert verdict.ok
    assert verdict.delay_ms == pytest.approx(400 + 3 * 30, abs=1)  # to the model, back, and to the phone


def scene_of(kind: str) -> Scene:
    channel = scenes.Channel(Path(), "it.wav", 0)
    return Scene("it", kind, "mixed", channel, 0, 0)


@pytest.mark.parametrize(
    ("sort", "ok"), [(scenes.INTERRUPTION, True), (scenes.BACKCHANNEL, True), (scenes.NOISE, False)]
)
def test_what_is_said_at_a_replys_end_is_answered(sort: str, ok: bool) -> None:
    laid = over_agent(speech_at_ms=3000, speech_ms=1500, length_ms=8000)
    laid = replace(laid, agent=laid.agent[: 3200 * 8])  # it ends before anybody's VAD has made up its mind
    course = play(laid, setup(min_speech_ms=1000, stop_sound="when_sure"))
    verdict = judge(scene_of(scenes.AT_END[sort]), laid, course, Rules())
    assert (verdict.answered, verdict.stopped, verdict.ok) == (True, False, ok)


def test_an_echo_scene_is_played_with_the_ear_that_calls_have(places: dict[str, Scene]) -> None:
    from calls.conversation.settings import ConversationSettings
    from calls.scoring.world import OurEar

    guarded = ConversationSettings(
        turn_detection=TURN_DETECTION, min_speech_ms=560, speech_probability=0.8, echo_guard=0.7, stop_sound="when_sure"
    )
    scene = places["echo/prompt-3"]
    laid = situations.lay(scene)
    for settings, stopped in ((guarded, False), (replace(guarded, echo_guard=0.0), True)):
        course = play(laid, Setup(settings, TURN_DETECTION, make_ear=OurEar))
        assert judge(scene, laid, course, Rules()).stopped is stopped
