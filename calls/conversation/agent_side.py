"""The agent's side: replies asked for, made, played and heard."""

from __future__ import annotations

from . import events as e
from . import facts, silence
from .commands import AskForReply, CancelReply, DeleteItem, Note
from .floor import Commands, Floor
from .playback import Item
from .states import State

OPENING = "Open the call. Say exactly these words: “{}”"


class AgentSide(Floor):
    """What is done about facts of the agent's replies."""

    # --- asking for a reply

    def _want(self, because: str, now: float) -> Commands:
        """Ask for a reply now, or as soon as the conversation is free for one."""
        self.state = State.PREPARING
        self.prepared_at = now
        self.wanted = because
        if not self.replies.free:
            return
        self.wanted, self._because, self.retry_at = "", because, None
        words = OPENING.format(self.settings.greeting) if because == "greeting" else ""
        request_id = self.replies.ask(now)
        yield AskForReply(request_id, words)
        yield Note(facts.REPLY_ASKED, {"request_id": request_id, "because": because})

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
        self.retry_at = now + silence.RETRY_PAUSE

    def _model_error(self, event: e.ModelError, now: float) -> Commands:
        yield Note(facts.MODEL_ERROR, {"kind": event.kind, "code": event.code, "detail": event.detail})
        if event.kind == "fatal":
            yield from self._end(event.code or "model refused", now, failed=True)
        elif self.replies.refused(event.request_id) and self.state is State.PREPARING:
            if event.code == "conversation_already_has_active_response":
                # Its response.done frees the conversation; if that was missed, the wait is short.
                self.wanted, self.retry_at = self._because, now + silence.RETRY_PAUSE
            else:
                yield from self._ask_again(now)

    # --- the reply

    def _reply_created(self, event: e.ReplyCreated, now: float) -> Commands:
        yield Note(facts.REPLY_CREATED, {"reply_id": event.reply_id, "request_id": event.request_id})
        if self.replies.created(event.reply_id, event.request_id, now) is not None:
            yield from self._withdraw(event.reply_id)
        elif event.reply_id not in self.replies.dead:  # said twice, it does not come to life again
            self.wanted, self.retry_at = "", None
            self.state = self._resting_state(now)

    def _reply_created_too_late(self, event: e.ReplyCreated, now: float) -> Commands:
        """A reply begins while the caller speaks: it is not wanted, whoever asked for it."""
        yield Note(facts.REPLY_CREATED, {"reply_id": event.reply_id, "request_id": event.request_id})
        self.replies.created(event.reply_id, event.request_id, now)
        self.replies.bury(event.reply_id, self._interruptions)
        yield from self._withdraw(event.reply_id)

    def _withdraw(self, reply_id: str) -> Commands:
        yield CancelReply(reply_id)
        yield Note(facts.REPLY_WITHDRAWN, {"reply_id": reply_id})

    def _item_added(self, event: e.ItemAdded, now: float) -> Commands:
        self.replies.sign_of_life(event.reply_id, now)
        if event.kind != "message":
            return
        if event.reply_id in self.replies.dead:
            if self.settings.truncate != "off":
                yield DeleteItem(event.item_id)  # nobody will hear it
        else:
            self.playback.item(event.reply_id, event.item_id)

    def _reply_audio(self, event: e.ReplyAudio, now: float) -> Commands:
        dead = self.replies.dead.get(event.reply_id)
        if dead is not None:
            dead.late_bytes += len(event.audio)
            if dead.done:
                yield self._interruption_settled(event.reply_id)
            return
        if not event.reply_id and now < self._suppress_until:
            return
        if self.state is State.PREPARING and self.replies.could_begin(event.reply_id):
            # Its creation was missed; seen from servers around an interruption.
            yield from self._reply_created(e.ReplyCreated(event.reply_id, self.replies.asked), now)
        self.replies.sign_of_life(event.reply_id, now)
        item = self.playback.item(event.reply_id, event.item_id, event.content_index)
        if not item.received:
            yield from self._first_sound(item, now)
        yield from self.playback.add(item, event.audio, now)

    def _first_sound(self, item: Item, now: float) -> Commands:
        self._greeted = True
        self._reply_attempts = 0
        if any(other.received for other in self.playback.items.values() if other.reply_id == item.reply_id):
            return
        delay = round((now - self._stopped_at) * 1000) if self._stopped_at is not None else None
        self._stopped_at = None
        yield Note(facts.REPLY_STARTED, {"reply_id": item.reply_id, "delay_ms": delay})

    def _reply_text(self, event: e.ReplyText, now: float) -> Commands:
        self.replies.sign_of_life(event.reply_id, now)
        if event.reply_id not in self.replies.dead:
            self.playback.item(event.reply_id, event.item_id, event.content_index).text += event.text
        return
        yield

    def _reply_text_done(self, event: e.ReplyTextDone, now: float) -> Commands:
        if event.reply_id in self.replies.dead:
            yield from self.transcript.late_words(event.item_id, event.content_index, event.text)
            return
        item = self.playback.item(event.reply_id, event.item_id, event.content_index)
        item.text, item.text_done = event.text, True

    def _reply_audio_done(self, event: e.ReplyAudioDone, now: float) -> Commands:
        if event.reply_id not in self.replies.dead:
            item = self.playback.item(event.reply_id, event.item_id, event.content_index)
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
        self.replies.done(event.reply_id)
        if event.reply_id in self.replies.dead:
            yield self._interruption_settled(event.reply_id)
        else:
            items = [item for item in self.playback.items.values() if item.reply_id == event.reply_id]
            for item in items:
                yield from self.playback.finish_item(item, now)
            unheard_of = not any(item.received for item in items)
            if event.status == "failed" and was_active and unheard_of and self.state is State.REPLYING:
                self.playback.forget(event.reply_id)
                yield from self._ask_again(now)
            elif self.state is State.REPLYING and not self.playback.unheard_s(now):
                yield from self._heard_to_its_end(now)
        if self.wanted and self.retry_at is None and self.state is State.PREPARING and self.replies.free:
            yield from self._want(self.wanted, now)

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
        if self.state is State.REPLYING:
            self.state = State.LISTENING

    def _mark_played(self, event: e.MarkPlayed, now: float) -> Commands:
        self.playback.mark_returned(event.name, now)
        generated = self.replies.active is None and self.state is not State.HOLDING
        heard = not self.playback.marks_outstanding and not self.playback.unheard_s(now)
        if self.playback.items and generated and heard:
            yield from self._heard_to_its_end(now)

    def _reply_stalls(self, now: float) -> Commands:
        reply_id = self.replies.active
        yield self._stuck(now, self.replies.heard_from_at, "cancel the reply")
        if reply_id is not None:
            yield CancelReply(reply_id)
            self.replies.done(reply_id)
            for item in list(self.playback.items.values()):
                yield from self.playback.finish_item(item, now)
        if self.state is State.REPLYING:
            yield from self._heard_to_its_end(now)

    def _cancel_unanswered(self, now: float) -> Commands:
        yield self._stuck(now, self.replies.heard_from_at, "take the cancelled reply for ended")
        if self.replies.active is not None:
            self.replies.done(self.replies.active)
        if self.wanted and self.state is State.PREPARING:
            yield from self._want(self.wanted, now)
