"""How loud a frame is over the noise of its own line."""

from __future__ import annotations

COMFORT_DBFS = -65.0
"""The least noise that a line is taken to have. mu-law's own error lies at -72 dBFS, open lines at -65 to -80, and some carriers
send zeros while nobody speaks: without this, each click on such a line would be 60 dB loud."""

_FIRST_DBFS = -50.0
"""Before a line is known: a loud line, so that it is not taken for sound; a quieter one is found within half a second."""

_FALL = 0.2
"""Of the way down, with each frame: most of it within a quarter of a second, which pauses between words have. A single frame of
zeros, where a packet was lost, does not undo a street's noise."""

_RISE_DB = 0.2
"""With each frame, 6 dB a second: a word of half a second lifts the floor by 3 dB, and the next gap takes that back; a
street that is 40 dB louder than the line before is noise after seven seconds."""


class Floor:
    """One line's noise."""

    __slots__ = ("dbfs",)

    def __init__(self) -> None:
        self.dbfs = _FIRST_DBFS

    def over(self, dbfs: float) -> float:
        """How far a frame of this level is over the noise before it, in dB."""
        over = dbfs - self.dbfs
        self.dbfs += min(over, _RISE_DB) if over > 0 else _FALL * over
        self.dbfs = max(self.dbfs, COMFORT_DBFS)
        return over
