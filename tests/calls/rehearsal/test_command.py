"""`manage.py rehearsal` as a process, and how it is told to behave."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from calls.rehearsal.behaviour import Behaviour

ROOT = Path(__file__).parent.parent.parent.parent


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "manage.py", "rehearsal", "--port", "0", *arguments],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )


def address(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    line = process.stderr.readline()
    found = re.search(r"listens at (ws://\S+/v1/realtime)\. Its answers are scripted\.", line)
    assert found, line
    return found[1]


@pytest.fixture
def processes() -> Iterator[list[subprocess.Popen[str]]]:
    made: list[subprocess.Popen[str]] = []
    yield made
    for process in made:
        process.kill()
        process.communicate()


def test_it_says_where_it_listens_and_ends_cleanly_in_the_middle_of_a_session(
    processes: list[subprocess.Popen[str]],
) -> None:
    processes.append(process := start())
    with connect(address(process)) as client:
        hello = json.loads(client.recv(timeout=10))
        assert "rehearsal" in hello["session"]["instructions"]
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=10)
    assert process.returncode == 0
    assert re.search(rf"Rehearsal session {hello['session']['id']} began\n.*Rehearsal session \S+ ended\n", log)
    assert "Traceback" not in log


def test_it_behaves_as_it_is_told(processes: list[subprocess.Popen[str]]) -> None:
    processes.append(process := start("--set", "refuse_status=503"))
    with pytest.raises(InvalidStatus):
        connect(address(process))


def test_a_wrong_word_is_named(processes: list[subprocess.Popen[str]]) -> None:
    processes.append(process := start("--set", "colour=red"))
    _, log = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "colour" in log and "Traceback" not in log


def test_a_taken_port_is_named(processes: list[subprocess.Popen[str]]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        processes.append(process := start("--port", str(taken.getsockname()[1])))
        _, log = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "REHEARSAL_PORT" in log and "Traceback" not in log


def test_settings_are_read_as_what_they_are() -> None:
    told = Behaviour.parse(
        ["late_deltas=3", "pace=2.5", "deaf=true", "drop_after_s=20", "heard=Hello.|Bye.", "update_error=x"]
    )
    assert told == Behaviour(
        late_deltas=3, pace=2.5, deaf=True, drop_after_s=20.0, heard=("Hello.", "Bye."), update_error="x"
    )


@pytest.mark.parametrize("setting", ["pace", "pace=", "deaf=yes", "late_deltas=1.5", "items=0", "pace=-1"])
def test_settings_that_make_no_sense(setting: str) -> None:
    with pytest.raises(ValueError):
        Behaviour.parse([setting])
