"""Every event on the model's wire, in either direction, held against the types of the official SDK.

The SDK builds its objects without checking, so the checking is done here: an unknown type, a missing field, a value of the
wrong type and a field that neither the SDK nor a recording of the service knows are all errors.
"""

from __future__ import annotations

import typing
from typing import Any

import pydantic
from openai._models import BaseModel
from openai.types.realtime import RealtimeClientEvent, RealtimeServerEvent

RECORDED = {"obfuscation", "phase", "reasoning_tokens", "id", "object", "expires_at", "include", "prompt", "model"}
"""Fields that recordings of the service carry and the SDK's types lack."""


def _by_type(union: Any) -> dict[str, type[BaseModel]]:
    members = typing.get_args(typing.get_args(union)[0]) if typing.get_origin(union) is typing.Annotated else ()
    found: dict[str, type[BaseModel]] = {}
    for member in members or typing.get_args(union):
        (kind,) = typing.get_args(member.model_fields["type"].annotation)
        found[kind] = member
    return found


CLIENT = _by_type(RealtimeClientEvent)
SERVER = _by_type(RealtimeServerEvent)


class WireError(AssertionError):
    """An event that the SDK's types do not allow."""


def check_client_event(event: dict[str, Any]) -> None:
    _check(CLIENT, event)


def check_server_event(event: dict[str, Any]) -> None:
    _check(SERVER, event)


def _check(known: dict[str, type[BaseModel]], event: dict[str, Any]) -> None:
    kind = event.get("type")
    if kind not in known:
        raise WireError(f"unknown type {kind!r}")
    try:
        made = known[kind].model_validate(event, strict=False)
    except pydantic.ValidationError as error:
        raise WireError(f"{kind}: {error}") from error
    _no_extras(kind, made)


def _no_extras(path: str, value: Any) -> None:
    if isinstance(value, pydantic.BaseModel):
        extra = set(value.model_extra or {}) - RECORDED
        if extra:
            raise WireError(f"{path}: unknown fields {sorted(extra)}")
        for name in value.model_fields_set:
            _no_extras(f"{path}.{name}", getattr(value, name, None))
    elif isinstance(value, list):
        for index, part in enumerate(value):
            _no_extras(f"{path}[{index}]", part)
