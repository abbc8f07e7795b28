"""The options of a provider, declared once: from them the admin's form is made, and with them a dialect is.

@dataclass(frozen=True, slots=True)
class Options:
    voice_id: str = option("Voice", "Whose voice callers hear. The id from the provider's library.", default="")
    speed: float = option("Speed", "How fast it talks.", default=1.0, least=0.7, most=1.2)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class About:
    """What a form needs to know of an option. `choices`: (value, label) pairs; `least` and `most` are inclusive."""

    label: str
    help: str
    least: float | None = None
    most: float | None = None
    choices: tuple[tuple[str, str], ...] = ()
    required: bool = False


def option(
    label: str,
    help: str,
    *,
    default: Any,
    least: float | None = None,
    most: float | None = None,
    choices: Sequence[tuple[str, str]] = (),
    required: bool = False,
) -> Any:
    """A field of a provider's Options. Its type is that of `default`: str, int, float or bool."""
    about = About(label, help, least, most, tuple(choices), required)
    return field(default=default, metadata={"about": about})


def about(options: type) -> dict[str, tuple[Any, About]]:
    """name -> (default, what a form needs to know), in the order of declaration."""
    return {f.name: (f.default, f.metadata["about"]) for f in fields(options)}


def problems(options: type, values: Mapping[str, Any]) -> dict[str, str]:
    """name -> what is wrong with its value, in words for an admin. Empty: all is well. Unknown names are wrong too."""
    known = about(options)
    found = {name: "There is no such option." for name in values if name not in known}
    for name, (default, info) in known.items():
        value = values.get(name, default)
        if (wrong := _problem(value, default, info)) is not None:
            found[name] = wrong
    return found


def _problem(value: Any, default: Any, info: About) -> str | None:
    if isinstance(default, bool):
        return None if isinstance(value, bool) else "Yes or no."
    if isinstance(default, int | float):
        if isinstance(value, bool) or not isinstance(value, int | float):
            return "A number."
        if isinstance(default, int) and value != int(value):
            return "A whole number."
        if (info.least is not None and value < info.least) or (info.most is not None and value > info.most):
            return f"From {info.least:g} to {info.most:g}."
        return None
    if not isinstance(value, str):
        return "A text."
    if info.required and not value.strip():
        return "This is needed."
    if info.choices and value not in {choice for choice, _ in info.choices}:
        return "Not one of the choices."
    return None


def build(options: type[T], values: Mapping[str, Any]) -> T:
    """The options with these values; what is left out has its default. Raises ValueError that names what is wrong."""
    wrong = problems(options, values)
    if wrong:
        raise ValueError("; ".join(f"{name}: {problem}" for name, problem in wrong.items()))
    kinds = {name: type(default) for name, (default, _) in about(options).items()}
    return options(**{name: kinds[name](value) for name, value in values.items()})
