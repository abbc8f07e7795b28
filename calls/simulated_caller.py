"""What the human at a simulated phone does: says recorded speech at the right moments, listens, hangs up.

Pure: times are seconds of the caller's clock, passed in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

FRAME_BYTES = 160
SILENT_FRAME = b"\xff" * FRAME_BYTES

POLITE_S = 0.5
"""How long after the agent's last word the caller begins."""


@dataclass(frozen=True, slots=True)
class Script:
    """What the caller does. Sounds are mu-law."""

    opening: bytes = b""  # said once the agent's first words are over, or when none come for `patience_s`
    over_agent: tuple[bytes, ...] = ()  # each said while the agent speaks, `into_speech_s` after it began
    into_speech_s: float = 1.2
    patience_s: float = 8.0
    listen_s: float = 4.0  # how long to stay when there is nothing more to say and the agent is silent
    longest_s: float = 120.0


@dataclass(slots=True)
class Hearing:
    """What the caller hears of the agent. Times are 0 until it happened."""

    speaks: bool = False
    began_at: float = 0.0
    stopped_at: float = 0.0


class Caller:
    """Follows a script. `frame` gives 20 ms of sound at a time, and None when the caller hangs up."""

    def __init__(self, script: Script, now: float, tell: Callable[[str, str], None]) -> None:
        self._script = script
        self._tell = tell
        self._began_at = self._last_said_at = now
        self._opening: bytes | None = script.opening or None
        self._over_agent = list(script.over_agent)
        self._saying = b""
        self._said = 0

    @property
    def unsaid(self) -> int:
        """How many sounds of the script there was no moment for."""
        return len(self._over_agent) + (self._opening is not None)

    def frame(self, now: float, hearing: Hearing) -> bytes | None:
        if now - self._began_at >= self._script.longest_s:
            return None
        if not self._saying:
            self._begin(now, hearing)
        if self._saying:
            return self._next_frame(now)
        return None if self._has_heard_enough(now, hearing) else SILENT_FRAME

    def _begin(self, now: float, hearing: Hearing) -> None:
        if self._opening is not None:
            if self._may_open(now, hearing):
                self._saying, self._opening = self._opening, None
                self._tell("caller began", "")
        elif self._over_agent and self._is_into_speech(now, hearing):
            self._saying = self._over_agent.pop(0)
            self._tell("caller began", "over the agent")

    def _next_frame(self, now: float) -> bytes:
        frame = self._saying[self._said : self._said + FRAME_BYTES].ljust(FRAME_BYTES, b"\xff")
        self._said += FRAME_BYTES
        if self._said >= len(self._saying):
            self._saying, self._said, self._last_said_at = b"", 0, now
            self._tell("caller stopped", "")
        return frame

    def _may_open(self, now: float, hearing: Hearing) -> bool:
        if hearing.speaks:
            return False
        if hearing.stopped_at:
            return now - hearing.stopped_at > POLITE_S
        return now - self._began_at > self._script.patience_s

    def _is_into_speech(self, now: float, hearing: Hearing) -> bool:
        """Whether the agent has begun since the caller's last word, and is far enough into what it says."""
        began_since = hearing.speaks and hearing.began_at > self._last_said_at
        return began_since and now - hearing.began_at >= self._script.into_speech_s

    def _has_heard_enough(self, now: float, hearing: Hearing) -> bool:
        quiet_since = max(self._last_said_at, hearing.stopped_at, self._began_at)
        patience = self._script.listen_s + (self._script.patience_s if self.unsaid else 0.0)
        return not hearing.speaks and now - quiet_since > patience
