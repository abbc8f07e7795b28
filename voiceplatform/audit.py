"""The audit log's pen: who did what, when, and from which address.

Fed explicitly, by the act itself. A line that cannot be written is told in the server's log instead, and costs nobody their page
or their call.
"""

from __future__ import annotations

import ipaddress
import json
import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from channels.db import database_sync_to_async
from django.db import models, transaction
from django.http import HttpRequest
from django.utils import timezone

from voiceplatform.models import AuditEntry

logger = logging.getLogger("voiceplatform")

LONGEST = 300
"""Characters of one value. What was longer stands whole in the history of the settings."""

ONE_HEARING = timedelta(minutes=10)
"""A player fetches a recording in pieces: those of one person within this time are one playback."""


class Act(models.TextChoices):
    """The words of the column `act`. Not the column's choices: a new one is no migration."""

    MADE = "made", "made"
    CHANGED = "changed", "changed"
    DELETED = "deleted", "deleted"
    PRESET = "preset", "preset applied"
    ROLLED_BACK = "rolled-back", "rolled back"
    UNDONE = "undone", "change undone"
    APPLIED_LIVE = "applied-live", "settings sent to live calls"
    PLAYED = "played", "recording played"
    LISTENED = "listened", "listened in"
    EXPORTED = "exported", "exported"
    CALLED = "called", "called from the browser"
    HUNG_UP = "hung-up", "hung up"
    SAID = "said", "typed a sentence to the caller"
    CONFIGURED = "configured", "configured at the carrier"
    ROLE = "role", "rights changed"
    FORGOTTEN = "forgotten", "old lines removed"


def record(act: Act, *, by: Any, address: str = "", about: Any = None, **details: Any) -> None:
    """Append a line. `by`: a user, or None for a program; `about`: the object, if it is a row. Never raises.

    Within a transaction the line shares its fate: what did not happen is not told.
    """
    try:
        values = _who(by) | _what(about)
        values |= {"address": _address(address), "details": _plain(details)}
        with transaction.atomic():
            AuditEntry.objects.create(act=act, **values)
    except Exception as error:
        logger.error(
            "The audit log did not take this: %s of %s %s by user %s from %s (%s)",
            act,
            type(about).__name__ if about is not None else "nothing",
            getattr(about, "pk", ""),
            getattr(by, "pk", None),
            address,
            type(error).__name__,
        )


def seen(request: HttpRequest, act: Act, about: Any = None, **details: Any) -> None:
    """A line about what a request did."""
    record(act, by=request.user, address=request.META.get("REMOTE_ADDR", ""), about=about, **details)


async def heard(scope: Mapping[str, Any], act: Act, about: Any = None, **details: Any) -> None:
    """A line about what a websocket of a signed-in person did."""
    address = (scope.get("client") or ("",))[0]
    await database_sync_to_async(record)(act, by=scope.get("user"), address=address, about=about, **details)


def played(request: HttpRequest, about: Any) -> None:
    """A line about a playback, once for the many pieces that a player fetches."""
    try:
        known = AuditEntry.objects.filter(
            about_kind=about._meta.label_lower,
            about_id=str(about.pk),
            act=Act.PLAYED,
            at__gt=timezone.now() - ONE_HEARING,
            user_id=request.user.pk,
            address=_address(request.META.get("REMOTE_ADDR", "")),
        ).exists()
    except Exception:
        known = False  # record() says what is wrong
    if not known:
        seen(request, Act.PLAYED, about)


def forget_old(*, days: int) -> int:
    """Remove lines that are older than so many days, and leave a line about it. 0 days: keep all. How many went."""
    if days <= 0:
        return 0
    before = timezone.now() - timedelta(days=days)
    with transaction.atomic():
        old = models.QuerySet(AuditEntry).filter(at__lt=before)  # not our own queryset, which refuses
        gone, _ = old.delete()
        if gone:
            record(Act.FORGOTTEN, by=None, lines=gone, older_than=f"{before:%Y-%m-%d}", days=days)
    return gone


def _who(by: Any) -> dict[str, Any]:
    if by is None or not getattr(by, "is_authenticated", False):
        return {"user_id": None, "who": ""}
    return {"user_id": by.pk, "who": by.get_username()[:150]}


def _what(about: Any) -> dict[str, Any]:
    if about is None:
        return {}
    name = getattr(about, "audit_name", None) or str(about)
    return {"about_kind": about._meta.label_lower, "about_id": str(about.pk), "about": name[:200]}


def _address(given: str) -> str | None:
    try:
        return str(ipaddress.ip_address(given.partition("%")[0]))
    except ValueError:
        return None


def _plain(value: Any) -> Any:
    """Values as JSON can hold them, none of them long."""
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset | models.QuerySet):
        return [_plain(one) for one in value]
    if isinstance(value, bool | int | float) or value is None:
        json.dumps(value)
        return value
    text = str(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
