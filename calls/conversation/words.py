"""Which words were heard, and which were made.

The model tells what it says ahead of the sound and without times, so the split is by share of the sound, at a border
between words. A voice that tells when it says what gives points (characters, milliseconds), and the split is between those.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

MS_PER_CHARACTER = 65.0
"""Spoken English runs at 14 to 16 characters a second; used only while the full length of the sound is not known."""

Points = Sequence[tuple[int, float]]

_WORD = re.compile(r"\S+\s*")


def split_heard(text: str, heard_ms: float, received_ms: float, complete: bool, points: Points = ()) -> tuple[str, str]:
    """Split `text` into what was heard and what was not. `complete`: all of its sound was received."""
    if not text or heard_ms <= 0:
        return "", text
    reached = _reached(text, heard_ms, received_ms, complete, points)
    if reached >= len(text):
        return text, ""
    border = 0
    for word in _WORD.finditer(text):
        middle = word.start() + len(word.group().rstrip()) / 2
        if middle > reached:  # a word counts as heard when half of it was
            break
        border = word.end()
    return text[:border].rstrip(), text[border:]


def _reached(text: str, heard_ms: float, received_ms: float, complete: bool, points: Points) -> float:
    """How many characters were said by `heard_ms`."""
    (before, before_ms), (after, after_ms) = (0, 0.0), (0, 0.0)
    for characters, ms in points:
        if ms > heard_ms:
            after, after_ms = characters, ms
            break
        before, before_ms = characters, ms
    if not after:  # between the last point and the end of the sound
        rest = len(text) - before
        rest_ms = received_ms - before_ms
        after = len(text)
        after_ms = before_ms + (rest_ms if complete else max(rest_ms, rest * MS_PER_CHARACTER))
    if heard_ms >= after_ms:
        return float(after)
    return before + (after - before) * (heard_ms - before_ms) / (after_ms - before_ms)


def reached_by(text: str, received_ms: float, points: Points = ()) -> int:
    """Where to go on in a text of which so much sound was received and no more comes: the beginning of a word, rather one
    too early than too late."""
    if received_ms <= 0:
        return 0
    told, told_ms = max(((characters, ms) for characters, ms in points if ms <= received_ms + 1), default=(0, 0.0))
    reached = told + max(0.0, received_ms - told_ms) / MS_PER_CHARACTER
    if after := [characters for characters, ms in points if ms > received_ms + 1]:
        reached = min(reached, after[0] - 1)  # the next word's end has been told, and was not reached
    return max(
        (word.end() for word in _WORD.finditer(text) if word.start() + len(word.group().rstrip()) <= reached), default=0
    )
