"""What was decided in a call, in the order of time: stops, sounds that the agent went on over, waits, changes and repairs.

Each card has its sentence, what was weighed, and the setting that decided, so that a reviewer who disagrees knows where to turn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from calls import explanations, reasons
from calls.conversation import facts
from calls.explanations import Names
from calls.models import Call, CallEvent, Interruption, Refusal
from calls.models import Turn as TurnRow

STEP_WORDS = {
    "cancel": "cancelled the response",
    "truncate": "cut the conversation",
    "clear": "cleared the sound",
    "suppress": "dropped late sound",
    "silent": "gave the caller the floor",
}

LOOKS = {
    facts.INTERRUPTION: "stop",
    facts.INTERRUPTION_REFUSED: "went",
    facts.TURN_REFUSED: "quiet",
    facts.PATIENCE: "note",
    facts.IDLE_PROMPT: "note",
    facts.CALL_WARNING: "note",
    facts.SENTENCE_TYPED: "note",
    facts.HANG_UP_ASKED: "note",
    facts.LISTENED_IN: "note",
    facts.SETTINGS_CHANGED: "note",
    facts.SETTINGS_APPLIED: "note",
    facts.SETTINGS_REFUSED: "note",
    facts.STUCK: "trouble",
    facts.LINK_LOST: "trouble",
    facts.LINK_RESTORED: "note",
}
"""The kinds of events that get a card, and how it looks."""

TITLES = {facts.INTERRUPTION_REFUSED: "Sound over the agent", facts.TURN_REFUSED: "Sound while nobody spoke"}

Turn = dict[str, Any]
Link = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Decider:
    """The setting that decided, as it is called and as it stood, and where it is changed."""

    label: str
    value: str
    link: str


@dataclass(frozen=True, slots=True)
class Card:
    """One decision. `facts` are names and values, in the order in which they are read; `done`: those of what came of it."""

    at_ms: int
    at: str
    look: str
    sentence: str
    title: str = ""
    number: int = 0  # of an interruption
    seq: int = 0  # of the event
    deciders: list[Decider] = field(default_factory=list)
    evidence: list[reasons.Evidence] = field(default_factory=list)
    facts: list[tuple[str, str]] = field(default_factory=list)
    done: list[tuple[str, str]] = field(default_factory=list)

    @property
    def on_waveform(self) -> str:
        """What stands at its mark; empty: it has none."""
        if self.look == "stop":
            return str(self.number)
        return "▸" if self.look == "went" else ""


def clock(ms: int) -> str:
    """Milliseconds as m:ss.d."""
    return f"{ms // 60000}:{ms % 60000 / 1000:04.1f}"


def share_heard(row: Interruption | TurnRow) -> str:
    """How much of the agent's words the caller heard."""
    return f"{row.heard_ms / 1000:.1f} of {row.generated_ms / 1000:.1f} s"


def cards(call: Call, events: list[CallEvent], names: Names, link: Link) -> list[Card]:
    """The cards of a call. `link`: where a setting is changed; empty for who may not see that."""
    teller = _Teller(call, events, names, link)
    made = [teller.card(event, turn) for event, turn in in_force(call, events) if event.kind in LOOKS]
    return sorted(made, key=lambda card: card.at_ms)


def in_force(call: Call, events: Iterable[CallEvent]) -> Iterator[tuple[CallEvent, Turn]]:
    """Each event with the turn settings that were in force then. A change counts from when it was applied."""
    turn = dict(call.settings.get("turn", {}))
    sent: dict[str, Turn] = {}
    for event in events:
        ticket = _ticket(event)
        if event.kind == facts.SETTINGS_CHANGED:
            pairs = reasons.fields(event.data.get("changes")).items()
            changed = {name: pair[1] for name, pair in pairs if isinstance(pair, list) and len(pair) == 2}
            sent[ticket] = {**changed, "revision": event.data.get("revision")}
        elif event.kind == facts.SETTINGS_APPLIED:
            turn = {**turn, **sent.pop(ticket, {}), "revision": event.data.get("revision")}
        yield event, turn


def bands(call: Call, events: Iterable[CallEvent]) -> list[tuple[int, int]]:
    """From when on, in ms, which revision of the turn settings was in force."""
    began = [(0, reasons.number(call.settings.get("turn", {}).get("revision")) or 0)]
    applied = [event for event in events if event.kind == facts.SETTINGS_APPLIED]
    found = began + [(event.at_ms, reasons.number(event.data.get("revision")) or 0) for event in applied]
    return [(at_ms, round(revision)) for at_ms, revision in found]


def link_of(history: str, revision: Any) -> str:
    """Where the history tells of a revision; `history` is its page, or empty for who may not see it."""
    return f"{history}?revision={revision}#revision-{revision}" if history and revision else ""


def revisions(call: Call, events: Iterable[CallEvent], names: Names, history: str = "") -> list[dict[str, Any]]:
    """The settings' revisions that the call ran with, and those that it was sent: when, by whom, what, and what came of it."""
    begun = reasons.text(call.settings.get("turn", {}).get("revision"))
    link = link_of(history, begun)
    rows = (
        [{"at": clock(0), "revision": begun, "link": link, "state": "as the call began", "changes": []}]
        if begun
        else []
    )
    waiting: dict[str, dict[str, Any]] = {}
    for event in events:
        if event.kind == facts.SETTINGS_CHANGED:
            row = waiting[_ticket(event)] = {
                "at": clock(event.at_ms),
                "revision": reasons.text(event.data.get("revision")),
                "link": link_of(history, reasons.text(event.data.get("revision"))),
                "by": reasons.text(event.data.get("by")) or "a program",
                "state": "no answer before the call ended" if call.ended_at else "no answer yet",
                "changes": [(names.label(c.setting), c.told) for c in explanations.changes(event.data, names)],
            }
            rows.append(row)
        elif event.kind in (facts.SETTINGS_APPLIED, facts.SETTINGS_REFUSED) and _ticket(event) in waiting:
            waiting[_ticket(event)]["state"] = _became(event)
    return rows


