"""The settings of one running call: which ones its page offers, and what a change of them makes of the whole.

A change holds for this call only. It has no revision of its own: the record names what differs. What proved good is kept for the
agent by an act of its own, which makes a revision.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models

from agents import screen, services, snapshot
from agents.defaults import unit
from agents.fields import scale
from agents.history import Change
from agents.models import Agent, TurnSettings
from calls.models import Call

OFFERED = (
    "threshold",
    "silence_floor_ms",
    "response_latency_ms",
    "prefix_padding_ms",
    "response_delay_ms",
    "stop_sound",
    "min_speech_ms",
    "decide_by_ms",
    "speech_probability",
    "min_loudness_db",
    "echo_guard",
    "grace_ms",
    "answer_window_ms",
    "resume_overlap_ms",
    "ignore_backchannels",
    "protect_greeting",
)
"""What is felt within a turn or two. The rest is the agent's own screen."""

NO_REVISION = 0

STEPS = {"ms": 20, "dB": 0.5}
"""Of a slider; a likeness or a probability moves by 0.01."""


class NotAccepted(Exception):
    """Values that the settings do not take. The message says why, in the words of the settings screen."""


@dataclass(frozen=True, slots=True)
class Control:
    """One setting on a call's page. `kind`: range, switch or choice."""

    name: str
    label: str
    says: str
    kind: str
    unit: str = ""
    low: float = 0
    high: float = 0
    step: float = 0
    choices: tuple[tuple[str, str], ...] = ()


def controls() -> list[Control]:
    """The settings that are offered, in the order of the screen."""
    return [_control(TurnSettings._meta.get_field(name)) for name in screen.in_order(OFFERED)]


def _control(field: models.Field[Any, Any]) -> Control:
    name, label = field.name, str(field.verbose_name)
    said = str(field.help_text).partition("\n")[0]
    if isinstance(field, models.BooleanField):
        return Control(name, label, said, "switch")
    if field.choices:
        return Control(name, label, said, "choice", choices=tuple((str(v), str(text)) for v, text in field.choices))
    low, high = scale(field) or (0, 1)
    return Control(name, label, said, "range", unit(name), low, high, STEPS.get(unit(name), 0.01))


def saved(agent: Agent) -> dict[str, Any]:
    """What the next call of an agent begins with, as its page shows it before there is a call."""
    turn = TurnSettings.objects.filter(agent=agent).first() or TurnSettings(agent=agent)
    return {name: getattr(turn, name) for name in OFFERED}


def changed(agent_id: int, turn: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """The turn settings of a call with some values changed, as `SettingsChanged` wants them. Raises NotAccepted."""
    agent = Agent.objects.filter(pk=agent_id).first()
    if agent is None:
        raise NotAccepted("The agent of this call is gone.")
    values = _cleaned(values)
    known = {name: turn[name] for name in snapshot.TURN_FIELDS if name in turn}
    made = TurnSettings(agent=agent, **{**known, **_lines(known), **values})
    try:
        made.full_clean(exclude=["agent"], validate_unique=False, validate_constraints=False)
    except ValidationError as error:
        raise NotAccepted(" ".join(error.messages)) from None
    in_force = {**turn, **snapshot.in_force(made), "revision": NO_REVISION}
    # Sentences and lists stay as they were resolved when the call began.
    in_force |= {name: value for name, value in known.items() if name not in values}
    return {"turn": in_force, "turn_detection": made.turn_detection()}


def keep(agent: Agent, values: Mapping[str, Any], call: Call, *, by: Any) -> list[Change]:
    """Make values that were tried in a call the agent's own. What changed. Raises NotAccepted."""
    cleaned = _cleaned(values)
    try:
        return services.change_turn_settings(agent=agent, values=cleaned, by=by, why=f"tried in call {call.pk}")
    except ValidationError as error:
        raise NotAccepted(" ".join(error.messages)) from None


def _cleaned(values: Mapping[str, Any]) -> dict[str, Any]:
    """Each value as its field takes it: what comes from a page may be anything. Raises NotAccepted."""
    if unknown := set(values) - set(OFFERED):
        raise NotAccepted(f"Not to be changed in a call: {', '.join(sorted(unknown))}.")
    try:
        cleaned = {name: TurnSettings._meta.get_field(name).clean(value, None) for name, value in values.items()}
    except ValidationError as error:
        raise NotAccepted(" ".join(error.messages)) from None
    except OverflowError:
        raise NotAccepted("That is no number of a setting.") from None
    if not all(math.isfinite(value) for value in cleaned.values() if isinstance(value, float)):
        raise NotAccepted("That is no number of a setting.")  # no validator says so of “nan”
    return cleaned


def _lines(known: Mapping[str, Any]) -> dict[str, Any]:
    """Lists of words as the settings keep them."""
    return {name: "\n".join(value) for name, value in known.items() if isinstance(value, list | tuple)}
