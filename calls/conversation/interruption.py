"""The caller speaks over the agent: what is stopped, in which order, and what is written down of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from . import facts
from .barge_in import Verdict
from .commands import CancelReply, ClearPlayback, Command, DeleteItem, FinishSpeaking, Note, StopSpeaking, TruncateReply
from .playback import Cleared, Item, Playback
from .repairs import Repairs
from .replies import Replies
from .settings import ConversationSettings
from .transcript import Transcript
from .utterances import Utterances

NOTHING = Cleared(0.0, 0.0, 0)


class Interruption:
    """One interruption, from what it finds to what it leaves. `stop` runs once, within one step."""

    def __init__(
        self,
        number: int,
        settings: ConversationSettings,
        playback: Playback,
        replies: Replies,
        *,
        utterances: Utterances,
        repairs: Repairs,
        speech_item_id: str,
        verdict: Verdict,
        server_cancels: bool,
    ) -> None:
        self.number = number
        self.settings = settings
        self.playback = playback
        self.replies = replies
        self.utterances = utterances
        self.repairs = repairs
        self.speech_item_id = speech_item_id
        self.verdict = verdict
        self.server_cancels = server_cancels
        self.steps: list[str] = []
        self.cleared = NOTHING
        self.items: list[Item] = []

    def stop(self, transcript: Transcript, now: float, already: Cleared | None = None) -> Iterator[Command]:
        """The five steps that the settings ask for. `already`: what an earlier hold has thrown away."""
        phase = self._phase(now)
        self.playback.advance(now)
        active = self.replies.active
        self.items = list(self.playback.items.values())
        if phase != "asked":  # before its first sound there is nothing to clear
            yield from self._clear(now, already)
        elif self.playback.holding:
            yield from self.playback.resume(now)  # what was never begun is held no more
        yield from self._stop_voice(now)
        if active is not None and active not in self.replies.dead:
            self.replies.sign_of_life(active, now)  # its end is waited for from now on
        yield from self._cancel()
        yield from self._truncate(transcript, now)
        if self.settings.suppress_in_flight:
            for reply_id in dict.fromkeys([*(item.reply_id for item in self.items), *([active] if active else [])]):
                self.replies.bury(reply_id, self.number)
            self.steps.append("suppress")
        if self.settings.mark_silent:
            self.steps.append("silent")
        yield self._note(phase, active, transcript)

    def cancel_only(self, transcript: Transcript, now: float) -> Iterator[Command]:
        """The legacy way: cancel generation, and leave all else as it is."""
        phase = self._phase(now)
        self.playback.advance(now)
        active = self.replies.active
        self.items = list(self.playback.items.values())
        if active is not None:
            yield CancelReply(active)
            self.steps.append("cancel")
        yield self._note(phase, active, transcript)

    def _phase(self, now: float) -> str:
        if self.replies.active is not None and self.replies.active not in self.replies.dead:
            return "generating"
        if self.utterances.speaking:
            return "generating"
        if self.playback.unheard_s(now) > 0 or (self.playback.holding and self.playback.items):
            return "playing"
        return "asked"

    def _clear(self, now: float, already: Cleared | None) -> Iterator[Command]:
        if not self.settings.clear_buffers:
            if already is not None:
                yield from self.playback.resume(now)
            return
        self.cleared = self.playback.clear(now)
        if already is not None:
            self.cleared = already
        else:
            yield ClearPlayback(self.cleared.heard_until, self.number)
        self.steps.append("clear")

    def _stop_voice(self, now: float) -> Iterator[Command]:
        """An external voice makes no more of what nobody will hear."""
        if not self.utterances.speaking:
            return
        if not self.settings.clear_buffers:  # what it has of the text is said to its end
            for utterance in self.utterances.open:
                if not utterance.finished:
                    self.utterances.finish(utterance, now)
                    yield FinishSpeaking(utterance.voice, utterance.id)
            return
        for utterance in self.utterances.open:
            self.utterances.stop(utterance)
            yield StopSpeaking(utterance.voice, utterance.id)
        self.steps.append("stop_voice")

    def _cancel(self) -> Iterator[Command]:
        if not self.settings.cancel_reply:
            return
        self.steps.append("cancel")
        self.replies.give_up_request(self.number)
        active = self.replies.active
        # The server that interrupts by itself has cancelled already; a second cancel could meet the next reply.
        if active is not None and active not in self.replies.dead and not self.server_cancels:
            yield CancelReply(active)

    def _truncate(self, transcript: Transcript, now: float) -> Iterator[Command]:
        if self.settings.truncate == "off":
            return
        self.steps.append("truncate")
        for item in self.items:
            if item.lost or (item.reply_id in self.replies.dead and not item.voiced) or item.heard_to_its_end:
                continue
            if item.voiced:
                yield from self._repair(item, transcript, now)
            elif not item.received:
                yield DeleteItem(item.item_id)  # the server refuses to cut what never had sound
            else:
                heard_ms = 0 if self.settings.truncate == "start" else int(item.heard_ms)
                yield TruncateReply(item.item_id, item.content_index, heard_ms)

    def _repair(self, item: Item, transcript: Transcript, now: float) -> Iterator[Command]:
        """The model knows the item as text, and cannot cut it."""
        heard = "" if self.settings.truncate == "start" else transcript.split(item)[0]
        if item.reply_id == self.replies.active:
            self.repairs.later(item, heard)
        else:
            yield from self.repairs.repair(item, heard, now)

    def _note(self, phase: str, active: str | None, transcript: Transcript) -> Note:
        split = [transcript.split(item) for item in self.items]
        partly = next((item for item in self.items if not item.heard_to_its_end), None)
        current = partly or (self.items[-1] if self.items else None)
        data: dict[str, Any] = {
            "number": self.number,
            "phase": phase,
            "mode": self.settings.mode,
            "reply_id": current.reply_id if current else active or "",
            "item_id": current.item_id if current else "",
            "heard_ms": round(sum(item.heard_ms for item in self.items)),
            "generated_ms": round(sum(item.received_ms for item in self.items)),
            "heard_text": " ".join(heard for heard, _ in split if heard),
            "unheard_text": " ".join(unheard for _, unheard in split if unheard),
            "cleared_ms": round(self.cleared.ms),
            "cleared_chunks": self.cleared.chunks,
            "steps": self.steps,
            "speech_item_id": self.speech_item_id,
            "because": self.verdict.because,
            "reasons": list(self.verdict.reasons),
        }
        return Note(facts.INTERRUPTION, data)
