"""Figures as they are spoken in English: what a provider makes of our text before it tells the times of it."""

from __future__ import annotations

import re

_ONES = [
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
]
_TENS = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_FIGURES = re.compile(r"([$€£]?)(\d{1,3}(?:,\d{3})+|\d+)")
_MONEY = {"$": " dollars", "€": " euros", "£": " pounds"}


def spelled(word: str) -> str:
    """A word with its figures in words; beyond 9,999 figure by figure."""
    return _FIGURES.sub(lambda found: _number(found[2]) + _MONEY.get(found[1], ""), word)


def _number(figures: str) -> str:
    value = int(figures.replace(",", ""))
    if value > 9999 or (figures.startswith("0") and len(figures) > 1):
        return " ".join(_ONES[int(figure)] for figure in figures if figure.isdigit())
    parts = []
    if value >= 1000:
        parts.append(f"{_ONES[value // 1000]} thousand")
    if value % 1000 >= 100:
        parts.append(f"{_ONES[value % 1000 // 100]} hundred")
    if value % 100 >= 20:
        parts.append(_TENS[value % 100 // 10])
        value = value % 10
    if value % 100 or not parts:
        parts.append(_ONES[value % 100])
    return " ".join(parts)
