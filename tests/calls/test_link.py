"""The link against real sockets: in order, refused, lost, slow, and closed whatever the peer does."""

from __future__ import annotations

import asyncio
import http
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from websockets.asyncio.server import ServerConnection, serve

from calls.conversation import commands as c
from calls.conversation import events as e
from calls.link import Link, LinkRefused
from calls.realtime.base import ModelSession
from calls.realtime.openai import OpenAIRealtime

Peer = Callable[[ServerConnection], Awaitable[None]]


@asynccontextmanager
async def served(peer: Peer, **more: Any) -> AsyncIterator[str]:
    async with serve(peer, "127.0.0.1", 0, compression=None, max_size=None, **more) as server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1/realtime"


def link(url: str, events: list[e.Event], key: str = "") -> Link:
    session = ModelSession("gpt-realtime-2.1", "Answer.", "marin", {"type": "server_vad"})
    return Link(OpenAIRealtime(session, url=url, api_key=key), events.append)


async def until(fact: Callable[[], Any]) -> Any:
    async with asyncio.timeout(10):
        while not (value := fact()):
            await asyncio.sleep(0.005)
        return value


async def test_it_opens_configures_hears_and_is_heard_in_order() -> None:
    got: list[dict[str, Any]] = []

    async def peer(socket: ServerConnection) -> None:
        async for text in socket:
            got.append(orjson.loads(text))
            if got[-1]["type"] == "session.update":
                await socket.send(orjson.dumps({"type": "session.updated", "session": got[-1]["session"]}).decode())

    events: list[e.Event] = []
    async with served(peer) as url:
        made = link(url, events)
        await made.open()
        await until(lambda: events)
        for n in range(50):
            made.take(c.SendAudio(f"AAA{n % 10}"))
        made.take(c.CancelReply("resp_1"))
        await until(lambda: len(got) == 52)
        await made.close()
        await made.close()
    assert isinstance(events[0], e.ModelReady)
    assert [m["type"] for m in got[1:51]] == ["input_audio_buffer.append"] * 50
    assert [m["audio"] for m in got[1:11]] == [f"AAA{n}" for n in range(10)]
    assert got[51]["response_id"] == "resp_1"
    assert len(events) == 1  # closing by ourselves is no loss


@pytest.mark.parametrize(("status", "retry"), [(401, False), (403, False), (404, False), (429, True), (503, True)])
async def test_a_refused_handshake_says_whether_to_try_again_and_holds_no_secret(status: int, retry: bool) -> None:
    async def peer(socket: ServerConnection) -> None: ...

    def refuse(socket: ServerConnection, request: Any) -> Any:
        return socket.respond(http.HTTPStatus(status), "no\n")

    async with served(peer, process_request=refuse) as url:
        with pytest.raises(LinkRefused) as refusal:
            await link(url, [], key="sk-secret").open()
    assert (refusal.value.reason, refusal.value.retry) == (f"HTTP {status}", retry)
    assert "sk-secret" not in repr(refusal.value)


async def test_nobody_there_can_be_tried_again() -> None:
    with pytest.raises(LinkRefused) as refusal:
        await link("ws://127.0.0.1:9/v1/realtime", []).open()
    assert refusal.value.retry


async def test_a_peer_that_vanishes_is_one_loss() -> None:
    async def peer(socket: ServerConnection) -> None:
        await socket.recv()
        socket.transport.abort()

    events: list[e.Event] = []
    async with served(peer) as url:
        made = link(url, events)
        await made.open()
        await until(lambda: events)
        made.take(c.SendAudio("AAAA"))  # dropped without a word
        await made.close()
    assert events == [e.LinkLost("closed with 1006", True)]


async def test_a_peer_that_refuses_our_protocol_is_not_tried_again() -> None:
    async def peer(socket: ServerConnection) -> None:
        await socket.recv()
        await socket.close(4000, "beta")

    events: list[e.Event] = []
    async with served(peer) as url:
        made = link(url, events)
        await made.open()
        await until(lambda: events)
        await made.close()
    assert events == [e.LinkLost("closed with 4000", False)]


async def test_a_peer_that_does_not_read_costs_sound_and_is_reported_once() -> None:
    released = asyncio.Event()

    async def peer(socket: ServerConnection) -> None:
        await socket.recv()
        socket.transport.pause_reading()
        await released.wait()

    events: list[e.Event] = []
    async with served(peer) as url:
        made = link(url, events)
        await made.open()
        await asyncio.sleep(0)
        frame = c.SendAudio("A" * 65536)
        for _ in range(400):
            made.take(frame)
            if events:
                break
            await asyncio.sleep(0)
        for _ in range(50):
            made.take(frame)
        assert events == [e.OutletFull("model")]
        released.set()
        await made.close()


async def test_a_message_of_5_mb_is_read() -> None:
    async def peer(socket: ServerConnection) -> None:
        await socket.recv()
        text = "x" * 5_000_000
        done = {
            "type": "response.output_text.done",
            "response_id": "r",
            "item_id": "i",
            "content_index": 0,
            "text": text,
        }
        await socket.send(orjson.dumps(done).decode())
        await socket.wait_closed()

    events: list[e.Event] = []
    async with served(peer) as url:
        made = link(url, events)
        await made.open()
        (done,) = await until(lambda: events)
        await made.close()
    assert isinstance(done, e.ReplyTextDone)
    assert len(done.text) == 5_000_000


async def test_it_is_closed_within_a_second_though_the_peer_never_answers() -> None:
    forever = asyncio.Event()

    async def peer(socket: ServerConnection) -> None:
        await socket.recv()
        socket.transport.pause_reading()
        await forever.wait()

    events: list[e.Event] = []
    async with served(peer) as url:
        made = link(url, events)
        await made.open()
        began = time.monotonic()
        await made.close()
        assert time.monotonic() - began < 1.2
        forever.set()
    assert events == []
