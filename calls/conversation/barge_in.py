"""Is this sound over the agent an interruption, or does the reply go on?

`weigh` looks at all that is known and either decides or leaves it open; it is asked again when something new is known, and
at the time that `look_again_at` names. Every verdict carries its reasons as data: what was measured, against which
threshold.

The order is the policy. What protects the reply comes first, then what stops it for certain, then what the ear has heard,
then the deadline, and last the end of the speech, when nothing more can come.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from . import phrases
from .evidence import ALIVE, ECHO_ENDS, NO_SPEECH_MS, Burst
from .settings import ConversationSettings

VERDICT_MARGIN_MS = 250
"""For the `speech_stopped` that is on its way when the time for it is up."""

LONG_AFTER_ALL = 1.5
"""Times the shortest interruption. So much likely speech is one also when it came in pieces that never added up."""

A_WORD_MS = 160.0
"""Of clear speech, five frames, are a word. Before anything of the reply was heard nobody nods to it: the caller goes on with what
was said before, and “… on Monday” must not be lost. Half of all coughs have less."""

WITH_WORDS = 0.75
"""Of the shortest interruption is enough when the words are known to be more than “mm-hm”. Half would stop for each “thank you”."""

Reason = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a sound over the agent is. `because` is one of the words that calls/conversation/facts.py lists.

    `keeps`: the reply goes on, and what was said stays in the conversation and is answered after it.
    """

    stops: bool
    because: str
    reasons: tuple[Reason, ...] = ()
    keeps: bool = False


@dataclass(frozen=True, slots=True)
class Case:
    """All that is known of a sound over the agent. Times are seconds on the conversation's clock.

    `noticed_at`: when the model's VAD said that speech began; None while only our ear has heard it. `spoken_ms`: how long
    the caller spoke, once the model's VAD has heard the end. `ends_at`: when the caller will have heard the reply to its
    end; None while it is still being made. `held_at`: since when the sound has been stopped; None while it goes on.
    """

    settings: ConversationSettings
    now: float
    burst: Burst
    noticed_at: float | None = None
    spoken_ms: float | None = None
    words: str = ""
    grace_until: float = float("-inf")
    ends_at: float | None = None
    asked: bool = False  # the reply is a question
    held_at: float | None = None
    unheard: bool = False  # it is held, and nothing of the reply was heard yet
    tries_echo: bool = False  # it is held to hear whether the caller's sound ends with the agent's
    has_ear: bool = field(init=False)

    def __post_init__(self) -> None:
        s = self.settings
        asked_for = bool(s.speech_probability or s.min_loudness_db or s.echo_guard or s.laughter_guard)
        object.__setattr__(self, "has_ear", asked_for and self.burst.is_alive(self.now))

    @property
    def lasted_ms(self) -> float:
        return (self.now - self.noticed_at) * 1000 if self.noticed_at is not None else 0.0

    @property
    def is_over(self) -> bool:
        """Nothing more can come: the model heard the end, or our ear has been waiting for more for long enough."""
        return self.spoken_ms is not None or (self.held_at is not None and self.now >= _quiet_until(self))

    @property
    def listens(self) -> bool:
        """The caller's words so far only say: go on."""
        s = self.settings
        return s.ignore_backchannels and phrases.only_listening(self.words, s.backchannel_phrases)

    @property
    def may_listen(self) -> bool:
        """They may still turn out to."""
        s = self.settings
        return s.ignore_backchannels and phrases.only_listening(self.words, s.backchannel_phrases, so_far=True)


def silence_ms(settings: ConversationSettings) -> int:
    """The silence that is within the VAD's offset of an end of speech: what it waited for. Semantic VAD does not say."""
    is_server_vad = settings.turn_detection.get("type", "server_vad") == "server_vad"
    return settings.silence_ms if is_server_vad else 0


