"""What a reviewer sees of a call, from its rows: sentences, times, and data for the player."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.urls import reverse

from agents import screen
from calls import access, explanations, latency, recordings, setting_names, timeline
from calls.conversation import facts
from calls.explanations import Names
from calls.models import Call, CallEvent, Label, Recording, Turn
from calls.timeline import clock

TROUBLE = {facts.SESSION_DIFFERS, facts.LINK_LOST, facts.OUTLET_FULL, facts.STUCK, facts.BAD_INPUT}
"""What stands above everything else on the page."""


def of(call: Call, user: Any) -> dict[str, Any]:
    """Everything the call's page shows."""
    turns = list(call.turns.all())
    events = list(call.events.all())
    names = setting_names.of_the_screen()
    cards = timeline.cards(call, events, names, _link(call, user))
    recording = getattr(call, "recording", None)
    path = recording_path(recording) if recording else None
    may_hear = access.may_hear(user)
    marks = [card for card in cards if card.on_waveform]
    answers = _answers(turns, events)
    return {
        "call": call,
        "transcript": [_line(turn, call) for turn in turns],
        "cards": cards,
        "looks": {card.look for card in marks},
        "answers": answers,
        "parts": _parts(answers),
        "labels": labels_of(call, user),
        "kinds_of_label": Label.Kind.choices,
        "may_label": access.may_label(user),
        "events": [_event(event, names) for event in events],
        "kinds": sorted({event.kind for event in events}),
        "settings": _settings(call, names),
        "revisions": timeline.revisions(call, events, names, _page_of_agent("history", call, user)),
        "history": _page_of_agent("history", call, user),
        "turn_detection": json.dumps(call.settings.get("turn_detection", {}), indent=2),
        "trouble": [_event(e, names) for e in events if e.kind in TROUBLE],
        "may_hear": may_hear,
        "has_recording": path is not None and may_hear,
        "lost_recording": recording is not None and path is None,
        "player": _player(recording) if recording and path is not None and may_hear else None,
        "moments": _moments(call, turns, events, cards, user),
        "is_live": call.status in (Call.Status.LIVE, Call.Status.RINGING),
    }


def recording_path(recording: Recording) -> Path | None:
    """Where the recording is, if it is where it may be: below DATA_DIR."""
    path = recordings.path_of(recording)
    return path if path is not None and path.is_file() else None


def _line(turn: Turn, call: Call) -> dict[str, Any]:
    is_agent = turn.side == Turn.Side.AGENT
    return {
        "turn": turn,
        "at": clock(turn.started_ms),
        "share": timeline.share_heard(turn),
        "from": f"{turn.started_ms / 1000:g}",
        "until": f"{turn.ended_ms / 1000:g}",
        "is_agent": is_agent,
        "heard": turn.heard_text if is_agent else turn.text,
        "unheard": turn.unheard_text if is_agent else "",
        "wordless": not turn.text,
        "who": (call.settings.get("name") or "Agent") if is_agent else "Caller",
    }


def _event(event: CallEvent, names: Names) -> dict[str, Any]:
    shown = {name: value for name, value in event.data.items() if name != "peaks" and value not in (None, "")}
    parts = (f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in shown.items())
    return {
        "at": clock(event.at_ms),
        "kind": event.kind,
        "at_ms": event.at_ms,
        "says": explanations.sentence(event.kind, event.data, names=names),
        "data": ", ".join(parts),
    }


def _link(call: Call, user: Any) -> timeline.Link:
    """Where a setting is changed: its place on the page of the agent, for those who may see that."""
    page = _page_of_agent("change", call, user)
    return lambda name: f"{page}#id_turn_settings-0-{name}" if page else ""


def _page_of_agent(page: str, call: Call, user: Any) -> str:
    may = user.has_perm("agents.view_agent") or user.has_perm("agents.change_agent")
    return reverse(f"admin:agents_agent_{page}", args=[call.agent_id]) if call.agent_id and may else ""


