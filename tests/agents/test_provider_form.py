"""The part of the agent's form that is made from what providers declare."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client
from playwright.sync_api import Browser, Page, expect

from agents import history, keys
from agents.keys import Secret
from agents.models import Agent, ProviderKey, TurnSettings
from tests.agents.test_admin import filled
from voiceplatform.models import AuditEntry

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("providers")]

SECRET = "lk_9f86d081884c7d659a2feaa0c55ad015"
LARK = {
    "voice__lark__voice_id": "anna",
    "voice__lark__model": "swift",
    "voice__lark__speed": "1.0",
    "voice__lark__chunk": "50",
    "voice__lark__boost": "on",
}


@pytest.fixture
def agent() -> Agent:
    made = Agent.objects.create(name="Front desk", instructions="Help.", greeting="Hello.")
    TurnSettings.objects.create(agent=made)
    return made


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("admin", password="a-good-password"))
    return client


def url(agent: Agent) -> str:
    return f"/admin/agents/agent/{agent.pk}/change/"


def save(admin: Client, agent: Agent, **fields: str) -> str:
    """The page after saving, on one line; the agent is read again."""
    answer = admin.post(url(agent), filled(agent) | fields, follow=True)
    agent.refresh_from_db()
    return " ".join(answer.content.decode().split())


def test_a_provider_is_chosen_with_its_options(admin: Client, agent: Agent) -> None:
    told = save(admin, agent, voice_provider="lark", **{**LARK, "voice__lark__speed": "1.1"})
    assert "was changed successfully" in told
    assert agent.voice_provider == "lark"
    assert agent.voice_options == {"lark": {"voice_id": "anna", "speed": 1.1}}  # defaults are not kept
    assert agent.voices()[0]["options"]["speed"] == 1.1


def test_switching_back_loses_nothing(admin: Client, agent: Agent) -> None:
    save(admin, agent, voice_provider="lark", **{**LARK, "voice__lark__speed": "1.1"})
    save(admin, agent, voice_provider="wren", voice__wren__voice_id="theo")
    assert agent.voices() == [{"provider": "wren", "options": {"voice_id": "theo"}}]
    save(admin, agent, voice_provider="")
    assert agent.voices() == []
    assert agent.voice_options == {"lark": {"voice_id": "anna", "speed": 1.1}, "wren": {"voice_id": "theo"}}


def test_an_option_goes_back_to_its_default(admin: Client, agent: Agent) -> None:
    save(admin, agent, voice_provider="lark", **{**LARK, "voice__lark__speed": "1.1", "voice__lark__chunk": "90"})
    save(admin, agent, voice_provider="lark", **{**LARK, "voice__lark__speed": "", "voice__lark__chunk": "50"})
    options = agent.voices()[0]["options"]
    assert (options["speed"], options["chunk"]) == (1.0, 50)


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("voice__lark__voice_id", " ", "This is needed."),
        ("voice__lark__speed", "3", "From 0.7 to 1.2."),
        ("voice__lark__speed", "fast", "Enter a number."),
        ("voice__lark__chunk", "50.5", "Enter a whole number."),
        ("voice__lark__model", "slow", "Select a valid choice."),
    ],
)
def test_a_wrong_option_is_told_once_beside_it_and_its_section_is_open(
    admin: Client, agent: Agent, field: str, value: str, says: str
) -> None:
    told = save(admin, agent, voice_provider="lark", **{**LARK, field: value})
    assert "Not saved." in told
    assert told.count(says) == 2  # beside the field, and in the list above
    assert "vp-voice-lark vp-not-chosen" not in told
    assert "vp-voice-wren vp-not-chosen" in told
    assert agent.voice_provider == ""


def test_what_is_wrong_with_another_provider_is_nobodys_trouble(admin: Client, agent: Agent) -> None:
    save(admin, agent, voice_provider="lark", **LARK)
    save(admin, agent, voice_provider="wren", **{**LARK, "voice__lark__speed": "fast", "voice__lark__voice_id": "eve"})
    assert agent.voice_provider == "wren"
    assert agent.voice_options["lark"] == {"voice_id": "eve"}


def test_a_form_that_knows_nothing_of_providers_leaves_them_alone(admin: Client, agent: Agent) -> None:
    Agent.objects.update(voice_options={"lark": {"voice_id": "anna", "boost": False}})
    save(admin, agent, greeting="Good day.")
    assert agent.greeting == "Good day."
    assert agent.voice_options == {"lark": {"voice_id": "anna", "boost": False}}


def test_a_provider_that_is_gone_stays_chosen_until_another_is(admin: Client, agent: Agent) -> None:
    Agent.objects.update(voice_provider="pigeon")
    assert "pigeon (not installed)" in admin.get(url(agent)).content.decode()
    assert "We do not know this provider." in save(admin, agent, voice_provider="pigeon")
    assert "was changed successfully" in save(admin, agent, voice_provider="")


def test_the_turn_settings_must_fit_the_providers(admin: Client, agent: Agent) -> None:
    form = {
        f"turn_settings-0-{name}": "0"
        for name in ("min_speech_ms", "speech_probability", "min_loudness_db", "echo_guard", "laughter_guard")
    }
    changed = {**filled(agent), **form, "turn_settings-0-create_response": "on"}
    del changed["turn_settings-0-ignore_backchannels"]
    told = admin.post(url(agent), {**changed, "hearing_provider": "wren"}).content.decode()
    assert "This agent speaks or hears through a provider" in told
    preview = {name.removeprefix("turn_settings-0-"): value for name, value in changed.items()}
    refused = admin.post("/admin/agents/agent/turn-detection/", {**preview, "hearing_provider": "wren"})
    assert [problem["name"] for problem in refused.json()["problems"]] == ["create_response"]


def test_each_option_that_changed_is_told_by_its_name(admin: Client, agent: Agent) -> None:
    save(admin, agent, voice_provider="lark", **LARK)
    save(admin, agent, voice_provider="lark", **{**LARK, "voice__lark__model": "fine", "voice__lark__boost": ""})
    newest, before, *_ = history.of(agent)
    assert [str(change) for change in newest.changes] == ["Lark & Co, model Swift → Fine", "Lark & Co, boost on → off"]
    assert [str(change) for change in before.changes] == [
        "who speaks the model → Lark & Co",
        "Lark & Co, voice empty → anna",
    ]


def test_a_key_is_written_and_never_shown(admin: Client, agent: Agent) -> None:
    told = save(admin, agent, voice_provider="lark", **LARK, key_lark=SECRET)
    assert keys.key_for(agent.pk, "lark") == SECRET
    page = admin.get(url(agent)).content.decode()
    assert "Set for this agent, ends in …d015" in page
    assert "by admin" in page
    assert SECRET not in told + page
    lines = Agent.history.count()
    save(admin, agent, voice_provider="lark", **LARK, key_lark="")
    assert keys.key_for(agent.pk, "lark") == SECRET
    save(admin, agent, voice_provider="lark", **LARK, key_lark="another that is long enough")
    assert keys.key_for(agent.pk, "lark") == "another that is long enough"
    assert Agent.history.count() == lines  # a key is no setting of the agent
    told = str(list(LogEntry.objects.values_list("change_message", flat=True)))
    assert "Key for Lark" in told
    assert "another" not in told
    audited = str(list(AuditEntry.objects.values()))
    assert "Key for Lark" in audited
    assert "another" not in audited
    assert SECRET not in audited
    save(admin, agent, forget_key_lark="on")
    assert not ProviderKey.objects.exists()


def test_a_key_comes_back_to_no_page_that_refuses_the_form(admin: Client, agent: Agent) -> None:
    told = save(admin, agent, voice_provider="lark", key_lark=SECRET)  # the voice is missing
    assert "Not saved." in told
    assert SECRET not in told
    assert SECRET not in f"{Secret(SECRET)} {Secret(SECRET)!r}"


def test_who_tunes_sees_no_key_and_sets_none(client: Client, agent: Agent) -> None:
    keys.keep(agent=agent, slug="lark", key=SECRET, by=None)
    tuner = User.objects.create_user("tuner", password="a-good-password", is_staff=True)
    wanted = ["view_agent", "change_agent", "view_turnsettings", "change_turnsettings", "view_providerkey"]
    tuner.user_permissions.set(Permission.objects.filter(codename__in=wanted))
    client.force_login(tuner)
    page = client.get(url(agent)).content.decode()
    assert "voice__lark__speed" in page
    assert "key_lark" not in page
    assert "d015" not in page
    save(client, agent, key_lark="one of mine", forget_key_lark="on", voice_provider="lark", **LARK)
    assert agent.voice_provider == "lark"
    assert keys.key_for(agent.pk, "lark") == SECRET


def test_who_only_looks_is_told_who_speaks(client: Client, agent: Agent) -> None:
    Agent.objects.update(voice_provider="lark", second_voice_provider="pigeon")
    viewer = User.objects.create_user("viewer", password="a-good-password", is_staff=True)
    viewer.user_permissions.set(Permission.objects.filter(codename__in=["view_agent", "view_turnsettings"]))
    client.force_login(viewer)
    page = client.get(url(agent)).content.decode()
    assert "Lark &amp; Co" in page
    assert "pigeon (not installed)" in page
    assert "voice__lark" not in page


def test_a_new_agent_has_its_voice_and_key_at_once(admin: Client) -> None:
    agent = Agent(name="New", instructions="Help.", greeting="")
    agent.turn_settings = TurnSettings()
    form = filled(agent) | {"turn_settings-INITIAL_FORMS": "0", "turn_settings-0-id": "", "turn_settings-0-agent": ""}
    told = admin.post(
        "/admin/agents/agent/add/", form | {"voice_provider": "lark", **LARK, "key_lark": SECRET}, follow=True
    )
    assert "was added successfully" in told.content.decode()
    made = Agent.objects.get()
    assert (made.voice_provider, keys.key_for(made.pk, "lark")) == ("lark", SECRET)


@pytest.fixture
def form_page(browser: Browser, live_server: Any, admin: Client, agent: Agent) -> Iterator[Page]:
    context = browser.new_context(base_url=live_server.url)
    context.add_cookies([{"name": "sessionid", "value": admin.cookies["sessionid"].value, "url": live_server.url}])
    page = context.new_page()
    page.goto(url(agent))
    yield page
    context.close()


@pytest.mark.django_db(transaction=True)
def test_in_a_browser_the_sections_follow_the_choice(form_page: Page, agent: Agent) -> None:
    lark, key = form_page.locator("[name=voice__lark__voice_id]"), form_page.locator("[name=key_lark]")
    expect(lark).to_be_hidden()
    expect(key).to_be_hidden()
    form_page.select_option("[name=voice_provider]", "lark")
    expect(lark).to_be_visible()
    expect(key).to_be_visible()
    expect(form_page.locator("[name=second_voice__lark__voice_id]")).to_be_hidden()
    expect(form_page.locator("[name=key_wren]")).to_be_hidden()
    form_page.select_option("[name=hearing_provider]", "wren")
    expect(form_page.locator(".turn-detection:visible")).to_have_text("null")
    threshold = form_page.locator(".field-row:has([name=turn_settings-0-threshold])")
    expect(threshold).to_contain_text("No effect now: another ear hears the caller.")
    expect(form_page.locator("[name=key_wren]")).to_be_visible()
    expect(form_page.locator("[name=hearing__wren__max_delay]")).to_be_visible()
    lark.fill("anna")
    slider = form_page.locator(".field-row:has([name=voice__lark__speed]) .sl-range")
    slider.fill("900")  # thousandths of the way
    expect(form_page.locator("[name=voice__lark__speed]")).to_have_value("1.15")
    form_page.get_by_role("button", name="Save", exact=True).click()
    expect(form_page.get_by_text("was changed successfully")).to_be_visible()
    agent.refresh_from_db()
    assert agent.voice_options == {"lark": {"voice_id": "anna", "speed": 1.15}}
    assert agent.hearing_provider == "wren"


@pytest.mark.django_db(transaction=True)
def test_in_a_browser_saving_what_was_not_touched_changes_nothing(form_page: Page, agent: Agent) -> None:
    Agent.objects.update(voice_provider="lark", voice_options={"lark": {"voice_id": "anna"}})
    lines = Agent.history.count()
    form_page.reload()
    form_page.get_by_role("button", name="Save", exact=True).click()
    expect(form_page.get_by_text("was changed successfully")).to_be_visible()
    assert Agent.history.count() == lines


@pytest.mark.django_db(transaction=True)
def test_without_a_script_the_saved_choice_is_seen(
    browser: Browser, live_server: Any, admin: Client, agent: Agent
) -> None:
    Agent.objects.update(voice_provider="lark", voice_options={"lark": {"voice_id": "anna"}})
    context = browser.new_context(base_url=live_server.url, java_script_enabled=False)
    context.add_cookies([{"name": "sessionid", "value": admin.cookies["sessionid"].value, "url": live_server.url}])
    page = context.new_page()
    page.goto(url(agent))
    expect(page.locator("[name=voice__lark__voice_id]")).to_be_visible()
    expect(page.locator("[name=voice__wren__voice_id]")).to_be_hidden()
    page.select_option("[name=voice_provider]", "wren")
    page.get_by_role("button", name="Save and continue editing").click()
    expect(page.locator("[name=voice__wren__voice_id]")).to_be_visible()
    context.close()
