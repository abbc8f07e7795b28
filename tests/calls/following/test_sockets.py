"""The pages' websockets: who is let in, what they are told, and what they may ask for."""

from __future__ import annotations

import asyncio
import contextlib
import json
import struct
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from agents.models import Agent, TurnSettings
from agents.snapshot import AgentSnapshot
from calls import services, tokens
from calls.conversation import events as e
from calls.conversation import facts
from calls.following import sockets
from calls.following.switchboard import of_this_loop
from calls.models import Call
from calls.routing import websocket_urlpatterns
from tests import people
from tests.calls.broker import Broker
from tests.calls.following.conftest import RunningCall, until
from voiceplatform.models import AuditEntry

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("quick")]

OURS = b"http://127.0.0.1:8000"
BOARD, MEDIA = "/calls/live/socket/", "/carriers/browser/media/"
LET_IN, TURNED_AWAY = True, False


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


@pytest.fixture
async def call(broker: Broker) -> AsyncIterator[RunningCall]:
    row = await live_row()
    made = RunningCall(row.pk, row.agent_id)
    made.settings.turn = row.settings["turn"]
    made.join()
    board = of_this_loop()
    await until(lambda: board._reading is not None, "the switchboard reads")
    await asyncio.sleep(0.2)
    yield made
    made.leave()
    await until(lambda: board._telling is None, "the switchboard rests")


def path_of(call: RunningCall) -> str:
    return f"/calls/live/{call.id}/socket/"


# --- who is let in


@pytest.mark.parametrize("path", [BOARD, "/calls/live/6a1c9bf4-2f3e-4a3e-9f9a-0d6f5b0c7c11/socket/"])
@pytest.mark.parametrize("kind", people.ALL)
async def test_only_who_may_see_calls_follows_them(broker: Broker, path: str, kind: str) -> None:
    page = Page(path, await cookie_of(kind))
    assert await page.open() is (kind in (people.REVIEWER, people.TUNER, people.ADMIN))
    await page.close()


@pytest.mark.parametrize("kind", people.ALL)
async def test_only_who_may_place_calls_gets_to_the_media_socket(kind: str) -> None:
    page = Page(MEDIA, await cookie_of(kind))
    assert await page.open() is (kind in (people.TUNER, people.ADMIN))
    await page.close()


@pytest.mark.parametrize("origin", [b"https://elsewhere.example", b"null", None])
@pytest.mark.parametrize("path", [BOARD, MEDIA])
async def test_other_sites_cannot_use_somebodys_session(broker: Broker, path: str, origin: bytes | None) -> None:
    page = Page(path, await cookie_of(people.ADMIN), origin)
    assert await page.open() is TURNED_AWAY
    await page.close()


async def test_carriers_who_send_no_origin_still_get_to_their_token() -> None:
    page = Page("/carriers/twilio/media/", origin=None)
    assert await page.open() is LET_IN
    await page.close()


async def test_who_loses_the_right_loses_the_socket(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "ASK_AGAIN_S", 0.05)
    page = Page(BOARD, await cookie_of(people.REVIEWER))
    assert await page.open()
    await User.objects.aupdate(is_active=False)
    with pytest.raises(AssertionError, match=f"closed with {sockets.NOT_ALLOWED}"):
        await page.when("never")


async def test_who_signs_out_loses_the_socket(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "ASK_AGAIN_S", 0.05)
    cookie = await cookie_of(people.REVIEWER)
    page = Page(BOARD, cookie)
    assert await page.open()
    client = Client()
    client.cookies["sessionid"] = cookie
    await sync_to_async(client.logout)()
    with pytest.raises(AssertionError, match=f"closed with {sockets.NOT_ALLOWED}"):
        await page.when("never")


async def test_a_page_without_a_broker_is_told_to_try_again(away: Broker) -> None:
    page = Page(BOARD, await cookie_of(people.ADMIN))
    assert await page.open() is TURNED_AWAY


# --- what a browser's own call needs


async def test_a_token_opens_one_line_and_only_one() -> None:
    row = await live_row()
    agent = await Agent.objects.aget(pk=row.agent_id)
    call = await sync_to_async(services.ring_from_browser)(agent=agent, who="ann")
    cookie = await cookie_of(people.TUNER)
    start = {"event": "start", "call": call.carrier_call_id, "token": tokens.make(call.pk, call.carrier_call_id)}
    assert await sync_to_async(services.claim_stream)(call_id=call.pk, carrier_call_id=call.carrier_call_id)
    for message in (start, {**start, "token": "forged"}, {**start, "call": "BRother"}):
        page = Page(MEDIA, cookie)
        assert await page.open()
        await page.socket.send_to(text_data=json.dumps(message))
        assert (await page.socket.receive_output(10))["code"] == 1008
        await page.close()


# --- what is told


async def test_the_board_names_the_caller_that_the_database_knows(call: RunningCall) -> None:
    page = Page(BOARD, await cookie_of(people.REVIEWER))
    assert await page.open()
    (row,) = (await page.when("rows"))["rows"]
    assert (row["id"], row["caller"], row["agent"]) == (call.id, "+12025550101", "Front desk")
    await page.close()


async def test_rows_that_no_process_tells_of_are_looked_up(broker: Broker) -> None:
    here, over = await live_row(), await live_row()
    await Call.objects.filter(pk=over.pk).aupdate(status=Call.Status.ENDED)
    page = Page(BOARD, await cookie_of(people.REVIEWER))
    assert await page.open()
    for nothing in ("no JSON", '{"over": 1}', '{"over": ["x"]}', "[]"):
        await page.socket.send_to(text_data=nothing)
    await page.socket.send_to(text_data=json.dumps({"over": [str(here.pk), str(over.pk)]}))
    assert (await page.when("rows", rows=[]))["gone"] == [str(over.pk)]
    await page.close()


