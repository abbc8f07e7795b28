"""OpenAI Realtime, the GA protocol over a websocket. Both directions, pure.

Facts of the protocol are from OpenAI's API reference and from recordings of the service; what the service does beyond the
types of its SDK (extra fields, null codes) is read leniently.
"""

from __future__ import annotations

import binascii
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import orjson

from calls.conversation import commands as c
from calls.conversation import events as e

from .base import ModelSession

Json = dict[str, Any]

FORMAT = {"type": "audio/pcmu"}
"""mu-law, 8 kHz, as the phone has it: no transcoding, and 8 bytes are a millisecond. It has no `rate` field."""

LOCKED = frozenset({"model", "tracing"})
"""Members of the session that cannot be changed while it runs; an update with one of them in it may be refused as a whole."""

EARLY_CHARACTERS, EARLY_ITEMS = 2000, 8
"""Bounds on what is kept while it is being said. Early words are for judging how a turn begins; the transcript brings all of it."""

BENIGN = frozenset(
    {
        "response_cancel_not_active",
        "conversation_already_has_active_response",
        "item_truncate_invalid_item_id",
        "item_delete_invalid_item_id",
        "item_retrieve_invalid_item_id",
        "item_create_duplicate_item_id",
        "input_audio_buffer_commit_empty",
        "unsupported_content_type",
    }
)
FATAL = frozenset(
    {
        "insufficient_quota",
        "credit_balance_exhausted",
        "invalid_api_key",
        "account_deactivated",
        "billing_hard_limit_reached",
        "beta_api_shape_disabled",
        "model_not_found",
    }
)
BENIGN_MESSAGES = {
    "Cancellation failed": "response_cancel_not_active",
    "Conversation already has an active response": "conversation_already_has_active_response",
    "Audio content of": "truncate_past_end",
    "Only model output audio messages": "unsupported_content_type",
    "Error truncating item": "item_truncate_invalid_item_id",
    "Error deleting item": "item_delete_invalid_item_id",
    "Error committing input audio buffer": "input_audio_buffer_commit_empty",
}
"""Codes can be null, and the one for a cut past the end is a bare `invalid_value`: these beginnings tell them apart."""

BETA_REFUSED = 4000
"""Close code of a server that takes us for a client of the retired beta."""

_NOTHING: Sequence[e.Event] = ()


