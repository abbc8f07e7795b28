"""What a stand-in for an ear hears: when somebody speaks, by Silero, and words that somebody else provides.

It cannot understand speech. Words come from a list, one text for each utterance; where the list has none, there is a mark that
nobody can take for words of the caller.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from calls import vad

NOT_UNDERSTOOD = "[speech]"
STEP_MS = 352
"""Of sound between two looks at it, as in the recordings (320 to 400 ms)."""

LEAST_FRAMES = 3
"""Of speech: less is a noise, and no words come of it."""

GRACE_MS = 600
"""The silence between utterances when the client did not ask for ends of them."""


@dataclass(frozen=True, slots=True)
class HeardWord:
    text: str
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class Partial:
    words: tuple[HeardWord, ...]
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class Final:
    words: tuple[HeardWord, ...]
    start_ms: int
    end_ms: int
    closes: bool = False  # the utterance
    forced: bool = False


@dataclass(frozen=True, slots=True)
class End:
    at_ms: int
    forced: bool = False


Heard = Partial | Final | End


class Listener:
    """One stream of sound: PCM, 16 bit, 8 kHz. `silence_ms` 0: ends of utterances are not told."""

    def __init__(self, texts: Iterable[str], *, silence_ms: int, delay_ms: int, word_ms: int) -> None:
        self._ear = vad.SileroVad()
        self._texts = iter(texts)
        self._delay_ms = delay_ms
        self._word_ms = word_ms
        self._silence_ms = silence_ms
        self._segmenter = vad.SpeechSegmenter(0.5, 0, silence_ms or GRACE_MS)
        self._final_until_ms = 0
        self._looked_ms = 0
        self._start_ms: int | None = None  # of the utterance
        self._voiced = 0
        self._last_voiced_ms = 0
        self._words: list[HeardWord] = []  # that are over and not final
        self._to_come: list[str] = []  # the first of these is being said

    def configure(self, silence_ms: int, delay_ms: int) -> None:
        """From here on."""
        self._silence_ms, self._delay_ms = silence_ms, delay_ms
        self._segmenter.configure(0.5, 0, silence_ms or GRACE_MS)

    def feed(self, pcm16: bytes) -> Iterator[Heard]:
        for probability in self._ear.feed(pcm16):
            said = self._segmenter.feed(probability)
            now = self._segmenter.position_ms
            if isinstance(said, vad.Started):
                self._start_ms, self._voiced = said.audio_start_ms, 0
                self._to_come, self._words = [], []
            if self._start_ms is not None and probability >= 0.5:
                self._voiced += 1
                self._last_voiced_ms = now
                if self._voiced == LEAST_FRAMES:
                    self._to_come = (next(self._texts, "") or NOT_UNDERSTOOD).split() or [NOT_UNDERSTOOD]
            if isinstance(said, vad.Stopped):
                yield from self._end(now)
            elif now - self._looked_ms >= STEP_MS:
                yield from self._look(now)

    def force(self) -> Iterator[Heard]:
        """The client says that the utterance is over."""
        now = self._segmenter.position_ms
        self._segmenter.forget_speech()
        if self._start_ms is not None and self._to_come:
            yield from self._end(now, forced=True)
        else:
            yield Final((), self._final_until_ms, now, forced=True)
            yield End(now, forced=True)
            self._final_until_ms = now

    def finish(self) -> Iterator[Heard]:
        """No more sound comes: what is left becomes final."""
        if self._start_ms is not None and self._to_come:
            yield self._rest(self._segmenter.position_ms)
        self._start_ms = None

    # --- inside

    def _look(self, now: int) -> Iterator[Heard]:
        self._looked_ms = now
        if not self._to_come:
            if self._start_ms is None:
                yield Final((), self._final_until_ms, now)
                self._final_until_ms = now
            yield Partial((), self._final_until_ms, now)
            return
        self._place()
        over = [word for word in self._words if word.end_ms <= now - self._delay_ms]
        if over:
            yield Final(tuple(over), self._final_until_ms, over[-1].end_ms)
            self._final_until_ms = over[-1].end_ms
            self._words = self._words[len(over) :]
        # Nobody knows yet how long the word is that is being said.
        being_said = HeardWord(self._to_come[0], self._next_ms, max(self._next_ms, self._last_voiced_ms))
        yield Partial((*self._words, being_said), self._final_until_ms, now)

    @property
    def _next_ms(self) -> int:
        """Where the next word begins."""
        assert self._start_ms is not None
        return self._words[-1].end_ms if self._words else max(self._start_ms, self._final_until_ms)

    def _place(self) -> None:
        """Words that are over, each of the same length. The last one lasts as long as the speech does."""
        while len(self._to_come) > 1 and self._next_ms + self._word_ms <= self._last_voiced_ms:
            begins = self._next_ms
            self._words.append(HeardWord(self._to_come.pop(0), begins, begins + self._word_ms))

    def _end(self, now: int, forced: bool = False) -> Iterator[Heard]:
        if self._to_come:
            yield self._rest(now, forced)
            yield Partial((), now, now)
            if self._silence_ms or forced:
                yield End(now, forced)
        self._start_ms = None
        self._to_come, self._words = [], []
        self._looked_ms = now

    def _rest(self, now: int, forced: bool = False) -> Final:
        """All that is not final: the words that are left share the time that is left."""
        begins = self._next_ms
        each = max(0, self._last_voiced_ms - begins) // max(1, len(self._to_come))
        for text in self._to_come:
            self._words.append(HeardWord(text, begins, begins + each))
            begins += each
        final = Final(tuple(self._words), self._final_until_ms, now, closes=True, forced=forced)
        self._final_until_ms, self._words, self._to_come = now, [], []
        return final
