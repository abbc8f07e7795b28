"""One page of the call list, and how many calls there are without counting a million of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import OperationalError, connections, transaction

from calls import search
from calls.models import Call, CallQuerySet, TranscriptQuerySet, Turn
from calls.ordering import Order

SIZE = 50
COUNTED = 1_000
"""Calls that are counted one by one; of more, the database's own estimate is told."""

PATIENCE_MS = 8_000
"""No page of a list is worth more of the database's time."""

COUNT_PATIENCE_MS = 60
"""How many there are is worth much less of it than which ones."""


class TooSlow(Exception):
    """The database gave up on what was asked. The remedy is the asker's: a narrower question."""


@dataclass(frozen=True, slots=True)
class Page:
    calls: list[Call]
    before: UUID | None  # where the page before this one ends; None: this is the first
    after: UUID | None  # where the next one begins
    total: str


Rows = CallQuerySet | TranscriptQuerySet
"""Calls, or their transcripts where these alone tell which calls they are."""


def page(
    calls: Rows, order: Order, *, after: str | None = None, before: str | None = None, guessed: Rows | None = None
) -> Page:
    """The calls that follow one, or stand before one; of neither, the first. An id that is none is as good as none.

    `guessed`: the same calls, in the form of which the database guesses better how many they are. Raises: TooSlow.
    """
    with within_patience(calls):
        back, at = (True, _call(before)) if before else (False, _call(after))
        rows = Call.objects.listed(list(_part(order, calls.values_list("pk", flat=True), at, back)))
    more, rows = len(rows) > SIZE, rows[:SIZE]
    if back and at is not None:
        rows.reverse()
        earlier, later = more, True
    else:
        earlier, later = at is not None, more
    total = how_many(calls, guessed) if earlier or later else f"{len(rows)}"
    first, last = (rows[0].pk, rows[-1].pk) if rows else (None, None)
    return Page(rows, first if earlier else None, last if later else None, total)


def _part(order: Order, rows: Any, at: Call | None, back: bool) -> Any:
    """One more than fit onto a page, so that it is known whether there is another."""
    if at is None:
        return order.sort(rows)[: SIZE + 1]
    return (order.before(rows, at) if back else order.after(rows, at))[: SIZE + 1]


def _call(text: str | None) -> Call | None:
    try:
        return Call.objects.for_list().filter(pk=UUID(text)).first() if text else None
    except ValueError:
        return None


def neighbours(calls: Rows, order: Order, call: Call) -> tuple[UUID | None, UUID | None]:
    """The calls before and after one in a list; None where it ends, or where finding out takes too long."""
    try:
        with within_patience(calls):
            ids = calls.values_list("pk", flat=True)
            return order.before(ids, call).first(), order.after(ids, call).first()
    except TooSlow:
        return None, None


def how_many(calls: Rows, guessed: Rows | None = None) -> str:
    """“812”, “about 1,230,000”, “more than 1,000” where the database does not guess, or “many” where it guessed wrong."""
    about = guess(calls if guessed is None else guessed)
    if about is not None and about > COUNTED:
        return f"about {_rounded(about):,}"
    try:
        with within_patience(calls, COUNT_PATIENCE_MS):
            counted = calls.order_by().values("pk")[: COUNTED + 1].count()
    except TooSlow:
        return "many"
    return f"more than {COUNTED:,}" if counted > COUNTED else f"{counted:,}"


def guess(calls: Rows) -> int | None:
    """How many the database believes that there are, without looking. None where it does not guess."""
    if connections[calls.db].vendor != "postgresql":
        return None
    plan = calls.order_by().explain(format="json")  # empty, when Django knows by itself that there are none
    return int(json.loads(plan)[0]["Plan"]["Plan Rows"]) if plan else 0


def _rounded(number: int) -> int:
    """Three digits of it: it is a guess."""
    places = len(str(number)) - 3
    return round(number, -places)


@contextmanager
def within_patience(calls: Rows, ms: int | None = None) -> Iterator[None]:
    """Raises TooSlow instead of letting one question keep PostgreSQL busy for minutes."""
    connection = connections[calls.db]
    if connection.vendor != "postgresql":
        yield
        return
    try:
        with transaction.atomic(using=calls.db):
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL statement_timeout = %s", [ms or PATIENCE_MS])
                cursor.execute("SET LOCAL jit = off")  # compiling takes longer than any of these questions
                cursor.execute(
                    "SET LOCAL max_parallel_workers_per_gather = 0"
                )  # and helpers are slower to call than to do without
            yield
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", "") == "57014":  # query_canceled
            raise TooSlow from error
        raise


def found(calls: list[Call], wanted: list[search.Term]) -> dict[Any, search.Found]:
    """Call -> the first line in which something of what was searched for stands."""
    if not wanted:
        return {}
    lines: dict[Any, list[tuple[int, str, str]]] = {}
    turns = Turn.objects.filter(call__in=calls).order_by("started_ms", "id")
    for call_id, *line in turns.values_list("call", "started_ms", "side", "text"):
        lines.setdefault(call_id, []).append((line[0], line[1], line[2]))
    shown = {call_id: search.first_found(some, wanted) for call_id, some in lines.items()}
    return {call_id: line for call_id, line in shown.items() if line is not None}
