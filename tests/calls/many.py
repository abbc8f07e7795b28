"""Calls for tests of lists: made at once, different in everything that a list shows."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from agents.models import Agent
from calls.models import Call


def many(count: int, **same: Any) -> list[Call]:
    """The newest first, a minute apart, except that some ring at the same moment."""
    agent, _ = Agent.objects.get_or_create(name="Front desk", instructions="Help.")
    made = [
        Call(
            carrier="twilio",
            carrier_call_id=f"CA{n}",
            caller=f"+1202555{n:04}",
            called="+12025550142",
            agent=agent,
            status=Call.Status.ENDED,
            duration_ms=None if n % 5 == 4 else n % 7 * 1000,
            delay_ms=None if n % 4 == 3 else 300 + n % 3 * 100,
            interruption_count=n % 3,
            false_stop_count=n % 4 == 1,
        )
        for n in range(count)
    ]
    for call in made:
        for name, value in same.items():
            setattr(call, name, value)
    Call.objects.bulk_create(made)
    now = timezone.now().replace(microsecond=123000)
    for n, call in enumerate(made):
        call.rang_at = now - timedelta(minutes=n - n % 3)
    Call.objects.bulk_update(made, ["rang_at"])
    return made
