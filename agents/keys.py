"""The providers' keys: an agent's own, encrypted at rest, else that of the environment.

Encrypted with a key that is derived from SECRET_KEY, so a copy of the database alone opens none. After a change of SECRET_KEY the
old one goes to SECRET_KEY_FALLBACKS; `manage.py rotate_keys` then encrypts all of them anew.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import transaction

from agents.models import Agent, ProviderKey
from voiceplatform import environment, registry

PURPOSE = b"voiceplatform.provider-key"
"""Keeps this key apart from all that is signed with SECRET_KEY."""

SHOWN = 4
LONG = 12
"""Of a shorter key not even the end is shown: too little of it would be left to guess."""


class Unreadable(Exception):
    """A key was encrypted with a SECRET_KEY that is not known any more. Says nothing of what was in it."""


class Secret:
    """A key on its way from a form. Printing it, logging it or putting it into a message tells nothing."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "set anew"


def key_for(agent_id: int | None, slug: str) -> str:
    """The key for a provider: the agent's own, else the environment's, else "". One query."""
    return keys_for(agent_id, [slug])[slug]


def keys_for(agent_id: int | None, slugs: Iterable[str]) -> dict[str, str]:
    """Slug -> key as in `key_for`, for all that a call needs. One query; none without an agent."""
    wanted = list(dict.fromkeys(slugs))
    own = ProviderKey.objects.filter(agent_id=agent_id, provider__in=wanted) if agent_id and wanted else []
    found = {slug: from_environment(slug) for slug in wanted}
    for row in own:
        try:
            found[row.provider] = decrypt(row.encrypted)
        except Unreadable:
            continue  # the check names it; the environment's may still do
    return found


def from_environment(slug: str) -> str:
    """The key of the environment for a provider, whatever it does; "" when there is none."""
    variable = registry.key_variable(slug)
    return environment.text(variable) if variable else ""


@transaction.atomic
def keep(*, agent: Agent, slug: str, key: str, by: Any) -> None:
    """Keep a key of an agent in place of an earlier one."""
    ending = key[-SHOWN:] if len(key) >= LONG else ""
    values = {"encrypted": encrypt(key), "ending": ending, "updated_by": by}
    ProviderKey.objects.update_or_create(agent=agent, provider=slug, defaults=values)


def forget(*, agent: Agent, slug: str) -> None:
    """From now on the environment's key is used. Harmless without one."""
    ProviderKey.objects.filter(agent=agent, provider=slug).delete()


def encrypt(key: str) -> str:
    return _box(settings.SECRET_KEY).encrypt(key.encode()).decode()


def decrypt(encrypted: str) -> str:
    """Raises Unreadable."""
    secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    try:
        return MultiFernet([_box(secret) for secret in secrets]).decrypt(encrypted.encode()).decode()
    except (InvalidToken, ValueError):
        raise Unreadable from None


def is_current(encrypted: str) -> bool:
    """Whether the SECRET_KEY of today opens it, and no older one is needed."""
    try:
        _box(settings.SECRET_KEY).decrypt(encrypted.encode())
    except (InvalidToken, ValueError):
        return False
    return True


@transaction.atomic
def rotate() -> tuple[int, list[ProviderKey]]:
    """Encrypt every key with the SECRET_KEY of today. How many were changed, and which cannot be read at all."""
    changed, lost = 0, []
    for row in ProviderKey.objects.select_for_update().select_related("agent"):
        if is_current(row.encrypted):
            continue
        try:
            row.encrypted = encrypt(decrypt(row.encrypted))
        except Unreadable:
            lost.append(row)
            continue
        row.save(update_fields=["encrypted"])
        changed += 1
    return changed, lost


def _box(secret: str | bytes) -> Fernet:
    raw = secret.encode() if isinstance(secret, str) else secret
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=PURPOSE).derive(raw)
    return Fernet(base64.urlsafe_b64encode(derived))