def _settings(call: Call, names: Names) -> list[tuple[str, list[tuple[str, Any]]]]:
    """The settings that the call began with, in the order of their screen."""
    turn = call.settings.get("turn", {})
    groups = []
    for title, part in screen.PARTS:
        shown = [name for name in part["fields"] if name in turn]
        if "silence_floor_ms" in shown and "silence_ms" in turn:
            shown.append("silence_ms")
        groups.append((title, [(names.label(name), names.value(name, turn[name])) for name in shown]))
    about = [
        (name.replace("_", " "), call.settings[name])
        for name in ("name", "model", "voice", "speed", "language", "greeting", "instructions")
        if call.settings.get(name) not in (None, "")
    ]
    return [*groups, ("Agent", about)]


def _answers(turns: list[Turn], events: list[CallEvent]) -> list[dict[str, Any]]:
    """Each answer's delay in its parts, drawn against the longest."""
    found = latency.answers(events, [turn for turn in turns if turn.side == Turn.Side.CALLER])
    longest = max((answer.total_ms for answer in found), default=0) or 1
    return [
        {
            "begins": clock(answer.begins_ms),
            "at_ms": answer.begins_ms,
            "total_ms": answer.total_ms,
            "parts": [
                {
                    "name": name,
                    "told": latency.PARTS[name],
                    "short": latency.SHORT[name],
                    "ms": ms,
                    "share": f"{ms / longest:.2%}",
                }
                for name, ms in answer.parts.items()
            ],
        }
        for answer in found
    ]


def _parts(answers: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """The parts that these answers have, with what they are."""
    had = {part["name"] for answer in answers for part in answer["parts"]}
    return [(name, told) for name, told in latency.PARTS.items() if name in had]


def labels_of(call: Call, user: Any) -> list[dict[str, Any]]:
    """What reviewers said, in the order of the call."""
    return [
        {"label": label, "at": clock(label.at_ms), "about": _about(label), "is_own": label.author_id == user.pk}
        for label in call.labels.all()
    ]


def _about(label: Label) -> str:
    """What it is about, as the page calls it."""
    if label.about == Label.About.INTERRUPTION:
        return f"Interruption {label.ref}"
    return {Label.About.REFUSAL: "Sound over the agent", Label.About.TURN: "Turn"}.get(label.about, "")


def _player(recording: Recording) -> dict[str, Any]:
    """Data for the waveform."""
    return {"peaks": recording.peaks, "duration": recording.duration_ms / 1000}


def _moments(
    call: Call, turns: list[Turn], events: list[CallEvent], cards: list[timeline.Card], user: Any
) -> dict[str, Any]:
    """What there is along the call, for the marks on the waveform and for what is told of each moment. Lengths in seconds."""
    history = _page_of_agent("history", call, user)
    answers = latency.answers(events, [turn for turn in turns if turn.side == Turn.Side.CALLER])
    return {
        "turns": [
            {
                "start": turn.started_ms / 1000,
                "end": max(turn.ended_ms, turn.started_ms + 60) / 1000,
                "side": turn.side,
                "target": f"{Label.About.TURN}:{turn.item_id}",
            }
            for turn in turns
        ],
        "delays": [{"start": a.begins_ms / 1000, "end": a.at_ms / 1000, "ms": a.total_ms} for a in answers],
        "decisions": [_decision(card) for card in cards],
        "keys": [
            {"at": event.at_ms / 1000, "digit": str(event.data.get("digit", ""))[:1]}
            for event in events
            if event.kind == facts.CALLER_KEY
        ],
        "revisions": [
            {"at": at_ms / 1000, "revision": revision, "link": timeline.link_of(history, revision)}
            for at_ms, revision in timeline.bands(call, events)
        ],
    }


def _decision(card: timeline.Card) -> dict[str, Any]:
    deciders = ", ".join(f"{decider.label} {decider.value}".strip() for decider in card.deciders)
    return {
        "at": card.at_ms / 1000,
        "look": card.look,
        "text": card.on_waveform,
        "title": card.title,
        "sentence": f"{card.sentence}.",
        "decided": deciders,
        "card": f"decision-{card.seq}",
        "target": _target(card),
    }


def _target(card: timeline.Card) -> str:
    """What a label on this card is about."""
    if card.look == "stop":
        return f"{Label.About.INTERRUPTION}:{card.number}"
    return f"{Label.About.REFUSAL}:{card.seq}" if card.look == "went" else ""
