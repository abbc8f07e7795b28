"""A conversation in which speech over the agent is weighed, as agents have it by default."""

from __future__ import annotations

from typing import Any

from calls.conversation import commands as c
from calls.conversation import events as e
from tests.calls.conversation.talk import Talk

NATURAL: dict[str, Any] = {
    "stop_sound": "when_sure",
    "min_speech_ms": 500,
    "decide_by_ms": 1200,
    "speech_probability": 0.8,
    "min_loudness_db": 6.0,
    "ignore_backchannels": True,
    "backchannel_phrases": ("mm-hm", "yeah", "okay", "i see"),
    "interrupt_phrases": ("stop", "wait", "hold on"),
    "echo_guard": 0.7,
    "laughter_guard": 0.5,
    "answer_window_ms": 1000,
}
QUIET = {"probability": 0.0, "level_db": 0.0}


def talking(seconds: float = 20.0, heard_s: float = 2.0, text: str = "one two three four", **settings: Any) -> Talk:
    """The agent has been talking for a while, and our ear is there."""
    talk = Talk(**{**NATURAL, **settings}).answered()
    talk.agent_says(seconds, text)
    talk.hears(heard_s * 1000, **QUIET)
    return talk


def stops(talk: Talk, speech_ms: int, item: str = "u9", at_ms: int = 10_000) -> list[c.Command]:
    """The model's VAD hears the end of so much speech, with its padding before and its silence after."""
    return talk.feed(e.SpeechStopped(item, at_ms + 300 + speech_ms + 500))
