"""What is changed in the admin goes to the audit log: a mixin for every ModelAdmin of ours."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from voiceplatform import audit
from voiceplatform.audit import Act

SECRET = {"password", "usable_password", "password1", "password2"}
"""Fields of which only the change is told: these, and all that are typed unseen (a key of a provider)."""


class Audited(admin.ModelAdmin):
    """Django tells a ModelAdmin of each addition, change and deletion, whatever page made it; so it is told here, once."""

    def audit_act(self, changes: list[list[str]]) -> Act:
        """The word for these changes."""
        return Act.CHANGED

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        filled = [form, *(row for formset in formsets or [] for row in formset.forms)]
        request._audited = [change for one in filled for change in changes_of(one)]
        return super().construct_change_message(request, form, formsets, add)

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        audit.seen(request, Act.MADE, obj, changes=getattr(request, "_audited", []))
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        if changes := getattr(request, "_audited", []):
            audit.seen(request, self.audit_act(changes), obj, changes=changes)
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        for row in queryset:
            audit.seen(request, Act.DELETED, row)
        return super().log_deletions(request, queryset)


def changes_of(form: forms.BaseForm) -> list[list[str]]:
    """(label, before, after) of each field of a form that was changed."""
    if not hasattr(form, "cleaned_data"):
        return []
    return [_change(form, name) for name in form.changed_data if name in form.fields or name in SECRET]


def _change(form: forms.BaseForm, name: str) -> list[str]:
    if name in SECRET:
        return ["Password", "", "changed"]
    field = form.fields[name]
    label = str(field.label or name).lstrip("12345. ")
    if isinstance(field.widget, forms.PasswordInput):
        return [label, "", "changed"]
    before = form.get_initial_for_field(field, name)
    return [label, shown(field, before), shown(field, form.cleaned_data.get(name))]


def shown(field: forms.Field, value: Any) -> str:
    """A value as the form shows it."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if value is None or value == "":
        return "empty"
    if isinstance(field, forms.ModelMultipleChoiceField):
        return ", ".join(sorted(str(one) for one in value)) or "none"
    if isinstance(field, forms.ModelChoiceField) and not isinstance(value, models.Model):
        return str(field.queryset.filter(pk=value).first() or value)
    if isinstance(field, forms.ChoiceField):
        return str(dict(_flat(field.choices)).get(value, value))
    return str(value)


def _flat(choices: Iterable[Any]) -> Iterable[tuple[Any, Any]]:
    for value, label in choices:
        if isinstance(label, list | tuple):
            yield from label
        else:
            yield value, label
