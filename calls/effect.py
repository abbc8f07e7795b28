"""Whether a change of settings did anything: the figures of two revisions side by side, with what chance alone can do.

All intervals are of 95 %. Where there are too few calls for one that means anything, it says so and claims nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from agents.models import Agent
from calls.figures import DayFigures, added, percentile, ranked
from calls.scoring.statistics import Z, share

FEWEST = 20
"""Calls, stops or lengths on each side. With fewer, an interval holds nearly everything."""

DAYS = 90
"""Of each revision, the newest. Long enough, and the page stays quick for one that was in force for years."""


@dataclass(slots=True)
class Side:
    """What calls with one revision were like."""

    revision: int
    calls: int = 0
    stops: int = 0
    interruptions: int = 0
    interruptions_squared: int = 0
    false_stops: int = 0
    refusals: int = 0
    refusals_squared: int = 0
    silence: Mapping[int, int] | None = None
    delay: Mapping[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One figure before and after. `verdict`: lower, higher, same (chance could do it), few (nothing can be said)."""

    name: str
    before: str
    after: str
    of: str
    verdict: str
    says: str


def side(agent: Agent, revision: int) -> Side:
    rows = DayFigures.objects.filter(agent=agent, revision=revision, parts__gt=0).order_by("-day")[:DAYS]
    rows = list(rows)
    found = Side(revision, silence=added(row.silence for row in rows), delay=added(row.delay for row in rows))
    found.calls = sum(row.parts for row in rows)
    for name in (*("stops", "interruptions", "interruptions_squared", "false_stops", "refusals", "refusals_squared"),):
        setattr(found, name, sum(getattr(row, name) for row in rows))
    return found


def revisions(agent: Agent, most: int) -> list[int]:
    """Those that calls have ended with, the newest first."""
    rows = DayFigures.objects.filter(agent=agent, parts__gt=0, revision__gt=0).order_by("-revision")
    return list(rows.values_list("revision", flat=True).distinct()[:most])


def compare(before: Side, after: Side) -> list[Line]:
    return [
        _mean("Interruptions per call", before, after, "interruptions"),
        _false_stops(before, after),
        _mean("Sounds it went on over, per call", before, after, "refusals"),
        _median("Time to silence, median", before.silence or {}, after.silence or {}, "stops"),
        _median("Response delay, median", before.delay or {}, after.delay or {}, "answers"),
    ]


def _mean(name: str, before: Side, after: Side, figure: str) -> Line:
    """Counts per call. Their spread is that of the calls, which is more than chance would give a fair coin."""

    def found(side: Side) -> tuple[float, float]:
        """The mean, and the variance of it."""
        total, squared, n = getattr(side, figure), getattr(side, f"{figure}_squared"), side.calls
        if n < 2:
            return (total / n if n else 0.0), 0.0
        return total / n, max(0.0, squared - total * total / n) / (n - 1) / n

    (was, was_variance), (is_, is_variance) = found(before), found(after)
    half = Z * math.sqrt(was_variance + is_variance)
    return _line(
        name,
        (f"{was:.2f}" if before.calls else "–", f"{is_:.2f}" if after.calls else "–"),
        (before.calls, after.calls),
        "calls",
        (is_ - was - half, is_ - was + half, "{:+.2f}"),
    )


def _false_stops(before: Side, after: Side) -> Line:
    """A difference of shares, with Newcombe's interval from Wilson's."""
    was, is_ = share(before.false_stops, before.stops), share(after.false_stops, after.stops)
    p, q = was.value or 0.0, is_.value or 0.0
    low = q - p - math.hypot(q - is_.low, was.high - p)
    high = q - p + math.hypot(is_.high - q, p - was.low)
    return _line(
        "False stops, of all stops",
        (f"{100 * p:.0f} %" if before.stops else "–", f"{100 * q:.0f} %" if after.stops else "–"),
        (before.stops, after.stops),
        "stops",
        (100 * low, 100 * high, "{:+.0f} points"),
    )


def _median(name: str, before: Mapping[int, int], after: Mapping[int, int], what: str) -> Line:
    """Medians with intervals from ranks, whatever shape the lengths have. The difference's is the widest that they allow."""
    was, is_ = percentile(before, 0.5), percentile(after, 0.5)
    interval = (0.0, 0.0)
    if was is not None and is_ is not None:
        (low, high), (new_low, new_high) = _of_median(before), _of_median(after)
        interval = (new_low - high, new_high - low)
    return _line(
        name,
        ("–" if was is None else f"{was} ms", "–" if is_ is None else f"{is_} ms"),
        (sum(before.values()), sum(after.values())),
        what,
        (*interval, "{:+.0f} ms"),
    )


def _of_median(histogram: Mapping[int, int]) -> tuple[int, int]:
    n = sum(histogram.values())
    half = Z * math.sqrt(n) / 2
    low, high = ranked(histogram, max(1.0, n / 2 - half)), ranked(histogram, min(n, n / 2 + half + 1))
    return low or 0, high or 0


def _line(name: str, shown: tuple[str, str], of: tuple[int, int], what: str, between: tuple[float, float, str]) -> Line:
    """`of`: how many `what` on each side. `between`: the interval of the difference, and how its ends are written."""
    (was, is_), (low, high, unit) = shown, between
    told = f"{of[0]} and {of[1]} {what}"
    if min(of) < FEWEST:
        missing = " and ".join(
            f"{FEWEST - n} more {what} {when}" for n, when in zip(of, ("before", "after"), strict=True) if n < FEWEST
        )
        return Line(name, was, is_, told, "few", f"Too few {what} to tell: {missing} are needed.")
    range_ = f"between {unit.format(low)} and {unit.format(high)}"
    if low > 0:
        return Line(name, was, is_, told, "higher", f"Higher: {range_}.")
    if high < 0:
        return Line(name, was, is_, told, "lower", f"Lower: {range_}.")
    return Line(name, was, is_, told, "same", f"No difference that chance could not make: {range_}.")
