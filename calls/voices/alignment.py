"""Where in our text a voice is at which time of its sound: from what providers tell, in whatever form.

Providers tell times for words or characters of the text *as they speak it*: numbers spelled out, tags gone, spaces moved. What the
caller heard is said in our own text. So each told word is looked for in ours, a little ahead of where the last one was found, and
a word that is not there (“three” for “3”) counts by its share.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

LOOK_AHEAD = 60
"""Characters of our text in which a told word is looked for. Further on, a short word would be found in the wrong place."""

_NOT_LETTERS = re.compile(r"[^\w]+")


class Alignment:
    """Of one utterance: our text as it was given, and the points (characters of it, milliseconds) that were told. Monotonic."""

    def __init__(self) -> None:
        self.text = ""
        self._plain = ""  # letters and figures only, in lower case
        self._places: list[int] = []  # of each plain character: the place after it in `text`
        self._found = 0  # in the plain text
        self._last_ms = 0.0

    def add_text(self, text: str) -> None:
        """More of our text, as it is given to the provider."""
        begin = len(self.text)
        self.text += text
        for place, character in enumerate(text, start=begin):
            for plain in _plain(character):
                self._plain += plain
                self._places.append(place + 1)

    def words(self, words: Iterable[tuple[str, float]]) -> tuple[tuple[int, float], ...]:
        """Told words and when each has ended (ms since the start of the utterance's sound), as points."""
        points = []
        for word, end_ms in words:
            if (plain := _plain(word)) and (place := self._find(plain)):
                self._last_ms = max(self._last_ms, end_ms)
                points.append((place, self._last_ms))
        return tuple(points)

    def _find(self, plain: str) -> int:
        """The place in our text after a told word; 0 when it is not there."""
        at = self._plain.find(plain, self._found, self._found + LOOK_AHEAD + len(plain))
        if at < 0:
            return 0
        self._found = at + len(plain)
        return self._places[self._found - 1]


def _plain(text: str) -> str:
    return _NOT_LETTERS.sub("", unicodedata.normalize("NFKC", text).casefold()).replace("_", "")
