"""The pages' websockets: who is let in, what they are told, and what they may ask for."""

from __future__ import annotations

import asyncio
import json
import struct
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import Permission, User
from django.test import Client

from agents.models import Agent
from calls import services, tokens
from calls.conversation import events as e
from calls.conversation import facts
from calls.following import sockets
from calls.models import Call
from tests import people
from tests.calls.broker import Broker
from tests.calls.following.conftest import RunningCall, until
from tests.calls.following.staff_page import Page, cookie_of, live_row, path_of
from voiceplatform.models import AuditEntry

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("quick")]

BOARD, MEDIA = "/calls/live/socket/", "/carriers/browser/media/"
LET_IN, TURNED_AWAY = True, False


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


async def test_changed_settings_are_called_as_on_their_screen(call: RunningCall) -> None:
    page = Page(path_of(call), await cookie_of(people.REVIEWER))
    assert await page.open()
    await page.when("news")
    call.write(facts.SETTINGS_CHANGED, by="ann", changes={"grace_ms": [0, 20], "stop_sound": ["at_once", "when_sure"]})

    def says() -> list[str]:
        return [line["says"] for m in page.got for line in m.get("lines", ()) if line["kind"] == facts.SETTINGS_CHANGED]

    while not says():
        await page.read()
    assert "no interruption at first for 0 ms → 20 ms" in says()[0]
    assert "the agent's sound stops at once" in says()[0]
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


async def test_who_loses_the_right_to_hear_hears_no_more(call: RunningCall, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "ASK_AGAIN_S", 0.05)
    page = Page(path_of(call), await cookie_of(people.TUNER, "hear_recording"))
    assert await page.open()
    await page.do("listen", on=True)
    await until(lambda: call.followed.listened, "the call hears that somebody listens")
    await Permission.user_set.through.objects.all().adelete()
    assert "not hear calls any more" in (await page.when("refused", do="listen"))["why"]
    await page.do("say", text="Still here")  # and follows on
    await page.when("ordered", order="say")
    await page.close()


async def test_nothing_is_heard_that_the_call_was_not_told_of(
    call: RunningCall, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Page(path_of(call), await cookie_of(people.REVIEWER))
    assert await page.open()
    await page.when("news")

    async def broken(self: Any, order: str, **more: Any) -> None:
        raise sockets.Refusal("The broker (Redis) cannot be reached.")

    with monkeypatch.context() as patch:
        patch.setattr(sockets.CallSocket, "_order", broken)
        await page.do("listen", on=True)
        await page.when("refused", do="listen")
    assert not call.followed.listened
    await page.do("listen", on=True)
    await page.when("ordered", order="listen")
    await until(lambda: call.followed.listened, "the call hears that somebody listens")
    assert [line["kind"] for line in call.followed.lines] == [facts.LISTENED_IN]
    await until_logged("listened")
    await page.close()


@pytest.mark.parametrize("value", ["nan", "inf", "1e400", "loud", None, [0.6], {}, "1" * 5000])
async def test_what_is_no_value_is_refused_and_the_page_stays(call: RunningCall, value: Any) -> None:
    page = Page(path_of(call), await cookie_of(people.TUNER))
    assert await page.open()
    await page.when("news")
    for number, name in enumerate(("threshold", "min_speech_ms")):
        await page.do("settings", values={name: value}, change=number)
        refused = await page.when("refused", do="settings", change=number)
        assert refused["why"]
        assert refused["turn"]["threshold"] == 0.6
    assert call.settings.offered == []
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
