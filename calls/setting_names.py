"""What the turn settings and their values are called: as on their screen, wherever a change of them is told."""

from __future__ import annotations

from functools import cache
from typing import Any

from agents.fields import short
from agents.models import TurnSettings
from calls import explanations
from calls.explanations import Names

UNTOLD = {"silence_ms": "silence in force"}
"""In force in a call, but no fields of the screen."""


@cache
def of_the_screen() -> Names:
    """Made once: fields do not change while a process lives."""
    fields = {field.name: field for field in TurnSettings._meta.fields}

    def label(name: str) -> str:
        shown = str(fields[name].verbose_name).lstrip("12345. ") if name in fields else UNTOLD.get(name)
        return shown or explanations.plain_label(name)

    def value(name: str, given: Any) -> str:
        choices = dict(fields[name].flatchoices) if name in fields else {}
        known = isinstance(given, str) and given in choices
        return short(choices[given]) if known else explanations.value_of(name, given)

    return Names(label, value)
