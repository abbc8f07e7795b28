"""Providers by slug: the settings name a class, and nothing else in the product does."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string


def load(kind: str, slug: str) -> Any:
    """The class for a slug of settings.CARRIERS, MODELS or VOICES. Raises ImproperlyConfigured with what to do."""
    known = getattr(settings, kind)
    if slug not in known:
        choices = ", ".join(sorted(known)) or "none"
        raise ImproperlyConfigured(f"{kind} has no {slug!r}. Known are: {choices}. Add it to settings.{kind}.")
    try:
        return import_string(known[slug])
    except ImportError as error:
        raise ImproperlyConfigured(
            f"settings.{kind}[{slug!r}] names {known[slug]}, which cannot be imported."
        ) from error


def choices(kind: str) -> list[tuple[str, str]]:
    """(slug, label) pairs for a form."""
    return [(slug, load(kind, slug).label) for slug in sorted(getattr(settings, kind))]
