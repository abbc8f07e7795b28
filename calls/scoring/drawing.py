"""A scene as a picture: what the caller said above, what the caller heard of the agent below, and what was decided when.

The picture holds numbers and shapes; what they mean stands beside it as text, so that it can be read on a telephone.
"""

from __future__ import annotations

from dataclasses import dataclass

from calls import audio
from calls.conversation import facts
from calls.scoring.course import Course, Moment
from calls.scoring.judge import Verdict, evidence

WIDTH, LANE, GAP, TOP, BOTTOM = 1000, 84, 10, 26, 22
HEIGHT = TOP + 2 * LANE + GAP + BOTTOM
BUCKETS = 500
BEFORE_MS = 1000
"""Of a scene before its event."""

QUIETEST = 0.08
"""Sound below this is not drawn as large as the lane: silence is to look like silence."""

TOGETHER_MS = 12
"""What happens within this is one mark."""

WORDS = {
    "SpeechStarted": ("speech", "the model's VAD noticed speech"),
    "SpeechStopped": ("speech", "the model's VAD took the speech for ended"),
    facts.INTERRUPTION: ("stop", "the reply was given up"),
    facts.INTERRUPTION_REFUSED: ("go", "no interruption: the reply goes on"),
    facts.REPLY_STARTED: ("go", "sound of a reply came from the model"),
    "AskForReply": ("ask", "a reply was asked for"),
    "CancelReply": ("stop", "the model was told to stop"),
    "EndCall": ("stop", "the call was ended"),
    facts.STUCK: ("stop", "something was waited for in vain"),
}
"""Kind of a mark, and what it says."""

LEFT_OUT = {
    "TruncateReply",
    facts.CALLER_SPEAKING,
    facts.CALLER_STOPPED,
    facts.CALLER_TURN,
    facts.REPLY_ASKED,
    facts.REPLY_CREATED,
    facts.REPLY_DONE,
    facts.REPLY_FINISHED,
    facts.REPLY_WITHDRAWN,
    facts.AGENT_TURN,
    facts.INTERRUPTION_CLEARED,
    facts.INTERRUPTION_SETTLED,
    facts.SESSION_CONFIGURED,
    facts.CALLER_WORDS_FAILED,
}
"""Told by other marks, or no decision. Any kind of note that is not known here is drawn, with its name."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One line across the picture. `says`: one sentence for each thing that happened then."""

    number: int
    at_ms: float
    since_ms: float  # from the labelled start
    kind: str
    says: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    svg: str
    marks: tuple[Mark, ...]


def draw(verdict: Verdict, course: Course, threshold: float | None) -> Picture:
    """The picture of a scene from some seconds before its event to its end."""
    begin = max(0.0, verdict.start_ms - BEFORE_MS)
    view = _View(begin, max(begin + 100, course.length_ms))
    seen = marks(verdict, course, begin)
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="Both sides of {_plain(verdict.id)}">',
        *(f'<rect class="lane" x="0" y="{top}" width="{WIDTH}" height="{LANE}"/>' for top in (TOP, TOP + LANE + GAP)),
        _event(verdict, view),
        _wave(course.caller_sound, view, TOP, "caller"),
        _probability(course, view, threshold),
        _wave(course.agent_sound, view, TOP + LANE + GAP, "agent"),
        _axis(view),
        *(_mark(mark, view, stagger) for mark, stagger in zip(seen, _staggered(seen, view), strict=True)),
        "</svg>",
    ]
    return Picture("".join(parts), tuple(seen))


def marks(verdict: Verdict, course: Course, begin: float = 0.0) -> list[Mark]:
    """What happened from `begin` on, what came together as one mark."""
    made: list[Mark] = []
    for moment in course.moments:
        if moment.at_ms < begin or moment.what in LEFT_OUT:
            continue
        kind, says = _told(moment, verdict)
        if made and moment.at_ms - made[-1].at_ms <= TOGETHER_MS:
            last = made.pop()
            kind = last.kind if last.kind in ("stop", "hold") else kind
            made.append(Mark(last.number, last.at_ms, last.since_ms, kind, (*last.says, says)))
        else:
            made.append(Mark(len(made) + 1, moment.at_ms, moment.at_ms - verdict.start_ms, kind, (says,)))
    return made


