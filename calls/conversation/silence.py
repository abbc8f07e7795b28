"""What must not last: every state in which something is waited for ends by itself, and says so.

Times are seconds. A wait names the method of the conversation that is called when its time is up.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from .barge_in import verdict_due
from .states import State

if TYPE_CHECKING:
    from .floor import Floor

READY_WAIT = 10.0
"""For the model's session, all tries together. A caller who hears nothing for longer hangs up; the carrier's spoken
fallback is better."""

REOPEN_PAUSE = 0.5
"""Before the second try to open a session; doubled for each further one."""

OPEN_ATTEMPTS = 4

COMMIT_WAIT = 1.0
"""Between `speech_stopped` and `committed`, which come together. Then the reply is asked for all the same."""

REPLY_WAIT = 8.0
"""From `response.create` to `response.created`, which takes well under a second."""

RETRY_PAUSE = 0.5
"""Before a refused or failed request is sent again."""

REPLY_ATTEMPTS = 3

CANCEL_WAIT = 3.0
"""From a cancel to the `response.done` that frees the conversation for the next reply."""

REPLY_STALLS = 15.0
"""Without a sign of life from a reply that is being made, counted from when its last sound was heard."""

MARK_WAIT = 1.0
"""For the last mark of a reply, counted from when the caller has heard its end."""

GAP = 0.75
"""Without media while the caller speaks. The VAD only runs on sound, so it would never hear the end of the speech."""

GAP_FILL_MS = 1000
"""Of silence sent into such a gap: more than any usual silence setting."""

SPEECH_LASTS = 90.0
"""Of unbroken speech. A line with steady noise looks like that; the turn is ended by hand."""


def waits(c: Floor) -> Iterator[tuple[float, str]]:
    """What is waited for now: when its time is up, and what is done then."""
    if c.state is State.ENDED:
        return
    if c.state is State.CONNECTING:
        if c.reopen_at is not None:
            yield c.reopen_at, "_open"
        if c.connecting_since is not None:
            yield c.connecting_since + READY_WAIT, "_model_is_silent"
    if c.state is State.HEARING:
        yield max(c.audio_at, c.gap_filled_at) + GAP, "_fill_gap"
        yield c.speech_started_at + SPEECH_LASTS, "_speech_never_stops"
    if c.state is State.HOLDING:
        yield max(c.audio_at, c.gap_filled_at) + GAP, "_fill_gap"
        yield verdict_due(c.settings, c.speech_started_at), "_verdict_is_due"
    if c.state is State.PREPARING:
        yield from _waits_for_reply(c)
    if c.replies.active is not None:
        if c.replies.active in c.replies.dead:
            yield c.replies.heard_from_at + CANCEL_WAIT, "_cancel_unanswered"
        else:
            yield max(c.replies.heard_from_at, c.playback.ends_at) + REPLY_STALLS, "_reply_stalls"
    if c.state is State.REPLYING and c.replies.active is None and not c.playback.items:
        yield c.replies.heard_from_at, "_heard_to_its_end"  # a reply that came to nothing
    if c.playback.items and c.replies.active is None and c.state is not State.HOLDING:
        yield c.playback.ends_at + (MARK_WAIT if c.playback.marks_outstanding else 0.0), "_heard_to_its_end"


def _waits_for_reply(c: Floor) -> Iterator[tuple[float, str]]:
    if c.retry_at is not None:
        yield c.retry_at, "_try_again"
    elif c.replies.asked is not None:
        yield c.replies.asked_at + REPLY_WAIT, "_reply_never_came"
    elif c.replies.free:
        # Either the commit is missing, or a reply that the server makes by itself.
        wait = REPLY_WAIT if c.settings.create_response and not c.wanted else COMMIT_WAIT
        yield c.prepared_at + wait, "_nothing_came"
