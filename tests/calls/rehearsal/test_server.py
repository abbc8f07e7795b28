"""The rehearsal model over real sockets: the official SDK holds a conversation with it, and every event is held against its types.

The SDK's `realtime` extra pins websockets below 16; its client works with the version that is installed here, so the extra is not.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from openai import AsyncOpenAI
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from calls import audio
from calls.rehearsal import sound
from calls.rehearsal.behaviour import Behaviour
from calls.rehearsal.server import RehearsalServer
from calls.simulated_phone import read_wav
from calls.vad import SileroVad
from tests.calls.rehearsal.talk import phone_session
from tests.openai_types import check_client_event, check_server_event

PAUSES = Path(__file__).parent.parent.parent / "audio" / "pauses.wav"


@dataclass
class Running:
    """A server, and all that was on its wire."""

    server: RehearsalServer
    url: str
    wire: list[tuple[str, dict[str, Any]]]
    faults: list[AssertionError] = field(default_factory=list)

    def client(self) -> Any:
        sdk = AsyncOpenAI(api_key="none", websocket_base_url=self.url.removesuffix("/realtime"))
        return sdk.realtime.connect(model="gpt-realtime-2.1")


async def run(**behaviour: Any) -> Running:
    wire: list[tuple[str, dict[str, Any]]] = []
    faults: list[AssertionError] = []

    def watch(side: str, event: dict[str, Any]) -> None:
        wire.append((side, event))
        try:
            (check_client_event if side == "client" else check_server_event)(event)
        except AssertionError as fault:
            faults.append(fault)

    server = RehearsalServer(Behaviour(**behaviour), watch)
    return Running(server, await server.start(), wire, faults)


@pytest.fixture
async def model() -> AsyncIterator[Running]:
    running = await run(first_audio_s=0.05)
    yield running
    await running.server.close()
    assert not running.faults, running.faults[:3]


class Caller:
    """A client of the SDK, with a memory of what it received."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.events: list[Any] = []

    async def until(self, kind: str) -> Any:
        async with asyncio.timeout(20):
            while True:
                event = await self.connection.recv()
                self.events.append(event)
                if event.type == kind:
                    return event

    async def say(self, encoded: bytes, piece: int = 1600) -> None:
        for i in range(0, len(encoded), piece):
            await self.connection.input_audio_buffer.append(audio=base64.b64encode(encoded[i : i + piece]).decode())

    def kinds(self) -> list[str]:
        return [event.type for event in self.events]


async def test_the_official_sdk_holds_a_conversation(model: Running) -> None:
    speech = read_wav(PAUSES)[: 2900 * 8]
    async with model.client() as connection:
        caller = Caller(connection)
        await caller.until("session.created")
        await connection.session.update(session=phone_session())
        updated = await caller.until("session.updated")
        assert updated.session.audio.input.turn_detection.threshold == 0.6

        await caller.say(speech)
        started = await caller.until("input_audio_buffer.speech_started")
        stopped = await caller.until("input_audio_buffer.speech_stopped")
        committed = await caller.until("input_audio_buffer.committed")
        assert started.item_id == stopped.item_id == committed.item_id
        assert started.audio_start_ms + 300 == pytest.approx(330, abs=150)
        assert stopped.audio_end_ms - 512 == pytest.approx(2120, abs=150)

        await connection.response.create(response={"metadata": {"req": "ask-1"}})
        created = await caller.until("response.created")
        assert created.response.metadata == {"req": "ask-1"}
        await caller.until("response.output_audio.delta")
        delta = await caller.until("response.output_audio.delta")

        # The caller speaks into it: everything is ours to do, as the settings say.
        await caller.say(speech[: 1500 * 8])
        second = await caller.until("input_audio_buffer.speech_started")
        assert second.item_id != started.item_id
        await connection.response.cancel(response_id=created.response.id)
        await connection.conversation.item.truncate(item_id=delta.item_id, content_index=0, audio_end_ms=120)
        truncated = await caller.until("conversation.item.truncated")
        assert truncated.audio_end_ms == 120
        done = await caller.until("response.done")
        assert (done.response.status, done.response.status_details.reason) == ("cancelled", "client_cancelled")
        await caller.say(audio.silence(800))
        await caller.until("input_audio_buffer.committed")

        await connection.response.create()
        next_turn = await caller.until("response.created")
        done = await caller.until("response.done")
        assert (done.response.id, done.response.status) == (next_turn.response.id, "completed")
        assert "error" not in caller.kinds()
    async with asyncio.timeout(5):
        while model.server.open_sockets:
            await asyncio.sleep(0.01)


async def test_a_session_as_it_is_opened_answers_and_lets_itself_be_interrupted(model: Running) -> None:
    """PCM at 24 kHz, and everything left to the server: the defaults of the service."""
    speech = audio.resample(audio.mulaw_decode(read_wav(PAUSES)[: 2900 * 8]), 8000, 24000)
    async with model.client() as connection:
        caller = Caller(connection)
        await caller.say(speech, 4801)
        created = await caller.until("response.created")
        assert caller.kinds()[-5:-1] == [
            "input_audio_buffer.speech_stopped",
            "input_audio_buffer.committed",
            "conversation.item.added",
            "conversation.item.done",
        ]
        await caller.until("response.output_audio.delta")
        await caller.say(speech, 4801)
        done = await caller.until("response.done")
        assert done.response.id == created.response.id
        assert done.response.status_details.reason == "turn_detected"
        assert await caller.until("response.created")


