"""Text of a provider's client as sound with the times of its words, by the rehearsal voice."""

from __future__ import annotations

import asyncio
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from calls.rehearsal import voice
from calls.rehearsal.sound import BYTES_PER_MS

_TOKEN = re.compile(r"\s*(?:<[A-Za-z/][^<>]*>|\S)+\s*")
_TAG = re.compile(r"<[A-Za-z/][^<>]*>")


@dataclass(frozen=True, slots=True)
class TimedWord:
    """A word as it was written, with tags and the space behind it. Times are ms of the sound."""

    text: str
    start_ms: float
    end_ms: float

    def later(self, ms: float) -> TimedWord:
        return TimedWord(self.text, self.start_ms + ms, self.end_ms + ms)


@dataclass(frozen=True, slots=True)
class Speech:
    audio: bytes
    words: tuple[TimedWord, ...]
    bytes_per_ms: int

    @property
    def ms(self) -> float:
        return len(self.audio) / self.bytes_per_ms


async def speak(text: str, *, voice_id: str, speed: float = 1.0, kind: str = "audio/pcmu") -> Speech:
    """Each voice id sounds a little different. Sentences that were spoken before come at once."""
    return await asyncio.to_thread(_speak, text, voice_id, speed, kind)


def _speak(text: str, voice_id: str, speed: float, kind: str) -> Speech:
    variants = sorted(voice.VARIANTS)
    variant = variants[zlib.crc32(voice_id.encode()) % len(variants)]
    tokens = list(_tokens(text))
    audio = b""
    times: list[tuple[float, float]] = []
    for sentence in voice.sentences("".join(_TAG.sub("", token) for token in tokens)):
        if audio:
            audio += _silence(kind)
        spoken = voice.speak(sentence, kind, voice=variant, speed=speed)
        begun_ms = len(audio) / BYTES_PER_MS[kind]
        audio += spoken.audio
        starts = [begun_ms + word.at_ms for word in spoken.words]
        times += zip(starts, [*starts[1:], len(audio) / BYTES_PER_MS[kind]], strict=True)
    words = tuple(TimedWord(token, start, end) for token, (start, end) in zip(tokens, times, strict=True))
    return Speech(audio, words, BYTES_PER_MS[kind])


def _silence(kind: str) -> bytes:
    quiet = {"audio/pcmu": b"\xff", "audio/pcma": b"\xd5"}.get(kind, b"\0")
    return quiet * (voice.PAUSE_MS * BYTES_PER_MS[kind])


def _tokens(text: str) -> Iterator[str]:
    """Words with the space behind them; a tag goes with the word that follows it, the last one with the word before."""
    kept: list[str] = []
    for token in _TOKEN.findall(text):
        if kept and not _TAG.sub("", kept[-1]).strip():
            kept[-1] += token
        else:
            kept.append(token)
    if len(kept) > 1 and not _TAG.sub("", kept[-1]).strip():
        last = kept.pop()
        kept[-1] += last
    yield from (token for token in kept if _TAG.sub("", token).strip())
