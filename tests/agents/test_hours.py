"""Opening hours: as people write them, and as a clock asks."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents import hours
from agents.hours import DAY, Span, Unreadable

MONDAY = datetime(2026, 11, 23)


def at(weekday: int, clock: str) -> datetime:
    hour, minute = clock.split(":")
    return MONDAY + timedelta(days=weekday, hours=int(hour), minutes=int(minute))


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("8-12", [(480, 720)]),
        ("08:00-12:00, 13:30-18:00", [(480, 720), (810, 1080)]),
        ("13:30–18; 8 – 12", [(480, 720), (810, 1080)]),
        ("8.30 to 12.15 and 14-16", [(510, 735), (840, 960)]),
        ("9am-5pm", [(540, 1020)]),
        ("9 a.m. - 12 p.m.", [(540, 720)]),
        ("12am-12pm", [(0, 720)]),
        ("22:00-06:00", [(1320, 1800)]),
        ("00:00-24:00", [(0, DAY)]),
        ("all day", [(0, DAY)]),
        ("", []),
        ("  Closed ", []),
    ],
)
def test_hours_are_read_as_people_write_them(text: str, spans: list[Span]) -> None:
    assert hours.parse(text) == spans


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("eight to six", "“eight to six” is no time"),
        ("8", "is no time"),
        ("8-25", "no 25:00"),
        ("8:61-9", "no 8:61"),
        ("13pm-14pm", "no 13 pm"),
        ("8-8", "ends when it begins"),
        ("8-12, 11-13", "overlap at 11:00"),
        ("1-2,3-4,5-6,7-8,9-10,11-12,13-14", "At most 6"),
    ],
)
def test_what_cannot_be_read_is_named(text: str, says: str) -> None:
    with pytest.raises(Unreadable, match=says):
        hours.parse(text)


OFFICE = {"0": [(480, 720), (780, 1080)], "4": [(1320, 1560)]}  # Monday with a lunch break; Friday night


@pytest.mark.parametrize(
    ("when", "is_open", "change"),
    [
        (at(0, "07:59"), False, (0, 480)),
        (at(0, "08:00"), True, (0, 720)),
        (at(0, "12:00"), False, (0, 780)),
        (at(0, "17:59"), True, (0, 1080)),
        (at(0, "18:00"), False, (4, 1320)),
        (at(4, "23:59"), True, (5, 120)),
        (at(5, "01:59"), True, (5, 120)),
        (at(5, "02:00"), False, (0, 480)),
        (at(6, "12:00"), False, (0, 480)),
    ],
)
def test_a_clock_asks(when: datetime, is_open: bool, change: tuple[int, int]) -> None:
    assert (hours.is_open(OFFICE, when), hours.next_change(OFFICE, when)) == (is_open, change)


def test_sunday_night_goes_on_into_monday() -> None:
    night = {"6": [(1320, 1800)]}
    assert hours.is_open(night, at(0, "05:59")) and not hours.is_open(night, at(0, "06:00"))
    assert hours.next_change(night, at(6, "23:00")) == hours.next_change(night, at(0, "05:00")) == (0, 360)


def test_what_never_changes_has_no_next_change() -> None:
    assert hours.next_change({str(day): [(0, DAY)] for day in range(7)}, at(3, "12:00")) is None
    assert hours.next_change({}, at(3, "12:00")) is None


@st.composite
def days(draw: st.DrawFn) -> list[Span]:
    marks = sorted(draw(st.sets(st.integers(0, DAY), max_size=2 * hours.MOST)))
    pairs = list(zip(marks[::2], marks[1::2], strict=False))
    if pairs and draw(st.booleans()) and pairs[-1][0] < DAY:
        pairs[-1] = (pairs[-1][0], DAY + draw(st.integers(0, pairs[-1][0])) or DAY)
    return [(begins, ends) for begins, ends in pairs if begins < DAY and ends - begins < DAY + 1]


@given(days())
def test_what_is_written_is_read_back(spans: list[Span]) -> None:
    spans = [(begins, ends) for begins, ends in spans if ends != DAY + begins]
    assert hours.parse(hours.written(spans)) == spans


@given(st.lists(days(), min_size=7, max_size=7), st.integers(0, 7 * DAY - 1))
def test_it_is_as_it_is_until_the_next_change(week: list[list[Span]], minute: int) -> None:
    listed = {str(day): spans for day, spans in enumerate(week)}
    when = MONDAY + timedelta(minutes=minute)
    state, change = hours.is_open(listed, when), hours.next_change(listed, when)
    if change is None:
        assert all(hours.is_open(listed, MONDAY + timedelta(minutes=m)) == state for m in range(0, 7 * DAY, 7))
        return
    wait = (change[0] * DAY + change[1] - minute) % (7 * DAY) or 7 * DAY
    assert hours.is_open(listed, when + timedelta(minutes=wait)) != state
    assert all(hours.is_open(listed, when + timedelta(minutes=m)) == state for m in range(0, wait, max(1, wait // 50)))
