"""Requests passed on to the process that makes pages: real servers on real sockets, a small application that makes the pages."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from tests.platform import free_port
from voiceplatform.forwarding import Message, PagesElsewhere, Receive, Send


class Pages:
    """Tells what it was asked, and does what the path says."""

    def __init__(self) -> None:
        self.left = asyncio.Event()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["path"] == "/endless/":
            await self._endless(send, receive)
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        if scope["path"] == "/broken/":
            await send(start(200, (b"content-length", b"100")))
            await send({"type": "http.response.body", "body": b"half", "more_body": True})
            raise RuntimeError("of the test")
        if scope["path"] == "/unchanged/":
            await send(start(304, (b"etag", b'"a"')))
            await send({"type": "http.response.body"})
            return
        told = {
            "method": scope["method"],
            "path": scope["raw_path"].decode(),
            "query": scope["query_string"].decode(),
            "headers": [[name.decode(), value.decode()] for name, value in scope["headers"]],
            "client": scope["client"] and scope["client"][0],
            "scheme": scope["scheme"],
            "body": body.decode("latin-1"),
        }
        await send(start(201, (b"content-type", b"application/json"), (b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")))
        await send({"type": "http.response.body", "body": json.dumps(told).encode()})

    async def _endless(self, send: Send, receive: Receive) -> None:
        await receive()  # the request's own, empty body
        gone = asyncio.create_task(receive())
        await send(start(200))
        while not gone.done():
            await send({"type": "http.response.body", "body": b"x" * 65_536, "more_body": True})
            await asyncio.sleep(0)
        assert (await gone)["type"] == "http.disconnect"
        self.left.set()


def start(status: int, *headers: tuple[bytes, bytes]) -> Message:
    return {"type": "http.response.start", "status": status, "headers": list(headers)}


async def here(scope: Message, receive: Receive, send: Send) -> None:
    await send(start(200))
    await send({"type": "http.response.body", "body": b"here"})


class Serving:
    """A uvicorn on this loop."""

    def __init__(self, application: Any, **where: Any) -> None:
        self.server = uvicorn.Server(uvicorn.Config(application, log_level="critical", lifespan="off", **where))
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Serving:
        self._task = asyncio.create_task(self.server.serve())
        while not self.server.started:
            await asyncio.sleep(0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.server.should_exit = self.server.force_exit = True
        assert self._task is not None
        await self._task


@pytest.fixture
def pages() -> Pages:
    return Pages()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "pages.sock"


@pytest.fixture
async def client(pages: Pages, path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A browser before both processes."""
    maker = {"uds": str(path), "proxy_headers": True, "forwarded_allow_ips": "*", "server_header": False}
    async with Serving(pages, date_header=False, **maker), front(f"unix://{path}") as made:
        yield made


class front:
    """The web process before an address of pages, and a client of it. `believed`: the proxies that may say who asks."""

    def __init__(self, address: str, believed: str = "") -> None:
        port = free_port()
        self._serving = Serving(PagesElsewhere(here, address), port=port, forwarded_allow_ips=believed)
        self._client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False)

    async def __aenter__(self) -> httpx.AsyncClient:
        await self._serving.__aenter__()
        return self._client

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()
        await self._serving.__aexit__()


@pytest.mark.parametrize("target", ["/carriers/twilio/voice/", "/healthz", "/readyz", "/metrics"])
async def test_what_calls_ask_for_is_answered_here(client: httpx.AsyncClient, target: str) -> None:
    assert (await client.get(target)).text == "here"


async def test_a_request_arrives_as_it_came_with_who_asked(client: httpx.AsyncClient) -> None:
    answer = await client.post(
        "/calls/a%2Fb%20c/?q=%22two+words%22&q=2",
        content=b"\x00\xffform",
        headers={"Cookie": "s=1", "X-Forwarded-For": "6.6.6.6", "Host": "agents.example", "Connection": "close"},
    )
    told = answer.json()
    assert (told["method"], told["path"], told["query"]) == ("POST", "/calls/a%2Fb%20c/", "q=%22two+words%22&q=2")
    assert told["body"] == "\x00\xffform"
    headers = dict(told["headers"])
    assert headers["host"] == "agents.example"
    assert headers["cookie"] == "s=1"
    assert headers["content-length"] == "6"
    assert told["client"] == "127.0.0.1"  # and not what it said of itself
    assert [value for name, value in told["headers"] if name == "x-forwarded-for"] == ["127.0.0.1"]
    assert told["scheme"] == "http"
    assert answer.status_code == 201
    assert answer.headers.get_list("set-cookie") == ["a=1", "b=2"]
    assert len(answer.headers.get_list("date")) == 1
    assert len(answer.headers.get_list("server")) == 1


