"""Whole calls in which speech over the agent is weighed: real processes, real sound, our own ear, the preset that agents get."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest

from calls.simulated_phone import Script, SimulatedPhone, read_wav
from tests.calls.whole.conftest import Model, phone, place
from tests.platform import Platform

PRESET = """
from agents.models import Agent
from agents.presets import PRESETS
from agents.services import apply_preset
for agent in Agent.objects.all():
    apply_preset(agent=agent, preset=PRESETS["{slug}"], by=None)
"""

OFFER = """
import asyncio, json, time
from agents.models import Agent
from agents.snapshot import AgentSnapshot
from calls import live_settings
from calls.models import Call
agent = Agent.objects.select_related("turn_settings").get(name="Front desk")
agent.turn_settings.threshold = 0.7
agent.turn_settings.min_speech_ms = 700
agent.turn_settings.save()
snapshot = AgentSnapshot.of(agent)
message = {"turn": snapshot.turn, "turn_detection": snapshot.turn_detection,
    "revision": snapshot.turn["revision"], "by": "ann"}
live = [str(pk) for pk in Call.objects.live().values_list("pk", flat=True)]
async def offer():
    began = time.monotonic()
    answers = await live_settings.offer(agent.pk, message, live)
    return {"answers": answers, "took_s": time.monotonic() - began, "revision": message["revision"]}
print("ANSWER " + json.dumps(asyncio.run(offer())))
"""
"""What the page does when an admin applies changed settings, in a process that carries no call."""


@pytest.fixture
def natural(platform: Platform, bare_settings: None) -> Platform:
    platform.manage("shell", "-c", PRESET.format(slug="natural"))
    return platform


def noted(platform: Platform, call: SimulatedPhone, kind: str) -> list[dict[str, Any]]:
    row = platform.call(call.call_sid)
    return [event["data"] for event in platform.events(row["id"]) if event["kind"] == kind]


async def test_a_cough_leaves_the_agent_talking(natural: Platform, model: Model, clips: Path) -> None:
    await model.start()
    cough = read_wav(clips / "cough.wav")
    script = Script(opening=read_wav(clips / "request.wav"), over_agent=(cough,), listen_s=2.5, longest_s=60)
    call = await place(natural, script)
    assert not [m for m in call.timeline if m.what == "cleared"]
    assert model.sent("response.cancel") == model.sent("conversation.item.truncate") == []
    assert noted(natural, call, "interruption") == []
    for refused in noted(natural, call, "interruption_refused"):  # where the model's VAD took it for speech at all
        assert refused["because"] in ("noise", "too_short")
        assert refused["reasons"]
        assert refused["item_id"] in [deleted["item_id"] for deleted in model.sent("conversation.item.delete")]
    assert model.gave("error") == []


async def test_a_real_interruption_stops_it_and_says_why(natural: Platform, model: Model, clips: Path) -> None:
    await model.start(late_deltas=2)
    request = read_wav(clips / "request.wav")
    call = await place(natural, Script(opening=request, over_agent=(request,), listen_s=2.5, longest_s=60))
    assert len([m for m in call.timeline if m.what == "cleared"]) == 1
    (stop,) = noted(natural, call, "interruption")
    assert stop["because"] in ("speech", "deadline")
    (speech,) = [reason for reason in stop["reasons"] if reason["evidence"] == "speech_ms"]
    assert speech["threshold"] == 560
    assert len(model.sent("conversation.item.truncate")) >= 1
    row = natural.call(call.call_sid)
    recording = natural.rows("select * from calls_recording where call_id = ?", row["id"])[0]
    speech_track = (natural.folder / recording["path"]).with_suffix(".speech")
    assert speech_track.stat().st_size == pytest.approx(recording["duration_ms"] / 32, rel=0.05)


async def test_changed_settings_reach_a_running_call_from_another_process(
    natural: Platform, model: Model, clips: Path
) -> None:
    await model.start()
    call = phone(natural)
    await call.ring()
    talking = asyncio.create_task(call.talk(Script(opening=read_wav(clips / "request.wav"), listen_s=6, longest_s=40)))
    until = time.monotonic() + 20
    while not [m for m in call.timeline if m.what == "agent began"]:
        assert time.monotonic() < until, "the agent never began"
        await asyncio.sleep(0.02)
    printed = await asyncio.to_thread(natural.manage, "shell", "-c", OFFER)
    told = json.loads(next(line for line in printed.splitlines() if line.startswith("ANSWER "))[7:])
    await talking
    (answer,) = told["answers"].values()
    assert (answer["state"], answer["differences"], answer["revision"]) == ("applied", [], told["revision"])
    assert told["took_s"] < 1.0
    update = model.sent("session.update")[-1]["session"]["audio"]["input"]["turn_detection"]
    assert (update["threshold"], update["silence_duration_ms"]) == (0.7, 500)  # whole
    (changed,) = noted(natural, call, "settings_changed")
    assert changed["by"] == "ann"
    assert changed["changes"] == {"threshold": [0.6, 0.7], "min_speech_ms": [560, 700]}
    assert noted(natural, call, "settings_applied")[0]["revision"] == told["revision"]
    assert model.gave("error") == []


async def test_silence_is_broken_with_the_agents_own_words(natural: Platform, model: Model) -> None:
    await model.start()
    natural.change("update agents_turnsettings set idle_prompt_ms = 3000, idle_prompts_max = 1")
    call = await place(natural, Script(listen_s=20, patience_s=1, longest_s=40))
    assert [note["goodbye"] for note in noted(natural, call, "idle_prompt")] == [False, True]
    asked = [event["response"].get("instructions", "") for event in model.sent("response.create")]
    assert any("“Are you still there?”" in words for words in asked)
    assert natural.call(call.call_sid)["end_reason"] == "caller silent"
