"""What a reviewer sees of a call, from its rows: sentences, times, and data for the player."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.conf import settings

from calls.conversation import facts
from calls.models import Call, CallEvent, Interruption, Recording, Turn

STEP_WORDS = {
    "cancel": "cancelled the response",
    "truncate": "cut the conversation",
    "clear": "cleared the sound",
    "suppress": "dropped late sound",
    "silent": "gave the caller the floor",
}

SETTING_GROUPS = [
    ("Hearing the caller", ["vad_type", "threshold", "prefix_padding_ms"]),
    (
        "Speech over the agent",
        [
            "stop_sound",
            "min_speech_ms",
            "decide_by_ms",
            "speech_probability",
            "min_loudness_db",
            "ignore_backchannels",
            "backchannel_phrases",
            "interrupt_phrases",
            "echo_guard",
            "protect_greeting",
            "grace_ms",
            "resume_overlap_ms",
            "interrupt_response",
        ],
    ),
    (
        "Interruption",
        ["mode", "cancel_reply", "truncate", "clear_buffers", "suppress_in_flight", "suppress_ms", "mark_silent"],
    ),
    (
        "End of a turn",
        [
            "silence_ms",
            "silence_floor_ms",
            "response_latency_ms",
            "eagerness",
            "create_response",
            "response_delay_ms",
            "patience_spelling_ms",
            "patience_number_ms",
            "patience_email_ms",
        ],
    ),
    (
        "Silence and length",
        [
            "idle_prompt_ms",
            "idle_prompts_max",
            "idle_prompt",
            "idle_goodbye",
            "idle_timeout_ms",
            "max_call_s",
            "call_warning_s",
            "call_warning",
            "revision",
        ],
    ),
]


def of(call: Call, user: Any) -> dict[str, Any]:
    """Everything the call's page shows."""
    turns = list(call.turns.all())
    interruptions = list(call.interruptions.all())
    events = list(call.events.all())
    recording = getattr(call, "recording", None)
    path = recording_path(recording) if recording else None
    may_hear = user.has_perm("calls.hear_recording")
    return {
        "call": call,
        "transcript": [_line(turn, call) for turn in turns],
        "interruptions": [_explained(interruption, call) for interruption in interruptions],
        "delays": [e.data["delay_ms"] for e in events if e.kind == facts.REPLY_STARTED and e.data.get("delay_ms")],
        "events": [_event(event) for event in events],
        "kinds": sorted({event.kind for event in events}),
        "settings": _settings(call),
        "turn_detection": json.dumps(call.settings.get("turn_detection", {}), indent=2),
        "trouble": [_event(e) for e in events if e.kind in TROUBLE],
        "may_hear": may_hear,
        "has_recording": path is not None and may_hear,
        "lost_recording": recording is not None and path is None,
        "player": _player(call, turns, interruptions, recording) if path is not None and may_hear else None,
        "is_live": call.status in (Call.Status.LIVE, Call.Status.RINGING),
    }


TROUBLE = {facts.SESSION_DIFFERS, facts.LINK_LOST, facts.OUTLET_FULL, facts.STUCK, facts.BAD_INPUT}


def recording_path(recording: Recording) -> Path | None:
    """Where the recording is, if it is where it may be: below DATA_DIR."""
    path = (settings.DATA_DIR / recording.path).resolve()
    inside = path.is_relative_to(settings.DATA_DIR.resolve())
    return path if inside and path.is_file() else None


def clock(ms: int) -> str:
    """Milliseconds as m:ss.d."""
    return f"{ms // 60000}:{ms % 60000 / 1000:04.1f}"


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


def _explained(interruption: Interruption, call: Call) -> dict[str, Any]:
    """One interruption, told: why it stopped, what was heard, what was in force."""
    turn = call.settings.get("turn", {})
    if interruption.phase == Interruption.Phase.ASKED:
        why = "The caller went on speaking before the agent had begun to answer, so the answer was withdrawn."
    else:
        minimum = turn.get("min_speech_ms") or 0
        limit = f"speech of {minimum} ms or more" if minimum else "any speech"
        why = f"The caller spoke over the agent {interruption.get_phase_display()}; {limit} is an interruption here."
    return {
        "row": interruption,
        "at": clock(interruption.at_ms),
        "why": why,
        "steps": [STEP_WORDS.get(step, step) for step in interruption.steps],
        "in_force": f"threshold {turn.get('threshold')}, {turn.get('mode', 'full')} mode",
        "stopped_nothing": interruption.phase == Interruption.Phase.ASKED,
    }


def _event(event: CallEvent) -> dict[str, Any]:
    shown = {name: value for name, value in event.data.items() if name != "peaks" and value not in (None, "")}
    parts = (f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in shown.items())
    return {"at": clock(event.at_ms), "kind": event.kind, "at_ms": event.at_ms, "data": ", ".join(parts)}


def _settings(call: Call) -> list[tuple[str, list[tuple[str, Any]]]]:
    from agents.models import TurnSettings

    turn = call.settings.get("turn", {})
    names = {f.name: str(f.verbose_name) for f in TurnSettings._meta.fields} | {"silence_ms": "silence in force"}
    groups = [
        (title, [(_named(names, name), _shown(name, turn[name])) for name in members if name in turn])
        for title, members in SETTING_GROUPS
    ]
    about = [
        (name.replace("_", " "), call.settings[name])
        for name in ("name", "model", "voice", "speed", "language", "greeting", "instructions")
        if call.settings.get(name) not in (None, "")
    ]
    return [*groups, ("Agent", about)]


def _named(names: dict[str, str], name: str) -> str:
    return names.get(name, name).lstrip("12345. ")


def _shown(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if value is None:
        return "off"
    return f"{value} ms" if name.endswith("_ms") else str(value)


def _player(call: Call, turns: list[Turn], interruptions: list[Interruption], recording: Recording) -> dict[str, Any]:
    """Data for the player: lengths in seconds, as the waveform takes them."""
    regions = [
        {
            "start": turn.started_ms / 1000,
            "end": max(turn.ended_ms, turn.started_ms + 60) / 1000,
            "side": turn.side,
        }
        for turn in turns
    ]
    marks = [{"at": i.at_ms / 1000, "number": i.number} for i in interruptions if i.phase != Interruption.Phase.ASKED]
    return {
        "peaks": recording.peaks,
        "duration": recording.duration_ms / 1000,
        "regions": regions,
        "marks": marks,
    }
