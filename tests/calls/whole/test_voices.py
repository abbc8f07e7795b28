"""Whole calls with every voice of the registry, and with another ear: the caller must not be able to tell who speaks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.utils.module_loading import import_string

from calls.rehearsal.voices.host import Host
from calls.simulated_phone import Script, SimulatedPhone, read_wav
from tests.calls.whole.conftest import STAND_INS_PORT, Model, phone
from tests.platform import Platform
from voiceplatform import registry

VOICES = sorted(django_settings.VOICES)
HEARINGS = sorted(django_settings.HEARINGS)


@pytest.fixture
async def stand_ins() -> AsyncIterator[dict[str, Any]]:
    paths = {slug: registry.load("VOICES", slug).stand_in for slug in VOICES}
    paths |= {slug: registry.load("HEARINGS", slug).stand_in for slug in HEARINGS}
    made = {slug: import_string(path)() for slug, path in paths.items()}
    host = Host(made)
    await host.start(port=STAND_INS_PORT)
    yield made
    await host.close()


@pytest.fixture(autouse=True)
def model_alone_again(platform: Platform) -> Any:
    yield
    platform.change("update agents_agent set voice_provider = '', second_voice_provider = '', hearing_provider = ''")


async def converse(platform: Platform, model: Model, script: Script) -> SimulatedPhone:
    made = phone(
        platform, on_message=lambda message: model.wire.append(("phone", {"type": message["event"], **message}))
    )
    await made.ring()
    await made.talk(script)
    return made


def stale_messages(wire: list[tuple[str, dict[str, Any]]]) -> int:
    """Media that reached the phone after a clear, before another reply had begun."""
    stale, cleared = 0, False
    for side, event in wire:
        if (side, event["type"]) == ("server", "response.created"):
            cleared = False
        elif (side, event["type"]) == ("phone", "clear"):
            cleared = True
        elif (side, event["type"]) == ("phone", "media"):
            stale += cleared
    return stale


@pytest.mark.parametrize("slug", VOICES)
async def test_an_interruption_with_another_voice(
    slug: str, platform: Platform, model: Model, stand_ins: dict[str, Any], clips: Path
) -> None:
    await model.start()
    platform.change("update agents_agent set voice_provider = ?", slug)
    request = read_wav(clips / "request.wav")
    call = await converse(platform, model, Script(opening=request, over_agent=(request,), listen_s=2.5, longest_s=60))

    assert len([m for m in call.timeline if m.what == "cleared"]) == 1
    assert stale_messages(model.wire) == 0
    assert model.sent("conversation.item.truncate") == []
    assert all(ask["response"]["output_modalities"] == ["text"] for ask in model.sent("response.create"))
    assert model.gave("response.output_audio.delta") == []

    row = platform.call(call.call_sid)
    (stop,) = platform.rows("select * from calls_interruption where call_id = ?", row["id"])
    assert stop["clear_ms"] < 50
    # What the caller heard is what the stand-in really said until then, to within a word.
    (cut,) = [e["data"] for e in platform.events(row["id"]) if e["kind"] == "interruption"]
    truth = spoken_until(stand_ins[slug].spoken, cut["heard_text"], cut["heard_ms"])
    assert abs(len(stop["heard_text"].split()) - len(truth.split())) <= 1, (stop["heard_text"], truth)
    # The model is left with just that, before it is asked again.
    (put_back,) = [m for m in model.sent("conversation.item.create") if m["item"]["role"] == "assistant"]
    assert put_back["item"]["content"] == [{"type": "output_text", "text": stop["heard_text"]}]
    assert put_back["previous_item_id"]
    order = model.order(
        "conversation.item.delete", "conversation.item.create", "conversation.item.added", "response.create"
    )
    behind = order[order.index("conversation.item.delete") :]
    assert behind.index("response.create") > behind.index("conversation.item.added")
    assert [e["error"]["code"] for e in model.gave("error")] == []
    started = [e["data"] for e in platform.events(row["id"]) if e["kind"] == "reply_started"]
    assert all(one["voice"] == slug and one["voice_ms"] > 0 for one in started)


def spoken_until(spoken: list[Any], heard: str, ms: float) -> str:
    """The words that were over by then, of what was said of the reply that was interrupted."""
    first = next(i for i, one in enumerate(spoken) if one.text.strip().startswith(" ".join(heard.split()[:2])))
    words, base = "", 0.0
    for one in spoken[first:]:
        words += "".join(word for word, end_ms in one.words if base + end_ms <= ms)
        base += one.words[-1][1] if one.words else 0.0
    return words


async def test_a_voice_that_is_down_is_replaced_within_the_reply(
    platform: Platform, model: Model, stand_ins: dict[str, Any], clips: Path
) -> None:
    """Down for all calls of the process; the model speaks by itself, and the caller hears every reply."""
    await model.start()
    stand_ins[VOICES[0]].behaviour = type(stand_ins[VOICES[0]].behaviour)(refuse_status=503)
    platform.change("update agents_agent set voice_provider = ?", VOICES[0])
    call = await converse(platform, model, Script(opening=read_wav(clips / "request.wav"), listen_s=2.5, longest_s=60))
    assert len([m for m in call.timeline if m.what == "agent began"]) >= 2
    row = platform.call(call.call_sid)
    failed = [e["data"] for e in platform.events(row["id"]) if e["kind"] == "voice_failed"]
    assert failed[-1]["then"] == "own"
    assert row["status"] == "ended"


@pytest.mark.parametrize("slug", HEARINGS)
async def test_a_turn_and_an_interruption_with_another_ear(
    slug: str, platform: Platform, model: Model, stand_ins: dict[str, Any], clips: Path
) -> None:
    await model.start()
    platform.change("update agents_agent set hearing_provider = ?", slug)
    request = read_wav(clips / "request.wav")
    call = await converse(platform, model, Script(opening=request, over_agent=(request,), listen_s=3.5, longest_s=60))

    assert model.sent("input_audio_buffer.append") == []
    assert model.sent("session.update")[0]["session"]["audio"]["input"]["turn_detection"] is None
    assert len([m for m in call.timeline if m.what == "cleared"]) == 1
    assert stale_messages(model.wire) == 0
    assert len(model.sent("conversation.item.truncate")) >= 1  # the model's own voice
    said = [m for m in model.sent("conversation.item.create") if m["item"]["role"] == "user"]
    assert len(said) >= 2
    assert [e["error"]["code"] for e in model.gave("error")] == []
    row = platform.call(call.call_sid)
    assert len([e for e in platform.events(row["id"]) if e["kind"] == "caller_turn"]) >= 2
