"""The settings screen: what it takes, what it refuses and why, what the model will get."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.test import Client
from playwright.sync_api import Browser, Locator, Page, expect

from agents import defaults
from agents.models import Agent, PhoneNumber, TurnSettings
from agents.realtime_models import shutdown_warning
from agents.snapshot import AgentSnapshot
from tests.openai_types import check_client_event

pytestmark = pytest.mark.django_db

DEFAULTS = {
    name: "" if default.value is None else str(default.value)
    for name, default in defaults.DEFAULTS.items()
    if default.value is not False  # a box that is not ticked is not sent
}
"""What the form holds when nothing was touched."""
PREVIEW = "/admin/agents/agent/turn-detection/"


def test_the_defaults_are_those_of_the_product(agent: Agent) -> None:
    assert agent.turn_settings.turn_detection() == {
        "type": "server_vad",
        "threshold": 0.6,
        "prefix_padding_ms": 300,
        "silence_duration_ms": 500,
        "idle_timeout_ms": None,
        "create_response": False,
        "interrupt_response": False,
    }


@pytest.mark.parametrize(("latency", "floor", "in_force"), [(300, 500, 500), (800, 500, 800), (0, 100, 100)])
def test_the_silence_in_force_is_the_larger_of_both(agent: Agent, latency: int, floor: int, in_force: int) -> None:
    turn = agent.turn_settings
    turn.response_latency_ms, turn.silence_floor_ms = latency, floor
    assert turn.turn_detection()["silence_duration_ms"] == in_force


@pytest.mark.parametrize("kind", ["server_vad", "semantic_vad"])
def test_the_model_knows_the_object(agent: Agent, kind: str) -> None:
    agent.turn_settings.vad_type = kind
    audio = {"input": {"turn_detection": agent.turn_settings.turn_detection()}}
    check_client_event({"type": "session.update", "session": {"type": "realtime", "audio": audio}})


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("threshold", -0.1, "every hiss"),
        ("threshold", 1.2, "even loud callers"),
        ("silence_floor_ms", 50, "between two words"),
        ("idle_timeout_ms", 1000, "before they could think"),
        ("min_speech_ms", 9000, "not to listen"),
        ("prefix_padding_ms", 5000, "echo"),
    ],
)
def test_a_value_out_of_range_is_refused_with_what_a_caller_would_notice(
    agent: Agent, field: str, value: Any, says: str
) -> None:
    setattr(agent.turn_settings, field, value)
    with pytest.raises(ValidationError) as refused:
        agent.turn_settings.full_clean()
    assert says in str(refused.value.message_dict[field])


@pytest.mark.parametrize(
    ("pair", "field"),
    [
        ({"interrupt_response": True, "min_speech_ms": 200}, "interrupt_response"),
        ({"create_response": True, "min_speech_ms": 200}, "create_response"),
        ({"interrupt_response": True, "mode": "legacy"}, "mode"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(agent: Agent, pair: dict, field: str) -> None:
    for name, value in pair.items():
        setattr(agent.turn_settings, name, value)
    with pytest.raises(ValidationError) as refused:
        agent.turn_settings.full_clean()
    assert field in refused.value.message_dict


def test_a_snapshot_survives_storage_and_holds_no_secret(agent: Agent, settings: Any) -> None:
    settings.OPENAI_API_KEY = "sk-secret"
    snapshot = AgentSnapshot.of(agent)
    stored = json.dumps(snapshot.as_json())
    assert AgentSnapshot.from_json(json.loads(stored)) == snapshot
    assert "sk-secret" not in stored
    assert snapshot.turn["silence_ms"] == 500


@pytest.mark.parametrize(
    ("typed", "kept"), [("+1 202-555-0142", "+12025550142"), ("+420 600 000 001", "+420600000001")]
)
def test_numbers_are_kept_in_one_form(typed: str, kept: str) -> None:
    number = PhoneNumber(number=typed)
    number.clean()
    assert number.number == kept


@pytest.mark.parametrize("typed", ["2025550142", "hello", "+12", "+1202555014299"])
def test_what_is_no_number_is_refused(typed: str) -> None:
    with pytest.raises(ValidationError):
        PhoneNumber(number=typed).clean()


def test_a_model_that_will_be_shut_down_is_named_with_its_day() -> None:
    assert "20 January 2027" in shutdown_warning("gpt-realtime")
    assert shutdown_warning("gpt-realtime-2.1") == ""


def test_the_demo_is_made_once_and_its_password_shown_once(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("seed_demo")
    first = capsys.readouterr().out
    assert "password" in first
    assert PhoneNumber.objects.first().number == "+12025550142"
    assert str(PhoneNumber.objects.first().agent) == "Front desk"
    for number in PhoneNumber.objects.all():
        number.full_clean()
        number.agent.full_clean()
        number.agent.turn_settings.full_clean()
    call_command("seed_demo")
    assert capsys.readouterr().out == ""
    assert User.objects.get().check_password(first.split("password ")[1].split()[0])


def test_the_demo_has_an_agent_for_each_voice_on_a_number_of_its_own() -> None:
    call_command("seed_demo", verbosity=0)
    speaks = {number.agent.voice_provider: number.agent for number in PhoneNumber.objects.all()}
    assert set(speaks) == {"", *settings.VOICES}
    for slug in settings.VOICES:
        first, second = speaks[slug].voices()
        assert (first["provider"], second["provider"] in settings.VOICES) == (slug, True)
    assert speaks["speechmatics"].hearing() is not None


def test_the_object_is_shown_while_it_is_edited(admin: Client) -> None:
    shown = admin.post(PREVIEW, {**DEFAULTS, "threshold": "0.8", "response_latency_ms": "900"}).json()["turn_detection"]
    assert (shown["threshold"], shown["silence_duration_ms"]) == (0.8, 900)
    refused = admin.post(PREVIEW, {**DEFAULTS, "threshold": "7"})
    assert refused.status_code == 422
    (problem,) = refused.json()["problems"]
    assert (problem["name"], problem["label"]) == ("threshold", "Threshold")
    assert "even loud callers" in problem["texts"][0]


def test_the_page_of_an_agent_carries_its_settings_once(admin: Client, agent: Agent) -> None:
    page = admin.get(f"/admin/agents/agent/{agent.pk}/change/").content.decode()
    assert page.count('name="turn_settings-0-threshold"') == 1
    assert "turn_settings-__prefix__" not in page
    assert 'name="turn_settings-0-threshold"' in admin.get("/admin/agents/agent/add/").content.decode()


def test_words_are_weighed_in_the_language_of_the_form(admin: Client) -> None:
    form = {**DEFAULTS, "interrupt_phrases": "ouais"}
    assert admin.post(PREVIEW, {**form, "language": "en"}).status_code == 200
    refused = admin.post(PREVIEW, {**form, "language": "fr"})
    assert "“ouais”" in str(refused.json()["problems"])


def test_only_who_may_see_agents_may_ask(client: Client) -> None:
    client.force_login(User.objects.create_user("staff", password="a-good-password", is_staff=True))
    assert client.post(PREVIEW, DEFAULTS).status_code == 403


def filled(agent: Agent, **changed: str) -> dict[str, str]:
    """The agent's form as a browser sends it, with some turn settings changed."""
    return {f"turn_settings-0-{name}": value for name, value in {**DEFAULTS, **changed}.items()} | {
        "name": agent.name,
        "active": "on",
        "instructions": agent.instructions,
        "greeting": agent.greeting,
        "model": agent.model,
        "voice": agent.voice,
        "speed": str(agent.speed),
        "language": agent.language,
        "transcription_model": agent.transcription_model,
        "noise_reduction": agent.noise_reduction,
        "turn_settings-TOTAL_FORMS": "1",
        "turn_settings-INITIAL_FORMS": "1",
        "turn_settings-0-id": str(agent.turn_settings.pk),
        "turn_settings-0-agent": str(agent.pk),
    }