def speech_ms(settings: ConversationSettings, audio_start_ms: int, audio_end_ms: int) -> int:
    """How long the caller really spoke: the offsets of server VAD include its padding before and its silence after."""
    if settings.turn_detection.get("type", "server_vad") != "server_vad":
        return max(0, audio_end_ms - audio_start_ms)
    return max(0, audio_end_ms - settings.silence_ms - audio_start_ms - settings.prefix_padding_ms)


def weigh(case: Case) -> Verdict | None:
    """The verdict, or None while it is open."""
    if not case.settings.gated:
        return Verdict(True, "any_speech")
    if case.now < case.grace_until:
        return _go_on(case, "grace") if case.is_over else None
    return _by_words(case) or _by_ear(case) or _by_length(case) or (_at_its_end(case) if case.is_over else None)


def look_again_at(case: Case) -> float | None:
    """When the verdict can change though nothing new is known; None: only then when something is."""
    s, times = case.settings, [case.grace_until]
    if case.noticed_at is not None:
        times.append(case.noticed_at + s.decide_by_ms / 1000)
        times.append(case.burst.heard_at + ALIVE if case.has_ear else _verdict_due(case))
    if case.held_at is not None and case.has_ear:
        times.append(_quiet_until(case))
    return min((at for at in times if at > case.now), default=None)


# --- the rules


def _by_words(case: Case) -> Verdict | None:
    s = case.settings
    voice = not case.has_ear or case.burst.voiced_ms >= NO_SPEECH_MS  # the agent's own “one moment” comes back as echo
    if voice and phrases.that_stops(case.words, s.interrupt_phrases):
        return _stop(case, "words")
    # Recognisers invent words for noises; with most of the shortest interruption behind them they are the caller's.
    if s.ignore_backchannels and case.words and not case.may_listen and case.has_ear:
        return _stop(case, "words") if case.burst.counted_ms >= WITH_WORDS * s.min_speech_ms else None
    return None


def _by_ear(case: Case) -> Verdict | None:
    if not case.has_ear or case.listens or not case.burst.counts_now:
        return None
    return _stop(case, "speech") if case.burst.speech_ms >= case.settings.min_speech_ms else None


def _by_length(case: Case) -> Verdict | None:
    """Speech that goes on across the deadline wins, whatever speaks against it; what is no speech has no deadline."""
    if case.spoken_ms is not None or case.noticed_at is None:
        return None
    if not case.has_ear:
        return _stop(case, "speech") if case.now >= _verdict_due(case) and not case.listens else _late(case)
    return _late(case) if case.burst.voiced_ms * 2 >= case.lasted_ms else None


def _late(case: Case) -> Verdict | None:
    assert case.noticed_at is not None
    return _stop(case, "deadline") if case.now >= case.noticed_at + case.settings.decide_by_ms / 1000 else None


def _at_its_end(case: Case) -> Verdict:
    burst, s = case.burst, case.settings
    if case.has_ear and burst.voiced_ms < NO_SPEECH_MS:
        return _go_on(case, "echo" if case.tries_echo or burst.echo_ms > burst.voiced_ms else "noise")
    if _answers(case):
        return _go_on(case, "answer", keeps=True)
    if case.may_listen:
        return _go_on(case, "backchannel")
    if case.has_ear and case.unheard and burst.counted_ms >= A_WORD_MS:
        return _stop(case, "goes_on")
    if case.has_ear:
        if burst.voiced_ms >= LONG_AFTER_ALL * s.min_speech_ms and burst.counted_ms * 2 >= burst.voiced_ms:
            return _stop(case, "speech")
        if burst.laughter_ms >= NO_SPEECH_MS:
            return _go_on(case, "laughter")
        return _go_on(case, "soft" if burst.soft_ms > burst.counted_ms else "too_short")
    return _stop(case, "speech") if (case.spoken_ms or 0.0) >= s.min_speech_ms else _go_on(case, "too_short")


