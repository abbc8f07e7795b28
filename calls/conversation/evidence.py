"""What our own ear has made of a burst of the caller's sound. Lengths are milliseconds."""

from __future__ import annotations

from dataclasses import dataclass

from .events import SoundHeard
from .settings import ConversationSettings

FRAME_MS = 32.0

LIKELY = 0.5
"""From here on a frame is more likely speech than not: enough to say that there was any, not enough to stop for it."""

NO_SPEECH_MS = 96.0
"""Three frames. With less than that of likely speech, our ear heard a noise."""

BURST_ENDS = 1.0
"""Seconds without speech after which the next begins from nothing. “Yes”, a breath, and a sentence are one burst; two
“mm-hm” in a row, with what the agent says between them, are two: they must not add up to an interruption."""

FADES = 0.5
"""So much of each quiet frame's length is taken off the speech before it. A burst of short pieces must be longer than one
without a gap: coughs come in pieces, and so does “oh … mm-hm”. Half is where callers who begin with “yes” and draw breath are
still heard within two seconds; with a quarter more backchannels add up, with all of it some callers do not."""

LOUD_LASTS = 0.2
"""Seconds. A soft consonant between two loud vowels is as near to the phone as they are."""

ECHO_LASTS_MS = 10_000.0
"""Of unbroken likeness to the agent, after which it is tried whether it is an echo at all: the agent is silent for a moment, and
an echo with it. Longer than most of what an agent says, because a caller on a speakerphone hears the gap; twice as long after
each time that it was one."""

ECHO_ENDS = 0.6
"""Seconds after the agent's last sound in which its echo can still come."""

ALIVE = 0.5
"""An ear that has said nothing for so many seconds is not there. It says something every 32 ms."""


@dataclass(slots=True)
class Burst:
    """Frames of one burst, counted by what they are. One counts when it is clear speech, loud enough, no echo and no laughter."""

    speech_ms: float = 0.0  # of frames that count, less what faded in the gaps
    most_ms: float = 0.0  # the most that it was
    counted_ms: float = 0.0  # of frames that count, all of them
    voiced_ms: float = 0.0  # likely speech, neither echo nor laughter, whether loud or not
    soft_ms: float = 0.0  # clear speech, but not loud enough
    echo_ms: float = 0.0
    laughter_ms: float = 0.0
    surest: float = 0.0
    loudest_db: float = 0.0
    likely_frames: int = 0
    likeness: float = 0.0  # to the agent's own sound, of all likely frames together
    laughter: float = 0.0  # at its most
    counts_now: bool = False
    counted_at: float = float("-inf")
    voiced_at: float = float("-inf")
    heard_at: float = float("-inf")
    _loud_at: float = float("-inf")
    _likely_at: float = float("-inf")
    _began_at: float = float("-inf")

    def take(self, frame: SoundHeard, settings: ConversationSettings) -> None:
        """The next frame. Frames come in order, some time after their sound."""
        if frame.at - max(self._likely_at, self._began_at) > BURST_ENDS:
            self.begin()
            self._began_at = frame.at
        self.heard_at = frame.at
        echo = bool(settings.echo_guard) and frame.echo >= settings.echo_guard
        laughter = bool(settings.laughter_guard) and frame.laughter >= settings.laughter_guard
        if frame.level_db >= settings.min_loudness_db:
            self._loud_at = frame.at
        loud = frame.at - self._loud_at <= LOUD_LASTS
        # Without the network's opinion a sound is speech when it stands out at all.
        clear = (
            frame.probability >= settings.speech_probability
            if settings.speech_probability
            else frame.level_db >= max(settings.min_loudness_db, 1.0)
        )
        likely = clear or frame.probability >= LIKELY
        self.surest = max(self.surest, frame.probability)
        self.loudest_db = max(self.loudest_db, frame.level_db)
        self.laughter = max(self.laughter, frame.laughter)
        self.counts_now = clear and loud and not echo and not laughter
        if self.counts_now:
            self.speech_ms += FRAME_MS
            self.most_ms = max(self.most_ms, self.speech_ms)
            self.counted_ms += FRAME_MS
            self.counted_at = frame.at
        else:
            self.speech_ms = max(0.0, self.speech_ms - FADES * FRAME_MS)
            if likely and echo:
                self.echo_ms += FRAME_MS
            elif likely and laughter:
                self.laughter_ms += FRAME_MS
            elif clear and not loud:
                self.soft_ms += FRAME_MS
        if likely:
            self._likely_at = frame.at
            self.likely_frames += 1
            self.likeness += frame.echo
        if likely and not echo and not laughter:
            self.voiced_ms += FRAME_MS
            self.voiced_at = frame.at

    def begin(self) -> None:
        """What was heard so far is dealt with."""
        self.speech_ms = self.most_ms = self.counted_ms = self.voiced_ms = self.soft_ms = self.echo_ms = 0.0
        self.laughter_ms = self.surest = self.loudest_db = self.likeness = self.laughter = 0.0
        self.likely_frames, self.counts_now = 0, False

    @property
    def echo(self) -> float:
        """How like the agent's own sound it is, 0 to 1."""
        return self.likeness / self.likely_frames if self.likely_frames else 0.0

    def is_alive(self, now: float) -> bool:
        return now < self.heard_at + ALIVE
