"""One call's shell round the core: facts in, orders out to the outlets, and one timer."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Protocol

from calls.conversation.commands import Command, EndCall
from calls.conversation.conversation import Conversation
from calls.conversation.events import CallerAudio, Event

logger = logging.getLogger("calls")


class Outlet(Protocol):
    """Anything that takes commands. `take` returns at once: what takes time happens behind it."""

    takes: frozenset[type]

    def take(self, command: Command, now: float) -> None: ...


class Timer(Protocol):
    """What `call_later` gives: an asyncio handle, or that of a clock that is only counted."""

    def cancel(self) -> None: ...


class Bridge:
    """Feeds the conversation and hands its commands on, in order, within one synchronous step.

    `feed` may be called from inside an outlet: the event then waits until the step is over, so that commands are never
    interleaved. A fault of one outlet is logged and costs that command, never the call.
    """

    def __init__(
        self,
        conversation: Conversation,
        outlets: Iterable[Outlet],
        *,
        call_id: object,
        hear: Callable[[bytes, float], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
        call_later: Callable[[float, Callable[[], None]], Timer] | None = None,
    ) -> None:
        self.conversation = conversation
        self.ended: EndCall | None = None
        self._call_id = call_id
        self._hear = hear
        self._clock = clock
        self._call_later = call_later
        self._routes: dict[type, list[Outlet]] = {}
        for outlet in outlets:
            for kind in outlet.takes:
                self._routes.setdefault(kind, []).append(outlet)
        self._waiting: deque[Event] = deque()
        self._stepping = False
        self._timer: Timer | None = None
        self._timer_at = 0.0

    def feed(self, event: Event) -> None:
        """Tell the conversation a fact, and do what it says."""
        self._waiting.append(event)
        if self._stepping:
            return
        self._stepping = True
        try:
            while self._waiting:
                self._step(self._waiting.popleft())
        finally:
            self._stepping = False

    def _step(self, event: Event) -> None:
        now = self._clock()
        heard = type(event) is CallerAudio
        if heard and self._hear is not None:
            self._hear(event.audio, now)
        try:
            commands = self.conversation.handle(event, now)
        except Exception:
            # The core is total by its tests; if it is not after all, the caller must not pay for it.
            logger.exception("[%s] The conversation failed on %s", self._call_id, type(event).__name__)
            return
        self._carry_out(commands, now)
        if not heard:  # a frame of sound only ever moves a deadline further away
            self._arm()

    def _carry_out(self, commands: list[Command], now: float) -> None:
        for command in commands:
            if type(command) is EndCall:
                self.ended = command
            for outlet in self._routes.get(type(command), ()):
                try:
                    outlet.take(command, now)
                except Exception:
                    name = type(outlet).__name__
                    logger.exception("[%s] %s failed on %s", self._call_id, name, type(command).__name__)

    def _arm(self) -> None:
        at = self.conversation.deadline()
        if at is None:
            self._disarm()
        elif self._timer is None or at != self._timer_at:
            self._disarm()
            self._timer_at = at
            call_later = self._call_later or asyncio.get_running_loop().call_later
            self._timer = call_later(max(0.0, at - self._clock()), self._tick)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _tick(self) -> None:
        self._timer = None
        now = self._clock()
        try:
            commands = self.conversation.tick(now)
        except Exception:
            logger.exception("[%s] The conversation failed on a deadline", self._call_id)
            return
        self._stepping = True
        try:
            self._carry_out(commands, now)
        finally:
            self._stepping = False
        while self._waiting:
            self._step(self._waiting.popleft())
        self._arm()

    def close(self) -> None:
        """No timer after the end. Harmless twice."""
        self._disarm()
