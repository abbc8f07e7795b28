"""A fault that repeats itself says so now and then, in one line."""

from __future__ import annotations

import logging

from voiceplatform.brief import Brief


def record(message: str, at: float, error: Exception | None = None) -> logging.LogRecord:
    made = logging.LogRecord(
        "x", logging.ERROR, __file__, 1, message, None, (type(error), error, None) if error else None
    )
    made.created = at
    return made


def test_the_same_message_is_said_once_in_its_time() -> None:
    brief = Brief(30)
    said = [brief.filter(record("away", at)) for at in (0, 1, 29, 31, 32)]
    assert said == [True, False, False, True, False]
    assert brief.filter(record("something else", 33))


def test_a_traceback_becomes_its_last_line() -> None:
    made = record("away:", 0, ConnectionError("refused"))
    assert Brief().filter(made)
    assert (made.getMessage(), made.exc_info) == ("away: ConnectionError: refused", None)
