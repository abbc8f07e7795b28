"""Replies that another voice speaks: text out as it comes, sound in, and what is done when a voice fails.

The model answers in text; each item is an utterance of the voice, and its sound is the sound of that item. So all that holds for
the model's own voice holds here: the ledger counts what was heard, and a dead reply's sound is dropped by its name.
"""

from __future__ import annotations

from collections.abc import Sequence

from . import events as e
from . import facts, silence
from .agent_side import SAY, SPEAKING, AgentSide
from .commands import CancelReply, FinishSpeaking, LeaveVoice, Note, OpenVoice, Speak, StopSpeaking
from .floor import Commands
from .playback import Item
from .states import State
from .utterances import Utterance, is_sayable

SAY_AND_GO_ON = (
    "Your voice broke off. Say exactly these words first, without an apology: “{}” Then go on with what you had to say."
)


class Voicing(AgentSide):
    """What is done about text that has to be spoken, and about facts of voices."""

    # --- text out

    def _reply_text(self, event: e.ReplyText, now: float) -> Commands:
        if not event.spoken:
            yield from self._began_unseen(event.reply_id, now)
        event = self._named(event)
        yield from super()._reply_text(event, now)
        if event.spoken or event.reply_id in self.replies.dead:
            return
        item = self.playback.item(event.reply_id, event.item_id, event.content_index)
        if self.has_own_voice and self._as_text and event.reply_id == self.replies.active:
            yield from self._ask_for_sound(event.reply_id, now)
        else:
            yield from self._speak(item, now)

    def _ask_for_sound(self, reply_id: str, now: float) -> Commands:
        """It was asked for as text before the last voice failed; to wait for all of it would only make the caller wait."""
        yield CancelReply(reply_id)
        self.replies.bury(reply_id, 0)
        self.replies.sign_of_life(reply_id, now)
        self._as_text = False
        for item in self.playback.forget(reply_id):
            self.repairs.later(item, "")
        if self.state is State.REPLYING:
            yield from self._want(self._because or "caller_stopped", now)
        else:
            self._owes_answer = True

    def _reply_text_done(self, event: e.ReplyTextDone, now: float) -> Commands:
        event = self._named(event)
        yield from super()._reply_text_done(event, now)
        if not event.spoken and event.reply_id not in self.replies.dead:
            item = self.playback.item(event.reply_id, event.item_id, event.content_index)
            yield from self._speak(item, now)
            if self.has_own_voice and not item.received and self.utterances.of(item) is None:
                yield from self._take_over([(item, 0)], now)  # asked for as text before the last voice failed
            else:
                yield from self._finish(item, now)

    def _speak(self, item: Item, now: float) -> Commands:
        """Give the voice what of an item's text it has not yet. One item after the other: else it speaks them all at once."""
        if self.has_own_voice or item.audio_done or item.stopped or not item.text:
            return
        self._text_at.setdefault(item.reply_id, now)
        utterance = self.utterances.of(item)
        if utterance is None and self.utterances.speaking:
            item.waits_for_voice = True
            return
        utterance = utterance or self.utterances.begin(item, self.voice, 0, now)
        yield from self._give(utterance, item.text[utterance.base + len(utterance.text) :], now)

    def _give(self, utterance: Utterance, text: str, now: float) -> Commands:
        if text and not utterance.finished:
            self.utterances.give(utterance, text, now)
            yield Speak(utterance.voice, utterance.id, text)

    def _finish(self, item: Item, now: float) -> Commands:
        utterance = self.utterances.of(item)
        if item.waits_for_voice:
            item.text_done = True
        elif utterance is None:
            yield from super()._finish(item, now)  # its sound was the model's own, or has all come
        elif not utterance.text:  # it was to say more, and there is no more
            item.text_done = True
            self.utterances.done(utterance)
            yield from super()._finish(item, now)
        elif not utterance.finished:
            item.text_done = True
            self.utterances.finish(utterance, now)
            yield FinishSpeaking(utterance.voice, utterance.id)

    def _next_item(self, now: float) -> Commands:
        """The voice has said one; another of the same reply may have been written meanwhile."""
        item = next((item for item in self.playback.items.values() if item.waits_for_voice), None)
        if item is not None and not self.utterances.speaking:
            item.waits_for_voice = False
            yield from self._speak(item, now)
            if item.text_done:
                yield from self._finish(item, now)

    # --- sound in

    def _voice_audio(self, event: e.VoiceAudio, now: float) -> Commands:
        utterance = self.utterances.find(event.utterance)
        if utterance is None:
            yield from self._late_sound(event)
            return
        item = utterance.item
        if not item.received:
            yield from self._first_sound(item, now)
        self.utterances.sound(utterance, event.audio, now)
        yield from self.playback.add(item, event.audio, now)

    def _late_sound(self, event: e.VoiceAudio) -> Commands:
        """Sound of an utterance that was stopped: dropped, and counted with its interruption. It comes in many pieces, and is told
        when it begins, each time that it has doubled, and at its end, if the provider tells that."""
        reply_id = self.utterances.reply_of_stopped(event.utterance) or ""
        dead = self.replies.dead.get(reply_id)
        if dead is None:
            return
        dead.late_bytes += len(event.audio)
        if dead.done and dead.interruption and dead.late_bytes >= 2 * dead.told_bytes:
            dead.told_bytes = dead.late_bytes
            yield self._interruption_settled(reply_id)

    def _late_sound_ends(self, event: e.VoiceDone) -> Commands:
        reply_id = self.utterances.reply_of_stopped(event.utterance) or ""
        dead = self.replies.dead.get(reply_id)
        if dead is not None and dead.done and dead.interruption and dead.late_bytes != dead.told_bytes:
            dead.told_bytes = dead.late_bytes
            yield self._interruption_settled(reply_id)

    def _voice_timed(self, event: e.VoiceTimed, now: float) -> Commands:
        utterance = self.utterances.find(event.utterance)
        if utterance is not None:
            utterance.sounds()
            for characters, ms in event.points:
                utterance.item.tell(utterance.base + characters, (utterance.start_ms or 0.0) + ms)
        return
        yield

    def _voice_done(self, event: e.VoiceDone, now: float) -> Commands:
        utterance = self.utterances.find(event.utterance)
        if utterance is None:
            yield from self._late_sound_ends(event)
            return
        if not utterance.received and is_sayable(utterance.text):
            yield from self._voice_fails(utterance.voice, "no sound", now)
            return
        if not utterance.finished:  # it ends what we have not ended: what it had is said, the rest is another utterance
            yield from self._voice_fails(utterance.voice, "ended too early", now, again=True)
            return
        self._voice_losses = 0
        self.utterances.done(utterance)
        yield from super()._finish(utterance.item, now)
        yield from self._next_item(now)
        if self.making or self.playback.unheard_s(now):
            return
        if self.state is State.REPLYING and not any(item.received for item in self.playback.items.values()):
            reply_id = utterance.item.reply_id
            self.playback.forget(reply_id)
            yield from self._came_to_nothing(e.ReplyDone(reply_id, "completed"), now)
        elif self.state in SPEAKING:
            yield from self._heard_to_its_end(now)

    def _heard_to_its_end(self, now: float) -> Commands:
        yield from self._stop_voice()
        yield from super()._heard_to_its_end(now)

    def _stop_voice(self) -> Commands:
        """Nothing that is still to be spoken is wanted."""
        for utterance in self.utterances.open:
            self.utterances.stop(utterance)
            yield StopSpeaking(utterance.voice, utterance.id)

    # --- a voice fails

    def _voice_failed(self, event: e.VoiceFailed, now: float) -> Commands:
        utterance = self.utterances.find(event.utterance)
        if utterance is not None:
            yield from self._voice_fails(utterance.voice, event.code, now, again=event.retry)
        elif not event.utterance:
            yield from self._note_voice(self.voice, event.code, "")

    def _voice_lost(self, event: e.VoiceLost, now: float) -> Commands:
        if event.voice == self.voice and not self.has_own_voice:
            yield from self._voice_fails(event.voice, event.reason, now, again=event.retry)

    def _text_stalls(self, now: float) -> Commands:
        yield self._stuck(now, self.utterances.text_at, "say what there is of the text")
        for utterance in self.utterances.open:
            yield from self._finish(utterance.item, now)

    def _voice_is_slow(self, now: float) -> Commands:
        utterance = self.utterances.open[0]
        if utterance.finished and not is_sayable(utterance.rest if utterance.received else utterance.text):
            yield self._stuck(now, utterance.awaited_since, "take what was spoken for all of it")
            yield from self._voice_done(e.VoiceDone(utterance.id), now)
        else:
            yield from self._voice_fails(utterance.voice, "no sound in time", now)

    def _voice_fails(self, voice: int, code: str, now: float, again: bool = False) -> Commands:
        """Say the rest with the same voice once more, with the next, or with the model's own."""
        self._voice_losses += 1
        broken = self.utterances.first
        silent_since = max(now, self.playback.ends_at)
        if broken is not None and not broken.received:
            silent_since = broken.silent_since or broken.awaited_since or now
        in_time = now + silence.VOICE_WAIT <= silent_since + silence.WITHOUT_SOUND
        again = again and in_time and self._voice_losses <= silence.VOICE_LOSSES
        if not again:
            self.voice, self._voice_losses = voice + 1, 0
        yield from self._note_voice(voice, code, self._name(self.voice))
        if not again:
            yield LeaveVoice(voice, failed=True)
        for number in range(self.voice, min(self.voice + 1 + again, len(self.settings.voices))):
            yield OpenVoice(number)  # the next one, too, as soon as one is in doubt: its handshake takes its time
        said = broken.base + len(broken.text) - len(broken.rest) if broken is not None else 0
        if broken is not None:
            self.utterances.stop(broken)
            if again:
                yield StopSpeaking(broken.voice, broken.id)
            yield from self._say_rest(broken.item, said, silent_since, now)

    def _say_rest(self, item: Item, said: int, silent_since: float, now: float) -> Commands:
        """Of this item only so many characters are said."""
        if self.has_own_voice:
            waiting = [(other, 0) for other in self.playback.items.values() if other.waits_for_voice]
            yield from self._take_over([(item, said), *waiting], now)
        elif item.text_done and not is_sayable(item.text[said:]):
            yield from super()._finish(item, now)
            yield from self._next_item(now)
        else:
            utterance = self.utterances.begin(item, self.voice, said, now, silent_since)
            yield from self._give(utterance, item.text[said:], now)
            if item.text_done:
                yield from self._finish(item, now)

    def _take_over(self, parts: Sequence[tuple[Item, int]], now: float) -> Commands:
        """No voice is left but the model's own. The model is left with what was said, and asked to say the rest."""
        reply_id = parts[0][0].reply_id
        whole = self.replies.active != reply_id  # else another item may still be written
        rest = ""
        for item, said in parts:
            rest, whole = f"{rest} {item.text[said:]}".strip(), whole and item.text_done
            yield from self._break_off(item, said, now)
            if not item.received:
                self.playback.drop(item)
        if whole and not is_sayable(rest):
            return
        silent = not any(item.reply_id == reply_id for item in self.playback.items.values())
        if whole or not silent:
            self._unsaid, self._unsaid_of = (SAY if whole else SAY_AND_GO_ON).format(rest), reply_id
        elif self.state is State.REPLYING:
            yield from self._want(self._because or "caller_stopped", now)
        else:
            self._owes_answer = True

    def _rest_is_due(self, now: float) -> Commands:
        """While what the voice has said is heard, the caller can still be weighed against it; then the model goes on by itself."""
        yield from self._want("voice_failed", now)

    def _break_off(self, item: Item, said: int, now: float) -> Commands:
        """What comes after so many characters is not said in this item."""
        being_made = self.replies.active == item.reply_id
        if being_made and item.reply_id not in self.replies.dead:
            yield CancelReply(item.reply_id)
            self.replies.bury(item.reply_id, 0)
            self.replies.sign_of_life(item.reply_id, now)
        item.text, item.text_done, item.waits_for_voice = item.text[:said].rstrip(), True, False
        yield from super()._finish(item, now)
        if being_made:
            self.repairs.later(item, item.text)
        elif not item.lost:
            yield from self.repairs.repair(item, item.text, now)

    def _name(self, voice: int) -> str:
        return self.settings.voices[voice] if voice < len(self.settings.voices) else "own"

    def _note_voice(self, voice: int, code: str, then: str) -> Commands:
        yield Note(facts.VOICE_FAILED, {"voice": self._name(voice), "code": code, "then": then})
