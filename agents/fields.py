"""Fields of the turn settings: each with its unit, its range, what is heard, and its default with the reason."""

from __future__ import annotations

import re
from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from agents import defaults


def between(low: float, high: float, too_low: str, too_high: str) -> list[Any]:
    """Validators of a range; the messages say what a value beyond it would do to a caller."""
    return [MinValueValidator(low, too_low), MaxValueValidator(high, too_high)]


def whole(
    name: str, label: str, low: int, high: int, heard: str, *, below: str = "", above: str, unit: str = "ms"
) -> Any:
    """A whole number with a unit. `heard` says what callers notice of it."""
    return models.PositiveIntegerField(
        label,
        default=defaults.value(name),
        validators=between(low, high, below or f"It cannot be below {low} {unit}.".replace(" .", "."), above),
        help_text=f"{unit}, {low} to {high}. {heard} {defaults.said(name)}".removeprefix(", "),
    )


def part(name: str, label: str, high: float, heard: str, *, below: str, above: str, unit: str = "") -> Any:
    """A number from 0 to `high`, with or without a unit."""
    return models.FloatField(
        label,
        default=defaults.value(name),
        validators=between(0.0, high, below, above),
        help_text=f"{unit}, 0 to {high:g}. {heard} {defaults.said(name)}".removeprefix(", "),
    )


def switch(name: str, label: str, heard: str) -> Any:
    """On or off."""
    return models.BooleanField(label, default=defaults.value(name), help_text=f"{heard} {defaults.said(name)}")


def choice(name: str, label: str, choices: type[models.TextChoices], heard: str) -> Any:
    """One of a few. The default is told by the first words of its label."""
    default = defaults.DEFAULTS[name]
    short = re.split(r" \(|: ", str(choices(default.value).label))[0]
    return models.CharField(
        label,
        max_length=16,
        choices=choices,
        default=default.value,
        help_text=f"{heard} Default {short}: {default.because}.",
    )


def sentence(name: str, label: str, heard: str) -> Any:
    """Words that the agent says."""
    return models.CharField(label, max_length=400, blank=True, default=defaults.value(name), help_text=heard)
