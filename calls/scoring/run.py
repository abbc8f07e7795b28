"""A run: each scene played and judged by itself, in as many processes as are wanted, the results in the order of the scenes."""

from __future__ import annotations

import logging
import multiprocessing
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from calls.scoring import mixing, situations, world
from calls.scoring.course import Course
from calls.scoring.judge import Rules, Verdict, judge
from calls.scoring.mixing import Laid
from calls.scoring.scenes import Scene
from calls.scoring.tally import Tally


@dataclass(frozen=True, slots=True)
class Scored:
    """A scene with all that can be told of it. `laid` and `course` None: it could not be played, and why is in the verdict."""

    scene: Scene
    verdict: Verdict
    laid: Laid | None = None
    course: Course | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """All scenes with one choice of settings. `turn`: the agent's turn settings, by name."""

    label: str
    turn: Mapping[str, Any]
    turn_detection: Mapping[str, Any]
    rules: Rules
    scored: list[Scored]
    tally: Tally

    @property
    def seconds(self) -> float:
        """Of scenes that were played."""
        return sum(one.course.length_ms for one in self.scored if one.course) / 1000


def score(scene: Scene, setup: world.Setup, rules: Rules) -> Scored:
    """Play and judge one scene."""
    try:
        laid = situations.lay(scene)
    except mixing.Unplayable as why:
        verdict = Verdict(
            scene.id, scene.kind, scene.part, scene.caller.file, scene.start_ms, scene.start_ms, scene.end_ms
        )
        verdict.scored, verdict.ok, verdict.reason = False, False, str(why)
        return Scored(scene, verdict)
    course = world.play(laid, setup)
    return Scored(scene, judge(scene, laid, course, rules), laid, course)


def score_all(scenes: Iterable[Scene], setup: world.Setup, rules: Rules, jobs: int) -> Iterator[Scored]:
    """All scenes, in their order. With one job in this process."""
    work = partial(score, setup=setup, rules=rules)
    if jobs <= 1:
        yield from map(work, scenes)
        return
    # Not forked: the network's library keeps threads, which a fork would leave behind.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=_quietly) as pool:
        yield from pool.map(work, list(scenes), chunksize=4)


def _quietly() -> None:
    logging.getLogger("calls").setLevel(logging.ERROR)
