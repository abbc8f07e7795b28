"""Widgets of the settings screen: what they add to those of the admin is a unit, a range and known values."""

from __future__ import annotations

import json
from typing import Any

from django.db import models
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from agents.defaults import DEFAULTS, unit
from agents.fields import scale
from agents.relevance import NEEDS

STEPS = {"ms": 50, "s": 10, "dB": 1, "times": 1}
"""One click on the arrows. A likeness or a probability moves by 0.05."""


class Suggesting(UnfoldAdminTextInputWidget):
    """A text field that offers the known values and takes others."""

    template_name = "agents/suggesting.html"

    def __init__(self, values: list[str]) -> None:
        super().__init__()
        self.values = values

    def get_context(self, name: str, value: object, attrs: dict[str, object] | None) -> dict[str, object]:
        context = super().get_context(name, value, attrs)
        context["values"] = self.values
        context["list_id"] = f"known-{name}"
        context["widget"]["attrs"]["list"] = context["list_id"]
        return context


class Lines(UnfoldAdminTextareaWidget):
    """Several lines, with the line ends of our side: a browser sends others, and saving alone would be a change."""

    def __init__(self, rows: int) -> None:
        super().__init__({"rows": rows})

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        value = super().value_from_datadict(data, files, name)
        return value.replace("\r\n", "\n") if isinstance(value, str) else value


class Number(UnfoldAdminIntegerFieldWidget):
    """A number with its range for the arrows, and its unit beside it."""

    template_name = "agents/number.html"

    def __init__(
        self, low: float, high: float, unit: str, default: float | None = None, step: float | None = None
    ) -> None:
        super().__init__()
        self.unit = unit
        self.range = {"min": f"{low:g}", "max": f"{high:g}", "step": f"{step or STEPS.get(unit, 0.05):g}"}
        if default is not None:
            self.range["data-default"] = f"{default:g}"

    def get_context(self, name: str, value: object, attrs: dict[str, object] | None) -> dict[str, object]:
        own = {**(attrs or {}), **self.range}  # a form field sets 0 as the least of every positive number
        return {**super().get_context(name, value, own), "unit": self.unit}


class TryVoice(UnfoldAdminTextInputWidget):
    """A sentence, and a button that speaks it with what stands in the form."""

    template_name = "agents/try_voice.html"

    def __init__(self, role: str, slug: str, label: str) -> None:
        super().__init__({"placeholder": "The greeting", "autocomplete": "off"})
        self.role, self.slug, self.provider = role, slug, label
        self.agent_id: int | None = None  # whose key is used

    def get_context(self, name: str, value: object, attrs: dict[str, object] | None) -> dict[str, object]:
        own = {"role": self.role, "slug": self.slug, "provider": self.provider, "agent_id": self.agent_id or ""}
        return {**super().get_context(name, value, attrs), **own}


def numbers(model: type[models.Model]) -> dict[str, Number]:
    """A widget for each number of a model that has a range."""
    kinds = (models.PositiveIntegerField, models.FloatField)
    fields = [field for field in model._meta.concrete_fields if isinstance(field, kinds)]
    ranges = [(field.name, scale(field)) for field in fields]
    return {name: Number(*found, unit(name), _default(name)) for name, found in ranges if found is not None}


def _default(name: str) -> float | None:
    """What an agent begins with; None: nothing."""
    found = DEFAULTS[name].value if name in DEFAULTS else None
    return None if found is None else float(found)


def needs(name: str) -> dict[str, Any]:
    """For the script: which other settings this one waits for, and what to say while they are different."""
    found = [need._asdict() for need in NEEDS.get(name, ())]
    return {"data-needs": json.dumps(found)} if found else {}
