"""A clock that is only counted: what is to be done at a time is done in order, and nobody waits."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable

Act = Callable[[], None]


class Appointment:
    """Something to be done at a time, as long as it is not cancelled."""

    __slots__ = ("act",)

    def __init__(self, act: Act) -> None:
        self.act: Act | None = act

    def cancel(self) -> None:
        self.act = None


class Clock:
    """Called, it tells the time (s). Acts of one time are done in the order in which they were asked for."""

    def __init__(self) -> None:
        self.now = 0.0
        self._heap: list[tuple[float, int, Appointment]] = []
        self._numbers = itertools.count()

    def __call__(self) -> float:
        return self.now

    def at(self, time: float, act: Act) -> Appointment:
        appointment = Appointment(act)
        heapq.heappush(self._heap, (max(time, self.now), next(self._numbers), appointment))
        return appointment

    def later(self, delay: float, act: Act) -> Appointment:
        return self.at(self.now + delay, act)

    def run(self, until: Callable[[], float]) -> None:
        """Do what is due, up to the time that `until` says; it is asked again after each act."""
        while self._heap and self._heap[0][0] <= until():
            self.now, _, appointment = heapq.heappop(self._heap)
            act, appointment.act = appointment.act, None
            if act is not None:
                act()
