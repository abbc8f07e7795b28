"""What is lost on the way must not be lost to the caller or to the record."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from pathlib import Path

import httpx

from calls.rehearsal.server import RehearsalServer
from calls.simulated_phone import Script, SimulatedPhone, read_wav
from tests.calls.whole.conftest import Model, phone, place
from tests.platform import Platform, wait_for


def longest_gap_ms(call: SimulatedPhone) -> float:
    """The longest silence inside what the agent said: between pieces that follow each other within a second."""
    pieces = [(begin, begin + len(sound) / 8000) for begin, sound in call.buffer.heard]
    gaps = [(b - end) * 1000 for (_, end), (b, _) in pairwise(pieces) if b - end < 1.0]
    return max(gaps, default=0.0)


def stored_once(platform: Platform, call: SimulatedPhone) -> None:
    """Every line of the spool is in the database, once, and then the spool is gone."""
    row = platform.call(call.call_sid)
    wait_for(lambda: not platform.spools(), "all spools have arrived", 60)
    seqs = [event["seq"] for event in platform.events(row["id"])]
    assert seqs == list(range(1, len(seqs) + 1))
    assert platform.events(row["id"])[-1]["kind"] == "call_ended"
    assert platform.rows("select count(*) n from calls_turn where call_id = ?", row["id"])[0]["n"] >= 2


async def test_a_worker_killed_in_the_middle_of_a_call_loses_nothing(
    platform: Platform, model: Model, clips: Path
) -> None:
    await model.start()
    script = Script(opening=read_wav(clips / "request.wav"), listen_s=0.5, longest_s=60)
    calling = asyncio.create_task(place(platform, script))
    await asyncio.to_thread(wait_for, lambda: model.gave("input_audio_buffer.speech_started"), "the caller speaks")
    await asyncio.to_thread(platform.kill, "worker")
    await asyncio.to_thread(wait_for, lambda: len(model.sent("response.create")) == 2, "the caller is answered")
    platform.start("worker")
    call = await calling
    assert longest_gap_ms(call) < 60
    await asyncio.to_thread(stored_once, platform, call)


async def test_redis_away_for_20_s_in_the_middle_of_a_call_loses_nothing(
    platform: Platform, model: Model, clips: Path
) -> None:
    await model.start()
    request = read_wav(clips / "request.wav")
    script = Script(opening=request, over_agent=(request,), listen_s=3.0, longest_s=90)
    calling = asyncio.create_task(place(platform, script))
    await asyncio.to_thread(wait_for, lambda: model.gave("response.created"), "the greeting")
    await asyncio.to_thread(platform.kill, "redis")
    await asyncio.sleep(20)  # this length is the fact under test
    await asyncio.to_thread(platform.start, "redis")
    call = await calling
    assert longest_gap_ms(call) < 60
    assert [m for m in call.timeline if m.what == "cleared"]
    await asyncio.to_thread(stored_once, platform, call)


async def test_pages_that_die_and_come_back_are_not_noticed_by_a_call(
    platform: Platform, model: Model, clips: Path
) -> None:
    await model.start()
    script = Script(opening=read_wav(clips / "request.wav"), listen_s=0.5, longest_s=60)
    async with httpx.AsyncClient(base_url=platform.base_url, trust_env=False, timeout=30) as browser:
        assert (await browser.get("/admin/login/")).status_code == 200
        calling = asyncio.create_task(place(platform, script))
        await asyncio.to_thread(wait_for, lambda: model.gave("input_audio_buffer.speech_started"), "the caller speaks")
        await asyncio.to_thread(platform.kill, "pages")
        away = await browser.get("/admin/login/")
        await asyncio.to_thread(platform.start, "pages")
        assert (await browser.get("/admin/login/")).status_code == 200
        call = await calling
    assert (away.status_code, "Calls are not touched" in away.text) == (503, True)
    assert longest_gap_ms(call) < 60
    await asyncio.to_thread(stored_once, platform, call)


async def test_a_web_process_killed_in_the_middle_of_a_call_leaves_a_record(platform: Platform, model: Model) -> None:
    await model.start()
    calling = asyncio.create_task(place(platform, Script(listen_s=30, longest_s=40)))
    await asyncio.to_thread(
        wait_for, lambda: platform.spools() and platform.spools()[0].stat().st_size > 300, "lines on disk"
    )
    await asyncio.to_thread(platform.kill, "web")
    calling.cancel()
    await asyncio.gather(calling, return_exceptions=True)
    await asyncio.to_thread(platform.start, "web")
    await asyncio.to_thread(wait_for, lambda: not platform.spools(), "the spool has arrived", 60)
    row = platform.rows("select * from calls_call order by rang_at desc limit 1")[0]
    assert (row["status"], row["end_reason"]) == ("failed", "server stopped")


async def test_a_lost_model_is_replaced_and_told_what_was_said(platform: Platform, model: Model) -> None:
    await model.start(drop_after_s=4.0)
    call = phone(platform)
    await call.ring()
    calling = asyncio.create_task(call.talk(Script(listen_s=4.0, longest_s=15)))
    await asyncio.to_thread(wait_for, lambda: len(model.gave("session.updated")) >= 2, "a second session")
    await calling
    roles = [event["item"]["role"] for event in model.sent("conversation.item.create")]
    assert roles[:2] == ["assistant", "system"]
    assert len(model.gave("response.created")) == 1  # nobody is greeted twice
    assert platform.call(call.call_sid)["status"] == "ended"


async def test_without_a_model_the_caller_hears_an_apology(platform: Platform, model: Model) -> None:
    await model.start(refuse_status=401)
    call = await place(platform, Script(longest_s=20))
    assert any(m.what == "said" and "sorry" in m.detail for m in call.timeline)
    row = platform.call(call.call_sid)
    assert (row["status"], row["end_reason"]) == ("failed", "model unreachable")


async def test_the_models_socket_is_closed_when_the_caller_hangs_up(platform: Platform, model: Model) -> None:
    await model.start()
    await place(platform, Script(listen_s=0.2, patience_s=0.2, longest_s=20))
    server = model.server
    assert isinstance(server, RehearsalServer)
    await asyncio.to_thread(wait_for, lambda: server.open_sockets == 0, "the model's socket is closed", 1.0)


async def test_an_unknown_number_is_answered_politely(platform: Platform) -> None:
    call = SimulatedPhone(base_url=platform.base_url, auth_token="12345", to="+12025550100")
    answer = await call.ring()
    assert answer.stream_url == ""
    assert "Nobody can take your call" in answer.said[0]
