"""From the disk to the database, with a real broker and a real worker; the broker and the worker fail on the way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.platform import Platform, wait_for

PROGRAM = """
import os, sys, time
os.environ["DJANGO_SETTINGS_MODULE"] = "voiceplatform.settings"
import django; django.setup()
from agents.models import PhoneNumber
from calls import outbox, services
number = PhoneNumber.objects.select_related("agent").first()
who = {"account_id": "A", "caller": "+1", "called": number.number, "number": number}
call = services.ring(carrier="twilio", carrier_call_id=sys.argv[1], **who)
services.claim_stream(call_id=call.pk, carrier_call_id=sys.argv[1])
spool = outbox.open_spool(call.pk)
print("open", flush=True)
for command in sys.stdin:
    word = command.strip()
    if word == "end":
        spool.write("call_ended", {"reason": "caller hung up", "failed": False, "duration_ms": 10}, 10)
        spool.close()
    else:
        slowest = 0.0
        for n in range(int(word)):
            began = time.perf_counter()
            spool.write("caller_key", {"digit": "5"}, n)
            slowest = max(slowest, time.perf_counter() - began)
        print(f"{slowest:.6f}", flush=True)
"""


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    made = Platform(tmp_path, "ws://127.0.0.1:1/v1/realtime")
    made.manage("migrate", "-v0")
    made.manage("seed_demo")
    made.start("redis", "worker")
    yield made
    made.stop()


class Writing:
    """A process that writes a call's spool when it is told to."""

    def __init__(self, platform: Platform, sid: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, sid],
            env=platform.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._answer() == "open"

    def _answer(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def tell(self, word: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()

    def write(self, lines: int) -> float:
        """The slowest single write, in seconds."""
        self.tell(str(lines))
        return float(self._answer())

    def kill(self) -> None:
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()


def stored(platform: Platform, sid: str) -> list[int]:
    query = "select e.seq from calls_callevent e join calls_call c on c.id = e.call_id where c.carrier_call_id = ? order by e.seq"
    return [row["seq"] for row in platform.rows(query, sid)]


def test_everything_arrives_once_though_worker_and_broker_die_on_the_way(platform: Platform) -> None:
    writing = Writing(platform, "CA1")
    writing.write(300)
    wait_for(lambda: stored(platform, "CA1"), "the first lines are stored")
    platform.kill("worker")
    writing.write(300)
    platform.kill("redis")
    slowest = writing.write(300)
    time.sleep(3)  # the broker is away for a while: that is the fact under test
    platform.start("redis", "worker")
    writing.write(300)
    writing.tell("end")
    wait_for(lambda: len(stored(platform, "CA1")) == 1201, "all lines are stored", 60)
    assert stored(platform, "CA1") == list(range(1, 1202))
    wait_for(lambda: not platform.spools(), "the spool is gone", 60)
    assert slowest < 0.25  # in memory: what is allowed here is the machine's own hiccups
    writing.kill()


def test_what_a_killed_process_left_is_finished_by_the_next(platform: Platform) -> None:
    platform.kill("worker")
    first = Writing(platform, "CA1")
    first.write(50)
    wait_for(lambda: platform.spools() and platform.spools()[0].stat().st_size > 2000, "lines on disk")
    first.kill()
    platform.start("worker")
    second = Writing(platform, "CA2")
    wait_for(lambda: len(stored(platform, "CA1")) == 51, "the lines and the end", 60)
    (call,) = platform.rows("select * from calls_call where carrier_call_id = 'CA1'")
    assert (call["status"], call["end_reason"]) == ("failed", "server stopped")
    second.tell("end")
    wait_for(lambda: not platform.spools(), "both spools are gone", 60)
    second.kill()
