"""The ears of running calls: a real thread, a real loop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator

import pytest

from calls.conversation.events import SoundHeard
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


async def test_a_flood_is_not_kept(listener: Listener) -> None:
    call = Call(listener)
    listener.stop()  # nobody takes it
    for _ in range(10_000):
        call.ear.caller(b"\xff" * 160, 100.0)
    assert len(call.ear._caller) <= 256
