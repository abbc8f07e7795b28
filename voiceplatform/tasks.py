"""Celery tasks of what belongs to neither agents nor calls."""

from __future__ import annotations

from celery import shared_task
from django.conf import settings

from voiceplatform import audit


@shared_task
def forget_old_audit_lines() -> int:
    """Once a day."""
    return audit.forget_old(days=settings.AUDIT_DAYS)
