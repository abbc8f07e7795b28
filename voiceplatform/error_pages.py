"""What somebody sees whose address leads nowhere. The page of those who may not is in access.py; 500.html needs no view."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import Error as DatabaseAway
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from voiceplatform.unfold import navigation


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """In the frame of the admin for staff, with the pages that are theirs; else alone (Django's handler404)."""
    try:
        inside = request.user.is_authenticated and request.user.is_staff
        context: dict[str, Any] = {"inside": inside, "title": "No such page"}
        if inside:
            context |= admin.site.each_context(request)
            context["places"] = [place for group in navigation(request) for place in group["items"]]
        return render(request, "404.html", context, status=404)
    except DatabaseAway:
        return HttpResponse("There is no such page.", status=404, content_type="text/plain")
