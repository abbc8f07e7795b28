"""The list and the call in a real Chromium: by mouse, by keyboard, on a phone, and for who does not see them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Browser, Page, expect

from calls import services
from calls.conversation import facts
from calls.models import Call, CallEvent, Label
from tests import axe
from tests.calls.test_services import claim, line, ring
from voiceplatform.models import AuditEntry

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def browser_page(browser: Browser, live_server: Any, reviewer: Client) -> Iterator[Page]:
    context = browser.new_context(base_url=live_server.url, viewport={"width": 1366, "height": 900})
    context.add_cookies([{"name": "sessionid", "value": reviewer.cookies["sessionid"].value, "url": live_server.url}])
    page = context.new_page()
    faults: list[str] = []
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda fault: faults.append(str(fault)))
    yield page
    context.close()
    assert faults == []


def test_the_player_is_ready_and_a_line_of_the_transcript_plays(browser_page: Page, call: Call) -> None:
    page = browser_page
    page.goto(call.get_absolute_url())
    if (Path(settings.BASE_DIR) / "node_modules" / "wavesurfer.js").is_dir():
        expect(page.locator("#waveform[data-ready=true]")).to_be_attached()
    expect(page.locator("del")).to_contain_text("day how")
    page.get_by_role("button", name="Play from 0:00.4").click()
    page.wait_for_function("document.getElementById('sound').currentTime >= 0.4")
    page.get_by_text("events of the record").click()
    page.locator("#kind").select_option("interruption")
    expect(page.locator("tr[data-kind]:visible")).to_have_count(1)
    page.locator(".vp-look-went button").first.press("Enter")
    page.wait_for_function("document.getElementById('sound').currentTime >= 0.7")
    assert page.evaluate("document.documentElement.scrollWidth") <= 1366


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone(browser_page: Page, call: Call, scheme: Any) -> None:
    page = browser_page
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(color_scheme=scheme)
    for url in ("/calls/", call.get_absolute_url()):
        page.goto(url)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_on_a_phone_a_call_of_the_list_is_a_card_that_opens_wherever_it_is_touched(
    browser_page: Page, call: Call
) -> None:
    page = browser_page
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/calls/")
    box = page.locator(".vp-scroll")
    assert box.evaluate("box => box.scrollWidth <= box.clientWidth")
    card = page.locator(".vp-row")
    expect(card.locator("[data-label=Labels]")).to_be_hidden()  # there is none
    page.get_by_role("link", name="Length").click()
    page.wait_for_url("**sort=-length")
    card.locator("[data-label=Caller]").click(force=True)  # what is touched there is the link that lies over the card
    page.wait_for_url(f"**{call.get_absolute_url()}*")
    assert call.called in page.title()


def test_where_nothing_was_decided_the_page_tells_where_something_was(browser_page: Page, call: Call) -> None:
    page = browser_page
    page.goto(call.get_absolute_url())
    expect(page.locator("#now-decided")).to_contain_text(
        "decisions in this call. The next: Sound over the agent, at 0:00.7."
    )
    page.get_by_role("button", name="Decision ›").click()
    expect(page.locator("#now-title")).to_contain_text("Sound over the agent.")


def test_a_link_leads_to_its_moment_and_tells_what_was_decided_then(browser_page: Page, call: Call) -> None:
    page = browser_page
    page.goto(f"{call.get_absolute_url()}#t=1.9")
    page.wait_for_function("document.getElementById('sound').currentTime === 1.9")
    now = page.locator("#now")
    expect(now).to_contain_text("0:01.9")
    expect(now).to_contain_text("Interruption 1. Stopped: 580 ms of speech")
    expect(now).to_contain_text("Decided by: shortest interruption 550 ms")
    revision = call.settings["turn"]["revision"]
    page.goto(f"{call.get_absolute_url()}?t=3.5")
    page.wait_for_function("document.getElementById('sound').currentTime === 3.5")
    expect(now.get_by_role("link", name="settings revision 12")).to_be_visible()
    assert revision != 12
    page.get_by_role("button", name="Copy link to this moment").click()
    assert page.url.endswith("#t=3.5")


def test_the_link_to_a_decision_tells_of_that_decision(browser_page: Page, call: Call) -> None:
    stop = CallEvent.objects.get(call=call, kind=facts.INTERRUPTION)
    stop.at_ms = 1947
    stop.save()
    page = browser_page
    page.goto(call.get_absolute_url())
    while page.locator("#now-title").inner_text().find("Interruption 1.") < 0:
        page.get_by_role("button", name="Decision ›").click()
    page.get_by_role("button", name="Copy link to this moment").click()
    assert page.url.endswith("#t=1.947")
    for moment in ("#t=1.947", "#t=1.9"):  # the second: as somebody reads it off the page
        page.goto("about:blank")
        page.goto(f"{call.get_absolute_url()}{moment}")
        expect(page.locator("#now-title")).to_contain_text("Interruption 1.")


def test_who_only_looks_at_a_call_has_not_heard_it(browser_page: Page, call: Call) -> None:
    page, played = browser_page, AuditEntry.objects.filter(act="played")
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.url) if request.url.endswith(".wav") else None)
    page.goto(f"{call.get_absolute_url()}#t=0.7")
    expect(page.locator("#waveform[data-ready=true]")).to_be_attached()
    expect(page.locator("#now-at")).to_have_text("0:00.7")
    page.keyboard.press("n")
    assert page.evaluate("document.getElementById('sound').currentTime") >= 0.7
    assert (fetched, played.exists()) == ([], False)
    page.evaluate(
        "window.sought = []; sound.addEventListener('seeking', () => window.sought.push(sound.currentTime), { capture: true })"
    )
    expect(page.locator("#sound")).to_be_hidden()  # it would tell a length of 0:00
    expect(page.get_by_role("button", name="▶ Play")).to_be_visible()
    page.get_by_role("button", name="Play from 0:00.4").click()
    page.wait_for_function("document.getElementById('sound').readyState >= 1")
    expect(page.locator("#sound")).to_be_visible()
    expect(page.locator("#play")).to_be_hidden()
    assert all(at < 0.7 for at in page.evaluate("window.sought"))  # and not back at the moment of the link
    assert fetched
    assert played.get().about_id == str(call.pk)


def test_a_reviewer_goes_from_decision_to_decision_and_labels_by_keyboard(browser_page: Page, call: Call) -> None:
    page = browser_page
    page.goto(f"{call.get_absolute_url()}#t=0")
    expect(page.locator("#now")).to_be_visible()
    page.keyboard.press("n")
    page.wait_for_function("document.getElementById('sound').currentTime === 0.7")
    page.keyboard.press("1")
    expect(page.locator("#label-list li")).to_have_count(1)
    page.evaluate("document.activeElement.blur()")
    while page.locator("#now-title").inner_text().find("Interruption 1.") < 0:
        page.keyboard.press("n")
    page.keyboard.press("l")
    page.keyboard.type("She was not done.")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#label-list")).to_contain_text("“She was not done.”")
    stop, note = Label.objects.order_by("at_ms")
    assert (stop.kind, stop.about, stop.ref, stop.at_ms) == ("stop", "refusal", "11", 700)
    assert (note.kind, note.about, note.ref, note.author_name) == ("note", "interruption", "1", "admin")
    page.get_by_role("button", name="Remove Note").press("Enter")
    expect(page.locator("#label-list li")).to_have_count(1)
    assert Label.objects.get() == stop


def test_calls_are_walked_and_help_is_found_by_keyboard(browser_page: Page, call: Call) -> None:
    assert call.number is not None
    other = claim(ring(call.number, "CA-other"))
    services.apply_events(call_id=other.pk, lines=[line(1, facts.CALL_ENDED, 5000, reason="x", duration_ms=5000)])
    page = browser_page
    page.goto("/calls/?sort=-when")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.keyboard.press("j")
    expect(page.locator(".vp-row .vp-link").first).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{other.get_absolute_url()}*")
    page.keyboard.press("]")
    page.wait_for_url(f"**{call.get_absolute_url()}*")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("next, previous decision")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.keyboard.press("u")
    page.wait_for_url("**/calls/?*")
    page.keyboard.press("/")
    page.keyboard.type("card")
    page.keyboard.press("Enter")
    expect(page.locator("mark")).to_have_text("card")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1366, 390])
def test_nothing_serious_stands_in_the_way_of_anybody(browser_page: Page, call: Call, scheme: Any, width: int) -> None:
    services.label(
        call=call, by=call_author(), kind="not_stop", at_ms=1800, about="interruption", ref="1", text="cough"
    )
    page = browser_page
    page.set_viewport_size({"width": width, "height": 844})
    page.emulate_media(color_scheme=scheme)
    page.goto("/calls/?q=card&interrupted=yes")
    page.get_by_text("Filters (2 in force)").click()
    assert axe.serious(page) == []
    page.goto(f"{call.get_absolute_url()}?t=1.9")
    expect(page.locator("#now")).to_contain_text("Interruption 1")
    for summary in page.locator("main summary, .vp summary").all():
        summary.click()
    assert axe.serious(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.keyboard.press("?")
    assert axe.serious(page) == []


def call_author() -> Any:
    return User.objects.get(username="admin")
