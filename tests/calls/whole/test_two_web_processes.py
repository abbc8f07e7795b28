"""Two web processes, one broker: the board of either shows the calls of both; an order given at one reaches the other's call."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect

from calls.simulated_phone import Script, SimulatedPhone
from tests.bench.pages import sign_in
from tests.calls.whole.conftest import Model
from tests.platform import NUMBER, TOKEN, Platform

BOSS = """
from django.contrib.auth.models import User
User.objects.filter(username="chief").exists() or User.objects.create_superuser("chief", password="a-good-password")
"""


@pytest.fixture
def both(platform: Platform, bare_settings: None) -> Iterator[Platform]:
    platform.manage("shell", "-c", BOSS)
    platform.start("second web")
    yield platform
    platform.kill("second web")


@contextlib.asynccontextmanager
async def staff(base_url: str, path: str) -> AsyncIterator[ClientConnection]:
    """A socket of somebody who signed in at this process."""

    def cookie() -> str:
        with httpx.Client(base_url=base_url, timeout=30, trust_env=False) as client:
            sign_in(client, "chief", "a-good-password")
            return client.cookies["sessionid"]

    headers = {"Cookie": f"sessionid={await asyncio.to_thread(cookie)}", "Origin": base_url}
    async with connect(base_url.replace("http", "ws", 1) + path, additional_headers=headers, max_size=None) as socket:
        yield socket


async def until(socket: ClientConnection, fact: Any) -> Any:
    """Read until a message shows the fact, and give that."""
    async with asyncio.timeout(30):
        async for message in socket:
            if found := fact(message if isinstance(message, bytes) else json.loads(message)):
                return found
    raise AssertionError("the socket ended before")


def ring(base_url: str, caller: str) -> SimulatedPhone:
    return SimulatedPhone(base_url=base_url, auth_token=TOKEN, to=NUMBER, caller=caller)


async def test_what_runs_at_one_is_seen_heard_and_ended_at_the_other(both: Platform, model: Model) -> None:
    await model.start()
    phones = [ring(both.base_url, "+12025550181"), ring(both.second_url, "+12025550182")]
    callers = {made.caller for made in phones}
    async with staff(both.second_url, "/calls/live/socket/") as board:
        for made in phones:
            await made.ring()
        calling = [asyncio.create_task(made.talk(Script(listen_s=60, longest_s=60))) for made in phones]
        rows: dict[str, str] = {}

        def all_seen(message: Any) -> bool:
            rows.update({row.get("caller"): row["id"] for row in message.get("rows", ())})
            return callers <= set(rows)

        await until(board, all_seen)
        async with staff(both.second_url, f"/calls/live/{rows['+12025550181']}/socket/") as call:
            await call.send(json.dumps({"do": "listen", "on": True}))
            await until(call, lambda message: isinstance(message, bytes))
            await call.send(json.dumps({"do": "say", "text": "Somebody will join you."}))
            await until(
                call, lambda message: not isinstance(message, bytes) and "Somebody will join" in json.dumps(message)
            )
            await call.send(json.dumps({"do": "hang_up"}))
            await calling[0]
        await until(board, lambda message: rows["+12025550181"] in message.get("gone", ()))
        async with staff(both.base_url, f"/calls/live/{rows['+12025550182']}/socket/") as call:
            await until(call, lambda message: message["type"] == "news")
            await call.send(json.dumps({"do": "hang_up"}))
            await calling[1]
    for made in phones:
        assert (await asyncio.to_thread(both.call, made.call_sid))["end_reason"] == "hung up by staff"


async def test_a_process_that_dies_takes_its_calls_from_the_board_and_no_others(both: Platform, model: Model) -> None:
    await model.start()
    staying, dying = ring(both.base_url, "+12025550183"), ring(both.second_url, "+12025550184")
    async with staff(both.base_url, "/calls/live/socket/") as board:
        for made in (staying, dying):
            await made.ring()
        script = Script(listen_s=12, longest_s=40)
        calling = [asyncio.create_task(made.talk(script)) for made in (staying, dying)]
        seen: dict[str, str] = {}

        def both_seen(message: Any) -> bool:
            seen.update({row.get("caller"): row["id"] for row in message.get("rows", ())})
            return {"+12025550183", "+12025550184"} <= set(seen)

        await until(board, both_seen)
        await asyncio.to_thread(both.kill, "second web")
        await asyncio.gather(calling[1], return_exceptions=True)
        await asyncio.to_thread(both.start, "second web")  # finds what the dead one left on the disk
        await calling[0]

        async def gone() -> None:
            """As the page does: ask for rows that nobody tells of."""
            while True:
                await board.send(json.dumps({"over": [seen["+12025550184"]]}))
                await asyncio.sleep(0.2)

        asking = asyncio.create_task(gone())
        await until(board, lambda message: seen["+12025550184"] in message.get("gone", ()))
        asking.cancel()
    assert (await asyncio.to_thread(both.call, staying.call_sid))["end_reason"] != "server stopped"
    assert (await asyncio.to_thread(both.call, dying.call_sid))["end_reason"] == "server stopped"
