"""What goes in comes out at its place, and what nobody heard does not."""

from __future__ import annotations

import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from calls import audio
from calls.recorder import Recorder
from calls.writer import Writer

SECOND = 8000


@pytest.fixture
def writer() -> Iterator[Writer]:
    made = Writer(period_s=3600)  # these recorders live in a time of their own; each test flushes by itself
    yield made
    made.stop()


def tracks(path: Path) -> tuple[bytes, bytes]:
    """Left and right of a stereo mu-law WAV, by the letter of the format."""
    data = path.read_bytes()
    assert data[:4] == b"RIFF"
    assert struct.unpack("<I", data[4:8])[0] == len(data) - 8
    assert struct.unpack("<HHI", data[20:28]) == (7, 2, 8000)
    sound = data[audio.HEADER_BYTES :]
    assert struct.unpack("<I", data[audio.HEADER_BYTES - 4 : audio.HEADER_BYTES])[0] == len(sound)
    return sound[0::2], sound[1::2]


def speak(recorder: Recorder, seconds: float, start: float, sound: int = 0x11) -> float:
    """A caller's frames, each arriving when it is complete; when the last did."""
    for n in range(1, round(seconds / 0.02) + 1):
        recorder.caller(bytes([sound]) * 160, start + n * 0.02)
    return start + seconds


async def test_both_tracks_lie_where_they_were_heard(tmp_path: Path, writer: Writer) -> None:
    recorder = Recorder(tmp_path / "a" / "x.wav", 100.0, writer)
    speak(recorder, 2.0, 100.0)
    recorder.agent(b"\x22" * SECOND, 100.5)
    made = await recorder.close(102.0)
    left, right = tracks(made.path)
    assert left == b"\x11" * 2 * SECOND
    assert right == audio.silence(500) + b"\x22" * SECOND + audio.silence(500)
    assert (made.duration_ms, made.size) == (2000, made.path.stat().st_size)
    assert len(made.peaks) == 2
    assert made.peaks[1][0] == 0.0
    assert max(made.peaks[1]) > 0.1


async def test_a_clear_cuts_the_agent_to_the_sample(tmp_path: Path, writer: Writer) -> None:
    recorder = Recorder(tmp_path / "x.wav", 0.0, writer)
    recorder.agent(b"\x22" * SECOND, 1.0)
    recorder.agent(b"\x22" * SECOND, 2.0)
    recorder.clear(1.25)
    recorder.agent(b"\x33" * SECOND, 3.0)
    made = await recorder.close(4.0)
    _, right = tracks(made.path)
    assert right == audio.silence(1000) + b"\x22" * 2000 + audio.silence(1750) + b"\x33" * SECOND


async def test_a_gap_is_silence_and_jitter_is_not(tmp_path: Path, writer: Writer) -> None:
    recorder = Recorder(tmp_path / "x.wav", 0.0, writer)
    for n, late in enumerate([0.0, 0.03, 0.0, 0.05, 0.01], start=1):
        recorder.caller(bytes([n]) * 160, n * 0.02 + late)
    recorder.caller(b"\x77" * 160, 1.0)
    made = await recorder.close(1.0)
    left, _ = tracks(made.path)
    assert left[:800] == b"".join(bytes([n]) * 160 for n in range(1, 6))
    assert left[800:-160] == audio.SILENCE * (SECOND - 960)
    assert left[-160:] == b"\x77" * 160


async def test_flushing_in_between_changes_nothing(tmp_path: Path, writer: Writer) -> None:
    recorder = Recorder(tmp_path / "x.wav", 0.0, writer)
    for second in range(5):
        speak(recorder, 1.0, float(second), 0x10 + second)
        recorder.agent(bytes([0x40 + second]) * SECOND, float(second))
        writer.submit(recorder.flush, second + 1.0).result()
    tracks(recorder.path)  # whole after every flush: a killed process leaves a playable file
    recorder.clear(4.5)
    made = await recorder.close(5.0)
    left, right = tracks(made.path)
    assert left == b"".join(bytes([0x10 + n]) * SECOND for n in range(5))
    assert right == b"".join(bytes([0x40 + n]) * SECOND for n in range(5))[: 4 * SECOND + 4000] + audio.silence(500)


async def test_memory_is_bounded_over_a_long_call(tmp_path: Path, writer: Writer) -> None:
    recorder = Recorder(tmp_path / "x.wav", 0.0, writer)
    for second in range(600):
        speak(recorder, 1.0, float(second))
        recorder.agent(b"\x22" * SECOND, float(second))
        writer.submit(recorder.flush, second + 1.0).result()
        assert len(recorder._left) <= 3 * SECOND
        assert len(recorder._to_play) <= 3
    assert (await recorder.close(600.0)).duration_ms == 600_000


async def test_a_disk_that_fails_costs_the_recording_and_not_the_call(
    tmp_path: Path, writer: Writer, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    recorder = Recorder(tmp_path / "file" / "x.wav", 0.0, writer)
    speak(recorder, 2.0, 0.0)
    writer.submit(recorder.flush, 2.0).result()
    speak(recorder, 2.0, 2.0)
    made = await recorder.close(4.0)
    assert made.duration_ms == 0
    assert caplog.text.count("cannot be written") == 1


async def test_sound_that_was_held_up_fills_the_gap_it_left(tmp_path: Path, writer: Writer) -> None:
    """A stalled network delivers in one burst: what follows must not be late for the rest of the call."""
    recorder = Recorder(tmp_path / "x.wav", 0.0, writer)
    speak(recorder, 1.0, 0.0, 0x11)
    for _ in range(25):  # half a second, all at once at its end
        recorder.caller(b"\x22" * 160, 1.5)
    speak(recorder, 1.0, 1.5, 0x33)
    made = await recorder.close(2.5)
    left, _ = tracks(made.path)
    assert left == b"\x11" * SECOND + b"\x22" * 4000 + b"\x33" * SECOND


def test_a_disk_that_fills_up_leaves_what_was_written_playable(tmp_path: Path) -> None:
    program = f"""
import asyncio, resource, sys
sys.path.insert(0, {str(Path.cwd())!r})
from pathlib import Path
from calls.recorder import Recorder
from calls.writer import Writer
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
async def main():
    writer = Writer(period_s=3600)
    recorder = Recorder(Path({str(tmp_path / "x.wav")!r}), 0.0, writer)
    for second in range(4):
        for n in range(50):
            recorder.caller(b"\\x11" * 160, second + (n + 1) * 0.02)
        writer.submit(recorder.flush, second + 1.0).result()
    made = await recorder.close(4.0)
    print(made.duration_ms, len(recorder._left), len(writer._flushables))
asyncio.run(main())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["1000", "0", "0"], done.stderr
    data = (tmp_path / "x.wav").read_bytes()
    counted = struct.unpack("<I", data[audio.HEADER_BYTES - 4 : audio.HEADER_BYTES])[0]
    assert data[audio.HEADER_BYTES :][:counted] == b"\x11\xff" * SECOND


def test_a_job_nobody_waits_for_is_done_and_ends_no_thread(writer: Writer) -> None:
    hold, done = threading.Event(), threading.Event()
    writer.submit(hold.wait)
    left_alone = writer.submit(done.set)
    assert left_alone.cancel()
    hold.set()
    assert done.wait(5)
    assert writer.submit(lambda: 7).result(5) == 7
