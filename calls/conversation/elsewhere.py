"""The caller is heard by another ear than the model's: a provider that turns sound into words and says when a turn is over.

The model then gets the caller's words as text and none of the sound. When the provider is lost, the model hears for itself.
"""

from __future__ import annotations

from . import events as e
from . import facts, silence
from .caller_side import NO_WORDS
from .commands import AddItem, ConfigureModel, EndUtterance, Note, OpenHearing
from .evidence import ALIVE, FRAME_MS
from .floor import Commands
from .over_agent import OverAgent
from .states import State

SURE = 0.8
"""Of our own ear, from here on, when nothing else is asked of a sound over the agent."""

SURE_MS = 192
"""Of such sound stop the agent. The provider's first words come half a second after their sound, and the model hears none."""

HEARD_BY_MODEL = "hearing-lost"


class Elsewhere(OverAgent):
    """What is done about an ear that is not the model's, and without it."""

    # --- what it heard

    def _no_turn(self, event: e.SpeechStopped, now: float) -> str:
        if self.hears_elsewhere and not self.transcript.words_before(event.item_id):
            return NO_WORDS
        return super()._no_turn(event, now)

    def _committed(self, event: e.InputCommitted, now: float) -> Commands:
        if not self.hears_elsewhere:
            yield from super()._committed(event, now)
            return
        self._said = ""
        words = self.transcript.words_before(event.item_id)
        if event.item_id in self._refused_items or not words:
            self.transcript.drop(event.item_id)  # the model never knew of it
        else:
            self.transcript.caller_item(event.item_id)
            yield AddItem("user", words, event.item_id)

    def _hear(self, event: e.SpeechStarted, now: float, over_agent: bool) -> Commands:
        self.told_to_end = False
        yield from super()._hear(event, now, over_agent)

    def _caller_is_silent(self, now: float) -> Commands:
        """Our ear is surer and sooner than the provider, which waits for more words."""
        self.told_to_end = True
        if self._speech is not None and now - self.burst.heard_at < ALIVE:
            yield EndUtterance()

    def _sound_heard(self, event: e.SoundHeard, now: float) -> Commands:
        yield from super()._sound_heard(event, now)
        if self.burst.voiced_at == event.at:
            self.told_to_end = False  # the caller goes on
        self._sure_ms = self._sure_ms + FRAME_MS if event.probability >= SURE else 0.0
        bare = self.hears_elsewhere and not self.settings.gated and self.state is State.REPLYING
        if bare and self._sure_ms >= SURE_MS and self.playback.unheard_s(now):
            yield from self._stop_for("", self._sure(event.probability), now)
            self.state, self.speech_started_at = State.HEARING, now

    # --- the provider

    def _hearing_ready(self, event: e.HearingReady, now: float) -> Commands:
        self._hearing_losses = 0
        yield Note(facts.HEARING_READY, {"hearing": self.settings.hearing})

    def _hearing_lost(self, event: e.HearingLost, now: float) -> Commands:
        if not self.hears_elsewhere:
            return
        self._hearing_losses += 1
        again = event.retry and self._hearing_losses <= silence.HEARING_LOSSES
        then = self.settings.hearing if again else "own"
        yield Note(facts.HEARING_LOST, {"hearing": self.settings.hearing, "reason": event.reason, "then": then})
        if again:
            yield OpenHearing()
        else:
            self.hears_elsewhere = False
            if self.state is not State.CONNECTING:  # the session that is opened next knows it anyway
                yield ConfigureModel(HEARD_BY_MODEL, dict(self.settings.turn_detection))
        if self.state is State.HEARING and self._speech is not None:
            # Its words are lost with the socket.
            yield from self._model_did_not_hear(now)
