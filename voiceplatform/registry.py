"""Providers by slug: the settings name a class, and nothing else in the product does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from calls.voices import options as declared
from calls.voices.options import About
from voiceplatform import environment

KEYED = ("VOICES", "HEARINGS")
"""The kinds whose providers have keys of their own, for all agents or for one."""


def load(kind: str, slug: str) -> Any:
    """The class for a slug of settings.CARRIERS, MODELS, VOICES or HEARINGS. Raises ImproperlyConfigured with what to do."""
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
    """(slug, label) pairs for a form. Some are not to be chosen there: they say `selectable = False`."""
    known = ((slug, load(kind, slug)) for slug in sorted(getattr(settings, kind)))
    return [(slug, cls.label) for slug, cls in known if getattr(cls, "selectable", True)]


def knows(kind: str, slug: str) -> bool:
    return slug in getattr(settings, kind)


def options(kind: str, slug: str) -> dict[str, tuple[Any, About]]:
    """What can be chosen of a provider: name -> (default, what a form needs to know), in the order of declaration."""
    return declared.about(load(kind, slug).Options)


def problems(kind: str, slug: str, values: Mapping[str, Any]) -> dict[str, str]:
    """Option -> what is wrong with its value, in words for an admin. Empty: all is well."""
    return declared.problems(load(kind, slug).Options, values)


def complete(kind: str, slug: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Every option with its value, those left out with their default. Raises ValueError that names what is wrong."""
    return asdict(declared.build(load(kind, slug).Options, values))


def address(kind: str, slug: str, *, key: str) -> str:
    """Where a provider is: what the settings or the environment name, else its service, else (no key) its stand-in here."""
    provider = load(kind, slug)
    named = getattr(settings, provider.url_variable, "") or environment.text(provider.url_variable)
    return named.rstrip("/") or (provider.service_url if key else stand_in(kind, slug))


def stand_in(kind: str, slug: str) -> str:
    """The address of a provider's stand-in, which `make run` serves: the service's own path, below the slug."""
    service = urlsplit(load(kind, slug).service_url)
    scheme = "ws" if service.scheme.startswith("ws") else "http"
    return f"{scheme}://127.0.0.1:{settings.STAND_INS_PORT}/{slug}{service.path}".rstrip("/")


def stand_ins() -> dict[str, str]:
    """Slug -> dotted path of what stands in for a provider here, for those that have one."""
    found = {slug: load(kind, slug).stand_in for kind in KEYED for slug in getattr(settings, kind)}
    return {slug: path for slug, path in found.items() if path}


def key_variable(slug: str) -> str:
    """The variable of the environment that holds a provider's key. One key opens all that a provider does."""
    kind = next((kind for kind in KEYED if knows(kind, slug)), None)
    return str(load(kind, slug).key_variable) if kind else ""


def keyed() -> list[tuple[str, str]]:
    """(slug, label) of every provider that is reached with a key of its own, once each."""
    labels = {slug: label for kind in KEYED for slug, label in choices(kind)}
    return sorted(labels.items())
