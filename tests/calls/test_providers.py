"""The providers of a call: the link of their transport, and without a key their stand-ins answer, wherever they are."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.utils.module_loading import import_string

from agents.snapshot import AgentSnapshot
from calls import providers
from calls.conversation.commands import FinishSpeaking, OpenHearing, OpenVoice, Speak
from calls.conversation.events import Event, HearingReady, VoiceAudio, VoiceDone
from calls.hearing_outlet import HearingOutlet
from calls.rehearsal.voices.host import Host
from calls.voice_http import HttpLink
from calls.voice_links import SocketLink
from calls.voice_outlet import VoiceOutlet
from voiceplatform import registry


def snapshot(**more: Any) -> AgentSnapshot:
    return AgentSnapshot(1, "Ada", "gpt-realtime-2.1", "Answer.", "", "marin", "en", 1.0, {}, **more)


@pytest.fixture
async def stand_ins(settings: Any) -> AsyncIterator[None]:
    """All of them, as `make run` serves them."""
    host = Host({slug: import_string(path)() for slug, path in registry.stand_ins().items()})
    settings.STAND_INS_PORT = int((await host.start()).rpartition(":")[2])
    yield
    await host.close()


async def until(fact: Callable[[], Any]) -> None:
    async with asyncio.timeout(20):
        while not fact():
            await asyncio.sleep(0.005)


@pytest.mark.parametrize(("slug", "kind"), [("cartesia", SocketLink), ("speechmatics", HttpLink)])
def test_a_voice_has_the_link_of_its_transport_and_with_a_key_its_service(slug: str, kind: type) -> None:
    voice = providers.voice(slug, {}, "a key")
    assert isinstance(voice.link(lambda event: None, lambda reason, retry: None), kind)
    assert voice.address == registry.load("VOICES", slug).service_url


@pytest.mark.parametrize("slug", sorted(django_settings.VOICES))
async def test_without_a_key_every_voice_speaks_all_the_same(slug: str, stand_ins: None) -> None:
    events: list[Event] = []
    chosen = snapshot(voices=[{"provider": slug, "options": {}}])
    outlet = VoiceOutlet(providers.voices(chosen, {slug: ""}), events.append)
    for command in (OpenVoice(0), Speak(0, "u1", "Good morning."), FinishSpeaking(0, "u1")):
        outlet.take(command, 0.0)
    await until(lambda: VoiceDone("u1") in events)
    await outlet.close()
    assert sum(len(event.audio) for event in events if isinstance(event, VoiceAudio)) > 4000


@pytest.mark.parametrize("slug", sorted(django_settings.HEARINGS))
async def test_without_a_key_every_ear_listens_all_the_same(slug: str, stand_ins: None) -> None:
    events: list[Event] = []
    ear = providers.hearing(snapshot(hearing={"provider": slug, "options": {}}), {slug: ""}, 500)
    outlet = HearingOutlet(ear.dialect, ear.address, events.append)
    outlet.take(OpenHearing(), 0.0)
    await until(lambda: events)
    await outlet.close()
    assert events == [HearingReady()]
