"""Messages as they are on the wire, and what is done to them: cut off, damaged, with more sound."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Json = dict[str, Any]

WIRE = Path(__file__).parents[2] / "wire"


def messages(provider: str, side: str) -> dict[str, Json]:
    """Name -> message."""
    return dict(json.loads((WIRE / provider / f"{side}.json").read_text()))


def cut_off(message: Json) -> Iterator[bytes]:
    """The message as it would be, were the wire cut after each of its bytes."""
    whole = json.dumps(message, ensure_ascii=False).encode()
    for length in range(len(whole)):
        yield whole[:length]


def damaged(message: Json) -> Iterator[Json]:
    """The message with each of its members, inner ones too, missing or of another kind."""
    for name, value in message.items():
        yield {other: kept for other, kept in message.items() if other != name}
        for wrong in (None, 7, -1.5, True, "äö", "", [], ["x", 1], {}, {"x": 1}, [[[]]]):
            yield message | {name: wrong}
        if isinstance(value, dict):
            for inner in damaged(value):
                yield message | {name: inner}


def mulaw(ms: float) -> str:
    """So much sound, as it is on the wire."""
    return base64.b64encode(b"\x7e" * int(8 * ms)).decode()