async def test_a_proxy_that_is_believed_says_who_asks(pages: Pages, path: Path) -> None:
    maker = Serving(pages, uds=str(path), forwarded_allow_ips="*")
    async with maker, front(f"unix://{path}", believed="127.0.0.1") as client:
        told = (await client.get("/", headers={"X-Forwarded-For": "6.6.6.6", "X-Forwarded-Proto": "https"})).json()
    assert (told["client"], told["scheme"]) == ("6.6.6.6", "https")


async def test_the_scheme_that_a_proxy_told_is_passed_on(client: httpx.AsyncClient) -> None:
    assert (await client.get("/", headers={"X-Forwarded-Proto": "https"})).json()["scheme"] == "https"


@pytest.mark.parametrize(
    ("sent", "arrived"),
    [
        (b"/calls/../admin/", "/calls/../admin/"),
        (b"/calls/?a=[1]|<x>%zz", "/calls/?a=[1]|<x>%zz"),
        (b"//elsewhere/", "//elsewhere/"),
        (b"/calls/?q=" + b"q" * 60_000, "/calls/?q=" + "q" * 60_000),
    ],
)
async def test_an_address_arrives_as_it_was_written(client: httpx.AsyncClient, sent: bytes, arrived: str) -> None:
    reader, writer = await asyncio.open_connection(client.base_url.host, client.base_url.port)
    writer.write(b"GET " + sent + b" HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n")
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    assert head.startswith(b"HTTP/1.1 201"), head
    told = json.loads(body[body.index(b"{") : body.rindex(b"}") + 1])
    assert "?".join(filter(None, (told["path"], told["query"]))) == arrived


async def test_bytes_that_no_address_may_hold_are_written_as_they_should_be(pages: Pages, path: Path) -> None:
    """uvicorn refuses them by itself; daphne and others let them through."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return await asyncio.Future()

    scope = {"type": "http", "method": "GET", "scheme": "http", "path": "/calls/", "raw_path": b"/calls/"}
    scope |= {"query_string": b"q=Caf\xc3\xa9", "headers": [(b"host", b"here")], "client": None}
    async with Serving(pages, uds=str(path)):
        await PagesElsewhere(here, f"unix://{path}")(scope, receive, send)
    assert json.loads(sent[1]["body"])["query"] == "q=Caf%C3%A9"


async def test_a_body_without_a_length_arrives_whole(client: httpx.AsyncClient) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for number in range(100):
            yield b"%d," % number

    told = (await client.post("/", content=pieces())).json()
    assert told["body"] == "".join(f"{number}," for number in range(100))


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "DELETE"])
async def test_other_methods_pass(client: httpx.AsyncClient, method: str) -> None:
    answer = await client.request(method, "/")
    assert answer.status_code == 201
    assert bool(answer.content) == (method != "HEAD")


async def test_an_answer_without_a_body_has_none(client: httpx.AsyncClient) -> None:
    answer = await client.get("/unchanged/", headers={"If-None-Match": '"a"'})
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", '"a"')


async def test_half_an_answer_is_not_taken_for_the_whole(client: httpx.AsyncClient) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        await client.get("/broken/")


async def test_who_goes_away_ends_what_was_being_made_for_him(client: httpx.AsyncClient, pages: Pages) -> None:
    async with client.stream("GET", "/endless/") as answer:
        async for piece in answer.aiter_raw():
            assert piece
            break
    await pages.left.wait()


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
async def test_pages_that_are_away_are_told_of_and_calls_go_on(path: Path, method: str) -> None:
    async with front(f"unix://{path}") as client:
        answer = await client.request(method, "/calls/")
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "2"
        assert ("they go on" in answer.text) == (method != "HEAD")
        assert ("refresh" in answer.text, "asks again" in answer.text) == (method == "GET", method == "GET")
        assert ("may not have been saved" in answer.text) == (method == "POST")
        assert (await client.post("/carriers/twilio/voice/")).text == "here"


async def test_pages_may_be_made_at_a_port(pages: Pages) -> None:
    port = free_port()
    async with Serving(pages, port=port), front(f"http://127.0.0.1:{port}") as client:
        assert (await client.get("/calls/?q=1")).json()["query"] == "q=1"


async def test_pages_that_hang_up_at_once_are_away(path: Path) -> None:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    listener.setblocking(False)
    async with front(f"unix://{path}") as client:
        asking = asyncio.create_task(client.get("/calls/"))
        link, _ = await asyncio.get_running_loop().sock_accept(listener)
        link.close()
        assert (await asking).status_code == 503
    listener.close()
