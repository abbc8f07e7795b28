"""One session of the rehearsal model, without I/O: client events in, server events out, the clock passed in.

It speaks the GA protocol of OpenAI Realtime as its reference and recordings of the service have it. What it hears is real (Silero),
what it says is real speech of a script; it does not understand words, and never claims to.
"""

from __future__ import annotations

import binascii
import copy
import math
import secrets
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from calls import audio
from calls.rehearsal import voice
from calls.rehearsal.behaviour import Behaviour
from calls.rehearsal.items import Conversation, Item
from calls.rehearsal.reply import Part, Reply
from calls.rehearsal.script import Script
from calls.vad import SpeechSegmenter, Started, Stopped

Json = dict[str, Any]
Events = Iterator[Json]

EAGERNESS_SILENCE_MS = {"low": 1500, "medium": 900, "auto": 900, "high": 500}
"""semantic_vad judges meaning; without words, a longer or shorter silence stands in for it."""

SEMANTIC_THRESHOLD, SEMANTIC_PADDING_MS = 0.5, 300
VOICES = {"alloy", "ash", "ballad", "coral", "echo", "sage", "shimmer", "verse", "marin", "cedar"}


class Ear(Protocol):
    """Probabilities of speech, one for each 32 ms."""

    def feed(self, pcm16: bytes) -> list[float]: ...


