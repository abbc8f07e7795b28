"""The three roles: what they may, and that they are kept equal to voiceplatform/roles.py."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command

from voiceplatform import roles
from voiceplatform.roles import ADMIN, REVIEWER, TUNER

pytestmark = pytest.mark.django_db


def of(role: str) -> set[str]:
    call_command("sync_roles")
    rows = Group.objects.get(name=role).permissions.select_related("content_type")
    return {f"{row.content_type.app_label}.{row.codename}" for row in rows}


@pytest.mark.parametrize(
    ("permission", "who"),
    [
        ("agents.change_turnsettings", {TUNER, ADMIN}),
        ("agents.change_agent", {TUNER, ADMIN}),
        ("agents.view_turnsettings", {REVIEWER, TUNER, ADMIN}),
        ("agents.add_agent", {ADMIN}),
        ("agents.view_providerkey", {ADMIN}),
        ("agents.change_providerkey", {ADMIN}),
        ("agents.change_phonenumber", {ADMIN}),
        ("calls.view_call", {REVIEWER, TUNER, ADMIN}),
        ("calls.hear_recording", {REVIEWER, ADMIN}),
        ("calls.add_label", {REVIEWER, ADMIN}),
        ("calls.steer_call", {TUNER, ADMIN}),
        ("calls.place_call", {TUNER, ADMIN}),
        ("calls.delete_call", {ADMIN}),
        ("auth.change_user", {ADMIN}),
        ("auth.change_group", set()),
        ("auth.change_permission", set()),
        ("sessions.view_session", set()),
        ("voiceplatform.view_auditentry", {ADMIN}),
    ],
)
def test_who_may(permission: str, who: set[str]) -> None:
    assert {role for role in roles.ROLES if permission in of(role)} == who


def test_no_pattern_is_without_a_permission() -> None:
    known = [
        f"{row.content_type.app_label}.{row.codename}" for row in Permission.objects.select_related("content_type")
    ]
    for name, role in roles.ROLES.items():
        for pattern in role.patterns:
            assert any(roles.Role("", (pattern,)).has(one) for one in known), f"{name}: {pattern}"


def test_the_migration_has_made_the_groups_and_the_command_keeps_them() -> None:
    group, _ = Group.objects.get_or_create(name=REVIEWER)
    wanted = of(REVIEWER)
    group.permissions.set([Permission.objects.get(codename="change_turnsettings")])
    assert of(REVIEWER) == wanted


def test_other_groups_are_left_alone() -> None:
    own = Group.objects.create(name="Our own")
    own.permissions.add(Permission.objects.get(codename="hear_recording"))
    call_command("sync_roles")
    assert own.permissions.count() == 1
