"""All verdicts of a run as shares and lengths, against the targets."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from calls.scoring import scenes
from calls.scoring.echo import PATHS
from calls.scoring.judge import TOLERANCE_MS, Rules, Verdict
from calls.scoring.statistics import Quantile, Share, quantile, share

Which = Callable[[Verdict], bool]


@dataclass(frozen=True, slots=True)
class Target:
    """What a measure ought to be: at least or below a value, or none at all. `of_ms`: of a length."""

    at_least: float | None = None
    below: float | None = None
    none: bool = False
    of_ms: bool = False

    def met(self, value: float) -> bool:
        if self.none:
            return value == 0
        if self.at_least is not None:
            return value >= self.at_least
        return self.below is None or value < self.below

    def __str__(self) -> str:
        if self.none:
            return "none"
        sign, value = ("≥", self.at_least) if self.at_least is not None else ("<", self.below)
        return f"{sign} {value:g} ms" if self.of_ms else f"{sign} {100 * (value or 0):g} %"


YIELDS = Target(at_least=0.95)
SILENT_WITHIN = Target(below=700, of_ms=True)
BACKCHANNELS_STOP = Target(below=0.15)
NOISES_STOP = Target(below=0.10)
NO_PREMATURE = Target(none=True)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: a share, or the median and p95 of a length in ms. `part`: a share of the scenes above it."""

    group: str
    name: str
    share: Share | None = None
    median: Quantile | None = None
    p95: Quantile | None = None
    target: Target | None = None
    met: bool | None = None
    part: bool = False

    @property
    def of(self) -> int:
        if self.share is not None:
            return self.share.of
        return self.median.of if self.median is not None else 0

    def as_json(self) -> dict[str, Any]:
        made = asdict(self)
        made["target"] = str(self.target) if self.target else None
        return made


@dataclass(slots=True)
class Tally:
    """The table of a run, what missed, and what could not be scored."""

    rows: list[Row] = field(default_factory=list)
    failures: list[Verdict] = field(default_factory=list)
    slow: list[Verdict] = field(default_factory=list)  # gave way, but later than the target has it
    not_scored: list[Verdict] = field(default_factory=list)

    @property
    def missed(self) -> list[Row]:
        return [row for row in self.rows if row.met is False]

    def as_json(self) -> dict[str, Any]:
        return {"rows": [row.as_json() for row in self.rows], "missed": [f"{r.group}: {r.name}" for r in self.missed]}


def is_slow(verdict: Verdict) -> bool:
    """Whether the caller was given way to, but had to wait for it longer than the target of the p95."""
    return verdict.ok and verdict.silent_after_ms is not None and not SILENT_WITHIN.met(verdict.silent_after_ms)


def tally(verdicts: Iterable[Verdict], rules: Rules, seed: int = 0) -> Tally:
    """The table, for the kinds of scenes that were played."""
    verdicts = list(verdicts)
    scored = [verdict for verdict in verdicts if verdict.scored]
    made = Tally(
        failures=[verdict for verdict in scored if not verdict.ok],
        slow=[verdict for verdict in scored if is_slow(verdict)],
        not_scored=[verdict for verdict in verdicts if not verdict.scored],
    )
    of = {kind: [v for v in scored if v.kind == kind] for kinds in scenes.GROUPS.values() for kind in kinds}
    made.rows += _interruptions(of[scenes.INTERRUPTION], seed)
    made.rows += _going_on("backchannels", of[scenes.BACKCHANNEL], BACKCHANNELS_STOP, BACKCHANNEL_PARTS)
    made.rows += _going_on("overlaps that take no turn", of[scenes.OVERLAP], None, {})
    made.rows += _going_on("noises", of[scenes.NOISE], NOISES_STOP, NOISE_PARTS)
    made.rows += _silences(of[scenes.SILENCE])
    made.rows += _pauses(of[scenes.PAUSE], rules)
    made.rows += _turn_ends(of[scenes.TURN_END], seed)
    made.rows += _echoes(of[scenes.ECHO], of[scenes.OVER_ECHO], seed)
    made.rows += _before_reply({sort: of[kind] for sort, kind in scenes.BEFORE_REPLY.items()}, seed)
    made.rows += _at_end({sort: of[kind] for sort, kind in scenes.AT_END.items()})
    return made


def _share(
    group: str, name: str, of: list[Verdict], which: Which, *, target: Target | None = None, part: bool = False
) -> Row:
    made = share(sum(which(verdict) for verdict in of), len(of))
    met = target.met(made.count / made.of) if target is not None and made.of else None
    return Row(group, name, share=made, target=target, met=met, part=part)


def _length(
    group: str, name: str, values: list[float], seed: int, *, target: Target | None = None, part: bool = False
) -> Row:
    """`target` is of the p95."""
    median, p95 = quantile(values, 0.5, seed), quantile(values, 0.95, seed)
    met = target.met(p95.value) if target is not None and p95 is not None else None
    return Row(group, name, median=median, p95=p95, target=target, met=met, part=part)


BY_PART: dict[str, Which] = {
    "in real conversations": lambda v: v.part == "conversation",
    "in mixed scenes": lambda v: v.part == "mixed",
}
BACKCHANNEL_PARTS: dict[str, Which] = {
    **BY_PART,
    "in a pause of the agent": lambda v: v.in_pause,
    "over the agent's speech": lambda v: not v.in_pause,
}
NOISE_PARTS: dict[str, Which] = {
    "of a human: cough, throat, laughter": lambda v: v.says in ("cough", "clearthroat", "laughter"),
    "other noises": lambda v: v.says not in ("cough", "clearthroat", "laughter"),
}


