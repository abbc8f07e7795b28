"""Acts on an agent's settings that leave a line in its history: a preset, what was tried in a call, an earlier state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from agents import history
from agents.history import Change, Entry
from agents.models import Agent, TurnSettings
from agents.presets import Preset


class Overtaken(Exception):
    """Somebody changed the agent since the page was shown: what was to be undone is not the latest any more."""


@transaction.atomic
def apply_preset(*, agent: Agent, preset: Preset, by: Any) -> list[Change]:
    """Give the agent the manners of a preset. What changed; nothing, and no revision, when it had them already."""
    _lock(agent)
    turn = _turn_settings(agent)
    return _adopt(turn, preset.values, mark(by, f"preset “{preset.label}” applied"))


@transaction.atomic
def change_turn_settings(*, agent: Agent, values: Mapping[str, Any], by: Any, why: str) -> list[Change]:
    """Give the agent some turn settings, as somebody tried them elsewhere. What changed; no revision when nothing did.

    Raises ValidationError when the whole would contradict itself.
    """
    _lock(agent)
    return _adopt(_turn_settings(agent), dict(values), mark(by, why))


@transaction.atomic
def roll_back(*, agent: Agent, to: Entry, by: Any) -> list[Change]:
    """Make the agent what it was after an entry of its history. Itself a new revision, so it can be taken back too.

    Raises ValidationError when that state is not valid any more, such as a name that another agent has taken since.
    """
    agent = _lock(agent)
    marks = mark(by, f"rolled back to {timezone.localtime(to.at):%d %b %Y, %H:%M:%S} ({to.why})"[:100])
    changes: list[Change] = []
    if to.agent is not None:
        changes += _adopt(agent, _values(Agent, to.agent), marks)
    if to.turn is not None:
        changes += _adopt(_turn_settings(agent), _values(TurnSettings, to.turn), marks)
    return changes


@transaction.atomic
def undo(*, agent: Agent, latest: str, by: Any) -> list[Change]:
    """Take the latest act back. `latest` is its key as the person saw it, so that nobody undoes what they have not seen."""
    _lock(agent)
    entries = history.of(agent)
    if len(entries) < 2 or entries[0].key != latest:
        raise Overtaken
    return roll_back(agent=agent, to=entries[1], by=by)


def mark(by: Any, why: str) -> dict[str, Any]:
    """What simple-history looks for on a row that is saved. The same date joins the rows of one act into one entry."""
    return {"_history_user": by, "_change_reason": why, "_history_date": timezone.now()}


def _lock(agent: Agent) -> Agent:
    return Agent.objects.select_for_update().get(pk=agent.pk)


def _turn_settings(agent: Agent) -> TurnSettings:
    return TurnSettings.objects.filter(agent=agent).first() or TurnSettings(agent=agent)


def _values(model: Any, row: Any) -> dict[str, Any]:
    return {field.name: getattr(row, field.name) for field in history.settings_of(model)}


def _adopt(row: Any, values: dict[str, Any], marks: dict[str, Any]) -> list[Change]:
    """Set values on a row and save it, if that changes anything."""
    before = type(row)(**_values(type(row), row))
    for name, value in {**values, **marks}.items():
        setattr(row, name, value)
    changes = history.between(type(row), before, row)
    if changes or row.pk is None:
        row.full_clean()
        row.save()
    return changes
