"""The right to open one call's media stream: signed, bound to the carrier's call id, good for a minute.

That it is used only once is the database's part: services.claim_stream.
"""

from __future__ import annotations

import time
from uuid import UUID

from django.core import signing

LIFE_S = 60
_SALT = "calls.stream"


class BadToken(Exception):
    """The token is forged, too old, or another call's. The message says which, and not what was in it."""


def make(call_id: UUID, carrier_call_id: str, *, now: float | None = None) -> str:
    """A token for a call. `now`: seconds since 1970."""
    made_at = int(time.time() if now is None else now)
    return signing.dumps([call_id.hex, carrier_call_id, made_at], salt=_SALT)


def read(token: str, carrier_call_id: str, *, now: float | None = None) -> UUID:
    """The call that a token is for. Raises BadToken."""
    try:
        call_hex, bound_to, made_at = signing.loads(token, salt=_SALT)
        call_id, age = UUID(hex=call_hex), (time.time() if now is None else now) - made_at
    except (signing.BadSignature, ValueError, TypeError, AttributeError):
        raise BadToken("the stream's token was not made by us") from None
    if bound_to != carrier_call_id:
        raise BadToken("the stream's token is another call's")
    if age > LIFE_S:
        raise BadToken(f"the stream's token is older than {LIFE_S} s")
    return call_id
