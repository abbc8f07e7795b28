"""The speech models, transcription models and voices that OpenAI offers, and the shutdowns it has announced.

From the types and the deprecation notes of OpenAI's SDK (3.57). Any other name may be typed too: new models come faster than
releases of this product.
"""

from __future__ import annotations

from datetime import date

DEFAULT_MODEL = "gpt-realtime-2.1"
DEFAULT_TRANSCRIPTION = "gpt-realtime-whisper"
EARLY_WORDS = "gpt-realtime-whisper"
"""The transcription model that is known to write words down before the caller has finished, and whose delay can be set."""

SPEECH_MODELS = [
    "gpt-realtime-2.1",
    "gpt-realtime-2.1-mini",
    "gpt-realtime-2",
    "gpt-realtime-1.5",
    "gpt-realtime",
    "gpt-realtime-mini",
]
TRANSCRIPTION_MODELS = ["gpt-realtime-whisper", "gpt-live-transcribe", "gpt-transcribe", "whisper-1"]
VOICES = ["marin", "cedar", "alloy", "ash", "ballad", "coral", "echo", "sage", "shimmer", "verse"]

SHUTDOWNS = {
    "gpt-realtime": date(2027, 1, 20),
    "gpt-realtime-2025-08-28": date(2027, 1, 20),
    "gpt-realtime-mini": date(2027, 1, 20),
    "gpt-realtime-mini-2025-12-15": date(2027, 1, 20),
    "whisper-1": date(2027, 2, 26),
    "gpt-4o-transcribe": date(2027, 2, 26),
    "gpt-4o-mini-transcribe": date(2027, 2, 26),
}


def shutdown_warning(name: str) -> str:
    """What to tell an admin who uses a model that will be shut down; empty for the others."""
    day = SHUTDOWNS.get(name)
    if day is None and name.startswith(("gpt-4o-transcribe", "gpt-4o-mini-transcribe")):
        day = date(2027, 2, 26)
    if day is None:
        return ""
    return f"OpenAI shuts {name} down on {day:%d %B %Y}. Calls fail from that day on: choose another model before."
