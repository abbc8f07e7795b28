"""Which words were heard, when only the sound is measured.

The model tells what it says ahead of the sound and without times, so the split is by share of the sound, at a border
between words. A voice that gives word times needs none of this.
"""

from __future__ import annotations

import re

MS_PER_CHARACTER = 65.0
"""Spoken English runs at 14 to 16 characters a second; used only while the full length of the sound is not known."""

_WORD = re.compile(r"\S+\s*")


def split_heard(text: str, heard_ms: float, received_ms: float, complete: bool) -> tuple[str, str]:
    """Split `text` into what was heard and what was not. `complete`: all of its sound was received."""
    if not text or heard_ms <= 0:
        return "", text
    whole_ms = received_ms if complete else max(received_ms, len(text) * MS_PER_CHARACTER)
    if heard_ms >= whole_ms:
        return text, ""
    reached = len(text) * heard_ms / whole_ms
    border = 0
    for word in _WORD.finditer(text):
        middle = word.start() + len(word.group().rstrip()) / 2
        if middle > reached:  # a word counts as heard when half of it was
            break
        border = word.end()
    return text[:border].rstrip(), text[border:]
