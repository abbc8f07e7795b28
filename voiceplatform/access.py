"""Who may see which page, and what those read who may not: whom to ask."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db import Error as DatabaseAway
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render, resolve_url
from django.urls import reverse

from voiceplatform import roles

View = Callable[..., Any]

MOST_NAMED = 5


class Lacking(PermissionDenied):
    """Somebody is signed in and may not do this. `permissions`: what would be needed."""

    def __init__(self, *permissions: str) -> None:
        super().__init__(", ".join(permissions))
        self.permissions = permissions


def requires(*permissions: str) -> Callable[[View], View]:
    """A view for staff who have all of these permissions. Strangers may sign in; others are told whom to ask."""

    def decorate(view: View) -> View:
        @wraps(view)
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path(), resolve_url("admin:login"))
            check(request.user, *permissions)
            return view(request, *args, **kwargs)

        return checked

    return decorate


def check(user: Any, *permissions: str) -> None:
    """Raises Lacking unless this is one of the staff who has all of the permissions."""
    if not may(user, *permissions):
        raise Lacking(*(name for name in permissions if not user.has_perm(name)))


def may(user: Any, *permissions: str) -> bool:
    """Also of a websocket's user, and of nobody."""
    return bool(user and user.is_active and user.is_staff and user.has_perms(permissions))


def denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """The page of those who may not (Django's handler403)."""
    needed = exception.permissions if isinstance(exception, Lacking) else ()
    signed_in = request.user.is_authenticated
    try:
        context: dict[str, Any] = {
            **(admin.site.each_context(request) if signed_in and request.user.is_staff else {}),
            "needed": _in_words(needed),
            "whom": whom_to_ask(request.user) if signed_in else [],
            "inside": signed_in and request.user.is_staff,
            "title": "No access",
            "login": reverse("admin:login"),
        }
        return render(request, "403.html", context, status=403)
    except DatabaseAway:
        return HttpResponse("You may not do this. Ask an administrator.", status=403, content_type="text/plain")


def whom_to_ask(user: Any) -> list[Any]:
    """Some of those who can give rights: members of Admin, and superusers."""
    able = Q(is_superuser=True) | Q(groups__name=roles.ADMIN)
    people = get_user_model().objects.filter(able, is_active=True, is_staff=True).exclude(pk=user.pk)
    return list(people.distinct().order_by("username")[:MOST_NAMED])


def _in_words(names: Any) -> list[str]:
    """Permissions as the people's page calls them: without “Can”."""
    wanted = Q(pk__in=[])
    for name in names:
        app, _, codename = name.partition(".")
        wanted |= Q(content_type__app_label=app, codename=codename)
    found = Permission.objects.filter(wanted).values_list("name", flat=True)
    return [name.removeprefix("Can ") for name in found]