async def test_what_it_says_is_speech(model: Running) -> None:
    async with model.client() as connection:
        for kind, decode in (
            ("audio/pcm", lambda heard: audio.resample(heard, 24000, 8000)),
            ("audio/pcma", sound.alaw_decode),
            ("audio/pcmu", audio.mulaw_decode),
        ):
            caller = Caller(connection)
            await connection.session.update(
                session={"type": "realtime", "audio": {"output": {"format": {"type": kind}}}}
            )
            await connection.response.create(
                response={"instructions": "Say exactly these words: “Good morning, how are you?”"}
            )
            await caller.until("response.done")
            heard = b"".join(
                base64.b64decode(event.delta) for event in caller.events if event.type == "response.output_audio.delta"
            )
            probabilities = SileroVad().feed(decode(heard))
            assert sum(p > 0.5 for p in probabilities) > len(probabilities) / 2, kind


async def test_words_are_never_invented(model: Running) -> None:
    async with model.client() as connection:
        caller = Caller(connection)
        await connection.session.update(session=phone_session())
        await caller.say(read_wav(PAUSES)[: 2900 * 8])
        failed = await caller.until("conversation.item.input_audio_transcription.failed")
        assert failed.error.code == "rehearsal_cannot_hear_words"


async def test_sessions_do_not_know_of_each_other(model: Running) -> None:
    async with model.client() as one, model.client() as other:
        first, second = Caller(one), Caller(other)
        await one.response.create()
        await other.response.create()
        done = [await caller.until("response.done") for caller in (first, second)]
        assert done[0].response.id != done[1].response.id
        for caller, end in zip((first, second), done, strict=True):
            ids = {event.response_id for event in caller.events if hasattr(event, "response_id")}
            assert ids == {end.response.id}


async def test_what_is_on_the_wire_has_the_order_of_the_session(model: Running) -> None:
    """Cancels cross the deltas, many times over: after a reply's end nothing of it comes, and one is active at most."""
    model.server.behaviour = Behaviour(first_words_s=0.0, first_audio_s=0.0, pace=200.0, late_deltas=2)
    async with model.client() as connection:
        caller, active = Caller(connection), ""
        for _ in range(15):
            await connection.response.create()
            await caller.until("response.output_audio.delta")
            await connection.response.cancel()
            await caller.until("response.done")
        for event in caller.events:
            if event.type == "response.created":
                assert not active
                active = event.response.id
            elif event.type == "response.done":
                assert event.response.id == active
                active = ""
            elif hasattr(event, "response_id"):
                assert event.response_id == active


# --- what is no conversation


async def test_nonsense_gets_an_error_and_harms_nothing(model: Running) -> None:
    async with connect(model.url) as socket:
        await socket.recv()
        for nonsense in ("", "{", "[]", "7", '"text"', "\x00", b"\xff\xfe"):
            await socket.send(nonsense)
            answer = json.loads(await socket.recv())
            assert answer["type"] == "error"
        await socket.send('{"type":"response.create"}')
        assert json.loads(await socket.recv())["type"] == "response.created"
    model.faults.clear()  # they are the client's, on purpose


@pytest.mark.parametrize("status", [401, 429, 503])
async def test_a_handshake_can_be_refused(status: int) -> None:
    running = await run(refuse_status=status)
    with pytest.raises(InvalidStatus) as refused:
        await connect(running.url)
    assert refused.value.response.status_code == status
    await running.server.close()


async def test_another_address_is_not_found_and_the_server_says_what_it_is(model: Running) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await connect(model.url.replace("/realtime", "/chat"))
    assert refused.value.response.status_code == 404
    async with connect(model.url) as socket:
        assert socket.response is not None
        assert "Rehearsal" in socket.response.headers["Server"]


@pytest.mark.parametrize(("code", "seen"), [(None, 1006), (1011, 1011)])
async def test_a_socket_can_break(code: int | None, seen: int) -> None:
    running = await run(drop_after_s=0.05, drop_code=code)
    async with connect(running.url) as socket:
        with pytest.raises(ConnectionClosed):
            async with asyncio.timeout(5):
                while True:
                    await socket.recv()
        assert socket.close_code == seen
    await running.server.close()


async def test_a_session_ends_by_itself_with_a_word() -> None:
    running = await run(session_s=0.05)
    async with connect(running.url) as socket:
        messages = [json.loads(message) async for message in socket]
        assert [message["type"] for message in messages] == ["session.created", "error"]
        assert messages[1]["error"]["code"] == "session_expired"
        assert (socket.close_code, socket.close_reason) == (
            1001,
            "Your session hit the maximum duration of 60 minutes.",
        )
    await running.server.close()


async def test_closing_ends_what_is_open(model: Running) -> None:
    async with connect(model.url) as socket:
        await socket.recv()
        await model.server.close()
        with pytest.raises(ConnectionClosed):
            await socket.recv()
    assert model.server.open_sockets == 0
    await model.server.close()
