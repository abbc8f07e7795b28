"""The figures of the days, counted from those of their calls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date

from django.db import transaction

from calls import measures
from calls.figures import CallFigures, DayFigures, steps
from calls.models import Call

Key = tuple[int, int, date]
"""Agent, revision, day."""

SUMS = ("stops", "interruptions", "false_stops", "refusals")


def count_pending() -> int:
    """Count each day, agent and revision anew of which a call is not counted as it stands. How many there were."""
    pending = CallFigures.objects.filter(counted=False).order_by()
    keys = list(pending.values_list("agent_id", "revision", "day").distinct())
    for key in keys:
        count(key)
    return len(keys)


@transaction.atomic
def count(key: Key) -> None:
    """One day of one agent and revision, from all of its calls.

    The row of the day is the lock. A call that changes meanwhile waits for us or is found uncounted by the next one.
    """
    agent, revision, day = key
    DayFigures.objects.get_or_create(agent_id=agent, revision=revision, day=day)
    row = DayFigures.objects.select_for_update().get(agent_id=agent, revision=revision, day=day)
    calls = CallFigures.objects.filter(agent_id=agent, revision=revision, day=day)
    calls.filter(counted=False).update(counted=True)
    sums: Counter[str] = Counter()
    silence: Counter[int] = Counter()
    delay: Counter[int] = Counter()
    share = 0.0
    found = calls.filter(share__gt=0).values_list("share", "silence_ms", "delay_ms", *SUMS)
    for part, silences, delays, *numbers in found.iterator(chunk_size=2000):
        share += part
        silence += steps(silences)
        delay += steps(delays)
        sums.update(dict(zip(SUMS, numbers, strict=True)))
        interruptions, refusals = numbers[1], numbers[3]
        sums.update(parts=1, interruptions_squared=interruptions**2, refusals_squared=refusals**2)
    for name in (*SUMS, "parts", "interruptions_squared", "refusals_squared"):
        setattr(row, name, sums[name])
    row.calls, row.silence, row.delay = share, silence, delay
    row.save()


def forget(call: Call) -> Callable[[], None]:
    """Before a call is deleted. To be called after it was: its days are counted anew without it, by the next who counts.

    The days are locked meanwhile: of the last two of a day, deleted at once, each would else leave its mark at the other.
    """
    keys: list[Key] = sorted(call.figures.values_list("agent_id", "revision", "day"))
    for agent, revision, day in keys:
        DayFigures.objects.select_for_update().filter(agent_id=agent, revision=revision, day=day).first()

    def mark() -> None:
        for agent, revision, day in keys:
            calls = CallFigures.objects.filter(agent_id=agent, revision=revision, day=day)
            other = calls.order_by("pk").values_list("pk", flat=True).first()
            if other is not None:
                calls.filter(pk=other).update(counted=False)
            else:
                count((agent, revision, day))  # of nothing: soon done

    return mark


def recount(call: Call) -> None:
    """After what is known of a call has changed, such as a label of a reviewer."""
    if call.duration_ms is not None:
        measures.keep(call)
