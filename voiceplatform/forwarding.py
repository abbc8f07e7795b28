"""Pages are made in a process of their own; the one that carries calls passes their requests on, as they came.

Python runs one thread at a time: a page that takes 300 ms to make costs every call of its process sound, however many threads
there are. One address and one port stay: what is no business of a call goes over a socket to `voiceplatform.pages`, and its answer
comes back a piece at a time, so that an export of a million calls is never held here. When nobody makes pages, calls go on, and a
page says so.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import urlsplit

import httpx

logger = logging.getLogger("voiceplatform")

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

KEPT_HERE = ("/carriers/", "/healthz", "/readyz", "/metrics")
"""What calls, and those who watch this process, ask for."""

OF_THE_CONNECTION = {
    *(b"connection", b"expect", b"keep-alive", b"te", b"trailer", b"transfer-encoding", b"upgrade"),
    *(b"proxy-authenticate", b"proxy-authorization", b"proxy-connection"),
}
"""Headers that mean one connection and not what is said over it (RFC 9110, 7.6.1)."""

NO_TARGET = re.compile(rb"[^\x21-\x7e]")
"""Bytes that some programs send in an address as they are, and a request must not hold."""

TIMEOUTS = httpx.Timeout(None, connect=2.0, pool=10.0)
"""A page may take its time; whether anybody makes pages is known at once."""

LIMITS = httpx.Limits(max_connections=200, max_keepalive_connections=0)
"""Connections on one machine cost nothing to make; one that is kept may be closed just when a form is sent over it."""

AWAY = Template((Path(__file__).parent.parent / "templates" / "pages_away.html").read_text())
WAS_READ = {
    "again": '<meta http-equiv="refresh" content="3">',
    "note": "This page asks again every three seconds.",
}
WAS_SENT = {
    "again": "",  # a form that was sent must not be asked for
    "note": "What you sent may not have been saved. Wait a moment, "
    '<a href="/admin/">go to the start page</a>, and look before you send it again.',
}


class PagesElsewhere:
    """An ASGI application: `here` answers calls, the process at `address` all else.

    `address` is unix:///path or http://host:port; see PAGES_ADDRESS in the README.
    """

    def __init__(self, here: Application, address: str) -> None:
        parts = urlsplit(address)
        self._here = here
        self._base = httpx.URL(address if parts.scheme == "http" else "http://pages")
        uds = parts.path if parts.scheme == "unix" else None
        self._transport = httpx.AsyncHTTPTransport(uds=uds, limits=LIMITS)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["path"].startswith(KEPT_HERE):
            await self._here(scope, receive, send)
            return
        try:
            answer = await self._transport.handle_async_request(self._request(scope, receive))
        except httpx.TransportError as error:
            logger.warning("A page cannot be had, calls go on: %s", type(error).__name__)
            await _tell_away(scope["method"], send)
            return
        try:
            await _while_wanted(receive, _hand_over(answer, send))
        finally:
            await answer.aclose()

    def _request(self, scope: Message, receive: Receive) -> httpx.Request:
        headers = [(name, value) for name, value in scope["headers"] if name not in OF_THE_CONNECTION]
        # Who asks was found out here, where it is known which proxies may be believed.
        headers = [(name, value) for name, value in headers if name != b"x-forwarded-for"]
        if scope.get("client"):
            headers.append((b"x-forwarded-for", scope["client"][0].encode()))
        if not any(name == b"x-forwarded-proto" for name, _ in headers):
            headers.append((b"x-forwarded-proto", scope["scheme"].encode()))
        target = scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
        target = NO_TARGET.sub(lambda byte: b"%%%02X" % byte[0][0], target)
        has_body = any(name in (b"content-length", b"transfer-encoding") for name, _ in scope["headers"])
        return httpx.Request(
            scope["method"],
            self._base,
            headers=headers,
            content=_body(receive) if has_body else None,
            # As it came, for httpx would put some addresses right and refuse others.
            extensions={"timeout": TIMEOUTS.as_dict(), "target": target},
        )


async def _tell_away(method: str, send: Send) -> None:
    page = AWAY.substitute(WAS_READ if method in ("GET", "HEAD") else WAS_SENT)
    body = page.encode()
    headers = [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"retry-after", b"2"),
    ]
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if method == "HEAD" else body})


async def _body(receive: Receive) -> AsyncIterator[bytes]:
    """What is sent with a request, a piece at a time. Raises WriteError when the browser goes away before its end."""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise httpx.WriteError("the browser went away")
        yield message.get("body", b"")
        if not message.get("more_body"):
            return


async def _hand_over(answer: httpx.Response, send: Send) -> None:
    headers = [(name.lower(), value) for name, value in answer.headers.raw]
    headers = [(name, value) for name, value in headers if name not in OF_THE_CONNECTION]
    await send({"type": "http.response.start", "status": answer.status_code, "headers": headers})
    assert isinstance(answer.stream, httpx.AsyncByteStream)
    try:
        async for piece in answer.stream:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    except httpx.TransportError as error:
        # The server closes an answer that has no end, so nobody takes a half for the whole.
        logger.warning("A page broke off, calls go on: %s", type(error).__name__)
        return
    await send({"type": "http.response.body", "body": b""})


async def _while_wanted(receive: Receive, handing_over: Any) -> None:
    """Until the answer was handed over, or nobody waits for it any more."""
    tasks = {asyncio.ensure_future(handing_over), asyncio.ensure_future(_gone(receive))}
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue
