"""The rehearsal model against independent clients: the official SDK holds a conversation with it."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from openai import AsyncOpenAI

from calls import audio
from calls.rehearsal.behaviour import Behaviour
from calls.rehearsal.server import RehearsalServer
from calls.simulated_phone import read_wav
from tests.openai_types import check_client_event, check_server_event

SESSION: dict[str, Any] = {
    "type": "realtime",
    "output_modalities": ["audio"],
    "instructions": "You answer the phone.",
    "audio": {
        "input": {
            "format": {"type": "audio/pcmu"},
            "transcription": {"model": "gpt-realtime-whisper"},
            "turn_detection": {
                "type": "server_vad",
                "threshold": 0.6,
                "prefix_padding_ms": 300,
                "silence_duration_ms": 500,
                "idle_timeout_ms": None,
                "create_response": False,
                "interrupt_response": False,
            },
        },
        "output": {"format": {"type": "audio/pcmu"}, "voice": "marin", "speed": 1.0},
    },
}


def check(side: str, event: dict[str, Any]) -> None:
    (check_client_event if side == "client" else check_server_event)(event)


@pytest.fixture
async def server() -> AsyncIterator[RehearsalServer]:
    faults: list[AssertionError] = []

    def watch(side: str, event: dict[str, Any]) -> None:
        try:
            check(side, event)
        except AssertionError as fault:
            faults.append(fault)

    rehearsal = RehearsalServer(Behaviour(first_audio_s=0.02), watch)
    rehearsal.url = await rehearsal.start()  # type: ignore[attr-defined]
    yield rehearsal
    await rehearsal.close()
    assert not faults, faults


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

    async def say(self, mulaw: bytes) -> None:
        for i in range(0, len(mulaw), 1600):
            await self.connection.input_audio_buffer.append(audio=base64.b64encode(mulaw[i : i + 1600]).decode())


async def test_the_official_sdk_holds_a_conversation(server: RehearsalServer, clips: Path) -> None:
    client = AsyncOpenAI(api_key="none", websocket_base_url=server.url.removesuffix("/realtime"))  # type: ignore[attr-defined]
    async with client.realtime.connect(model="gpt-realtime-2.1") as connection:
        caller = Caller(connection)
        await caller.until("session.created")
        await connection.session.update(session=SESSION)  # type: ignore[arg-type]
        updated = await caller.until("session.updated")
        assert updated.session.audio.input.turn_detection.threshold == 0.6

        await caller.say(audio.silence(400) + read_wav(clips / "request.wav") + audio.silence(1200))
        started = await caller.until("input_audio_buffer.speech_started")
        stopped = await caller.until("input_audio_buffer.speech_stopped")
        assert started.item_id == stopped.item_id
        assert (started.audio_start_ms + 300) % 32 == 0
        assert stopped.audio_end_ms > started.audio_start_ms + 800
        await caller.until("input_audio_buffer.committed")

        await connection.response.create(response={"metadata": {"req": "ask-1"}})
        created = await caller.until("response.created")
        assert created.response.metadata == {"req": "ask-1"}
        delta = await caller.until("response.output_audio.delta")
        await caller.until("response.output_audio.delta")
        await connection.response.cancel(response_id=created.response.id)
        done = await caller.until("response.done")
        assert done.response.status == "cancelled"
        assert done.response.status_details.reason == "client_cancelled"

        await connection.conversation.item.truncate(item_id=delta.item_id, content_index=0, audio_end_ms=120)
        truncated = await caller.until("conversation.item.truncated")
        assert truncated.audio_end_ms == 120

        await connection.response.create()
        await caller.until("response.created")
        done = await caller.until("response.done")
        assert done.response.status == "completed"


async def test_words_are_never_invented(server: RehearsalServer, clips: Path) -> None:
    client = AsyncOpenAI(api_key="none", websocket_base_url=server.url.removesuffix("/realtime"))  # type: ignore[attr-defined]
    async with client.realtime.connect(model="gpt-realtime-2.1") as connection:
        caller = Caller(connection)
        await connection.session.update(session=SESSION)  # type: ignore[arg-type]
        await caller.say(read_wav(clips / "request.wav") + audio.silence(1200))
        failed = await caller.until("conversation.item.input_audio_transcription.failed")
        assert failed.error.code == "rehearsal_cannot_hear_words"


@pytest.mark.parametrize("status", [401, 429, 503])
async def test_a_handshake_can_be_refused(status: int) -> None:
    from websockets.asyncio.client import connect
    from websockets.exceptions import InvalidStatus

    rehearsal = RehearsalServer(Behaviour(refuse_status=status))
    url = await rehearsal.start()
    with pytest.raises(InvalidStatus) as refused:
        await connect(url)
    assert refused.value.response.status_code == status
    await rehearsal.close()
