"""The evidence in a note: what was measured, against which threshold, and which setting that threshold is.

Pure, and in fear of nothing: records outlive the code that wrote them, so any field may be missing or of another form.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from calls.conversation import facts

Data = Mapping[str, Any]

LARGEST = 1e12
"""A larger number was never measured on a telephone."""

WORDS = frozenset({"text", "heard_text", "unheard_text"})
"""The only fields that may hold what was spoken."""


# --- reading what may be missing


def fields(data: Any) -> Data:
    return data if isinstance(data, Mapping) else {}


def number(value: Any) -> float | None:
    """A number that can be told, or None: true and false are none, and neither is infinity."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < LARGEST:
        return None
    return value


def text(value: Any) -> str:
    if isinstance(value, str):
        return value.strip()
    told = number(value)
    return "" if told is None else plain(told)


def plain(value: float) -> str:
    return f"{round(value, 2):g}" if abs(value) < 1e6 else f"{value:.0f}"


def listed(value: Any) -> str:
    return ", ".join(text(part) for part in value if text(part)) if isinstance(value, list | tuple) else text(value)


def without_words(data: Any) -> Any:
    """The same data without anything that was spoken, however deep it stands."""
    if isinstance(data, Mapping):
        return {name: without_words(value) for name, value in data.items() if name not in WORDS}
    if isinstance(data, list | tuple):
        return [without_words(value) for value in data]
    return data


