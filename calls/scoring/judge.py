"""What happened in a scene against what ought to happen.

What is measured is what the caller hears: the agent's sound has *stopped* when nothing of the reply sounds for more than 100 ms
though more of it was there to be said. A reply that is held and goes on later has stopped, but was not *given up*; it is given up
when the core commits an interruption. Labels are allowed to be 100 ms off at either end.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from calls import explanations, reasons
from calls.conversation import facts
from calls.scoring import scenes
from calls.scoring.course import Course, Heard, Moment
from calls.scoring.mixing import PAUSE_MS, QUIET_AFTER_MS, Laid
from calls.scoring.scenes import Scene

TOLERANCE_MS = 100
"""Of labels, at starts and ends."""

GAP_MS = 100
"""A shorter gap of the agent's sound is not heard as a stop."""

EARLY_MS = 500
"""A reply that was given up longer than this before an interruption was not given up for it."""

REST_MS = 40
"""Of a reply that has as good as ended."""


@dataclass(frozen=True, slots=True)
class Rules:
    """`silence_ms`: the silence setting in force."""

    yield_ms: int = 2000
    silence_ms: int = 500


@dataclass(slots=True)
class Verdict:
    """One scene, judged. Times are ms on the scene's clock; `file_at_ms` is where the event is in the file."""

    id: str
    kind: str
    part: str
    file: str
    file_at_ms: int
    start_ms: int
    end_ms: int
    says: str = ""
    in_pause: bool = False
    scored: bool = True
    ok: bool = True
    expected: str = ""
    happened: str = ""
    reason: str = ""
    yielded: bool | None = None
    silent_after_ms: float | None = None
    stopped: bool | None = None
    stopped_at_ms: float | None = None
    stopped_ms: float | None = None  # for how long; None: to the end of the scene
    gave_up: bool | None = None
    noticed: bool | None = None
    pause_ms: int | None = None
    answered: bool | None = None
    delay_ms: float | None = None
    model_ms: float | None = None
    decisions: list[dict[str, Any]] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if value not in (None, "")}


def judge(scene: Scene, laid: Laid, course: Course, rules: Rules) -> Verdict:
    """The verdict on a scene that was played."""
    verdict = Verdict(
        id=scene.id,
        kind=scene.kind,
        part=scene.part,
        file=scene.caller.file,
        file_at_ms=scene.start_ms,
        start_ms=laid.start_ms,
        end_ms=laid.end_ms,
        says=scene.says,
        in_pause=scene.in_pause,
        decisions=[asdict(moment) for moment in course.moments],
    )
    if course.faults:
        return _not_scored(verdict, f"a fault of ours: {course.faults[0]}")
    if not course.began:
        return _not_scored(
            verdict, "the agent never spoke: the request before the scene was not noticed or not answered"
        )
    if course.notes("EndCall"):
        return _not_scored(verdict, f"the call ended: {course.notes('EndCall')[0].data['reason']}")
    match scene.kind:
        case scenes.INTERRUPTION | scenes.OVER_ECHO:
            _interruption(verdict, course, rules)
        case scenes.SILENCE:
            _silence(verdict, course)
        case scenes.PAUSE:
            _pause(verdict, scene, laid, course, rules)
        case scenes.TURN_END:
            _turn_end(verdict, course)
        case kind if kind in scenes.BEFORE_REPLY.values():
            _before_reply(verdict, course, rules)
        case kind if kind in scenes.AT_END.values():
            _at_end(verdict, course)
        case _:
            _goes_on(verdict, course)
    return verdict


def _not_scored(verdict: Verdict, why: str) -> Verdict:
    verdict.scored, verdict.ok, verdict.reason = False, False, why
    return verdict


# --- over the agent


