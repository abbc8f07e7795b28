"""The link to a voice on a websocket, against a server that does what it is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import pytest
from websockets.asyncio.server import Server, ServerConnection, serve

from calls.conversation.commands import FinishSpeaking, Speak, StopSpeaking
from calls.conversation.events import VoiceAudio, VoiceDone
from calls.voice_links import SocketLink


class Plain:
    """A dialect whose messages are its orders: `say u1 text`, `end u1`, `stop u1`; sound comes as `u1 …`, its end as `done u1`."""

    def __init__(self, url: str, every_s: float | None = None) -> None:
        self._url, self._every_s = url, every_s

    def url(self) -> str:
        return self._url

    def headers(self) -> dict[str, str]:
        return {"x-key": "secret"}

    def opening(self) -> Sequence[str]:
        return ("hello",)

    def write(self, command: Any) -> Sequence[str]:
        match command:
            case Speak():
                return (f"say {command.utterance} {command.text}",)
            case FinishSpeaking():
                return (f"end {command.utterance}",)
        return (f"stop {command.utterance}",)

    def parse(self, text: str | bytes) -> Sequence[Any]:
        first, _, rest = str(text).partition(" ")
        return (VoiceDone(rest),) if first == "done" else (VoiceAudio(first, rest.encode()),)

    def keepalive(self) -> tuple[float, Sequence[str]] | None:
        return (self._every_s, ("still here",)) if self._every_s is not None else None

    def idle_s(self) -> float | None:
        return None

    def waiting(self) -> Sequence[str]:
        return ()

    def may_retry(self, close_code: int | None, http_status: int | None) -> bool:
        return http_status != 401 and close_code != 1008


class Far:
    """The other end: what came, and the sockets on which it did."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.sockets: list[ServerConnection] = []
        self.events: list[Any] = []
        self.lost: list[tuple[str, bool]] = []
        self.stirred = asyncio.Event()
        self.status = 101
        self.server: Server | None = None

    async def start(self) -> str:
        self.server = await serve(self._listen, "127.0.0.1", 0, process_request=self._admit)
        return f"ws://127.0.0.1:{self.server.sockets[0].getsockname()[1]}/"

    def _admit(self, connection: ServerConnection, request: Any) -> Any:
        return None if self.status == 101 else connection.respond(self.status, "no")

    async def _listen(self, socket: ServerConnection) -> None:
        self.sockets.append(socket)
        async for message in socket:
            self.said.append(str(message))
            self.stirred.set()

    def feed(self, event: Any) -> None:
        self.events.append(event)
        self.stirred.set()

    def is_lost(self, reason: str, retry: bool) -> None:
        self.lost.append((reason, retry))
        self.stirred.set()

    async def until(self, met: Callable[[], Any]) -> None:
        async with asyncio.timeout(10):
            while not met():
                self.stirred.clear()
                await self.stirred.wait()


@pytest.fixture
async def far() -> AsyncIterator[Far]:
    made = Far()
    yield made
    if made.server is not None:
        made.server.close()
        await made.server.wait_closed()


async def link_to(far: Far, **how: Any) -> SocketLink:
    url = await far.start()
    return SocketLink(lambda: Plain(url, **how), far.feed, far.is_lost)


async def test_what_is_to_be_said_before_the_socket_stands_is_said_when_it_does(far: Far) -> None:
    link = await link_to(far)
    link.take(Speak(0, "u1", "One."))
    link.take(FinishSpeaking(0, "u1"))
    await far.until(lambda: len(far.said) == 3)
    assert far.said == ["hello", "say u1 One.", "end u1"]
    await link.close()


async def test_sound_comes_as_events(far: Far) -> None:
    link = await link_to(far)
    await link.open()
    link.take(Speak(0, "u1", "One."))
    await far.until(lambda: len(far.said) == 2)
    await far.sockets[0].send("u1 sound")
    await far.sockets[0].send("done u1")
    await far.until(lambda: len(far.events) == 2)
    assert far.events == [VoiceAudio("u1", b"sound"), VoiceDone("u1")]
    await link.close()


@pytest.mark.parametrize(("status", "retry"), [(401, False), (503, True)])
async def test_a_refusal_is_told_with_whether_there_is_hope(far: Far, status: int, retry: bool) -> None:
    far.status = status
    link = await link_to(far)
    await link.open()
    assert far.lost == [(f"HTTP {status}", retry)]
    await link.close()


async def test_a_provider_that_is_not_there_is_lost_and_no_exception(far: Far) -> None:
    link = SocketLink(lambda: Plain("ws://127.0.0.1:1/"), far.feed, far.is_lost)
    await link.open()
    (told,) = far.lost
    assert told[1] is True
    assert "secret" not in told[0]
    await link.close()


@pytest.mark.parametrize(("code", "retry"), [(1011, True), (1008, False)])
async def test_a_socket_that_ends_while_it_speaks_is_lost(far: Far, code: int, retry: bool) -> None:
    link = await link_to(far)
    await link.open()
    link.take(Speak(0, "u1", "One."))
    await far.until(lambda: len(far.said) == 2)
    await far.sockets[0].close(code)
    await far.until(lambda: far.lost)
    assert far.lost == [(f"closed with {code}", retry)]
    await link.close()


async def test_a_socket_that_idles_out_is_opened_anew_for_the_next_words(far: Far) -> None:
    link = await link_to(far)
    await link.open()
    link.take(Speak(0, "u1", "One."))
    await far.until(lambda: len(far.said) == 2)
    await far.sockets[0].send("done u1")
    await far.until(lambda: far.events)
    await far.sockets[0].close(1000)
    link.take(Speak(0, "u2", "Two."))
    await far.until(lambda: "say u2 Two." in far.said)
    assert len(far.sockets) == 2
    assert far.lost == []
    await link.close()


async def test_an_utterance_that_was_stopped_does_not_make_an_idle_end_a_loss(far: Far) -> None:
    link = await link_to(far)
    await link.open()
    link.take(Speak(0, "u1", "One."))
    link.take(StopSpeaking(0, "u1"))
    await far.until(lambda: "stop u1" in far.said)
    await far.sockets[0].close(1000)
    link.take(Speak(0, "u2", "Two."))
    await far.until(lambda: "say u2 Two." in far.said)
    assert far.lost == []
    await link.close()


async def test_silence_on_our_side_is_broken_by_the_providers_rule(far: Far) -> None:
    link = await link_to(far, every_s=0.05)
    await link.open()
    await far.until(lambda: far.said.count("still here") >= 2)
    assert set(far.said) == {"hello", "still here"}
    await link.close()


async def test_nothing_is_heard_of_a_link_that_was_closed(far: Far) -> None:
    link = await link_to(far)
    await link.open()
    await link.close()
    await link.close()
    link.take(Speak(0, "u1", "One."))
    assert (far.events, far.lost) == ([], [])
    assert "say u1 One." not in far.said