# --- the evidence


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing that was weighed, ready to be shown. `compared`: how the measure stands to the threshold."""

    kind: str
    name: str
    measured: str = ""
    compared: str = ""
    threshold: str = ""

    def __str__(self) -> str:
        against = f" {self.compared} {self.threshold}" if self.compared else ""
        return f"{self.name} {self.measured or self.threshold}{against}"


KINDS: dict[str, tuple[str, str, str]] = {
    "speech_ms": ("length of speech", "ms", "min_speech_ms"),
    "voiced_ms": ("likely speech, all of it", "ms", ""),
    "lasted_ms": ("since the model noticed it", "ms", "decide_by_ms"),
    "probability": ("likeness to speech", "", "speech_probability"),
    "loudness_db": ("louder than the line by", "dB", "min_loudness_db"),
    "echo": ("likeness to the agent's sound", "", "echo_guard"),
    "laughter": ("likeness to laughter and coughs", "", "laughter_guard"),
    "grace_ms": ("since the reply began", "ms", "grace_ms"),
    "left_ms": ("left of the reply", "ms", "answer_window_ms"),
}
"""Kind of evidence -> what it is called, its unit, and the setting that is its threshold."""

PEAKS = frozenset({"probability", "loudness_db", "laughter"})
"""Measured of each frame, told of the highest: one frame above the threshold decides nothing."""


def evidence(data: Any) -> list[Evidence]:
    """What was weighed, in the order in which the core wrote it down."""
    return [shown for entry in _entries(data) if (shown := _shown(entry)) is not None]


def words(data: Any) -> str:
    """The words that were known when it was decided."""
    return next((text(entry.get("text")) for entry in _entries(data) if entry.get("evidence") == "words"), "")


def measured(data: Any, kind: str) -> tuple[float | None, float | None]:
    """Value and threshold of one kind of evidence."""
    entry: Data = next((entry for entry in _entries(data) if entry.get("evidence") == kind), {})
    return number(entry.get("value")), number(entry.get("threshold"))


def speech(data: Any) -> tuple[float | None, float | None]:
    """Length of the speech and the shortest interruption; the first records had them outside of the reasons."""
    value, threshold = measured(data, "speech_ms")
    value = number(fields(data).get("speech_ms")) if value is None else value
    return value, number(fields(data).get("minimum_ms")) if threshold is None else threshold


def _entries(data: Any) -> list[Data]:
    reasons = fields(data).get("reasons")
    return [entry for entry in reasons if isinstance(entry, Mapping)] if isinstance(reasons, list | tuple) else []


def _shown(entry: Data) -> Evidence | None:
    kind = text(entry.get("evidence"))
    if kind == "words":
        said = text(entry.get("text"))
        return Evidence(kind, "words", f"“{said}”") if said else None
    name, unit, _ = KINDS.get(kind, (kind.replace("_", " "), "", ""))
    value, threshold = number(entry.get("value")), number(entry.get("threshold"))
    if not name or (value is None and threshold is None):
        return None
    off = threshold == 0 and kind != "speech_ms"  # where any speech is enough, that is a threshold, too
    compared = ""
    if value is not None and threshold is not None and not off:
        compared = "=" if value == threshold else ">" if value > threshold else "<"
    return Evidence(
        kind,
        name,
        "" if value is None else f"{'up to ' if kind in PEAKS else ''}{plain(value)} {unit}".strip(),
        compared,
        "" if threshold is None else "off" if off else f"{plain(threshold)} {unit}".strip(),
    )


# --- which setting decided


@dataclass(frozen=True, slots=True)
class Decider:
    """A turn setting that decided, and its value then where the record has it."""

    setting: str
    threshold: float | None = None


_DECIDED: dict[str, dict[str, tuple[str, ...]]] = {
    facts.INTERRUPTION: {"speech": ("min_speech_ms",), "deadline": ("decide_by_ms",)},
    facts.INTERRUPTION_REFUSED: {
        "": ("min_speech_ms",),
        "too_short": ("min_speech_ms",),
        "soft": ("min_loudness_db",),
        "noise": ("speech_probability",),
        "echo": ("echo_guard",),
        "laughter": ("laughter_guard",),
        "backchannel": ("ignore_backchannels", "backchannel_phrases"),
        "grace": ("grace_ms",),
        "answer": ("answer_window_ms",),
        "protected": ("protect_greeting",),
    },
    facts.TURN_REFUSED: {"noise": ("turn_probability",)},
    facts.PATIENCE: {
        "": ("response_delay_ms",),
        "spelling": ("patience_spelling_ms",),
        "number": ("patience_number_ms",),
        "email": ("patience_email_ms",),
    },
}
"""Kind of note -> why -> the settings. The why of patience is what the agent had asked for."""


def decided_by(kind: str, data: Any, in_force: Any = None) -> list[Decider]:
    """The settings that made the difference. `in_force`: the turn settings then; they tell what the note leaves open."""
    data = fields(data)
    if kind == facts.INTERRUPTION:
        names = _stopped_by(data, fields(in_force))
    elif kind == facts.IDLE_PROMPT:
        names = ("idle_prompt_ms", "idle_prompts_max") if data.get("goodbye") is True else ("idle_prompt_ms",)
    elif kind == facts.CALL_WARNING:
        names = ("max_call_s", "call_warning_s")
    else:
        why = text(data.get("kind" if kind == facts.PATIENCE else "because"))
        names = _DECIDED.get(kind, {}).get(why, ())
    thresholds = {} if kind == facts.TURN_REFUSED else _thresholds(data)  # a turn has a threshold of its own
    return [Decider(name, thresholds.get(name)) for name in names]


def _thresholds(data: Data) -> dict[str, float | None]:
    of = {setting: measured(data, kind)[1] for kind, (_, _, setting) in KINDS.items() if setting}
    return {**of, "min_speech_ms": speech(data)[1]}


def _stopped_by(data: Data, in_force: Data) -> tuple[str, ...]:
    because = text(data.get("because"))
    known = next((entry.get("list") for entry in _entries(data) if entry.get("evidence") == "words"), None)
    if because == "words" and known is not None:
        return ("interrupt_phrases",) if known == "interrupt_phrases" else ("ignore_backchannels",)
    if because == "words":
        # Of a record that does not tell. More than “mm-hm” counts only with our ear, and with half of the shortest interruption.
        spoken, minimum = measured(data, "speech_ms")
        ear = any(measured(data, kind)[0] is not None for kind in ("probability", "loudness_db", "echo"))
        either = ear and spoken is not None and minimum is not None and spoken >= minimum / 2
        return ("interrupt_phrases", "ignore_backchannels") if either else ("interrupt_phrases",)
    if because not in ("", "any_speech"):
        return _DECIDED[facts.INTERRUPTION].get(because, ())
    if data.get("phase") == "asked":
        return ()
    if data.get("mode") == "legacy":
        return ("mode",)
    return ("interrupt_response",) if in_force.get("interrupt_response") is True else ("min_speech_ms",)
