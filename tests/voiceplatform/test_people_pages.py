"""The pages of people, roles, numbers and the audit log in a real browser: widths, colours, keyboard, and axe."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Browser, Page, expect

from agents.models import Agent, PhoneNumber, TurnSettings
from tests import axe
from tests.people import ADMIN, REVIEWER, person
from voiceplatform import audit
from voiceplatform.audit import Act
from voiceplatform.models import AuditEntry

pytestmark = pytest.mark.django_db(transaction=True)


def signed_in(browser: Browser, url: str, kind: str) -> Page:
    client = Client()
    user = person(kind)
    assert user is not None
    client.force_login(user)
    context = browser.new_context(base_url=url, permissions=["clipboard-read", "clipboard-write"])
    context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": url}])
    return context.new_page()


@pytest.fixture
def number(transactional_db: None) -> PhoneNumber:
    agent = Agent.objects.create(name="Front desk", instructions="Help.")
    TurnSettings.objects.create(agent=agent)
    return PhoneNumber.objects.create(number="+12025550142", agent=agent)


@pytest.fixture
def page(browser: Browser, live_server: Any, number: PhoneNumber) -> Iterator[Page]:
    made = signed_in(browser, live_server.url, ADMIN)
    yield made
    made.context.close()


def fits(page: Page, where: str) -> None:
    """At laptop and phone widths, light and dark, without anything serious for axe."""
    for width, height, scheme in ((1366, 900, "light"), (390, 844, "dark")):
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=scheme)
        page.goto(where)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{where} at {width}"
        assert axe.serious(page) == [], f"{where} at {width}"


def test_they_fit_and_are_for_everybody(page: Page, number: PhoneNumber) -> None:
    somebody = person(REVIEWER)
    assert somebody is not None
    audit.record(Act.ROLE, by=somebody, about=somebody, address="203.0.113.9", changes=[["Groups", "none", "Reviewer"]])
    line = AuditEntry.objects.latest("id")
    for where in (
        "/admin/agents/phonenumber/",
        f"/admin/agents/phonenumber/{number.pk}/change/",
        f"/calls/numbers/{number.pk}/configure/",
        "/admin/auth/user/",
        f"/admin/auth/user/{somebody.pk}/change/",
        "/admin/auth/group/",
        "/admin/voiceplatform/auditentry/",
        f"/admin/voiceplatform/auditentry/{line.pk}/change/",
    ):
        fits(page, where)


def test_the_page_of_those_who_may_not_fits_too(browser: Browser, live_server: Any, number: PhoneNumber) -> None:
    reviewer = signed_in(browser, live_server.url, REVIEWER)
    fits(reviewer, "/admin/auth/user/")
    expect(reviewer.get_by_role("heading", name="You may not do this")).to_be_visible()
    fits(reviewer, f"/admin/agents/phonenumber/{number.pk}/change/")
    reviewer.context.close()


def test_the_webhook_is_copied_with_the_keyboard(page: Page, number: PhoneNumber) -> None:
    page.goto(f"/admin/agents/phonenumber/{number.pk}/change/")
    page.get_by_role("button", name="Copy").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").filter(has_text="Copied.")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == number.webhook_url


def test_hours_are_set_with_the_keyboard(page: Page, number: PhoneNumber) -> None:
    page.goto(f"/admin/agents/phonenumber/{number.pk}/change/")
    page.get_by_label("Around the clock").focus()
    page.keyboard.press("Space")
    page.get_by_label("Monday").focus()
    page.keyboard.type("8-12, 1pm-6pm")
    page.keyboard.press("Enter")
    page.wait_for_url("**/admin/agents/phonenumber/")
    number.refresh_from_db()
    assert (number.around_the_clock, number.hours) == (False, {"0": [[480, 720], [780, 1080]]})


def test_roles_are_read_as_sentences_and_not_as_a_wall_of_permissions(page: Page) -> None:
    page.goto("/admin/auth/group/")
    page.get_by_role("link", name="Admin", exact=True).click()
    expect(page.get_by_text("Audit log line: view")).to_be_visible()
    assert "|" not in page.locator("main").inner_text()
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/admin/auth/group/")
    for told in page.locator(".al-told").all():  # on a phone its row was once lower than its text
        assert told.evaluate("told => told.parentElement.scrollHeight <= told.parentElement.clientHeight + 1")


def test_lists_are_called_by_what_they_hold_and_say_when_nothing_is_like_a_search(page: Page) -> None:
    page.goto("/admin/agents/phonenumber/?q=nobody")
    assert page.title() == "Phone numbers | Voice platform"
    expect(page.get_by_role("heading", name="Nothing here is like that")).to_be_visible()
    page.get_by_role("link", name="Show all", exact=True).click()
    expect(page.get_by_role("cell", name="Twilio")).to_be_visible()


def test_a_users_page_shows_nothing_of_the_password_but_the_way_to_another(browser: Browser, live_server: Any) -> None:
    admin = signed_in(browser, live_server.url, ADMIN)
    somebody = person(REVIEWER)
    assert somebody is not None
    admin.goto(f"/admin/auth/user/{somebody.pk}/change/")
    assert "pbkdf2" not in admin.content()
    admin.get_by_role("link", name="Set another one").click()
    admin.wait_for_url(f"**/admin/auth/user/{somebody.pk}/password/")
    admin.context.close()
