"""Where in our text a voice is at which time of its sound: from what providers tell, in whatever form.

Providers tell times for words, syllables or single signs of the text *as they speak it*: numbers spelled out, tags gone, spaces
moved. What the caller heard is said in our own text. So both are followed letter by letter, without spaces, signs and case. Where
they part (“three hundred” for “300”), nothing is said until two told words in a row are found again at a word's beginning in ours,
with at least as many told words behind them as words of ours were skipped; or three, when words were left out of the telling. One
alone would be found in the wrong place: the “one” of “one thousand” in the “one” of “1,000 for one person”. Times come well ahead
of what is played, so this wait costs nothing.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable

SKIP = 8
"""Words of ours that may be passed over to find the place again. The next piece that goes astray would be found too far on."""

Points = tuple[tuple[int, float], ...]

EVIDENCE = ((2, 0), (3, 4))
"""(told words in a row that are found, words of ours that may be skipped beyond those that were told before them)"""

_NOT_LETTERS = re.compile(r"[\W_]+")
_WITHOUT_SPACES = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")


class Alignment:
    """Of one utterance: our text as it was given, and the points (characters of it, milliseconds) that were told. Monotonic."""

    def __init__(self) -> None:
        self.text = ""
        self._plain = ""  # letters and figures only, in lower case
        self._places: list[int] = []  # of each plain character: the place after it in `text`
        self._starts: list[int] = []  # where words begin in the plain text
        self._after_space = True
        self._tag = ""  # "<" when one may have begun, "<…" when one has
        self._found = 0  # in the plain text: up to here both are the same, or what is said is over
        self._astray: list[tuple[str, float]] = []  # told words, and their ends, that are not at `_found`
        self._last_ms = 0.0

    def add_text(self, text: str) -> None:
        """More of our text, as it is given to the provider."""
        begin = len(self.text)
        self.text += text
        for place, character in enumerate(text, start=begin + 1):
            if self._is_of_a_tag(character) or character.isspace():
                self._after_space = True
                continue
            for plain in _plain(character):
                # Where words have no spaces between, each sign is one that can be found again.
                if self._after_space or _WITHOUT_SPACES.match(character):
                    self._starts.append(len(self._plain))
                self._after_space = False
                self._plain += plain
                self._places.append(place)

    def words(self, words: Iterable[tuple[str, float]]) -> Points:
        """Told words, or parts of words, and when each has ended (ms since the start of the utterance's sound), as points."""
        points: list[tuple[int, float]] = []
        for word, end_ms in words:
            if plain := _plain(word):
                self._take(plain, end_ms, points)
        return tuple(points)

    def end(self, total_ms: float) -> Points:
        """All of the sound has come: the text ends there."""
        self._last_ms = max(self._last_ms, total_ms)
        return ((len(self.text), self._last_ms),) if self.text else ()

    def _is_of_a_tag(self, character: str) -> bool:
        """Whether it is an order to the voice (`<break time="1s"/>`), not a thing to say. A bare "<" is none."""
        inside, self._tag = self._tag, ""
        if inside == "<":
            inside = "<…" if character.isalpha() or character == "/" else ""
        if character == "<":
            self._tag = "<"
        elif inside and character != ">":
            self._tag = inside
        return bool(inside) or character == "<"

    def _take(self, plain: str, end_ms: float, points: list[tuple[int, float]]) -> None:
        if not self._astray and self._plain.startswith(plain, self._found):
            self._found += len(plain)
            self._point(end_ms, points)
            return
        self._astray.append((plain, end_ms))
        for row, untold in EVIDENCE:
            at = self._find_again(row, untold)
            if at is not None:
                self._go_on(at, row, points)
                return

    def _find_again(self, row: int, untold: int) -> int | None:
        """Where the last told words are in ours, the nearest place."""
        told = len(self._astray) - row
        if told < 0:
            return None
        words = "".join(word for word, _ in self._astray[-row:])
        first = bisect_left(self._starts, self._found)
        inside = first == len(self._starts) or self._starts[first] != self._found  # of a word that is said in part
        for skipped, start in enumerate(self._starts[first : first + SKIP], start=int(inside)):
            if skipped <= told + untold and self._plain.startswith(words, start):
                return start
        return None

    def _go_on(self, at: int, row: int, points: list[tuple[int, float]]) -> None:
        """The told words are here. What was skipped is over when the word before them is."""
        before = self._astray[:-row]
        if at > self._found and before:
            self._found = at
            self._point(before[-1][1], points)
        self._found = at
        for word, end_ms in self._astray[-row:]:
            self._found += len(word)
            self._point(end_ms, points)
        self._astray.clear()

    def _point(self, end_ms: float, points: list[tuple[int, float]]) -> None:
        self._last_ms = max(self._last_ms, end_ms)
        points.append((self._places[self._found - 1], self._last_ms))


def _plain(text: str) -> str:
    return _NOT_LETTERS.sub("", unicodedata.normalize("NFKD", text).casefold())