class Refusal(Exception):
    """A client event that the server answers with an error."""

    def __init__(self, code: str | None, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.param = code, message, param


class Session:
    """`handle`, `tick` and `deadline`, as the core of the product has them. Times are seconds; `unix` is the wall clock at
    `now`."""

    def __init__(self, model: str, ear: Ear, behaviour: Behaviour, now: float, unix: float) -> None:
        self.id = _new("sess")
        self.behaviour = behaviour
        self.began_at = now
        self.items = Conversation()
        self.reply: Reply | None = None
        self._script = Script()
        self._ear = ear
        self._config: Json = {
            "type": "realtime",
            "object": "realtime.session",
            "id": self.id,
            "model": model,
            "output_modalities": ["audio"],
            "instructions": "This is the rehearsal model: it follows a script.",
            "tools": [],
            "tool_choice": "auto",
            "max_output_tokens": "inf",
            "tracing": None,
            "truncation": "auto",
            "prompt": None,
            "expires_at": int(unix + behaviour.session_s),
            "audio": {
                "input": {
                    "format": {"type": "audio/pcm", "rate": 24000},
                    "transcription": None,
                    "noise_reduction": None,
                    "turn_detection": {
                        "type": "server_vad",
                        "threshold": 0.5,
                        "prefix_padding_ms": 300,
                        "silence_duration_ms": 500,
                        "idle_timeout_ms": None,
                        "create_response": True,
                        "interrupt_response": True,
                    },
                },
                "output": {"format": {"type": "audio/pcm", "rate": 24000}, "voice": "marin", "speed": 1.0},
            },
            "include": None,
        }
        self._segmenter = SpeechSegmenter(0.5, 300, 500)
        self._speech_item: str | None = None
        self._uncommitted_ms = 0.0
        self._interrupted = False
        self._spoke = False

    # --- the door

    def hello(self) -> list[Json]:
        """What the server says first."""
        return self._sent([{"type": "session.created", "session": copy.deepcopy(self._config)}])

    def handle(self, event: Any, now: float) -> list[Json]:
        """One client event. Whatever it is, the answer is events."""
        kind = event.get("type") if isinstance(event, dict) else None
        answer = CLIENT_EVENTS.get(kind) if isinstance(kind, str) else None
        out: list[Json] = []
        try:
            if answer is None:
                supported = ", ".join(f"'{name}'" for name in sorted(CLIENT_EVENTS))
                raise Refusal("invalid_value", f"Invalid value: '{kind}'. Supported values are: {supported}.", "type")
            for made in answer(self, event, now):
                out.append(made)
        except Refusal as refusal:
            out.append(_error(refusal, event.get("event_id") if isinstance(event, dict) else None))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            name = error.args[0] if isinstance(error, KeyError) and error.args else "body"
            refusal = Refusal("missing_required_parameter", f"Missing or malformed parameter: '{name}'.", str(name))
            out.append(_error(refusal, event.get("event_id")))
        return self._sent(out)

    def tick(self, now: float) -> list[Json]:
        """What is due by now."""
        out: list[Json] = []
        while self.reply is not None and self.reply.due_at <= now and not self.behaviour.mute:
            reply = self.reply
            out.extend(reply.step())
            reply.due_at += self.behaviour.delta_ms / 1000 / self.behaviour.pace
            if reply.current >= len(reply.parts):
                out.extend(self._done(reply, "completed"))
        if now - self.began_at >= self.behaviour.session_s:
            text = "Your session hit the maximum duration of 60 minutes."
            out.append(_error(Refusal("session_expired", text), None))
        return self._sent(out)

    def deadline(self) -> float | None:
        return self.reply.due_at if self.reply is not None and not self.behaviour.mute else None

    def has_expired(self, now: float) -> bool:
        return now - self.began_at >= self.behaviour.session_s

    @staticmethod
    def _sent(events: list[Json]) -> list[Json]:
        return [{"type": event["type"], "event_id": _new("event"), **event} for event in events]

    # --- the session

    def _update(self, event: Json, now: float) -> Events:
        asked = event["session"]
        if asked.get("type") != "realtime":
            message = f"Invalid value: '{asked.get('type')}'. Supported values are: 'realtime'."
            raise Refusal("invalid_value", message, "session.type")
        config = copy.deepcopy(self._config)
        for name, value in asked.items():
            if name == "audio":
                for side in ("input", "output"):
                    config["audio"][side] |= value.get(side) or {}
            elif name not in ("id", "object", "expires_at", "model"):
                config[name] = value
        self._check(config)
        self._config = config
        turn = config["audio"]["input"]["turn_detection"]
        if turn is not None:
            self._segmenter.configure(*_segmentation(turn))
        shown = copy.deepcopy(config)
        if self.behaviour.echo_threshold is not None and turn is not None:
            shown["audio"]["input"]["turn_detection"]["threshold"] = self.behaviour.echo_threshold
        yield {"type": "session.updated", "session": shown}

    def _check(self, config: Json) -> None:
        turn = config["audio"]["input"]["turn_detection"]
        if turn is not None:
            if turn.get("type") not in ("server_vad", "semantic_vad"):
                message = f"Invalid value: '{turn.get('type')}'. Supported values are: 'server_vad', 'semantic_vad'."
                raise Refusal("invalid_value", message, "session.audio.input.turn_detection.type")
            if not 0 <= float(turn.get("threshold", 0.5)) <= 1:
                raise Refusal(
                    "decimal_above_max_value",
                    "Invalid 'session.audio.input.turn_detection.threshold': expected a decimal from 0 to 1.",
                    "session.audio.input.turn_detection.threshold",
                )
            turn.setdefault("create_response", True)
            turn.setdefault("interrupt_response", True)
        for side in ("input", "output"):
            if config["audio"][side]["format"].get("type") not in ("audio/pcm", "audio/pcmu"):
                raise Refusal(
                    "invalid_value",
                    "The rehearsal model speaks audio/pcm and audio/pcmu.",
                    f"session.audio.{side}.format",
                )
        if config["audio"]["output"]["voice"] != self._config["audio"]["output"]["voice"] and self._spoke:
            raise Refusal("cannot_update_voice", "Cannot update a conversation's voice if assistant audio is present.")

    @property
    def _turn(self) -> Json:
        turn: Json | None = self._config["audio"]["input"]["turn_detection"]
        return turn or {}

    # --- hearing

    def _append(self, event: Json, now: float) -> Events:
        try:
            sound = binascii.a2b_base64(event["audio"], strict_mode=True)
        except (binascii.Error, TypeError):
            message = "Invalid 'audio'. Expected base64-encoded audio bytes."
            raise Refusal("invalid_value", message, "audio") from None
        if self._config["audio"]["input"]["format"]["type"] == "audio/pcmu":
            self._uncommitted_ms += len(sound) / 8
            pcm = audio.mulaw_decode(sound)
        else:
            self._uncommitted_ms += len(sound) / 48
            pcm = audio.resample(sound[: len(sound) - len(sound) % 2], 24000, 8000)
        if not self._turn or self.behaviour.deaf:
            return
        for probability in self._ear.feed(pcm):
            for heard in self._segmenter.feed(probability):
                if isinstance(heard, Started):
                    yield from self._speech_started(heard, now)
                else:
                    yield from self._speech_stopped(heard, now)

    def _speech_started(self, heard: Started, now: float) -> Events:
        self._speech_item = _new("item")
        yield {
            "type": "input_audio_buffer.speech_started",
            "audio_start_ms": heard.audio_start_ms,
            "item_id": self._speech_item,
        }
        if self._turn.get("interrupt_response") and self.reply is not None:
            yield from self._stop(self.reply, "turn_detected")

    def _speech_stopped(self, heard: Stopped, now: float) -> Events:
        item_id = self._speech_item or _new("item")
        yield {"type": "input_audio_buffer.speech_stopped", "audio_end_ms": heard.audio_end_ms, "item_id": item_id}
        yield from self._commit_as(item_id)
        self._speech_item = None
        if self._turn.get("create_response"):
            if self.reply is not None:
                yield _error(_already_active(self.reply), None)
            else:
                yield from self._begin({}, now)

    def _commit_as(self, item_id: str) -> Events:
        self._uncommitted_ms = 0.0
        content: list[Json] = [{"type": "input_audio", "transcript": None}]
        item = Item(item_id, "user", content=content)
        previous = self.items.add(item)
        yield {"type": "input_audio_buffer.committed", "previous_item_id": previous, "item_id": item_id}
        yield {"type": "conversation.item.added", "previous_item_id": previous, "item": item.as_json()}
        yield {"type": "conversation.item.done", "previous_item_id": previous, "item": item.as_json()}
        if self._config["audio"]["input"]["transcription"]:
            # It cannot hear words, and a reviewer must not read invented ones.
            yield {
                "type": "conversation.item.input_audio_transcription.failed",
                "item_id": item_id,
                "content_index": 0,
                "error": {
                    "type": "transcription_error",
                    "code": "rehearsal_cannot_hear_words",
                    "message": "The rehearsal model hears that somebody speaks, not what is said.",
                    "param": None,
                },
            }

    def _commit(self, event: Json, now: float) -> Events:
        if self._uncommitted_ms < 100:
            raise Refusal(
                "input_audio_buffer_commit_empty",
                "Error committing input audio buffer: buffer too small. Expected at least 100ms of audio, but buffer only "
                f"has {self._uncommitted_ms:.2f}ms of audio.",
            )
        item_id, self._speech_item = self._speech_item or _new("item"), None
        self._segmenter.speaking = False
        yield from self._commit_as(item_id)

    def _clear(self, event: Json, now: float) -> Events:
        self._uncommitted_ms = 0.0
        yield {"type": "input_audio_buffer.cleared"}

    # --- the conversation

    def _create_item(self, event: Json, now: float) -> Events:
        given = event["item"]
        item = Item(given.get("id") or _new("item"), given["role"], content=list(given["content"]))
        if item.id in self.items:
            raise Refusal("item_create_duplicate_item_id", f"Error creating item: '{item.id}' already exists.")
        after = event.get("previous_item_id")
        if after not in (None, "root") and after not in self.items:
            raise Refusal("item_create_invalid_item_id", f"Error creating item: no item '{after}' to follow.")
        previous = self.items.add(item, after)
        yield {"type": "conversation.item.added", "previous_item_id": previous, "item": item.as_json()}
        yield {"type": "conversation.item.done", "previous_item_id": previous, "item": item.as_json()}

    def _find(self, item_id: str, act: str, acting: str) -> Item:
        if item_id not in self.items:
            message = f"Error {acting} item: the item with id '{item_id}' does not exist."
            raise Refusal(f"item_{act}_invalid_item_id", message)
        item: Item = self.items[item_id]
        return item

    def _retrieve(self, event: Json, now: float) -> Events:
        item = self._find(event["item_id"], "retrieve", "retrieving")
        yield {"type": "conversation.item.retrieved", "item": item.as_json()}

    def _delete(self, event: Json, now: float) -> Events:
        item = self._find(event["item_id"], "delete", "deleting")
        self.items.remove(item.id)
        yield {"type": "conversation.item.deleted", "item_id": item.id}

    def _truncate(self, event: Json, now: float) -> Events:
        end_ms, content_index = int(event["audio_end_ms"]), int(event["content_index"])
        item = self._find(event["item_id"], "truncate", "truncating")
        if item.role != "assistant" or item.audio_ms <= 0 or content_index != 0 or end_ms < 0:
            raise Refusal("unsupported_content_type", "Only model output audio messages can be truncated")
        if end_ms > item.audio_ms:
            raise Refusal("invalid_value", f"Audio content of {item.audio_ms:.0f}ms is already shorter than {end_ms}ms")
        item.audio_ms = end_ms
        item.content = [{"type": "output_audio", "transcript": ""}]
        yield {
            "type": "conversation.item.truncated",
            "item_id": item.id,
            "content_index": 0,
            "audio_end_ms": end_ms,
        }

    # --- speaking

    def _create_response(self, event: Json, now: float) -> Events:
        if self.reply is not None:
            raise _already_active(self.reply)
        yield from self._begin(event.get("response") or {}, now)

    def _begin(self, asked: Json, now: float) -> Events:
        words = self._script.reply(str(asked.get("instructions") or ""), self._interrupted)
        self._interrupted = False
        reply = Reply(_new("resp"), asked.get("metadata"), self._parts(words), now, self.behaviour, self.items.add)
        reply.due_at = now + self.behaviour.first_audio_s
        self.reply = reply
        yield {"type": "response.created", "response": reply.as_json("in_progress")}

    def _parts(self, words: str) -> list[Part]:
        sentences = words.replace("? ", "?|").replace(". ", ".|").split("|")
        count = min(self.behaviour.items, len(sentences))
        share = math.ceil(len(sentences) / count)
        groups = [" ".join(sentences[i : i + share]) for i in range(0, len(sentences), share)]
        return [self._part(text, index, len(groups)) for index, text in enumerate(groups)]

    def _part(self, text: str, index: int, of: int) -> Part:
        if self._config["audio"]["output"]["format"]["type"] == "audio/pcmu":
            sound, bytes_per_ms = voice.speak_mulaw(text), 8.0
        else:
            sound, bytes_per_ms = voice.speak(text), 48.0
        size = int(self.behaviour.delta_ms * bytes_per_ms)
        size -= size % 2 if bytes_per_ms > 8 else 0
        deltas = deque(sound[i : i + size] for i in range(0, len(sound), size))
        words = [word + " " for word in text.split()]
        words[-1:] = [words[-1].rstrip()]
        phase = "" if of == 1 else ("final_answer" if index == of - 1 else "commentary")
        item = Item(_new("item"), "assistant", phase=phase)
        return Part(
            item, words, deltas, bytes_per_ms, index, per_delta=max(1, math.ceil(len(words) / max(1, len(deltas))))
        )

    def _cancel(self, event: Json, now: float) -> Events:
        named = event.get("response_id")
        if self.reply is None or (named is not None and named != self.reply.id):
            raise Refusal("response_cancel_not_active", "Cancellation failed: no active response found")
        yield from self._stop(self.reply, "client_cancelled")

    def _stop(self, reply: Reply, reason: str) -> Events:
        self._interrupted = True
        yield from reply.late()
        if reply.current < len(reply.parts) and reply.parts[reply.current].opened:
            yield from reply.close(reply.parts[reply.current], "incomplete")
        yield from self._done(reply, "cancelled", {"type": "cancelled", "reason": reason})

    def _done(self, reply: Reply, status: str, details: Json | None = None) -> Events:
        self.reply = None
        sent_ms = sum(part.item.audio_ms for part in reply.parts)
        self._spoke = self._spoke or sent_ms > 0
        tokens = round(sent_ms / 50)
        usage = {"total_tokens": tokens, "input_tokens": 0, "output_tokens": tokens}
        yield {"type": "response.done", "response": reply.as_json(status, details, usage)}
        yield {
            "type": "rate_limits.updated",
            "rate_limits": [{"name": "tokens", "limit": 15000000, "remaining": 14999000, "reset_seconds": 0.004}],
        }


def _new(kind: str) -> str:
    return f"{kind}_{secrets.token_hex(10)}"


def _error(refusal: Refusal, event_id: Any) -> Json:
    return {
        "type": "error",
        "error": {
            "type": "invalid_request_error",
            "code": refusal.code,
            "message": refusal.message,
            "param": refusal.param,
            "event_id": event_id if isinstance(event_id, str) else None,
        },
    }


def _already_active(reply: Reply) -> Refusal:
    return Refusal(
        "conversation_already_has_active_response",
        f"Conversation already has an active response in progress: {reply.id}. Wait until the response is finished before "
        "creating a new one.",
    )


def _segmentation(turn: Json) -> tuple[float, int, int]:
    """Threshold, padding and silence of either kind of turn detection."""
    if turn["type"] == "semantic_vad":
        silence_ms = EAGERNESS_SILENCE_MS.get(turn.get("eagerness", "auto"), 900)
        return SEMANTIC_THRESHOLD, SEMANTIC_PADDING_MS, silence_ms
    return (
        float(turn.get("threshold", 0.5)),
        int(turn.get("prefix_padding_ms", 300)),
        int(turn.get("silence_duration_ms", 500)),
    )


CLIENT_EVENTS: dict[str, Callable[[Session, Json, float], Events]] = {
    "session.update": Session._update,
    "input_audio_buffer.append": Session._append,
    "input_audio_buffer.commit": Session._commit,
    "input_audio_buffer.clear": Session._clear,
    "conversation.item.create": Session._create_item,
    "conversation.item.retrieve": Session._retrieve,
    "conversation.item.delete": Session._delete,
    "conversation.item.truncate": Session._truncate,
    "response.create": Session._create_response,
    "response.cancel": Session._cancel,
}
