"""The journal of one call on local disk. It is what a crash, a broker or a database cannot take away.

One JSON object a line: {"seq", "at_ms", "kind", "data"}, as calls.conversation.facts describes them. The file is named after
the call, and locked for as long as a living process writes it.
"""

from __future__ import annotations

import fcntl
import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson

logger = logging.getLogger("calls")


UNREADABLE = "unreadable"
"""The kind of a line that stands for one that a crash has spoilt."""


class SpoolTaken(Exception):
    """Another process writes this spool."""


class Spool:
    """Append-only. `write` is for the event loop and only touches memory; the rest is for the writer's thread."""

    def __init__(self, path: Path, call_id: UUID) -> None:
        self.path = path
        self.call_id = call_id
        self.closed = False
        self.on_close: Callable[[], object] = lambda: None
        self.flushed = 0  # bytes on disk that end with a whole line
        self.lines = 0
        self._seq = 0
        self._fresh: list[bytes] = []
        self._descriptor: int | None = None
        self._failed = False
        self._lock = threading.Lock()

    @classmethod
    def recover(cls, path: Path) -> Spool:
        """Take over what a dead process left. Raises SpoolTaken while it lives, ValueError for a file of another kind."""
        spool = cls(path, UUID(path.stem))
        descriptor = os.open(path, os.O_RDWR)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            raise SpoolTaken(path.name) from None
        spool._descriptor = descriptor
        text = path.read_bytes()
        whole = text[: text.rfind(b"\n") + 1]  # a line that a crash cut short was never acted on
        mended = b"".join(_mended(n, line) for n, line in enumerate(whole.split(b"\n")[:-1], start=1))
        if mended != whole:
            logger.error("[%s] The spool has unreadable lines; they keep their numbers and lose their data", path.stem)
            os.pwrite(descriptor, mended, 0)
            whole = mended
        os.ftruncate(descriptor, len(whole))
        os.lseek(descriptor, 0, os.SEEK_END)
        spool.flushed = len(whole)
        spool.lines = spool._seq = whole.count(b"\n")
        return spool

    # --- on the event loop

    def write(self, kind: str, data: dict[str, Any], at_ms: int) -> int:
        """Add a line; its number. Never blocks and never raises: what cannot be written costs the line, not the call."""
        if self.closed:
            return self._seq
        self._seq += 1
        try:
            line = orjson.dumps({"seq": self._seq, "at_ms": at_ms, "kind": kind, "data": data}, default=str)
        except TypeError:
            line = orjson.dumps({"seq": self._seq, "at_ms": at_ms, "kind": kind, "data": {}})
            logger.error("[%s] The data of a %s line cannot be written", self.call_id, kind)
        self._fresh.append(line)
        return self._seq

    def close(self) -> None:
        """No more lines. Harmless twice."""
        if not self.closed:
            self.closed = True
            self.on_close()

    # --- on the writer's thread

    def flush(self, now: float = 0.0) -> None:
        """Hand all fresh lines to the operating system; make them safe when the spool is closed."""
        with self._lock:
            fresh, self._fresh = self._fresh, []
            if not fresh:
                return
            text = b"\n".join(fresh) + b"\n"
            try:
                if self._descriptor is None:
                    self._open()
                self._write_all(text)
            except OSError as error:
                self._fresh = fresh + self._fresh
                if not self._failed:
                    self._failed = True
                    logger.error(
                        "[%s] The spool cannot be written (%s); lines wait in memory", self.call_id, error.strerror
                    )
                return
            self._failed = False
            self.flushed += len(text)
            self.lines += len(fresh)
            if self.closed:
                self._sync()

    def _open(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # Locked before it has its name: the sweep of another process must not meet it between the two.
        unnamed = self.path.with_suffix(".new")
        descriptor = os.open(unnamed, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            unnamed.rename(self.path)
        except OSError:
            os.close(descriptor)
            raise
        self._descriptor = descriptor

    def _sync(self) -> None:
        assert self._descriptor is not None
        try:
            os.fsync(self._descriptor)
        except OSError as error:  # the lines are written; only a power cut could still take them
            logger.error("[%s] The spool could not be made safe (%s)", self.call_id, error.strerror)

    def _write_all(self, text: bytes) -> None:
        assert self._descriptor is not None
        if os.write(self._descriptor, text) != len(text):
            os.ftruncate(self._descriptor, self.flushed)  # a disk that filled up in the middle of a line
            raise OSError(28, os.strerror(28))

    @property
    def pending(self) -> bool:
        """Whether a line is not on disk yet; those that are being written at this moment are not."""
        return self.lines < self._seq

    def read(self, start: int) -> tuple[list[dict[str, Any]], int]:
        """The whole lines from a position of the file, and the position after them."""
        if self.flushed <= start:
            return [], start
        with self.path.open("rb") as file:
            file.seek(start)
            text = file.read(self.flushed - start)
        return [orjson.loads(line) for line in text.splitlines() if line], self.flushed

    def release(self, *, delete: bool) -> None:
        """Give the file up: it is complete in the database, or another shall take it."""
        with self._lock:
            if delete:
                self.path.unlink(missing_ok=True)
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor = None


def _mended(number: int, line: bytes) -> bytes:
    """A line as it stands, or one in its place: the outbox counts lines, and one that a power cut spoilt must not stop the rest."""
    try:
        found = orjson.loads(line)
        if found["seq"] == number and isinstance(found["at_ms"], int) and isinstance(found["kind"], str):
            return line + b"\n"
    except (ValueError, TypeError, KeyError):
        pass
    return orjson.dumps({"seq": number, "at_ms": 0, "kind": UNREADABLE, "data": {}}) + b"\n"
