"""What an agent's turn settings begin with, and why. The only place where these values stand."""

from __future__ import annotations

from typing import Any, NamedTuple


class Default(NamedTuple):
    value: Any
    because: str


HEARING = {
    "vad_type": Default("server_vad", "it can be tuned, and is as quick on every sentence"),
    "threshold": Default(0.6, "phone lines are noisier than the 0.5 of the service assumes"),
    "turn_probability": Default(0.4, "soft speakers get above it, and coughs mostly do not"),
    "prefix_padding_ms": Default(300, "as the service; it holds a whole first syllable"),
}

WEIGHING = {
    "stop_sound": Default("when_sure", "most sounds over the agent are no interruption, and a gap is heard each time"),
    "min_speech_ms": Default(560, "nearly every cough and “mm-hm” is shorter, and most sentences are longer"),
    "answer_window_ms": Default(1000, "people answer a question into its last words, and mostly with one word"),
    "decide_by_ms": Default(1200, "who speaks for longer than that wants to be heard"),
    "speech_probability": Default(
        0.8, "sentences are above it nearly throughout, “mm-hm” and noises only here and there"
    ),
    "min_loudness_db": Default(6.0, "twice the line's own noise: who speaks into the phone is far above it"),
    "ignore_backchannels": Default(True, "“mm-hm” says: go on"),
    "backchannel_phrases": Default("", "the list of the agent's language"),
    "interrupt_phrases": Default("", "the list of the agent's language"),
    "echo_guard": Default(0.7, "an echo of the agent is nearly always more like it, and another voice less"),
    "laughter_guard": Default(
        0.5, "half-way between the speech that is most like it and the laughs and coughs that are least"
    ),
    "protect_greeting": Default(False, "callers who know what they want need no greeting"),
    "grace_ms": Default(0, "callers also stop an agent at its first word, and are right to"),
    "resume_after_ms": Default(300, "pauses inside a word are shorter, and a gap of this length is hardly noticed"),
    "resume_overlap_ms": Default(300, "about a word: the sentence can be followed again"),
    "interrupt_response": Default(False, "we decide what is an interruption"),
}

FIVE_STEPS = {
    "mode": Default("full", "only then agent and caller agree on what was said"),
    "cancel_reply": Default(True, "nobody will hear the rest"),
    "truncate": Default("heard", "the agent then knows what the caller knows"),
    "clear_buffers": Default(True, "the carrier holds up to half a minute of sound"),
    "suppress_in_flight": Default(True, "the model sends on for a moment after it was told to stop"),
    "suppress_ms": Default(500, "longer than any sound is on its way"),
    "mark_silent": Default(True, "who has stopped the agent has the floor"),
}

END_OF_TURN = {
    "silence_floor_ms": Default(500, "pauses inside a sentence are mostly shorter"),
    "response_latency_ms": Default(300, "below the shortest silence, so that alone counts"),
    "eagerness": Default("auto", "as the service"),
    "create_response": Default(False, "we ask for each answer, exactly once, when the conversation is free for it"),
    "response_delay_ms": Default(0, "the silence was waited for already"),
    "patience_spelling_ms": Default(1500, "people look letters up, and pause between groups of them"),
    "patience_number_ms": Default(1000, "people read numbers in groups, with a breath between"),
    "patience_email_ms": Default(1500, "an address is spelled in part, and its pauses are long"),
}

SILENCE_AND_LENGTH = {
    "idle_timeout_ms": Default(None, "we ask ourselves, in words of yours"),
    "idle_prompt_ms": Default(12000, "time to find a card or a pen, and not yet long enough to think the line is dead"),
    "idle_prompts_max": Default(2, "who does not answer twice is not there"),
    "idle_prompt": Default("Are you still there?", ""),
    "idle_goodbye": Default("I cannot hear you any more. Goodbye.", ""),
    "max_call_s": Default(3600, "the model ends its session after 60 minutes in any case"),
    "call_warning_s": Default(60, "time to finish a sentence and say goodbye"),
    "call_warning": Default("We have one minute left.", ""),
}

DEFAULTS: dict[str, Default] = {**HEARING, **WEIGHING, **FIVE_STEPS, **END_OF_TURN, **SILENCE_AND_LENGTH}

WORDS = frozenset({"backchannel_phrases", "interrupt_phrases", "idle_prompt", "idle_goodbye", "call_warning"})
"""What is said or listened for: in the agent's language, and so never touched by a preset."""

LENGTH_OF_CALL = frozenset({"max_call_s", "call_warning_s"})
"""A decision of the house and no matter of manners: presets leave it alone too."""


UNITS = {"_ms": "ms", "_s": "s", "_db": "dB"}
"""By the ending of a setting's name."""


def value(name: str) -> Any:
    return DEFAULTS[name].value


def unit(name: str) -> str:
    """What a setting is counted in; empty for a likeness, a probability and all that is no number."""
    if name == "idle_prompts_max":
        return "times"
    return next((unit for ending, unit in UNITS.items() if name.endswith(ending)), "")


def said(name: str) -> str:
    """The default with its reason, as a sentence for the end of a help text."""
    default = DEFAULTS[name]
    match default.value:
        case True:
            shown = "on"
        case False:
            shown = "off"
        case None:
            shown = "never"
        case _:
            number = f"{default.value:g}" if isinstance(default.value, float) else str(default.value)
            shown = f"{number} {unit(name)}".strip()
    return f"Default {shown}: {default.because}."