def test_saving_keeps_the_settings_and_warns_of_a_shutdown(admin: Client, agent: Agent) -> None:
    form = filled(agent, threshold="0.75") | {"model": "gpt-realtime"}
    answer = admin.post(f"/admin/agents/agent/{agent.pk}/change/", form, follow=True)
    agent.turn_settings.refresh_from_db()
    assert agent.turn_settings.threshold == 0.75
    assert "20 January 2027" in answer.content.decode()


def test_saving_says_when_words_cannot_be_told_apart(admin: Client, agent: Agent) -> None:
    url = f"/admin/agents/agent/{agent.pk}/change/"
    told = admin.post(url, filled(agent) | {"transcription_model": ""}, follow=True)
    assert "Without a transcription model" in told.content.decode()
    form = filled(agent)
    del form["turn_settings-0-ignore_backchannels"]
    assert "Without a transcription" not in admin.post(url, form, follow=True).content.decode()


def test_a_number_has_its_range_and_its_unit(admin: Client, agent: Agent) -> None:
    page = " ".join(admin.get(f"/admin/agents/agent/{agent.pk}/change/").content.decode().split())
    for name, attributes in {
        "turn_settings-0-min_speech_ms": 'min="0" max="3000" step="50"',
        "turn_settings-0-resume_after_ms": 'min="100" max="3000" step="50"',
        "turn_settings-0-threshold": 'min="0" max="1" step="0.05"',
        "turn_settings-0-max_call_s": 'min="0" max="43200" step="10"',
        "speed": 'min="0.25" max="1.5" step="0.05"',
    }.items():
        shown = page.split(f'name="{name}"')[1].split("</span>")[0]
        assert all(f" {attribute}" in shown for attribute in attributes.split()), shown
    assert page.count('class="vp-unit" aria-hidden="true">ms<') > 15


