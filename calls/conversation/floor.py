"""What both sides of a conversation share: where we are, what is waited for, and how it ends."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from . import events as e
from . import facts
from .commands import Command, EndCall, Note
from .playback import Cleared, Item, Playback
from .replies import Replies
from .settings import ConversationSettings
from .states import State
from .transcript import Transcript

FRAMES_KEPT = 250
"""5 s of the caller's sound, kept while the model's session is not ready."""

Commands = Iterator[Command]


class Floor:
    """The state of one conversation. Times are seconds on the clock that the shell passes in."""

    def __init__(self, settings: ConversationSettings, now: float) -> None:
        self.settings = settings
        self.state = State.CONNECTING
        self.playback = Playback(now)
        self.replies = Replies()
        self.transcript = Transcript()
        self.began_at = now
        # waits; None or a time in the past where nothing is waited for
        self.connecting_since: float | None = None
        self.reopen_at: float | None = None
        self.retry_at: float | None = None
        self.prepared_at = now
        self.speech_started_at = now
        self.audio_at = now
        self.gap_filled_at = now
        # what is known
        self.wanted = ""  # why a reply is wanted that was not asked for yet
        self._because = ""  # why the outstanding one was
        self._greeted = not settings.greeting
        self._was_ready = False
        self._openings = 0
        self._reply_attempts = 0
        self._interruptions = 0
        self._speech: e.SpeechStarted | None = None
        self._stopped_at: float | None = None
        self._held: Cleared | None = None
        self._refused_items: set[str] = set()
        self._input_began_at = now
        self._suppress_until = now
        self._still_speaking_until = now  # only with mark_silent off
        self._early_audio: deque[str] = deque(maxlen=FRAMES_KEPT)

    def at_ms(self, now: float) -> int:
        """A time as milliseconds since the stream began."""
        return max(0, round((now - self.began_at) * 1000))

    def _resting_state(self, now: float) -> State:
        """Where we are when nothing is asked for: a reply may be in the making, or may still be heard."""
        busy = self.playback.unheard_s(now) > 0 or self.replies.active is not None
        return State.REPLYING if busy else State.LISTENING

    def _end(self, reason: str, now: float, failed: bool = False) -> Commands:
        self.playback.advance(now)
        for item in list(self.playback.items.values()):
            if item.received:
                yield self._agent_turn(item, now)
        self.playback.clear(now)
        self.state = State.ENDED
        yield EndCall(reason, failed)

    def _stuck(self, now: float, since: float | None, repair: str) -> Note:
        after_ms = round((now - since) * 1000) if since is not None else 0
        return Note(facts.STUCK, {"state": str(self.state), "after_ms": after_ms, "repair": repair})

    def _agent_turn(self, item: Item, now: float, interruption: int = 0) -> Note:
        began_ms = self.at_ms(item.began_at if item.began_at is not None else now)
        return self.transcript.agent_turn(
            item, began_ms=began_ms, ended_ms=began_ms + round(item.heard_ms), interruption=interruption
        )
