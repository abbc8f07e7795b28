"""Calls in the admin: one can be seen whole there, and deleted. They are found and reviewed on pages of their own."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from unfold.admin import ModelAdmin

from calls import services
from calls.models import Call
from voiceplatform import audit
from voiceplatform.audit import Act
from voiceplatform.audited import Audited


@admin.register(Call)
class CallAdmin(Audited, ModelAdmin):
    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """The list that is made for a million of them."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return redirect("calls:list")

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        try:
            return super().delete_view(request, object_id, extra_context)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
            return redirect("admin:calls_call_change", object_id)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """In a few words. Django would fetch and list each of its thousand events."""
        if any(call.is_going_on for call in objs):
            raise ValidationError(services.STILL_GOING_ON)
        told = [f"{call}, with all that was said, its events, labels, figures and recording" for call in objs]
        return told, {Call._meta.verbose_name_plural: len(told)}, set(), []

    def delete_model(self, request: HttpRequest, obj: Call) -> None:
        name = str(obj.pk)
        if services.forget_call(call=obj):
            messages.success(request, "The call was deleted.")
        else:
            messages.warning(
                request,
                "The call was deleted. Its recording is not on this machine: if another one took the call, the file stays there "
                f"until it is removed by hand. Its name is {name}.wav, and there may be {name}.speech beside it.",
            )

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        """In the audit log alone: Django's own line has the caller's number, and outlives the call."""
        for call in queryset:
            audit.seen(request, Act.DELETED, call)

    def response_delete(self, request: HttpRequest, obj_display: str, obj_id: Any) -> HttpResponse:
        return redirect("calls:list")
