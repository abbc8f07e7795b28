"""A run in plain text: the table, and a paragraph for each scene that went wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from calls.scoring.judge import Verdict
from calls.scoring.statistics import Quantile, Share
from calls.scoring.tally import Row, Tally


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table, with a row of each run; None where a run has none such."""

    group: str
    name: str
    part: bool
    rows: tuple[Row | None, ...]


def lines(tallies: Sequence[Tally]) -> list[Line]:
    """The rows of all runs, those of one name side by side; what only a later run has stands at the end of its group.

    Rows of one name can stand below different ones, which tells them apart.
    """
    known: dict[tuple[str, str, str], list[Row | None]] = {}
    for number, tally in enumerate(tallies):
        above = ""
        for row in tally.rows:
            above = above if row.part else row.name
            known.setdefault((row.group, above, row.name), [None] * len(tallies))[number] = row
    groups = list(dict.fromkeys(group for group, _, _ in known))
    return [
        Line(group, name, above != name, tuple(rows))
        for wanted in groups
        for (group, above, name), rows in known.items()
        if group == wanted
    ]


def table(columns: Sequence[tuple[str, Tally]]) -> Iterator[str]:
    """The table as text, with a column for each run."""
    known = lines([tally for _, tally in columns])
    names = [("      " if line.part else "  ") + line.name for line in known]
    cells = [["–" if row is None else _cell(row) for row in line.rows] for line in known]
    first = max(map(len, names), default=0) + 2
    widths = [max(len(label), *(len(line[n]) for line in cells)) + 2 for n, (label, _) in enumerate(columns)]
    yield _padded("", [label for label, _ in columns], first, widths)
    group = ""
    for line, name, row in zip(known, names, cells, strict=True):
        if line.group != group:
            group = line.group
            yield group.capitalize()
        yield _padded(name, row, first, widths)


def _padded(name: str, cells: Sequence[str], first: int, widths: Sequence[int]) -> str:
    return (name.ljust(first) + "".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))).rstrip()


def _cell(row: Row) -> str:
    text = value(row)
    if row.met is not None:
        text += f"  {row.target}: {'met' if row.met else 'MISSED'}"
    return text


def value(row: Row) -> str:
    """What a row says, in a line."""
    if not row.of:
        return "no such scenes"
    return share(row.share) if row.share is not None else length(row.median, row.p95)


def share(it: Share) -> str:
    """`93 % [84–98] 25/27`."""
    shown = 100 * (it.value or 0.0)
    return f"{shown:.0f} % [{100 * it.low:.0f}–{100 * it.high:.0f}] {it.count}/{it.of}"


def length(median: Quantile | None, p95: Quantile | None) -> str:
    """`median 320 [280–360], p95 640 [500–700] ms, n 27`."""
    if median is None or p95 is None:
        return "none"
    return (
        f"median {median.value:.0f} [{median.low:.0f}–{median.high:.0f}], "
        f"p95 {p95.value:.0f} [{p95.low:.0f}–{p95.high:.0f}] ms, n {median.of}"
    )


def failures(tally: Tally) -> Iterator[str]:
    """What went wrong, scene by scene; then what could not be scored."""
    if tally.failures:
        yield f"{len(tally.failures)} scenes went wrong:"
    for verdict in tally.failures:
        yield from _failure(verdict)
    if tally.slow:
        yield f"{len(tally.slow)} interruptions were given way to later than the target has it:"
    for verdict in tally.slow:
        said = f" “{verdict.says[:60]}”" if verdict.says else ""
        yield f"  {verdict.id}{said}: silence after {verdict.silent_after_ms:.0f} ms. {verdict.reason}"
    if tally.not_scored:
        yield f"{len(tally.not_scored)} scenes could not be scored:"
    for verdict in tally.not_scored:
        yield f"  {verdict.id}: {verdict.reason}"


def _failure(verdict: Verdict) -> Iterator[str]:
    said = f" “{verdict.says[:60]}”" if verdict.says else ""
    yield f"  {verdict.id}  {verdict.kind.replace('_', ' ')}{said}"
    yield f"      {verdict.file} at {verdict.file_at_ms / 1000:.2f} s ({verdict.start_ms / 1000:.2f} s into the scene)"
    yield f"      expected: {verdict.expected}; happened: {verdict.happened}"
    if verdict.reason:
        yield f"      because:  {verdict.reason}"
