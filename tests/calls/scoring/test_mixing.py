"""The sounds of a scene: what is where."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from calls import audio
from calls.scoring import mixing, scenes
from calls.scoring.scenes import Scene


def scene_of(folder: Path, part: str, kind: str) -> Scene:
    return next(scene for scene in scenes.read(folder).scenes if (scene.part, scene.kind) == (part, kind))


def loudness(mulaw: bytes, begin_ms: float, end_ms: float) -> float:
    pcm = np.frombuffer(audio.mulaw_decode(mulaw[round(begin_ms * 8) : round(end_ms * 8)]), "<i2").astype(float)
    return float(np.sqrt((pcm**2).mean()))


def test_an_event_of_a_conversation_falls_3_s_into_a_reply_that_goes_on_long_after(folder: Path) -> None:
    laid = mixing.lay(scene_of(folder, "conversation", "interruption"))
    assert (laid.start_ms, laid.end_ms) == (3000, 5180)
    assert loudness(laid.caller, 0, 2950) < 50
    assert loudness(laid.caller, 3000, 5000) > 1000
    assert len(laid.agent) / 8 >= laid.duration_ms + 3000
    assert all(loudness(laid.agent, at, at + 1500) > 300 for at in range(0, 9000, 500))
    assert all(loudness(laid.agent, at, at + 700) > 300 for at in range(0, 3000, 100))


def test_the_agent_is_heard_at_the_event_as_it_was_in_the_recording(folder: Path) -> None:
    scene = scene_of(folder, "conversation", "interruption")
    laid = mixing.lay(scene)
    assert scene.agent is not None
    recorded = mixing.load(scene.agent)[(scene.start_ms - 300) * 8 : (scene.start_ms + 300) * 8]
    heard = np.frombuffer(audio.mulaw_decode(laid.agent[2700 * 8 : 3300 * 8]), "<i2")
    assert np.array_equal(heard, recorded)


def test_what_is_to_be_ignored_before_an_event_is_not_heard(folder: Path) -> None:
    scene = scene_of(folder, "conversation", "interruption")
    late = replace(scene, start_ms=5000, caller=replace(scene.caller, segments=((5000, 6300),), ignore=((4120, 4900),)))
    assert loudness(mixing.lay(late).caller, 0, 2890) < 50
    onset = replace(late, caller=replace(late.caller, ignore=((4120, 4600), (4850, 4990))))
    assert loudness(mixing.lay(onset).caller, 2860, 2990) > 300  # short, and it runs into the event: its own beginning


def test_a_pause_stands_between_what_comes_before_and_what_comes_after(folder: Path) -> None:
    laid = mixing.lay(scene_of(folder, "single", "pause"))
    assert not laid.agent
    assert laid.end_ms - laid.start_ms == 450
    assert laid.resumes_ms == laid.end_ms
    assert loudness(laid.caller, 0, 500) < 50
    assert loudness(laid.caller, laid.start_ms - 200, laid.start_ms) > 300
    assert loudness(laid.caller, laid.start_ms + 100, laid.end_ms - 50) < 50
    assert loudness(laid.caller, laid.end_ms + 100, laid.end_ms + 900) > 1000


def test_after_the_end_of_a_turn_there_is_only_the_line(folder: Path) -> None:
    laid = mixing.lay(scene_of(folder, "conversation", "turn_end"))
    assert loudness(laid.caller, laid.end_ms - 500, laid.end_ms - 100) > 300
    assert loudness(laid.caller, laid.end_ms + 400, laid.duration_ms) < 50


def test_a_noise_is_laid_3_s_into_a_prompt(folder: Path) -> None:
    laid = mixing.lay(scene_of(folder, "noise", "noise"))
    assert laid.start_ms == 3000
    assert loudness(laid.caller, 0, 3000) < 50 < loudness(laid.caller, laid.start_ms, laid.end_ms)
    assert len(laid.agent) / 8 >= laid.end_ms + 3000


def test_without_a_prompt_the_agent_says_something_all_the_same(folder: Path) -> None:
    (folder / "agent" / "prompt.wav").unlink()
    laid = mixing.lay(scene_of(folder, "noise", "noise"))
    assert loudness(laid.agent, 0, 3000) > 300


def test_words_are_those_published_or_the_text_spread_over_the_event(folder: Path) -> None:
    assert mixing.lay(scene_of(folder, "conversation", "interruption")).words == ((3380, "no"), (3780, "wait"))
    assert mixing.lay(scene_of(folder, "mixed", "interruption")).words == (
        (2120 + 2180 * 3 // 8 + 1, "no"),
        (4300, "wait"),
    )


def test_the_line_is_the_quietest_second_without_speech(folder: Path) -> None:
    scene = scene_of(folder, "conversation", "interruption")
    sound = mixing.load(scene.caller)
    line = mixing.quiet(sound, scene.caller)
    assert len(line) == 2 * 8000
    assert np.abs(line).max() < 100
    everywhere = replace(scene.caller, segments=((0, 9400),))
    assert not mixing.quiet(sound, everywhere).any()


def test_a_file_that_is_no_sound_is_unplayable(folder: Path) -> None:
    scene = scene_of(folder, "noise", "noise")
    scene.caller.path.write_bytes(b"RIFF")
    with pytest.raises(mixing.Unplayable, match="cannot be read"):
        mixing.lay(scene)
