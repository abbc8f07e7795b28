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
from bisect import bisect_left, bisect_right
from collections.abc import Iterable

EVIDENCE = ((2, 0, 8), (3, 4, 40))
"""(told words in a row that are found, words of ours that may be skipped beyond those that were told before them, and at most)"""

Points = tuple[tuple[int, float], ...]

FIGURE = 5
"""Letters that a figure is spoken with: “7” takes as long as “seven”, “1,250” as long as “one thousand two hundred fifty”."""

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
        for row, untold, most in EVIDENCE:
            at = self._find_again(row, min(len(self._astray) - row + untold, most))
            if at is not None:
                self._go_on(at, row, points)
                return

    def _find_again(self, row: int, most: int) -> int | None:
        """Where the last told words are in ours, the nearest place, when no more than so many words are skipped."""
        if len(self._astray) < row:
            return None
        words = "".join(word for word, _ in self._astray[-row:])
        first = bisect_left(self._starts, self._found)
        inside = first == len(self._starts) or self._starts[first] != self._found  # of a word that is said in part
        for start in self._starts[first : first + most + 1 - int(inside)]:
            if self._plain.startswith(words, start):
                return start
        return None

    def _go_on(self, at: int, row: int, points: list[tuple[int, float]]) -> None:
        """The told words are here. What was skipped is over when the word before them is, each word of it in its turn."""
        before, found = self._astray[:-row], self._astray[-row:]
        ends = (*self._starts[bisect_right(self._starts, self._found) : bisect_left(self._starts, at)], at)
        if at > self._found:
            known = self._known(ends, before)
            if not before:
                known[at + len(found[0][0])] = found[0][1]
            for end in ends:
                self._point_between(end, known, points)
        for word, end_ms in found:
            self._found += len(word)
            self._point(end_ms, points)
        self._astray.clear()

    def _known(self, ends: tuple[int, ...], told: list[tuple[str, float]]) -> dict[int, float]:
        """The ends of those skipped words that were told as they are written, and of the last one."""
        known: dict[int, float] = {}
        begin, rest = self._found, 0
        for end in ends:
            written = self._plain[begin:end]
            hit = next((n for n in range(rest, len(told)) if told[n][0] == written), None)
            if hit is not None:
                if hit > rest and begin > self._found:
                    known[begin] = told[hit - 1][1]
                known[end], rest = told[hit][1], hit + 1
            begin = end
        if told:
            known[ends[-1]] = told[-1][1]
        return known

    def _point_between(self, end: int, known: dict[int, float], points: list[tuple[int, float]]) -> None:
        """A skipped word ends by its share of the time up to the next known end."""
        until = min(place for place in known if place >= end)
        share = _length(self._plain[self._found : end]) / _length(self._plain[self._found : until])
        self._found = end
        self._point(self._last_ms + share * max(0.0, known[until] - self._last_ms), points)

    def _point(self, end_ms: float, points: list[tuple[int, float]]) -> None:
        self._last_ms = max(self._last_ms, end_ms)
        points.append((self._places[self._found - 1], self._last_ms))


def _length(plain: str) -> int:
    """How long it takes to say, in letters."""
    return sum(FIGURE if character.isdigit() else 1 for character in plain)


def _plain(text: str) -> str:
    return _NOT_LETTERS.sub("", unicodedata.normalize("NFKD", text).casefold())
