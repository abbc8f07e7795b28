"""What the session hears: the input audio buffer, speech in it, and how long nobody has spoken.

Offsets count the sound appended since the session began, in ms, and are never reset.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from calls.rehearsal.config import segmentation
from calls.rehearsal.sound import BYTES_PER_MS, Decoder
from calls.vad import FRAME, FRAME_MS, SpeechSegmenter, Started, Stopped

Json = dict[str, Any]
_FRAME_BYTES = 2 * FRAME


class Ear(Protocol):
    """Probabilities of speech, one for each 32 ms of 16-bit PCM at 8 kHz."""

    def feed(self, pcm16: bytes) -> list[float]: ...

    def reset(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Silent:
    """Nobody spoke for as long as the idle timeout says."""

    audio_start_ms: int
    audio_end_ms: int


class Hearing:
    """One input audio buffer. Sound goes in with `append`; `take` hands out what becomes the caller's item."""

    def __init__(self, ear: Ear, turn: Json | None, kind: str, *, deaf: bool = False) -> None:
        self._ear = ear
        self._deaf = deaf
        self._decoder = Decoder(kind)
        self._segmenter = SpeechSegmenter(0.5, 300, 500)
        self._turn = turn
        self._pcm_bytes = 0
        self._appended_ms = 0.0
        self._kept = bytearray()
        self._idle_at: float | None = None
        self._idle_from_ms: int | None = None
        self.configure(turn, kind)

    def configure(self, turn: Json | None, kind: str) -> None:
        """Other settings for what comes next. Sound of another format than before is not kept."""
        if kind != self._decoder.kind:
            self._decoder = Decoder(kind)
            self._kept.clear()
        if turn is None:
            self._segmenter.forget_speech()
        else:
            self._segmenter.configure(*segmentation(turn))
        if turn is not None and self._turn is None:
            self._ear.reset()
            self._ear.feed(bytes(self._pcm_bytes % _FRAME_BYTES))  # so that its frames stay on the grid
        self._turn = turn

    @property
    def speaking(self) -> bool:
        return self._segmenter.speaking

    @property
    def position_ms(self) -> int:
        """How much of the sound was judged, in whole frames."""
        return self._segmenter.position_ms

    @property
    def buffered_ms(self) -> float:
        """What a commit by hand would take. While the VAD waits for speech, the buffer counts as empty."""
        if self._turn is not None and not self.speaking:
            return 0.0
        return len(self._kept) / self._bytes_per_ms

    def append(self, sound: bytes, now: float) -> Iterator[Started | Stopped | Silent]:
        """More of the caller. `now` only serves the idle timeout."""
        self._kept += sound
        self._appended_ms += len(sound) / self._bytes_per_ms
        pcm = self._decoder.decode(sound)
        self._pcm_bytes += len(pcm)
        if self._turn is None or self._deaf:
            self._segmenter.skip(self._pcm_bytes // _FRAME_BYTES - self._segmenter.position_ms // FRAME_MS)
            return
        for probability in self._ear.feed(pcm):
            heard = self._segmenter.feed(probability)
            if isinstance(heard, Started):
                self._forget_before(heard.audio_start_ms)
                self._idle_at = self._idle_from_ms = None
            if heard is not None:
                yield heard
            elif (silent := self._silence(now)) is not None:
                yield silent
        if not self.speaking:
            padded_ms = self._segmenter.position_ms - segmentation(self._turn)[1]
            # While the idle timeout runs, the silence is kept: it becomes an item when the time is up.
            self._forget_before(padded_ms if self._idle_from_ms is None else min(padded_ms, self._idle_from_ms))

    def take(self, upto_ms: int | None = None) -> bytes:
        """What is in the buffer, all or up to an offset; the rest stays. What is spoken from here on is a new start."""
        after = 0 if upto_ms is None else max(0, round((self._appended_ms - upto_ms) * self._bytes_per_ms))
        cut = max(0, len(self._kept) - after)
        sound = bytes(self._kept[:cut])
        del self._kept[:cut]
        self._segmenter.forget_speech()
        return sound

    def clear(self) -> None:
        self._kept.clear()

    def reply_ends(self, at: float | None) -> None:
        """From `at` on nobody is heard: then the last reply has been played, as far as a server can tell. None: it is not
        known, because a reply is being made."""
        self._idle_at, self._idle_from_ms = at, None

    # --- inside

    @property
    def _bytes_per_ms(self) -> int:
        return BYTES_PER_MS[self._decoder.kind]

    def _silence(self, now: float) -> Silent | None:
        limit_ms = (self._turn or {}).get("idle_timeout_ms")
        if limit_ms is None or self.speaking or self._idle_at is None or now < self._idle_at:
            return None
        end_ms = self._segmenter.position_ms
        if self._idle_from_ms is None:
            self._idle_from_ms = end_ms
        if end_ms - self._idle_from_ms < limit_ms:
            return None
        start_ms, self._idle_at, self._idle_from_ms = self._idle_from_ms, None, None
        return Silent(start_ms, end_ms)

    def _forget_before(self, at_ms: int) -> None:
        """Sound before this offset does not enter the item."""
        keep = max(0, round((self._appended_ms - at_ms) * self._bytes_per_ms))
        if keep < len(self._kept):
            del self._kept[: len(self._kept) - keep]
