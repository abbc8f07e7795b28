"""Is this sound an interruption, or does the reply go on?

Only the length of the speech decides here. While that is not known the sound has stopped and the reply is held, so
hesitating costs the caller nothing: the answer could not begin before the speech ends anyway.
"""

from __future__ import annotations

from .settings import ConversationSettings

VERDICT_MARGIN_MS = 250
"""For the `speech_stopped` that is on its way when the time for it is up."""


def speech_ms(settings: ConversationSettings, audio_start_ms: int, audio_end_ms: int) -> int:
    """How long the caller really spoke: the VAD's offsets include its padding before and its silence after."""
    if settings.turn_detection.get("type", "server_vad") != "server_vad":
        return max(0, audio_end_ms - audio_start_ms)
    return max(0, audio_end_ms - settings.silence_ms - audio_start_ms - settings.prefix_padding_ms)


def too_short(settings: ConversationSettings, spoken_ms: int) -> bool:
    """Whether the speech was too short to be an interruption."""
    return spoken_ms < settings.min_speech_ms


def verdict_due(settings: ConversationSettings, speech_started_at: float) -> float:
    """From when on the speech is an interruption, if it has not stopped by then."""
    return speech_started_at + (settings.min_speech_ms + settings.silence_ms + VERDICT_MARGIN_MS) / 1000