def _interruption(verdict: Verdict, course: Course, rules: Rules) -> None:
    verdict.expected = f"the reply is given up within {rules.yield_ms / 1000:g} s"
    given_up = [moment for moment in course.notes(facts.INTERRUPTION) if moment.at_ms >= 0]
    if given_up and given_up[0].at_ms < verdict.start_ms - EARLY_MS:
        _not_scored(verdict, f"the reply was given up {_s(given_up[0].at_ms)} into the scene, before the event")
        return
    at = given_up[0].at_ms if given_up else None
    verdict.gave_up = at is not None
    verdict.noticed = _noticed(course)
    verdict.yielded = at is not None and at <= verdict.start_ms + rules.yield_ms
    verdict.ok = bool(verdict.yielded)
    own = [heard for heard in course.heard if heard.reply == course.reply]
    if verdict.yielded:
        # What still sounds when the scene ends took at least so long.
        verdict.silent_after_ms = round(own[-1].end_ms - verdict.start_ms, 1)
        verdict.happened = f"the caller heard nothing more {verdict.silent_after_ms:.0f} ms after the start"
        verdict.reason = reason(given_up[0])
        return
    _describe_stop(verdict, course, course.length_ms)
    if at is not None:
        late = f"the reply was given up only {at - verdict.start_ms:.0f} ms after the start"
        verdict.happened = f"{verdict.happened}; {late}" if verdict.stopped else late
    verdict.reason = _why_it_went_on(course, given_up)


def _goes_on(verdict: Verdict, course: Course) -> None:
    """A backchannel, a noise, an overlap: the reply is to go on as if nothing were."""
    verdict.expected = "the reply goes on"
    until = verdict.end_ms + QUIET_AFTER_MS
    _describe_stop(verdict, course, until)
    given_up = [moment for moment in course.notes(facts.INTERRUPTION) if 0 <= moment.at_ms <= until]
    verdict.gave_up = bool(given_up)
    verdict.noticed = _noticed(course)
    verdict.ok = not verdict.stopped and not given_up
    if given_up:
        verdict.happened = f"{verdict.happened}; the reply was given up {_s(given_up[0].at_ms)} into the scene"
        verdict.reason = reason(given_up[0])
    elif verdict.stopped:
        refused = course.notes(facts.INTERRUPTION_REFUSED)
        verdict.reason = reason(refused[0]) if refused else "not decided by the end of the scene"


def _before_reply(verdict: Verdict, course: Course, rules: Rules) -> None:
    """Between the request and the first sound: a sentence has the floor, and for anything else the reply comes all the same."""
    until = verdict.end_ms + QUIET_AFTER_MS
    withdrawn = [m for m in course.moments if m.what in (facts.INTERRUPTION, facts.REPLY_WITHDRAWN) and m.at_ms >= 0]
    first = course.heard[0].start_ms if course.heard else None
    verdict.noticed, verdict.answered = _noticed(course), first is not None
    verdict.gave_up = any(moment.at_ms <= until for moment in withdrawn)
    verdict.reason = next((told for moment in withdrawn if (told := reason(moment))), "")
    if verdict.kind != scenes.BEFORE_REPLY[scenes.INTERRUPTION]:
        noise = verdict.kind == scenes.BEFORE_REPLY[scenes.NOISE]
        verdict.expected = "the reply comes as if nothing were" if noise else "the reply comes"
        verdict.delay_ms = first
        # A word may belong to what was said before: then a reply to both is asked for, and comes later.
        verdict.ok = first is not None and not (noise and verdict.gave_up)
        verdict.happened = f"its first sound came {first:.0f} ms after the request" if first is not None else "no reply"
        verdict.happened += "; the first request was withdrawn" if verdict.gave_up else ""
        return
    verdict.expected = f"the agent is silent within {rules.yield_ms / 1000:g} s, for as long as the caller speaks"
    by = verdict.start_ms + rules.yield_ms
    verdict.yielded = any(moment.at_ms <= by for moment in withdrawn)
    verdict.ok = bool(verdict.yielded)
    spoken_into = [heard for heard in course.heard if heard.start_ms < min(verdict.end_ms, by)]
    verdict.stopped = bool(spoken_into)  # it began, and was heard to stop
    if verdict.yielded and spoken_into:
        verdict.silent_after_ms = round(spoken_into[-1].end_ms - verdict.start_ms, 1)
    spoken_ms = sum(min(heard.end_ms, verdict.end_ms) - heard.start_ms for heard in spoken_into)
    verdict.happened = f"{spoken_ms:.0f} ms of the reply were heard over the caller"


