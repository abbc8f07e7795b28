"""Where the sidebar leads: to all that this person may see, and to nothing that is not there."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client, RequestFactory
from django.urls import resolve

from voiceplatform.unfold import has_page, navigation

pytestmark = pytest.mark.django_db


def entries(user: User, path: str = "/admin/") -> dict[str, dict[str, Any]]:
    request = RequestFactory().get(path)
    request.user = user
    return {item["title"]: item for group in navigation(request) for item in group["items"]}


@pytest.fixture
def root() -> User:
    return User.objects.create_superuser("root", password="a-good-password")


def test_it_leads_to_every_part_and_each_link_works(root: User, client: Client) -> None:
    client.force_login(root)
    found = entries(root)
    assert {"Dashboard", "Review calls", "Agents", "Phone numbers", "Users", "Roles"} <= set(found)
    for item in found.values():
        assert client.get(item["link"]).status_code == 200, item["title"]


@pytest.mark.parametrize(
    ("path", "active"),
    [
        ("/admin/", "Dashboard"),
        ("/calls/", "Review calls"),
        ("/calls/0c1a2b3c-0000-4000-8000-000000000000/", "Review calls"),
        ("/calls/agents/1/effect/", "Agents"),
        ("/admin/agents/agent/1/change/", "Agents"),
        ("/admin/agents/phonenumber/", "Phone numbers"),
    ],
)
def test_exactly_the_entry_of_the_page_is_marked(root: User, path: str, active: str) -> None:
    assert [title for title, item in entries(root, path).items() if item["active"]] == [active]


def test_what_somebody_may_not_see_is_left_out() -> None:
    reviewer = User.objects.create_user("reviewer", password="a-good-password", is_staff=True)
    reviewer.user_permissions.set(Permission.objects.filter(codename="view_call"))
    assert {"Dashboard", "Review calls"} <= set(entries(reviewer)) <= {"Dashboard", "Review calls", "Live calls"}


def test_a_part_that_is_not_installed_is_left_out() -> None:
    assert not has_page("/calls/no-such-page/")
    assert not has_page("/admin/voiceplatform/nothing/")
    assert has_page("/calls/")
    assert resolve("/").url_name is None