def _became(event: CallEvent) -> str:
    """What came of a change."""
    if event.kind == facts.SETTINGS_REFUSED:
        return f"{explanations.sentence(event.kind, event.data)} ({clock(event.at_ms)})"
    differences = reasons.listed(event.data.get("differences"))
    return f"in force from {clock(event.at_ms)} on" + (f"; the model did not take {differences}" if differences else "")


def _ticket(event: CallEvent) -> str:
    """What a change and its answer share."""
    return f"{event.data.get('ticket')} {event.data.get('revision')}"


class _Teller:
    """Knows of a call what its cards refer to: words that came later, rows that were derived, when speech began."""

    def __init__(self, call: Call, events: list[CallEvent], names: Names, link: Link) -> None:
        self.names, self.link = names, link
        self.words = _by_item(events, facts.CALLER_WORDS, lambda event: reasons.text(event.data.get("text")))
        self.failed = _by_item(events, facts.CALLER_WORDS_FAILED, lambda event: True)
        self.began = _by_item(events, facts.CALLER_SPEAKING, lambda event: event.at_ms)
        self.stops: dict[int, Interruption] = {row.number: row for row in call.interruptions.all()}
        self.refusals: dict[int, Refusal] = {row.seq: row for row in call.refusals.all()}

    def card(self, event: CallEvent, turn: Turn) -> Card:
        look, data = LOOKS[event.kind], event.data
        item_id = str(data.get("speech_item_id" if event.kind == facts.INTERRUPTION else "item_id", ""))
        said = self.words.get(item_id, "")
        title, number = TITLES.get(event.kind, ""), 0
        known: Iterable[tuple[str, str]] = ()
        done: Iterable[tuple[str, str]] = ()
        if event.kind == facts.INTERRUPTION:
            number = round(reasons.number(data.get("number")) or 0)
            withdrawn = data.get("phase") == Interruption.Phase.ASKED
            look, title = ("quiet", "Speech before the answer") if withdrawn else (look, f"Interruption {number}")
            known, done = _heard(self.stops.get(number)), _done(self.stops.get(number), turn)
        elif event.kind == facts.INTERRUPTION_REFUSED:
            known = self._of_a_refusal(event, item_id)
        return Card(
            event.at_ms,
            clock(event.at_ms),
            look,
            explanations.sentence(event.kind, data, said, self.names),
            title,
            number,
            event.seq,
            [self._decider(found, turn) for found in reasons.decided_by(event.kind, data, turn)],
            reasons.evidence(data),
            [*self._said(item_id), *known],
            list(done),
        )

    def _decider(self, found: reasons.Decider, turn: Turn) -> Decider:
        """With its value where that is a measure: switches and lists of words are named only."""
        value = found.threshold if found.threshold is not None else reasons.number(turn.get(found.setting))
        shown = "" if value is None else self.names.value(found.setting, value)
        return Decider(self.names.label(found.setting), shown, self.link(found.setting))

    def _said(self, item_id: str) -> Iterator[tuple[str, str]]:
        if self.words.get(item_id):
            yield "The caller said", f"“{self.words[item_id]}”"
        elif item_id in self.failed:
            yield "The caller's words", "could not be written down"

    def _of_a_refusal(self, event: CallEvent, item_id: str) -> Iterator[tuple[str, str]]:
        data = event.data
        if data.get("held") is True:
            ms = event.at_ms - self.began.get(item_id, event.at_ms)
            yield "The agent's sound", f"had stopped{f' for {ms} ms' if ms > 0 else ''}, and went on from there"
        elif "held" in data:
            yield "The agent's sound", "went on all the time"
        row = self.refusals.get(event.seq)
        if row is not None and row.interruption:
            yield "Afterwards", f"the same speech became interruption {row.interruption}"
        elif data.get("kept") is True:
            yield "Afterwards", "kept in the conversation, and answered after the reply"
        elif "kept" in data:
            yield "Afterwards", "taken out of the conversation"


def _heard(row: Interruption | None) -> Iterator[tuple[str, str]]:
    if row is not None and row.phase != Interruption.Phase.ASKED:
        text = f": “{row.heard_text}”" if row.heard_text else ""
        yield "The caller heard", f"{share_heard(row)}{text}"


def _done(row: Interruption | None, turn: Turn) -> Iterator[tuple[str, str]]:
    if row is None:
        return
    yield "Steps", ", ".join(STEP_WORDS.get(step, step) for step in row.steps) or "none"
    if row.phase != Interruption.Phase.ASKED:
        late = f", {row.late_ms} ms ({row.late_frames} frames) that came later" if row.late_ms else ""
        yield "Thrown away", f"{row.cleared_ms} ms at the carrier{late}"
        if row.clear_ms is not None:
            yield "Speech start to clear", f"{row.clear_ms:.1f} ms"
    revision = reasons.text(turn.get("revision"))
    of = f", revision {revision}" if revision not in ("", "0") else ""
    yield "In force", f"threshold {turn.get('threshold')}, {turn.get('mode', 'full')} mode{of}"


def _by_item(events: Iterable[CallEvent], kind: str, value: Callable[[CallEvent], Any]) -> dict[str, Any]:
    """Item -> what its last event of a kind holds."""
    return {str(event.data.get("item_id", "")): value(event) for event in events if event.kind == kind}
