"""The ears of all calls of the process, off the path of their frames.

On the event loop sound is only put down. One thread takes what was put down for all calls, judges it together, and brings what was
heard back with one callback for each loop. A call that has ended hears nothing more, and one whose ear failed goes on without.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import TypeVar

from calls import audio
from calls.conversation.events import SoundHeard
from calls.ear.network import FRAME, NoNetwork
from calls.ear.stream import Frame, Stream, judge

logger = logging.getLogger("calls")

Piece = TypeVar("Piece")

GATHER_S = 0.02
"""At least this long from one round to the next; a call alone is heard at once. With 24 calls a round has fourteen frames then, at
93 us each, half of them heard within 14 ms and nearly all within 26. With 10 ms it would be seven frames at 123 us, and 7 ms."""

_CALLER_WAITING, _AGENT_WAITING = 256, 4096
"""Pieces of sound that wait for the thread: 5 s of a caller, and more of the agent than the phone's queue takes. The thread takes
them every 20 ms; of a flood, the oldest are lost."""

_LONGEST = audio.RATE
"""Bytes that are kept of one piece of a caller's sound: a second. A phone sends 20 ms."""

_BACKLOG = 64
"""Frames of one call that wait to be judged, 2 s. What is older helps no decision, and would keep the others waiting."""

_STOP_S = 1.0
"""A round takes milliseconds."""


class Listener:
    """The thread, and the ears that it listens for."""

    def __init__(self) -> None:
        self._ears: dict[int, LiveEar] = {}
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def start(self) -> None:
        """Harmless twice."""
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._stopping = threading.Event()
                self._thread = threading.Thread(target=self._run, args=(self._stopping,), name="call-ear", daemon=True)
                self._thread.start()
                # A thread that is inside onnxruntime when the interpreter goes would take the process down with it.
                atexit.unregister(self.stop)
                atexit.register(self.stop)

    def add(self, ear: LiveEar) -> None:
        self._ears[id(ear)] = ear
        self.start()

    def remove(self, ear: LiveEar) -> None:
        self._ears.pop(id(ear), None)

    def wake(self) -> None:
        """There is a frame to be judged."""
        if not self._wake.is_set():
            self._wake.set()

    def stop(self) -> None:
        """End the thread; what was not judged is not heard. Harmless twice."""
        with self._lock:
            thread, self._thread = self._thread, None
            self._stopping.set()
            self._wake.set()
        if thread is not None:
            thread.join(_STOP_S)

    # --- on the thread

    def _run(self, stopping: threading.Event) -> None:
        while not stopping.is_set():
            self._wake.wait()
            self._wake.clear()
            try:
                self._listen()
            except Exception:
                logger.exception("Our own ears failed for a moment")
            stopping.wait(GATHER_S)

    def _listen(self) -> None:
        """One round: the next frame of each call, and of a call that is behind as many as bring it up."""
        ears = [ear for ear in list(self._ears.values()) if ear.take()]
        heard: dict[asyncio.AbstractEventLoop, list[tuple[LiveEar, SoundHeard]]] = {}
        while ears:
            due = [(ear, ear.due.popleft()) for ear in ears]
            for (ear, _), sound in zip(due, _judged(due), strict=False):
                heard.setdefault(ear.loop, []).append((ear, sound))
            if any(len(ear.due) == 1 for ear in ears):
                # Some had two that ended within a round. A batch of these alone would cost nearly what the first did.
                self._wake.set()
            ears = [ear for ear in ears if len(ear.due) > 1 and not ear.failed]
        for loop, sounds in heard.items():
            try:
                loop.call_soon_threadsafe(_deliver, sounds)
            except RuntimeError:  # the loop is closed, and its calls with it
                continue


def _judged(due: list[tuple[LiveEar, Frame]]) -> list[SoundHeard]:
    try:
        return judge([frame for _, frame in due]) if due else []
    except Exception as error:
        for ear, _ in due:
            ear.fail(error)
        return []


def _deliver(sounds: list[tuple[LiveEar, SoundHeard]]) -> None:
    for ear, sound in sounds:
        ear.tell(sound)


listener = Listener()
"""The process's."""


class LiveEar:
    """One call's ear. Made on the call's event loop, where it also says what it heard."""

    def __init__(self, call_id: object, heard: Callable[[SoundHeard], None], *, listener: Listener = listener) -> None:
        self.loop = asyncio.get_running_loop()
        self.failed = False
        self._call_id = call_id
        self._heard = heard
        self._listener = listener
        self._closed = False
        self._owed = 0  # samples of the caller since the thread was last woken
        # From the event loop to the thread: appended on one side, taken off on the other.
        self._caller: deque[tuple[bytes, float]] = deque(maxlen=_CALLER_WAITING)
        self._agent: deque[tuple[bytes | None, float]] = deque(maxlen=_AGENT_WAITING)
        # The thread's own.
        self.due: deque[Frame] = deque(maxlen=_BACKLOG)
        self._stream = Stream()
        listener.add(self)

    # --- on the event loop

    def caller(self, mulaw: bytes, now: float) -> None:
        """Sound of the caller that arrived now."""
        if self._closed or self.failed:
            return
        self._caller.append((mulaw[-_LONGEST:], now))
        self._owed += len(mulaw)
        if self._owed >= FRAME:
            self._owed %= FRAME
            self._listener.wake()

    def agent(self, mulaw: bytes, play_at: float) -> None:
        """Sound of the agent that the caller begins to hear at `play_at`."""
        if not self._closed and not self.failed:
            self._agent.append((mulaw, play_at))

    def clear(self, heard_until: float) -> None:
        """Nothing of what was given so far was heard after this."""
        if not self._closed and not self.failed:
            self._agent.append((None, heard_until))

    def tell(self, sound: SoundHeard) -> None:
        """What the thread heard."""
        if self._closed or self.failed:
            return
        try:
            self._heard(sound)
        except Exception as error:
            self.fail(error)

    def close(self) -> None:
        """Nothing is heard after this. Harmless twice."""
        self._closed = True
        self._leave()

    def _leave(self) -> None:
        self._listener.remove(self)
        self._caller.clear()
        self._agent.clear()

    # --- on the thread

    def take(self) -> bool:
        """Take what was put down; whether there is anything to be judged."""
        try:
            for mulaw, at in _taken(self._agent):
                if mulaw is None:
                    self._stream.clear(at)
                else:
                    self._stream.agent(mulaw, at)
            for sound, now in _taken(self._caller):
                self.due.extend(self._stream.caller(sound, now))
        except Exception as error:
            self.fail(error)
        return bool(self.due) and not self.failed

    def fail(self, error: Exception) -> None:
        """The call goes on without its ear."""
        if self.failed:
            return
        self.failed = True
        self._leave()
        trace = None if isinstance(error, NoNetwork) else error
        logger.error(
            "[%s] Our own ear failed, and the call goes on without it: %s", self._call_id, error, exc_info=trace
        )


def _taken(queue: deque[Piece]) -> Iterator[Piece]:
    """All that is in it; the other side may add to it, or empty it, meanwhile."""
    while True:
        try:
            yield queue.popleft()
        except IndexError:
            return
