"""What one ended call adds to the figures of its agent: read from its rows and events, for each revision that it ran with.

The definitions, which docs/decisions.md explains:

- *stop*: the agent fell silent for a sound over it. An interruption is a stop that held; a refusal with `held` one that was
  taken back.
- *false stop*: a stop for no real turn. Each one that was taken back, and each interruption whose speech was nothing. The latest
  word of a reviewer on it decides before all of that.
- *time to silence*: from the start of the caller's speech until the order to stop the sound was on the wire.
- *response delay*: from the end of the caller's speech to the first sound of the answer on the wire, with the silence that was
  waited for.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone

from calls.conversation import facts, phrases
from calls.figures import LONGEST_MS, CallFigures
from calls.models import Call, CallEvent, Interruption, Label, Turn

KINDS = {
    facts.SETTINGS_APPLIED,
    facts.REPLY_STARTED,
    facts.INTERRUPTION_CLEARED,
    facts.CALLER_SPEAKING,
    facts.CALLER_WORDS,
}

WORDS_ON_STOPS = (Label.Kind.STOP, Label.Kind.NOT_STOP)

NO_WORD_MS = 250
"""“No” and “stop” last longer. Where no words are known, shorter speech is taken for none."""


@dataclass(slots=True)
class Measures:
    """Under one revision. `share` of the call's length; lengths in ms."""

    share: float = 0.0
    stops: int = 0
    interruptions: int = 0
    false_stops: int = 0
    refusals: int = 0
    silence_ms: list[int] = field(default_factory=list)
    delay_ms: list[int] = field(default_factory=list)


def keep(call: Call) -> None:
    """Store what an ended call adds, to be counted into its days."""
    rows = {} if call.agent_id is None else of(call)
    stored = {row.revision: row for row in call.figures.all()}
    rows |= {revision: Measures() for revision in stored if revision not in rows}  # their days have to forget them
    for revision, measures in rows.items():
        values = {name: getattr(measures, name) for name in Measures.__slots__}
        old = stored.get(revision)
        if old is not None and all(getattr(old, name) == value for name, value in values.items()):
            continue
        day = timezone.localdate(call.rang_at)
        fixed = {"agent_id": call.agent_id, "day": day} if old is None else {}
        CallFigures.objects.update_or_create(
            call=call, revision=revision, defaults={**fixed, **values, "counted": False}
        )


def of(call: Call, events: list[CallEvent] | None = None) -> dict[int, Measures]:
    """Revision -> what was measured while it was in force. `events`: the call's by seq, where they are known already."""
    if events is None:
        events = list(call.events.filter(kind__in=KINDS).order_by("seq"))
    turns = [turn for turn in call.turns.all() if turn.side == Turn.Side.CALLER]
    spans = _Spans(call, events)
    known = _Known(call, events, turns)
    for row in call.interruptions.all():
        if row.phase == Interruption.Phase.ASKED:
            continue
        measures = spans.at(row.at_ms)
        measures.stops += 1
        measures.interruptions += 1
        measures.false_stops += known.is_false(Label.About.INTERRUPTION, row.number, known.is_nothing(row))
        measures.silence_ms += known.silence_ms(row)
    for refusal in call.refusals.all():
        if refusal.interruption:
            continue
        measures = spans.at(refusal.at_ms)
        measures.refusals += 1
        measures.stops += refusal.held
        measures.false_stops += refusal.held and known.is_false(Label.About.REFUSAL, refusal.seq, True)
    for event in events:
        if event.kind == facts.REPLY_STARTED:
            spans.at(event.at_ms).delay_ms += known.delay_ms(event)
    return spans.measures


class _Spans:
    """Which revision was in force when."""

    def __init__(self, call: Call, events: Iterable[CallEvent]) -> None:
        self.began = [0]
        self.revisions = [revision_in(call.settings.get("turn"))]
        for event in events:
            if event.kind == facts.SETTINGS_APPLIED:
                self.began.append(event.at_ms)
                self.revisions.append(revision_in(event.data))
        self.measures: dict[int, Measures] = {}
        length = max(call.duration_ms or 0, self.began[-1], 1)
        for revision, begin, end in zip(self.revisions, self.began, [*self.began[1:], length], strict=True):
            self.measures.setdefault(revision, Measures()).share += max(0, end - begin) / length

    def at(self, at_ms: int) -> Measures:
        return self.measures[self.revisions[bisect_right(self.began, at_ms) - 1]]


