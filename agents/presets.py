"""Named settings for kinds of callers and lines, each value with its reason.

A preset is whole: it names every setting of manners, so that applying it gives the same agent whatever was set before. It leaves
alone what is no matter of manners: the words that are said or listened for, and how long a call may last.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from agents.defaults import DEFAULTS, LENGTH_OF_CALL, WORDS

LEFT_ALONE = WORDS | LENGTH_OF_CALL

Chosen = Mapping[str, tuple[Any, str]]


@dataclass(frozen=True, slots=True)
class Preset:
    """`own` is what differs from the defaults; `values` and `reasons` are whole."""

    slug: str
    label: str
    why: str
    own: Chosen

    @property
    def values(self) -> dict[str, Any]:
        """Setting -> value."""
        defaults = {name: default.value for name, default in DEFAULTS.items() if name not in LEFT_ALONE}
        return defaults | {name: value for name, (value, _) in self.own.items()}

    @property
    def reasons(self) -> dict[str, str]:
        """Setting -> why it has this value."""
        defaults = {name: default.because for name, default in DEFAULTS.items() if name not in LEFT_ALONE}
        return defaults | {name: because for name, (_, because) in self.own.items()}


NATURAL = Preset(
    "natural",
    "Natural",
    "For most callers: most coughs and “mm-hm” are not noticed, and most interruptions stop the agent within a second.",
    MappingProxyType({}),
)

PATIENT = Preset(
    "patient",
    "Patient",
    "For callers who think while they speak: the elderly, people in distress, people who speak a foreign language.",
    MappingProxyType(
        {
            "silence_floor_ms": (900, "they pause inside a sentence, and lose the thread when they are talked over"),
            "response_delay_ms": (300, "who goes on after a breath is not cut off"),
            "min_speech_ms": (700, "they murmur along, and mean nothing by it"),
            "decide_by_ms": (1600, "they think aloud over the agent for longer than others"),
            "patience_spelling_ms": (3000, "letters are looked for, and often begun again"),
            "patience_number_ms": (2500, "numbers are read off a card or a letter, slowly"),
            "patience_email_ms": (3000, "they ask somebody, or look it up"),
            "idle_prompt_ms": (20000, "a question too soon makes them start again"),
            "idle_prompts_max": (3, "they put the telephone down to fetch something"),
        }
    ),
)

SNAPPY = Preset(
    "snappy",
    "Snappy",
    "For callers in a hurry on good lines: short answers at once, and an agent that gives way at the first word.",
    MappingProxyType(
        {
            "silence_floor_ms": (
                300,
                "their sentences have no long pauses; every answer comes a fifth of a second sooner",
            ),
            "response_latency_ms": (200, "below the shortest silence, so that alone counts"),
            "stop_sound": ("at_once", "they hear at once that they were heard; a cough costs them a short gap"),
            "min_speech_ms": (250, "their interruptions are one short word"),
            "decide_by_ms": (600, "nobody should have to talk over the agent for longer than that"),
            "patience_spelling_ms": (800, "they have it ready"),
            "patience_number_ms": (600, "they have it ready"),
            "patience_email_ms": (800, "they have it ready"),
            "idle_prompt_ms": (8000, "a silence of theirs means that the line is lost"),
        }
    ),
)

NOISY_LINE = Preset(
    "noisy_line",
    "Noisy line",
    "For callers in the street, in a car or on a speakerphone: what stops the agent must be loud, long and speech.",
    MappingProxyType(
        {
            "threshold": (0.75, "engines and wind reach 0.6; a voice into the phone is far above"),
            "speech_probability": (0.9, "voices in the background get past 0.8"),
            "min_loudness_db": (10.0, "who speaks into the phone is ten times over the street"),
            "min_speech_ms": (700, "horns, doors and knocks are shorter"),
            "decide_by_ms": (1800, "noise lasts; speech has shown itself as speech by then"),
            "echo_guard": (0.55, "a speakerphone returns the agent muffled, so less like it"),
            "silence_floor_ms": (700, "noise breaks up sentences, and a gap is not yet the end"),
            "grace_ms": (300, "the first syllable of a reply comes back as its echo before it can be known for one"),
        }
    ),
)

PROTECT_DISCLAIMER = Preset(
    "protect_disclaimer",
    "Never interrupt the disclaimer",
    "For lines on which the greeting is a duty, such as a notice of recording: it is always heard to its end.",
    MappingProxyType(
        {
            "protect_greeting": (
                True,
                "it must have been said in full; what the caller says meanwhile is answered after it",
            ),
        }
    ),
)

LEGACY = Preset(
    "legacy",
    "Legacy",
    "For going back to the earlier bridge, to compare or in an emergency: the response is cancelled, and nothing else.",
    MappingProxyType(
        {
            "mode": ("legacy", "the earlier bridge cancelled the response and knew no other step"),
            "stop_sound": ("at_once", "nothing was weighed"),
            "min_speech_ms": (0, "any speech was an interruption"),
            "answer_window_ms": (0, "speech in the last words was an interruption, as everywhere"),
            "speech_probability": (0.0, "there was no ear of our own"),
            "min_loudness_db": (0.0, "loudness did not count"),
            "ignore_backchannels": (False, "words were not known while they were spoken"),
            "echo_guard": (0.0, "an echo was speech like any other"),
            "laughter_guard": (0.0, "a laugh was speech like any other"),
            "resume_overlap_ms": (0, "nothing was ever taken up again"),
            "patience_spelling_ms": (0, "every question was waited for alike"),
            "patience_number_ms": (0, "every question was waited for alike"),
            "patience_email_ms": (0, "every question was waited for alike"),
            "idle_prompt_ms": (0, "silence was never broken"),
        }
    ),
)

PRESETS: dict[str, Preset] = {
    preset.slug: preset for preset in (NATURAL, PATIENT, SNAPPY, NOISY_LINE, PROTECT_DISCLAIMER, LEGACY)
}
