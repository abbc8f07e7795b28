"""One port for all stand-ins, and how they can be refused or broken."""

from __future__ import annotations

import asyncio
import socket
import urllib.error
import urllib.request

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError, InvalidStatus

from calls.rehearsal.voices.host import Host, Message, Receive, Send, Spoken, VoiceBehaviour, refuse


class Echo:
    """A stand-in that repeats what it gets, and breaks or refuses when it is told."""

    def __init__(self) -> None:
        self.behaviour = VoiceBehaviour()
        self.spoken: list[Spoken] = []
        self.paths: list[str] = []

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        self.paths.append(scope["path"])
        if scope["type"] == "http" or self.behaviour.refuse_status:
            await refuse(scope, receive, send, self.behaviour.refuse_status or 200, b'{"well":true}')
            return
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            if message["text"] == "break":
                scope["voices.abort"]()
                return
            await send({"type": "websocket.send", "text": message["text"]})


async def test_each_is_below_its_slug_with_the_path_of_the_service() -> None:
    one, other = Echo(), Echo()
    host = Host({"one": one, "other": other})
    address = await host.start()
    async with connect(f"ws://{address}/one/v1/x?y=1") as client:
        await client.send("hello")
        assert await client.recv() == "hello"
    body = await asyncio.to_thread(lambda: urllib.request.urlopen(f"http://{address}/other/v1").read())
    assert (one.paths, other.paths, body) == (["/v1/x"], ["/v1"], b'{"well":true}')
    await host.close()
    await host.close()


async def test_what_is_not_there_is_not_found() -> None:
    host = Host({"one": Echo()})
    address = await host.start()
    with pytest.raises(InvalidStatus) as refused:
        await connect(f"ws://{address}/two")
    assert refused.value.response.status_code == 404
    with pytest.raises(urllib.error.HTTPError, match="404"):
        await asyncio.to_thread(urllib.request.urlopen, f"http://{address}/")
    await host.close()


@pytest.mark.parametrize("status", [401, 429, 503])
async def test_a_handshake_is_refused_with_its_status_and_words(status: int) -> None:
    stand_in = Echo()
    stand_in.behaviour = VoiceBehaviour(refuse_status=status)
    host = Host({"one": stand_in})
    address = await host.start()
    with pytest.raises(InvalidStatus) as refused:
        await connect(f"ws://{address}/one")
    assert refused.value.response.status_code == status
    assert refused.value.response.body == b'{"well":true}'
    await host.close()


async def test_one_connection_is_broken_and_its_neighbour_is_not() -> None:
    host = Host({"one": Echo()})
    address = await host.start()
    async with connect(f"ws://{address}/one") as first, connect(f"ws://{address}/one") as second:
        await first.send("break")
        with pytest.raises(ConnectionClosedError):
            await first.recv()
        assert first.close_code == 1006
        await second.send("still here")
        assert await second.recv() == "still here"
    await host.close()


async def test_a_taken_port_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        await Host({}).start(port=taken.getsockname()[1])


async def test_it_ends_while_clients_are_connected() -> None:
    host = Host({"one": Echo()})
    address = await host.start()
    async with connect(f"ws://{address}/one") as client:
        async with asyncio.timeout(5):
            await host.close()
        with pytest.raises(ConnectionClosedError):
            await client.recv()


def test_the_truth_of_what_was_said_is_cut_where_a_word_ends() -> None:
    spoken = Spoken("u1", words=[("Good ", 300.0), ("morning.", 800.0)])
    assert [spoken.heard(ms) for ms in (0, 299, 300, 799, 800)] == ["", "", "Good", "Good", "Good morning."]
