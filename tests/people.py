"""People with each role, for tests."""

from __future__ import annotations

from django.contrib.auth.models import Group, User
from django.core.management import call_command

from voiceplatform import roles

NOBODY, GUEST, BARE = "somebody without a session", "somebody who is no staff", "staff without a role"
REVIEWER, TUNER, ADMIN = roles.REVIEWER, roles.TUNER, roles.ADMIN
ALL = (NOBODY, GUEST, BARE, REVIEWER, TUNER, ADMIN)
STAFF = frozenset({BARE, REVIEWER, TUNER, ADMIN})


def person(kind: str) -> User | None:
    """A user of this kind; None for one without a session. Signs in with `force_login`: hashing passwords takes its time."""
    if kind == NOBODY:
        return None
    user = User.objects.create_user(f"{kind}-{User.objects.count()}".replace(" ", "-"), is_staff=kind != GUEST)
    if kind in roles.ROLES:
        call_command("sync_roles")  # as after `migrate`; a test with transactions of its own has emptied the tables
        user.groups.add(Group.objects.get(name=kind))
    return user
