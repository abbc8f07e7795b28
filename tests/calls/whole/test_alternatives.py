"""The documented alternatives carry a call, too: daphne instead of uvicorn, PostgreSQL instead of SQLite."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from calls.simulated_phone import Script, read_wav
from tests import postgresql
from tests.calls.whole.conftest import MODEL_PORT, Model, place
from tests.platform import Platform, wait_for


@pytest.fixture
def database_url() -> Iterator[str]:
    with postgresql.scratch_database() as url:
        yield url


async def one_call(platform: Platform, server: str, clips: Path) -> dict[str, Any]:
    """A call with an interruption, and its row once all of its record has arrived."""
    platform.manage("migrate", "-v0")
    platform.manage("seed_demo")
    platform.start("redis", "worker", "pages", server)
    try:
        async with httpx.AsyncClient(base_url=platform.base_url, trust_env=False) as browser:
            assert "Voice platform" in (await browser.get("/admin/login/")).text
        request = read_wav(clips / "request.wav")
        call = await place(platform, Script(opening=request, over_agent=(request,), listen_s=2.5, longest_s=60))
        assert len([m for m in call.timeline if m.what == "cleared"]) == 1
        row = platform.call(call.call_sid)
        wait_for(lambda: not platform.spools(), "the spool has arrived", 60)
        seqs = [event["seq"] for event in platform.events(row["id"])]
        assert seqs == list(range(1, len(seqs) + 1))
        assert platform.rows("select count(*) n from calls_interruption where call_id = ?", row["id"])[0]["n"] == 1
        return row
    finally:
        platform.stop()


async def test_daphne_carries_a_call(tmp_path: Path, model: Model, clips: Path) -> None:
    await model.start()
    row = await one_call(Platform(tmp_path, f"ws://127.0.0.1:{MODEL_PORT}/v1/realtime"), "daphne", clips)
    assert row["status"] == "ended"


@pytest.mark.skipif(not postgresql.answers(), reason="no PostgreSQL at 127.0.0.1:5432")
async def test_postgresql_keeps_a_call(tmp_path: Path, model: Model, clips: Path, database_url: str) -> None:
    await model.start()
    made = Platform(tmp_path, f"ws://127.0.0.1:{MODEL_PORT}/v1/realtime", database_url=database_url)
    assert (await one_call(made, "web", clips))["status"] == "ended"
