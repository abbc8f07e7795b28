"""Settings that are each right and together are not: what a caller would hear of them, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents import phrases
from agents.turn_fields import Mode
from agents.waiting_fields import SHORTEST_IDLE_MS

if TYPE_CHECKING:
    from agents.models import TurnSettings

EVIDENCE = [
    "min_speech_ms",
    "speech_probability",
    "min_loudness_db",
    "ignore_backchannels",
    "echo_guard",
    "laughter_guard",
    "protect_greeting",
    "grace_ms",
]
"""What a sound over the agent is weighed by. With all of it 0 or off, every speech is an interruption."""


def found(turn: TurnSettings) -> dict[str, str]:
    """The fields in which something must change, with the reason."""
    return {
        **_of_interruption(turn),
        **_of_silence(turn),
        **_of_length(turn),
        **_of_phrases(turn),
        **_of_providers(turn),
    }


def evidence(turn: TurnSettings) -> list[str]:
    """The names, as the screen shows them, of all evidence that is asked for."""
    return [str(turn._meta.get_field(name).verbose_name) for name in EVIDENCE if getattr(turn, name)]


def doubts(turn: TurnSettings) -> list[str]:
    """What is allowed, and will not be heard as it reads."""
    weighs = turn.mode == Mode.FULL and not turn.interrupt_response
    if weighs and turn.ignore_backchannels and not turn.agent.transcription_model:
        return [
            "Without a transcription model no words are known: “mm-hm” is told from an interruption by its length and sound "
            "alone, and the words that stop the agent have no effect."
        ]
    return []


def _of_interruption(turn: TurnSettings) -> dict[str, str]:
    wrong: dict[str, str] = {}
    weighed = evidence(turn) if turn.mode == Mode.FULL else []  # legacy weighs nothing
    off = f"Switch this off, or set to 0 or off: {', '.join(weighed)}."
    if turn.interrupt_response and turn.mode == Mode.LEGACY:
        wrong["mode"] = "Legacy cancels the response itself; with 'the model stops by itself' it would do so twice."
    if turn.interrupt_response and weighed:
        wrong["interrupt_response"] = (
            f"The model would stop at any sound by itself, so nothing could be weighed: every cough ends the answer. {off}"
        )
    if turn.create_response and weighed:
        wrong["create_response"] = f"The model would answer every cough that is refused as an interruption. {off}"
    if turn.decide_by_ms < turn.min_speech_ms:
        wrong["decide_by_ms"] = (
            f"Speech would stop the agent after {turn.decide_by_ms} ms, although it counts only from {turn.min_speech_ms} ms. "
            "Make this at least the shortest interruption."
        )
    return wrong


def _of_providers(turn: TurnSettings) -> dict[str, str]:
    """With a voice or an ear that is not the speech model's, only we know when the caller was answered and how much was heard."""
    if not turn.is_external:
        return {}
    wrong: dict[str, str] = {}
    if turn.create_response:
        wrong["create_response"] = (
            "This agent speaks or hears through a provider: the model would answer before it knows what the caller heard of the "
            "last answer, or with words that it never got. Switch this off: we ask for each answer."
        )
    if turn.idle_timeout_ms:
        wrong["idle_timeout_ms"] = (
            "This agent speaks or hears through a provider: the model counts the silence from its text, and would ask while the "
            "agent still talks. Empty this, and use 'ask after a silence of'."
        )
    return wrong


def _of_silence(turn: TurnSettings) -> dict[str, str]:
    wrong: dict[str, str] = {}
    if 0 < turn.idle_prompt_ms < SHORTEST_IDLE_MS:
        wrong["idle_prompt_ms"] = (
            f"Below {SHORTEST_IDLE_MS} ms the agent asks whether anybody is there while the caller draws breath. 0 is never."
        )
    elif turn.idle_prompt_ms and turn.idle_timeout_ms:
        wrong["idle_timeout_ms"] = (
            "Both would speak up in the same silence, and the caller would be asked twice, in two ways. Empty this, or set "
            "'ask after a silence of' to 0."
        )
    if turn.idle_prompt_ms and not turn.idle_prompt.strip():
        wrong["idle_prompt"] = (
            "After the silence the agent would have nothing to say. Write it, or set the silence to 0."
        )
    return wrong


def _of_length(turn: TurnSettings) -> dict[str, str]:
    if turn.max_call_s and turn.call_warning_s >= turn.max_call_s:
        return {
            "call_warning_s": "The caller would be warned of the end before the call has begun. Make this shorter than the "
            "longest call, or 0."
        }
    return {}


def _of_phrases(turn: TurnSettings) -> dict[str, str]:
    """The same phrase in both lists. The lists of the languages have none in common."""
    language = turn.language
    stop = set(phrases.interrupts(turn.interrupt_phrases, language))
    both = [phrase for phrase in phrases.backchannels(turn.backchannel_phrases, language) if phrase in stop]
    if not both:
        return {}
    field = "backchannel_phrases" if phrases.own(turn.backchannel_phrases) else "interrupt_phrases"
    named = ", ".join(f"“{phrase}”" for phrase in both[:5])
    return {field: f"The agent cannot both talk on and stop at {named}. Take it out of one of the two lists."}
