"""What the rehearsal model accepts: small checks that raise the service's own errors, with the path of the field."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

Json = dict[str, Any]
Check = Callable[[Any, str], None]


class Refusal(Exception):
    """A client event that the server answers with an error."""

    def __init__(self, code: str | None, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.param = code, message, param

    def as_json(self, event_id: Any = None) -> Json:
        """The error event. `event_id`: of the client event that is refused."""
        error = {
            "type": "invalid_request_error",
            "code": self.code,
            "message": self.message,
            "param": self.param,
            "event_id": event_id if isinstance(event_id, str) else None,
        }
        return {"type": "error", "error": error}


def invalid_value(value: Any, supported: tuple[Any, ...], path: str) -> Refusal:
    names = [repr(name) for name in supported]
    listed = names[0] if len(names) == 1 else f"{', '.join(names[:-1])}, and {names[-1]}"
    return Refusal("invalid_value", f"Invalid value: {_shown(value)}. Supported values are: {listed}.", path)


def invalid_type(value: Any, expected: str, path: str) -> Refusal:
    kinds = {type(None): "null", bool: "a boolean", str: "a string", dict: "an object", list: "an array"}
    got = kinds.get(type(value), "a number")
    return Refusal("invalid_type", f"Invalid type for '{path}': expected {expected}, but got {got} instead.", path)


def missing(path: str) -> Refusal:
    return Refusal("missing_required_parameter", f"Missing required parameter: '{path}'.", path)


def _shown(value: Any) -> str:
    return repr(value[:80]) if isinstance(value, str) else f"a value of the wrong type ({type(value).__name__})"


# --- checks


def text(value: Any, path: str) -> None:
    if not isinstance(value, str):
        raise invalid_type(value, "a string", path)


def short_text(longest: int) -> Check:
    def check(value: Any, path: str) -> None:
        text(value, path)
        if len(value) > longest:
            message = f"Invalid '{path}': string too long. Expected a string with maximum length {longest}, but got a "
            raise Refusal("string_above_max_length", f"{message}string with length {len(value)} instead.", path)

    return check


def boolean(value: Any, path: str) -> None:
    if not isinstance(value, bool):
        raise invalid_type(value, "a boolean", path)


def number(least: float, most: float, *, whole: bool = False) -> Check:
    kind, kinds = ("integer", (int,)) if whole else ("decimal", (int, float))

    def check(value: Any, path: str) -> None:
        if isinstance(value, bool) or not isinstance(value, kinds):
            raise invalid_type(value, f"{'an' if whole else 'a'} {kind}", path)
        if isinstance(value, float) and not math.isfinite(value):
            raise invalid_type(value, "a finite decimal", path)
        if value < least:
            message = (
                f"Invalid '{path}': {kind} below minimum value. Expected a value >= {least}, but got {value} instead."
            )
            raise Refusal(f"{kind}_below_min_value", message, path)
        if value > most:
            message = (
                f"Invalid '{path}': {kind} above maximum value. Expected a value <= {most}, but got {value} instead."
            )
            raise Refusal(f"{kind}_above_max_value", message, path)

    return check


def one_of(*supported: Any) -> Check:
    def check(value: Any, path: str) -> None:
        if not isinstance(value, str | list) or value not in supported:
            raise invalid_value(value, supported, path)

    return check


def nullable(inner: Check) -> Check:
    def check(value: Any, path: str) -> None:
        if value is not None:
            inner(value, path)

    return check


def either(kind: type, first: Check, second: Check) -> Check:
    """Values of `kind` are asked by the first check, all others by the second."""

    def check(value: Any, path: str) -> None:
        (first if isinstance(value, kind) else second)(value, path)

    return check


def sequence(inner: Check) -> Check:
    def check(value: Any, path: str) -> None:
        if not isinstance(value, list):
            raise invalid_type(value, "an array", path)
        for index, member in enumerate(value):
            inner(member, f"{path}[{index}]")

    return check


def anything(value: Any, path: str) -> None:
    if not isinstance(value, dict):
        raise invalid_type(value, "an object", path)


def texts(value: Any, path: str) -> None:
    """An object whose members are all strings."""
    anything(value, path)
    for name, member in value.items():
        text(member, f"{path}.{name}")


def record(members: dict[str, Check], required: tuple[str, ...] = ()) -> Check:
    """An object with these members and no others. An empty path is the event itself."""

    def check(value: Any, path: str) -> None:
        anything(value, path or "event")
        start = f"{path}." if path else ""
        for name, member in value.items():
            if name not in members:
                message = f"Unknown parameter: '{start}{str(name)[:80]}'."
                raise Refusal("unknown_parameter", message, f"{start}{str(name)[:80]}")
            members[name](member, f"{start}{name}")
        for name in required:
            if name not in value:
                raise missing(f"{start}{name}")

    return check


def by_type(kinds: dict[str, Check], default: str | None = None) -> Check:
    """An object whose `type` chooses the check."""

    def check(value: Any, path: str) -> None:
        anything(value, path)
        kind = value.get("type", default)
        if kind is None and "type" not in value:
            raise missing(f"{path}.type")
        if not isinstance(kind, str) or kind not in kinds:
            raise invalid_value(kind, tuple(kinds), f"{path}.type")
        kinds[kind](value, path)

    return check


def metadata(value: Any, path: str) -> None:
    """16 pairs, keys to 64 characters, values to 512."""
    anything(value, path)
    if len(value) > 16:
        raise Refusal("object_above_max_properties", f"Invalid '{path}': expected at most 16 properties.", path)
    for key, member in value.items():
        short_text(64)(key, f"{path} key")
        short_text(512)(member, f"{path}.{key}")
