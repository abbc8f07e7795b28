"""One call's conversation: who may speak now, and what the caller has really heard.

`handle(event, now)` and `tick(now)` return what must be done; `deadline()` says when to tick next. Nothing here
does I/O or reads a clock: `now` is seconds on any monotonic clock, and the events of a call, fed again at their
times, give the same commands.
"""

from __future__ import annotations

from . import events as e
from . import facts, silence
from .commands import Command, Note, OpenModel, OpenVoice, SendAudio
from .floor import Commands
from .staff import Staff
from .states import EVERYWHERE, TABLE, State


class Conversation(Staff):
    """The core: the door for all events, and the call from ring to end."""

    # --- the door

    def handle(self, event: e.Event, now: float) -> list[Command]:
        """What to do about a fact."""
        if type(event) is e.CallerAudio and self.state is not State.CONNECTING:  # fifty times a second
            self.audio_at = now
            self.sent_bytes += len(event.audio)
            return [] if self.state is State.ENDED else [self.pass_on(event.audio, event.encoded)]
        if self.state is State.ENDED:
            return []
        kind = type(event)
        method = EVERYWHERE.get(kind) or TABLE.get(kind, {}).get(self.state)
        if method is None:
            return [Note(facts.UNEXPECTED, {"event": kind.__name__, "state": str(self.state)})]
        return list(getattr(self, method)(event, now))

    def tick(self, now: float) -> list[Command]:
        """What to do because time has passed. Harmless when nothing is due."""
        commands: list[Command] = []
        for _ in range(8):  # one wait may lead to the next; none leads in a circle
            due = next((method for at, method in sorted(silence.waits(self)) if at <= now), None)
            if due is None:
                break
            commands.extend(getattr(self, due)(now))
        return commands

    def deadline(self) -> float | None:
        """When to tick next, or None."""
        return min((at for at, _ in silence.waits(self)), default=None)

    # --- the call

    def _answered(self, event: e.CallAnswered, now: float) -> Commands:
        if self.connecting_since is not None:
            return
        self.began_at, self.answered = now, True
        yield self.playback.probe(now)
        if self.settings.voices:
            yield OpenVoice(0)  # a handshake takes some tenths of a second, which no caller shall wait for
        if self.hears_elsewhere:
            yield from self._open_hearing(now)
        yield from self._open(now)

    def _open(self, now: float) -> Commands:
        self._openings += 1
        self.reopen_at = None
        if self.connecting_since is None:
            self.connecting_since = now
        yield OpenModel(self._openings)

    def _model_is_silent(self, now: float) -> Commands:
        yield self._stuck(now, self.connecting_since, "end the call with an apology")
        yield from self._end("model unreachable", now, failed=True)

    def _model_ready(self, event: e.ModelReady, now: float) -> Commands:
        yield Note(
            facts.SESSION_CONFIGURED,
            {"session_id": event.session_id, "turn_detection": self.session_turn_detection},
        )
        if event.differences:
            yield Note(facts.SESSION_DIFFERS, {"differences": list(event.differences)})
        said_before = (
            not self._was_ready and not self.transcript.answered
        )  # to another ear, while this was being opened
        if self._was_ready or said_before:
            self.playback.advance(now)
            lines = list(self.transcript.rebuild(self.playback.items.values()))
            yield from lines[: -1 if said_before else None]  # there is nothing to go on with
        if self._was_ready:
            yield Note(facts.LINK_RESTORED, {"attempt": self._openings, "items": len(lines)})
        self._openings, self.connecting_since = 0, None
        if not self.hears_elsewhere:
            self._input_began_at = now - 0.02 * len(self._early_audio)
            self.sent_bytes = 160 * len(self._early_audio)
        for encoded in self._early_audio:
            yield SendAudio(encoded)
        self._early_audio.clear()
        self._rest(now)
        if self._speech is not None and self.state is State.LISTENING:
            self.state = State.HEARING  # by another ear, and still speaking
        self.audio_at = now
        yield from self._offer(now)
        restored, self._was_ready = self._was_ready, True
        if not self._greeted:
            yield from self._want("greeting", now)
        elif self._words_died:
            # Unless the caller is speaking still: then the new session says so at once.
            self.state, self.wanted, self.committed = State.PREPARING, "unheard", True
            self.prepared_at, self.answer_at = now, now + silence.MODEL_DEAF
        elif self._broke_off and self.state is State.LISTENING:
            yield from self._greet_again(now)
        elif self.state is State.HEARING:
            pass
        elif (restored or said_before) and not self.transcript.answered:
            yield from self._want("restored" if restored else "caller_stopped", now)
        elif self._unsaid and self.state is State.LISTENING:
            yield from self._want("voice_failed", now)
        self._words_died = False

    def _link_lost(self, event: e.LinkLost, now: float) -> Commands:
        yield Note(facts.LINK_LOST, {"reason": event.reason, "retry": event.retry})
        if self.replies.active is not None:
            self._breaks_off(self.replies.active)
        for item in list(self.playback.items.values()):
            yield from self._finish(item, now)
        if self._held is not None:
            self._held, self._held_at, self._tries_echo = None, None, False
            yield from self.playback.resume(now, self.settings.resume_overlap_ms)
        for item in self.playback.items.values():
            item.lost = True
        if not self.hears_elsewhere:
            self._words_died, self._said = self._words_died or bool(self._said) or self.state is State.HEARING, ""
            self._speech = None
        self._still_open, self._owes_answer = "", False
        self._words.clear()
        self.replies.forget_all()
        self.repairs.forget_all()
        self.wanted, self.retry_at = "", None
        self.state = State.CONNECTING
        if not event.retry or self._openings >= silence.OPEN_ATTEMPTS:
            yield from self._end("model unreachable", now, failed=True)
        elif self._openings == 0:
            yield from self._open(now)  # it had stood: lose no time
        else:
            self.reopen_at = now + silence.REOPEN_PAUSE * 2 ** (self._openings - 1)

    def _hung_up(self, event: e.PhoneClosed, now: float) -> Commands:
        yield from self._end(event.reason, now, event.failed)

    # --- the model's items

    def _settled(self, event: e.ItemTruncated, now: float) -> Commands:
        return
        yield

    def _item_placed(self, event: e.ItemPlaced, now: float) -> Commands:
        if self.repairs.placed(event.item_id, event.previous_item_id):
            yield from self._repaired(now)

    def _item_deleted(self, event: e.ItemDeleted, now: float) -> Commands:
        if self.repairs.removed(event.item_id):
            yield from self._repaired(now)

    def _repaired(self, now: float) -> Commands:
        if self.replies.free:
            yield from self._want_if_due(now)

    def _repair_unanswered(self, now: float) -> Commands:
        yield self._stuck(now, self.repairs.since, "go on without the repair's confirmation")
        self.repairs.give_up()
        yield from self._repaired(now)

    def _model_error(self, event: e.ModelError, now: float) -> Commands:
        waiting = self.repairs.outstanding
        yield from super()._model_error(event, now)
        yield from self.repairs.refused(event.request_id)
        if waiting and not self.repairs.outstanding:
            yield from self._repaired(now)

    # --- trouble

    def _outlet_full(self, event: e.OutletFull, now: float) -> Commands:
        yield Note(facts.OUTLET_FULL, {"outlet": event.outlet})
        if event.outlet == "phone":
            yield from self._end("phone does not take sound", now, failed=True)

    def _bad_message(self, event: e.BadMessage, now: float) -> Commands:
        yield Note(facts.BAD_INPUT, {"source": event.source, "problem": event.problem})
