"""The session object: its defaults, what a session.update may put into it, and the whole of it for the echo."""

from __future__ import annotations

import copy
import math
from typing import Any

from calls.rehearsal.checks import (
    Check,
    Json,
    Refusal,
    anything,
    boolean,
    by_type,
    either,
    invalid_value,
    metadata,
    missing,
    nullable,
    number,
    one_of,
    record,
    sequence,
    text,
    texts,
)

VOICES = ("alloy", "ash", "ballad", "coral", "echo", "sage", "shimmer", "verse", "marin", "cedar")
MODALITIES = one_of(["audio"], ["text"])
TURN_DEFAULTS: dict[str, Json] = {
    "server_vad": {
        "threshold": 0.5,
        "prefix_padding_ms": 300,
        "silence_duration_ms": 500,
        "idle_timeout_ms": None,
        "create_response": True,
        "interrupt_response": True,
    },
    "semantic_vad": {"eagerness": "auto", "create_response": True, "interrupt_response": True},
}
SHORT_SILENCE_MODELS = ("gpt-realtime", "gpt-realtime-2025-08-28")
"""These serve 200 ms of silence where the documentation says 500; the 2.1 models serve 500."""

EAGERNESS_SILENCE_MS = {"low": 1500, "medium": 900, "auto": 900, "high": 500}
"""semantic_vad judges meaning; without words, a longer or shorter silence stands in for it."""

SEMANTIC_THRESHOLD, SEMANTIC_PADDING_MS = 0.5, 300

_TYPE: dict[str, Check] = {"type": text}
FORMAT = by_type(
    {
        "audio/pcm": record({**_TYPE, "rate": number(24000, 24000, whole=True)}),
        "audio/pcmu": record(_TYPE),
        "audio/pcma": record(_TYPE),
    }
)
VOICE = either(str, one_of(*VOICES), record({"id": text}, required=("id",)))
_FLAGS = {**_TYPE, "create_response": boolean, "interrupt_response": boolean}
TURN_DETECTION = by_type(
    {
        "server_vad": record(
            {
                **_FLAGS,
                "threshold": number(0, 1),
                "prefix_padding_ms": number(0, 60_000, whole=True),
                "silence_duration_ms": number(0, 60_000, whole=True),
                "idle_timeout_ms": nullable(number(5_000, 30_000, whole=True)),
            }
        ),
        "semantic_vad": record({**_FLAGS, "eagerness": one_of(*EAGERNESS_SILENCE_MS)}),
    },
    default="server_vad",
)
_TRANSCRIPTION = record(
    {
        "model": text,
        "language": text,
        "languages": sequence(text),
        "keywords": sequence(text),
        "prompt": text,
        "delay": one_of("minimal", "low", "medium", "high", "xhigh"),
    }
)
_NOISE = record(
    {"type": one_of("near_field", "far_field"), "strength": number(0, math.inf)},
    required=("type",),
)
_TOOL = by_type({"function": record({**_TYPE, "name": text, "description": text, "parameters": anything})})
_RETENTION = record(
    {
        "type": one_of("retention_ratio"),
        "retention_ratio": number(0, 1),
        "token_limits": record({"post_instructions": number(0, 1_000_000, whole=True)}),
    },
    required=("type", "retention_ratio"),
)
TOOL_CHOICE = either(
    dict,
    record({"type": one_of("function"), "name": text}, required=("type", "name")),
    one_of("auto", "none", "required"),
)
MAX_TOKENS = either(str, one_of("inf"), number(1, 4096, whole=True))
REASONING = record({"effort": one_of("minimal", "low", "medium", "high", "xhigh")})
PROMPT = nullable(record({"id": text, "version": nullable(text), "variables": nullable(texts)}, required=("id",)))

COMMON = {
    "instructions": text,
    "tools": sequence(_TOOL),
    "tool_choice": TOOL_CHOICE,
    "parallel_tool_calls": boolean,
    "reasoning": nullable(REASONING),
    "max_output_tokens": MAX_TOKENS,
    "output_modalities": MODALITIES,
    "prompt": PROMPT,
}
"""What a session and a single response have in common."""