def _at_end(verdict: Verdict, course: Course) -> None:
    """In the last moments of a reply: it is heard to its end, a sentence is answered then, and a noise is not."""
    _describe_stop(verdict, course, verdict.end_ms + QUIET_AFTER_MS)
    asked = [m for m in course.notes(facts.REPLY_ASKED) if m.at_ms >= 0 and m.data.get("because") == "caller_stopped"]
    verdict.answered, verdict.noticed = bool(asked), _noticed(course)
    verdict.gave_up = any(moment.at_ms >= 0 for moment in course.notes(facts.INTERRUPTION))
    told = [m for m in course.moments if m.what in (facts.INTERRUPTION, facts.INTERRUPTION_REFUSED) and m.at_ms >= 0]
    verdict.reason = reason(told[0]) if told else ""
    verdict.happened += f"; an answer was {'' if asked else 'not '}asked for"
    if verdict.kind == scenes.AT_END[scenes.INTERRUPTION]:
        verdict.expected, verdict.ok = "what is said is answered", bool(asked)
    elif verdict.kind == scenes.AT_END[scenes.NOISE]:
        verdict.expected, verdict.ok = (
            "the reply is heard to its end, and nothing is answered",
            not asked and not verdict.stopped,
        )
    else:
        verdict.expected, verdict.ok = "the reply is heard to its end", not verdict.stopped


def _silence(verdict: Verdict, course: Course) -> None:
    verdict.expected = "nobody is heard, and nothing is stopped or answered"
    _describe_stop(verdict, course, course.length_ms)
    verdict.gave_up = any(moment.at_ms >= 0 for moment in course.notes(facts.INTERRUPTION))
    verdict.noticed = _noticed(course)
    asked = [m for m in course.notes(facts.REPLY_ASKED) if m.at_ms >= 0 and m.data.get("because") == "caller_stopped"]
    verdict.answered = bool(asked)
    verdict.ok = not (verdict.stopped or verdict.gave_up or verdict.noticed or verdict.answered)
    if verdict.noticed:
        verdict.happened += "; speech was noticed"
    if asked:
        verdict.happened += f"; it was answered {_s(asked[0].at_ms)} into the scene"


def _describe_stop(verdict: Verdict, course: Course, until: float) -> None:
    """Whether the caller heard the reply stop, and when."""
    # A voice may pause between sentences by itself: what was before the caller made a sound was not for it.
    stops = [stop for stop in _stops(course) if verdict.start_ms - TOLERANCE_MS <= stop[0] <= until]
    verdict.stopped = bool(stops)
    verdict.happened = "the reply went on"
    if stops:
        begin, end = stops[0]
        verdict.stopped_at_ms = begin
        verdict.stopped_ms = None if end is None else round(end - begin, 1)
        long = "and did not go on" if end is None else f"for {end - begin:.0f} ms, then went on"
        verdict.happened = f"the sound stopped {begin - verdict.start_ms:+.0f} ms from the start, {long}"


def _stops(course: Course) -> list[tuple[float, float | None]]:
    """Audible gaps of the scene's reply: (begin, end), the end None when nothing more of it was heard."""
    own = [heard for heard in course.heard if heard.reply == course.reply]
    stops: list[tuple[float, float | None]] = []
    for before, after in itertools.pairwise(own):
        if after.start_ms - before.end_ms > GAP_MS:
            stops.append((before.end_ms, after.start_ms))
    if own and course.length_ms - own[-1].end_ms > GAP_MS and _length(own) < course.reply_ms - REST_MS:
        stops.append((own[-1].end_ms, None))
    return stops


def _length(heard: Iterable[Heard]) -> float:
    return sum(stretch.end_ms - stretch.start_ms for stretch in heard)


def _noticed(course: Course) -> bool:
    """Whether the model's VAD heard speech in the scene."""
    return any(moment.at_ms >= 0 for moment in course.notes(facts.CALLER_SPEAKING))


