"""The caller's end of a scene: a carrier's playback buffer, the mouth and the ear."""

from __future__ import annotations

import binascii
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np
import orjson

from calls import audio
from calls.playback_buffer import PlaybackBuffer
from calls.scoring.clock import Appointment, Clock
from calls.scoring.echo import EchoPath, Returning

FRAME_S = 0.02
STREAM_ID = "MZ00000000000000000000000000000000"

START: dict[str, Any] = {
    "event": "start",
    "sequenceNumber": "1",
    "streamSid": STREAM_ID,
    "start": {
        "accountSid": "AC00000000000000000000000000000000",
        "streamSid": STREAM_ID,
        "callSid": "CA00000000000000000000000000000000",
        "tracks": ["inbound"],
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        "customParameters": {},
    },
}


class Phone:
    """Plays what comes, returns marks, obeys clear; speaks `opening`, and `said` from the moment the agent is heard on.

    `send` takes messages to the platform, at the time at which they leave. Behind what there is to say stands the open line. With
    `echo` what is played comes back. With `waits` False the scene begins behind the opening; `told`: when `begin` says so.
    """

    def __init__(
        self,
        clock: Clock,
        send: Callable[[str], None],
        *,
        opening: bytes,
        said: bytes,
        line: bytes,
        waits: bool,
        told: bool = False,
        echo: EchoPath | None = None,
    ) -> None:
        self.buffer = PlaybackBuffer()
        self.spoken = bytearray()
        self.has_heard = False
        self.scene_began_at: float | None = None
        """When the first sound of the agent reached the ear; without waiting for one, when `opening` is over."""
        self.heard_of: list[str] = []
        """Beside each piece in `buffer.heard`, what it was a piece of."""
        self._clock, self._send = clock, send
        self._opening, self._said = opening, said
        self._line = line or audio.SILENCE
        self._queued: deque[str] = deque()
        self._timer: Appointment | None = None
        self._frames = 0
        self._told = told
        self._echo = Returning(echo) if echo is not None else None
        if not waits:
            self.scene_began_at = len(opening) / 8000

    def ring(self) -> None:
        """Open the stream; from now on there is a frame every 20 ms."""
        self._send(orjson.dumps({"event": "connected", "protocol": "Call", "version": "1.0.0"}).decode())
        self._send(orjson.dumps(START).decode())
        self._clock.at(FRAME_S, self._speak)

    def begin(self) -> None:
        """The scene begins now, whether anything is heard or not."""
        self.scene_began_at = self._clock.now

    # --- the mouth

    def _speak(self) -> None:
        """A frame of what was said in the last 20 ms."""
        frame = self._sound(self._frames * audio.FRAME)
        self._frames += 1
        self.spoken += frame
        payload = binascii.b2a_base64(frame, newline=False).decode()
        self._send(f'{{"event":"media","streamSid":"{STREAM_ID}","media":{{"track":"inbound","payload":"{payload}"}}}}')
        self._clock.at((self._frames + 1) * FRAME_S, self._speak)

    def _sound(self, start: int) -> bytes:
        end = start + audio.FRAME
        frame = bytearray(self._line[at % len(self._line)] for at in range(start, end))
        _lay(frame, start, self._opening, 0)
        if self.scene_began_at is not None:
            _lay(frame, start, self._said, round(self.scene_began_at * 8000))
        return bytes(frame) if self._echo is None else self._with_echo(bytes(frame), start, self._echo)

    def _with_echo(self, frame: bytes, start: int, echo: Returning) -> bytes:
        heard_at = start / 8000 - echo.path.delay_ms / 1000
        played = self.buffer.between(heard_at, len(frame), self._clock.now)
        mixed = np.frombuffer(audio.mulaw_decode(frame), "<i2") + echo.frame(played)
        return audio.mulaw_encode(np.clip(np.rint(mixed), -32768, 32767).astype("<i2").tobytes())

    # --- the ear

    def receive(self, text: str, of: str) -> None:
        """A message of the platform. `of`: what sound is a piece of, which is not on the wire."""
        now = self._clock.now
        message = orjson.loads(text)
        match message["event"]:
            case "media":
                sound = binascii.a2b_base64(message["media"]["payload"])
                self.has_heard = True
                if self.scene_began_at is None and not self._told:
                    self.scene_began_at = now
                self._queued.append(of)
                self.buffer.add(sound, now)
                self._name_what_was_heard()
            case "mark":
                self.buffer.mark(message["mark"]["name"], now)
            case "clear":
                for name in self.buffer.clear(now):
                    self._return(name)
                self._name_what_was_heard()
                self._queued.clear()
        self._arm()

    def settle(self) -> None:
        """Account for all that has sounded by now; what is playing is heard up to here."""
        self.buffer.clear(self._clock.now)
        self._name_what_was_heard()

    def _name_what_was_heard(self) -> None:
        while len(self.heard_of) < len(self.buffer.heard):
            self.heard_of.append(self._queued.popleft())

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        due = self.buffer.next_due()
        self._timer = None if due is None else self._clock.at(due, self._marks_are_due)

    def _marks_are_due(self) -> None:
        for name in self.buffer.due(self._clock.now):
            self._return(name)
        self._name_what_was_heard()
        self._arm()

    def _return(self, name: str) -> None:
        self._send(orjson.dumps({"event": "mark", "streamSid": STREAM_ID, "mark": {"name": name}}).decode())


def _lay(frame: bytearray, start: int, sound: bytes, at: int) -> None:
    """Put the part of a sound that begins at sample `at` and falls into the frame that begins at `start` into it."""
    begin, end = max(start, at), min(start + len(frame), at + len(sound))
    if begin < end:
        frame[begin - start : end - start] = sound[begin - at : end - at]