def _told(moment: Moment, verdict: Verdict) -> tuple[str, str]:
    if moment.what == "ClearPlayback":
        if moment.data.get("interruption"):
            return "stop", "the phone was told to throw away what it had not played"
        return "hold", "the sound was stopped, and the reply held"
    kind, says = WORDS.get(moment.what, ("note", moment.what.replace("_", " ")))
    if moment.what in (facts.INTERRUPTION, facts.INTERRUPTION_REFUSED) or kind == "note":
        why = evidence(moment)
        says = f"{says}: {why}" if why else says
    return kind, says


@dataclass(frozen=True, slots=True)
class _View:
    """Times (ms) as places."""

    begin: float
    end: float

    def x(self, ms: float) -> float:
        return round((min(max(ms, self.begin), self.end) - self.begin) / (self.end - self.begin) * WIDTH, 1)


def _event(verdict: Verdict, view: _View) -> str:
    x = view.x(verdict.start_ms)
    width = max(4.0, view.x(verdict.end_ms) - x)
    return f'<rect class="event" x="{x:g}" y="{TOP}" width="{width:g}" height="{2 * LANE + GAP}"/>'


def _wave(mulaw: bytes, view: _View, top: int, name: str) -> str:
    """Peaks mirrored at the middle of a lane."""
    first, last = round(view.begin * 8), round(view.end * 8)
    sound = mulaw[first:last].ljust(last - first, audio.SILENCE)
    peaks = audio.peaks(sound, BUCKETS)
    loudest = max([QUIETEST, *peaks])
    middle = top + LANE / 2
    heights = [max(0.4, (peak / loudest) ** 0.7 * (LANE / 2 - 2)) for peak in peaks]
    step = WIDTH / max(1, len(heights))
    above = " ".join(f"{i * step:.0f},{middle - h:.1f}" for i, h in enumerate(heights))
    below = " ".join(f"{i * step:.0f},{middle + h:.1f}" for i, h in reversed(list(enumerate(heights))))
    return f'<polygon class="{name}" points="{above} {below}"/>'


def _probability(course: Course, view: _View, threshold: float | None) -> str:
    """The curve of the VAD over the caller's lane, and what it is held against."""
    values = [(at, value) for at, value in course.probabilities if view.begin <= at <= view.end]
    points = " ".join(f"{view.x(at):.0f},{TOP + LANE * (1 - value):.1f}" for at, value in values)
    line = ""
    if threshold is not None:
        y = TOP + LANE * (1 - threshold)
        line = f'<line class="threshold" x1="0" x2="{WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>'
    return f'{line}<polyline class="probability" points="{points}"/>'


def _axis(view: _View) -> str:
    """A tick for each second."""
    ticks = []
    y = TOP + 2 * LANE + GAP
    for second in range(int(view.begin // 1000) + 1, int(view.end // 1000) + 1):
        x = view.x(second * 1000)
        ticks.append(f'<line class="tick" x1="{x:g}" x2="{x:g}" y1="{y}" y2="{y + 5}"/>')
        if x < WIDTH - 20:
            ticks.append(f'<text class="time" x="{x:g}" y="{y + 19}">{second} s</text>')
    return "".join(ticks)


def _staggered(seen: list[Mark], view: _View) -> list[float]:
    """Where the number of each mark stands: beside its line where the one before is too near."""
    places: list[float] = []
    for mark in seen:
        x = max(11.0, min(WIDTH - 11.0, view.x(mark.at_ms)))
        if places and x < places[-1] + 23:
            x = places[-1] + 23
        places.append(x)
    return places


def _mark(mark: Mark, view: _View, flag: float) -> str:
    x, end = view.x(mark.at_ms), TOP + 2 * LANE + GAP
    return (
        f'<g class="mark {mark.kind}"><line x1="{x:g}" x2="{x:g}" y1="{TOP}" y2="{end}"/>'
        f'<line class="lead" x1="{x:g}" x2="{flag:g}" y1="{TOP}" y2="12"/>'
        f'<circle cx="{flag:g}" cy="12" r="10"/><text x="{flag:g}" y="16.5">{mark.number}</text></g>'
    )


def _plain(text: str) -> str:
    """Text that can stand in an attribute."""
    return "".join(c for c in text if c.isalnum() or c in " ._-/")
