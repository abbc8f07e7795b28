"""The probabilities beside a recording."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from calls.conversation.events import SoundHeard
from calls.ear.track import SpeechTrack
from calls.writer import writer


def sound(frame: int, probability: float) -> SoundHeard:
    return SoundHeard(100.0 + 0.032 * (frame + 1), probability)


def content(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""


async def written(path: Path, *sounds: SoundHeard) -> bytes:
    track = SpeechTrack(path, 100.0, writer)
    for heard in sounds:
        track.add(heard)
    await track.close()
    return content(path)


async def test_a_byte_for_each_frame_in_its_place(tmp_path: Path) -> None:
    track = await written(tmp_path / "deep" / "call.speech", *(sound(n, n / 10) for n in range(11)))
    assert list(track) == [1, *(round(25.5 * n) for n in range(1, 11))]


async def test_a_gap_leaves_its_place_empty(tmp_path: Path) -> None:
    track = await written(tmp_path / "call.speech", sound(0, 1.0), sound(10, 1.0))
    assert list(track) == [255, *[0] * 9, 255]


async def test_sound_that_was_held_up_goes_where_it_belongs(tmp_path: Path) -> None:
    late = [SoundHeard(101.0 + 0.032, n / 100) for n in range(10, 41)]  # a second of it, in one burst
    track = await written(tmp_path / "call.speech", sound(0, 1.0), *late, sound(32, 1.0))
    assert list(track) == [255, *(round(255 * n / 100) for n in range(10, 41)), 255]


async def test_what_is_written_in_between_changes_nothing(tmp_path: Path) -> None:
    track = SpeechTrack(tmp_path / "call.speech", 100.0, writer)
    for n in range(1000):
        track.add(sound(n, n / 1000))
        if n % 100 == 99:
            await asyncio.wrap_future(writer.submit(track.flush, 0.0))
            assert len(track._laid) < 230
    assert len(content(tmp_path / "call.speech")) > 800
    await track.close()
    assert list(content(tmp_path / "call.speech")) == [max(1, round(255 * n / 1000)) for n in range(1000)]


async def test_a_call_in_which_nothing_was_heard_has_no_file(tmp_path: Path) -> None:
    assert await written(tmp_path / "call.speech") == b""


async def test_a_file_that_cannot_be_written_costs_the_file_only(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "taken").write_text("")
    with caplog.at_level(logging.ERROR, "calls"):
        await written(tmp_path / "taken" / "call.speech", sound(0, 1.0))
    assert "cannot be written" in caplog.text
