"""How the rehearsal model behaves, well or badly: what a test or a trial may want of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Behaviour:
    """The defaults are what recordings of the real service show."""

    first_audio_s: float = 0.4  # from response.created to the first sound
    delta_ms: int = 251  # some 2,000 bytes of mu-law; not a multiple of 20 ms
    pace: float = 10.0  # times real time
    late_deltas: int = 1  # that are in flight when a cancel arrives
    items: int = 1  # a reply is spoken in this many items
    drop_after_s: float | None = None  # the socket breaks
    refuse_status: int | None = None  # the handshake is answered with this
    deaf: bool = False  # never notices speech
    mute: bool = False  # accepts response.create and says nothing
    echo_threshold: float | None = None  # what the echo of the session says instead of what was asked
    session_s: float = 3600.0
