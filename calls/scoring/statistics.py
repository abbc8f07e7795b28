"""What a few dozen scenes can say: shares and quantiles, each with the interval in which chance leaves the truth."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Z = 1.959963984540054
"""Of a normal distribution, for 95 %."""

RESAMPLES = 2000


@dataclass(frozen=True, slots=True)
class Share:
    """`count` of `of`, with its 95 % interval."""

    count: int
    of: int
    low: float
    high: float

    @property
    def value(self) -> float | None:
        return self.count / self.of if self.of else None


@dataclass(frozen=True, slots=True)
class Quantile:
    """A quantile of `of` values, with its 95 % interval."""

    value: float
    of: int
    low: float
    high: float


def share(count: int, of: int) -> Share:
    """With Wilson's score interval, which stays within 0 and 1 and is honest for small numbers."""
    if of == 0:
        return Share(0, 0, 0.0, 1.0)
    p, z2 = count / of, Z * Z
    middle = (p + z2 / (2 * of)) / (1 + z2 / of)
    half = Z / (1 + z2 / of) * math.sqrt(p * (1 - p) / of + z2 / (4 * of * of))
    # At the ends the formula gives 0 and 1 exactly, but for rounding.
    low = 0.0 if count == 0 else max(0.0, middle - half)
    high = 1.0 if count == of else min(1.0, middle + half)
    return Share(count, of, low, high)


def quantile(values: Sequence[float], q: float, seed: int = 0) -> Quantile | None:
    """Linear between the values; the interval is the percentile bootstrap's. None of nothing.

    The bootstrap cannot know of values beyond the largest one seen, so a p95 of a few dozen is more open above than it says.
    """
    if not values:
        return None
    seen = np.asarray(values, np.float64)
    drawn = np.random.default_rng(seed).choice(seen, (RESAMPLES, len(seen)))
    low, high = np.quantile(np.quantile(drawn, q, axis=1), (0.025, 0.975))
    return Quantile(float(np.quantile(seen, q)), len(seen), float(low), float(high))
