"""Three roles, and what each may do. They are groups with real permissions, kept equal to this file by `manage.py sync_roles`.

A permission that is added later goes to Admin by its pattern, and to nobody else until it is named here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from django.db import transaction

ADMIN, TUNER, REVIEWER = "Admin", "Tuner", "Reviewer"


@dataclass(frozen=True, slots=True)
class Role:
    """What a group is for, and the patterns of its permissions (`app.codename`, with * for any)."""

    what: str
    patterns: tuple[str, ...]

    def has(self, permission: str) -> bool:
        return any(fnmatchcase(permission, pattern) for pattern in self.patterns)


SETTINGS = ("agents.view_agent", "agents.view_turnsettings", "agents.view_phonenumber")
"""To read, not to change; and by name, since keys of providers are rows of `agents` too."""

ROLES: dict[str, Role] = {
    ADMIN: Role(
        "Everything but the server itself: agents, numbers, calls, recordings, people, the audit log.",
        (
            "agents.*",
            "calls.*",
            "voiceplatform.view_auditentry",
            "auth.*_user",
            "auth.view_group",
        ),
    ),
    TUNER: Role(
        "Agents and their settings, live calls and test calls; reads calls, but hears no recordings.",
        (
            *SETTINGS,
            "agents.change_agent",
            "agents.add_turnsettings",
            "agents.change_turnsettings",
            "calls.view_*",
            "calls.steer_call",
            "calls.place_call",
        ),
    ),
    REVIEWER: Role(
        "Reads, hears and labels calls; sees settings, and changes none.",
        (
            *SETTINGS,
            "calls.view_*",
            "calls.hear_recording",
            "calls.*_label",
        ),
    ),
}


def granted(role: str, permissions: Iterable[Any]) -> list[Any]:
    """Of Permission rows, those that a role has."""
    return [row for row in permissions if ROLES[role].has(f"{row.content_type.app_label}.{row.codename}")]


@transaction.atomic
def sync(groups: Any, permissions: Any) -> dict[str, int]:
    """Make the three groups what this file says. `groups` and `permissions` are managers, also those of a migration.

    Role -> how many permissions it has. Other groups, and what single people were given, stay as they are.
    """
    known = list(permissions.select_related("content_type"))
    counts = {}
    for role in ROLES:
        group, _ = groups.get_or_create(name=role)
        mine = granted(role, known)
        group.permissions.set(mine)
        counts[role] = len(mine)
    return counts
