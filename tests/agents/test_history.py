"""Who changed what, when and why; presets, undo and roll-back, as acts and as clicks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.test import Client
from playwright.sync_api import Browser, Page, expect

from agents import history, services
from agents.models import Agent, TurnSettings
from agents.presets import PRESETS
from agents.snapshot import TURN_FIELDS, AgentSnapshot
from calls.models import Backlog, Call
from tests.agents.test_admin import filled
from voiceplatform.audit import Act
from voiceplatform.models import AuditEntry

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann(db: None) -> User:
    return User.objects.create_superuser("ann", password="a-good-password")


@pytest.fixture
def admin(client: Client, ann: User) -> Client:
    client.force_login(ann)
    return client


@pytest.fixture
def agent(db: None) -> Agent:
    made = Agent.objects.create(name="Front desk", instructions="Help.", greeting="Hello.", language="en")
    TurnSettings.objects.create(agent=made)
    return made


def state(agent: Agent) -> dict[str, Any]:
    turn = TurnSettings.objects.get(agent=agent)
    return {name: getattr(turn, name) for name in TURN_FIELDS}


def page(answer: Any) -> str:
    return re.sub(r"\s+", " ", answer.content.decode())


# --- as acts


def test_a_preset_gives_its_values_and_leaves_words_and_length_alone(agent: Agent, ann: User) -> None:
    own = {"idle_prompt": "Sind Sie noch da?", "interrupt_phrases": "halt", "max_call_s": 300}
    TurnSettings.objects.filter(agent=agent).update(**own)
    changes = services.apply_preset(agent=agent, preset=PRESETS["noisy_line"], by=ann)
    assert state(agent) == {**state(agent), **PRESETS["noisy_line"].values, **own}
    assert {change.name for change in changes} == set(PRESETS["noisy_line"].own)
    assert "threshold 0.6 → 0.75" in [str(change) for change in changes]
    assert "shortest interruption 560 ms → 700 ms" in [str(change) for change in changes]


def test_each_act_is_one_line_with_who_and_why(agent: Agent, ann: User) -> None:
    services.apply_preset(agent=agent, preset=PRESETS["snappy"], by=ann)
    newest = history.of(agent)[0]
    assert (newest.who, newest.why) == ("ann", "preset “Snappy” applied")
    assert newest.revision == agent.turn_settings.revision
    assert len(newest.changes) == len(PRESETS["snappy"].own)


def test_the_same_preset_again_changes_nothing_and_is_no_line(agent: Agent, ann: User) -> None:
    services.apply_preset(agent=agent, preset=PRESETS["snappy"], by=ann)
    lines = len(history.of(agent))
    assert services.apply_preset(agent=agent, preset=PRESETS["snappy"], by=ann) == []
    assert len(history.of(agent)) == lines


def test_undo_brings_the_state_before_back_and_undo_again_the_other(agent: Agent, ann: User) -> None:
    before = state(agent)
    services.apply_preset(agent=agent, preset=PRESETS["patient"], by=ann)
    after = state(agent)
    services.undo(agent=agent, latest=history.of(agent)[0].key, by=ann)
    assert state(agent) == before
    services.undo(agent=agent, latest=history.of(agent)[0].key, by=ann)
    assert state(agent) == after


def test_nobody_undoes_what_they_have_not_seen(agent: Agent, ann: User) -> None:
    services.apply_preset(agent=agent, preset=PRESETS["patient"], by=ann)
    seen = history.of(agent)[0].key
    services.apply_preset(agent=agent, preset=PRESETS["snappy"], by=None)
    with pytest.raises(services.Overtaken):
        services.undo(agent=agent, latest=seen, by=ann)
    assert PRESETS["snappy"].values.items() <= state(agent).items()


def test_any_state_can_come_back_whole(agent: Agent, ann: User) -> None:
    first = history.of(agent)[0]
    agent.greeting, agent.instructions = "Good day.", "Help more."
    agent.save()
    for slug in ("patient", "legacy", "noisy_line"):
        services.apply_preset(agent=agent, preset=PRESETS[slug], by=ann)
    changes = services.roll_back(agent=agent, to=first, by=ann)
    agent = Agent.objects.get()
    assert (agent.greeting, agent.instructions) == ("Hello.", "Help.")
    assert state(agent) == {name: getattr(TurnSettings(), name) for name in TURN_FIELDS}
    newest = history.of(agent)[0]
    assert newest.why.startswith("rolled back to ")
    assert {change.label for change in newest.changes} == {change.label for change in changes}


def test_a_state_that_is_not_valid_any_more_does_not_come_back(agent: Agent, ann: User) -> None:
    first = history.of(agent)[-1]
    agent.name = "Reception"
    agent.save()
    Agent.objects.create(name="Front desk", instructions="x")
    lines = len(history.of(agent))
    with pytest.raises(ValidationError):
        services.roll_back(agent=agent, to=first, by=ann)
    assert Agent.objects.get(pk=agent.pk).name == "Reception"
    assert len(history.of(agent)) == lines


def test_turn_settings_that_were_made_anew_keep_their_history(agent: Agent, ann: User) -> None:
    services.apply_preset(agent=agent, preset=PRESETS["patient"], by=ann)
    patient = history.of(agent)[0]
    agent.turn_settings.delete()
    TurnSettings.objects.create(agent=agent)
    agent = Agent.objects.get()
    services.roll_back(agent=agent, to=patient, by=ann)
    assert PRESETS["patient"].values.items() <= state(agent).items()


def test_another_agents_history_is_not_this_ones(agent: Agent, ann: User) -> None:
    other = Agent.objects.create(name="Other", instructions="x")
    TurnSettings.objects.create(agent=other)
    services.apply_preset(agent=other, preset=PRESETS["patient"], by=ann)
    assert history.entry(agent, history.of(other)[0].key) is None


def test_a_program_and_the_seed_leave_lines_too(agent: Agent) -> None:
    agent.turn_settings.threshold = 0.8
    agent.turn_settings.save()
    newest = history.of(agent)[0]
    assert (newest.who, newest.why, [str(c) for c in newest.changes]) == ("", "changed", ["threshold 0.6 → 0.8"])
    Agent.objects.all().delete()
    call_command("seed_demo", verbosity=0)
    (made,) = history.of(Agent.objects.get(name="Front desk"))
    assert made.why == "made for the demo"


def test_a_call_knows_the_revision_it_runs_with(agent: Agent, ann: User) -> None:
    services.apply_preset(agent=agent, preset=PRESETS["patient"], by=ann)
    revision = history.of(agent)[0].revision
    assert AgentSnapshot.of(Agent.objects.get()).turn["revision"] == revision > 0
    assert AgentSnapshot.of(Agent.objects.create(name="Bare", instructions="x")).turn["revision"] == 0


# --- as clicks


def test_one_click_applies_a_preset_and_says_what_it_changed(admin: Client, agent: Agent) -> None:
    answer = admin.post(f"/admin/agents/agent/{agent.pk}/preset/protect_disclaimer/", follow=True)
    assert "applied: the greeting is never interrupted off → on." in page(answer)
    assert TurnSettings.objects.get().protect_greeting
    assert "“Never interrupt the disclaimer” already" in page(
        admin.post(f"/admin/agents/agent/{agent.pk}/preset/protect_disclaimer/", follow=True)
    )


def test_one_click_takes_it_back(admin: Client, agent: Agent) -> None:
    shown = page(admin.post(f"/admin/agents/agent/{agent.pk}/preset/legacy/", follow=True))
    latest = re.search(r'name="latest" value="([^"]+)"', shown)
    assert latest is not None
    undone = admin.post(f"/admin/agents/agent/{agent.pk}/undo/", {"latest": latest[1]}, follow=True)
    assert "Undone: " in page(undone)
    assert TurnSettings.objects.get().mode == "full"
    stale = admin.post(f"/admin/agents/agent/{agent.pk}/undo/", {"latest": latest[1]}, follow=True)
    assert "somebody has changed this agent since" in page(stale)


def test_a_preset_that_does_not_fit_changes_nothing_and_says_why(admin: Client, agent: Agent) -> None:
    TurnSettings.objects.update(idle_prompt="", idle_prompt_ms=0)
    answer = admin.post(f"/admin/agents/agent/{agent.pk}/preset/snappy/", follow=True)
    assert "does not fit this agent, and nothing was changed." in page(answer)
    assert "would have nothing to say" in page(answer)
    assert TurnSettings.objects.get().idle_prompt_ms == 0


def test_the_history_page_shows_lines_and_rolls_back(admin: Client, agent: Agent) -> None:
    first = history.of(agent)[0]
    admin.post(f"/admin/agents/agent/{agent.pk}/change/", filled(agent, threshold="0.75") | {"greeting": "Hi."})
    shown = page(admin.get(f"/admin/agents/agent/{agent.pk}/history/"))
    assert "<h2>Saved</h2>" in shown
    assert "· ann ·" in shown
    assert "Threshold</th><td><del>0.6</del></td><td><ins>0.75</ins>" in shown
    assert "Greeting</th><td><del>Hello.</del></td><td><ins>Hi.</ins>" in shown
    answer = admin.post(f"/admin/agents/agent/{agent.pk}/roll-back/", {"to": first.key}, follow=True)
    assert "Rolled back to " in page(answer)
    assert Agent.objects.get().greeting == "Hello."
    assert TurnSettings.objects.get().threshold == 0.6
    assert admin.post(f"/admin/agents/agent/{agent.pk}/roll-back/", {"to": "7-7000"}).status_code == 404


def test_sentences_have_the_time_zone_of_the_pages(admin: Client, agent: Agent, settings: Any) -> None:
    settings.TIME_ZONE = "Europe/Vienna"
    evening = datetime(2026, 6, 30, 22, 15, tzinfo=UTC)
    Agent.history.update(history_date=evening)
    TurnSettings.history.update(history_date=evening)
    first = history.of(agent)[-1]
    Agent.objects.update(greeting="Hi.")
    answer = admin.post(f"/admin/agents/agent/{agent.pk}/roll-back/", {"to": first.key}, follow=True)
    assert "Rolled back to 01 Jul 2026, 00:15:00" in page(answer)
    assert history.of(agent)[0].why.startswith("rolled back to 01 Jul 2026, 00:15:00 (")
    assert AuditEntry.objects.get(act=Act.ROLLED_BACK).details["to"].startswith("2026-07-01 00:15:00 (")
    assert Call(rang_at=evening).audit_name == "call of 01 Jul 2026, 00:15:00"
    assert str(Backlog(before=evening)) == "Calls before 01 Jul 2026, 00:15:00"
    assert str(AuditEntry(at=evening, who="ann")).startswith("01 Jul 2026, 00:15:00 ann")


def test_saving_without_a_change_is_no_line(admin: Client, agent: Agent) -> None:
    lines = len(history.of(agent))
    admin.post(f"/admin/agents/agent/{agent.pk}/change/", filled(agent))
    assert len(history.of(agent)) == lines


def test_a_long_history_has_pages(admin: Client, agent: Agent, ann: User) -> None:
    for n in range(30):
        services.apply_preset(agent=agent, preset=PRESETS["patient" if n % 2 else "snappy"], by=ann)
    url = f"/admin/agents/agent/{agent.pk}/history/"
    assert "1–25 of 32" in page(admin.get(url))
    assert "26–32 of 32" in page(admin.get(f"{url}?page=2"))


def test_words_in_the_history_are_text_and_never_markup(admin: Client, agent: Agent) -> None:
    agent.greeting = "<script>alert(1)</script>"
    agent.save()
    assert "<script>alert" not in page(admin.get(f"/admin/agents/agent/{agent.pk}/history/"))
    assert "<script>alert" not in page(admin.get(f"/admin/agents/agent/{agent.pk}/change/"))


def test_only_who_may_change_agents_may_click(client: Client, agent: Agent) -> None:
    user = User.objects.create_user("staff", password="a-good-password", is_staff=True)
    user.user_permissions.add(*Permission.objects.filter(codename__in=["view_agent", "view_turnsettings"]))
    client.force_login(user)
    url = f"/admin/agents/agent/{agent.pk}"
    for act in ("preset/patient/", "undo/", "roll-back/"):
        assert client.post(f"{url}/{act}").status_code == 403
    assert "Roll back to this" not in page(client.get(f"{url}/history/"))
    assert "Apply the preset" not in page(client.get(f"{url}/change/"))


@pytest.mark.parametrize("act", ["preset/patient/", "undo/", "roll-back/"])
def test_a_link_changes_nothing(admin: Client, agent: Agent, act: str) -> None:
    assert admin.get(f"/admin/agents/agent/{agent.pk}/{act}").status_code == 405


def test_what_was_typed_stays_when_something_is_wrong(admin: Client, agent: Agent) -> None:
    form = filled(agent, threshold="7", idle_goodbye="So long.", backchannel_phrases="mm-hm\nright")
    shown = admin.post(f"/admin/agents/agent/{agent.pk}/change/", form).content.decode()
    assert "even loud callers" in shown
    assert 'value="So long."' in shown
    assert "mm-hm\nright" in shown


def test_a_part_with_a_mistake_is_not_folded_away(admin: Client, agent: Agent) -> None:
    def folded(answer: Any) -> int:
        return int(page(answer).split('id="turn_settings-group"')[1].count("<details"))

    url = f"/admin/agents/agent/{agent.pk}/change/"
    assert folded(admin.post(url, filled(agent, echo_guard="3"))) == folded(admin.get(url)) - 1


def test_what_a_preset_changes_is_told_before_it_is_applied(admin: Client, agent: Agent) -> None:
    shown = page(admin.get(f"/admin/agents/agent/{agent.pk}/change/"))
    cards = {card.split("<h3>")[1].split("<")[0]: card for card in shown.split('<li class="tn-preset')[1:]}
    assert set(cards) == {preset.label for preset in PRESETS.values()}
    assert "in force" in cards["Natural"]
    assert "Changes 1 setting<" in cards["Never interrupt the disclaimer"]
    for name, (_, because) in PRESETS["snappy"].own.items():
        assert because.capitalize()[:20] in cards["Snappy"], name
    assert "Shortest interruption: <del>560 ms</del> → <ins>250 ms</ins>" in cards["Snappy"]


def test_what_rolling_back_changes_is_told_before_it_is_done(admin: Client, agent: Agent, ann: User) -> None:
    for slug in ("patient", "protect_disclaimer"):
        services.apply_preset(agent=agent, preset=PRESETS[slug], by=ann)
    now, patient, *_ = page(admin.get(f"/admin/agents/agent/{agent.pk}/history/")).split("<article")[1:]
    assert "Rolling back" not in now
    assert f"would change {len(PRESETS['patient'].own) + 1} settings" in patient
    back = patient.split("Rolling back")[1]
    assert "The greeting is never interrupted: <del>on</del> → <ins>off</ins>" in back
    assert back.index("Shortest silence") < back.index("Shortest interruption") < back.index("Ask after a silence of")


# --- in a real browser


@pytest.fixture
def browser_page(browser: Browser, live_server: Any, admin: Client) -> Iterator[Page]:
    context = browser.new_context(base_url=live_server.url)
    context.add_cookies([{"name": "sessionid", "value": admin.cookies["sessionid"].value, "url": live_server.url}])
    made = context.new_page()
    faults: list[str] = []
    made.on("pageerror", lambda fault: faults.append(str(fault)))
    yield made
    context.close()
    assert faults == []


@pytest.mark.django_db(transaction=True)
def test_a_preset_is_one_click_and_so_is_its_undo(browser_page: Page, agent: Agent) -> None:
    browser_page.goto(f"/admin/agents/agent/{agent.pk}/change/")
    browser_page.get_by_role("button", name="Apply the preset Snappy").click()
    expect(browser_page.get_by_text("Preset “Snappy” applied: ")).to_be_visible()
    expect(browser_page.locator("[name=turn_settings-0-min_speech_ms]")).to_have_value("250")
    browser_page.get_by_role("button", name="Undo").click()
    expect(browser_page.get_by_text("Undone: ")).to_be_visible()
    expect(browser_page.locator("[name=turn_settings-0-min_speech_ms]")).to_have_value("560")
    browser_page.get_by_role("link", name="All changes").click()
    expect(browser_page.get_by_role("article")).to_have_count(4)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_fit_a_phone(browser_page: Page, agent: Agent, ann: User, scheme: Any) -> None:
    services.apply_preset(agent=agent, preset=PRESETS["legacy"], by=ann)
    browser_page.set_viewport_size({"width": 390, "height": 844})
    browser_page.emulate_media(color_scheme=scheme)
    number = agent.numbers.create(number="+12025550142")
    for url in (
        f"/admin/agents/agent/{agent.pk}/change/",
        f"/admin/agents/agent/{agent.pk}/history/",
        f"/admin/agents/phonenumber/{number.pk}/change/",
        f"/calls/agents/{agent.pk}/",
    ):
        browser_page.goto(url)
        assert browser_page.evaluate("document.documentElement.scrollWidth") <= 390, url