class OpenAIRealtime:
    """One socket's dialect: it remembers what it asked for, to compare the echo with."""

    slug = "openai"
    label = "OpenAI Realtime"

    def __init__(self, session: ModelSession, *, url: str, api_key: str = "") -> None:
        self._session = session
        self._url = url
        self._api_key = api_key
        self._configured = False
        self._updates: dict[str, ModelSession] = {}  # not answered yet, by request id, in the order of sending
        self._early: dict[str, str] = {}  # words so far, by item; the one that spoke last is the last
        self._number = 0

    # --- opening

    def url(self) -> str:
        return f"{self._url}?model={quote(self._session.model, safe='')}"

    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._api_key}"} if self._api_key else {}

    def opening(self) -> Sequence[str]:
        update = {"type": "session.update", "event_id": self._event_id("configure"), "session": self.session_object()}
        return [orjson.dumps(update).decode()]

    def session_object(self) -> Json:
        """The whole session as it is asked for."""
        return _session_object(self._session)

    def may_retry(self, close_code: int | None, http_status: int | None) -> bool:
        if http_status is not None:
            return http_status == 429 or http_status >= 500
        return close_code != BETA_REFUSED

    # --- from the model

    def parse(self, text: str | bytes) -> Sequence[e.Event]:
        try:
            message = orjson.loads(text)
            kind = message["type"]
            read = READERS.get(kind)
            return read(self, message) if read is not None else _NOTHING
        except (orjson.JSONDecodeError, binascii.Error):
            return (e.BadMessage("model", "not JSON, or sound that is not base64"),)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError):
            return (e.BadMessage("model", "fields missing or of the wrong type"),)

    def _session_updated(self, m: Json) -> Sequence[e.Event]:
        if not self._configured:
            self._configured = True
            session = m["session"]
            return (e.ModelReady(str(session.get("id") or ""), _differences(self.session_object(), session)),)
        if not self._updates:
            return _NOTHING
        # An echo carries no id of ours, but the server answers in the order in which it was asked.
        request_id = next(iter(self._updates))
        self._session = self._updates.pop(request_id)
        return (e.ModelConfigured(request_id, _differences(_update_object(self._session), m["session"])),)

    def _speech_started(self, m: Json) -> Sequence[e.Event]:
        return (e.SpeechStarted(_text(m, "item_id"), int(m["audio_start_ms"])),)

    def _speech_stopped(self, m: Json) -> Sequence[e.Event]:
        return (e.SpeechStopped(_text(m, "item_id"), int(m["audio_end_ms"])),)

    def _committed(self, m: Json) -> Sequence[e.Event]:
        return (e.InputCommitted(_text(m, "item_id"), m.get("previous_item_id")),)

    def _caller_words(self, m: Json) -> Sequence[e.Event]:
        item_id = _text(m, "item_id")
        before = self._early.get(item_id, "")
        said = (before + (m.get("delta") or ""))[:EARLY_CHARACTERS]
        self._early.pop(item_id, None)
        self._early[item_id] = said
        if len(self._early) > EARLY_ITEMS:
            del self._early[next(iter(self._early))]  # not every item comes to an end: one can be deleted
        return (e.EarlyWords(item_id, said.strip()),) if said.strip() != before.strip() else _NOTHING

    def _caller_transcript(self, m: Json) -> Sequence[e.Event]:
        self._early.pop(_text(m, "item_id"), None)
        return (e.CallerTranscript(_text(m, "item_id"), _text(m, "transcript").strip()),)

    def _caller_transcript_failed(self, m: Json) -> Sequence[e.Event]:
        self._early.pop(_text(m, "item_id"), None)
        return (e.CallerTranscriptFailed(_text(m, "item_id"), str((m.get("error") or {}).get("code") or "unknown")),)

    def _response_created(self, m: Json) -> Sequence[e.Event]:
        response = m["response"]
        return (e.ReplyCreated(_text(response, "id"), (response.get("metadata") or {}).get("req")),)

    def _item_placed(self, m: Json) -> Sequence[e.Event]:
        previous = m.get("previous_item_id")
        return (e.ItemPlaced(_text(m["item"], "id"), previous if isinstance(previous, str) else None),)

    def _item_added(self, m: Json) -> Sequence[e.Event]:
        item = m["item"]
        return (e.ItemAdded(_text(m, "response_id"), _text(item, "id"), str(item.get("type") or "message")),)

    def _audio(self, m: Json) -> Sequence[e.Event]:
        audio = binascii.a2b_base64(m["delta"], strict_mode=True)
        return (e.ReplyAudio(_text(m, "response_id"), _text(m, "item_id"), int(m.get("content_index", 0)), audio),)

    def _audio_done(self, m: Json) -> Sequence[e.Event]:
        return (e.ReplyAudioDone(_text(m, "response_id"), _text(m, "item_id"), int(m.get("content_index", 0))),)

    def _words(self, m: Json) -> Sequence[e.Event]:
        return (e.ReplyText(*_part(m), _text(m, "delta"), spoken=m["type"] != "response.output_text.delta"),)

    def _words_done(self, m: Json) -> Sequence[e.Event]:
        if m["type"] == "response.output_text.done":
            return (e.ReplyTextDone(*_part(m), _text(m, "text"), spoken=False),)
        return (e.ReplyTextDone(*_part(m), _text(m, "transcript")),)

    def _response_done(self, m: Json) -> Sequence[e.Event]:
        response = m["response"]
        details = response.get("status_details") or {}
        error = details.get("error") or {}
        usage = response.get("usage") or {}
        numbers = {name: value for name, value in usage.items() if isinstance(value, int)}
        return (
            e.ReplyDone(
                _text(response, "id"),
                str(response.get("status") or "completed"),
                str(details.get("reason") or ""),
                str(error.get("code") or error.get("type") or ""),
                numbers or None,
            ),
        )

    def _truncated(self, m: Json) -> Sequence[e.Event]:
        return (e.ItemTruncated(_text(m, "item_id"), int(m["audio_end_ms"])),)

    def _deleted(self, m: Json) -> Sequence[e.Event]:
        return (e.ItemDeleted(_text(m, "item_id")),)

    def _error(self, m: Json) -> Sequence[e.Event]:
        error = m["error"]
        code = str(error.get("code") or error.get("type") or "unknown")
        message = str(error.get("message") or "")
        known = next((name for start, name in BENIGN_MESSAGES.items() if message.startswith(start)), None)
        if known is not None:
            code = known
        kind: e.ErrorKind = "retryable"
        if known is not None or code in BENIGN:
            kind = "benign"
        elif code in FATAL or error.get("type") in FATAL:
            kind = "fatal"
        # The server's own message can quote what was said; the code and the field it names cannot.
        param = error.get("param")
        detail = f"param={param}" if isinstance(param, str) else ""
        return (e.ModelError(kind, code, detail, self._answered(error)),)

    def _answered(self, error: Json) -> str | None:
        """Which of our messages an error answers. A change of the session that was refused gets no echo any more."""
        request_id = error.get("event_id")
        if not isinstance(request_id, str):
            # Some refusals come without the id. What is wrong with the session is then wrong with its oldest change.
            about_session = any(f"{error.get(name)}.".startswith("session.") for name in ("param", "code"))
            request_id = next(iter(self._updates), None) if about_session and self._configured else None
        if request_id is not None:
            self._updates.pop(request_id, None)
        return request_id

    # --- to the model

    def write(self, command: c.Command) -> str | None:
        if type(command) is c.SendAudio:
            return f'{{"type":"input_audio_buffer.append","audio":"{command.encoded}"}}'
        build = WRITERS.get(type(command))
        return orjson.dumps(build(self, command)).decode() if build is not None else None

    def _event_id(self, what: str) -> str:
        self._number += 1
        return f"{what}-{self._number}"

    def _configure(self, command: c.ConfigureModel) -> Json:
        # orjson writes no mapping but a dict.
        asked = replace(self._session, turn_detection=dict(command.turn_detection))
        self._updates[command.request_id] = asked
        return {"type": "session.update", "event_id": command.request_id, "session": _update_object(asked)}

    def _commit(self, command: c.CommitInput) -> Json:
        return {"type": "input_audio_buffer.commit", "event_id": self._event_id("commit")}

    def _create(self, command: c.AskForReply) -> Json:
        # Metadata comes back in response.created: the only sure way to tell our response from one that VAD made.
        response: Json = {"metadata": {"req": command.request_id}}
        if command.instructions:
            # These replace the session's instructions for this response, so both are sent.
            response["instructions"] = "\n\n".join(filter(None, (self._session.instructions, command.instructions)))
        if self._session.as_text:  # a voice can fail during a call, and then the model speaks by itself
            response["output_modalities"] = ["text"] if command.as_text else ["audio"]
        return {"type": "response.create", "event_id": command.request_id, "response": response}

    def _cancel(self, command: c.CancelReply) -> Json:
        # Without an id it would hit whatever is active on arrival, which can be the next reply.
        event_id = self._event_id("cancel")
        return {"type": "response.cancel", "event_id": event_id, "response_id": command.reply_id}

    def _truncate(self, command: c.TruncateReply) -> Json:
        return {
            "type": "conversation.item.truncate",
            "event_id": self._event_id("truncate"),
            "item_id": command.item_id,
            "content_index": command.content_index,
            "audio_end_ms": command.audio_end_ms,
        }

    def _delete(self, command: c.DeleteItem) -> Json:
        # The id of the event comes back with a refusal, and then names the item that it was about.
        event_id = f"delete:{command.item_id}"
        return {"type": "conversation.item.delete", "event_id": event_id, "item_id": command.item_id}

    def _add(self, command: c.AddItem) -> Json:
        kind = "output_text" if command.role == "assistant" else "input_text"
        event_id = f"add:{command.item_id}" if command.item_id else self._event_id("add")
        item: Json = {"type": "message", "role": command.role, "content": [{"type": kind, "text": command.text}]}
        if command.item_id:
            item["id"] = command.item_id
        message: Json = {"type": "conversation.item.create", "event_id": event_id, "item": item}
        if command.after:
            message["previous_item_id"] = command.after
        return message


