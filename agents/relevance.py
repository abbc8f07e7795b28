"""Settings that have no effect while another one stands as it does: the screen says so beside them.

Nothing is hidden and nothing is refused: a value waits until it matters again.
"""

from __future__ import annotations

from typing import NamedTuple


class Need(NamedTuple):
    """What another setting, or a choice of the agent, must be. `wanted`: its values, with on and off for a switch; None: anything
    but 0 and empty."""

    other: str
    wanted: tuple[str, ...] | None
    otherwise: str


ITSELF = Need("hearing_provider", ("",), "another ear hears the caller")
BY_SOUND = Need("vad_type", ("server_vad",), "speech is noticed by meaning")
BY_MEANING = Need("vad_type", ("semantic_vad",), "speech is noticed by sound and silence")
FULL = Need("mode", ("full",), "interruptions are handled in the legacy way")
WE_STOP = Need("interrupt_response", ("off",), "the model stops by itself")
WE_ANSWER = Need("create_response", ("off",), "the model answers by itself")
AT_ONCE = Need("stop_sound", ("at_once",), "the agent's sound stops only when it is an interruption")
WORDS = Need("ignore_backchannels", ("on",), "“mm-hm” is an interruption like any other word")
OWN_EAR = Need("speech_probability", None, "our own ear is not asked")
DROPPING = Need("suppress_in_flight", ("on",), "sound in flight is not dropped")
ASKING = Need("idle_prompt_ms", None, "silence is never broken")
LIMITED = Need("max_call_s", None, "calls have no limit")
WARNING = Need("call_warning_s", None, "callers are not warned")

WEIGHED = (FULL, WE_STOP)

NEEDS: dict[str, tuple[Need, ...]] = {
    "vad_type": (ITSELF,),
    "threshold": (ITSELF, BY_SOUND),
    "prefix_padding_ms": (ITSELF, BY_SOUND),
    "turn_probability": (WE_ANSWER, OWN_EAR),
    "silence_floor_ms": (BY_SOUND,),
    "response_latency_ms": (BY_SOUND,),
    "eagerness": (ITSELF, BY_MEANING),
    "response_delay_ms": (WE_ANSWER,),
    "patience_spelling_ms": (WE_ANSWER,),
    "patience_number_ms": (WE_ANSWER,),
    "patience_email_ms": (WE_ANSWER,),
    "protect_greeting": WEIGHED,
    "stop_sound": WEIGHED,
    "min_speech_ms": WEIGHED,
    "answer_window_ms": WEIGHED,
    "decide_by_ms": WEIGHED,
    "ignore_backchannels": WEIGHED,
    "grace_ms": WEIGHED,
    "speech_probability": WEIGHED,
    "min_loudness_db": WEIGHED,
    "echo_guard": WEIGHED,
    "laughter_guard": WEIGHED,
    "backchannel_phrases": (*WEIGHED, WORDS),
    "interrupt_phrases": WEIGHED,
    "resume_after_ms": (*WEIGHED, AT_ONCE),
    "resume_overlap_ms": (*WEIGHED, AT_ONCE),
    "cancel_reply": (FULL,),
    "truncate": (FULL,),
    "clear_buffers": (FULL,),
    "suppress_in_flight": (FULL,),
    "suppress_ms": (FULL, DROPPING),
    "mark_silent": (FULL,),
    "idle_prompts_max": (ASKING,),
    "idle_prompt": (ASKING,),
    "idle_goodbye": (ASKING,),
    "idle_timeout_ms": (BY_SOUND,),
    "call_warning_s": (LIMITED,),
    "call_warning": (LIMITED, WARNING),
}
