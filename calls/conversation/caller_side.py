"""The caller's side: speech, over the agent or not, and what it stops."""

from __future__ import annotations

from . import barge_in, facts, silence
from . import events as e
from .agent_side import AgentSide
from .commands import ClearPlayback, CommitInput, DeleteItem, Note, SendAudio
from .floor import Commands
from .interruption import Interruption
from .states import State

SILENT_FRAME = "/" * 213 + "w=="
"""160 bytes of mu-law silence (0xFF) in base64."""


class CallerSide(AgentSide):
    """What is done about facts of the caller."""

    def _caller_audio(self, event: e.CallerAudio, now: float) -> Commands:
        self.audio_at = now
        self._early_audio.append(event.encoded)
        return
        yield

    def _caller_key(self, event: e.CallerKey, now: float) -> Commands:
        yield Note(facts.CALLER_KEY, {"digit": event.digit})

    def _caller_words(self, event: e.CallerTranscript, now: float) -> Commands:
        self.transcript.caller_words(event.item_id, event.text)
        yield Note(facts.CALLER_WORDS, {"item_id": event.item_id, "text": event.text})

    def _caller_words_failed(self, event: e.CallerTranscriptFailed, now: float) -> Commands:
        yield Note(facts.CALLER_WORDS_FAILED, {"item_id": event.item_id, "code": event.code})

    def _hear(self, event: e.SpeechStarted, now: float, over_agent: bool) -> Commands:
        self._speech, self.speech_started_at = event, now
        self.retry_at, self._reply_attempts = None, 0
        self._greeted = True  # whoever speaks first is answered, not greeted
        yield Note(
            facts.CALLER_SPEAKING,
            {"item_id": event.item_id, "audio_start_ms": event.audio_start_ms, "over_agent": over_agent},
        )

    def _caller_takes_turn(self, event: e.SpeechStarted, now: float) -> Commands:
        over_agent = now < self._still_speaking_until
        yield from self._hear(event, now, over_agent)
        self.state = State.HEARING
        if over_agent:
            yield from self._interrupt(now)

    def _caller_goes_on(self, event: e.SpeechStarted, now: float) -> Commands:
        """Speech after the pause in which the reply was asked for: it is no longer wanted."""
        self.wanted = ""
        yield from self._hear(event, now, over_agent=self.replies.asked_is_wanted)
        self.state = State.HEARING
        if self.replies.asked_is_wanted:
            yield from self._interrupt(now)

    def _caller_over_agent(self, event: e.SpeechStarted, now: float) -> Commands:
        if self.replies.active is None and not self.playback.unheard_s(now):
            yield from self._heard_to_its_end(now)
            yield from self._caller_takes_turn(event, now)
            return
        yield from self._hear(event, now, over_agent=True)
        if self.settings.mode == "full" and self.settings.min_speech_ms > 0:
            self.state = State.HOLDING
            self._held = self.playback.hold(now)
            yield ClearPlayback(self._held.heard_until)
            return
        self.state = State.HEARING
        yield from self._interrupt(now)

    def _interrupt(self, now: float) -> Commands:
        self._interruptions += 1
        speech = self._speech.item_id if self._speech else ""
        act = Interruption(self._interruptions, self.settings, self.playback, self.replies, speech)
        if self.settings.mode == "legacy":
            yield from act.cancel_only(self.transcript, now)
            return
        unheard = self.playback.unheard_s(now)
        yield from act.stop(self.transcript, now, self._held)
        self._held = None
        if self.settings.suppress_in_flight:
            self._suppress_until = now + self.settings.suppress_ms / 1000
        self._still_speaking_until = now if self.settings.mark_silent else now + unheard
        for item in act.items:
            if self.settings.clear_buffers and item.reply_id in self.replies.dead:
                if item.received:
                    yield self._agent_turn(item, now, interruption=act.number)
                self.playback.forget(item.reply_id)
        if self.replies.active is None:
            for reply_id, dead in self.replies.dead.items():
                if dead.interruption == act.number:
                    dead.done = True
                    yield self._interruption_settled(reply_id)

    def _caller_stopped(self, event: e.SpeechStopped, now: float) -> Commands:
        self._stopped_at = self.prepared_at = now
        self.state = State.PREPARING
        began_ms, spoken_ms = 0, 0
        if self._speech is not None:
            spoken_ms = barge_in.speech_ms(self.settings, self._speech.audio_start_ms, event.audio_end_ms)
            end_ms = self.at_ms(self._input_began_at) + event.audio_end_ms - self.settings.silence_ms
            began_ms = max(0, end_ms - spoken_ms)
        yield Note(
            facts.CALLER_STOPPED,
            {"item_id": event.item_id, "audio_end_ms": event.audio_end_ms, "speech_ms": spoken_ms},
        )
        yield Note(
            facts.CALLER_TURN,
            {"item_id": event.item_id, "started_ms": began_ms, "ended_ms": began_ms + spoken_ms},
        )
        if not self.settings.create_response:
            self.wanted = "caller_stopped"

    def _caller_stopped_while_held(self, event: e.SpeechStopped, now: float) -> Commands:
        started_ms = self._speech.audio_start_ms if self._speech else event.audio_end_ms
        spoken_ms = barge_in.speech_ms(self.settings, started_ms, event.audio_end_ms)
        if not barge_in.too_short(self.settings, spoken_ms):
            yield from self._interrupt(now)
            yield from self._caller_stopped(event, now)
            return
        self._refused_items.add(event.item_id)
        self.state = State.REPLYING
        self._held = None
        yield Note(
            facts.INTERRUPTION_REFUSED,
            {"item_id": event.item_id, "speech_ms": spoken_ms, "minimum_ms": self.settings.min_speech_ms},
        )
        yield from self.playback.resume(now)

    def _verdict_is_due(self, now: float) -> Commands:
        self.state = State.HEARING
        yield from self._interrupt(now)

    def _committed(self, event: e.InputCommitted, now: float) -> Commands:
        if event.item_id in self._refused_items:
            self.transcript.drop(event.item_id)
            yield DeleteItem(event.item_id)
        else:
            self.transcript.caller_item(event.item_id)

    def _committed_and_waited_for(self, event: e.InputCommitted, now: float) -> Commands:
        yield from self._committed(event, now)
        if self.wanted:
            yield from self._want(self.wanted, now)

    def _fill_gap(self, now: float) -> Commands:
        """The media stopped while the caller spoke: let the VAD hear silence, or it never hears the end."""
        self.gap_filled_at = now
        for _ in range(silence.GAP_FILL_MS // 20):
            yield SendAudio(SILENT_FRAME)

    def _speech_never_stops(self, now: float) -> Commands:
        yield self._stuck(now, self.speech_started_at, "end the caller's turn by hand")
        yield CommitInput()
        self.state, self._stopped_at, self.prepared_at = State.PREPARING, now, now
        self.wanted = "caller_stopped"
