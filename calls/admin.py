"""Calls in the admin: to look up, not to change. What happened is reviewed on the call's own page."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from calls.models import Call
from voiceplatform.audited import Audited


@admin.register(Call)
class CallAdmin(Audited, ModelAdmin):
    list_display = ["rang_at", "caller", "called", "agent", "status", "duration_ms"]
    list_filter = ["status", "agent", "carrier"]
    search_fields = ["caller", "called", "carrier_call_id"]
    list_select_related = ["agent"]
    date_hierarchy = "rang_at"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