def _session_object(s: ModelSession) -> Json:
    """The whole session. `turn_detection` is sent whole: what a missing member does is unknown."""
    return {
        "type": "realtime",
        "model": s.model,
        "output_modalities": ["text"] if s.as_text else ["audio"],
        "instructions": s.instructions,
        "audio": {
            "input": {
                "format": FORMAT,
                "noise_reduction": s.noise_reduction,
                "transcription": s.transcription,
                "turn_detection": s.turn_detection,
            },
            "output": {"format": FORMAT, "voice": s.voice, "speed": s.speed},
        },
        "max_output_tokens": s.max_output_tokens,
        **s.extra,
    }


def _update_object(s: ModelSession) -> Json:
    """The session as it may be sent again while it runs.

    The voice is locked after the first sound, and the speed may change between replies only: what is left out stays as it is. The
    formats are always there, so that no update can put them back to what the service prefers: that would be noise on the phone.
    """
    whole = {name: value for name, value in _session_object(s).items() if name not in LOCKED}
    whole["audio"] = {**whole["audio"], "output": {"format": FORMAT}}
    return whole


def _differences(asked: Json, echoed: Json) -> tuple[str, ...]:
    """What the server did not take as it was asked. Members that it adds by itself are no difference."""
    found: list[str] = []
    for path in (
        ("output_modalities",),
        ("audio", "input", "format", "type"),
        ("audio", "output", "format", "type"),
        ("audio", "output", "voice"),
        *(("audio", "input", "turn_detection", name) for name in asked["audio"]["input"]["turn_detection"] or ()),
    ):
        want, have = _dig(asked, path), _dig(echoed, path)
        if want != have and path[-1] in _dig(asked, path[:-1]):
            found.append(f"{'.'.join(path)}: asked {want!r}, got {have!r}")
    return tuple(found)


