"""The start page: what happens now, and how well the agents took turns, by day, by agent and by revision of their settings.

Reads the figures of days, a bounded number of them; see calls/figures.py.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

import numpy as np
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from agents.models import Agent, TurnSettings
from calls import first_run
from calls.figures import BINS, DayFigures, bins, percentile_of
from calls.models import Call, Label
from voiceplatform.access import requires
from voiceplatform.unfold import LIVE, has_page

RANGES = (7, 30, 90)
"""Days that can be shown. No more: the page must stay quick, and older figures are of other settings."""

LATEST = 6
REVISIONS = 20
"""Of one agent, the newest first."""

SUMS = ("calls", "parts", "stops", "interruptions", "false_stops", "refusals")


@dataclass(slots=True)
class Totals:
    """Figures of any days, agents and revisions together."""

    calls: float = 0.0
    parts: int = 0
    stops: int = 0
    interruptions: int = 0
    false_stops: int = 0
    refusals: int = 0
    silence: np.ndarray = field(default_factory=lambda: np.zeros(BINS, np.int64))
    delay: np.ndarray = field(default_factory=lambda: np.zeros(BINS, np.int64))

    def add(self, other: Totals) -> None:
        for name in SUMS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.silence += other.silence
        self.delay += other.delay

    @property
    def whole_calls(self) -> int:
        return round(self.calls)

    @property
    def per_call(self) -> float | None:
        """Interruptions per call."""
        return self.interruptions / self.calls if self.calls else None

    @property
    def false_rate(self) -> float | None:
        """Of the times that the agent fell silent for a sound, the percentage for nothing."""
        return 100 * self.false_stops / self.stops if self.stops else None

    @property
    def silence_p50(self) -> int | None:
        return percentile_of(self.silence, 0.5)

    @property
    def silence_p95(self) -> int | None:
        return percentile_of(self.silence, 0.95)

    @property
    def delay_p50(self) -> int | None:
        return percentile_of(self.delay, 0.5)

    @property
    def delay_p95(self) -> int | None:
        return percentile_of(self.delay, 0.95)


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure with its change against the days before. `good`: whether the change is for the better; None: neither."""

    name: str
    value: str
    beside: str
    change: str = ""
    good: bool | None = None