def _interruptions(of: list[Verdict], seed: int) -> Iterable[Row]:
    if not of:
        return
    group = "interruptions"
    yield _share(group, "the agent yields", of, lambda v: bool(v.yielded), target=YIELDS)
    for name, which in BY_PART.items():
        yield _share(group, name, [v for v in of if which(v)], lambda v: bool(v.yielded), part=True)
    times = [v.silent_after_ms for v in of if v.silent_after_ms is not None]
    yield _length(group, "time to silence", times, seed, target=SILENT_WITHIN)
    for name, which in BY_PART.items():
        some = [v.silent_after_ms for v in of if which(v) and v.silent_after_ms is not None]
        yield _length(group, name, some, seed, part=True)


def _going_on(group: str, of: list[Verdict], target: Target | None, parts: dict[str, Which]) -> Iterable[Row]:
    if not of:
        return
    yield _share(group, "stopped the sound", of, lambda v: bool(v.stopped), target=target)
    for name, which in parts.items():
        yield _share(group, name, [v for v in of if which(v)], lambda v: bool(v.stopped), part=True)
    yield _share(group, "gave up the reply", of, lambda v: bool(v.gave_up))
    yield _share(group, "taken for speech by the model's VAD", of, lambda v: bool(v.noticed))


def _silences(of: list[Verdict]) -> Iterable[Row]:
    if not of:
        return
    yield _share("silences", "stopped the sound", of, lambda v: bool(v.stopped))
    yield _share("silences", "gave up the reply", of, lambda v: bool(v.gave_up))
    yield _share("silences", "taken for speech by the model's VAD", of, lambda v: bool(v.noticed))
    yield _share("silences", "answered", of, lambda v: bool(v.answered))


def _pauses(of: list[Verdict], rules: Rules) -> Iterable[Row]:
    if not of:
        return
    silence_ms = rules.silence_ms
    shorter = [v for v in of if (v.pause_ms or 0) < silence_ms]
    near = [v for v in shorter if (v.pause_ms or 0) >= silence_ms - TOLERANCE_MS]
    longer = [v for v in of if (v.pause_ms or 0) >= silence_ms]
    name = f"premature answers, pauses below {silence_ms} ms"
    yield _share("pauses", name, shorter, lambda v: bool(v.answered), target=NO_PREMATURE)
    yield _share("pauses", f"of these within {TOLERANCE_MS} ms of it", near, lambda v: bool(v.answered), part=True)
    yield _share("pauses", "longer pauses answered", longer, lambda v: bool(v.answered))


def _turn_ends(of: list[Verdict], seed: int) -> Iterable[Row]:
    if not of:
        return
    group = "ends of turns"
    yield _share(group, "answered", of, lambda v: bool(v.answered))
    told = [v for v in of if v.delay_ms is not None and v.ok]
    yield _length(group, "response delay", [v.delay_ms or 0.0 for v in told], seed)
    without = [(v.delay_ms or 0.0) - (v.model_ms or 0.0) for v in told]
    yield _length(group, "without the model's own time", without, seed, part=True)


def _echoes(alone: list[Verdict], over: list[Verdict], seed: int) -> Iterable[Row]:
    group = "the agent's own echo"
    if alone:
        yield _share(group, "stopped the sound", alone, lambda v: bool(v.stopped))
        for path in PATHS:
            some = [v for v in alone if v.says.endswith(path.name)]
            yield _share(group, f"of {path.name}", some, lambda v: bool(v.stopped), part=True)
        yield _share(group, "taken for speech by the model's VAD", alone, lambda v: bool(v.noticed))
    if over:
        yield _share(group, "the agent yields to who speaks over its echo", over, lambda v: bool(v.yielded))
        yield _length(
            group, "time to silence", [v.silent_after_ms for v in over if v.silent_after_ms is not None], seed
        )


def _before_reply(of: dict[str, list[Verdict]], seed: int) -> Iterable[Row]:
    group = "between the request and the reply's first sound"
    for sort, name in ((scenes.BACKCHANNEL, "backchannels"), (scenes.NOISE, "noises")):
        if not of[sort]:
            continue
        yield _share(group, f"{name} for which the request was withdrawn", of[sort], lambda v: bool(v.gave_up))
        yield _length(group, "first sound", [v.delay_ms for v in of[sort] if v.delay_ms is not None], seed, part=True)
    spoken = of[scenes.INTERRUPTION]
    if spoken:
        yield _share(group, "sentences to which the agent yields", spoken, lambda v: bool(v.yielded))
        yield _share(group, "into which it began to speak", spoken, lambda v: bool(v.stopped), part=True)
        times = [v.silent_after_ms for v in spoken if v.silent_after_ms is not None]
        yield _length(group, "time to silence of these", times, seed, part=True)


def _at_end(of: dict[str, list[Verdict]]) -> Iterable[Row]:
    group = "in the last moments of a reply"
    if of[scenes.INTERRUPTION]:
        yield _share(group, "sentences answered", of[scenes.INTERRUPTION], lambda v: bool(v.answered))
    for sort, name in ((scenes.BACKCHANNEL, "backchannels"), (scenes.NOISE, "noises")):
        if of[sort]:
            yield _share(group, f"{name} that stopped the sound", of[sort], lambda v: bool(v.stopped))
            yield _share(group, f"{name} answered", of[sort], lambda v: bool(v.answered))
