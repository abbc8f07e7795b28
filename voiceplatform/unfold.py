"""How the admin and the review pages look and where they lead."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import Resolver404, resolve, reverse, reverse_lazy

LIVE = "/calls/live/"
AGENTS = "/calls/agents/"
"""Pages of agents that show calls."""
NUMBERS = "/calls/numbers/"
"""Pages of numbers that ask the carrier."""


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """The sidebar of every page: what this person may see, of what this installation has."""
    index = reverse("admin:index")
    calls = [
        {
            "title": "Dashboard",
            "icon": "monitoring",
            "link": index,
            "active": request.path == index,
        },
        _entry(request, "Live calls", "sensors", LIVE, "calls.view_call"),
        _entry(request, "Review calls", "graphic_eq", reverse("calls:list"), "calls.view_call"),
    ]
    answering = [
        _entry(request, "Agents", "support_agent", _list("agents_agent"), "agents.view_agent"),
        _entry(request, "Phone numbers", "dialpad", _list("agents_phonenumber"), "agents.view_phonenumber"),
    ]
    people = [
        _entry(request, "Users", "person", _list("auth_user"), "auth.view_user"),
        _entry(request, "Roles", "group", _list("auth_group"), "auth.view_group"),
        _entry(
            request,
            "Audit log",
            "history",
            "/admin/voiceplatform/auditentry/",
            "voiceplatform.view_auditentry",
        ),
    ]
    if request.path.startswith(AGENTS) and answering[0]:
        answering[0]["active"] = True
    if request.path.startswith(NUMBERS) and answering[1]:
        answering[1]["active"] = True
    if calls[2]:  # the longer addresses are other pages
        calls[2]["active"] &= not request.path.startswith((AGENTS, LIVE, NUMBERS))
    groups = {"Calls": calls, "Answering": answering, "People": people}
    return [{"title": title, "items": [item for item in items if item]} for title, items in groups.items()]


def has_page(link: str) -> bool:
    """Whether this installation has a page there. The admin's catch-all is none."""
    try:
        return resolve(link).url_name is not None
    except Resolver404:
        return False


def _list(model: str) -> str:
    return reverse(f"admin:{model}_changelist")


def _entry(request: HttpRequest, title: str, icon: str, link: str, permission: str) -> dict[str, Any] | None:
    """None where the page is not part of this installation, or not for this person."""
    if not has_page(link) or not request.user.has_perm(permission):
        return None
    return {"title": title, "icon": icon, "link": link, "active": request.path.startswith(link)}


UNFOLD = {
    "SITE_TITLE": "Voice platform",
    "SITE_HEADER": "Voice platform",
    "SITE_ICON": lambda request: static("calls/favicon.svg"),
    "SITE_URL": reverse_lazy("admin:index"),
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("calls/favicon.svg")}],
    "STYLES": [lambda request: static("voiceplatform/theme.css")],
    "SHOW_HISTORY": True,
    "DASHBOARD_CALLBACK": "calls.dashboard.callback",
    "SIDEBAR": {"show_search": False, "navigation": navigation},
}
