"""Fields of the turn settings: each with its unit, its range, what is heard, and its default with the reason.

A help text has two lines: what is heard of the value, and the facts (range, default and why).
"""

from __future__ import annotations

import re
from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from agents import defaults


def between(low: float, high: float, too_low: str, too_high: str) -> list[Any]:
    """Validators of a range; the messages say what a value beyond it would do to a caller."""
    return [MinValueValidator(low, too_low), MaxValueValidator(high, too_high)]


def whole(name: str, label: str, low: int, high: int, heard: str, *, below: str = "", above: str) -> Any:
    """A whole number with a unit. `heard` says what callers notice of it."""
    return models.PositiveIntegerField(
        label,
        default=defaults.value(name),
        validators=between(low, high, below or f"It cannot be below {_with_unit(low, name)}.", above),
        help_text=f"{heard}\n{_range(name, low, high)}. {defaults.said(name)}",
    )


def part(name: str, label: str, high: float, heard: str, *, below: str, above: str) -> Any:
    """A number from 0 to `high`, with or without a unit."""
    return models.FloatField(
        label,
        default=defaults.value(name),
        validators=between(0.0, high, below, above),
        help_text=f"{heard}\n{_range(name, 0, high)}. {defaults.said(name)}",
    )


def perhaps(name: str, label: str, low: int, high: int, heard: str, *, below: str, above: str) -> Any:
    """A whole number with a unit, or empty for never."""
    return models.PositiveIntegerField(
        label,
        null=True,
        blank=True,
        default=defaults.value(name),
        validators=between(low, high, below, above),
        help_text=f"{heard}\n{_range(name, low, high)}, or empty for never. {defaults.said(name)}",
    )


def switch(name: str, label: str, heard: str) -> Any:
    """On or off."""
    return models.BooleanField(label, default=defaults.value(name), help_text=f"{heard}\n{defaults.said(name)}")


def choice(name: str, label: str, choices: type[models.TextChoices], heard: str) -> Any:
    """One of a few. The default is told by the first words of its label."""
    default = defaults.DEFAULTS[name]
    return models.CharField(
        label,
        max_length=16,
        choices=choices,
        default=default.value,
        help_text=f"{heard}\nDefault {short(choices(default.value).label)}: {default.because}.",
    )


def short(label: Any) -> str:
    """The first words of a choice, without their explanation."""
    return re.split(r" \(|: ", str(label))[0]


def sentence(name: str, label: str, heard: str) -> Any:
    """Words that the agent says."""
    return models.CharField(label, max_length=400, blank=True, default=defaults.value(name), help_text=heard)


def scale(field: models.Field[Any, Any]) -> tuple[float, float] | None:
    """The range of a number, as its validators hold it; None for what is no number of ours."""
    low = next((v.limit_value for v in field.validators if isinstance(v, MinValueValidator)), None)
    high = next((v.limit_value for v in field.validators if isinstance(v, MaxValueValidator)), None)
    return None if low is None or high is None else (low, high)


def _range(name: str, low: float, high: float) -> str:
    return f"{low:g} to {_with_unit(high, name)}"


def _with_unit(number: float, name: str) -> str:
    shown = f"{number:g}" if isinstance(number, float) else str(number)
    return f"{shown} {defaults.unit(name)}".strip()
