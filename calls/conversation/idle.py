"""What the agent does when nobody speaks, and when the call gets long."""

from __future__ import annotations

from . import facts
from .commands import Note
from .elsewhere import Elsewhere
from .floor import Commands
from .states import State


class Idle(Elsewhere):
    """Silence is counted from when the caller has heard the end of the agent's sound, not from when it was made."""

    def idle_is_due_at(self) -> float | None:
        """When the agent speaks up, if the silence lasts; None: not at all."""
        s = self.settings
        asks = self.idle_prompts < s.idle_prompts_max
        if self.state is not State.LISTENING or not s.idle_prompt_ms or not (asks or s.idle_goodbye):
            return None
        return self.quiet_since + s.idle_prompt_ms / 1000

    def _nobody_speaks(self, now: float) -> Commands:
        goodbye = self.idle_prompts >= self.settings.idle_prompts_max
        self.idle_prompts += 1
        data = {"number": self.idle_prompts, "goodbye": goodbye, "after_ms": round((now - self.quiet_since) * 1000)}
        yield Note(facts.IDLE_PROMPT, data)
        yield from self._want("goodbye" if goodbye else "idle", now)

    def call_ends_at(self) -> float | None:
        s = self.settings
        return max(self.began_at + s.max_call_s, self.ends_not_before) if s.max_call_s and self.answered else None

    def warning_is_due_at(self) -> float | None:
        s, ends_at = self.settings, self.call_ends_at()
        if ends_at is None or self.warned or not (s.call_warning and s.call_warning_s):
            return None
        return ends_at - s.call_warning_s

    def _warn_of_the_end(self, now: float) -> Commands:
        """Said at once when nobody speaks, else before or after what is being said."""
        self.warned = self._warning_due = True
        yield Note(facts.CALL_WARNING, {"left_s": self.settings.call_warning_s})
        if self.state is State.LISTENING:
            yield from self._want("warning", now)

    def _longest_call(self, now: float) -> Commands:
        yield from self._end("longest call", now)
