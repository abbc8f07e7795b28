"""The stand-in's voice over HTTP: what it refuses, how it breaks, and that it knows what it has said."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from calls.rehearsal.voices.host import Host, VoiceBehaviour
from calls.rehearsal.voices.speechmatics import SpeechmaticsStandIn

PCM = {"output_format": "pcm_16000"}
QUICK = VoiceBehaviour(first_sound_s=0.0, pace=200.0)
LONG = "This is a long sentence, and it takes some seconds until all of it has been said."


@asynccontextmanager
async def standing(behaviour: VoiceBehaviour = QUICK) -> AsyncIterator[tuple[SpeechmaticsStandIn, httpx.AsyncClient]]:
    made = SpeechmaticsStandIn()
    made.behaviour = behaviour
    host = Host({"speechmatics": made})
    base = f"http://{await host.start()}/speechmatics"
    async with httpx.AsyncClient(base_url=base, trust_env=False, timeout=10) as client:
        yield made, client
    await host.close()


@pytest.mark.parametrize(
    ("path", "body", "key", "status"),
    [
        ("/generate/sarah", {"text": "Hi."}, "", 200),
        ("/generate/jack", {"text": "Hi."}, "some", 200),
        ("/generate/sarah", {"text": "Hi."}, "wrong", 401),
        ("/generate/nobody", {"text": "Hi."}, "", 404),
        ("/generate/sarah", {"text": "  "}, "", 400),
        ("/generate/sarah", {"words": "Hi."}, "", 400),
        ("/generate/sarah", ["Hi."], "", 400),
        ("/speak/sarah", {"text": "Hi."}, "", 404),
    ],
)
async def test_what_it_takes_and_what_not(path: str, body: Any, key: str, status: int) -> None:
    async with standing() as (made, client):
        headers = {"authorization": f"Bearer {key}"} if key else {}
        answer = await client.post(path, params=PCM, json=body, headers=headers)
    assert answer.status_code == status
    assert len(made.spoken) == (status == 200)


async def test_it_takes_only_posts_and_formats_that_it_has() -> None:
    async with standing() as (_, client):
        assert (await client.get("/generate/sarah")).status_code == 404
        mp3 = await client.post("/generate/sarah", params={"output_format": "mp3"}, json={"text": "Hi."})
        assert mp3.status_code == 400
        broken = await client.post("/generate/sarah", params=PCM, content=b"{")
        assert broken.status_code == 400
        unasked = await client.post("/generate/sarah", json={"text": "Hi."})
        assert unasked.content.startswith(b"RIFF")


@pytest.mark.parametrize(
    ("error", "status"), [("quota", 402), ("voice", 404), ("key", 401), ("busy", 503), ("server", 500)]
)
async def test_each_kind_of_error_has_its_status(error: str, status: int) -> None:
    async with standing(VoiceBehaviour(error=error)) as (made, client):
        assert (await client.post("/generate/sarah", json={"text": "Hi."})).status_code == status
        made.behaviour = VoiceBehaviour(refuse_status=418)
        assert (await client.post("/generate/sarah", json={"text": "Hi."})).status_code == 418


async def test_its_chunks_end_in_the_middle_of_samples() -> None:
    asked: dict[str, Any] = {"params": PCM, "json": {"text": LONG}}
    async with standing() as (made, client), client.stream("POST", "/generate/sarah", **asked) as answer:
        chunks = [chunk async for chunk in answer.aiter_raw()]
    assert len(chunks) > 3
    assert any(len(chunk) % 2 for chunk in chunks)
    assert sum(map(len, chunks)) / 32 == pytest.approx(made.spoken[0].sent_ms, abs=0.1)
    assert made.spoken[0].heard(made.spoken[0].sent_ms + 1) == LONG


async def test_voices_differ() -> None:
    async with standing() as (_, client):
        theirs = [(await client.post(f"/generate/{v}", json={"text": "Hi there."})).content for v in ("sarah", "theo")]
    assert theirs[0] != theirs[1]


async def test_it_breaks_in_the_middle() -> None:
    async with standing(VoiceBehaviour(first_sound_s=0.0, pace=200.0, break_after_ms=500)) as (made, client):
        with pytest.raises(httpx.RemoteProtocolError):
            await client.post("/generate/sarah", params=PCM, json={"text": LONG})
    assert 500 <= made.spoken[0].sent_ms < 1000


async def test_it_can_begin_and_never_make_a_sound() -> None:
    async with standing(VoiceBehaviour(first_sound_s=0.0, mute=True)) as (made, client):
        with pytest.raises(httpx.ReadTimeout):
            await client.post("/generate/sarah", params=PCM, json={"text": LONG}, timeout=0.3)
        async with asyncio.timeout(10):
            while not made.spoken[0].stopped:
                await asyncio.sleep(0.005)
    assert made.spoken[0].sent_ms == 0
