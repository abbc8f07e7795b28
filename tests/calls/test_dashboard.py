"""The start page: what it says, to whom, and that it stays small whatever there is to count."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from agents.models import Agent, PhoneNumber, TurnSettings
from calls import counting, dashboard, services
from calls.dashboard import Totals
from calls.figures import DayFigures, bins
from calls.models import Call
from tests import axe
from tests.calls.test_counting import agent_named, ended

pytestmark = pytest.mark.django_db
DAYS = [timezone.localdate() - timedelta(days=number) for number in range(100)]


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("admin", password="a-good-password"))
    return client


def text(client: Client, url: str = "/admin/") -> str:
    """The page as it is read: tags taken out."""
    page = client.get(url).content.decode()
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page[page.index('class="db"') :]))


def with_calls() -> Agent:
    desk = agent_named("Desk")
    ended(desk, 1, DAYS[0], stops=4, interruptions=3, false_stops=1, silence_ms=[500, 700, 600], delay_ms=[900])
    ended(desk, 2, DAYS[3], stops=1, interruptions=1, silence_ms=[2000])
    ended(agent_named("Sales"), 3, DAYS[20], stops=10, interruptions=10, false_stops=10)
    ended(desk, 1, DAYS[99], stops=1, interruptions=1)
    counting.count_pending()
    return desk


def test_fewer_false_stops_and_shorter_waits_are_better_and_interruptions_are_neither() -> None:
    def totals(stops: int, false: int, length: float) -> Totals:
        lengths = bins({str(int(length // 20 * 20)): stops})
        return Totals(10, stops=stops, interruptions=stops, false_stops=false, silence=lengths, delay=lengths)

    less, more = totals(10, 1, 400), totals(20, 9, 800)
    better = {tile.name: (tile.change, tile.good) for tile in dashboard.tiles(less, more, 7)}
    worse = {tile.name: (tile.change, tile.good) for tile in dashboard.tiles(more, less, 7)}
    assert {name: good for name, (_, good) in better.items()} == {
        "Interruptions per call": None,
        "False stops": True,
        "Time to silence": True,
        "Response delay": True,
    }
    assert {name: good for name, (_, good) in worse.items()} == {
        "Interruptions per call": None,
        "False stops": False,
        "Time to silence": False,
        "Response delay": False,
    }
    assert all("lower than" in change for change, _ in better.values())
    assert all("higher than" in change for change, _ in worse.values())


def test_the_figures_of_the_days_agents_and_revisions_that_were_asked_for(admin: Client) -> None:
    desk = with_calls()
    week = text(admin)
    assert "Interruptions per call 2.0 4 in all" in week
    assert "False stops 20 % 1 of 5 stops" in week
    assert "Time to silence 610 ms median; 95 % within 2010 ms" in week
    assert "Response delay 910 ms" in week
    assert "By agent" in week
    month = text(admin, "/admin/?days=30")
    assert "Interruptions per call 4.7 14 in all" in month
    only = text(admin, f"/admin/?days=30&agent={desk.pk}")
    assert "Interruptions per call 2.0 4 in all" in only
    assert "By revision of the settings" in only


def test_a_figure_is_compared_with_the_days_before(admin: Client) -> None:
    desk = agent_named("Desk")
    ended(desk, 1, DAYS[1], interruptions=1, stops=1)
    ended(desk, 1, DAYS[8], interruptions=4, stops=4)
    counting.count_pending()
    assert "75 % lower than in the 7 days before" in text(admin)


@pytest.mark.parametrize("query", ["?days=9999", "?days=x&agent=y", "?agent=123456", "?days=-7", "?agent=²"])
def test_what_makes_no_sense_is_left_out(admin: Client, query: str) -> None:
    with_calls()
    assert "Interruptions per call 2.0" in text(admin, f"/admin/{query}")


def test_calls_of_today_and_live_ones_are_counted_as_they_are(admin: Client) -> None:
    for number, status in enumerate(["live", "ended", "ended", "refused"]):
        Call.objects.create(carrier="twilio", carrier_call_id=f"CA{number}", status=status)
    Call.objects.filter(carrier_call_id="CA2").update(rang_at=timezone.now() - timedelta(days=2))
    now = admin.get("/calls/now/").content.decode()
    assert re.findall(r'db-value">(\d+)', now) == ["3", "1"]
    assert "1 live, 1 ended, 1 refused" in now


def test_the_page_asks_as_little_of_many_days_as_of_few(admin: Client, django_assert_max_num_queries: Any) -> None:
    agents = [agent_named(f"Agent {number}") for number in range(8)]
    rows = [DayFigures(agent=agent, revision=1, day=day, calls=9, parts=9) for agent in agents for day in DAYS]
    DayFigures.objects.bulk_create(rows)
    with django_assert_max_num_queries(16):
        admin.get("/admin/?days=90")


def test_what_reviewers_said_is_counted(admin: Client) -> None:
    desk = with_calls()
    call = Call.objects.filter(agent=desk).first()
    assert call is not None
    for at_ms, kind in enumerate(["late", "late", "not_stop"]):
        services.label(call=call, by=User.objects.get(), kind=kind, at_ms=at_ms)
    assert "What reviewers said in these 7 days Answered too late 2 Should not have stopped 1" in text(admin)
    assert "What reviewers said" not in text(admin, f"/admin/?agent={agent_named('Sales').pk}")


def test_an_empty_product_leads_to_its_first_call(admin: Client) -> None:
    empty = text(admin)
    assert "Three steps to the first call 0 of 3 done" in empty
    assert "No figures for these 7 days yet" in empty


def test_who_may_not_see_calls_sees_no_figures(client: Client) -> None:
    with_calls()
    tuner = User.objects.create_user("tuner", password="a-good-password", is_staff=True)
    tuner.user_permissions.set(Permission.objects.filter(codename__in=["view_agent", "change_agent"]))
    client.force_login(tuner)
    page = client.get("/admin/").content.decode()
    assert 'class="db"' not in page
    assert "Agents" in page
    assert client.get("/calls/now/").status_code == 403


def test_only_staff_may_ask_what_is_live(client: Client) -> None:
    assert client.get("/calls/now/").status_code == 302


# --- in a browser


@pytest.fixture
def page(admin: Client, browser: Browser, live_server: Any) -> Page:
    context = browser.new_context()
    cookie = admin.cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": cookie, "url": live_server.url}])
    made = context.new_page()
    made.set_default_timeout(15_000)
    made.wrong = []
    made.on("pageerror", lambda error: made.wrong.append(str(error)))
    return made


@pytest.mark.django_db(transaction=True)
def test_in_a_browser_the_charts_are_drawn_and_follow_the_choice(page: Page, live_server: Any) -> None:
    desk = with_calls()
    page.goto(f"{live_server.url}/admin/")
    expect(page.locator(".db")).to_have_attribute("data-drawn", "true")
    drawn = (
        "() => [...document.querySelectorAll('canvas[data-chart]')].map((c) => Chart.getChart(c).data.datasets.length)"
    )
    assert page.evaluate(drawn) == [2, 1, 2, 2]
    page.get_by_label("30 days").focus()
    page.keyboard.press("Space")
    page.wait_for_url("**/admin/?days=30**")
    page.get_by_role("combobox", name="Agent").select_option(str(desk.pk))
    page.wait_for_url(f"**agent={desk.pk}**")
    expect(page.get_by_role("heading", name="By revision of the settings")).to_be_visible()
    assert page.wrong == []


@pytest.mark.django_db(transaction=True)
def test_in_a_browser_the_menu_opens_by_keyboard_on_a_phone(page: Page, live_server: Any) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{live_server.url}/admin/")
    link = page.get_by_role("link", name="Agents")
    expect(link).to_be_hidden()
    page.get_by_role("button", name="Menu").focus()
    page.keyboard.press("Enter")
    expect(link).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.django_db(transaction=True)
def test_in_a_browser_nothing_serious_is_in_the_way_of_anybody(page: Page, live_server: Any, theme: Any) -> None:
    page.emulate_media(color_scheme=theme, reduced_motion="reduce")
    page.goto(f"{live_server.url}/admin/")
    assert axe.serious(page) == []  # the guide, and nothing else yet
    desk = with_calls()
    TurnSettings.objects.create(agent=desk)
    for path in ("/admin/", f"/admin/?agent={desk.pk}&days=30", f"/calls/agents/{desk.pk}/effect/"):
        page.goto(f"{live_server.url}{path}")
        page.evaluate("document.querySelectorAll('details').forEach((folded) => { folded.open = true })")
        assert axe.serious(page) == [], path


@pytest.mark.django_db(transaction=True)
def test_in_a_browser_no_page_is_wider_than_a_phone(page: Page, live_server: Any) -> None:
    desk = with_calls()
    TurnSettings.objects.create(agent=desk)
    PhoneNumber.objects.create(number="+12025550142", agent=desk)
    page.set_viewport_size({"width": 390, "height": 844})
    for path in ("/admin/", f"/admin/?agent={desk.pk}&days=30", f"/calls/agents/{desk.pk}/effect/"):
        page.goto(f"{live_server.url}{path}")
        assert page.evaluate("document.documentElement.scrollWidth") == 390, path