def callback(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """What unfold asks for before it shows the admin's index."""
    context["title"] = "Dashboard"
    if request.user.has_perm("calls.view_call"):
        context["dashboard"] = page(request)
    return context


def page(request: HttpRequest) -> dict[str, Any]:
    """Everything the page shows. What is asked for and makes no sense is left out."""
    days = number(request, "days")
    days = days if days in RANGES else RANGES[0]
    agents = {agent.pk: agent for agent in Agent.objects.all()}
    agent = agents.get(number(request, "agent"))
    today = timezone.localdate()
    first = today - timedelta(days=days - 1)
    by_day, by_settings = _grouped(first, today, agent)
    total = _sum(by_settings.values())
    before = _sum(_grouped(first - timedelta(days=days), first - timedelta(days=1), agent)[1].values())
    by_agent: dict[int, Totals] = defaultdict(Totals)
    for (pk, _), found in by_settings.items():
        by_agent[pk].add(found)
    dates = [first + timedelta(days=day) for day in range(days)]
    return {
        "now": now(),
        "board": board(),
        "guide": first_run.guide(request),
        "days": days,
        "ranges": RANGES,
        "agent": agent,
        "agents": agents.values(),
        "total": total,
        "tiles": tiles(total, before, days),
        "by_agent": sorted(((agents[pk], found) for pk, found in by_agent.items()), key=lambda row: -row[1].calls),
        "by_revision": _revisions(agent, by_settings) if agent else [],
        "by_day": [(day, by_day.get(day, Totals())) for day in reversed(dates)],
        "charts": charts([(day, by_day.get(day, Totals())) for day in dates]),
        "latest": _latest(agent),
        "labels": _labels(first, agent),
    }


@require_safe
@requires("calls.view_call")
def live(request: HttpRequest) -> HttpResponse:
    """The part of the page that is asked for again and again: what happens now."""
    return render(request, "calls/dashboard/now.html", {"now": now(), "board": board()})


def number(request: HttpRequest, name: str) -> int:
    """A whole number of the address; 0 for anything else."""
    asked = request.GET.get(name, "")
    return int(asked) if asked.isdecimal() and len(asked) < 10 else 0


def now() -> dict[str, Any]:
    """The calls of today, and those that are live."""
    midnight = timezone.make_aware(datetime.combine(timezone.localdate(), time.min))
    counts = dict(
        Call.objects.filter(rang_at__gte=midnight).order_by().values_list("status").annotate(count=Count("pk"))
    )
    told = [f"{counts[status]} {status.label.lower()}" for status in Call.Status if counts.get(status)]
    return {"today": sum(counts.values()), "told": ", ".join(told), "live": Call.objects.live().count()}


def board() -> str:
    """Where live calls are watched, if this installation has that page."""
    return LIVE if has_page(LIVE) else ""


def tiles(total: Totals, before: Totals, days: int) -> list[Tile]:
    """The figures of the whole range, and how they stand to the same number of days before."""

    def tile(
        name: str,
        of: Callable[[Totals], float | None],
        shown: Callable[[float], str],
        beside: str,
        lower_is_better: bool = True,
    ) -> Tile:
        value, was = of(total), of(before)
        change, lower = _change(value, was, days)
        good = lower if lower_is_better else None
        return Tile(name, "–" if value is None else shown(value), beside, change, good)

    return [
        tile(
            "Interruptions per call",
            lambda t: t.per_call,
            lambda v: f"{v:.1f}",
            f"{total.interruptions} in all",
            lower_is_better=False,  # callers who may interrupt, do
        ),
        tile(
            "False stops",
            lambda t: t.false_rate,
            lambda v: f"{v:.0f} %",
            f"{total.false_stops} of {total.stops} stops",
        ),
        tile("Time to silence", lambda t: t.silence_p50, _ms, _p95(total.silence_p95)),
        tile("Response delay", lambda t: t.delay_p50, _ms, _p95(total.delay_p95)),
    ]


def _ms(value: float) -> str:
    return f"{value:.0f} ms"


def _p95(value: int | None) -> str:
    return "nothing measured yet" if value is None else f"median; 95 % within {value} ms"


def _change(value: float | None, was: float | None, days: int) -> tuple[str, bool | None]:
    """In words, and whether it is lower; None: neither lower nor higher."""
    if value is None or was is None:
        return "", None
    if abs(value - was) < max(abs(was) * 0.005, 0.05):
        return f"as in the {days} days before", None
    shown = f"{abs(value - was) / was * 100:.0f} %" if was else f"{abs(value - was):.1f}"
    return f"{shown} {'higher' if value > was else 'lower'} than in the {days} days before", value < was


def charts(by_day: list[tuple[date, Totals]]) -> dict[str, Any]:
    """Data for the charts: one value for each day, None where there was nothing to measure."""
    totals = [found for _, found in by_day]

    def rounded(of: Callable[[Totals], float | None], digits: int = 0) -> list[float | None]:
        return [None if (value := of(t)) is None else round(value, digits) for t in totals]

    return {
        "days": [day.isoformat() for day, _ in by_day],
        "calls": [t.whole_calls for t in totals],
        "per_call": rounded(lambda t: t.per_call, 2),
        "false_rate": rounded(lambda t: t.false_rate, 1),
        "silence_p50": rounded(lambda t: t.silence_p50),
        "silence_p95": rounded(lambda t: t.silence_p95),
        "delay_p50": rounded(lambda t: t.delay_p50),
        "delay_p95": rounded(lambda t: t.delay_p95),
    }


def _grouped(first: date, last: date, agent: Agent | None) -> tuple[dict[date, Totals], dict[tuple[int, int], Totals]]:
    """The figures of some days, by day and by (agent, revision)."""
    rows = DayFigures.objects.filter(day__range=(first, last))
    if agent is not None:
        rows = rows.filter(agent=agent)
    by_day: dict[date, Totals] = defaultdict(Totals)
    by_settings: dict[tuple[int, int], Totals] = defaultdict(Totals)
    for pk, revision, day, silence, delay, *sums in rows.values_list(
        "agent_id", "revision", "day", "silence", "delay", *SUMS
    ):
        found = Totals(*sums, silence=bins(silence), delay=bins(delay))
        by_day[day].add(found)
        by_settings[pk, revision].add(found)
    return by_day, by_settings


def _sum(totals: Iterable[Totals]) -> Totals:
    whole = Totals()
    for found in totals:
        whole.add(found)
    return whole


def _revisions(agent: Agent, found: dict[tuple[int, int], Totals]) -> list[dict[str, Any]]:
    """Of one agent: each revision that calls ran with, since when it has been in force, and why."""
    kept = {
        row.history_id: row
        for row in TurnSettings.history.filter(history_id__in=[revision for _, revision in found]).select_related(
            "history_user"
        )
    }
    newest = sorted((revision for _, revision in found), reverse=True)[:REVISIONS]
    return [
        {"revision": revision, "row": kept.get(revision), "total": found[agent.pk, revision]} for revision in newest
    ]


def _labels(first: date, agent: Agent | None) -> list[tuple[Label.Kind, int]]:
    """What reviewers have said since the first day, the most frequent first; kinds that nobody used are left out."""
    since = timezone.make_aware(datetime.combine(first, time.min))
    labels = Label.objects.filter(kind__in=Label.Kind.values, made_at__gte=since)
    counts = (labels.filter(call__agent=agent) if agent else labels).counts()
    said = [(kind, counts[kind]) for kind in Label.Kind if counts[kind]]
    return sorted(said, key=lambda row: -row[1])


def _latest(agent: Agent | None) -> list[Call]:
    calls = Call.objects.order_by("-rang_at").select_related("agent")
    return list((calls.filter(agent=agent) if agent else calls)[:LATEST])
