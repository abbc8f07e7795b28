"""What somebody reads whose address leads nowhere, who may not sign in, or for whom something broke."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client, RequestFactory
from django.views.defaults import server_error
from playwright.sync_api import Browser

from tests import axe
from tests.people import GUEST, REVIEWER, person


def client_of(kind: str) -> Client:
    client = Client()
    user = person(kind)
    assert user is not None
    client.force_login(user)
    return client


@pytest.mark.django_db
def test_staff_stay_in_the_frame_and_are_led_on_to_what_is_theirs() -> None:
    answer = client_of(REVIEWER).get("/calls/nothing-here/")
    page = answer.content.decode()
    assert answer.status_code == 404
    assert "There is no such page" in page and "nav-sidebar" in page
    assert 'href="/calls/">Review calls' in page
    assert "Audit log" not in page  # is not for reviewers


@pytest.mark.django_db
@pytest.mark.parametrize("who", [None, GUEST])
def test_strangers_get_a_page_without_the_frame(who: str | None) -> None:
    answer = (client_of(who) if who else Client()).get("/calls/nothing-here/")
    page = answer.content.decode()
    assert answer.status_code == 404
    assert "There is no such page" in page and "nav-sidebar" not in page


def test_an_error_page_asks_no_database() -> None:
    page = server_error(RequestFactory().get("/calls/")).content.decode()  # the test has no database to ask
    assert "Something went wrong here" in page and "Calls that are running go on" in page


@pytest.mark.django_db
def test_a_form_that_was_open_for_too_long_says_so() -> None:
    answer = Client(enforce_csrf_checks=True).post("/admin/login/", {"username": "x", "password": "y"})
    assert answer.status_code == 403
    assert "This page was open for too long" in answer.content.decode()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1366, 390])
def test_they_fit_and_nothing_serious_is_wrong(browser: Browser, live_server: Any, scheme: Any, width: int) -> None:
    User.objects.create_superuser("boss")
    context = browser.new_context(
        base_url=live_server.url, viewport={"width": width, "height": 844}, color_scheme=scheme
    )
    page = context.new_page()
    page.goto("/calls/nothing-here/")
    assert axe.serious(page) == []
    page.goto("/admin/login/")
    assert page.get_by_text("Return to site").count() == 0  # it would lead here again
    page.fill("[name=username]", "boss")
    page.fill("[name=password]", "wrong")
    page.click("[type=submit]")
    assert (
        page.get_by_role("alert").inner_text()
        == "Nobody who may sign in here has this username and password. Capital letters matter."
    )
    assert axe.serious(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    context.close()
