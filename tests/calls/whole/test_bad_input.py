"""What a broken or hostile peer can send to the media socket: a clear log line, the right close code, nothing else harmed."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import orjson
import pytest
from websockets.exceptions import ConnectionClosed

from calls.simulated_phone import Script, SimulatedPhone
from tests.calls.whole.conftest import Model, phone, place
from tests.platform import Platform, wait_for

FRAME = base64.b64encode(b"\xff" * 160).decode()


async def opened(platform: Platform) -> SimulatedPhone:
    """A phone whose stream has begun."""
    made = phone(platform)
    await made.ring()
    await made.open()
    return made


async def unstarted(platform: Platform) -> SimulatedPhone:
    """A phone whose socket is open, and which has not said who it is."""
    made = phone(platform)
    await made.ring()
    made.start_message = lambda: "skip"
    send = made.send

    async def without_start(message: Any) -> None:
        if message != "skip":
            await send(message)

    made.send = without_start
    await made.open()
    return made


async def close_code(call: SimulatedPhone, seconds: float = 15) -> int | None:
    assert call._socket is not None
    async with asyncio.timeout(seconds):
        try:
            while True:
                await call._socket.recv()
        except ConnectionClosed:
            return call._socket.close_code


def media(payload: str = FRAME) -> dict[str, Any]:
    return {"event": "media", "streamSid": "MZ", "media": {"track": "inbound", "payload": payload}}


@pytest.mark.parametrize(
    ("message", "code", "logged"),
    [
        ("{nonsense", 1007, "not JSON"),
        ("[1, 2]", 1007, "not a JSON object"),
        ({"event": "start"}, 1007, "start without its fields"),
        (media(), 1008, "media before start"),
    ],
)
async def test_before_its_start_a_socket_is_closed_for_any_fault(
    platform: Platform, message: Any, code: int, logged: str
) -> None:
    call = await unstarted(platform)
    await call.send(message)
    assert await close_code(call) == code
    wait_for(lambda: logged in platform.log("web"), f"a log line with: {logged}")


async def test_binary_frames_are_not_accepted(platform: Platform, model: Model) -> None:
    await model.start()
    call = await opened(platform)
    assert call._socket is not None
    await call._socket.send(b"\x00" * 160)
    assert await close_code(call) == 1003
    assert "binary message" in platform.call(call.call_sid)["end_reason"]


async def test_a_second_start_ends_the_stream(platform: Platform, model: Model) -> None:
    await model.start()
    call = await opened(platform)
    await call.send(call.start_message())
    assert await close_code(call) == 1008
    assert "a second start" in platform.call(call.call_sid)["end_reason"]


@pytest.mark.parametrize(
    ("message", "problem"),
    [
        ("{nonsense", "not JSON"),
        ({"event": "telepathy"}, "unknown event"),
        ({"event": "media", "media": {}}, "media without its fields"),
        (media("not base64!"), "sound that is not base64"),
        ({"event": "mark"}, "mark without its fields"),
    ],
)
async def test_within_a_call_an_unreadable_message_is_noted_and_skipped(
    platform: Platform, model: Model, message: Any, problem: str
) -> None:
    await model.start()
    call = await opened(platform)
    await call.send(message)
    await asyncio.to_thread(wait_for, lambda: model.gave("response.created"), "the greeting comes all the same")
    await call.hang_up()
    row = platform.call(call.call_sid)
    assert row["status"] == "ended"
    assert {"source": "phone", "problem": problem} in [
        e["data"] for e in platform.events(row["id"]) if e["kind"] == "bad_input"
    ]


async def test_a_message_of_5_mb_ends_the_stream_and_nothing_else(platform: Platform, model: Model) -> None:
    await model.start()
    other = asyncio.create_task(place(platform, Script(listen_s=1.0, patience_s=0.1, longest_s=20)))
    call = await opened(platform)
    await call.send(orjson.dumps(media("/" * 5_000_000)).decode())
    assert await close_code(call) == 1009
    assert platform.call((await other).call_sid)["status"] == "ended"


async def test_a_flood_of_media_ends_the_stream(platform: Platform, model: Model) -> None:
    await model.start()
    call = await opened(platform)
    for _ in range(800):
        await call.send(media())
    assert await close_code(call) == 1008
    assert "faster than real time" in platform.call(call.call_sid)["end_reason"]


@pytest.mark.parametrize("token", ["", "stolen", None])
async def test_a_wrong_token_opens_no_session(platform: Platform, model: Model, token: str | None) -> None:
    await model.start()
    call = phone(platform)
    await call.ring()
    if token is None:  # another call's own token
        other = phone(platform)
        await other.ring()
        call.answer.parameters = other.answer.parameters
    else:
        call.answer.parameters = {"token": token}
    await call.open()
    assert await close_code(call) == 1008
    assert model.wire == []


async def test_a_token_opens_one_stream(platform: Platform, model: Model) -> None:
    await model.start()
    call = await opened(platform)
    thief = phone(platform)
    thief.answer, thief.call_sid = call.answer, call.call_sid
    await thief.open()
    assert await close_code(thief) == 1008
    assert "used before" in platform.log("web")
    await call.hang_up()
    assert platform.call(call.call_sid)["status"] == "ended"


async def test_a_carrier_that_is_not_known_is_refused_at_the_handshake(platform: Platform) -> None:
    from websockets.asyncio.client import connect
    from websockets.exceptions import InvalidStatus

    with pytest.raises(InvalidStatus) as refused:
        await connect(platform.base_url.replace("http", "ws") + "/carriers/nobody/media/")
    assert refused.value.response.status_code == 403
