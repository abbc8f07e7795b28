"""An event loop whose time is only counted: what is written with asyncio, in a run that waits for nothing.

When nothing is left to do at a time, the next thing that is due is due now. There is no outside: no sockets, and what would be done
in a thread is done at once.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable
from typing import Any

from calls.scoring.clock import Act, Clock

STEP_S = 0.02
"""How often a run asks whether it is over."""

APART_S = 1e-9
"""Between acts of the same time, which the loop would otherwise do in any order."""


class CountedLoop(asyncio.SelectorEventLoop):
    """A loop that never waits."""

    def __init__(self) -> None:
        self.counted = 0.0
        super().__init__(_Nothing(self))

    def time(self) -> float:
        return self.counted

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:
        done = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:
            done.set_exception(error)
        return done


class _Nothing(selectors.SelectSelector):
    """Nothing ever comes from outside: to wait is to let the time pass."""

    def __init__(self, loop: CountedLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise RuntimeError("everything waits for what never comes")
        self._loop.counted += max(0.0, timeout)
        return []


class LoopClock(Clock):
    """The clock of a run, told by such a loop."""

    def __init__(self, loop: CountedLoop) -> None:
        self._loop = loop
        self._last = 0.0

    @property
    def now(self) -> float:
        return self._loop.counted

    def at(self, time: float, act: Act) -> asyncio.TimerHandle:
        # In the order in which they were asked for, as far as their times are the same.
        time = max(time, self.now)
        if abs(time - self._last) < 1000 * APART_S:
            time = self._last + APART_S
        self._last = time
        return self._loop.call_at(time, act)

    def run(self, until: Callable[[], float]) -> None:
        over = self._loop.create_future()

        def look() -> None:
            left = until() - self.now
            if left > 0:
                self._loop.call_later(min(left, STEP_S), look)
            else:
                over.set_result(None)

        self._loop.call_soon(look)
        self._loop.run_until_complete(over)
