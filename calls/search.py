"""Search over what was said: words, the beginnings of words, “whole phrases”, and -words that must not occur.

Text and questions are brought to one form, so “cafe” finds “Café”. PostgreSQL looks into an index of words and their places
(`vector` in calls/migrations/0012); SQLite reads the texts, which is fast enough for as many calls as one machine carries.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connections
from django.db.models import BooleanField, F, Func, Q, QuerySet, Value

LONGEST = 300_000
"""Characters of one call's text. PostgreSQL keeps no more than 1 MB of words and places."""

MOST_TERMS = 12
AROUND = 60
"""Characters of a line that are shown on both sides of what was found."""

_HAN = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_TOKEN = re.compile(rf"[{_HAN}]|(?:(?![{_HAN}])[^\W_])+")
"""A word; of scripts that write none, a character."""
_ASKED = re.compile(r'(-?)(?:"([^"]*)"?|(\S+))')


@dataclass(frozen=True, slots=True)
class Term:
    """Words that must follow each other. The last is a beginning, unless the words stood in quotes."""

    words: tuple[str, ...]
    exact: bool = False
    absent: bool = False

    @property
    def piece(self) -> str:
        """What stands in a text that `plain` made, if this holds."""
        return f" {' '.join(self.words)}{' ' if self.exact else ''}"

    @property
    def tsquery(self) -> str:
        words = [f"'{word}'" for word in self.words]
        return f"{'!' if self.absent else ''}({' <-> '.join(words)}{'' if self.exact else ':*'})"


@dataclass(frozen=True, slots=True)
class Found:
    """A line in which something was found: its text in pieces, each with whether it is a hit."""

    at_ms: int
    side: str
    pieces: tuple[tuple[str, bool], ...]

    @property
    def at(self) -> str:
        return f"{self.at_ms // 60000}:{self.at_ms // 1000 % 60:02d}"

    @property
    def seconds(self) -> str:
        """For an address, which a page's language must not change."""
        return f"{self.at_ms / 1000:g}"


def terms(asked: str) -> list[Term]:
    """What somebody typed. Empty: nothing of it can be looked for."""
    found = []
    for minus, quoted, bare in _ASKED.findall(asked.replace("“", '"').replace("”", '"').replace("\0", "")):
        words = tuple(_folded(match.group()) for match in _tokens(quoted or bare))
        if words:
            found.append(Term(words, exact=bool(quoted), absent=bool(minus)))
    return found[:MOST_TERMS]


def plain(lines: Iterable[str]) -> str:
    """Lines in the form that is searched: folded words between single spaces, so that each has a space on both sides."""
    folded = (" ".join(_folded(match.group()) for match in _tokens(line)) for line in lines)
    return "\n".join(f" {line} " for line in folded if line)[:LONGEST]


def _tokens(text: str) -> Iterator[re.Match[str]]:
    return _TOKEN.finditer(unicodedata.normalize("NFC", text))


def _folded(word: str) -> str:
    """Without case and accents."""
    parts = unicodedata.normalize("NFKD", word.casefold())
    return "".join(part for part in parts if part.isalnum())


class _Matches(Func):
    """PostgreSQL's side of it. The column is kept by the database and unknown to Django."""

    output_field = BooleanField()
    template = "%(expressions)s"

    def __init__(self, text: F, query: Value, asked: str) -> None:
        super().__init__(text, query)
        self.asked = asked

    def as_postgresql(self, compiler: Any, connection: Any, **more: Any) -> tuple[str, list[Any]]:
        text, query = self.get_source_expressions()
        compiled, params = compiler.compile(query)
        alias = compiler.quote_name_unless_alias(text.alias)
        return f'{alias}."vector" @@ {self.asked.format(compiled)}', list(params)


def narrow(rows: QuerySet[Any], wanted: list[Term], path: str = "") -> QuerySet[Any]:
    """Those transcripts in which all of this holds, or with a path to them other rows."""
    if connections[rows.db].vendor == "postgresql":
        query = " & ".join(term.tsquery for term in wanted)
        return rows.filter(_Matches(F(f"{path}text"), Value(query), "to_tsquery('simple', {})"))
    for term in wanted:
        holds = Q(**{f"{path}text__contains": term.piece})
        rows = rows.exclude(holds) if term.absent else rows.filter(holds)
    return rows


def marked(rows: QuerySet[Any], marks: Sequence[str], path: str) -> QuerySet[Any]:
    """The same rows, which have all of these marks, for PostgreSQL to find them by."""
    if connections[rows.db].vendor != "postgresql" or not marks:
        return rows
    quoted = ["'{}'".format(mark.replace("\\", "\\\\").replace("'", "''")) for mark in marks]
    return rows.filter(_Matches(F(f"{path}text"), Value(" & ".join(quoted)), "{}::tsquery"))


def first_found(lines: Iterable[tuple[int, str, str]], wanted: list[Term]) -> Found | None:
    """The first line, of (at_ms, side, text), in which one of the terms stands."""
    looked_for = [term for term in wanted if not term.absent]
    for at_ms, side, said in lines:
        text = unicodedata.normalize("NFC", said)
        if spans := sorted(span for term in looked_for for span in _spans(text, term)):
            return Found(at_ms, side, tuple(_pieces(text, spans)))
    return None


def _spans(text: str, term: Term) -> Iterator[tuple[int, int]]:
    tokens = list(_TOKEN.finditer(text))
    words = [_folded(token.group()) for token in tokens]
    count = len(term.words)
    for n in range(len(words) - count + 1):
        *before, last = words[n : n + count]
        ends = last == term.words[-1] if term.exact else last.startswith(term.words[-1])
        if ends and tuple(before) == term.words[:-1]:
            yield tokens[n].start(), tokens[n + count - 1].end()


def _pieces(text: str, spans: list[tuple[int, int]]) -> Iterator[tuple[str, bool]]:
    """The text round the first hit, cut into what was found and what stands between."""
    begin = max(0, spans[0][0] - AROUND)
    end = min(len(text), spans[0][1] + 2 * AROUND)
    begin = text.find(" ", begin, spans[0][0]) + 1 or begin if begin else 0
    at = begin
    if begin:
        yield "… ", False
    for first, last in spans:
        if first >= at and last <= end:
            yield text[at:first], False
            yield text[first:last], True
            at = last
    yield text[at:end], False
    if end < len(text):
        yield "…", False
