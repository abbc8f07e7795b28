"""The rehearsal model at the far end of a wire, and our dialect at the near one, in a clock that is only counted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import orjson

from calls.conversation import commands as c
from calls.conversation import events as e
from calls.outlets import ModelOutlet
from calls.realtime.base import ModelSession
from calls.realtime.openai import OpenAIRealtime
from calls.rehearsal.behaviour import Behaviour
from calls.rehearsal.hearing import Ear
from calls.rehearsal.session import Session
from calls.scoring.clock import Appointment, Clock
from calls.vad import FRAME_MS

NAME = "gpt-realtime-2.1"


class Model:
    """Takes what the product's outlet takes, and opens one session after another, as it is told. `delay_s`: each way.

    `says` gives the sound of each reply, or its words, when it begins.
    """

    takes = ModelOutlet.takes

    def __init__(
        self,
        clock: Clock,
        feed: Callable[[e.Event], None],
        *,
        turn_detection: dict[str, Any] | None,
        behaviour: Behaviour,
        delay_s: float,
        says: Callable[[], bytes] | Callable[[], str],
        make_vad: Callable[[], Ear],
        as_text: bool = False,
    ) -> None:
        self.reply_of: dict[str, str] = {}
        """Item -> reply, of all sound that was sent."""
        self.took_ms = 0.0
        """From the last request to the first sound that was sent for it."""
        self._clock, self._feed = clock, feed
        self._turn_detection, self._behaviour, self._delay_s = turn_detection, behaviour, delay_s
        self._said: Iterator[bytes | str] = iter(says, None)
        self._as_text = as_text
        self._dialect: OpenAIRealtime | None = None
        self._session: Session | None = None
        self._timer: Appointment | None = None
        self._make_vad = make_vad
        self._ear = _Remembering(make_vad())
        self._asked_at: float | None = None

    def take(self, command: c.Command, now: float) -> None:
        if isinstance(command, c.OpenModel):
            self._open()
        elif self._dialect is not None and (text := self._dialect.write(command)) is not None:
            self._send(text)

    def probabilities(self) -> Iterable[tuple[float, float]]:
        """Of speech, and to the end of which frame of the caller's: the first that was sent is the first that was spoken."""
        for number, value in enumerate(self._ear.values, 1):
            yield number * FRAME_MS / 1000, round(value, 3)

    def _open(self) -> None:
        asked = ModelSession(NAME, "Answer the caller.", "marin", self._turn_detection, as_text=self._as_text)
        self._dialect = OpenAIRealtime(asked, url="ws://rehearsal")
        self._ear = _Remembering(self._make_vad())
        self._session = Session(NAME, self._ear, self._behaviour, self._clock.now, 0.0, said=self._said)
        self._answer(self._session, self._session.hello())
        for text in self._dialect.opening():
            self._send(text)

    # --- the wire: what leaves now arrives later, in order

    def _send(self, text: str) -> None:
        session = self._session
        assert session is not None
        self._clock.later(self._delay_s, lambda: self._arrive(session, text))

    def _arrive(self, session: Session, text: str) -> None:
        event = orjson.loads(text)
        if event["type"] == "response.create":
            self._asked_at = self._clock.now
        self._answer(session, session.handle(event, self._clock.now))

    def _answer(self, session: Session, events: list[dict[str, Any]]) -> None:
        for event in events:
            if event["type"] in ("response.output_audio.delta", "response.output_text.delta"):
                self._watch_sound(event)
            self._come_back(orjson.dumps(event))
        self._arm(session)

    def _come_back(self, text: bytes) -> None:
        dialect = self._dialect
        self._clock.later(self._delay_s, lambda: self._hand_over(dialect, text))

    def _hand_over(self, dialect: OpenAIRealtime | None, text: bytes) -> None:
        if dialect is None or dialect is not self._dialect:
            return  # of a session that was replaced
        for event in dialect.parse(text):
            self._feed(event)

    def _watch_sound(self, event: dict[str, Any]) -> None:
        self.reply_of[event["item_id"]] = event["response_id"]
        if self._asked_at is not None:
            self.took_ms = round((self._clock.now - self._asked_at) * 1000, 1)
            self._asked_at = None

    def _arm(self, session: Session) -> None:
        if self._timer is not None:
            self._timer.cancel()
        at = session.deadline()
        self._timer = (
            None if at is None else self._clock.at(at, lambda: self._answer(session, session.tick(self._clock.now)))
        )


class _Remembering:
    """What hears for the model, and what it said."""

    def __init__(self, ear: Ear) -> None:
        self.values: list[float] = []
        self._ear = ear

    def feed(self, pcm16: bytes) -> list[float]:
        values = self._ear.feed(pcm16)
        self.values += values
        return values

    def reset(self) -> None:
        self._ear.reset()
