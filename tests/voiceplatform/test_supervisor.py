"""The whole product as `make run` starts it: ended, killed, started twice, started again."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from tests.platform import ROOT, free_port, wait_for
from voiceplatform.supervisor import LESS_URGENT, pages_arguments, web_arguments

CHILDREN = {"redis", "rehearsal", "stand-ins", "worker", "beat", "pages", "web"}


class Run:
    """One supervisor on a folder. Its processes are known by the folder's name in their environment."""

    def __init__(self, folder: Path, port: int, rehearsal_port: int) -> None:
        self.folder, self.port, self.log = folder, port, folder / "run.log"
        self.environment = {
            **{name: value for name, value in os.environ.items() if name not in ("REDIS_URL", "DATABASE_URL")},
            "DATA_DIR": str(folder),
            "PORT": str(port),
            "REHEARSAL_PORT": str(rehearsal_port),
            "STAND_INS_PORT": str(free_port()),
        }
        self.process: subprocess.Popen[bytes] | None = None

    def manage(self, *arguments: str) -> None:
        subprocess.run([sys.executable, "manage.py", *arguments], cwd=ROOT, env=self.environment, check=True)

    def start(self) -> subprocess.Popen[bytes]:
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "voiceplatform.supervisor"],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        return self.process

    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def ready(self) -> None:
        wait_for(lambda: "Ready. Review calls" in self.said(), "the platform is ready", 90)

    def answers(self, path: str) -> int:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as refusal:
            return refusal.code

    def alive(self) -> dict[int, str]:
        """Every process of this run except the supervisor: pid -> command line."""
        mark, found = f"DATA_DIR={self.folder}\0".encode(), {}
        for path in Path("/proc").iterdir():
            if path.name.isdigit() and not (self.process and int(path.name) == self.process.pid):
                try:
                    if mark in (path / "environ").read_bytes():
                        found[int(path.name)] = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                except OSError:
                    continue  # it ended meanwhile
        return found

    def end(self) -> None:
        """Whatever a test left."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        for pid in self.alive():
            os.kill(pid, signal.SIGKILL)


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    run = Run(tmp_path, free_port(), free_port())
    run.manage("migrate", "-v", "0")
    run.manage("seed_demo")
    yield run
    run.end()


def test_all_of_it_starts_once_survives_a_death_and_ends_with_one_signal(run: Run) -> None:
    supervisor = run.start()
    run.ready()
    assert "place_call --to +1" in run.said()
    assert run.answers("/readyz") == 200

    second = subprocess.run(
        [sys.executable, "-m", "voiceplatform.supervisor"],
        cwd=ROOT,
        env=run.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert second.returncode == 1
    assert "Already running" in second.stderr
    assert "Traceback" not in second.stderr

    rehearsal = next(pid for pid, command in run.alive().items() if "manage.py rehearsal" in command)
    os.kill(rehearsal, signal.SIGKILL)
    wait_for(lambda: "rehearsal| ended with -9; starting it again" in run.said(), "the death is named")
    wait_for(lambda: run.said().count("The rehearsal model listens") == 2, "it is started again", 60)

    maker = next(pid for pid, command in run.alive().items() if "voiceplatform.pages" in command)
    assert os.getpriority(os.PRIO_PROCESS, maker) == LESS_URGENT
    os.kill(maker, signal.SIGKILL)
    wait_for(lambda: "pages    | ended with -9; starting it again" in run.said(), "the death is named")
    wait_for(lambda: run.answers("/admin/login/") == 200, "pages are made again", 60)

    supervisor.send_signal(signal.SIGINT)
    assert supervisor.wait(60) == 0
    assert not run.alive()
    assert "does not end" not in run.said()
    assert "Stopped." in run.said()


def test_a_killed_supervisor_leaves_no_orphans_and_a_restart_finds_its_data(run: Run) -> None:
    supervisor = run.start()
    run.ready()
    assert len(run.alive()) >= len(CHILDREN)
    with sqlite3.connect(run.folder / "db.sqlite3", timeout=20) as connection:
        connection.execute("update agents_agent set name = 'Kept' where name = 'Front desk'")
    supervisor.kill()
    supervisor.wait()
    wait_for(lambda: not run.alive(), "every process of the platform is gone", 20)

    again = run.start()
    run.ready()
    with sqlite3.connect(run.folder / "db.sqlite3", timeout=20) as connection:
        kept = connection.execute("select count(*) from agents_agent where name = 'Kept'").fetchone()
    assert kept == (1,)
    assert (run.folder / "redis" / "appendonly.aof").exists()
    again.send_signal(signal.SIGTERM)
    assert again.wait(60) == 0
    assert not run.alive()


def test_a_taken_port_is_named_before_anything_starts(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        run = Run(tmp_path, port, free_port())
        assert run.start().wait(60) == 1
    assert f"Port {port} is taken by another program. Set PORT to a free one." in run.said()
    assert not run.alive()


def test_the_procfile_starts_the_same_as_make_run() -> None:
    """But where they listen, and how long they may take to end."""
    lines = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())
    own = {"--host", "--port", "--uds", "--timeout-graceful-shutdown", "--log-level", "--forwarded-allow-ips"}

    def options(words: list[str]) -> set[str]:
        named = {word for word in words if word.startswith("--")}
        values = {f"{word} {value}" for word, value in pairwise(words) if word in named - own and value not in named}
        return {word for word in words if ":application" in word} | (named - own) | values

    for name, arguments in (("web", web_arguments(8000)), ("pages", pages_arguments(Path("pages.sock")))):
        assert options(lines[name].split()) == options(arguments), name
    assert (
        "--forwarded-allow-ips 127.0.0.1" in lines["pages"]
    )  # whatever FORWARDED_ALLOW_IPS says of proxies before `web`
    assert f"nice -n {LESS_URGENT} " in lines["pages"]
