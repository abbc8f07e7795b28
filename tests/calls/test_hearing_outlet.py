"""The ear of a call: sound before it listens, its loss, and its replacement."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import pytest
from websockets.asyncio.server import Server, ServerConnection, serve

from calls import circuit
from calls.conversation.commands import ConfigureHearing, EndCall, EndUtterance, OpenHearing, SendToHearing
from calls.conversation.events import EarlyWords, HearingLost, HearingReady
from calls.hearing_outlet import HearingOutlet


class Plain:
    """A dialect: sound goes as it is; `ready`, `refused` or words come back."""

    def __init__(self, url: str) -> None:
        self._url = url

    def url(self) -> str:
        return self._url

    def headers(self) -> dict[str, str]:
        return {}

    def opening(self) -> Sequence[str]:
        return ("start",)

    def closing(self) -> Sequence[str]:
        return ("goodbye",)

    def write(self, command: Any) -> Sequence[str | bytes]:
        if isinstance(command, ConfigureHearing):
            return (f"silence {command.silence_ms}",)
        return (command.audio,) if isinstance(command, SendToHearing) else ("end",)

    def parse(self, text: str | bytes) -> Sequence[Any]:
        if text == "ready":
            return (HearingReady(),)
        return (HearingLost("refused", retry=False),) if text == "refused" else (EarlyWords("h1", str(text)),)

    def may_retry(self, close_code: int | None, http_status: int | None) -> bool:
        return close_code != 4001


class Far:
    def __init__(self) -> None:
        self.said: list[str | bytes] = []
        self.sockets: list[ServerConnection] = []
        self.events: list[Any] = []
        self.stirred = asyncio.Event()
        self.server: Server | None = None
        self.url = ""

    async def start(self) -> Far:
        self.server = await serve(self._listen, "127.0.0.1", 0)
        self.url = f"ws://127.0.0.1:{self.server.sockets[0].getsockname()[1]}/"
        return self

    async def _listen(self, socket: ServerConnection) -> None:
        self.sockets.append(socket)
        async for message in socket:
            self.said.append(message)
            self.stirred.set()

    def feed(self, event: Any) -> None:
        self.events.append(event)
        self.stirred.set()

    async def until(self, met: Callable[[], Any]) -> None:
        async with asyncio.timeout(10):
            while not met():
                self.stirred.clear()
                await self.stirred.wait()


@pytest.fixture
async def far() -> AsyncIterator[Far]:
    circuit.forget_all()
    made = await Far().start()
    yield made
    assert made.server is not None
    made.server.close()
    await made.server.wait_closed()
    circuit.forget_all()


def outlet_to(far: Far) -> HearingOutlet:
    return HearingOutlet(lambda: Plain(far.url), far.url, far.feed)


async def listening(far: Far) -> HearingOutlet:
    outlet = outlet_to(far)
    outlet.take(OpenHearing(), 1.0)
    await far.until(lambda: far.said)
    await far.sockets[-1].send("ready")
    await far.until(lambda: HearingReady() in far.events)
    return outlet


async def test_what_the_caller_says_before_the_provider_listens_is_heard(far: Far) -> None:
    outlet = outlet_to(far)
    outlet.take(OpenHearing(), 1.0)
    for number in range(3):
        outlet.take(SendToHearing(bytes([number])), 1.0)
    await far.until(lambda: far.said)
    assert far.said == ["start"]
    await far.sockets[0].send("ready")
    await far.until(lambda: len(far.said) == 4)
    assert far.said[1:] == [b"\x00", b"\x01", b"\x02"]
    await outlet.close()


async def test_words_come_as_events_and_orders_go_in_their_place(far: Far) -> None:
    outlet = await listening(far)
    outlet.take(SendToHearing(b"\x55"), 1.0)
    outlet.take(EndUtterance(), 1.0)
    await far.until(lambda: len(far.said) == 3)
    assert far.said[1:] == [b"\x55", "end"]
    await far.sockets[0].send("Hello")
    await far.until(lambda: EarlyWords("h1", "Hello") in far.events)
    await outlet.close()


@pytest.mark.parametrize(("code", "retry"), [(1011, True), (4001, False)])
async def test_a_socket_that_ends_is_told_once(far: Far, code: int, retry: bool) -> None:
    outlet = await listening(far)
    await far.sockets[0].close(code)
    await far.until(lambda: len(far.events) == 2)
    assert far.events[1] == HearingLost(f"closed with {code}", retry)
    await outlet.close()
    assert len(far.events) == 2


async def test_a_refusal_in_words_is_a_loss_too(far: Far) -> None:
    outlet = await listening(far)
    await far.sockets[0].send("refused")
    await far.until(lambda: len(far.events) == 2)
    assert far.events == [HearingReady(), HearingLost("refused", retry=False)]
    await outlet.close()


async def test_a_provider_that_is_down_is_not_asked_again_by_the_next_call(far: Far) -> None:
    for _ in range(circuit.FAILURES):
        circuit.of(far.url).failed(1.0)
    outlet = outlet_to(far)
    outlet.take(OpenHearing(), 2.0)
    assert far.events == [HearingLost("out of order", retry=False)]
    await outlet.close()


async def test_leave_is_taken_at_the_end_of_the_call(far: Far) -> None:
    outlet = await listening(far)
    outlet.take(EndCall("caller hung up"), 3.0)
    await outlet.close()
    await far.until(lambda: len(far.said) == 2)
    assert far.said == ["start", "goodbye"]
    assert far.events == [HearingReady()]


async def test_a_change_reaches_the_link_that_stands_and_the_one_that_follows_it(far: Far) -> None:
    outlet = await listening(far)
    outlet.take(ConfigureHearing(900), 2.0)
    await far.until(lambda: "silence 900" in far.said)
    await far.sockets[0].close(1011)
    await far.until(lambda: len(far.events) == 2)
    outlet.take(OpenHearing(), 3.0)
    outlet.take(SendToHearing(b"\x55"), 3.0)
    await far.until(lambda: far.said.count("start") == 2)
    await far.sockets[1].send("ready")
    await far.until(lambda: b"\x55" in far.said)
    assert far.said[2:] == ["start", "silence 900", b"\x55"]
    await outlet.close()
