"""A session of the rehearsal model with a number for a clock, and words to drive it with."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any

from calls.rehearsal.behaviour import Behaviour
from calls.rehearsal.session import Session
from tests.openai_types import check_server_event

Json = dict[str, Any]


class ScriptedEar:
    """Probabilities as the test wants them, one for each 32 ms of sound."""

    def __init__(self) -> None:
        self.level = 0.0
        self._rest = 0

    def feed(self, pcm16: bytes) -> list[float]:
        frames, self._rest = divmod(self._rest + len(pcm16), 512)
        return [self.level] * frames

    def reset(self) -> None:
        self._rest = 0


class Talk(Session):
    """A session whose every event is held against the SDK's types."""

    def __init__(self, model: str = "gpt-realtime-2.1", *, said: Iterable[bytes] = (), **behaviour: Any) -> None:
        self.ear = ScriptedEar()
        super().__init__(model, self.ear, Behaviour(**behaviour), now=0.0, unix=1_800_000_000.0, said=said)
        self.session_object: Json = self._checked(super().hello())[0]["session"]

    def handle(self, event: Any, now: float) -> list[Json]:
        return self._checked(super().handle(event, now))

    def tick(self, now: float) -> list[Json]:
        return self._checked(super().tick(now))

    @staticmethod
    def _checked(events: list[Json]) -> list[Json]:
        for event in events:
            check_server_event(event)
        return events

    # --- what a client does

    def configure(self, now: float = 0.0, **turn: Any) -> list[Json]:
        """A phone's session: mu-law both ways, nothing done by the server."""
        events = self.handle({"type": "session.update", "session": phone_session(**turn)}, now)
        assert kinds(events) == ["session.updated"], events
        self.session_object = events[0]["session"]
        return events

    def hear(self, ms: float, level: float, now: float) -> list[Json]:
        """So much sound of the caller, in which speech is as likely as `level`."""
        self.ear.level = level
        kind = self._config["audio"]["input"]["format"]["type"]
        sound = bytes(48 * int(ms)) if kind == "audio/pcm" else b"\xff" * int(8 * ms)
        return self.handle({"type": "input_audio_buffer.append", "audio": base64.b64encode(sound).decode()}, now)

    def ask(self, now: float, **response: Any) -> str:
        """A reply; its id."""
        event: Json = {"type": "response.create"} | ({"response": response} if response else {})
        events = self.handle(event, now)
        assert kinds(events)[-1] == "response.created", events
        return str(events[-1]["response"]["id"])

    def run(self, until: float) -> list[Json]:
        """Everything that comes by itself until then, each thing at its time."""
        out: list[Json] = []
        while (due := self.deadline()) is not None and due <= until:
            out += self.tick(due)
        return out

    def speak(self, now: float, **response: Any) -> str:
        """A whole reply; the id of its item."""
        self.ask(now, **response)
        return str(only(self.run(now + 60), "response.done")["response"]["output"][0]["id"])


def phone(**behaviour: Any) -> Talk:
    made = Talk(**behaviour)
    made.configure()
    return made


def phone_session(**turn: Any) -> Json:
    detection: Json = {
        "type": "server_vad",
        "threshold": 0.6,
        "prefix_padding_ms": 300,
        "silence_duration_ms": 500,
        "create_response": False,
        "interrupt_response": False,
    }
    pcmu = {"type": "audio/pcmu"}
    hearing = {"format": pcmu, "turn_detection": detection | turn, "transcription": {"model": "gpt-realtime-whisper"}}
    return {"type": "realtime", "audio": {"input": hearing, "output": {"format": pcmu}}}


def kinds(events: list[Json]) -> list[str]:
    return [event["type"] for event in events]


def of(events: list[Json], kind: str) -> list[Json]:
    return [event for event in events if event["type"] == kind]


def only(events: list[Json], kind: str) -> Json:
    (event,) = of(events, kind)
    return event


def error_of(events: list[Json]) -> Json:
    assert kinds(events) == ["error"], events
    error: Json = events[0]["error"]
    return error


def sound_of(events: list[Json]) -> bytes:
    return b"".join(base64.b64decode(event["delta"]) for event in of(events, "response.output_audio.delta"))


def user_item(item_id: str, words: str = "Hello") -> Json:
    return {"id": item_id, "type": "message", "role": "user", "content": [{"type": "input_text", "text": words}]}


def cut(item_id: str, audio_end_ms: Any) -> Json:
    return {"type": "conversation.item.truncate", "item_id": item_id, "content_index": 0, "audio_end_ms": audio_end_ms}
