"""The noise of a line."""

from __future__ import annotations

from calls.ear.level import COMFORT_DBFS, Floor


def after(levels: list[float]) -> Floor:
    floor = Floor()
    for level in levels:
        floor.over(level)
    return floor


def test_a_word_stands_out_of_the_line() -> None:
    floor = after([-60.0] * 60)
    assert [round(floor.over(-25.0)) for _ in range(10)][-1] > 30


def test_a_street_that_stays_becomes_the_line() -> None:
    floor = after([-60.0] * 60 + [-25.0] * 250)
    assert floor.over(-25.0) < 1


def test_a_quieter_line_is_found_within_half_a_second() -> None:
    assert after([-30.0] * 200 + [-60.0] * 16).over(-60.0) > -3


def test_a_line_of_zeros_does_not_make_a_click_loud() -> None:
    assert after([-100.0] * 200).dbfs == COMFORT_DBFS
