"""People and their roles, in the look of the rest. The audit log's page is in audit_admin.py."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, Permission, User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from voiceplatform import audit_admin, roles  # noqa: F401  audit_admin registers its page
from voiceplatform.audit import Act
from voiceplatform.audited import Audited

admin.site.unregister(User)
admin.site.unregister(Group)

RIGHTS = {"Groups", "User permissions", "Staff status", "Superuser status", "Active", "Permissions"}
"""Labels of the fields that decide what somebody may do."""


SAID = {
    "username": "What they sign in with: letters, digits and @ . + - _",
    "is_active": "Off: they cannot sign in, and what they did stays in the audit log. Better than deleting.",
    "is_staff": "On: they may sign in here. Whoever is given a role is.",
    "is_superuser": "On: they may do everything, whatever their roles.",
    "user_permissions": "Single rights beside those of their roles. Hold Ctrl (or ⌘) to choose several.",
}
"""Help of a user's fields, in the words of this product."""


class KeepsOtherGroups(forms.ModelForm):
    """Gives and takes the groups that are offered. What a user holds of others stays, and is named."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._others: list[Group] = []
        field = self.fields.get("groups")
        if field is None or self.instance.pk is None:
            return
        offered = set(field.queryset)
        held = self.instance.groups.all()
        self._others = [group for group in held if group not in offered]
        self.initial["groups"] = [group for group in held if group in offered]
        if self._others:
            names = ", ".join(group.name for group in self._others)
            line = f"Held too, and may do more than you, so not yours to give or take: {names}"
            field.help_text = format_html("{}<span class='block'>{}</span>", field.help_text, line)

    def _save_m2m(self) -> None:
        super()._save_m2m()
        self.instance.groups.add(*self._others)


class ChangeForm(KeepsOtherGroups, UserChangeForm):
    pass


class RightsAreTold(Audited):
    def audit_act(self, changes: list[list[str]]) -> Act:
        return Act.ROLE if any(change[0] in RIGHTS for change in changes) else Act.CHANGED


@admin.register(User)
class UserAdmin(RightsAreTold, DjangoUserAdmin, ModelAdmin):
    """Who is no superuser gives no group that may do more than they may, and touches no superuser's account."""

    form = ChangeForm
    add_form = UserCreationForm
    filter_horizontal = ()  # its two lists are too wide for a phone, and their help is not for screen readers
    change_password_form = AdminPasswordChangeForm
    list_display = ["username", "email", "roles_held", "is_active", "last_login"]
    list_filter = ["groups", "is_active", "is_superuser"]
    add_fieldsets = [(None, {"classes": ["wide"], "fields": ["username", "usable_password", "password1", "password2"]})]

    @admin.display(description="roles")
    def roles_held(self, user: User) -> str:
        held = [group.name for group in user.groups.all()]
        return ", ".join(["superuser"] * user.is_superuser + held) or "none"

    @admin.display(description="password")
    def secret(self, user: User) -> str:
        """Nothing of it, not even how it is kept: only the way to another one."""
        return format_html('<a href="{}">Set another one</a>', "../password/")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("groups")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Roles first; single permissions only for superusers, who may give more than they were given."""
        if obj is None:
            return [*super().get_fieldsets(request, obj), (None, {"fields": ["groups"]})]
        more = ["is_staff", "is_superuser", "user_permissions"] if request.user.is_superuser else ["is_staff"]
        return [
            (None, {"fields": ["username", "secret"]}),
            ("What they may do", {"fields": ["is_active", "groups", *more]}),
            ("Who it is", {"fields": ["first_name", "last_name", "email"]}),
            ("When", {"fields": ["last_login", "date_joined"]}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ["secret", "last_login", "date_joined"]

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field and db_field.name in SAID:
            field.help_text = SAID[db_field.name]
        return field

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "groups":
            kwargs["queryset"] = _groups_of_no_more(request.user)
        field = super().formfield_for_manytomany(db_field, request, **kwargs)
        if field and db_field.name == "groups":
            field.widget = UnfoldAdminCheckboxSelectMultipleWidget(choices=field.choices)
            told = (f"{name}: {role.what}" for name, role in roles.ROLES.items())
            field.help_text = format_html_join("", "<span class='block'>{}</span>", ((line,) for line in told))
        return field

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and _in_reach(request.user, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and _in_reach(request.user, obj)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> Any:
        """Nobody sets the password of those who may do more: they would become them."""
        user = self.get_object(request, unquote(id))
        if user is not None and _may_do_more(user, request.user):
            raise PermissionDenied
        return super().user_change_password(request, id, form_url)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """The list's action asks for no single permission: a superuser among the chosen stops it."""
        deleted, counts, needed, protected = super().get_deleted_objects(objs, request)
        if not all(_in_reach(request.user, user) for user in objs):
            needed = {*needed, "superuser"}
        return deleted, counts, needed, protected

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """A role is for the pages that only staff reach, so whoever is given one is staff."""
        super().save_related(request, form, formsets, change)
        user = form.instance
        given = "groups" in form.changed_data and user.groups.filter(name__in=roles.ROLES).exists()
        if given and not user.is_staff:
            user.is_staff = True
            user.save(update_fields=["is_staff"])


def _groups_of_no_more(by: Any) -> Any:
    """Groups of which every permission is one's own."""
    return Group.objects.exclude(permissions__in=_missing(by))


def _missing(by: Any) -> list[int]:
    """The permissions that somebody has not."""
    rows = Permission.objects.select_related("content_type")
    return [row.pk for row in rows if not by.has_perm(f"{row.content_type.app_label}.{row.codename}")]


def _in_reach(by: Any, user: Any) -> bool:
    return user is None or by.is_superuser or not user.is_superuser


def _may_do_more(user: Any, by: Any) -> bool:
    """Also while they cannot sign in: that may be changed."""
    if by.is_superuser:
        return False
    missing = _missing(by)
    own = user.user_permissions.filter(pk__in=missing).exists()
    return bool(user.is_superuser or own or user.groups.filter(permissions__in=missing).exists())


@admin.register(Group)
class GroupAdmin(RightsAreTold, DjangoGroupAdmin, ModelAdmin):
    """The three roles are what voiceplatform/roles.py says; who needs something else makes a group beside them."""

    list_display = ["name", "what"]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None or _is_own(obj):
            return super().get_fieldsets(request, obj)
        return [(None, {"fields": ["name", "what", "rights"]})]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return [] if obj is None or _is_own(obj) else ["what", "rights"]

    @admin.display(description="what it is for")
    def what(self, group: Group) -> str:
        role = roles.ROLES.get(group.name)
        return format_html('<span class="al-told">{}</span>', role.what if role else "A group of your own.")

    @admin.display(description="what its people may do")
    def rights(self, group: Group) -> str:
        """One line for each kind of thing."""
        of: dict[str, list[str]] = {}
        for right in group.permissions.select_related("content_type").order_by("content_type__model", "codename"):
            thing = right.content_type.name
            of.setdefault(thing, []).append(right.name.removeprefix("Can ").removesuffix(f" {thing}"))
        lines = ((thing[:1].upper() + thing[1:], ", ".join(acts)) for thing, acts in of.items())
        return format_html_join("", "<span class='block'>{}: {}</span>", lines)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and _is_own(obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and _is_own(obj)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        deleted, counts, needed, protected = super().get_deleted_objects(objs, request)
        return deleted, counts, needed, [*protected, *(str(group) for group in objs if not _is_own(group))]


def _is_own(group: Any) -> bool:
    return group is None or group.name not in roles.ROLES
