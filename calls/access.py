"""What people may do with calls. Each page, websocket and export asks here; `voiceplatform.access.requires` guards a view."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from calls.models import Call
from voiceplatform import audit
from voiceplatform.access import may
from voiceplatform.audit import Act

SEE = "calls.view_call"
HEAR = "calls.hear_recording"
STEER = "calls.steer_call"
PLACE = "calls.place_call"
LABEL = "calls.add_label"


def may_see(user: Any) -> bool:
    """Lists, transcripts, events, the live board."""
    return may(user, SEE)


def may_hear(user: Any) -> bool:
    """Play and export recordings, and listen in on live calls."""
    return may(user, SEE, HEAR)


def may_steer(user: Any) -> bool:
    """Hang up live calls, and say a sentence to their callers. Settings of live calls ask for agents.change_turnsettings."""
    return may(user, SEE, STEER)


def may_place(user: Any) -> bool:
    """Call an agent from the browser."""
    return may(user, PLACE)


def may_label(user: Any) -> bool:
    """Say of a moment of a call that it should have gone otherwise."""
    return may(user, SEE, LABEL)


def played(request: HttpRequest, call: Call, what: str) -> None:
    """Somebody was given a recording or an export. `what`: "recording" for a playback, else what was exported.

    A player fetches a recording in pieces, and this is called for each of them.
    """
    if what == "recording":
        audit.played(request, call)
    else:
        audit.seen(request, Act.EXPORTED, call, what=what)
