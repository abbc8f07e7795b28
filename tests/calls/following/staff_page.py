"""A page that follows calls: the browser's end of its socket, and who sits before it."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any
from uuid import uuid4

from asgiref.sync import sync_to_async
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from agents.models import Agent, TurnSettings
from agents.snapshot import AgentSnapshot
from calls.models import Call
from calls.routing import websocket_urlpatterns
from tests import people

OURS = b"http://127.0.0.1:8000"


class Page:
    """A browser's end of a socket."""

    def __init__(self, path: str, cookie: str = "", origin: bytes | None = OURS) -> None:
        headers = [(b"host", b"127.0.0.1:8000")]
        if origin is not None:
            headers.append((b"origin", origin))
        if cookie:
            headers.append((b"cookie", f"sessionid={cookie}".encode()))
        self.socket = WebsocketCommunicator(URLRouter(websocket_urlpatterns), path, headers=headers)
        self.got: list[dict[str, Any]] = []
        self.sounds: list[bytes] = []

    async def open(self) -> bool:
        return bool((await self.socket.connect(timeout=10))[0])

    async def do(self, do: str, **more: Any) -> None:
        await self.socket.send_to(text_data=json.dumps({"do": do, **more}))

    async def when(self, kind: str, **fields: Any) -> dict[str, Any]:
        """The first message of a kind with these fields."""
        async with asyncio.timeout(15):
            while True:
                for message in self.got:
                    if message["type"] == kind and fields.items() <= message.items():
                        return message
                await self.read()

    async def read(self) -> None:
        output = await self.socket.receive_output(timeout=15)
        if output["type"] == "websocket.close":
            raise AssertionError(f"closed with {output.get('code')}")
        if output.get("bytes"):
            self.sounds.append(output["bytes"])
        else:
            self.got.append(json.loads(output["text"]))

    async def close(self) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await self.socket.disconnect()


def session(kind: str, *extra: str) -> str:
    """The session cookie of a person of a kind, with more permissions."""
    user = people.person(kind)
    if user is None:
        return ""
    for codename in extra:
        user.user_permissions.add(Permission.objects.get(codename=codename))
    client = Client()
    client.force_login(user)
    return client.cookies["sessionid"].value


cookie_of = sync_to_async(session)


@sync_to_async
def live_row() -> Call:
    agent, made = Agent.objects.get_or_create(name="Front desk", defaults={"instructions": "Help."})
    if made:
        TurnSettings.objects.create(agent=agent)
    return Call.objects.create(
        agent=agent,
        carrier="twilio",
        carrier_call_id=uuid4().hex,
        caller="+12025550101",
        called="+12025550142",
        status=Call.Status.LIVE,
        started_at=timezone.now(),
        settings=AgentSnapshot.of(agent).as_json(),
    )


def path_of(call: Any) -> str:
    return f"/calls/live/{call.id}/socket/"
