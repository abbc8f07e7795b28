"""Text cut into sentences as it arrives, for voices that take whole ones only.

Where it is cut depends on the text alone, never on how it came in pieces. A sentence is given on when the character after it is
known: “3.” may go on as “3.5”, and “Dr. ” is no end whatever follows.
"""

from __future__ import annotations

import re

FIRST_CLAUSE, LONG_FIRST = 25, 80
"""Characters. A first sentence longer than this is cut at a clause in between, so that its sound begins early."""

SHORT = 20
"""A later sentence below this goes with the next: each request costs a pause, and “Yes. Sure. Right.” would come in hiccups."""

LONGEST = 300
"""Nothing longer is asked for at once, whatever its punctuation."""

_ENDS = re.compile(r"[.!?…؟।]+[\"'”’»)\]]*(?=\s)\s*|[。！？]+[」』”’\"')）]*\s*|\n\s*")
_CLAUSES = re.compile(r"[,;:،–—]\s+|[，；：、]\s*")
_SPACES = re.compile(r"\s+")
_LAST_WORD = re.compile(r"[^\s\"'“”‘’«»()\[\]]+\Z")

_NO_ENDS = frozenset(
    [
        *(
            "mr",
            "mrs",
            "ms",
            "dr",
            "prof",
            "st",
            "sr",
            "sra",
            "srta",
            "dott",
            "mme",
            "mlle",
            "dipl",
            "rev",
            "gen",
            "col",
        ),
        *("capt", "lt", "sgt", "hon", "messrs", "mt", "ft", "vs", "cf", "ca", "approx", "dept", "avg", "eds"),
        *("bzw", "evtl", "ggf", "inkl", "zzgl", "sog", "str", "tzn", "např", "resp", "tj"),
    ]
)
"""After these a point ends no sentence, in any of the languages that agents speak: something always follows."""

_BEFORE_FIGURES = frozenset(
    ["no", "nos", "nr", "nº", "art", "abs", "fig", "vol", "op", "tel", "ext", "p", "pp", "č", "čp", "ul"]
)
"""After these it ends none when a figure follows. “No.” alone is an answer."""

_DOTTED = re.compile(r"(?:\w\.)+\w\Z")
_TIMES_OF_DAY = frozenset({"a.m", "p.m"})

_ORDINALS = frozenset({"de", "cs", "sk", "pl", "da", "nb", "nn", "no", "fi", "hu", "hr", "sl", "et", "lv", "tr", "is"})
"""Languages that write “3.” for “third”."""


class Sentences:
    """One text. What comes out, put together, is what went in."""

    def __init__(self, language: str = "") -> None:
        self._ordinals = language[:2].lower() in _ORDINALS
        self._kept = ""
        self._first = True

    def take(self, text: str) -> list[str]:
        """What is complete with this piece."""
        self._kept += text
        complete = []
        while cut := self._cut():
            complete.append(self._kept[:cut])
            self._kept, self._first = self._kept[cut:], False
        return complete

    def rest(self) -> list[str]:
        """What is left: no more text comes."""
        rest, self._kept = self._kept, ""
        return [rest] if rest else []

    def _cut(self) -> int:
        """How many characters to give on; 0: not yet. What touches the end of the text is not known to be over."""
        text = self._kept
        limit = LONG_FIRST if self._first else LONGEST
        for end in _ENDS.finditer(text):
            if end.end() == len(text) or (self._first and end.end() > limit):
                break
            if (self._first or end.end() >= SHORT) and end.end() <= LONGEST and self._is_end(end):
                return end.end()
        if len(text) > limit and (clause := _last(_CLAUSES, text, FIRST_CLAUSE, limit)):
            return clause
        if self._first and len(text) > limit:
            # No clause either: it is as long as it is.
            end_at = next((e.end() for e in _ENDS.finditer(text) if e.end() < len(text) and self._is_end(e)), 0)
            if 0 < end_at <= LONGEST:
                return end_at
        return (_last(_SPACES, text, 1, LONGEST) or LONGEST) if len(text) > LONGEST else 0

    def _is_end(self, end: re.Match[str]) -> bool:
        before, marks, after = end.string[: end.start()], end.group(), end.string[end.end()]
        if not any(character.isalnum() for character in before):
            return False  # nothing to say yet
        if "\n" in marks or marks[0] in "。！？":
            return True
        if after.islower():
            return False  # “Really?” he said
        if not marks.startswith(".") or marks.startswith(".."):
            return True
        found = _LAST_WORD.search(before)
        word = found.group().lower() if found else ""
        if word.isdigit():
            begins_line = not before[: found.start() if found else 0].rpartition("\n")[2].strip()
            return not begins_line and not (self._ordinals and len(word) <= 2)
        if _DOTTED.match(word):
            return word in _TIMES_OF_DAY
        if word in _BEFORE_FIGURES:
            return not after.isdigit()
        return word not in _NO_ENDS and (len(word) > 1 or word == "i")


def _last(borders: re.Pattern[str], text: str, least: int, most: int) -> int:
    """Where the last of these borders ends, between two places; 0: there is none."""
    ends = [border.end() for border in borders.finditer(text) if least <= border.end() <= most]
    return ends[-1] if ends else 0
