"""When a number is answered: opening hours per weekday, as people write them and as a clock asks. Times are wall-clock times."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise

DAY, WEEK = 24 * 60, 7 * 24 * 60

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
"""In the order of datetime.weekday()."""

Span = tuple[int, int]
"""From and to in minutes since midnight. Beyond 1440: it ends on the next day."""

Hours = Mapping[str, Sequence[Sequence[int]]]
"""Weekday as a digit (0 is Monday) -> its spans. A day that is missing is closed."""

MOST = 6
"""Spans of a day."""

_CLOCK = r"(\d{1,2})(?:[:.](\d{2}))?\s*([ap])?\.?(?:m\.?)?"
_SPAN = re.compile(rf"{_CLOCK}\s*(?:-|–|—|to|until)\s*{_CLOCK}", re.IGNORECASE)
_CLOSED = ("", "closed", "-", "–", "none")
_ALL_DAY = ("24h", "24 h", "all day", "open")


class Unreadable(ValueError):
    """What was written is no opening hours; the message says what would be."""


def parse(text: str) -> list[Span]:
    """“8-12, 13:30–18”, “9am-5pm”, “22:00-06:00” (until the next morning), “all day”, “closed”. Raises Unreadable."""
    text = " ".join(text.lower().split())
    if text in _CLOSED:
        return []
    if text in _ALL_DAY:
        return [(0, DAY)]
    spans = sorted(_span(part.strip()) for part in re.split(r"[,;]|\band\b|&", text) if part.strip())
    if len(spans) > MOST:
        raise Unreadable(f"At most {MOST} times a day.")
    for (_, ends), (begins, _) in pairwise(spans):
        if begins < ends:
            raise Unreadable(f"Two of these times overlap at {clock(begins)}.")
    return spans


def _span(part: str) -> Span:
    found = _SPAN.fullmatch(part)
    if found is None:
        raise Unreadable(f"“{part}” is no time of opening. Write such as 08:00-12:00, 13:00-18:00, or leave it empty.")
    begins, ends = _minutes(*found.group(1, 2, 3)), _minutes(*found.group(4, 5, 6))
    if begins == DAY:
        begins = 0
    if begins == ends:
        raise Unreadable(f"“{part}” ends when it begins. For the whole day write 00:00-24:00.")
    return begins, ends if ends > begins else ends + DAY


def _minutes(hour: str, minute: str | None, half: str | None) -> int:
    h, m = int(hour), int(minute or 0)
    if half:
        if not 1 <= h <= 12:
            raise Unreadable(f"There is no {hour} {half}m.")
        h = h % 12 + (12 if half == "p" else 0)
    if m > 59 or h * 60 + m > DAY:
        raise Unreadable(f"There is no {hour}:{m:02d} on the clock.")
    return h * 60 + m


def written(spans: Sequence[Sequence[int]]) -> str:
    """Spans as parse() reads them."""
    return ", ".join(f"{clock(begins)}-{clock(ends) if ends <= DAY else clock(ends - DAY)}" for begins, ends in spans)


def clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def is_open(hours: Hours, local: datetime) -> bool:
    """Whether a wall clock that shows `local` is within the hours: of that day, or of the night before."""
    day, minute = local.weekday(), local.hour * 60 + local.minute
    today, yesterday = hours.get(str(day), ()), hours.get(str((day - 1) % 7), ())
    return any(begins <= minute < ends for begins, ends in today) or any(minute + DAY < ends for _, ends in yesterday)


def next_change(hours: Hours, local: datetime) -> tuple[int, int] | None:
    """(weekday, minute) when it closes if it is open, opens if it is closed. None: it never does."""
    now = local.weekday() * DAY + local.hour * 60 + local.minute
    stretches = _stretches(hours)
    change = next((ends for begins, ends in stretches if begins <= now < ends), None)
    if change is None:
        change = next((begins for begins, _ in stretches if begins > now), None)
    elif change >= now + WEEK:
        return None  # it never closes
    return None if change is None else (change % WEEK // DAY, change % DAY)


def _stretches(hours: Hours) -> list[Span]:
    """When it is open in minutes, from the week before to the week after, each stretch as long as it lasts."""
    spans = sorted(
        (week + int(day) * DAY + begins, week + int(day) * DAY + ends)
        for day, listed in hours.items()
        for begins, ends in listed
        for week in (-WEEK, 0, WEEK)
    )
    joined: list[Span] = []
    for begins, ends in spans:
        if joined and begins <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(ends, joined[-1][1]))
        else:
            joined.append((begins, ends))
    return joined
