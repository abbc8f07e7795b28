"""Celery tasks: thin, idempotent, one service each."""

from __future__ import annotations

from typing import Any

from celery import shared_task
from django.db import InterfaceError, OperationalError

from calls import counting, earlier, services


@shared_task(
    autoretry_for=(OperationalError, InterfaceError),
    retry_backoff=True,
    retry_backoff_max=60,
    max_retries=8,
)
def apply_events(call_id: str, lines: list[dict[str, Any]]) -> int:
    """Store lines of a call's spool. When the retries are used up, the spool is published again."""
    return services.apply_events(call_id=call_id, lines=lines)


@shared_task
def end_unanswered_calls() -> int:
    """Calls that rang and never sent media."""
    return services.end_unanswered_calls()


@shared_task
def count_figures() -> int:
    """Bring the figures of the days up to date with the calls that ended."""
    return counting.count_pending()


@shared_task
def sum_up_earlier_calls() -> int:
    """Some of what an upgrade left to be summed up; nothing, most of the time."""
    return earlier.sum_up(batches=earlier.usual().batches)
