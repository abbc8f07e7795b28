"""Staff who follow calls while they run: the live board, and one call that is listened in on.

A process of its own, as tests/bench/pages.py is one. Prints a line when the board is open, and JSON at its end: what came.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.bench.pages import sign_in

BOARD = "/calls/live/socket/"


class Follower:
    """One person with two pages open."""

    def __init__(self, url: str, cookie: str) -> None:
        self._url = url.replace("http", "ws", 1)
        self._more = {"additional_headers": {"Cookie": f"sessionid={cookie}", "Origin": url}, "max_size": None}
        self.came = {"rows": 0, "news": 0, "lines": 0, "sound_s": 0.0}
        self._call: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def board(self) -> None:
        async with connect(self._url + BOARD, **self._more) as socket:
            print("open", flush=True)  # the calls may begin
            async for text in socket:
                message = json.loads(text)
                for row in message.get("rows", ()):
                    self.came["rows"] += 1
                    if not self._call.done():
                        self._call.set_result(row["id"])

    async def listen(self) -> None:
        call = await self._call
        async with connect(f"{self._url}/calls/live/{call}/socket/", **self._more) as socket:
            await socket.send(json.dumps({"do": "listen", "on": True}))
            async for message in socket:
                if isinstance(message, bytes):
                    self.came["sound_s"] += int.from_bytes(message[1:3], "little") / 8000
                elif (told := json.loads(message))["type"] == "news":
                    self.came["news"] += 1
                    self.came["lines"] += len(told["lines"])


async def follow(url: str, cookie: str, seconds: float) -> dict[str, float]:
    follower = Follower(url, cookie)
    watching = asyncio.gather(follower.board(), follower.listen())
    try:
        async with asyncio.timeout(seconds):
            await watching
    except (TimeoutError, ConnectionClosed):
        pass
    return follower.came


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("user")
    parser.add_argument("password")
    parser.add_argument("seconds", type=float)
    args = parser.parse_args()
    with httpx.Client(base_url=args.url, timeout=30, trust_env=False) as client:
        sign_in(client, args.user, args.password)
        cookie = client.cookies["sessionid"]
    print(json.dumps(asyncio.run(follow(args.url, cookie, args.seconds))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
