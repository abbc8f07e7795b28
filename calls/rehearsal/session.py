"""One session of the rehearsal model, without I/O: client events in, server events out, the clock passed in.

It speaks the GA protocol of OpenAI Realtime as its reference and recordings of the service have it. What it hears is real (Silero),
what it says is real speech of a script; it does not understand words, and never claims to.
"""

from __future__ import annotations

import copy
import re
import secrets
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from calls.rehearsal import config
from calls.rehearsal.behaviour import Behaviour
from calls.rehearsal.checks import Check, Json, Refusal, anything, invalid_value, nullable, number, record, text
from calls.rehearsal.hearing import Ear, Hearing, Silent
from calls.rehearsal.items import Conversation, Item, read_audio, read_item
from calls.rehearsal.reply import Asked, Events, Reply, obfuscation
from calls.rehearsal.script import Script
from calls.rehearsal.sound import BYTES_PER_MS
from calls.vad import Started, Stopped

EXPIRED = "Your session hit the maximum duration of 60 minutes."
IDLE_NOTE = "No user speech was detected for a while. Please review the recorded audio."
LEAST_COMMIT_MS = 100
STREAMING_TRANSCRIPTION = "gpt-realtime-whisper"
"""The model that writes while it hears: its deltas come before `speech_stopped`. Those of the others follow the commit."""

_TRANSCRIPTION = "conversation.item.input_audio_transcription"
_CUT_ONLY_SOUND = "Only model output audio messages can be truncated"


@dataclass(slots=True)
class Speech:
    """What the caller says: the item that it becomes, what its words are if they were handed over, and which were not sent yet."""

    item_id: str
    known: str | None = None
    words: deque[str] = field(default_factory=deque)
    next_word_ms: int = 0  # when the first of them is known