def _text(m: Json, name: str) -> str:
    value = m[name]
    if not isinstance(value, str):
        raise TypeError(name)
    return value


def _part(m: Json) -> tuple[str, str, int]:
    """Which reply, item and part something is of."""
    return _text(m, "response_id"), _text(m, "item_id"), int(m.get("content_index", 0))


def _dig(m: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        if not isinstance(m, dict):
            return None
        m = m.get(name)
    return m


Reader = Callable[[OpenAIRealtime, Json], Sequence[e.Event]]

READERS: dict[str, Reader] = {
    "session.updated": OpenAIRealtime._session_updated,
    "input_audio_buffer.speech_started": OpenAIRealtime._speech_started,
    "input_audio_buffer.speech_stopped": OpenAIRealtime._speech_stopped,
    "input_audio_buffer.committed": OpenAIRealtime._committed,
    "conversation.item.input_audio_transcription.delta": OpenAIRealtime._caller_words,
    "conversation.item.input_audio_transcription.completed": OpenAIRealtime._caller_transcript,
    "conversation.item.input_audio_transcription.failed": OpenAIRealtime._caller_transcript_failed,
    "conversation.item.added": OpenAIRealtime._item_placed,
    "conversation.item.truncated": OpenAIRealtime._truncated,
    "conversation.item.deleted": OpenAIRealtime._deleted,
    "response.created": OpenAIRealtime._response_created,
    "response.output_item.added": OpenAIRealtime._item_added,
    "response.output_audio.delta": OpenAIRealtime._audio,
    "response.output_audio.done": OpenAIRealtime._audio_done,
    "response.output_audio_transcript.delta": OpenAIRealtime._words,
    "response.output_audio_transcript.done": OpenAIRealtime._words_done,
    "response.output_text.delta": OpenAIRealtime._words,
    "response.output_text.done": OpenAIRealtime._words_done,
    "response.done": OpenAIRealtime._response_done,
    "error": OpenAIRealtime._error,
}

WRITERS: dict[type, Callable[[OpenAIRealtime, Any], Json]] = {
    c.ConfigureModel: OpenAIRealtime._configure,
    c.CommitInput: OpenAIRealtime._commit,
    c.AskForReply: OpenAIRealtime._create,
    c.CancelReply: OpenAIRealtime._cancel,
    c.TruncateReply: OpenAIRealtime._truncate,
    c.DeleteItem: OpenAIRealtime._delete,
    c.AddItem: OpenAIRealtime._add,
}