def _answers(case: Case) -> bool:
    """Short words in the last moment of a reply are no “go on”: after a question even an “okay” is an answer."""
    s = case.settings
    if case.ends_at is None or not s.answer_window_ms or (case.may_listen and not case.asked):
        return False
    spoke_until = case.now - (silence_ms(s) / 1000 if case.spoken_ms is not None else 0.0)
    return case.ends_at - spoke_until <= s.answer_window_ms / 1000


def _verdict_due(case: Case) -> float:
    """Without an ear: from when on the speech is long enough, if it has not stopped by then."""
    assert case.noticed_at is not None
    s = case.settings
    return case.noticed_at + (s.min_speech_ms + s.silence_ms + VERDICT_MARGIN_MS) / 1000


def _quiet_until(case: Case) -> float:
    """When the caller will have been quiet for so long that a held reply goes on."""
    if not case.has_ear or case.held_at is None:
        return float("inf")
    held_at = case.held_at + (ECHO_ENDS if case.tries_echo else 0.0)
    return max(case.burst.counted_at, held_at) + case.settings.resume_after_ms / 1000


# --- the reasons


def _stop(case: Case, because: str) -> Verdict:
    return Verdict(True, because, tuple(_reasons(case)))


def _go_on(case: Case, because: str, *, keeps: bool = False) -> Verdict:
    return Verdict(False, because, tuple(_reasons(case)), keeps)


def _spoken_ms(case: Case) -> float:
    """Of speech that counts. Without an ear, and before the end, at least as much as the model's VAD has heard without its wait."""
    if case.has_ear:
        return case.burst.most_ms
    if case.spoken_ms is not None:
        return case.spoken_ms
    return max(0.0, case.lasted_ms - case.settings.silence_ms - VERDICT_MARGIN_MS)


def _list_of(case: Case) -> str:
    """The setting whose list the words are in; empty for other words."""
    if phrases.that_stops(case.words, case.settings.interrupt_phrases):
        return "interrupt_phrases"
    return "backchannel_phrases" if case.may_listen else ""


def protected(case: Case) -> Verdict:
    """The reply is one that is always heard to its end, whatever the sound was."""
    return _go_on(case, "protected", keeps=True)


def _reasons(case: Case) -> list[Reason]:
    """All the evidence there was: what was measured, against which threshold."""
    s, burst = case.settings, case.burst
    found: list[Reason] = []
    found.append({"evidence": "speech_ms", "value": round(_spoken_ms(case)), "threshold": s.min_speech_ms})
    if case.has_ear and case.is_over:
        enough = round(LONG_AFTER_ALL * s.min_speech_ms)
        found.append({"evidence": "voiced_ms", "value": round(burst.voiced_ms), "threshold": enough})
    if case.noticed_at is not None and case.spoken_ms is None:
        found.append({"evidence": "lasted_ms", "value": round(case.lasted_ms), "threshold": s.decide_by_ms})
    if case.has_ear and s.speech_probability:
        found.append({"evidence": "probability", "value": round(burst.surest, 2), "threshold": s.speech_probability})
    if case.has_ear and s.min_loudness_db:
        found.append({"evidence": "loudness_db", "value": round(burst.loudest_db), "threshold": s.min_loudness_db})
    if case.has_ear and s.echo_guard:
        found.append({"evidence": "echo", "value": round(burst.echo, 2), "threshold": s.echo_guard})
    if case.has_ear and s.laughter_guard:
        found.append({"evidence": "laughter", "value": round(burst.laughter, 2), "threshold": s.laughter_guard})
    if case.words:
        found.append({"evidence": "words", "text": case.words, "list": _list_of(case)})
    if case.now < case.grace_until:
        found.append({"evidence": "grace_ms", "threshold": s.grace_ms})
    if case.ends_at is not None:
        left_ms = max(0, round((case.ends_at - case.now) * 1000))
        found.append({"evidence": "left_ms", "value": left_ms, "threshold": s.answer_window_ms})
    return found
