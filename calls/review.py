"""What a reviewer sees of a call, from its rows: sentences, times, and data for the player."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.conf import settings
from django.urls import reverse

from agents import screen
from agents.fields import short
from agents.models import TurnSettings
from calls import access, explanations, timeline
from calls.conversation import facts
from calls.explanations import Names
from calls.models import Call, CallEvent, Recording, Turn
from calls.timeline import clock

TROUBLE = {facts.SESSION_DIFFERS, facts.LINK_LOST, facts.OUTLET_FULL, facts.STUCK, facts.BAD_INPUT}
"""What stands above everything else on the page."""

UNTOLD = {"silence_ms": "silence in force"}
"""In force in a call, but no fields of the screen."""


def of(call: Call, user: Any) -> dict[str, Any]:
    """Everything the call's page shows."""
    turns = list(call.turns.all())
    events = list(call.events.all())
    names = _names()
    cards = timeline.cards(call, events, names, _link(call, user))
    recording = getattr(call, "recording", None)
    path = recording_path(recording) if recording else None
    may_hear = access.may_hear(user)
    marks = [card for card in cards if card.on_waveform]
    return {
        "call": call,
        "transcript": [_line(turn, call) for turn in turns],
        "cards": cards,
        "looks": {card.look for card in marks},
        "delays": [e.data["delay_ms"] for e in events if e.kind == facts.REPLY_STARTED and e.data.get("delay_ms")],
        "events": [_event(event, names) for event in events],
        "kinds": sorted({event.kind for event in events}),
        "settings": _settings(call, names),
        "revisions": timeline.revisions(call, events, names),
        "history": _page_of_agent("history", call, user),
        "turn_detection": json.dumps(call.settings.get("turn_detection", {}), indent=2),
        "trouble": [_event(e, names) for e in events if e.kind in TROUBLE],
        "may_hear": may_hear,
        "has_recording": path is not None and may_hear,
        "lost_recording": recording is not None and path is None,
        "player": _player(turns, marks, recording) if recording and path is not None and may_hear else None,
        "is_live": call.status in (Call.Status.LIVE, Call.Status.RINGING),
    }


def recording_path(recording: Recording) -> Path | None:
    """Where the recording is, if it is where it may be: below DATA_DIR."""
    path = (settings.DATA_DIR / recording.path).resolve()
    inside = path.is_relative_to(settings.DATA_DIR.resolve())
    return path if inside and path.is_file() else None


def _line(turn: Turn, call: Call) -> dict[str, Any]:
    is_agent = turn.side == Turn.Side.AGENT
    return {
        "turn": turn,
        "at": clock(turn.started_ms),
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


# --- settings


def _names() -> Names:
    """What the turn settings and their values are called on their screen."""
    fields = {field.name: field for field in TurnSettings._meta.fields}

    def label(name: str) -> str:
        shown = str(fields[name].verbose_name).lstrip("12345. ") if name in fields else UNTOLD.get(name)
        return shown or explanations.plain_label(name)

    def value(name: str, given: Any) -> str:
        choices = dict(fields[name].flatchoices) if name in fields else {}
        known = isinstance(given, str) and given in choices
        return short(choices[given]) if known else explanations.value_of(name, given)

    return Names(label, value)


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


def _player(turns: list[Turn], marks: list[timeline.Card], recording: Recording) -> dict[str, Any]:
    """Data for the player: lengths in seconds, as the waveform takes them."""
    regions = [
        {
            "start": turn.started_ms / 1000,
            "end": max(turn.ended_ms, turn.started_ms + 60) / 1000,
            "side": turn.side,
        }
        for turn in turns
    ]
    return {
        "peaks": recording.peaks,
        "duration": recording.duration_ms / 1000,
        "regions": regions,
        "marks": [{"at": card.at_ms / 1000, "look": card.look, "text": card.on_waveform} for card in marks],
    }
