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

SURELY_SPEECH_MS = 600.0
"""Of a voice, by our own ear: no provider should miss that."""

SURE_MS = 192
"""Of such sound stop the agent. The provider's first words come half a second after their sound, and the model hears none."""

HEARD_BY_MODEL = "hearing-lost"


class Elsewhere(OverAgent):
    """What is done about an ear that is not the model's, and without it."""

    # --- while there is no session with the model

    def _heard_meanwhile(self, event: e.SpeechStarted | e.SpeechStopped, now: float) -> Commands:
        """The provider hears the caller whether the model's session stands or not."""
        if not self.hears_elsewhere:
            yield Note(facts.UNEXPECTED, {"event": type(event).__name__, "state": str(self.state)})
        elif isinstance(event, e.SpeechStarted):
            yield from self._hear(event, now, over_agent=False)
        else:
            yield from self._note_turn(event, now)
            self._stopped_at = now

    def _committed_meanwhile(self, event: e.InputCommitted, now: float) -> Commands:
        """It stands in the transcript, and goes to the model with the new session."""
        if not self.hears_elsewhere:
            yield Note(facts.UNEXPECTED, {"event": "InputCommitted", "state": str(self.state)})
        elif self.transcript.words_before(event.item_id):
            self.transcript.caller_item(event.item_id)

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
        self.told_to_end, self.unheard_since = False, None
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
            judged = self.hears_elsewhere and self.settings.speech_probability > 0  # else any sound counts
            if judged and self.unheard_since is None and self.burst.voiced_ms >= SURELY_SPEECH_MS:
                self.unheard_since = now
        self._sure_ms = self._sure_ms + FRAME_MS if event.probability >= SURE else 0.0
        bare = self.hears_elsewhere and not self.settings.gated and self.state is State.REPLYING
        if bare and self._sure_ms >= SURE_MS and self.playback.unheard_s(now):
            yield from self._stop_for("", self._sure(event.probability), now)
            self.state, self.speech_started_at = State.HEARING, now

    # --- the provider

    def _open_hearing(self, now: float) -> Commands:
        self.hearing_since = now
        yield OpenHearing()

    def _hearing_is_silent(self, now: float) -> Commands:
        yield from self._hearing_lost(e.HearingLost("not ready in time"), now)

    def _hearing_is_deaf(self, now: float) -> Commands:
        """Our own ear hears somebody, and the provider has no word of it."""
        yield from self._hearing_lost(e.HearingLost("hears nothing", retry=False), now)
        if self.state in (State.LISTENING, State.PREPARING) and not self.replies.asked_is_wanted:
            yield from self._model_did_not_hear(now)

    def _hearing_ready(self, event: e.HearingReady, now: float) -> Commands:
        self._hearing_losses, self.hearing_since = 0, None
        yield Note(facts.HEARING_READY, {"hearing": self.settings.hearing})

    def _hearing_lost(self, event: e.HearingLost, now: float) -> Commands:
        if not self.hears_elsewhere:
            return
        self._hearing_losses += 1
        self.hearing_since = self.unheard_since = None
        self.sent_bytes, self._input_began_at = 0, now  # who hears next counts from here
        again = event.retry and self._hearing_losses <= silence.HEARING_LOSSES
        then = self.settings.hearing if again else "own"
        yield Note(facts.HEARING_LOST, {"hearing": self.settings.hearing, "reason": event.reason, "then": then})
        if again:
            yield from self._open_hearing(now)
        else:
            self.hears_elsewhere = False
            if self.state is not State.CONNECTING:  # the session that is opened next knows it anyway
                yield ConfigureModel(HEARD_BY_MODEL, dict(self.settings.turn_detection))
        if self.state is State.HEARING and self._speech is not None:
            # Its words are lost with the socket.
            yield from self._model_did_not_hear(now)
