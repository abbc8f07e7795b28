"""Trying a voice from the agent's page: with what stands in the form, at the providers' stand-ins over real sockets."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import Permission, User
from django.core.cache import cache
from django.test import Client
from django.utils.module_loading import import_string
from playwright.sync_api import Browser, expect

from agents import keys
from agents.models import Agent, TurnSettings
from calls import audio, voice_pages, voice_trial
from calls.rehearsal.voices.host import Host
from tests import axe
from voiceplatform import registry

pytestmark = pytest.mark.django_db

URL = "/calls/voices/try/"
VOICES = sorted(django_settings.VOICES)
SECRET = "sk_9f86d081884c7d659a2feaa0c55ad015"


@pytest.fixture(autouse=True)
def no_tries_yet() -> None:
    cache.clear()


@pytest.fixture
def stand_ins(settings: Any) -> Iterator[dict[str, Any]]:
    """Slug -> stand-in, all of them listening as `make run` has them, on a loop of their own."""
    made = {slug: import_string(path)() for slug, path in registry.stand_ins().items()}
    loop, host = asyncio.new_event_loop(), Host(made)
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    where = asyncio.run_coroutine_threadsafe(host.start(), loop).result(10)
    settings.STAND_INS_PORT = int(where.rpartition(":")[2])
    yield made
    asyncio.run_coroutine_threadsafe(host.close(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


@pytest.fixture
def agent() -> Agent:
    made = Agent.objects.create(name="Front desk", instructions="Help.", greeting="Good day.")
    TurnSettings.objects.create(agent=made)
    return made


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("admin", password="a-good-password"))
    return client


def tried(client: Client, slug: str, **fields: str) -> Any:
    return client.post(URL, {"role": "voice", "provider": slug, "greeting": "Good day.", **fields})


@pytest.mark.parametrize("slug", VOICES)
def test_a_sentence_is_spoken_with_what_stands_in_the_form(admin: Client, stand_ins: dict[str, Any], slug: str) -> None:
    answer = tried(admin, slug, sentence="We open at nine on Mondays.")
    assert answer.status_code == 200, answer.content
    assert answer["Content-Type"] == "audio/wav"
    assert answer.content.startswith(b"RIFF")
    sound = answer.content[audio.HEADER_BYTES :]
    assert 1000 < len(sound) / 8 < 6000
    assert max(audio.peaks(sound, 20)) > 0.1
    assert answer["X-Told"].startswith("First sound after ")
    assert "this is its stand-in on this machine" in answer["X-Told"]
    said = " ".join(spoken.text for spoken in stand_ins[slug].spoken)
    assert " ".join(said.split()) == "We open at nine on Mondays."


def test_without_a_sentence_the_greeting_is_spoken_and_without_one_ours(
    admin: Client, stand_ins: dict[str, Any]
) -> None:
    tried(admin, "cartesia")
    tried(admin, "cartesia", greeting=" ")
    assert [spoken.text.strip() for spoken in stand_ins["cartesia"].spoken] == ["Good day.", voice_pages.SENTENCE]
    long = "Good day, " * 30
    assert tried(admin, "cartesia", greeting=long).status_code == 200
    assert 180 < len(stand_ins["cartesia"].spoken[-1].text.strip()) <= 200


def test_a_sentence_has_an_end(admin: Client) -> None:
    answer = tried(admin, "cartesia", sentence="x" * 201)
    assert (answer.status_code, answer.content.decode()) == (422, "At most 200 characters.")


def test_wrong_options_are_told_and_nobody_is_asked(admin: Client, stand_ins: dict[str, Any]) -> None:
    answer = tried(admin, "cartesia", voice__cartesia__speed="9", voice__cartesia__volume="loud")
    assert answer.status_code == 422
    assert answer.content.decode() == "Volume: Enter a number. Speed: From 0.6 to 1.5."
    assert not stand_ins["cartesia"].spoken


@pytest.mark.parametrize(
    ("slug", "error", "says"),
    [
        ("elevenlabs", "voice", "ElevenLabs does not know this voice id."),
        ("elevenlabs", "key", "ElevenLabs refuses the key."),
        ("elevenlabs", "quota", "The quota of this account with ElevenLabs is used up."),
        ("elevenlabs", "busy", "ElevenLabs is busy just now."),
        ("cartesia", "voice", "Cartesia does not know this voice id."),
        ("cartesia", "key", "Cartesia refuses the key."),
        ("cartesia", "quota", "The quota of this account with Cartesia is used up."),
        ("cartesia", "busy", "Cartesia is busy just now."),
        ("speechmatics", "voice", "Speechmatics does not know this voice id."),
        ("speechmatics", "key", "Speechmatics refuses the key."),
        ("speechmatics", "quota", "The quota of this account with Speechmatics is used up."),
        ("speechmatics", "busy", "Speechmatics is busy just now."),
    ],
)
def test_why_a_provider_refuses_is_told_in_plain_words(
    admin: Client, stand_ins: dict[str, Any], slug: str, error: str, says: str
) -> None:
    stand_ins[slug].behaviour = replace(stand_ins[slug].behaviour, error=error)
    answer = tried(admin, slug)
    assert answer.status_code == 424
    assert says in answer.content.decode()


def test_a_voice_id_that_is_none_is_told(admin: Client, stand_ins: dict[str, Any]) -> None:
    answer = tried(admin, "elevenlabs", voice__elevenlabs__voice_id="no such voice")
    assert "ElevenLabs does not know this voice id." in answer.content.decode()


@pytest.mark.parametrize("status", [401, 429])
@pytest.mark.parametrize("slug", VOICES)
def test_a_refused_handshake_is_told(admin: Client, stand_ins: dict[str, Any], slug: str, status: int) -> None:
    stand_ins[slug].behaviour = replace(stand_ins[slug].behaviour, refuse_status=status)
    told = tried(admin, slug).content.decode()
    assert ("refuses the key" if status == 401 else "is busy just now") in told


@pytest.mark.parametrize("slug", VOICES)
def test_a_provider_that_says_nothing_is_not_waited_for(
    admin: Client, stand_ins: dict[str, Any], slug: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(voice_trial.speak, "__defaults__", (2.5,))
    stand_ins[slug].behaviour = replace(stand_ins[slug].behaviour, mute=True)
    assert "did not answer in time" in tried(admin, slug).content.decode()


def test_a_provider_that_is_not_there_is_told(admin: Client, settings: Any) -> None:
    settings.ELEVENLABS_URL = "ws://127.0.0.1:9"
    assert "ElevenLabs cannot be reached" in tried(admin, "elevenlabs").content.decode()


def keys_at(stand_in: Any) -> list[str]:
    """The keys that its requests came with, from now on."""
    seen: list[str] = []
    serve = type(stand_in).__call__

    async def noted(scope: Any, receive: Any, send: Any) -> None:
        seen.append(dict(scope["headers"]).get(b"xi-api-key", b"").decode())
        await serve(stand_in, scope, receive, send)

    stand_in.__class__ = type("Noting", (type(stand_in),), {"__call__": lambda self, *way: noted(*way)})
    return seen


def test_the_key_is_what_was_typed_else_the_agents_else_the_environments(
    admin: Client, agent: Agent, stand_ins: dict[str, Any], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = keys_at(stand_ins["elevenlabs"])
    settings.ELEVENLABS_URL = f"ws://127.0.0.1:{settings.STAND_INS_PORT}/elevenlabs"
    monkeypatch.setenv("ELEVENLABS_API_KEY", "of the house")
    tried(admin, "elevenlabs", agent=str(agent.pk))
    keys.keep(agent=agent, slug="elevenlabs", key=SECRET, by=None)
    tried(admin, "elevenlabs", agent=str(agent.pk))
    answer = tried(admin, "elevenlabs", agent=str(agent.pk), key_elevenlabs="typed and not saved")
    tried(admin, "elevenlabs")  # of an agent that is not saved yet
    assert seen == ["of the house", SECRET, "typed and not saved", "of the house"]
    assert SECRET not in str(answer.headers)


def test_who_may_not_change_keys_tries_with_those_there_are(
    client: Client, agent: Agent, stand_ins: dict[str, Any]
) -> None:
    tuner = User.objects.create_user("tuner", password="a-good-password", is_staff=True)
    client.force_login(tuner)
    assert tried(client, "elevenlabs").status_code == 403
    tuner.user_permissions.add(Permission.objects.get(codename="change_agent"))
    seen = keys_at(stand_ins["elevenlabs"])
    assert tried(client, "elevenlabs", key_elevenlabs="one of mine").status_code == 200
    assert seen == [""]


def test_a_key_is_in_no_log_and_no_answer(
    admin: Client, stand_ins: dict[str, Any], settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.ELEVENLABS_URL = f"ws://127.0.0.1:{settings.STAND_INS_PORT}/elevenlabs"
    for behaviour in ({"error": "key"}, {"refuse_status": 401}, {"garbage": True}):
        stand_ins["elevenlabs"].behaviour = replace(stand_ins["elevenlabs"].behaviour, **behaviour)
        answer = tried(admin, "elevenlabs", key_elevenlabs=SECRET)
        assert SECRET not in answer.content.decode(errors="replace") + str(answer.headers)
    assert SECRET not in caplog.text


def test_trying_has_a_limit_for_each_person(admin: Client, settings: Any) -> None:
    settings.ELEVENLABS_URL = "ws://127.0.0.1:9"
    answers = [tried(admin, "elevenlabs").status_code for _ in range(voice_pages.TRIES + 1)]
    assert answers == [424] * voice_pages.TRIES + [429]
    admin.force_login(User.objects.create_superuser("other", password="a-good-password"))
    assert tried(admin, "elevenlabs").status_code == 424


@pytest.mark.parametrize("fields", [{"provider": "pigeon"}, {"role": "hearing"}, {"role": "", "provider": ""}], ids=str)
def test_what_is_no_voice_is_not_asked(admin: Client, fields: dict[str, str]) -> None:
    assert admin.post(URL, {"role": "voice", "provider": "cartesia", **fields}).status_code == 404


def test_it_is_a_post_from_our_own_pages(admin: Client) -> None:
    assert admin.get(URL).status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = admin.cookies
    assert tried(strict, "cartesia").status_code == 403


@pytest.mark.django_db(transaction=True)
def test_in_a_browser_it_is_heard_before_it_is_saved(
    browser: Browser, live_server: Any, admin: Client, agent: Agent, stand_ins: dict[str, Any]
) -> None:
    context = browser.new_context(base_url=live_server.url)
    context.add_cookies([{"name": "sessionid", "value": admin.cookies["sessionid"].value, "url": live_server.url}])
    page = context.new_page()
    page.goto(f"/admin/agents/agent/{agent.pk}/change/")
    page.select_option("[name=voice_provider]", "elevenlabs")
    part = page.locator(".vp-try[data-role=voice][data-provider=elevenlabs]")
    part.get_by_role("button").click()
    expect(part).to_contain_text("First sound after")
    player = part.locator("audio")
    expect(player).to_be_visible()
    page.wait_for_function("player => player.currentTime > 0.2", arg=player.element_handle())
    assert player.evaluate("player => player.duration") > 0.5
    assert stand_ins["elevenlabs"].spoken[-1].text.strip() == "Good day."
    page.locator("[name=voice__elevenlabs__voice_id]").fill("no such voice")
    part.get_by_role("textbox").fill("Another sentence.")
    part.get_by_role("textbox").press("Enter")
    expect(part).to_contain_text("ElevenLabs does not know this voice id.")
    expect(player).to_be_hidden()
    page.select_option("[name=hearing_provider]", "speechmatics")
    assert axe.serious(page) == []
    agent.refresh_from_db()
    assert agent.voice_provider == ""
    expect(page.locator("#tn-pending")).not_to_contain_text("Try it")
    context.close()
