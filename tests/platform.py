"""The real product in processes of its own, for tests: Redis, a Celery worker, a web process; data in a folder of the test.

The rehearsal model runs in the test's process, so that everything on its wire can be seen and held against the SDK's types.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from voiceplatform import embedded_redis
from voiceplatform.supervisor import pages_arguments, web_arguments

ROOT = Path(__file__).parent.parent
NUMBER = "+12025550142"
TOKEN = "12345"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(fact: Callable[[], Any], what: str, seconds: float = 30.0) -> Any:
    """Wait until a fact holds; fail with its name when it does not come about."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if value := fact():
            return value
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds:.0f} s: {what}")


def answers(base_url: str) -> bool:
    """Whether a web process lives at an address."""
    try:
        with urllib.request.urlopen(f"{base_url}/healthz", timeout=1):
            return True
    except OSError:
        return False


class Platform:
    """Processes by name. `model_url` is where the web process finds its speech model."""

    def __init__(self, folder: Path, model_url: str, *, database_url: str = "", **environment: str) -> None:
        self.folder = folder
        self.database_url = database_url
        self.port, self.second_port = free_port(), free_port()
        self.base_url = f"http://127.0.0.1:{self.port}"
        self.second_url = f"http://127.0.0.1:{self.second_port}"
        self.socket = folder / "redis" / "redis.sock"
        self._pages = folder / "pages" / "pages.sock"
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.environment = {
            **os.environ,
            "DATA_DIR": str(folder),
            "PORT": str(self.port),
            "OPENAI_REALTIME_URL": model_url,
            "TWILIO_AUTH_TOKEN": TOKEN,
            "REDIS_URL": f"unix://{self.socket}",
            "DATABASE_URL": database_url,
            "PUBLIC_BASE_URL": "",
            **environment,
        }

    def manage(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self, *names: str) -> None:
        """In this order. Without `pages`, the web process makes them; `second web` is one more, at a port of its own."""
        for name in names:
            environment = self.environment
            if name == "second web":
                environment = {**environment, "PORT": str(self.second_port)}
            if name == "pages":
                self._pages.parent.mkdir(exist_ok=True)
                environment["PAGES_ADDRESS"] = f"unix://{self._pages}"
            log = (self.folder / f"{name}.log").open("ab")
            self.processes[name] = subprocess.Popen(
                self._command(name), cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True
            )
        if "pages" in names:
            wait_for(self._pages_are_made, "the maker of pages listens")
        if "redis" in names:
            wait_for(lambda: embedded_redis.answers(self.socket), "redis answers")
        if "web" in names or "daphne" in names:
            wait_for(lambda: answers(self.base_url), f"the web process answers: {self.log('web')}")
        if "second web" in names:
            wait_for(lambda: answers(self.second_url), f"the second web process answers: {self.log('second web')}")

    def _command(self, name: str) -> list[str]:
        if name == "redis":
            (self.folder / "redis").mkdir(exist_ok=True)
            return embedded_redis.command(self.folder / "redis")
        if name == "daphne":
            application = "voiceplatform.asgi:application"
            return [sys.executable, "-m", "daphne", "-b", "127.0.0.1", "-p", str(self.port), application]
        if name == "pages":
            return [sys.executable, "-m", "uvicorn", *pages_arguments(self._pages)]
        if name in ("web", "second web"):
            port = self.port if name == "web" else self.second_port
            return [sys.executable, "-m", "uvicorn", *web_arguments(port, "127.0.0.1")]
        return [sys.executable, "-m", "celery", "-q", "-A", "voiceplatform", "worker", "-l", "INFO", "-c", "1"]

    def _pages_are_made(self) -> bool:
        with socket.socket(socket.AF_UNIX) as link:
            return link.connect_ex(str(self._pages)) == 0

    def kill(self, name: str) -> None:
        """SIGKILL, with all that the process made."""
        process = self.processes.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def stop(self) -> None:
        for name in list(self.processes):
            self.kill(name)

    def log(self, name: str) -> str:
        path = self.folder / f"{name}.log"
        return path.read_text() if path.exists() else ""

    # --- what is in its database

    def rows(self, query: str, *values: Any) -> list[dict[str, Any]]:
        if self.database_url:
            with psycopg.connect(self.database_url, row_factory=dict_row) as connection:
                return list(connection.execute(query.replace("?", "%s"), values).fetchall())
        with sqlite3.connect(self.folder / "db.sqlite3", timeout=20) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(query, values)]

    def change(self, query: str, *values: Any) -> None:
        with sqlite3.connect(self.folder / "db.sqlite3", timeout=20) as connection:
            connection.execute(query, values)

    def call(self, call_sid: str) -> dict[str, Any]:
        """The call's row, once its record is complete."""

        def ended() -> Any:
            rows = self.rows("select * from calls_call where carrier_call_id = ?", call_sid)
            return rows[0] if rows and rows[0]["duration_ms"] is not None else None

        row: dict[str, Any] = wait_for(ended, "the call's record is complete", 40)
        return row

    def events(self, call_id: str) -> list[dict[str, Any]]:
        rows = self.rows("select * from calls_callevent where call_id = ? order by seq", call_id)
        return [{**row, "data": row["data"] if self.database_url else json.loads(row["data"])} for row in rows]

    def spools(self) -> list[Path]:
        return sorted((self.folder / "spool").glob("*.jsonl"))
