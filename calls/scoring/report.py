"""A run as data for other programs, and as a page that can be sent to somebody: one file, nothing fetched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.template.loader import render_to_string
from django.utils.safestring import mark_safe

from calls.scoring import table
from calls.scoring.drawing import draw
from calls.scoring.run import Run, Scored
from calls.scoring.scenes import Folder
from calls.scoring.tally import Row, is_slow

Json = dict[str, Any]


def as_json(runs: Sequence[Run], folders: Sequence[Folder], options: Mapping[str, Any]) -> Json:
    """All that was found: of each scene the verdict and every decision. The same for the same scenes, settings and seed."""
    return {
        "options": dict(options),
        "folders": [{"path": str(f.path), "scenes": len(f.scenes), "left_out": f.skipped} for f in folders],
        "runs": [
            {
                "label": run.label,
                "settings": dict(run.turn),
                "turn_detection": dict(run.turn_detection),
                "silence_ms": run.rules.silence_ms,
                **run.tally.as_json(),
                "scenes": [scored.verdict.as_json() for scored in run.scored],
            }
            for run in runs
        ],
    }


def page(
    runs: Sequence[Run],
    folders: Sequence[Folder],
    options: Mapping[str, Any],
    *,
    defaults: Mapping[str, Any],
    every: bool = False,
) -> str:
    """The page. `defaults`: of the turn settings, to show what differs. `every`: also the scenes that went well."""
    context = {
        "runs": [_run(run, defaults, every) for run in runs],
        "lines": list(_lines(runs)),
        "folders": folders,
        "options": options,
        "every": every,
    }
    return str(render_to_string("calls/scoring/report.html", context))


def _lines(runs: Sequence[Run]) -> Iterator[Json]:
    group = ""
    for line in table.lines([run.tally for run in runs]):
        yield {
            "group": line.group if line.group != group else "",
            "name": line.name,
            "part": line.part,
            "cells": [_cell(row) for row in line.rows],
        }
        group = line.group


def _cell(row: Row | None) -> Json:
    """What a cell says, and for a share the bar: places in per cent of its width."""
    if row is None:
        return {"text": "–"}
    cell: Json = {"text": table.value(row), "target": row.target if row.met is not None else None, "met": row.met}
    if row.share is not None and row.share.of:
        target = None
        if row.target is not None:
            target = row.target.at_least if row.target.at_least is not None else row.target.below
        cell["bar"] = {
            "low": _percent(row.share.low),
            "width": _percent(row.share.high - row.share.low),
            "value": _percent(row.share.value or 0.0),
            "target": None if target is None else _percent(target),
        }
    return cell


def _percent(value: float) -> str:
    return f"{100 * value:.1f}"


def _run(run: Run, defaults: Mapping[str, Any], every: bool) -> Json:
    wrong = [one for one in run.scored if one.verdict.scored and not one.verdict.ok]
    slow = [one for one in run.scored if one.verdict.scored and is_slow(one.verdict)]
    well = [one for one in run.scored if one.verdict.ok and not is_slow(one.verdict)] if every else []
    targets = [row for row in run.tally.rows if row.met is not None]
    return {
        "label": run.label,
        "targets": [{"row": row, "text": table.value(row)} for row in targets],
        "settings": [(name, value, name in defaults and value != defaults[name]) for name, value in run.turn.items()],
        "silence_ms": run.rules.silence_ms,
        "count": len(run.scored),
        "failures": [_scene(one, run) for one in wrong],
        "slow": [_scene(one, run) for one in slow],
        "others": [_scene(one, run) for one in well],
        "not_scored": run.tally.not_scored,
    }


def _scene(one: Scored, run: Run) -> Json:
    scene: Json = {"verdict": one.verdict, "kind": one.verdict.kind.replace("_", " ")}
    if one.course is not None:
        threshold = run.turn_detection.get("threshold")
        picture = draw(one.verdict, one.course, threshold if isinstance(threshold, float) else None)
        scene["svg"] = mark_safe(picture.svg)  # numbers and names of classes; the one text in it is made plain
        scene["marks"] = picture.marks
    return scene
