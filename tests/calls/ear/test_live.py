"""The ears of running calls: a real thread, a real loop."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from collections.abc import Iterator

import pytest

from calls.conversation.events import SoundHeard
from calls.ear import network
from calls.ear.live import Listener, LiveEar
from calls.ear.stream import Ear
from tests.calls.ear.sounds import REQUEST, frames, hear


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    yield made
    made.stop()


class Call:
    """A call that hears."""

    def __init__(self, listener: Listener, name: str = "call") -> None:
        self.heard: list[SoundHeard] = []
        self.more = asyncio.Event()
        self.ear = LiveEar(name, self._hear, listener=listener)

    def _hear(self, sound: SoundHeard) -> None:
        self.heard.append(sound)
        self.more.set()

    async def until(self, count: int) -> list[SoundHeard]:
        async with asyncio.timeout(20):
            while len(self.heard) < count:
                self.more.clear()
                await self.more.wait()
        return self.heard

    async def speaks(self, mulaw: bytes, began_at: float = 100.0) -> None:
        """Faster than real time, and no faster than it is heard."""
        now, given = began_at, 0
        for piece in frames(mulaw):
            now += len(piece) / 8000
            given += len(piece)
            self.ear.caller(piece, now)
            if given % 8000 == 0:
                await self.until(given // 256)


async def test_a_call_hears_what_the_pure_ear_hears(listener: Listener) -> None:
    call = Call(listener)
    await call.speaks(REQUEST)
    heard = await call.until(len(REQUEST) // 256)
    alone = hear(Ear(), REQUEST)
    assert [s.at for s in heard] == [s.at for s in alone]
    assert [s.probability for s in heard] == pytest.approx([s.probability for s in alone], abs=1e-3)


async def test_calls_at_once_hear_each_their_own(listener: Listener) -> None:
    speaking, silent = Call(listener, "a"), Call(listener, "b")
    await asyncio.gather(speaking.speaks(REQUEST), silent.speaks(b"\xff" * len(REQUEST)))
    await asyncio.gather(*(call.until(len(REQUEST) // 256) for call in (speaking, silent)))
    assert max(s.probability for s in speaking.heard) > 0.9
    assert max(s.probability for s in silent.heard) < 0.5


async def test_a_call_that_ended_hears_nothing_more(listener: Listener) -> None:
    ended, other = Call(listener, "a"), Call(listener, "b")
    ended.ear.close()
    ended.ear.close()
    await asyncio.gather(ended_speaks(ended), other.speaks(REQUEST[:8000]))
    await other.until(31)
    assert ended.heard == []


async def ended_speaks(call: Call) -> None:
    for piece in frames(REQUEST[:8000]):
        call.ear.caller(piece, 100.0)


async def test_a_call_whose_ear_fails_goes_on_without_it(listener: Listener, caplog: pytest.LogCaptureFixture) -> None:
    call = Call(listener)

    def fail(sound: SoundHeard) -> None:
        call.more.set()
        raise ValueError("broken")

    call.ear._heard = fail
    with caplog.at_level(logging.ERROR, "calls"):
        call.ear.caller(REQUEST[:512], 100.0)
        await asyncio.wait_for(call.more.wait(), 20)
        call.ear.caller(REQUEST[512:1024], 100.1)
    assert call.ear.failed
    assert sum("Our own ear failed" in record.getMessage() for record in caplog.records) == 1


async def test_without_the_network_a_call_goes_on_without_its_ear(
    listener: Listener, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    calls = [Call(listener, "a"), Call(listener, "b")]
    network._session.cache_clear()
    monkeypatch.setattr(network, "PACKAGE", "no_such_package")
    with caplog.at_level(logging.ERROR, "calls"):
        async with asyncio.timeout(20):
            while not all(call.ear.failed for call in calls):
                for call in calls:
                    call.ear.caller(REQUEST[:512], 100.0)
                await asyncio.sleep(0)
        listener.stop()  # it has said all that it will
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 2
    assert all("no_such_package is missing: run `make run`" in line for line in told)


async def test_a_burst_is_heard_from_its_newest_sound(listener: Listener) -> None:
    call = Call(listener)
    listener.stop()
    for piece in frames(REQUEST * 2):
        call.ear.caller(piece, 100.0)
    listener.start()
    heard = await call.until(64)
    assert len(heard) == 64
    assert {round(sound.at, 2) for sound in heard} == {100.0}
    assert max(sound.probability for sound in heard) > 0.9


async def test_a_flood_is_not_kept(listener: Listener) -> None:
    call = Call(listener)
    listener.stop()  # nobody takes it
    for _ in range(10_000):
        call.ear.caller(b"\xff" * 16_000, 100.0)
        call.ear.agent(b"\xff" * 160, 100.0)
    assert sum(len(piece) for piece, _ in call.ear._caller) <= 256 * 8000
    assert len(call.ear._agent) <= 4096


def test_a_loop_that_is_gone_takes_its_calls_with_it_and_no_others(listener: Listener) -> None:
    async def leave() -> None:
        Call(listener, "left").ear.caller(REQUEST[:512], 100.0)

    async def stay() -> None:
        call = Call(listener)
        await call.speaks(REQUEST[:8000])
        assert len(await call.until(31)) == 31

    asyncio.run(leave())
    asyncio.run(stay())


def test_a_thread_that_was_ended_twice_begins_again_with_the_next_call(listener: Listener) -> None:
    async def call() -> None:
        made = Call(listener)
        await made.speaks(REQUEST[:8000])
        assert len(await made.until(31)) == 31
        made.ear.close()

    listener.stop()
    asyncio.run(call())
    listener.stop()
    listener.stop()
    asyncio.run(call())


def test_a_process_ends_at_once_in_the_middle_of_a_call() -> None:
    program = """
import asyncio
from calls.ear import live

async def call():
    heard = asyncio.Event()
    ear = live.LiveEar("call", lambda sound: heard.set())
    ear.caller(bytes(256), 100.0)
    await heard.wait()
    for n in range(250):
        ear.caller(bytes(160), 100.0 + n)

asyncio.run(call())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stderr) == (0, "")
