"""Calls of earlier versions get what the list shows and searches: in the background, the newest first.

A migration that did it would keep every call away for as long, because the earlier version cannot store calls meanwhile. So the
migration leaves one row that tells what is still to be done, and each batch that is stored moves it on: whoever is stopped, or
does it a second time, goes on where it was.
"""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import Prefetch, QuerySet

from calls import measures, summaries
from calls.models import Backlog, Call, CallEvent, Transcript, Turn

logger = logging.getLogger("calls")


@dataclass(frozen=True, slots=True)
class Pace:
    """Calls of a batch: in memory at once, with their turns and events. Batches: what a worker does at once."""

    calls: int
    batches: int
    pause_s: float = 0.0


PACES = {
    # About half a second for each batch, in which nobody waits but who changes one of its calls.
    "postgresql": Pace(500, 10),
    # A batch keeps every other writer of the database away, a ringing call among them: a twentieth of a second. Whoever waits looks
    # every 100 ms whether it is free, and would miss a shorter gap time and again.
    "sqlite": Pace(50, 20, pause_s=0.2),
}
"""By database. A worker is done in half the time until it is asked again: others wait for it, too."""

COLUMNS = [
    *("voice", "revision", "last_revision", "turn_count", "interruption_count", "refusal_count", "false_stop_count"),
    *("delay_ms", "first_words"),
]


def usual() -> Pace:
    return PACES[connection.vendor]


def sum_up(*, batches: int | None = None, pace: Pace | None = None, pause: Callable[[float], None] = time.sleep) -> int:
    """As many batches as that, unless another process is at it; or all that is left, in turns with it. How many calls we did."""
    pace = pace or usual()
    done = 0
    for number in itertools.count() if batches is None else range(batches):
        if number and pace.pause_s:
            pause(pace.pause_s)
        count = _one_batch(pace.calls, wait=batches is None)
        if not count:
            break
        done += count
    return done


@transaction.atomic
def _one_batch(size: int, *, wait: bool) -> int:
    """The newest of those that are left. None when nothing is left, or while another process is at it and we do not wait."""
    backlog = Backlog.objects.select_for_update(skip_locked=not wait).first()
    if backlog is None:
        return 0
    left = Call.objects.filter(rang_at__lt=backlog.before).order_by("-rang_at")
    moments = list(left.values_list("rang_at", flat=True)[:size])
    if not moments:
        backlog.delete()
        return 0
    backlog.before = moments[-1]  # with all that rang in this very moment
    backlog.save()
    calls = list(_with_rows(left.filter(rang_at__gte=moments[-1]).select_for_update(of=("self",))))
    _store(calls)
    return len(calls)


def _with_rows(calls: QuerySet[Call]) -> QuerySet[Call]:
    """Everything that a summary is made of, in as many queries as there are tables."""
    events = CallEvent.objects.filter(kind__in=measures.KINDS).order_by("seq")
    turns = Turn.objects.only("call", "side", "item_id", "started_ms", "ended_ms", "text")
    return calls.prefetch_related(
        *(Prefetch("events", events, to_attr="measured"), Prefetch("turns", turns)),
        *("interruptions", "refusals", "labels", "transcript"),
    )


def _store(calls: list[Call]) -> None:
    changed, texts = [], []
    for call in calls:
        try:
            if _is_other(call):
                changed.append(call)
        except (
            TypeError,
            ValueError,
            AttributeError,
            LookupError,
            OverflowError,
        ) as error:  # as one of a running call would
            logger.error("[%s] could not be summed up (%s)", call.pk, type(error).__name__)
        text = summaries.text_of(list(call.turns.all()))
        stored = getattr(call, "transcript", None)
        if text != ("" if stored is None else stored.text):
            texts.append(Transcript(call=call, rang_at=call.rang_at, text=text))
    _write(changed)
    Transcript.objects.bulk_create(
        texts, update_conflicts=True, unique_fields=["call"], update_fields=["rang_at", "text"]
    )


def _write(calls: list[Call]) -> None:
    """`bulk_update`, without its CASE of every call in every column: two thirds of the time of a batch were for them."""
    columns = [Call._meta.get_field(name) for name in COLUMNS]
    key = Call._meta.pk
    values = [
        [field.get_db_prep_save(getattr(call, field.attname), connection) for field in (*columns, key)]
        for call in calls
    ]
    if values:
        assigned = ", ".join(f'"{field.column}" = %s' for field in columns)
        with connection.cursor() as cursor:
            cursor.executemany(f'UPDATE "{Call._meta.db_table}" SET {assigned} WHERE "{key.column}" = %s', values)


def _is_other(call: Call) -> bool:
    """Bring a call in memory up to date. Whether it was not."""
    before = [getattr(call, name) for name in COLUMNS]
    call.begin_with(call.settings)
    summaries.change(call, call.measured, list(call.turns.all()))
    return before != [getattr(call, name) for name in COLUMNS]
