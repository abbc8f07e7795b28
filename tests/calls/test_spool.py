"""The journal of a call: whole lines, on disk soon, safe from a crash, never in the way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from calls.spool import Spool, SpoolTaken


def spool(folder: Path) -> Spool:
    call_id = uuid4()
    return Spool(folder / f"{call_id}.jsonl", call_id)


def test_lines_are_numbered_and_read_back(tmp_path: Path) -> None:
    s = spool(tmp_path)
    assert [s.write("note", {"n": n}, n * 10) for n in range(3)] == [1, 2, 3]
    assert not s.path.exists()  # writing touches memory only
    s.flush()
    lines, position = s.read(0)
    assert [(line["seq"], line["at_ms"], line["data"]["n"]) for line in lines] == [(1, 0, 0), (2, 10, 1), (3, 20, 2)]
    s.write("note", {}, 99)
    s.flush()
    assert [line["seq"] for line in s.read(position)[0]] == [4]


def test_only_we_can_read_it(tmp_path: Path) -> None:
    s = spool(tmp_path)
    s.write("caller_words", {"text": "private"}, 0)
    s.flush()
    assert s.path.stat().st_mode & 0o077 == 0


def test_data_that_cannot_be_written_costs_its_data_and_not_the_call(tmp_path: Path) -> None:
    s = spool(tmp_path)
    assert s.write("note", {1j: "x"}, 0) == 1
    s.flush()
    assert s.read(0)[0][0]["kind"] == "note"


def test_a_full_disk_keeps_the_lines_and_says_so_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    s = spool(tmp_path)
    s._descriptor = os.open("/dev/full", os.O_WRONLY)
    for _ in range(3):
        s.write("note", {}, 0)
        s.flush()
    assert s.pending
    assert s.lines == 0
    assert caplog.text.count("cannot be written") == 1
    os.close(s._descriptor)
    s._descriptor = None
    s.flush()
    assert s.lines == 3


def test_a_living_process_keeps_its_spool(tmp_path: Path) -> None:
    s = spool(tmp_path)
    s.write("note", {}, 0)
    s.flush()
    with pytest.raises(SpoolTaken):
        Spool.recover(s.path)
    s.release(delete=False)
    assert Spool.recover(s.path).lines == 1


def test_a_killed_process_leaves_whole_lines(tmp_path: Path) -> None:
    call_id = uuid4()
    program = f"""
import sys; sys.path.insert(0, {str(Path.cwd())!r})
from pathlib import Path; from uuid import UUID
from calls.spool import Spool
s = Spool(Path({str(tmp_path)!r}) / "{call_id}.jsonl", UUID("{call_id}"))
for n in range(5): s.write("note", {{"n": n}}, n)
s.flush(); print("flushed", flush=True)
sys.stdin.read()
"""
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stdin=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"flushed\n"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    path = tmp_path / f"{call_id}.jsonl"
    with path.open("ab") as file:
        file.write(b'{"seq":6,"at_')  # as a crash in the middle of a write leaves it
    found = Spool.recover(path)
    assert (found.call_id, found.lines) == (UUID(str(call_id)), 5)
    assert found.write("call_ended", {}, 9) == 6
    found.flush()
    assert [line["seq"] for line in found.read(0)[0]] == [1, 2, 3, 4, 5, 6]


def test_nothing_is_written_after_the_end(tmp_path: Path) -> None:
    s = spool(tmp_path)
    s.write("note", {}, 0)
    s.close()
    s.close()
    assert s.write("note", {}, 1) == 1
    s.flush()
    assert s.lines == 1


def test_lines_that_are_being_written_are_not_yet_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The outbox deletes what has arrived; it must not take a file whose last lines are under way for complete."""
    s = spool(tmp_path)
    seen: list[bool] = []
    put = s._write_all
    monkeypatch.setattr(s, "_write_all", lambda text: (seen.append(s.pending), put(text)))
    s.write("call_ended", {}, 0)
    s.close()
    s.flush()
    assert seen == [True]
    assert not s.pending


def test_a_spoilt_line_keeps_its_number_and_stops_no_other(tmp_path: Path) -> None:
    path = tmp_path / f"{uuid4()}.jsonl"
    path.write_bytes(
        b'{"seq":1,"at_ms":0,"kind":"a","data":{}}\n\0\0\0\0\n{"seq":3,"at_ms":9,"kind":"b","data":{}}\n[]\n'
    )
    found = Spool.recover(path)
    assert [(line["seq"], line["kind"]) for line in found.read(0)[0]] == [
        (1, "a"),
        (2, "unreadable"),
        (3, "b"),
        (4, "unreadable"),
    ]
    assert found.write("call_ended", {}, 9) == 5
    found.flush()
    assert [line["seq"] for line in found.read(0)[0]] == [1, 2, 3, 4, 5]


def test_it_has_its_name_only_once_it_is_locked(tmp_path: Path) -> None:
    s = spool(tmp_path)
    s.path.with_suffix(".new").mkdir()  # so that it cannot be made
    s.write("note", {}, 0)
    s.flush()
    assert s.pending
    assert not s.path.exists()
    s.path.with_suffix(".new").rmdir()
    s.flush()
    assert [p.name for p in tmp_path.iterdir()] == [s.path.name]
    with pytest.raises(SpoolTaken):
        Spool.recover(s.path)