async def test_a_calls_lines_come_with_their_explanation(call: RunningCall) -> None:
    page = Page(path_of(call), await cookie_of(people.REVIEWER))
    assert await page.open()
    await page.when("news")
    call.write(facts.CALLER_WORDS, item_id="u1", text="wait")
    data = {
        "item_id": "u1",
        "because": "too_short",
        "reasons": [{"evidence": "speech_ms", "value": 200, "threshold": 560}],
    }
    call.write(facts.INTERRUPTION_REFUSED, **data)

    def refused() -> Any:
        return [line for m in page.got for line in m.get("lines", ()) if line["kind"] == facts.INTERRUPTION_REFUSED]

    while not refused():
        await page.read()
    assert refused()[0]["says"] == "Went on: 200 ms of speech, “wait”, below the 560 ms minimum"
    await page.close()


async def test_a_call_that_is_not_known_is_told_so(broker: Broker) -> None:
    page = Page(f"/calls/live/{uuid4()}/socket/", await cookie_of(people.REVIEWER))
    assert await page.open()
    await page.when("unknown")
    await page.close()


# --- what staff do


async def test_a_typed_sentence_goes_to_the_call_and_into_the_audit_log(call: RunningCall) -> None:
    page = Page(path_of(call), await cookie_of(people.TUNER))
    assert await page.open()
    await page.do("say", text="  One   moment. ")
    assert (await page.when("ordered"))["done"] is True
    assert [(s.text, s.by[:5]) for s in call.fed if isinstance(s, e.SentenceTyped)] == [("One moment.", "Tuner")]
    await until_logged("said")
    await page.do("say", text="   ")
    assert "nothing to say" in (await page.when("refused"))["why"]
    await page.close()


async def test_staff_hang_up(call: RunningCall) -> None:
    page = Page(path_of(call), await cookie_of(people.TUNER))
    assert await page.open()
    await page.do("hang_up")
    await page.when("ordered", order="hang_up", done=True)
    assert isinstance(call.fed[-1], e.HangUpAsked)
    await until_logged("hung-up")
    await page.close()


async def test_changed_settings_reach_this_call_whole(call: RunningCall) -> None:
    page = Page(path_of(call), await cookie_of(people.TUNER))
    assert await page.open()
    await page.when("news")
    await page.do("settings", values={"threshold": 0.8})
    await page.when("ordered", order="settings", done=True)
    (offered,) = call.settings.offered
    assert (offered["turn"]["threshold"], offered["turn_detection"]["threshold"]) == (0.8, 0.8)
    assert offered["turn"]["min_speech_ms"] == call.settings.turn["min_speech_ms"]
    await page.do("settings", values={"threshold": 8})
    assert "at most 1" in (await page.when("refused"))["why"]
    await page.close()


async def test_who_may_hear_listens_in_and_nobody_else(call: RunningCall) -> None:
    page = Page(path_of(call), await cookie_of(people.REVIEWER))
    assert await page.open()
    await page.do("listen", on=True)
    await page.when("ordered", order="listen")
    await until(lambda: call.followed.listened, "the call hears that somebody listens")
    call.followed.agent(b"\x22" * 16000, call.followed._clock())
    while not any(sound[0] & 2 for sound in page.sounds):
        await page.read()
    sound = next(sound for sound in page.sounds if sound[0] & 2)
    sides, length = struct.unpack("<BH", sound[:3])
    assert len(sound) == 3 + length * sides.bit_count()
    await until_logged("listened")
    assert [line["kind"] for line in call.followed.lines] == [facts.LISTENED_IN]
    await page.do("listen", on=False)
    await page.close()


@pytest.mark.parametrize(
    ("kind", "do", "why"),
    [
        (people.REVIEWER, {"do": "say", "text": "Hello"}, "speak to callers"),
        (people.REVIEWER, {"do": "hang_up"}, "hang up"),
        (people.REVIEWER, {"do": "settings", "values": {"threshold": 0.9}}, "turn settings"),
        (people.TUNER, {"do": "listen", "on": True}, "hear calls"),
        (people.ADMIN, {"do": "dance"}, "unknown"),
    ],
)
async def test_who_may_not_is_told_so(call: RunningCall, kind: str, do: dict[str, Any], why: str) -> None:
    fed = list(call.fed)
    page = Page(path_of(call), await cookie_of(kind))
    assert await page.open()
    await page.do(**do)
    assert why in (await page.when("refused"))["why"]
    assert call.fed == fed
    assert not call.followed.listened
    assert not await AuditEntry.objects.aexists()
    await page.close()


@pytest.mark.parametrize("text", ["no JSON", "x" * 20_000, "[]", '{"do": []}', "{}"])
async def test_what_is_no_request_does_no_harm(call: RunningCall, text: str) -> None:
    page = Page(path_of(call), await cookie_of(people.ADMIN))
    assert await page.open()
    await page.socket.send_to(text_data=text)
    await page.do("say", text="Still here?")
    await page.when("ordered", order="say")
    await page.close()


async def until_logged(act: str) -> None:
    for _ in range(200):
        if await AuditEntry.objects.filter(act=act).aexists():
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"the audit log has no {act}")