class Session:
    """`handle`, `tick` and `deadline`, as the core of the product has them. Times are seconds; `unix` is the wall clock at
    `now`. Raises nothing for what a client sends.

    `said`: what its replies consist of, one each, in this order: sounds (mu-law), which have no words, or words; after them the
    script goes on.
    """

    def __init__(
        self, model: str, ear: Ear, behaviour: Behaviour, now: float, unix: float, *, said: Iterable[bytes | str] = ()
    ) -> None:
        self.id = _new("sess")
        self.behaviour = behaviour
        self.began_at = now
        self.expired = False
        self.items = Conversation()
        self._config = config.new_session(self.id, model, int(unix + behaviour.session_s))
        self._hearing = Hearing(ear, self._turn, self._input_format, deaf=behaviour.deaf)
        self._script = Script()
        self._said = iter(said)
        self._replies: list[Reply] = []
        self._transcripts: list[tuple[float, Speech]] = []  # and when they are due
        self._turns = 0
        self._speech: Speech | None = None
        self._interrupted = False
        self._spoke = False
        self._owed = False  # a reply to speech that ended before the cancel of the last one was done

    # --- the door

    def hello(self) -> list[Json]:
        """What the server says first."""
        return _sent([{"type": "session.created", "session": copy.deepcopy(self._config)}])

    def handle(self, event: Any, now: float) -> list[Json]:
        """One client event, after all that was due before it. Whatever it is, the answer is events."""
        out = self.tick(now)
        if self.expired:
            return out
        asked: list[Json] = []
        try:
            for made in self._answer(event, now):
                asked.append(made)
        except Refusal as refusal:
            asked.append(refusal.as_json(event.get("event_id") if isinstance(event, dict) else None))
        return out + _sent(asked)

    def tick(self, now: float) -> list[Json]:
        """What is due by now."""
        out: list[Json] = []
        while (at := self.deadline()) is not None and at <= now:
            out.extend(self._due(at))
        return _sent(out)

    def deadline(self) -> float | None:
        """When `tick` is wanted next; None when the session is over."""
        if self.expired:
            return None
        times = [reply.due_at for reply in self._replies if reply.due_at is not None]
        return min([*times, *(at for at, _ in self._transcripts), self.began_at + self.behaviour.session_s])

    @property
    def reply(self) -> Reply | None:
        """The one reply that may be active in the conversation."""
        return next((reply for reply in self._replies if reply.asked.in_conversation), None)

    # --- what comes

    def _answer(self, event: Any, now: float) -> Events:
        if not isinstance(event, dict):
            raise Refusal("invalid_json", "The event is not a JSON object.")
        kind = event.get("type")
        if not isinstance(kind, str) or kind not in CLIENT_EVENTS:
            raise invalid_value(kind, tuple(CLIENT_EVENTS), "type")
        check, answer = CLIENT_EVENTS[kind]
        check(event, "")
        return answer(self, event, now)

    def _due(self, at: float) -> Events:
        if at >= self.began_at + self.behaviour.session_s:
            self.expired = True
            yield Refusal("session_expired", EXPIRED).as_json()
            return
        for due in [due for due in self._transcripts if due[0] <= at]:
            self._transcripts.remove(due)
            yield from self._transcribed(due[1])
        for reply in list(self._replies):
            if reply.due_at is not None and reply.due_at <= at:
                yield from self._step(reply, at)

    # --- the session

    def _update(self, event: Json, now: float) -> Events:
        if self.behaviour.update_error is not None:
            raise Refusal(self.behaviour.update_error, "The rehearsal was told to refuse.")
        self._config = config.updated(self._config, event["session"], spoke=self._spoke)
        self._hearing.configure(self._turn, self._input_format)
        if not self._hearing.speaking:
            self._speech = None
        shown = copy.deepcopy(self._config)
        turn = shown["audio"]["input"]["turn_detection"]
        if self.behaviour.echo_threshold is not None and turn is not None and turn["type"] == "server_vad":
            turn["threshold"] = self.behaviour.echo_threshold
        yield {"type": "session.updated", "session": shown}

    @property
    def _turn(self) -> Json | None:
        turn: Json | None = self._config["audio"]["input"]["turn_detection"]
        return turn

    @property
    def _input_format(self) -> str:
        return str(self._config["audio"]["input"]["format"]["type"])

    # --- hearing

    def _append(self, event: Json, now: float) -> Events:
        for heard in self._hearing.append(read_audio(event["audio"], "audio"), now):
            if isinstance(heard, Started):
                yield from self._speech_started(heard, now)
            elif isinstance(heard, Stopped):
                yield from self._speech_stopped(heard, now)
            else:
                yield from self._nobody_speaks(heard, now)
        yield from self._early_words(self._hearing.position_ms)

    def _speech_started(self, heard: Started, now: float) -> Events:
        self._speech = self._begin_speech()
        about = {"audio_start_ms": heard.audio_start_ms, "item_id": self._speech.item_id}
        yield {"type": "input_audio_buffer.speech_started", **about}
        reply = self.reply
        if reply is not None and not reply.is_stopping and self._turn is not None and self._turn["interrupt_response"]:
            yield from self._stop(reply, "turn_detected", now)

    def _speech_stopped(self, heard: Stopped, now: float) -> Events:
        yield from self._early_words(heard.audio_end_ms)
        speech, self._speech = self._speech or self._begin_speech(), None
        about = {"audio_end_ms": heard.audio_end_ms, "item_id": speech.item_id}
        yield {"type": "input_audio_buffer.speech_stopped", **about}
        yield from self._commit_as(speech, self._hearing.take(heard.audio_end_ms), now)
        if self._turn is None or not self._turn["create_response"]:
            return
        if self.reply is None:
            yield from self._begin({}, now)
        elif self.reply.is_stopping:
            self._owed = True  # a server does not run into its own cancel
        else:
            yield _already_active(self.reply).as_json()

    def _begin_speech(self) -> Speech:
        known = self.behaviour.heard[self._turns] if self._turns < len(self.behaviour.heard) else None
        # The space between two words comes with the second, as language models write them.
        words = deque(re.findall(r"\s*\S+", known or ""))
        return Speech(_new("item"), known, words, self._hearing.position_ms + self.behaviour.word_ms)

    def _early_words(self, upto_ms: int) -> Events:
        """Those that are known by then of what the caller is still saying."""
        speech, transcription = self._speech, self._config["audio"]["input"]["transcription"] or {}
        if speech is None or transcription.get("model") != STREAMING_TRANSCRIPTION:
            return
        while speech.words and speech.next_word_ms <= upto_ms:
            speech.next_word_ms += self.behaviour.word_ms
            yield _words(speech.item_id, speech.words.popleft())

    def _nobody_speaks(self, heard: Silent, now: float) -> Events:
        """The idle timeout. The silence becomes an item of the caller, with a note before it, and is answered."""
        item = Item(_new("item"), "user", content=[{"type": "input_audio", "transcript": None}])
        yield {
            "type": "input_audio_buffer.timeout_triggered",
            "audio_start_ms": heard.audio_start_ms,
            "audio_end_ms": heard.audio_end_ms,
            "item_id": item.id,
        }
        note = Item(_new("item"), "system", content=[{"type": "input_text", "text": IDLE_NOTE}])
        yield from _added(note, self.items.add(note))
        yield from self._committed(item, self._hearing.take(heard.audio_end_ms))
        self._transcribe(Speech(item.id, ""), now)
        if self.reply is None:
            yield from self._begin({"instructions": "Ask whether the caller is still there."}, now)

    def _commit(self, event: Json, now: float) -> Events:
        buffered_ms = self._hearing.buffered_ms
        if buffered_ms < LEAST_COMMIT_MS:
            message = (
                "Error committing input audio buffer: buffer too small. Expected at least 100ms of audio, but buffer only has "
                f"{buffered_ms:.2f}ms of audio."
            )
            raise Refusal("input_audio_buffer_commit_empty", message)
        speech, self._speech = self._speech or self._begin_speech(), None
        yield from self._commit_as(speech, self._hearing.take(), now)

    def _commit_as(self, speech: Speech, sound: bytes, now: float) -> Events:
        self._turns += 1
        item = Item(speech.item_id, "user", content=[{"type": "input_audio", "transcript": speech.known}])
        yield from self._committed(item, sound)
        self._transcribe(speech, now)

    def _committed(self, item: Item, sound: bytes) -> Events:
        item.audio, item.bytes_per_ms = bytearray(sound), BYTES_PER_MS[self._input_format]
        previous = self.items.add(item)
        yield {"type": "input_audio_buffer.committed", "previous_item_id": previous, "item_id": item.id}
        yield from _added(item, previous)

    def _transcribe(self, speech: Speech, now: float) -> None:
        if self._config["audio"]["input"]["transcription"] is not None:
            self._transcripts.append((now + self.behaviour.transcript_s, speech))

    def _transcribed(self, speech: Speech) -> Events:
        about: Json = {"item_id": speech.item_id, "content_index": 0}
        if speech.known is None:
            # It cannot hear words, and a reviewer must not read invented ones.
            message = "The rehearsal model hears that somebody speaks, not what is said."
            error = {
                "type": "transcription_error",
                "code": "rehearsal_cannot_hear_words",
                "message": message,
                "param": None,
            }
            yield {"type": f"{_TRANSCRIPTION}.failed", **about, "error": error}
            return
        if speech.words:
            yield _words(speech.item_id, "".join(speech.words))
        seconds = next((item.audio_ms / 1000 for item in self.items if item.id == speech.item_id), 0.0)
        usage = {"type": "duration", "seconds": seconds}
        yield {"type": f"{_TRANSCRIPTION}.completed", **about, "transcript": speech.known, "usage": usage}

    def _clear(self, event: Json, now: float) -> Events:
        self._hearing.clear()
        yield {"type": "input_audio_buffer.cleared"}

    # --- the conversation

    def _create_item(self, event: Json, now: float) -> Events:
        item = read_item(event["item"], _new("item"))
        item.bytes_per_ms = BYTES_PER_MS[self._input_format]
        yield from _added(item, self.items.add(item, event.get("previous_item_id")))

    def _retrieve(self, event: Json, now: float) -> Events:
        item = self.items.find(event["item_id"], "retrieve")
        yield {"type": "conversation.item.retrieved", "item": item.as_json(with_audio=True)}

    def _delete(self, event: Json, now: float) -> Events:
        item = self.items.find(event["item_id"], "delete")
        self._interrupted = self._interrupted or item.role == "assistant"
        self.items.remove(item.id)
        yield {"type": "conversation.item.deleted", "item_id": item.id}

    def _truncate(self, event: Json, now: float) -> Events:
        end_ms = event["audio_end_ms"]
        item = self.items.find(event["item_id"], "truncate")
        if item.role != "assistant" or item.audio_ms <= 0 or event["content_index"] != 0:
            raise Refusal("unsupported_content_type", _CUT_ONLY_SOUND)
        if end_ms > item.audio_ms:
            raise Refusal("invalid_value", f"Audio content of {item.audio_ms}ms is already shorter than {end_ms}ms")
        item.cut(end_ms)
        self._interrupted = True
        about = {"item_id": item.id, "content_index": 0, "audio_end_ms": end_ms}
        yield {"type": "conversation.item.truncated", **about}

    # --- speaking

    def _create_response(self, event: Json, now: float) -> Events:
        asked = event.get("response") or {}
        if self.reply is not None and asked.get("conversation") != "none":
            raise _already_active(self.reply)
        yield from self._begin(asked, now)

    def _begin(self, asked: Json, now: float) -> Events:
        wishes = self._wishes(asked)
        # The instructions of a response replace those of the session, so clients repeat these in front of their own.
        instructions = str(asked.get("instructions") or "").removeprefix(self._config["instructions"])
        said = next(self._said, None)
        sound, words = (None, said) if isinstance(said, str) else (said, "")
        if said is None:
            words = self._script.reply(instructions, interrupted=self._interrupted, words=self.items.unanswered_words())
        self._interrupted = False
        self._owed = self._owed and asked.get("conversation") == "none"
        reply = Reply(
            _new("resp"),
            wishes,
            words,
            behaviour=self.behaviour,
            now=now,
            new_item_id=lambda: _new("item"),
            sound=sound,
        )
        self._replies.append(reply)
        if reply.asked.in_conversation:
            self._hearing.reply_ends(None)
        yield {"type": "response.created", "response": reply.as_json()}

    def _wishes(self, asked: Json) -> Asked:
        output = self._config["audio"]["output"] | (asked.get("audio") or {}).get("output", {})
        if self._spoke and output["voice"] != self._config["audio"]["output"]["voice"]:
            raise config.voice_is_fixed()
        return Asked(
            modality=(asked.get("output_modalities") or self._config["output_modalities"])[0],
            format=config.whole_format(output["format"]),
            voice=output["voice"],
            speed=output["speed"],
            max_output_tokens=asked.get("max_output_tokens") or self._config["max_output_tokens"],
            metadata=asked.get("metadata"),
            in_conversation=asked.get("conversation", "auto") == "auto",
        )

    def _cancel(self, event: Json, now: float) -> Events:
        named = event.get("response_id")
        reply = self.reply if named is None else next((r for r in self._replies if r.id == named), None)
        if reply is None or reply.is_stopping:
            raise Refusal("response_cancel_not_active", "Cancellation failed: no active response found")
        yield from self._stop(reply, "client_cancelled", now)

    def _stop(self, reply: Reply, reason: str, now: float) -> Events:
        self._interrupted = self._interrupted or reply.asked.in_conversation
        reply.stop(reason, now)
        while not reply.is_done and reply.due_at is not None and reply.due_at <= now:
            yield from self._step(reply, now)

    def _step(self, reply: Reply, at: float) -> Events:
        """The next of a reply. What a client deleted meanwhile is not spoken of as an item of the conversation any more."""
        for event in reply.step(self.items.add):
            if event["type"] != "conversation.item.done" or event["item"]["id"] in self.items:
                yield event
        self._spoke = self._spoke or reply.sent_ms > 0
        if reply.is_done:
            self._replies.remove(reply)
            if reply.asked.in_conversation:
                self._hearing.reply_ends(at + reply.sent_ms / 1000)
            heard_ms = sum(item.audio_ms for item in self.items if item.role == "user")
            yield {"type": "response.done", "response": reply.as_json(heard_ms)}
            limit = {"name": "tokens", "limit": 15_000_000, "remaining": 14_999_000, "reset_seconds": 0.004}
            yield {"type": "rate_limits.updated", "rate_limits": [limit]}
            if self._owed and self.reply is None:
                yield from self._begin({}, at)


