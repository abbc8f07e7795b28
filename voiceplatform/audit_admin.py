"""The audit log as a page: to read, to filter, to export; nobody adds, changes or deletes a line."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import RangeDateTimeFilter

from voiceplatform import audit
from voiceplatform.audit import Act
from voiceplatform.models import AuditEntry


class ActFilter(admin.SimpleListFilter):
    title = "what was done"
    parameter_name = "act"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return Act.choices

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(act=self.value()) if self.value() else queryset


class WhoFilter(admin.SimpleListFilter):
    title = "who"
    parameter_name = "who"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        names = AuditEntry.objects.exclude(who="").order_by("who").values_list("who", flat=True).distinct()
        return [(name, name) for name in names[:200]]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(who=self.value()) if self.value() else queryset


COLUMNS = ["at", "who", "what", "of_kind", "of", "of_id", "from", "details"]


@admin.register(AuditEntry)
class AuditAdmin(ModelAdmin):
    list_display = ["when", "who", "done", "about", "told", "address"]
    list_display_links = ["when"]
    list_filter = [ActFilter, WhoFilter, ("at", RangeDateTimeFilter), "about_kind"]
    list_filter_submit = True
    list_per_page = 50
    search_fields = ["who", "about", "about_id", "address"]
    search_help_text = "Name of a person, of an agent or number, id of a call, or address"
    show_full_result_count = False
    ordering = ["-at", "-id"]
    fields = ["when", "who", "done", "about", "about_kind", "about_id", "address", "told"]
    readonly_fields = fields
    list_before_template = "admin/audit_export.html"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description="when", ordering="at")
    def when(self, entry: AuditEntry) -> str:
        return f"{timezone.localtime(entry.at):%d %b %Y, %H:%M:%S}"

    @admin.display(description="did", ordering="act")
    def done(self, entry: AuditEntry) -> str:
        return str(dict(Act.choices).get(entry.act, entry.act))

    @admin.display(description="details")
    def told(self, entry: AuditEntry) -> str:
        lines = format_html_join("", "<span class='block'>{}</span>", ((line,) for line in told(entry.details)))
        return format_html('<span class="al-told">{}</span>', lines)

    def get_urls(self) -> list[Any]:
        export = path("export/", self.admin_site.admin_view(self.export), name="voiceplatform_auditentry_export")
        return [export, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        kept = f"Lines are kept for {settings.AUDIT_DAYS} days." if settings.AUDIT_DAYS else "Lines are kept for ever."
        return super().changelist_view(request, {**(extra_context or {}), "kept": kept})

    def export(self, request: HttpRequest) -> StreamingHttpResponse:
        """What the list shows under the same filters, as CSV, however long."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        found = self.get_changelist_instance(request).get_queryset(request)
        audit.seen(request, Act.EXPORTED, what="audit log", filters=request.GET.urlencode())
        name = f"audit-log-{timezone.localtime():%Y-%m-%d-%H%M}.csv"
        return StreamingHttpResponse(
            _csv(found),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )


def told(details: dict[str, Any]) -> list[str]:
    """Details as lines: each change, then the rest."""
    changes = [f"{label}: {old} → {new}" for label, old, new in details.get("changes", [])]
    rest = [f"{name.replace('_', ' ')}: {_short(value)}" for name, value in details.items() if name != "changes"]
    return [*changes, *rest]


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {one}" for name, one in value.items()) or "none"
    if isinstance(value, list):
        return ", ".join(str(one) for one in value) or "none"
    return str(value)


class _Line:
    """What csv writes to; it gives the line back."""

    def write(self, text: str) -> str:
        return text


def _csv(entries: Any) -> Iterator[str]:
    write = csv.writer(_Line()).writerow
    yield write(COLUMNS)
    for entry in entries.iterator(chunk_size=2000):
        about = (entry.about_kind, entry.about, entry.about_id)
        cells = (entry.who, entry.act, *about, entry.address or "", "; ".join(told(entry.details)))
        yield write([_moment(entry.at), *(_harmless(cell) for cell in cells)])


def _moment(at: datetime) -> str:
    return timezone.localtime(at).isoformat(timespec="milliseconds")


def _harmless(cell: str) -> str:
    """A spreadsheet runs a cell that begins like a formula."""
    return f"'{cell}" if cell[:1] in "=+-@\t\r" and cell else cell
