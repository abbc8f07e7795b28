"""Recorded sound for the ear, as a phone sends it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from calls import audio
from calls.conversation.events import SoundHeard
from calls.ear.stream import Ear
from calls.simulated_phone import read_wav

CLIPS = Path(__file__).parents[3] / "calls" / "clips"
FRAME = 160

REQUEST = read_wav(CLIPS / "request.wav")
INTERRUPTION = read_wav(CLIPS / "interruption.wav")
COUGH = read_wav(CLIPS / "cough.wav")


def frames(mulaw: bytes, size: int = FRAME) -> Iterator[bytes]:
    for at in range(0, len(mulaw), size):
        yield mulaw[at : at + size]


def hear(ear: Ear, mulaw: bytes, began_at: float = 100.0, size: int = FRAME) -> list[SoundHeard]:
    """The caller's sound, each piece arriving when it has been spoken."""
    heard, now = [], began_at
    for piece in frames(mulaw, size):
        now += len(piece) / 8000
        heard += ear.caller(piece, now)
    return heard


def louder(mulaw: bytes, gain: float) -> bytes:
    pcm = np.frombuffer(audio.mulaw_decode(mulaw), "<i2") * gain
    return audio.mulaw_encode(np.clip(pcm, -32768, 32767).astype("<i2").tobytes())
