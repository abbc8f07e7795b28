"""The tuning screen in a real browser: sliders, what is not saved, what a caller would notice, and the session object."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Browser, Locator, Page, expect

from agents.models import Agent, TurnSettings
from tests import axe
from tests.people import REVIEWER, person

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def page(browser: Browser, live_server: Any, admin: Client, agent: Agent) -> Iterator[Page]:
    context = browser.new_context(base_url=live_server.url, viewport={"width": 1366, "height": 900})
    context.add_cookies([{"name": "sessionid", "value": admin.cookies["sessionid"].value, "url": live_server.url}])
    made = context.new_page()
    made.set_default_timeout(15_000)
    wrong: list[str] = []
    made.on("pageerror", lambda error: wrong.append(str(error)))
    made.goto(f"/admin/agents/agent/{agent.pk}/change/")
    expect(made.locator("#tn-rail")).to_be_visible()
    yield made
    context.close()
    assert wrong == []


def number(page: Page, name: str) -> Locator:
    return page.locator(f"[name=turn_settings-0-{name}]")


def slider(page: Page, name: str) -> Locator:
    return page.locator(f".vp-number:has([name=turn_settings-0-{name}]) input[type=range]")


SLID = [
    *("threshold", "prefix_padding_ms", "silence_floor_ms", "response_latency_ms", "response_delay_ms"),
    *("min_speech_ms", "answer_window_ms", "decide_by_ms", "grace_ms", "speech_probability", "min_loudness_db"),
    *("echo_guard", "laughter_guard", "resume_after_ms", "resume_overlap_ms", "suppress_ms", "idle_prompt_ms"),
]


def test_every_parameter_has_a_slider_beside_its_number(page: Page) -> None:
    for name in SLID:
        assert slider(page, name).count() == 1, name


def test_slider_and_number_follow_each_other(page: Page) -> None:
    number(page, "min_speech_ms").fill("3000")
    expect(slider(page, "min_speech_ms")).to_have_value("1000")
    slider(page, "min_speech_ms").fill("500")  # half of the way is a quarter of the range
    expect(number(page, "min_speech_ms")).to_have_value("750")
    slider(page, "threshold").fill("500")
    expect(number(page, "threshold")).to_have_value("0.5")
    expect(page.locator(".turn-detection:visible")).to_contain_text('"threshold": 0.5')


def test_the_keys_of_a_slider_move_by_the_settings_own_step(page: Page) -> None:
    slider(page, "silence_floor_ms").focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft"):
        page.keyboard.press(key)
    expect(number(page, "silence_floor_ms")).to_have_value("550")
    expect(slider(page, "silence_floor_ms")).to_have_attribute("aria-valuetext", "550 ms")
    page.keyboard.press("Home")
    expect(number(page, "silence_floor_ms")).to_have_value("100")
    page.keyboard.press("End")
    expect(number(page, "silence_floor_ms")).to_have_value("10000")


def test_sliders_are_not_sent(page: Page) -> None:
    names = page.evaluate("[...new FormData(document.getElementById('agent_form')).keys()]")
    assert page.locator("#agent_form input[type=range]").count() > 20
    assert len(names) == len(set(names))


def test_what_is_not_saved_is_listed_and_can_be_taken_back(page: Page) -> None:
    number(page, "threshold").fill("0.75")
    page.locator("[name=name]").fill("Night desk")
    number(page, "ignore_backchannels").uncheck()
    title = page.locator("#tn-pending-title")
    expect(title).to_have_text("3 unsaved changes")
    listed = page.locator("#tn-pending")
    expect(listed).to_contain_text("Threshold 0.6 → 0.75")
    expect(listed).to_contain_text("Name Front desk → Night desk")
    expect(listed).to_contain_text("on → off")
    page.get_by_role("button", name="Take back the change of Threshold").click()
    expect(title).to_have_text("2 unsaved changes")
    expect(number(page, "threshold")).to_have_value("0.6")
    page.get_by_role("button", name="Take all back").click()
    expect(page.locator("#tn-pending-none")).to_be_visible()
    assert number(page, "ignore_backchannels").is_checked()


def test_on_a_phone_saving_is_at_hand_as_soon_as_something_is_changed(page: Page, agent: Agent) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.get_by_role("link", name="To the turn settings").click()
    bar = page.locator(".tn-bar")
    expect(bar).to_be_hidden()
    number(page, "threshold").fill("0.75")
    expect(bar).to_contain_text("1 unsaved change")
    expect(bar.get_by_role("button", name="Save")).to_be_in_viewport()
    bar.get_by_role("button", name="Save").click()
    expect(page.get_by_text("was changed successfully")).to_be_visible()
    assert TurnSettings.objects.get(agent=agent).threshold == 0.75


def test_leaving_with_changes_is_asked_about_and_without_them_is_not(page: Page) -> None:
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    threshold = number(page, "threshold")
    threshold.click()
    threshold.fill("0.75")
    page.get_by_role("link", name="Dashboard").click()
    expect(page.locator("#tn-pending-title")).to_have_text("1 unsaved change")
    assert asked == ["beforeunload"]
    threshold.fill("0.6")
    page.get_by_role("link", name="Dashboard").click()
    page.wait_for_url("**/admin/")
    assert asked == ["beforeunload"]


def test_saving_is_not_asked_about(page: Page) -> None:
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    number(page, "threshold").fill("0.75")
    page.get_by_role("button", name="Save and continue editing").click()
    expect(page.get_by_text("was changed successfully")).to_be_visible()
    expect(page.locator("#tn-pending-none")).to_be_visible()
    assert asked == []


def test_what_a_caller_would_notice_follows_the_form(page: Page) -> None:
    heard = page.locator("#tn-heard")
    expect(heard).to_contain_text("The agent talks on.")
    expect(heard).to_contain_text("falls silent after 560 ms of clear speech")
    expect(heard).to_contain_text("Asked for 500 ms after the caller’s last word")
    number(page, "response_latency_ms").fill("900")
    number(page, "response_delay_ms").fill("100")
    expect(heard).to_contain_text("Asked for 1000 ms after the caller’s last word")
    number(page, "stop_sound").select_option("at_once")
    expect(heard).to_contain_text("falls silent, and goes on 300 ms after it")
    number(page, "mode").evaluate(
        "(field) => { field.value = 'legacy'; field.dispatchEvent(new Event('change', {bubbles: true})) }"
    )
    expect(heard).to_contain_text("talks on for what the carrier holds")


def test_the_session_object_is_that_of_the_form(page: Page) -> None:
    number(page, "threshold").fill("0.75")
    page.locator("[name=instructions]").fill("Be brief.")
    page.get_by_text("As the model would get it now").click()
    shown = page.locator(".tn-session")
    expect(shown).to_contain_text("Be brief.")
    session = json.loads(shown.text_content() or "")
    assert session["audio"]["input"]["turn_detection"]["threshold"] == 0.75
    assert Agent.objects.get().instructions == "Help."
    number(page, "silence_floor_ms").fill("800")
    expect(shown).to_contain_text('"silence_duration_ms": 800')


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_serious_is_in_the_way_of_anybody(page: Page, theme: Any) -> None:
    page.emulate_media(color_scheme=theme)
    number(page, "threshold").fill("0.75")
    page.evaluate("document.querySelectorAll('details').forEach((folded) => { folded.open = true })")
    assert axe.serious(page) == []


def test_on_a_phone_nothing_is_wider_than_the_page(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    number(page, "threshold").fill("0.75")
    expect(page.locator("#tn-pending-title")).to_have_text("1 unsaved change")
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_who_only_looks_sees_what_callers_notice_with_what_is_saved(
    browser: Browser, live_server: Any, agent: Agent
) -> None:
    TurnSettings.objects.filter(agent=agent).update(min_speech_ms=700)
    reviewer = Client()
    user = person(REVIEWER)
    assert user is not None
    reviewer.force_login(user)
    context = browser.new_context(base_url=live_server.url, viewport={"width": 1366, "height": 900})
    context.add_cookies([{"name": "sessionid", "value": reviewer.cookies["sessionid"].value, "url": live_server.url}])
    page = context.new_page()
    page.goto(f"/admin/agents/agent/{agent.pk}/change/")
    expect(page.locator("#tn-heard")).to_contain_text("The agent falls silent after 700 ms of clear speech.")
    expect(page.locator("#tn-rail")).to_contain_text("with what is saved")
    expect(page.locator("#tn-parts")).to_contain_text("Hearing the caller")
    assert page.locator("#tn-pending, #tn-session").count() == 0  # there is nothing to save
    context.close()
