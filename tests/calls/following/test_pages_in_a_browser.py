"""The pages that follow calls, in Chromium: wide and narrow, light and dark, with what a call tells."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Browser, Page, expect

from agents.models import Agent, TurnSettings
from calls.following import tuning
from calls.models import Call
from tests import people
from tests.axe import serious

pytestmark = pytest.mark.django_db(transaction=True)

WIDTHS = [(1280, 900), (390, 844)]

NEWS = """(turn) => {
  const lines = [
    { seq: 1, at_ms: 500, kind: "agent_turn", says: "",
      data: { item_id: "a1", started_ms: 500, heard_text: "Good day.", unheard_text: "How can I help?", interruption: 1 } },
    { seq: 2, at_ms: 1400, kind: "caller_turn", says: "", data: { item_id: "u1", started_ms: 1200 } },
    { seq: 3, at_ms: 1500, kind: "interruption", says: "Stopped: 576 ms of speech", data: { number: 1, phase: "playing" } },
    { seq: 4, at_ms: 1900, kind: "interruption_refused", says: "Went on: too short", data: { item_id: "u2" } },
    { seq: 5, at_ms: 2000, kind: "caller_words", says: "", data: { item_id: "u1", text: "Wait, please." } },
  ];
  const news = { type: "news", lines, turn, age_ms: 3000, now: { state: "replying" }, sounds: [[1300, 0.9, 20]],
    speech: { caller: [], agent: [{ item_id: "a2", heard: "Of", unheard: " course." }] } };
  for (const socket of window.sockets) socket.onmessage({ data: JSON.stringify(news) });
}"""
"""A call's news, as they come over the page's socket."""

SOCKETS = """window.sockets = []; window.sent = []; window.WebSocket = class {
  constructor() { window.sockets.push(this); this.readyState = 1; }
  send(text) { window.sent.push(JSON.parse(text)); }
  close() {}
}; window.WebSocket.OPEN = 1;"""
"""The server of these tests has no websockets; whole calls have a test of their own."""


@pytest.fixture
def call() -> Call:
    agent = Agent.objects.create(name="Front desk", instructions="Help.")
    TurnSettings.objects.create(agent=agent)
    return Call.objects.create(
        agent=agent, carrier="twilio", carrier_call_id="CA1", caller="+12025550101", status=Call.Status.LIVE
    )


def opened(browser: Browser, server: Any, path: str, width: tuple[int, int], scheme: Any) -> Page:
    client, user = Client(), people.person(people.ADMIN)
    assert user is not None
    client.force_login(user)
    size: Any = {"width": width[0], "height": width[1]}
    context = browser.new_context(base_url=server.url, viewport=size, color_scheme=scheme)
    context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": server.url}])
    context.add_init_script(SOCKETS)
    page = context.new_page()
    page.goto(path)
    page.evaluate("(dark) => document.documentElement.classList.toggle('dark', dark)", scheme == "dark")
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_serious_stands_in_anybodys_way(
    browser: Browser, live_server: Any, call: Call, width: tuple[int, int], scheme: str
) -> None:
    turn = {name: TurnSettings._meta.get_field(name).get_default() for name in tuning.OFFERED}
    for path in ("/calls/live/", f"/calls/live/{call.pk}/", f"/calls/live/agents/{call.agent_id}/"):
        page = opened(browser, live_server, path, width, scheme)
        if str(call.pk) in path:
            page.evaluate(NEWS, turn)
            assert page.locator("#lv-said li").all_inner_texts()[1].split() == ["0:01", "Caller", "Wait,", "please."]
            assert page.locator("#lv-events li").count() == 2
            assert page.locator("#lv-threshold").input_value() == str(turn["threshold"])
        assert serious(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        page.context.close()


def test_before_a_call_from_the_browser_its_settings_are_those_that_are_saved(
    browser: Browser, live_server: Any, call: Call
) -> None:
    TurnSettings.objects.filter(agent=call.agent_id).update(threshold=0.81)
    page = opened(browser, live_server, f"/calls/live/agents/{call.agent_id}/", WIDTHS[0], "light")
    assert page.locator("#lv-threshold").input_value() == "0.81"
    assert page.locator("output[for=lv-threshold]").inner_text() == "0.81"
    assert page.locator("#lv-threshold").is_disabled()
    page.context.close()


def test_only_what_came_into_force_is_kept_whatever_order_the_answers_have(
    browser: Browser, live_server: Any, call: Call
) -> None:
    turn = {name: TurnSettings._meta.get_field(name).get_default() for name in tuning.OFFERED}
    page = opened(browser, live_server, f"/calls/live/{call.pk}/", WIDTHS[0], "light")
    page.evaluate(NEWS, turn)

    def told(**message: Any) -> None:
        page.evaluate("(m) => window.sockets[0].onmessage({ data: JSON.stringify(m) })", message)

    def asked(count: int) -> list[dict[str, Any]]:
        page.wait_for_function(f"window.sent.filter((m) => m.do === 'settings').length === {count}")
        return list(page.evaluate("window.sent.filter((m) => m.do === 'settings')"))

    for number, name in enumerate(("threshold", "grace_ms", "echo_guard"), start=1):
        page.locator(f"#lv-{name}").press("ArrowRight")
        assert list(asked(number)[-1]["values"]) == [name]
    assert page.locator("#lv-keep").is_hidden()
    told(type="refused", do="settings", why="No.", change=2, turn=turn)
    told(type="settings", state="applied", change=1, turn={**turn, "threshold": 0.61})
    told(type="settings", state="refused", code="invalid_value", change=3, turn={**turn, "threshold": 0.61})
    assert page.locator("#lv-grace_ms").input_value() == str(turn["grace_ms"])
    assert page.locator("#lv-echo_guard").input_value() == str(turn["echo_guard"])
    page.get_by_role("button", name="Keep what you changed for Front desk").click()
    expect(page.locator("#lv-told")).to_contain_text("Saved for Front desk: threshold 0.6 → 0.61.")
    expect(page.locator("#lv-keep")).to_be_hidden()
    saved = TurnSettings.objects.get(agent=call.agent_id)
    assert (saved.threshold, saved.grace_ms) == (0.61, turn["grace_ms"])
    page.context.close()
