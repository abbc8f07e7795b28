"""The caller's side: speech as turns, and the interruption that stops everything."""

from __future__ import annotations

from . import barge_in, facts, patience, silence
from . import events as e
from .barge_in import Verdict
from .commands import Command, CommitInput, DeleteItem, EndUtterance, Note, SendAudio, SendToHearing
from .evidence import NO_SPEECH_MS
from .floor import Commands
from .interruption import Interruption
from .playback import FRAME, SILENCE
from .states import State
from .voicing import Voicing

SILENT_FRAME = "/" * 213 + "w=="
"""160 bytes of mu-law silence (0xFF) in base64."""

NO_WORDS = "no_words"
"""Why a turn is none that another ear heard: it has taken back what it first took for words."""

ANY_SPEECH = Verdict(True, "any_speech", ({"evidence": "any_speech"},))


class CallerSide(Voicing):
    """What is done about facts of the caller."""

    def pass_on(self, audio: bytes, encoded: str) -> Command:
        """A frame of the caller's sound, to who hears it."""
        return SendToHearing(audio) if self.hears_elsewhere else SendAudio(encoded)

    def _caller_audio(self, event: e.CallerAudio, now: float) -> Commands:
        self.audio_at = now
        if self.hears_elsewhere:
            self.sent_bytes += len(event.audio)
            yield self.pass_on(event.audio, event.encoded)
        else:
            self._early_audio.append(event.encoded)

    def _caller_key(self, event: e.CallerKey, now: float) -> Commands:
        self.idle_prompts, self.quiet_since, self._last_reply = 0, now, ""  # who presses keys is there
        yield Note(facts.CALLER_KEY, {"digit": event.digit})

    def _caller_words_failed(self, event: e.CallerTranscriptFailed, now: float) -> Commands:
        self._words.pop(event.item_id, None)
        yield Note(facts.CALLER_WORDS_FAILED, {"item_id": event.item_id, "code": event.code})

    # --- the caller begins

    def _hear(self, event: e.SpeechStarted, now: float, over_agent: bool) -> Commands:
        self._speech, self.speech_started_at = event, now
        self.retry_at, self._reply_attempts = None, 0
        self._greeted = True  # whoever speaks first is answered, not greeted
        self._doubted, self._voiced_ms = False, self.burst.voiced_ms
        self._ended_by_hand = False
        self._surest = self.burst.surest if self.burst.is_alive(now) else None
        self._server_cancels, self._refusals, self._words_died = self.settings.interrupt_response, 0, False
        self._spoke_after = self.state
        self._wish = self.wanted or (self._because if self.replies.asked_is_wanted else "")
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
        over_agent = self.replies.asked_is_wanted or self.playback.unheard_s(now) > 0 or self.utterances.speaking
        yield from self._hear(event, now, over_agent)
        self.wanted, self.state = "", State.HEARING
        if over_agent:
            yield from self._interrupt(now)

    def _model_hears_it_too(self, event: e.SpeechStarted, now: float) -> Commands:
        """Our ear was quicker, and the agent is silent already."""
        if self._speech is None:
            yield from self._hear(event, now, over_agent=True)
        else:
            yield Note(facts.UNEXPECTED, {"event": "SpeechStarted", "state": str(self.state)})

    # --- the caller interrupts

    def _interrupt(self, now: float, verdict: Verdict = ANY_SPEECH, speech: str = "") -> Commands:
        self._interruptions += 1
        speech = speech or (self._speech.item_id if self._speech else "")
        act = Interruption(
            self._interruptions,
            self.settings,
            self.playback,
            self.replies,
            utterances=self.utterances,
            repairs=self.repairs,
            speech_item_id=speech,
            verdict=verdict,
            server_cancels=self._server_cancels,
        )
        self.burst.begin()
        self._owes_answer, self.idle_prompts, self._unsaid = False, 0, ""
        if self.settings.mode == "legacy":
            yield from act.cancel_only(self.transcript, now)
            return
        unheard = self.playback.unheard_s(now)
        yield from act.stop(self.transcript, now, self._held)
        self._held, self._held_at, self._tries_echo = None, None, False
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

    # --- the caller ends

    def _caller_stopped(self, event: e.SpeechStopped, now: float) -> Commands:
        if why := self._no_turn(event, now):
            yield from self._refuse_turn(event, why, now)
            return
        self.burst.begin()  # what was said is no evidence against the reply to it
        yield from self._note_turn(event, now)
        self._stopped_at = self.prepared_at = now
        self._said = event.item_id
        self.state, self.committed = State.PREPARING, False
        kind = patience.kind_of_answer(self._agent_words)
        extra_ms = patience.extra_ms(self.settings, kind)
        self.answer_at = now + extra_ms / 1000
        if extra_ms:
            yield Note(facts.PATIENCE, {"kind": kind, "extra_ms": extra_ms})
        if not self.settings.create_response:
            self.wanted = "caller_stopped"

    def _note_turn(self, event: e.SpeechStopped, now: float) -> Commands:
        began_ms, spoken_ms = 0, self._spoken_ms(event)
        if self._speech is not None:
            end_ms = self._said_at_ms(event.audio_end_ms, now) - barge_in.silence_ms(self.settings)
            began_ms = max(0, end_ms - spoken_ms)
        self._speech, self.idle_prompts = None, 0  # a noise is no answer to “are you still there?”
        self._words.pop(event.item_id, None)
        yield Note(
            facts.CALLER_STOPPED,
            {"item_id": event.item_id, "audio_end_ms": event.audio_end_ms, "speech_ms": spoken_ms},
        )
        yield Note(
            facts.CALLER_TURN,
            {"item_id": event.item_id, "started_ms": began_ms, "ended_ms": began_ms + spoken_ms},
        )

    def _said_at_ms(self, offset_ms: int, now: float) -> int:
        """An offset counts the sound that was sent and not the time that passed: some may be missing, or was sent in one go."""
        behind_ms = self.sent_bytes / e.BYTES_PER_MS - offset_ms
        return self.at_ms(now) - round(behind_ms) if behind_ms >= 0 else self.at_ms(self._input_began_at) + offset_ms

    def _spoken_ms(self, event: e.SpeechStopped) -> int:
        """How long the caller spoke, by the model's offsets; 0 while it has not said when that began."""
        if self._speech is None:
            return 0
        return barge_in.speech_ms(self.settings, self._speech.audio_start_ms, event.audio_end_ms)

    def _no_turn(self, event: e.SpeechStopped, now: float) -> str:
        """Why what the model took for a turn is none, as far as our ear can tell; empty when it is one. Who has stopped the agent
        is always answered."""
        s, burst = self.settings, self.burst
        if not s.speech_probability or s.create_response or not burst.is_alive(now):
            return ""
        if self._voiced_ms < NO_SPEECH_MS and (self._doubted or burst.echo_ms > NO_SPEECH_MS):
            return "echo" if burst.echo_ms > self._voiced_ms else "noise"
        if self._spoke_after not in (State.LISTENING, State.PREPARING) or self._surest is None:
            return ""
        return "noise" if self._surest < s.turn_probability else ""

    def _refuse_turn(self, event: e.SpeechStopped, why: str, now: float) -> Commands:
        """A noise is not answered, and leaves nothing behind in the conversation. What it got in the way of is taken up again."""
        self._refused_items[event.item_id] = why
        surest = {
            "evidence": "probability",
            "value": round(self._surest or 0.0, 2),
            "threshold": self.settings.turn_probability,
        }
        reasons = [] if why == NO_WORDS else [surest]
        self._speech, self._doubted = None, False
        self.burst.begin()
        yield Note(facts.TURN_REFUSED, {"item_id": event.item_id, "because": why, "reasons": reasons})
        if self._spoke_after is State.PREPARING and self._wish:
            self.state, self.wanted, self.prepared_at, self.committed = State.PREPARING, self._wish, now, True
            yield from self._want_if_due(now)
        else:
            quiet_since = self.quiet_since
            self._rest(now)
            self.quiet_since = quiet_since  # a noise does not break the silence
            if self._unsaid and self.state is State.LISTENING:
                yield from self._want("voice_failed", now)

    def _committed(self, event: e.InputCommitted, now: float) -> Commands:
        self._said = ""
        if event.item_id in self._refused_items:
            self.transcript.drop(event.item_id)
            yield DeleteItem(event.item_id)
        else:
            self.transcript.caller_item(event.item_id)

    def _committed_and_waited_for(self, event: e.InputCommitted, now: float) -> Commands:
        yield from self._committed(event, now)
        self.committed = True
        yield from self._want_if_due(now)

    # --- speech that ends badly

    def _fill_gap(self, now: float) -> Commands:
        """The media stopped while the caller spoke: let the VAD hear silence, or it never hears the end."""
        self.gap_filled_at = now
        self.sent_bytes += silence.GAP_FILL_MS * e.BYTES_PER_MS
        for _ in range(silence.GAP_FILL_MS // 20):
            yield self.pass_on(SILENCE * FRAME, SILENT_FRAME)

    def _speech_never_stops(self, now: float) -> Commands:
        yield self._stuck(now, self.speech_started_at, "end the caller's turn by hand")
        yield EndUtterance() if self.hears_elsewhere else CommitInput()
        self.state, self._stopped_at, self.prepared_at = State.PREPARING, now, now
        self._speech, self.committed, self.answer_at = None, False, now
        self.wanted = "caller_stopped"
        self._ended_by_hand, self._voiced_ms = True, 0.0

    def _model_did_not_hear(self, now: float) -> Commands:
        """Our ear stopped the agent for speech that the model's VAD never noticed: the agent asks what it was."""
        yield self._stuck(now, self.speech_started_at, "ask the caller to repeat it")
        self._stopped_at = now
        yield from self._want("unheard", now)
