"""Shares and quantiles against values that are known."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls.scoring.statistics import quantile, share


@pytest.mark.parametrize(
    ("count", "of", "low", "high"),
    [  # Newcombe 1998, table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilsons_interval_is_that_of_the_literature(count: int, of: int, low: float, high: float) -> None:
    made = share(count, of)
    assert (round(made.low, 4), round(made.high, 4)) == (low, high)


@given(st.integers(1, 300).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))))
def test_a_share_lies_in_its_interval_and_the_interval_between_0_and_1(drawn: tuple[int, int]) -> None:
    made = share(*drawn)
    assert made.value is not None
    assert 0 <= made.low <= made.value <= made.high <= 1


def test_a_share_of_nothing_has_no_value() -> None:
    assert share(0, 0).value is None
    assert (share(0, 0).low, share(0, 0).high) == (0, 1)


def test_quantiles_are_linear_between_the_values() -> None:
    assert quantile([10, 20, 30], 0.5).value == 20
    assert quantile([0, 100], 0.95).value == pytest.approx(95)
    assert quantile([], 0.5) is None


def test_the_bootstrap_is_the_same_for_the_same_seed_and_holds_the_median_of_a_large_sample() -> None:
    values = [float(i) for i in range(1000)]
    first, again, other = quantile(values, 0.5, 1), quantile(values, 0.5, 1), quantile(values, 0.5, 2)
    assert first == again
    assert first != other
    # The standard error of the median of a uniform distribution is half its length over the root of n.
    assert first is not None
    assert first.low == pytest.approx(499.5 - 1.96 * 500 / 1000**0.5, abs=6)
    assert first.high == pytest.approx(499.5 + 1.96 * 500 / 1000**0.5, abs=6)


def test_one_value_is_its_own_interval() -> None:
    made = quantile([7.0], 0.95)
    assert made is not None
    assert (made.low, made.value, made.high) == (7, 7, 7)
