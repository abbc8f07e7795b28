"""The thread that touches the disk, so that the event loop never does."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Protocol

logger = logging.getLogger("calls")

PERIOD_S = 0.2


class Flushable(Protocol):
    def flush(self, now: float) -> None:
        """Write what is due. Called on the writer's thread; must not raise."""


class Writer:
    """Flushes what is registered every 200 ms, and runs single jobs in the order in which they were given."""

    def __init__(self, period_s: float = PERIOD_S) -> None:
        self._period_s = period_s
        self._flushables: dict[int, Flushable] = {}
        self._jobs: queue.SimpleQueue[tuple[Future[Any], Callable[..., Any], tuple[Any, ...]] | None] = (
            queue.SimpleQueue()
        )
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def start(self) -> None:
        """Harmless twice. A daemon thread: what it did not write when the process dies is what a crash costs."""
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="call-writer", daemon=True)
                self._thread.start()

    def add(self, flushable: Flushable) -> None:
        self.start()
        self._flushables[id(flushable)] = flushable

    def remove(self, flushable: Flushable) -> None:
        self._flushables.pop(id(flushable), None)

    def submit(self, job: Callable[..., Any], *args: Any) -> Future[Any]:
        """Run a job on the writer's thread; its result, or what it raised."""
        self.start()
        future: Future[Any] = Future()
        self._jobs.put((future, job, args))
        return future

    def stop(self) -> None:
        """Flush once more and end the thread."""
        thread, self._thread = self._thread, None
        if thread is not None and thread.is_alive():
            self._jobs.put(None)
            thread.join(5)

    def _run(self) -> None:
        due = time.monotonic() + self._period_s
        while True:
            try:
                job = self._jobs.get(timeout=max(0.0, due - time.monotonic()))
            except queue.Empty:
                self._flush()
                due = time.monotonic() + self._period_s
                continue
            if job is None:
                self._flush()
                return
            self._do(*job)

    @staticmethod
    def _do(future: Future[Any], job: Callable[..., Any], args: tuple[Any, ...]) -> None:
        """Also when nobody waits for it any more: a recording is finished though its call was cancelled."""
        is_awaited = future.set_running_or_notify_cancel()
        try:
            result = job(*args)
        except BaseException as error:
            if is_awaited:
                future.set_exception(error)
            else:
                logger.exception("Writing to the disk failed")
        else:
            if is_awaited:
                future.set_result(result)

    def _flush(self) -> None:
        now = time.monotonic()
        for flushable in list(self._flushables.values()):
            try:
                flushable.flush(now)
            except Exception:
                logger.exception("Writing to the disk failed")


writer = Writer()
"""The process's writer."""
