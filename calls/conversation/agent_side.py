"""The agent's side: replies asked for, made, played and heard."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from . import events as e
from . import facts, silence
from .commands import AskForReply, CancelReply, DeleteItem, Note
from .floor import Commands, Floor
from .playback import Item
from .states import State

SPEAKING = frozenset({State.REPLYING, State.WEIGHING})

OPENING = "Open the call. Say exactly these words: “{}”"
ALREADY_ACTIVE = "conversation_already_has_active_response"
SAY = "Say exactly these words and nothing else: “{}”"
SAY_FIRST = "Say exactly these words first: “{}” Then answer."
UNHEARD = (
    "The caller spoke over you and could not be understood. Ask briefly what they said, and do not go on as before."
)


Named = TypeVar("Named", e.ItemAdded, e.ReplyAudio, e.ReplyText, e.ReplyTextDone, e.ReplyAudioDone)


class AgentSide(Floor):
    """What is done about facts of the agent's replies."""

    # --- asking for a reply

    def _want(self, because: str, now: float) -> Commands:
        """Ask for a reply now, or as soon as the conversation is free for one."""
        self.state = State.PREPARING
        self.prepared_at = now
        self.wanted = because
        if because in ("caller_stopped", "restored", "unheard"):
            self._owes_answer = False
        if not self.replies.free or self.repairs.outstanding:
            return
        self.wanted, self._because, self.retry_at = "", because, None
        request_id = self.replies.ask(now)
        self._as_text = not self.has_own_voice
        yield AskForReply(request_id, self._words_for(because), as_text=self._as_text)
        yield Note(facts.REPLY_ASKED, {"request_id": request_id, "because": because})

    def _words_for(self, because: str) -> str:
        """What the reply is told beyond the agent's instructions."""
        s = self.settings
        match because:
            case "greeting":
                return OPENING.format(s.greeting)
            case "idle":
                return SAY.format(s.idle_prompt)
            case "goodbye":
                return SAY.format(s.idle_goodbye)
            case "warning":
                self._warning_asked = True
                return SAY.format(s.call_warning)
            case "unheard":
                return UNHEARD
            case "voice_failed":
                return self._unsaid
        if self._warning_due:
            self._warning_asked = True
            return SAY_FIRST.format(s.call_warning)
        return ""

    def _want_if_due(self, now: float) -> Commands:
        """Ask for the reply that is wanted, unless the caller is still given time to go on."""
        waiting = now < self.answer_at and self.wanted == "caller_stopped"
        if self.wanted and self.retry_at is None and self.state is State.PREPARING and not waiting:
            yield from self._want(self.wanted, now)

    def _patience_is_over(self, now: float) -> Commands:
        yield from self._want(self.wanted, now)

    def _nothing_came(self, now: float) -> Commands:
        yield self._stuck(now, self.prepared_at, "ask for the reply")
        yield from self._want(self.wanted or "caller_stopped", now)

    def _try_again(self, now: float) -> Commands:
        self.retry_at = None
        yield from self._want(self.wanted or self._because, now)

    def _reply_never_came(self, now: float) -> Commands:
        yield self._stuck(now, self.replies.asked_at, "ask for the reply again")
        if self.replies.asked is not None:
            self.replies.give_up_request(self._interruptions)
            self.replies.asked = None
        yield from self._ask_again(now)

    def _ask_again(self, now: float) -> Commands:
        self._reply_attempts += 1
        if self._reply_attempts >= silence.REPLY_ATTEMPTS:
            yield from self._end("no reply from the model", now, failed=True)
            return
        self.state = State.PREPARING
        self.wanted = self._because or "caller_stopped"
        self.prepared_at = now
        self.retry_at = now + silence.RETRY_PAUSE * 2 ** (self._reply_attempts - 1)

    def _model_error(self, event: e.ModelError, now: float) -> Commands:
        yield Note(facts.MODEL_ERROR, {"kind": event.kind, "code": event.code, "detail": event.detail})
        if event.kind == "fatal":
            yield from self._end(event.code or "model refused", now, failed=True)
        elif self.replies.refused(event.request_id) and self.state is State.PREPARING:
            if event.code == ALREADY_ACTIVE and self._refusals < silence.REFUSALS:
                # Its response.done frees the conversation; if that was missed, the wait is short.
                self._refusals += 1
                self.wanted, self.retry_at = self._because, now + silence.RETRY_PAUSE
            elif event.code == ALREADY_ACTIVE:
                yield from self._end("no reply from the model", now, failed=True)
            else:
                yield from self._ask_again(now)
        elif event.code == ALREADY_ACTIVE and event.request_id is None and self._server_owes_reply():
            # The server could not make the reply by itself: then we ask, when the active one has ended.
            self.wanted = "caller_stopped"
            self.retry_at = now + silence.RETRY_PAUSE if self.replies.free else None

    def _server_owes_reply(self) -> bool:
        nothing_asked = self.replies.asked is None and not self.wanted
        return self.settings.create_response and self.state is State.PREPARING and nothing_asked

    # --- the reply

    def _reply_created(self, event: e.ReplyCreated, now: float) -> Commands:
        yield Note(facts.REPLY_CREATED, {"reply_id": event.reply_id, "request_id": event.request_id})
        ours = event.request_id is not None and event.request_id == self.replies.asked
        if self.replies.has_ended(event.reply_id):
            # Its end has overtaken its beginning, or this is said twice.
            self.replies.created(event.reply_id, event.request_id, now)
            if ours and self.state is State.PREPARING:
                self.wanted, self.retry_at = self._because, now + silence.RETRY_PAUSE
            return
        if self.replies.created(event.reply_id, event.request_id, now) is not None:
            yield from self._withdraw(event.reply_id)
        elif event.reply_id not in self.replies.dead:  # said twice, it does not come to life again
            self.wanted, self.retry_at, self._wish = "", None, ""
            if ours:
                self._know_reply(event.reply_id)
            if self.state is not State.HOLDING:
                self._rest(now)

    def _know_reply(self, reply_id: str) -> None:
        """What a reply that we asked for is, when that makes a difference to its end."""
        rest_of = self._unsaid_of if self._because == "voice_failed" else ""
        if self._because == "greeting" or (rest_of and rest_of == self._greeting_reply):
            self._greeting_reply = reply_id
        elif self._because == "goodbye" or (rest_of and rest_of == self._last_reply):
            self._last_reply = reply_id

    def _reply_created_too_late(self, event: e.ReplyCreated, now: float) -> Commands:
        """A reply begins while the caller speaks: it is not wanted, whoever asked for it."""
        yield Note(facts.REPLY_CREATED, {"reply_id": event.reply_id, "request_id": event.request_id})
        self.replies.created(event.reply_id, event.request_id, now)
        self.replies.bury(event.reply_id, self._interruptions)
        yield from self._withdraw(event.reply_id)

    def _withdraw(self, reply_id: str) -> Commands:
        yield CancelReply(reply_id)
        yield Note(facts.REPLY_WITHDRAWN, {"reply_id": reply_id})

    def _named(self, event: Named) -> Named:
        """Sound and words that name no reply are of the one that is being made."""
        return event if event.reply_id or self.replies.active is None else replace(event, reply_id=self.replies.active)

    def _item_added(self, event: e.ItemAdded, now: float) -> Commands:
        event = self._named(event)
        self.replies.sign_of_life(event.reply_id, now)
        if event.kind != "message":
            return
        if event.reply_id in self.replies.dead:
            if self.settings.truncate != "off":
                yield DeleteItem(event.item_id)  # nobody will hear it
        else:
            self.playback.item(event.reply_id, event.item_id)
            self.transcript.agent_item(event.item_id)

    def _reply_audio(self, event: e.ReplyAudio, now: float) -> Commands:
        event = self._named(event)
        dead = self.replies.dead.get(event.reply_id)
        if dead is not None:
            dead.late_bytes += len(event.audio)
            if dead.done and dead.interruption:
                yield self._interruption_settled(event.reply_id)
            return
        if not event.reply_id and now < self._suppress_until:
            return
        yield from self._began_unseen(event.reply_id, now)
        self.replies.sign_of_life(event.reply_id, now)
        item = self.playback.item(event.reply_id, event.item_id, event.content_index)
        if not item.received:
            yield from self._first_sound(item, now)
        yield from self.playback.add(item, event.audio, now)

    def _began_unseen(self, reply_id: str, now: float) -> Commands:
        """A reply's creation was missed; seen from servers around an interruption."""
        awaited = self.state is State.PREPARING or (self.state is State.HOLDING and self.replies.asked_is_wanted)
        if awaited and self.replies.could_begin(reply_id):
            yield from self._reply_created(e.ReplyCreated(reply_id, self.replies.asked), now)

    def _first_sound(self, item: Item, now: float) -> Commands:
        self._greeted = True
        self._reply_attempts = self._refusals = 0
        self._unsaid = self._unsaid_of = ""
        self.transcript.agent_speaks(item.item_id)
        if any(other.received for other in self.playback.items.values() if other.reply_id == item.reply_id):
            return
        if self._warning_asked:  # and not before: the caller can speak into the request
            self._warning_due = self._warning_asked = False
        delay = round((now - self._stopped_at) * 1000) if self._stopped_at is not None else None
        self._stopped_at = None
        text_at = self._text_at.pop(item.reply_id, None)
        voice_ms = round((now - text_at) * 1000) if text_at is not None else None
        voice = self.settings.voices[self.voice] if item.voiced and not self.has_own_voice else ""
        yield Note(
            facts.REPLY_STARTED,
            {"reply_id": item.reply_id, "delay_ms": delay, "voice": voice, "voice_ms": voice_ms},
        )

    def _reply_text(self, event: e.ReplyText, now: float) -> Commands:
        event = self._named(event)
        self.replies.sign_of_life(event.reply_id, now)
        if event.reply_id not in self.replies.dead:
            self.playback.item(event.reply_id, event.item_id, event.content_index).text += event.text
        return
        yield

    def _reply_text_done(self, event: e.ReplyTextDone, now: float) -> Commands:
        event = self._named(event)
        if event.reply_id in self.replies.dead:
            yield from self.transcript.late_words(event.item_id, event.content_index, event.text)
            return
        item = self.playback.item(event.reply_id, event.item_id, event.content_index)
        item.text_done = True
        if not item.voiced or event.text.startswith(item.text):  # what was spoken cannot be taken back
            item.text = event.text

    def _reply_audio_done(self, event: e.ReplyAudioDone, now: float) -> Commands:
        event = self._named(event)
        if event.reply_id not in self.replies.dead:
            item = self.playback.item(event.reply_id, event.item_id, event.content_index)
            yield from self._finish(item, now)

    def _finish(self, item: Item, now: float) -> Commands:
        """No more of this item comes from the model."""
        yield from self.playback.finish_item(item, now)

    def _reply_done(self, event: e.ReplyDone, now: float) -> Commands:
        yield Note(
            facts.REPLY_DONE,
            {
                "reply_id": event.reply_id,
                "status": event.status,
                "reason": event.reason,
                "error_code": event.error_code,
                "usage": event.usage,
            },
        )
        was_active = self.replies.active == event.reply_id
        if self.replies.ended_unseen(event.reply_id) and self.replies.refused(self.replies.asked):
            self.replies.done(event.reply_id)
            if self.state is State.PREPARING:
                yield from self._ask_again(now)
            return
        self.replies.done(event.reply_id)
        yield from self.repairs.after(event.reply_id, now)
        if event.reply_id in self.replies.dead:
            if self.replies.dead[event.reply_id].interruption:
                yield self._interruption_settled(event.reply_id)
        else:
            yield from self._living_reply_done(event, was_active, now)
        if self.replies.free:
            yield from self._want_if_due(now)

    def _living_reply_done(self, event: e.ReplyDone, was_active: bool, now: float) -> Commands:
        items = [item for item in self.playback.items.values() if item.reply_id == event.reply_id]
        for item in items:
            yield from self._finish(item, now)
        sounds = any(item.received or item.waits_for_voice or self.utterances.of(item) is not None for item in items)
        if event.status != "completed" and sounds:
            self._breaks_off(event.reply_id)
        unheard_of = was_active and not sounds
        if unheard_of and (event.status != "cancelled" or self.state is State.HOLDING):
            self.playback.forget(event.reply_id)
            yield from self._came_to_nothing(event, now)
        elif self.state in SPEAKING and not self.utterances.speaking and not self.playback.unheard_s(now):
            yield from self._heard_to_its_end(now)

    def _breaks_off(self, reply_id: str | None) -> None:
        s = self.settings
        self._broke_off = self._broke_off or (
            s.gated and s.protect_greeting and bool(reply_id) and reply_id == self._greeting_reply
        )

    def _came_to_nothing(self, event: e.ReplyDone, now: float) -> Commands:
        """A reply ended without a sound."""
        if self.state is State.HOLDING or (self.state in SPEAKING and self.playback.unheard_s(now)):
            self._owes_answer = True  # another can still be heard
        elif self.state is State.WEIGHING:
            yield from self._heard_to_its_end(now)
        elif self.state is State.REPLYING and event.status == "failed":
            yield from self._ask_again(now)
        elif self.state is State.REPLYING and self._reply_attempts + 1 < silence.REPLY_ATTEMPTS:
            yield self._stuck(now, self.replies.heard_from_at, "ask again: the reply had no sound")
            yield from self._ask_again(now)
        elif self.state is State.REPLYING:
            yield self._stuck(now, self.replies.heard_from_at, "listen: no reply has a sound")
            yield from self._heard_to_its_end(now)

    def _interruption_settled(self, reply_id: str) -> Note:
        number = self.replies.dead[reply_id].interruption
        ms = sum(d.late_bytes for d in self.replies.dead.values() if d.interruption == number) / e.BYTES_PER_MS
        return Note(facts.INTERRUPTION_SETTLED, {"number": number, "late_frames": round(ms / 20), "late_ms": round(ms)})

    def _heard_to_its_end(self, now: float) -> Commands:
        """All that was made has been heard: the agent's turn is over."""
        self.playback.advance(now)
        replies = dict.fromkeys(item.reply_id for item in self.playback.items.values())
        for reply_id in replies:
            for item in self.playback.forget(reply_id):
                if item.received:
                    item.heard = item.received
                    yield self._agent_turn(item, now)
            yield Note(facts.REPLY_FINISHED, {"reply_id": reply_id})
        if self.state is State.WEIGHING:
            # Nothing is left to weigh it against: the turn is the caller's, if it is one.
            self.state, self.speech_started_at, self._doubted = State.HEARING, now, True
        elif self.state is State.REPLYING and self._last_reply and self._last_reply in replies:
            yield from self._end("caller silent", now)
        elif self.state is State.REPLYING:
            yield from self._after_the_reply(now)

    def _after_the_reply(self, now: float) -> Commands:
        self.state, self.quiet_since = State.LISTENING, max(now, self.playback.ends_at)
        if self._still_open:
            # What was no interruption may be a turn, now that the agent is silent.
            self._refused_items.pop(self._still_open, None)
            self._still_open = ""
            self.state, self.speech_started_at, self._doubted = State.HEARING, now, True
            self.burst.begin()
            self._voiced_ms = 0.0
        elif self._unsaid:
            yield from self._want("voice_failed", now)
        elif self._owes_answer:
            self._stopped_at = now
            yield from self._want("caller_stopped", now)
        elif self._broke_off:
            yield from self._greet_again(now)
        elif self._warning_due:
            yield from self._want("warning", now)

    def _greet_again(self, now: float) -> Commands:
        """A protected greeting, such as a notice of recording, is heard whole or it was not given."""
        self._broke_off = False
        self._greetings += 1
        if self._greetings < silence.REPLY_ATTEMPTS:
            yield self._stuck(now, self.replies.heard_from_at, "say the greeting again: it broke off")
            yield from self._want("greeting", now)

    def _mark_played(self, event: e.MarkPlayed, now: float) -> Commands:
        self.playback.mark_returned(event.name, now)
        generated = not self.making and self.state is not State.HOLDING
        heard = not self.playback.marks_outstanding and not self.playback.unheard_s(now)
        if self.playback.items and generated and heard:
            yield from self._heard_to_its_end(now)

    def _reply_stalls(self, now: float) -> Commands:
        reply_id = self.replies.active
        yield self._stuck(now, self.replies.heard_from_at, "cancel the reply")
        if reply_id is None:
            return
        yield CancelReply(reply_id)
        for item in list(self.playback.items.values()):
            yield from self._finish(item, now)
        if self.utterances.speaking:
            self.replies.done(reply_id)  # the voice says what there is
        elif self.state in SPEAKING:
            # What still comes of it is dropped, and the conversation is free when its end is known.
            self.replies.bury(reply_id, 0)
            self.replies.sign_of_life(reply_id, now)
            silent = not any(item.received for item in self.playback.items.values() if item.reply_id == reply_id)
            if silent and self.state is State.REPLYING and not self._still_open:
                self.playback.forget(reply_id)
                yield from self._ask_again(now)
            else:
                yield from self._heard_to_its_end(now)
        else:
            self.replies.done(reply_id)

    def _cancel_unanswered(self, now: float) -> Commands:
        yield self._stuck(now, self.replies.heard_from_at, "take the cancelled reply for ended")
        if self.replies.active is not None:
            self.replies.done(self.replies.active)
        yield from self._want_if_due(now)
