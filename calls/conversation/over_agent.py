"""Speech over the agent: the gate between a sound and an interruption.

The reply is kept until it is known what the sound is. Meanwhile the agent talks on (WEIGHING) or is silent (HOLDING), as the
settings say. An interruption takes its five steps; anything else leaves the reply playing, and its item is taken out of the
conversation.
"""

from __future__ import annotations

from . import barge_in, facts, patience, phrases
from . import events as e
from .barge_in import Case, Verdict
from .caller_side import CallerSide
from .commands import AddItem, ClearPlayback, Note
from .evidence import ECHO_LASTS_MS, FRAME_MS, NO_SPEECH_MS
from .floor import Commands
from .states import OVER_AGENT, State


class OverAgent(CallerSide):
    """What is done about speech while a reply is being made or can still be heard."""

    # --- it begins

    def _caller_over_agent(self, event: e.SpeechStarted, now: float) -> Commands:
        if not self.making and not self.playback.unheard_s(now):
            self._last_reply = ""  # the caller is there after all
            yield from self._heard_to_its_end(now)
            yield from self._speech_after_the_reply(event, now)
            return
        yield from self._hear(event, now, over_agent=True)
        if self._is_protected():
            self._still_open = event.item_id
            return
        self._still_open = ""  # what was refused has ended, whether its end was told or not
        self._refused_items.pop(event.item_id, None)
        if not self.settings.gated:
            self.state = State.HEARING
            yield from self._interrupt(now)
        else:
            yield from self._stop_or_talk_on(now)
            yield from self._weigh(now)

    def _speech_after_the_reply(self, event: e.SpeechStarted, now: float) -> Commands:
        if self.state is State.LISTENING:
            yield from self._caller_takes_turn(event, now)
        elif self.state is State.PREPARING:  # something else was to be said at once
            yield from self._caller_goes_on(event, now)

    def _caller_goes_on(self, event: e.SpeechStarted, now: float) -> Commands:
        if self._is_protected():  # asked for, and on its way
            retry_at = self.retry_at
            yield from self._hear(event, now, over_agent=True)
            self._still_open, self.retry_at = event.item_id, retry_at
        elif self._can_weigh_before_the_reply(now):
            yield from self._hear(event, now, over_agent=True)
            self.wanted = ""
            yield from self._stop_or_talk_on(now)
            yield from self._weigh(now)
        else:
            yield from super()._caller_goes_on(event, now)

    def _can_weigh_before_the_reply(self, now: float) -> bool:
        """The reply is on its way and can wait for our ear to say what the sound is: a cough is no reason to ask anew."""
        s = self.settings
        hears = s.gated and s.min_speech_ms > 0 and s.speech_probability > 0 and self.burst.is_alive(now)
        return hears and self.replies.asked_is_wanted and self.replies.active is None and not self.playback.items

    def _reply_created_too_late(self, event: e.ReplyCreated, now: float) -> Commands:
        if self.state is State.HOLDING and self.replies.asked_is_wanted and event.request_id == self.replies.asked:
            yield from self._reply_created(event, now)  # and is held from its first sound on
        else:
            yield from super()._reply_created_too_late(event, now)

    def _stop_or_talk_on(self, now: float) -> Commands:
        """While the sound is weighed. A reply of which nothing can be heard yet does not begin meanwhile."""
        audible = self.playback.unheard_s(now) > 0
        if audible and (self.settings.stop_sound == "when_sure" or now < self._grace_until()):
            self.state = State.WEIGHING
            return
        self.state = State.HOLDING
        self._held, self._held_at = self.playback.hold(now), now
        if audible:
            # The number that it will have if it is an interruption; if not, the next one's own clear comes later.
            yield ClearPlayback(self._held.heard_until, self._interruptions + 1, held=True)

    def _is_protected(self) -> bool:
        """Whether what is said, or about to be, is a greeting that is always heard to its end."""
        if not (self.settings.gated and self.settings.protect_greeting):
            return False
        if self.state is State.PREPARING:
            if self._unsaid and self._unsaid_of == self._greeting_reply:
                return True  # its rest
            return "greeting" in (self.wanted, self._because if self.replies.asked_is_wanted else "")
        said = {self.replies.active, *(item.reply_id for item in self.playback.items.values())}
        return bool(self._greeting_reply) and self._greeting_reply in said

    def _grace_until(self) -> float:
        began_at = min((i.began_at for i in self.playback.items.values() if i.began_at is not None), default=None)
        return float("-inf") if began_at is None else began_at + self.settings.grace_ms / 1000

    # --- it is weighed

    def case(self, now: float, spoken_ms: float | None = None) -> Case:
        """All that is known of the sound over the agent."""
        item_id = self._speech.item_id if self._speech is not None else ""
        made = not self.making and bool(self.playback.items)
        return Case(
            self.settings,
            now,
            self.burst,
            noticed_at=self.speech_started_at if self._speech is not None and not self._still_open else None,
            spoken_ms=spoken_ms,
            words=self._words.get(item_id, ""),
            grace_until=self._grace_until(),
            ends_at=now + self.playback.left_s(now) if made else None,
            asked=patience.asks(" ".join(item.text for item in self.playback.items.values())),
            held_at=self._held_at,
            tries_echo=self._tries_echo,
            unheard=self.state is State.HOLDING and not any(item.heard for item in self.playback.items.values()),
        )

    def _weigh(self, now: float) -> Commands:
        if self.state is State.WEIGHING and not self.making and not self.playback.unheard_s(now):
            yield from self._heard_to_its_end(now)  # its last mark is still on its way
            return
        case = self.case(now)
        verdict = barge_in.weigh(case)
        self.look_at = barge_in.look_again_at(case) if verdict is None else None
        if verdict is None:
            return
        if verdict.stops:
            self.state = State.HEARING
            yield from self._interrupt(now, verdict)
        elif self._speech is not None:
            yield from self._go_on(self._speech.item_id, verdict, now)

    def _caller_stopped_over_agent(self, event: e.SpeechStopped, now: float) -> Commands:
        verdict = barge_in.weigh(self.case(now, self._spoken_ms(event)))
        if verdict is None or verdict.stops:
            self.state = State.HEARING
            yield from self._interrupt(now, verdict or barge_in.Verdict(True, "speech"))
            yield from self._caller_stopped(event, now)
        else:
            yield from self._go_on(event.item_id, verdict, now, ended=event)

    def _go_on(self, item_id: str, verdict: Verdict, now: float, ended: e.SpeechStopped | None = None) -> Commands:
        """It is no interruption: the reply goes on from where it was heard."""
        held, silent_ms = self._held, self._silent_ms(now)
        self._echoes += self._tries_echo and verdict.because == "echo"
        self._tries_echo = False
        yield self._refusal(item_id, verdict, now, silent_ms)
        self._held = self._held_at = None
        self.state = State.REPLYING
        if not verdict.keeps:
            self._refused_items[item_id] = verdict.because
        if verdict.because not in ("noise", "echo"):
            self._last_reply = ""  # whoever says anything over the goodbye is there
        if ended is None:
            self._still_open = item_id
        elif verdict.keeps:
            yield from self._note_turn(ended, now)
            self._owes_answer = True
        else:
            self._speech = None
        self.burst.begin()
        if held is not None:
            yield from self.playback.resume(now, self.settings.resume_overlap_ms)
        if self._spoke_after is State.PREPARING:
            yield from self._back_to_the_request(now)

    def _back_to_the_request(self, now: float) -> Commands:
        """The sound came before the reply: that is still on its way, or is asked for again where it failed meanwhile."""
        if self.replies.asked_is_wanted and self.replies.active is None:
            self.state = State.PREPARING
        elif self.replies.free and not self.making and not self.playback.items:
            yield from self._want(self._wish or "caller_stopped", now)

    def _silent_ms(self, now: float) -> int | None:
        """For how long the caller has not heard the reply on; None when it was not stopped, or could not be heard yet."""
        if self._held is None or self._held_at is None or not self._held.chunks:
            return None
        return round((now - self._held_at) * 1000)

    def _refusal(self, item_id: str, verdict: Verdict, now: float, silent_ms: int | None = None) -> Note:
        self.playback.advance(now)
        items = list(self.playback.items.values())
        speech = next((r["value"] for r in verdict.reasons if r["evidence"] == "speech_ms"), 0)
        return Note(
            facts.INTERRUPTION_REFUSED,
            {
                "item_id": item_id,
                "because": verdict.because,
                "reasons": list(verdict.reasons),
                "kept": verdict.keeps,
                "held": silent_ms is not None,
                "silent_ms": silent_ms or 0,
                "reply_id": items[0].reply_id if items else self.replies.active or "",
                "heard_ms": round(sum(item.heard_ms for item in items)),
                "speech_ms": speech,
                "minimum_ms": self.settings.min_speech_ms,
                "resumed_at_ms": self.at_ms(now),
            },
        )

    def _refused_speech_stopped(self, event: e.SpeechStopped, now: float) -> Commands:
        """The end of speech that stopped nothing."""
        if event.item_id != self._still_open:
            if self._ended_by_hand:
                yield from self._rest_of_a_turn(event, now)
                return
            yield Note(facts.UNEXPECTED, {"event": "SpeechStopped", "state": str(self.state)})
            return
        self._still_open = ""
        if event.item_id in self._refused_items:
            self._speech = None
            return
        if self._is_protected():
            yield self._refusal(event.item_id, barge_in.protected(self.case(now, self._spoken_ms(event))), now)
        yield from self._note_turn(event, now)
        self._owes_answer = True

    def _rest_of_a_turn(self, event: e.SpeechStopped, now: float) -> Commands:
        """Speech went on after its turn was ended by hand, under an id of its own. It is answered by itself, after what is said
        meanwhile; a hum that held the turn open is not."""
        self._ended_by_hand = False
        if self.settings.speech_probability and self.burst.is_alive(now) and self._voiced_ms < NO_SPEECH_MS:
            self._refused_items[event.item_id] = "noise"
            yield Note(facts.TURN_REFUSED, {"item_id": event.item_id, "because": "noise", "reasons": []})
            return
        yield from self._note_turn(event, now)
        if self.state is State.LISTENING:
            self._stopped_at = now
            yield from self._want("caller_stopped", now)
        elif self.state is State.REPLYING or self.replies.asked is not None:
            self._owes_answer = True

    # --- what our own ear hears, and what the words say

    def _sound_heard(self, event: e.SoundHeard, now: float) -> Commands:
        self.burst.take(event, self.settings)
        if self.burst.voiced_at == event.at:
            self._voiced_ms += FRAME_MS
        if self._surest is not None:
            self._surest = max(self._surest, event.probability)
        if self._could_be_a_person():
            yield from self._try_echo(now)
        elif self.state in OVER_AGENT:
            yield from self._weigh(now)
        elif self.state in (State.REPLYING, State.CONNECTING) and self.burst.counts_now:
            yield from self._heard_by_us(now)

    def _could_be_a_person(self) -> bool:
        """What is taken for an echo lasts so long that it may be somebody who is not given way to."""
        speaks = self.state is State.WEIGHING or (self.state is State.REPLYING and bool(self._still_open))
        return speaks and self._speech is not None and self.burst.echo_ms >= ECHO_LASTS_MS * 2**self._echoes

    def _try_echo(self, now: float) -> Commands:
        """Be silent for a moment: an echo ends with the agent's sound, and a person goes on."""
        self.burst.begin()
        if self._is_protected() or not self.playback.unheard_s(now):
            return
        self._refused_items.pop(self._still_open, None)
        self._still_open, self._tries_echo, self.look_at = "", True, None
        self.state = State.HOLDING
        self._held, self._held_at = self.playback.hold(now), now
        yield ClearPlayback(self._held.heard_until, self._interruptions + 1, held=True)
        yield from self._weigh(now)

    def _heard_by_us(self, now: float) -> Commands:
        """Speech that the model's VAD has not noticed, or that was refused and goes on, stops the agent when it is long enough."""
        s = self.settings
        if not s.gated or not s.min_speech_ms or self._is_protected() or not self.playback.unheard_s(now):
            return
        verdict = barge_in.weigh(self.case(now))
        if verdict is not None and verdict.stops:
            lost = self.state is State.CONNECTING
            yield from self._stop_for(self._still_open, verdict, now)
            self.speech_started_at = now
            if lost:  # no model hears it, so the next session asks for it
                self._words_died, self.state = not self.hears_elsewhere, State.CONNECTING
            else:
                self.state = State.HEARING

    def _stop_for(self, item_id: str, verdict: Verdict, now: float) -> Commands:
        """An interruption by speech that was taken for none until now."""
        self._refused_items.pop(item_id, None)
        if not self._still_open:
            self._speech = None
        self._still_open, self._spoke_after, self._server_cancels = "", State.REPLYING, False
        self.retry_at, self._reply_attempts = None, 0
        yield from self._interrupt(now, verdict, item_id)

    def _early_words(self, event: e.EarlyWords, now: float) -> Commands:
        if self._speech is None or event.item_id != self._speech.item_id:
            return
        self._words = {event.item_id: event.text}
        if self.state in OVER_AGENT:
            yield from self._weigh(now)
        elif self._still_open == event.item_id and self._calls_a_halt(event.item_id, event.text, now):
            yield from self._stop_for(event.item_id, self._halt(event.text), now)
            self.state = State.HEARING

    def _caller_words(self, event: e.CallerTranscript, now: float) -> Commands:
        self._words.pop(event.item_id, None)
        yield Note(facts.CALLER_WORDS, {"item_id": event.item_id, "text": event.text})
        if self._calls_a_halt(event.item_id, event.text, now):
            # “Stop” is shorter than most coughs, and its words came late. Its item is gone from the conversation already.
            yield from self._stop_for(event.item_id, self._halt(event.text), now)
            yield AddItem("user", event.text)
            self.transcript.caller_item(event.item_id)
            self.transcript.caller_words(event.item_id, event.text)
            self._stopped_at = self.answer_at = now
            yield from self._want("caller_stopped", now)
        elif event.item_id not in self._refused_items:
            self.transcript.caller_words(event.item_id, event.text)

    def _calls_a_halt(self, item_id: str, text: str, now: float) -> bool:
        """Whether speech that was refused turns out to hold words that always stop the agent, while it still talks."""
        speaks = self.state is State.REPLYING and self.playback.unheard_s(now) > 0 and not self._is_protected()
        refused = self._refused_items.get(item_id, "noise") not in ("noise", "echo") and self.settings.gated
        return speaks and refused and bool(phrases.that_stops(text, self.settings.interrupt_phrases))

    @staticmethod
    def _sure(probability: float) -> Verdict:
        return Verdict(
            True, "any_speech", ({"evidence": "probability", "value": round(probability, 2), "threshold": 0},)
        )

    @staticmethod
    def _halt(text: str) -> Verdict:
        return Verdict(True, "words", ({"evidence": "words", "text": text, "list": "interrupt_phrases"},))
