"""The order of the call list, and the way along it: from any call to those before and after it.

Pages begin after a call and not at a number, so the hundredth costs what the first does, and no call is shown twice because a new
one came in. The same step finds the next call on the review page.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import BooleanField, DateTimeField, F, Func, IntegerField, UUIDField, Value
from django.db.models.functions import Coalesce

from calls.models import Call

COLUMNS: dict[str, Any] = {
    "when": None,
    "length": Coalesce(F("duration_ms"), 0),
    "delay": Coalesce(F("delay_ms"), 0),
    "interruptions": F("interruption_count"),
    "false_stops": F("false_stop_count"),
}
"""Name, as it stands in addresses -> what is sorted by before the time. Each has an index in calls.models."""

VALUES = {
    "length": lambda call: call.duration_ms or 0,
    "delay": lambda call: call.delay_ms or 0,
    "interruptions": lambda call: call.interruption_count,
    "false_stops": lambda call: call.false_stop_count,
}


class _Beyond(Func):
    """(a, b, c) < (x, y, z): one range of an index, which the same written with OR is not."""

    output_field = BooleanField()

    def __init__(self, columns: list[Any], sign: str, values: list[Any], **extra: Any) -> None:
        super().__init__(*columns, *values, **extra)
        self.sign = sign

    def as_sql(self, compiler: Any, connection: Any, **more: Any) -> tuple[str, list[Any]]:
        parts = [compiler.compile(part) for part in self.get_source_expressions()]
        half = len(parts) // 2
        left, right = (", ".join(sql for sql, _ in side) for side in (parts[:half], parts[half:]))
        return f"({left}) {self.sign} ({right})", [value for _, values in parts for value in values]


@dataclass(frozen=True, slots=True)
class Order:
    """By one column, and then by time: both falling, or both rising."""

    name: str = "when"
    falling: bool = True

    @classmethod
    def of(cls, text: str | None) -> Order:
        """As it stands in an address: “length”, or “-length” for the longest first. What is not known is the newest first."""
        name = (text or "").removeprefix("-")
        known = name in COLUMNS
        return cls(name, (text or "").startswith("-")) if known else cls()

    def __str__(self) -> str:
        return f"{'-' if self.falling else ''}{self.name}"

    def sort(self, calls: Any) -> Any:
        """Calls, or by time also their transcripts. So the other two."""
        return calls.order_by(*self._by(self.falling))

    def after(self, calls: Any, call: Call) -> Any:
        """Those that follow a call, the nearest first."""
        return calls.filter(self._beyond(call, self.falling)).order_by(*self._by(self.falling))

    def before(self, calls: Any, call: Call) -> Any:
        """Those that stand before a call, the nearest first: the other way round."""
        return calls.filter(self._beyond(call, not self.falling)).order_by(*self._by(not self.falling))

    def _columns(self) -> list[Any]:
        first = COLUMNS[self.name]
        return [*([] if first is None else [first]), F("rang_at"), F("pk")]

    def _by(self, falling: bool) -> list[Any]:
        return [column.desc() if falling else column.asc() for column in self._columns()]

    def _beyond(self, call: Call, falling: bool) -> _Beyond:
        values = [Value(VALUES[self.name](call), IntegerField())] if self.name in VALUES else []
        values += [Value(call.rang_at, DateTimeField()), Value(call.pk, UUIDField())]
        return _Beyond(self._columns(), "<" if falling else ">", values)