def revision_in(data: Any) -> int:
    found = data.get("revision") if isinstance(data, dict) else None
    return found if isinstance(found, int) and 0 <= found < 2**31 else 0


class _Known:
    """What the call's events and turns tell of its stops and answers."""

    def __init__(self, call: Call, events: list[CallEvent], turns: list[Turn]) -> None:
        self.turns = turns
        self.by_item = {turn.item_id: turn for turn in turns}
        self.turn_settings: dict[str, Any] = call.settings.get("turn") or {}
        self.words: dict[str, str] = {}
        self.noticed: dict[str, int] = {}
        self.cleared: dict[Any, int] = {}
        said = sorted((one for one in call.labels.all() if one.kind in WORDS_ON_STOPS), key=lambda label: label.pk)
        self.said = {(label.about, label.ref): label.kind for label in said}
        for event in events:
            data = event.data
            if event.kind == facts.CALLER_WORDS:
                self.words[str(data.get("item_id"))] = str(data.get("text") or "")
            elif event.kind == facts.CALLER_SPEAKING:
                self.noticed[str(data.get("item_id"))] = _whole(data.get("audio_start_ms"))
            elif event.kind == facts.INTERRUPTION_CLEARED:
                self.cleared[data.get("number")] = event.at_ms  # the last one: a clear before may have been taken back

    def turn(self, row: Interruption) -> Turn | None:
        """The caller's turn that the interruption began: that of its item, else the one that was going on then."""
        if row.speech_item_id in self.by_item:
            return self.by_item[row.speech_item_id]
        return next((turn for turn in self.turns if turn.started_ms <= row.at_ms <= turn.ended_ms), None)

    def is_false(self, about: str, ref: int, found: bool) -> bool:
        """Whether a stop was for nothing: what a reviewer said of it, else what was found."""
        said = self.said.get((about, str(ref)))
        return found if said is None else said == Label.Kind.NOT_STOP

    def is_nothing(self, row: Interruption) -> bool:
        """Whether the speech that stopped the agent was no real turn.

        It became no turn at all; or its words are known and there are none, or they only say “go on”; or no words are known
        and it was shorter than any word.
        """
        turn = self.turn(row)
        if turn is None:
            return True
        words = self.words.get(turn.item_id)
        if words is None:
            return turn.ended_ms - turn.started_ms < NO_WORD_MS
        if phrases.that_stops(words, self._list("interrupt_phrases")):
            return False
        return not words.strip() or phrases.only_listening(words, self._list("backchannel_phrases"))

    def silence_ms(self, row: Interruption) -> list[int]:
        """One length, or none where the sound was not stopped or the speech has no known start.

        The model's VAD notices some speech late. Where our ear had heard more of it by then, that much had been said at least.
        """
        stopped_at = self.cleared.get(row.number)
        turn = self.turn(row)
        if stopped_at is None:
            return []
        lengths = [stopped_at - turn.started_ms] if turn is not None else []
        if not lengths and row.speech_item_id in self.noticed:
            padding = _whole(self.turn_settings.get("prefix_padding_ms"))
            lengths = [stopped_at - self.noticed[row.speech_item_id] - padding]
        if stopped_at >= row.at_ms:  # weighed before it stopped
            lengths += [_whole(r.get("value")) for r in row.reasons if r.get("evidence") in ("speech_ms", "lasted_ms")]
        longest = max(lengths, default=0)
        return [longest] if 0 < longest <= LONGEST_MS else []

    def delay_ms(self, event: CallEvent) -> list[int]:
        """One length, or none where the agent did not answer a turn of the caller."""
        if event.data.get("delay_ms") is None:
            return []
        ended = max((turn.ended_ms for turn in self.turns if turn.ended_ms <= event.at_ms), default=None)
        return [event.at_ms - ended] if ended is not None and event.at_ms - ended <= LONGEST_MS else []

    def _list(self, name: str) -> list[str]:
        found = self.turn_settings.get(name)
        return [str(phrase) for phrase in found] if isinstance(found, list) else []


def _whole(value: Any) -> int:
    return round(value) if isinstance(value, int | float) else 0
