"""`manage.py check --database default`: whether every agent can speak and hear with the providers that it names, in plain words.

Warnings and no errors: a call goes on with the speech model's own voice and ears, and `migrate` must not be stopped by an agent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Warning
from django.db import DatabaseError

from agents import keys
from agents.models import Agent, ProviderKey
from agents.voice_fields import HEARING, ROLES, Role, name_of
from voiceplatform import registry
from voiceplatform.checks import is_local


def agents_can_speak_and_hear(
    app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    if not databases:
        return []
    try:
        agents = list(Agent.objects.filter(active=True).order_by("name"))
        own = list(ProviderKey.objects.select_related("agent").order_by("agent__name", "provider"))
    except DatabaseError:
        return []  # before the first migration, or away: other checks tell that
    return [*_keys_can_be_read(own), *(found for agent in agents for found in _of_agent(agent, own))]


def _of_agent(agent: Agent, own: list[ProviderKey]) -> Iterator[CheckMessage]:
    has_key = {row.provider for row in own if row.agent_id == agent.pk and _is_readable(row)}
    for role in ROLES:
        slug = agent.plays(role)
        if not slug:
            continue
        if not registry.knows(role.kind, slug):
            hint = f"Choose another on its page, or add {slug!r} to settings.{role.kind}. Until then {_instead(role)}."
            yield Warning(
                f"The agent “{agent}” {_does(role, slug)}, and there is no such provider.", hint, id="agents.W001"
            )
        elif problems := agent.option_problems(role):
            told = registry.options(role.kind, slug)
            wrong = " ".join(f"{told[name][1].label}: {text}" for name, text in problems.items())
            hint = f"Change it on its page. Until then {_instead(role)}."
            yield Warning(
                f"The agent “{agent}” {_does(role, slug)}, and that is not possible. {wrong}", hint, id="agents.W002"
            )
        elif slug not in has_key and not keys.from_environment(slug):
            yield from _without_key(agent, role, slug)


def _without_key(agent: Agent, role: Role, slug: str) -> Iterator[CheckMessage]:
    """No key is right where a stand-in answers, as long as no real caller hears it."""
    where = registry.address(role.kind, slug, key="")
    hint = f"Set {registry.key_variable(slug)}, or type a key on its page."
    if where == registry.load(role.kind, slug).service_url:
        yield Warning(
            f"The agent “{agent}” {_does(role, slug)} without a key: it will be refused.", hint, id="agents.W003"
        )
    elif where == registry.stand_in(role.kind, slug) and not is_local(settings.PUBLIC.hostname or ""):
        text = f"The agent “{agent}” {_does(role, slug)} without a key: callers get the stand-in for rehearsals."
        yield Warning(text, hint, id="agents.W004")


def _keys_can_be_read(own: list[ProviderKey]) -> Iterator[CheckMessage]:
    for row in own:
        if not _is_readable(row):
            hint = "Put the SECRET_KEY of that time into SECRET_KEY_FALLBACKS, or type the key anew."
            yield Warning(f"The {row} was encrypted with another SECRET_KEY.", hint, id="agents.W005")
        elif not keys.is_current(row.encrypted):
            hint = "Run `manage.py rotate_keys` before you take that one out of SECRET_KEY_FALLBACKS."
            yield Warning(f"The {row} is still encrypted with an earlier SECRET_KEY.", hint, id="agents.W006")


def _is_readable(row: ProviderKey) -> bool:
    try:
        keys.decrypt(row.encrypted)
    except keys.Unreadable:
        return False
    return True


def _does(role: Role, slug: str) -> str:
    return f"{'hears' if role is HEARING else 'speaks'} with {name_of(role, slug)}"


def _instead(role: Role) -> str:
    return (
        "the speech model hears by itself"
        if role is HEARING
        else "callers hear its next voice, or the speech model's own"
    )