def _why_it_went_on(course: Course, given_up: list[Moment]) -> str:
    refused = [moment for moment in course.notes(facts.INTERRUPTION_REFUSED) if moment.at_ms >= 0]
    if refused:
        return reason(refused[0])
    if given_up:
        return reason(given_up[0])
    return "not decided by the end of the scene" if _noticed(course) else "the model's VAD noticed no speech"


# --- turns


def _pause(verdict: Verdict, scene: Scene, laid: Laid, course: Course, rules: Rules) -> None:
    verdict.pause_ms = scene.end_ms - scene.start_ms
    until = laid.resumes_ms + TOLERANCE_MS
    answers = _answers(course, verdict.start_ms - TOLERANCE_MS, until)
    verdict.answered = bool(answers)
    verdict.noticed = any(m.at_ms <= verdict.start_ms + TOLERANCE_MS for m in course.notes(facts.CALLER_SPEAKING))
    short = verdict.pause_ms < rules.silence_ms
    verdict.expected = (
        "no answer within the pause" if short else "an answer or none: the pause is longer than the silence"
    )
    verdict.ok = not (short and answers)
    verdict.happened = (
        f"an answer was asked for {answers[0] - verdict.start_ms:.0f} ms into a pause of {verdict.pause_ms} ms"
        if answers
        else f"no answer in a pause of {verdict.pause_ms} ms"
    )
    stopped = course.notes(facts.CALLER_STOPPED)
    verdict.reason = reason(stopped[0]) if stopped and answers else ""
    ignored = sum(max(0, min(b, scene.end_ms) - max(a, scene.start_ms)) for a, b in scene.caller.ignore)
    if not short and ignored > PAUSE_MS / 2:
        _not_scored(verdict, "the labels want a part of this pause ignored")


def _answers(course: Course, begin: float, end: float) -> list[float]:
    """When we asked for a reply, or the caller heard one begin, between two times."""
    times = [*course.asked, *(heard.start_ms for heard in course.heard)]
    return sorted(at for at in times if begin <= at <= end)


def _turn_end(verdict: Verdict, course: Course) -> None:
    verdict.expected = "an answer after the end of the turn"
    verdict.noticed = bool(course.notes(facts.CALLER_SPEAKING))
    first = course.heard[0].start_ms if course.heard else None
    verdict.answered = first is not None
    if first is None:
        verdict.ok = False
        verdict.happened = f"no answer within {course.length_ms - verdict.end_ms:.0f} ms"
        verdict.reason = "" if verdict.noticed else "the model's VAD noticed no speech"
        return
    verdict.delay_ms = round(first - verdict.end_ms, 1)
    verdict.model_ms = course.model_ms
    verdict.happened = f"the answer began {verdict.delay_ms:.0f} ms after the end"
    if course.asked and course.asked[0] < verdict.end_ms - TOLERANCE_MS:
        verdict.ok = False
        verdict.happened = f"an answer was asked for {verdict.end_ms - course.asked[0]:.0f} ms before the end"


# --- words


def reason(moment: Moment) -> str:
    """What the core decided and why, in a line; nothing when it does not tell why."""
    told = _weighed(explanations.sentence(moment.what, moment.data), moment)
    numbers = "" if told else evidence(moment)
    return f"{moment.what.replace('_', ' ')}: {numbers}" if numbers else told


def evidence(moment: Moment) -> str:
    """Why the core decided as it did, for a place that says already what it decided; of other notes whatever they hold."""
    why = explanations.why(moment.what, moment.data) or explanations.sentence(moment.what, moment.data)
    if why:
        return _weighed(why, moment)
    told = [
        f"{name} {value}"
        for name, value in moment.data.items()
        if isinstance(value, str | int | float) and value != "" and not name.endswith("item_id")
    ]
    return ", ".join(told)


def _weighed(told: str, moment: Moment) -> str:
    """A sentence with all that was weighed. Without a reason, the numbers of an interruption tell what was lost, not why."""
    if moment.what == facts.INTERRUPTION and not moment.data.get("because"):
        return ""
    weighed = "; ".join(str(found) for found in reasons.evidence(moment.data))
    return f"{told} ({weighed})" if weighed else told


def _s(ms: float) -> str:
    return f"{ms / 1000:.2f} s"
