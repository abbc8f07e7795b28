"""Marks that stand beside the words of a call in PostgreSQL's index, so that it finds words and filters together.

Triggers write them (`call_marks` in calls/migrations/0012). Filters without a mark, and those that leave few calls out, are asked
of what was found.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

MARKS: dict[str, Callable[[Any], str]] = {
    "agent": lambda agent: f"=a{agent.pk}",
    "number": lambda number: f"=n{number.pk}",
    "carrier": lambda slug: f"=c{slug}",
    "voice": lambda voice: f"=v{voice}",
    "revision": lambda revision: f"=r{int(revision)}",
    "status": lambda status: f"=s{status}",
    "interrupted": lambda choice: "=i" if choice == "yes" else "",
    "went_on": lambda choice: "=f" if choice == "silent" else "=w",
    "labelled": lambda choice: "" if choice == "none" else "=l",
}
"""Name of a filter -> its mark, or none for a choice that leaves few calls out."""


def of(asked: Mapping[str, Any]) -> list[str]:
    """Of what is filled in."""
    found = [mark(asked[name]) for name, mark in MARKS.items() if asked.get(name) not in (None, "")]
    return [mark for mark in found if mark]
