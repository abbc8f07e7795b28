"""What a call adds to the figures of its agent, and those figures day by day.

Pages read days and never calls, so they stay as quick with a million calls as with ten. Lengths are kept as counts by steps of
20 ms: percentiles of any days, agents and revisions together come from adding them up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np
from django.db import models

STEP_MS = 20
"""One frame of the phone: nothing in a call is known more exactly."""

LONGEST_MS = 60_000
"""What is longer is no silence and no delay, but a record with a gap."""

BINS = LONGEST_MS // STEP_MS + 1


class CallFigures(models.Model):
    """Of one call while one revision of the settings was in force. A call whose settings changed on the way has several."""

    call = models.ForeignKey("calls.Call", on_delete=models.CASCADE, related_name="figures")
    agent = models.ForeignKey("agents.Agent", on_delete=models.CASCADE, related_name="+")
    revision = models.PositiveIntegerField(help_text="Of the turn settings; 0: not known.")
    day = models.DateField(help_text="On which it rang.")
    share = models.FloatField(help_text="Of the call's length, 0 to 1. All of a call's make one call.")
    stops = models.PositiveIntegerField(default=0, help_text="Times the agent fell silent for a sound.")
    interruptions = models.PositiveIntegerField(default=0, help_text="Stops that held: the agent did not go on.")
    false_stops = models.PositiveIntegerField(default=0, help_text="Stops for nothing, taken back or not.")
    refusals = models.PositiveIntegerField(default=0, help_text="Sounds over the agent that did not end its reply.")
    silence_ms = models.JSONField(
        default=list, help_text="From the start of each interrupting speech to the sound's stop."
    )
    delay_ms = models.JSONField(
        default=list, help_text="From the end of each of the caller's turns to the agent's answer."
    )
    counted = models.BooleanField(default=False, help_text="Whether its day holds it as it stands here.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["call", "revision"], name="one_figures_per_revision")]
        indexes = [
            models.Index(fields=["agent", "day", "revision"]),
            models.Index(fields=["day"], condition=models.Q(counted=False), name="figures_to_count"),
        ]

    def __str__(self) -> str:
        return f"Figures of {self.call_id} with revision {self.revision}"


class DayFigures(models.Model):
    """Of one agent, one revision, one day: sums, and the lengths as counts by steps."""

    agent = models.ForeignKey("agents.Agent", on_delete=models.CASCADE, related_name="+")
    revision = models.PositiveIntegerField()
    day = models.DateField()
    calls = models.FloatField(default=0, help_text="Shares of calls, added up.")
    parts = models.PositiveIntegerField(default=0, help_text="Calls that ran with it at any time.")
    stops = models.PositiveIntegerField(default=0)
    interruptions = models.PositiveIntegerField(default=0)
    interruptions_squared = models.PositiveBigIntegerField(default=0, help_text="Sum over calls: how unlike they are.")
    false_stops = models.PositiveIntegerField(default=0)
    refusals = models.PositiveIntegerField(default=0)
    refusals_squared = models.PositiveBigIntegerField(default=0)
    silence = models.JSONField(default=dict, help_text="Step in ms -> how many.")
    delay = models.JSONField(default=dict, help_text="Step in ms -> how many.")
    counted_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["agent", "revision", "day"], name="one_figures_per_day")]
        indexes = [models.Index(fields=["day"])]

    def __str__(self) -> str:
        return f"Figures of agent {self.agent_id}, revision {self.revision}, {self.day}"


def steps(lengths_ms: Iterable[int]) -> Counter[int]:
    """Lengths as counts by steps; a step is named by its middle."""
    return Counter(length // STEP_MS * STEP_MS + STEP_MS // 2 for length in lengths_ms)


def added(histograms: Iterable[Mapping[str, int]]) -> Counter[int]:
    """Stored counts, put together."""
    total: Counter[int] = Counter()
    for histogram in histograms:
        for step, count in histogram.items():
            total[int(step)] += count
    return total


def bins(histogram: Mapping[str, int]) -> np.ndarray:
    """Stored counts as an array by step, for pages that add up thousands of them."""
    found = np.zeros(BINS, np.int64)
    places = np.fromiter(map(int, histogram), np.int64, len(histogram)) // STEP_MS
    found[places] = np.fromiter(histogram.values(), np.int64, len(histogram))
    return found


def percentile_of(found: np.ndarray, part: float) -> int | None:
    """As `percentile`, of such an array."""
    upto = found.cumsum()
    if not upto[-1]:
        return None
    return int(upto.searchsorted(max(1, part * upto[-1]))) * STEP_MS + STEP_MS // 2


def percentile(histogram: Mapping[int, int], part: float) -> int | None:
    """The length in ms that `part` (0 to 1) of all do not exceed, to one step. None of nothing."""
    return ranked(histogram, part * sum(histogram.values()))


def ranked(histogram: Mapping[int, int], rank: float) -> int | None:
    """The length in ms at a rank, from 0 to how many there are."""
    seen, last = 0, None
    for step in sorted(histogram):
        seen, last = seen + histogram[step], step
        if seen >= rank:
            break
    return last