_SESSION = record(
    {
        **COMMON,
        "type": text,
        "model": text,
        "audio": record(
            {
                "input": record(
                    {
                        "format": FORMAT,
                        "turn_detection": nullable(TURN_DETECTION),
                        "noise_reduction": nullable(_NOISE),
                        "transcription": nullable(_TRANSCRIPTION),
                    }
                ),
                "output": record({"format": FORMAT, "voice": VOICE, "speed": number(0.25, 1.5)}),
            }
        ),
        "truncation": either(dict, _RETENTION, one_of("auto", "disabled")),
        "tracing": nullable(
            either(dict, record({"workflow_name": text, "group_id": text, "metadata": anything}), one_of("auto"))
        ),
        "include": nullable(sequence(one_of("item.input_audio_transcription.logprobs"))),
    }
)
RESPONSE = record(
    {
        **COMMON,
        "conversation": one_of("auto", "none"),
        "input": sequence(anything),
        "metadata": nullable(metadata),
        "audio": record({"output": record({"format": FORMAT, "voice": VOICE})}),
    }
)
"""What a response.create may ask for."""


def new_session(session_id: str, model: str, expires_at: int) -> Json:
    """The session object as it is before anything was asked for."""
    pcm = {"type": "audio/pcm", "rate": 24000}
    return {
        "type": "realtime",
        "object": "realtime.session",
        "id": session_id,
        "model": short(model),
        "output_modalities": ["audio"],
        "instructions": "This is a rehearsal, not a speech model: its answers are scripted, and it does not understand words.",
        "tools": [],
        "tool_choice": "auto",
        "max_output_tokens": "inf",
        "tracing": None,
        "truncation": "auto",
        "prompt": None,
        "expires_at": expires_at,
        "audio": {
            "input": {
                "format": dict(pcm),
                "transcription": None,
                "noise_reduction": None,
                "turn_detection": whole_turn_detection({"type": "server_vad"}, model),
            },
            "output": {"format": dict(pcm), "voice": "marin", "speed": 1.0},
        },
        "include": None,
    }


def updated(config: Json, asked: Any, *, spoke: bool) -> Json:
    """The session after an update; the old one is not touched. Raises Refusal.

    Fields that are absent stay as they are. `turn_detection` is taken whole: what it leaves out gets its default. The model cannot
    change, so the echo keeps the one that the session was opened with.
    """
    anything(asked, "session")
    if "type" not in asked:
        raise missing("session.type")
    if asked["type"] != "realtime":
        raise invalid_value(asked["type"], ("realtime",), "session.type")
    _SESSION(asked, "session")
    made = copy.deepcopy(config)
    for name, value in copy.deepcopy(asked).items():
        if name == "audio":
            for side, fields in value.items():
                made["audio"][side].update(fields)
        elif name != "model":
            made[name] = value
    hearing = made["audio"]["input"]
    if hearing["turn_detection"] is not None:
        hearing["turn_detection"] = whole_turn_detection(hearing["turn_detection"], made["model"])
    for side in made["audio"].values():
        side["format"] = whole_format(side["format"])
    if spoke and made["audio"]["output"]["voice"] != config["audio"]["output"]["voice"]:
        raise voice_is_fixed()
    return made


def voice_is_fixed() -> Refusal:
    return Refusal("cannot_update_voice", "Cannot update a conversation's voice if assistant audio is present.")


def whole_format(asked: Json) -> Json:
    """PCM has its one rate; the other formats have none."""
    return {"type": "audio/pcm", "rate": 24000} if asked["type"] == "audio/pcm" else dict(asked)


def whole_turn_detection(asked: Json, model: str) -> Json:
    """Turn detection with every member that its kind has."""
    kind = asked.get("type", "server_vad")
    whole: Json = {"type": kind, **TURN_DEFAULTS[kind]}
    if kind == "server_vad" and model in SHORT_SILENCE_MODELS:
        whole["silence_duration_ms"] = 200
    return whole | asked


def segmentation(turn: Json) -> tuple[float, int, int]:
    """Threshold, padding and silence (ms) of either kind of turn detection."""
    if turn["type"] == "semantic_vad":
        return SEMANTIC_THRESHOLD, SEMANTIC_PADDING_MS, EAGERNESS_SILENCE_MS[turn["eagerness"]]
    return turn["threshold"], turn["prefix_padding_ms"], turn["silence_duration_ms"]


def short(value: str) -> str:
    """A text from outside, short enough to be repeated in each event."""
    return value[:200]
