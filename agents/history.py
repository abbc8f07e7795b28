"""What an agent's settings were, who changed them, when and why: read from the history, newest first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Any

from django.db import models

from agents import screen
from agents.defaults import unit
from agents.fields import short
from agents.models import Agent, TurnSettings
from agents.voice_fields import ROLES, Role, name_of
from voiceplatform import registry

MADE, DELETED = "+", "-"

PROVIDERS = {role.provider: role for role in ROLES}
OPTIONS = {role.options: role for role in ROLES}
"""Fields of an agent that name a provider, and that hold its options."""


@dataclass(frozen=True, slots=True)
class Change:
    """One setting that differs between two states."""

    name: str
    label: str
    old: Any
    new: Any
    shown_old: str
    shown_new: str

    def __str__(self) -> str:
        return f"{self.label} {self.shown_old} → {self.shown_new}"


@dataclass(frozen=True, slots=True)
class Entry:
    """The agent and its turn settings as they were after one act. Rows that one act made have the same date."""

    agent: Any = None  # a HistoricalAgent
    turn: Any = None  # a HistoricalTurnSettings
    at: datetime | None = None
    who: str = ""
    why: str = ""
    changes: tuple[Change, ...] = ()

    @property
    def key(self) -> str:
        """Names this state: the history ids of both rows. No two entries of an agent share it."""
        return f"{_id(self.agent)}-{_id(self.turn)}"

    @property
    def revision(self) -> int:
        """Of the turn settings, as calls name it."""
        return _id(self.turn)


def of(agent: Agent) -> list[Entry]:
    """Every state of the agent and its turn settings, newest first. The turn settings are found by their agent: their own row may
    have been made anew."""
    agents = Agent.history.filter(id=agent.pk).select_related("history_user")
    turns = TurnSettings.history.filter(agent_id=agent.pk).select_related("history_user")
    rows = sorted([*agents, *turns], key=lambda row: (row.history_date, row.history_id))
    entries: list[Entry] = []
    last = Entry()
    for at, together in groupby(rows, key=lambda row: row.history_date):
        last = _after(last, at, list(together))
        entries.append(last)
    return entries[::-1]


def entry(agent: Agent, key: str) -> Entry | None:
    return next((found for found in of(agent) if found.key == key), None)


def _after(before: Entry, at: datetime, rows: list[Any]) -> Entry:
    """The next state: what has no row in this act stays as it was."""
    state = replace(before)
    for row in rows:
        present = None if row.history_type == DELETED else row
        state = replace(state, agent=present) if _is_agent(row) else replace(state, turn=present)
    first = rows[0]
    made = before.agent is None and before.turn is None
    changes = (
        () if made else (*between(Agent, before.agent, state.agent), *between(TurnSettings, before.turn, state.turn))
    )
    who = first.history_user.get_username() if first.history_user else ""
    why = next((row.history_change_reason for row in rows if row.history_change_reason), "") or _why(rows)
    return replace(state, at=at, who=who, why=why, changes=changes)


def _why(rows: list[Any]) -> str:
    return "made" if all(row.history_type == MADE for row in rows) else "changed"


def _is_agent(row: Any) -> bool:
    return row.instance_type is Agent


def _id(row: Any) -> int:
    return row.history_id if row is not None else 0


def back(newest: Entry, to: Entry) -> list[Change]:
    """What going back to an entry would change."""
    return [*between(Agent, newest.agent, to.agent), *between(TurnSettings, newest.turn, to.turn)]


def settings_of(model: type[models.Model]) -> Iterable[models.Field[Any, Any]]:
    """The fields that are settings: not what tells the row apart."""
    return (field for field in model._meta.concrete_fields if field.name not in ("id", "agent"))


def between(model: type[models.Model], old: Any, new: Any) -> list[Change]:
    """What differs between two states of a row. A state that is not there differs in nothing."""
    if old is None or new is None:
        return []
    return differences(model, old, {field.name: getattr(new, field.name) for field in settings_of(model)})


def differences(model: type[models.Model], old: Any, values: Mapping[str, Any]) -> list[Change]:
    """What would change if a row got these values, in the order of the screen."""
    changed = [name for name, value in values.items() if getattr(old, name) != value]
    found: list[Change] = []
    for name in screen.in_order(changed):
        field, before, after = model._meta.get_field(name), getattr(old, name), values[name]
        role = OPTIONS.get(name) if model is Agent else None
        found += _of_options(role, before, after) if role else [_change(field, before, after)]
    return found


def turn_at(agent: Agent, revision: int) -> Any:
    """The turn settings of a revision, as a row of the history; None when it is of another agent or not kept."""
    return TurnSettings.history.filter(agent_id=agent.pk, history_id=revision).first()


def _of_options(role: Role, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterable[Change]:
    """One change for each option of each provider, with its name on the form."""
    for slug in dict.fromkeys([*old, *new]):
        known = registry.options(role.kind, slug) if registry.knows(role.kind, slug) else {}
        before, after = old.get(slug, {}), new.get(slug, {})
        for name in dict.fromkeys([*known, *before, *after]):
            default, about = known.get(name, (None, None))
            values = before.get(name, default), after.get(name, default)
            if values[0] != values[1]:
                label = f"{name_of(role, slug)}, {about.label.lower() if about else name}"
                yield Change(
                    f"{role.options}.{slug}.{name}", label, *values, *(_option(about, value) for value in values)
                )


def _option(about: Any, value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        return f"{value:g}"
    return str(dict(about.choices if about else ()).get(value, value)) or "empty"


def _change(field: models.Field[Any, Any], old: Any, new: Any) -> Change:
    label = str(field.verbose_name).lstrip("12345. ")
    return Change(field.name, label, old, new, shown(field, old), shown(field, new))


def shown(field: models.Field[Any, Any], value: Any) -> str:
    """A value as the settings screen shows it."""
    if field.name in PROVIDERS:
        return name_of(PROVIDERS[field.name], value)
    if isinstance(value, bool):
        return "on" if value else "off"
    if value is None:
        return "never"
    if value == "":
        return "empty"
    if field.choices:
        return short(dict(field.flatchoices).get(value, value))
    number = f"{value:g}" if isinstance(value, float) else str(value)
    return f"{number} {unit(field.name)}".strip()