def test_the_words_of_the_language_are_shown(admin: Client, agent: Agent) -> None:
    Agent.objects.update(language="de")
    assert "achso" in admin.get(f"/admin/agents/agent/{agent.pk}/change/").content.decode()


@pytest.fixture
def form_page(browser: Browser, live_server: Any, admin: Client, agent: Agent) -> Iterator[Page]:
    """The agent's form in a real browser."""
    context = browser.new_context(base_url=live_server.url)
    context.add_cookies([{"name": "sessionid", "value": admin.cookies["sessionid"].value, "url": live_server.url}])
    page = context.new_page()
    page.goto(f"/admin/agents/agent/{agent.pk}/change/")
    yield page
    context.close()


def row(page: Page, name: str) -> Locator:
    return page.locator(f".field-row:has([name=turn_settings-0-{name}])")


@pytest.mark.django_db(transaction=True)
def test_in_a_browser_the_object_follows_the_form(form_page: Page) -> None:
    threshold = form_page.locator("[name=turn_settings-0-threshold]")
    threshold.fill("0.72")
    expect(form_page.locator(".turn-detection:visible")).to_contain_text('"threshold": 0.72')
    threshold.fill("3")
    expect(form_page.locator(".turn-problems:visible")).to_contain_text("even loud callers")
    expect(row(form_page, "threshold")).to_contain_text("even loud callers")
    expect(threshold).to_have_attribute("aria-invalid", "true")
    threshold.fill("0.7")
    expect(row(form_page, "threshold")).not_to_contain_text("even loud callers")


@pytest.mark.django_db(transaction=True)
def test_in_a_browser_a_setting_says_when_it_has_no_effect(form_page: Page) -> None:
    expect(row(form_page, "eagerness")).to_contain_text("No effect now: speech is noticed by sound")
    expect(row(form_page, "threshold")).not_to_contain_text("No effect now")
    form_page.select_option("[name=turn_settings-0-vad_type]", "semantic_vad")
    expect(row(form_page, "eagerness")).not_to_contain_text("No effect now")
    for name in ("threshold", "prefix_padding_ms", "silence_floor_ms", "response_latency_ms", "idle_timeout_ms"):
        expect(row(form_page, name)).to_contain_text("No effect now: speech is noticed by meaning.")
    form_page.locator("[name=turn_settings-0-idle_prompt_ms]").fill("0")
    expect(row(form_page, "idle_prompt")).to_contain_text("No effect now: silence is never broken.")


@pytest.mark.django_db(transaction=True)
def test_in_a_browser_saving_what_was_not_touched_changes_nothing(form_page: Page, agent: Agent) -> None:
    Agent.objects.update(instructions="Help.\nBriefly.")
    TurnSettings.objects.update(interrupt_phrases="halt\nwait")
    lines = Agent.history.count(), TurnSettings.history.count()
    form_page.reload()
    form_page.get_by_role("button", name="Save", exact=True).click()
    expect(form_page.get_by_text("was changed successfully")).to_be_visible()
    assert Agent.objects.get().instructions == "Help.\nBriefly."
    assert (Agent.history.count(), TurnSettings.history.count()) == lines
