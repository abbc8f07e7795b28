"""The settings that a run is made with: a preset, an agent of the database or the defaults, and single values over them."""

from __future__ import annotations

import importlib
import json
from dataclasses import dataclass
from typing import Any

from django.conf import settings as django_settings
from django.core.exceptions import ValidationError
from django.db import Error as DatabaseError
from django.db import models

from agents.models import Agent, TurnSettings
from agents.snapshot import AgentSnapshot
from calls.conversation.settings import ConversationSettings
from calls.rehearsal.config import segmentation
from voiceplatform import registry

DEFAULT_PRESET = "natural"
_YES, _NO = ("true", "on", "yes", "1"), ("false", "off", "no", "0")


class BadChoice(Exception):
    """Settings that cannot be used; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """Settings with a name, as a call would run with them."""

    label: str
    settings: ConversationSettings
    turn_detection: dict[str, Any]
    turn: dict[str, Any]

    @property
    def silence_ms(self) -> int:
        """The silence that the VAD waits for; for semantic VAD, what the rehearsal model takes for it."""
        return int(segmentation(self.turn_detection)[2])


def presets() -> dict[str, Any]:
    """The presets by their names; none where the project has none."""
    try:
        return dict(importlib.import_module("agents.presets").PRESETS)
    except (ModuleNotFoundError, AttributeError):
        return {}


def choose(
    *,
    preset: str = "",
    agent: str = "",
    values: list[str] | None = None,
    bare: bool = False,
    voices: tuple[str, ...] = (),
    hearing: str = "",
) -> Chosen:
    """The settings by their names, `values` (name=value) over them. `bare`: what an agent has before anything is set. `voices`
    and `hearing`: providers by their slugs. Raises BadChoice."""
    for kind, slugs in (("VOICES", voices), ("HEARINGS", filter(None, [hearing]))):
        for slug in slugs:
            if not registry.knows(kind, slug):
                raise BadChoice(f"{slug!r} is none of {', '.join(sorted(getattr(django_settings, kind)))}.")
    turn, label = (_bare(), "defaults") if bare else _base(preset, agent)
    for setting in values or ():
        name, value = _read(setting)
        setattr(turn, name, value)
    try:
        turn.full_clean(exclude=["agent"], validate_unique=False, validate_constraints=False)
    except ValidationError as error:
        told = "; ".join(f"{name}: {' '.join(messages)}" for name, messages in error.message_dict.items())
        raise BadChoice(f"These settings cannot be used. {told}") from None
    if values:
        label = f"{label}, {', '.join(values)}"
    # A scene's reply is never the greeting, which some settings protect.
    snapshot = AgentSnapshot.of(turn.agent)
    settings = ConversationSettings.of(snapshot.turn, greeting="", turn_detection=snapshot.turn_detection)
    if voices or hearing:
        label = f"{label}, {' and '.join(filter(None, (*voices, hearing and f'heard by {hearing}')))}"
    return Chosen(label, settings.with_providers(voices, hearing), snapshot.turn_detection, snapshot.turn)


def _base(preset: str, agent: str) -> tuple[TurnSettings, str]:
    """Turn settings of an agent, and what to call them."""
    if preset and agent:
        raise BadChoice("Choose a preset or an agent, not both.")
    if agent:
        return _of_agent(agent)
    known = presets()
    if preset and preset not in known:
        there = f"There are: {', '.join(known)}." if known else "This project has none yet."
        raise BadChoice(f"There is no preset {preset!r}. {there}")
    turn = _bare()
    slug = preset or (DEFAULT_PRESET if DEFAULT_PRESET in known else "")
    if not slug:
        return turn, "defaults"
    for name, value in known[slug].values.items():
        setattr(turn, name, value)
    return turn, f"preset {known[slug].label}"


def _bare() -> TurnSettings:
    return TurnSettings(agent=Agent(name="scoring", instructions="Answer."))


def _of_agent(name: str) -> tuple[TurnSettings, str]:
    try:
        found = Agent.objects.filter(name=name).first()
        names = list(Agent.objects.values_list("name", flat=True)) if found is None else []
    except DatabaseError as error:
        raise BadChoice(f"The database does not answer ({type(error).__name__}). Has it been migrated?") from None
    if found is None:
        raise BadChoice(f"There is no agent {name!r}. There are: {', '.join(names) or 'none'}.")
    return getattr(found, "turn_settings", None) or TurnSettings(agent=found), f"agent {name}"


def _read(setting: str) -> tuple[str, Any]:
    """`name=value` as the model's field has it."""
    name, equals, text = setting.partition("=")
    fields = {f.name: f for f in TurnSettings._meta.fields if f.name not in ("id", "agent")}
    if not equals or name not in fields:
        raise BadChoice(f"{setting!r} is not a turn setting as name=value. Names: {', '.join(fields)}.")
    field = fields[name]
    try:
        if isinstance(field, models.BooleanField):
            return name, _boolean(text)
        if isinstance(field, models.JSONField):
            return name, _listed(text)
        if field.null and text.lower() in ("", "none", "null"):
            return name, None
        return name, field.to_python(text)
    except (ValidationError, ValueError):
        raise BadChoice(f"{name} does not take {text!r}.") from None


def _boolean(text: str) -> bool:
    if text.lower() not in _YES + _NO:
        raise ValueError(text)
    return text.lower() in _YES


def _listed(text: str) -> Any:
    """JSON, or words divided by commas."""
    try:
        return json.loads(text)
    except ValueError:
        return [word.strip() for word in text.split(",") if word.strip()]
