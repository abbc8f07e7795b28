"""Runs the whole product on one machine: what `make run` starts, watches and ends.

Every child is in a session of its own and asks the kernel to end it when we die, so that not even a SIGKILL leaves orphans.
"""

from __future__ import annotations

import ctypes
import fcntl
import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "voiceplatform.settings")

from django.conf import settings

from voiceplatform import embedded_redis

ROOT = Path(__file__).resolve().parent.parent
PR_SET_PDEATHSIG = 1
READY_S = 60.0
AWAY = http.HTTPStatus.SERVICE_UNAVAILABLE
STOP_S = 12.0
LESS_URGENT = 10
"""Niceness of those for whom nobody waits on the phone."""

STEADY_S = 20.0
"""A child that ran for so long and died is started again at once; one that dies sooner waits longer each time."""


@dataclass
class Child:
    """One process of the product."""

    name: str
    command: list[str]
    pass_fds: tuple[int, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    niceness: int = 0
    stop_signal: int = signal.SIGTERM
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    restart_at: float | None = None
    failures: int = 0
    readers: list[threading.Thread] = field(default_factory=list)

    def start(self, say: Callable[[str, str], None]) -> None:
        """From the main thread: the kernel's promise to end it is bound to the thread that forks."""
        self.process = subprocess.Popen(
            self.command,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=self.pass_fds,
            env={**os.environ, **self.environment},
            preexec_fn=_before(os.getpid(), self.niceness),  # noqa: PLW1509  no threads of ours hold locks here
        )
        self.started_at, self.restart_at = time.monotonic(), None
        assert self.process.stdout is not None
        reader = threading.Thread(target=_relay, args=(self.name, self.process.stdout, say), daemon=True)
        reader.start()
        self.readers = [reader]

    @property
    def runs(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def stop(self) -> None:
        if self.runs and self.process is not None:
            self.process.send_signal(self.stop_signal)

    def kill(self) -> None:
        """The process and all that it made."""
        if self.process is not None:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                return


def _before(parent: int, niceness: int) -> Callable[[], None]:
    """What a child does before it becomes its program: give way to calls, and ask to die with its parent."""
    libc = ctypes.CDLL(None)

    def ask() -> None:
        os.nice(niceness)
        if sys.platform == "linux":
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != parent:  # it died before we could ask
                os._exit(1)

    return ask


def _relay(name: str, output: IO[bytes], say: Callable[[str, str], None]) -> None:
    for line in output:
        say(name, line.decode(errors="replace").rstrip())


class Supervisor:
    """Starts the children in order, keeps them running, ends them in order."""

    def __init__(self) -> None:
        self.children: list[Child] = []
        self._stopping = threading.Event()
        self._print_lock = threading.Lock()
        self._folder = settings.DATA_DIR / "redis"

    def say(self, name: str, text: str) -> None:
        with self._print_lock:
            try:
                print(f"{name:<9}| {text}", flush=True)
            except (BrokenPipeError, OSError):
                self._stopping.set()

    def run(self) -> int:
        """Until a signal. 0 for an orderly end."""
        try:
            only_one = _lock(settings.DATA_DIR / "run.lock")
            _port_is_free(settings.PORT, "PORT")
            self._plan()
        except (AlreadyRunning, embedded_redis.RedisUnavailable) as error:
            print(error, file=sys.stderr)
            return 1
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: self._stopping.set())
        try:
            for child in self.children:
                child.start(self.say)
                if child.name == "redis":
                    self._wait_for_redis()
            self._announce()
            self._watch()
        finally:
            self._end()
            os.close(only_one)
        return 0

    def _plan(self) -> None:
        python = sys.executable
        if not os.environ.get("REDIS_URL"):
            descriptor = embedded_redis.lock(self._folder)
            self.children.append(Child("redis", embedded_redis.command(self._folder), pass_fds=(descriptor,)))
        if settings.OPENAI_REALTIME_URL == settings.REHEARSAL_URL:
            _port_is_free(settings.REHEARSAL_PORT, "REHEARSAL_PORT")
            self.children.append(Child("rehearsal", [python, "manage.py", "rehearsal"]))
        _port_is_free(settings.STAND_INS_PORT, "STAND_INS_PORT")
        self.children.append(Child("stand-ins", [python, "manage.py", "stand_ins"]))
        pages = {}
        if not settings.PAGES_ADDRESS and (path := pages_socket(settings.DATA_DIR)):
            pages = {"PAGES_ADDRESS": f"unix://{path}"}
            self.children.append(
                Child("pages", [python, "-m", "uvicorn", *pages_arguments(path)], niceness=LESS_URGENT)
            )
        celery = [python, "-W", "ignore", "-m", "celery", "-q", "-A", "voiceplatform"]
        beat = ["-s", str(settings.DATA_DIR / "celerybeat-schedule"), "--pidfile="]
        self.children += [
            Child(
                "worker",
                [*celery, "worker", "-l", "WARNING", "--concurrency", "2", "--without-gossip", "--without-mingle"],
                niceness=LESS_URGENT,
            ),
            Child("beat", [*celery, "beat", "-l", "WARNING", *beat], niceness=LESS_URGENT),
            Child("web", [python, "-m", "uvicorn", *web_arguments(settings.PORT)], environment=pages),
        ]

    def _wait_for_redis(self) -> None:
        until = time.monotonic() + 10
        while time.monotonic() < until and not self._stopping.is_set():
            if embedded_redis.answers(self._folder / "redis.sock"):
                return
            self._stopping.wait(0.02)

    def _announce(self) -> None:
        base, until = f"http://127.0.0.1:{settings.PORT}", time.monotonic() + READY_S
        while not self._stopping.is_set() and time.monotonic() < until:
            if _status("/readyz") == http.HTTPStatus.OK and 0 < _status("/admin/login/") < AWAY:
                for line in _welcome(base):
                    self.say("", line)
                return
            self._stopping.wait(0.1)
        if not self._stopping.is_set():
            self.say("", f"Not ready after {READY_S:.0f} s. {base}/readyz says what is missing; see the lines above.")

    def _watch(self) -> None:
        while not self._stopping.wait(0.2):
            for child in self.children:
                if child.runs:
                    continue
                now = time.monotonic()
                if child.restart_at is None:
                    code = child.process.returncode if child.process else None
                    child.failures = 0 if now - child.started_at > STEADY_S else child.failures + 1
                    wait = min(30.0, 0.5 * 2**child.failures)
                    child.restart_at = now + wait
                    self.say(child.name, f"ended with {code}; starting it again in {wait:.0f} s")
                elif now >= child.restart_at:
                    child.start(self.say)

    def _end(self) -> None:
        """Calls first, then their record, the broker last."""
        order = ["web", "pages", "rehearsal", "stand-ins", "beat", "worker", "redis"]
        for name in order:
            for child in self.children:
                if child.name == name and child.runs and child.process is not None:
                    child.stop()
                    try:
                        child.process.wait(STOP_S)
                    except subprocess.TimeoutExpired:
                        self.say(name, "does not end; killed")
        for child in self.children:
            child.kill()
        self.say("", "Stopped.")


class AlreadyRunning(RuntimeError):
    """The message says what to do."""


def web_arguments(port: int, host: str = "0.0.0.0") -> list[str]:
    """uvicorn as it carries calls: the sans-I/O websockets on uvloop, no compression of sound."""
    return [
        "voiceplatform.asgi:application",
        *("--host", host, "--port", str(port)),
        *("--ws", "websockets-sansio", "--loop", "uvloop", "--ws-per-message-deflate", "false"),
        *(
            "--ws-max-size",
            str(8 * 2**20),
            "--timeout-graceful-shutdown",
            "5",
            "--no-access-log",
            "--log-level",
            "warning",
        ),
        *("--proxy-headers", "--forwarded-allow-ips", os.environ.get("FORWARDED_ALLOW_IPS", "127.0.0.1")),
    ]


def pages_arguments(path: Path) -> list[str]:
    """uvicorn as it makes pages for the web process, which is the only one that can reach it."""
    return [
        "voiceplatform.pages:application",
        *("--uds", str(path), "--loop", "uvloop", "--ws", "none", "--no-server-header", "--no-date-header"),
        *("--timeout-graceful-shutdown", "5", "--no-access-log", "--log-level", "warning"),
        *("--proxy-headers", "--forwarded-allow-ips", "*"),
    ]


def pages_socket(data_dir: Path) -> Path | None:
    """Where pages are asked for, in a folder that only we may enter; None when its address would be too long for a socket."""
    folder = data_dir / "pages"
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / "pages.sock"
    return path if len(str(path).encode()) <= embedded_redis.LONGEST_SOCKET_PATH else None


def _status(path: str) -> int:
    """What our own web process answers, without following it elsewhere; 0 when it does not."""
    link = http.client.HTTPConnection("127.0.0.1", settings.PORT, timeout=2)
    try:
        link.request("GET", path)
        return link.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        link.close()


def _lock(path: Path) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise AlreadyRunning(
            f"Already running on {settings.DATA_DIR}. Stop it first, or set DATA_DIR and PORT for a second one."
        ) from None
    return descriptor


def _port_is_free(port: int, name: str) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise AlreadyRunning(f"Port {port} is taken by another program. Set {name} to a free one.") from None


def _welcome(base: str) -> list[str]:
    import django

    django.setup()
    from agents.models import PhoneNumber
    from agents.voice_fields import VOICE

    number = PhoneNumber.objects.filter(active=True, agent__isnull=False).order_by("pk").first()
    lines = ["", f"Ready. Review calls: {base}/calls/   Tune agents: {base}/admin/"]
    if settings.OPENAI_REALTIME_URL == settings.REHEARSAL_URL:
        lines.append(
            "No OPENAI_API_KEY: the rehearsal model answers. It hears that you speak, not what; its words are scripted."
        )
    if number is not None:
        lines += [
            "Place a call, in a second terminal:",
            f"  .venv/bin/python manage.py place_call --to {number.number} --audio calls/clips/request.wav "
            "--at-agent-speech calls/clips/interruption.wav",
        ]
    others = PhoneNumber.objects.filter(active=True, agent__active=True).exclude(agent__voice_provider="")
    if told := [f"{other.number} ({other.agent.told(VOICE)})" for other in others.select_related("agent")]:
        lines.append(f"Or with another voice: {', '.join(told)}. Without a provider's key, its stand-in speaks.")
    return [*lines, "Ctrl-C ends all of it.", ""]


if __name__ == "__main__":
    sys.exit(Supervisor().run())