def _new(kind: str) -> str:
    return f"{kind}_{secrets.token_hex(10)}"


def _sent(events: list[Json]) -> list[Json]:
    return [
        event if "event_id" in event else {"type": event["type"], "event_id": _new("event"), **event}
        for event in events
    ]


def _added(item: Item, previous: str | None) -> Iterator[Json]:
    shown = item.as_json()
    yield {"type": "conversation.item.added", "previous_item_id": previous, "item": shown}
    yield {"type": "conversation.item.done", "previous_item_id": previous, "item": shown}


def _words(item_id: str, delta: str) -> Json:
    about = {"item_id": item_id, "content_index": 0, "delta": delta, "obfuscation": obfuscation(delta)}
    return {"type": f"{_TRANSCRIPTION}.delta", **about}


def _already_active(reply: Reply) -> Refusal:
    return Refusal(
        "conversation_already_has_active_response",
        f"Conversation already has an active response in progress: {reply.id}. Wait until the response is finished before "
        "creating a new one.",
    )


Answer = Callable[[Session, Json, float], Events]


def _event(members: dict[str, Check] | None = None, optional: dict[str, Check] | None = None) -> Check:
    shape = {"type": text, "event_id": nullable(text), **(members or {}), **(optional or {})}
    return record(shape, required=tuple(members or ()))


_ITEM_ID: dict[str, Check] = {"item_id": text}
_CUT: dict[str, Check] = {
    **_ITEM_ID,
    "content_index": number(0, 1_000_000, whole=True),
    "audio_end_ms": number(0, 10**9, whole=True),
}

CLIENT_EVENTS: dict[str, tuple[Check, Answer]] = {
    "session.update": (_event({"session": anything}), Session._update),
    "input_audio_buffer.append": (_event({"audio": text}), Session._append),
    "input_audio_buffer.commit": (_event(), Session._commit),
    "input_audio_buffer.clear": (_event(), Session._clear),
    "conversation.item.create": (
        _event({"item": anything}, {"previous_item_id": nullable(text)}),
        Session._create_item,
    ),
    "conversation.item.retrieve": (_event(_ITEM_ID), Session._retrieve),
    "conversation.item.delete": (_event(_ITEM_ID), Session._delete),
    "conversation.item.truncate": (_event(_CUT), Session._truncate),
    "response.create": (_event(None, {"response": nullable(config.RESPONSE)}), Session._create_response),
    "response.cancel": (_event(None, {"response_id": nullable(text)}), Session._cancel),
}
