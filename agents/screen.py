"""The parts of the turn settings on the screen and their order: that in which a call happens.

Also the order in which changes are told, so that a preset, a line of the history and the form read alike.
"""

from __future__ import annotations

from typing import Any

Part = tuple[str, dict[str, Any]]

HEARING: Part = (
    "1. Hearing the caller",
    {
        "description": "What counts as the caller speaking.",
        "fields": ["vad_type", "threshold", "prefix_padding_ms", "turn_probability"],
    },
)

END_OF_TURN: Part = (
    "2. When the caller has finished",
    {
        "description": "Shorter waits answer sooner; longer ones let people think.",
        "fields": ["silence_floor_ms", "response_latency_ms", "eagerness", "response_delay_ms"],
    },
)

PATIENCE: Part = (
    "2. in detail: more patience, and who answers",
    {
        "description": "What the agent asked last decides whether more patience is due.",
        "classes": ["collapse"],
        "fields": ["patience_spelling_ms", "patience_number_ms", "patience_email_ms", "create_response"],
    },
)

OVER_THE_AGENT: Part = (
    "3. When the caller speaks over the agent",
    {
        "description": "Whether a sound is an interruption. Each 0 or “off” is one kind of evidence less; with all of them off, "
        "every sound is one.",
        "fields": [
            "protect_greeting",
            "stop_sound",
            "min_speech_ms",
            "answer_window_ms",
            "decide_by_ms",
            "ignore_backchannels",
        ],
    },
)

EVIDENCE: Part = (
    "3. in detail: sound, words, and going on",
    {
        "description": "What the sound is weighed by besides its length, and how a reply goes on that was stopped for nothing.",
        "classes": ["collapse"],
        "fields": [
            "grace_ms",
            "speech_probability",
            "min_loudness_db",
            "echo_guard",
            "laughter_guard",
            "backchannel_phrases",
            "interrupt_phrases",
            "resume_after_ms",
            "resume_overlap_ms",
            "interrupt_response",
        ],
    },
)

FIVE_STEPS: Part = (
    "4. When it is an interruption: the five steps",
    {
        "description": "In this order. Each can be left out; the caller hears what that costs.",
        "classes": ["collapse"],
        "fields": [
            "mode",
            "cancel_reply",
            "truncate",
            "clear_buffers",
            "suppress_in_flight",
            "suppress_ms",
            "mark_silent",
        ],
    },
)

SILENCE_AND_LENGTH: Part = (
    "5. Silence, and the length of the call",
    {
        "description": "What callers hear who say nothing, and before the call is ended.",
        "fields": [
            "idle_prompt_ms",
            "idle_prompts_max",
            "idle_prompt",
            "idle_goodbye",
            "idle_timeout_ms",
            "max_call_s",
            "call_warning_s",
            "call_warning",
        ],
    },
)

PARTS: list[Part] = [
    HEARING,
    END_OF_TURN,
    PATIENCE,
    OVER_THE_AGENT,
    EVIDENCE,
    FIVE_STEPS,
    SILENCE_AND_LENGTH,
]

ORDER = {name: place for place, name in enumerate(name for _, part in PARTS for name in part["fields"])}
"""Setting -> its place."""


def in_order(names: Any) -> list[str]:
    """Names as the screen shows them; what it does not show comes first, as it came."""
    return sorted(names, key=lambda name: ORDER.get(name, -1))
