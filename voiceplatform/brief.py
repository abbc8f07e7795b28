"""Keeps a fault that repeats itself from filling the log."""

from __future__ import annotations

import logging


class Brief(logging.Filter):
    """One line, without its traceback, for each message in so many seconds.

    The channel layer reports a Redis that is away once a second, with forty lines each time, from every process.
    """

    def __init__(self, seconds: float = 30.0) -> None:
        super().__init__()
        self._seconds = seconds
        self._said_at: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        said_at = self._said_at.get(record.msg)
        if said_at is not None and record.created < said_at + self._seconds:
            return False
        self._said_at[record.msg] = record.created
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            record.msg, record.args = "%s %s: %s", (record.getMessage(), type(error).__name__, error)
            record.exc_info = record.exc_text = None
        return True
