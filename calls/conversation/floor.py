"""What both sides of a conversation share: where we are, what is waited for, and how it ends."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

from . import events as e
from . import facts
from .commands import Command, EndCall, Note
from .evidence import NO_SPEECH_MS, Burst
from .playback import Cleared, Item, Playback
from .repairs import Repairs
from .replies import Replies
from .settings import ConversationSettings
from .states import State
from .transcript import Transcript
from .utterances import Utterances

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
        self.utterances = Utterances()
        self.repairs = Repairs()
        self.transcript = Transcript()
        self.burst = Burst()
        self.began_at = now
        self._wait_for_nothing(now)
        self._know_nothing(settings)
        self._weigh_nothing()

    def _wait_for_nothing(self, now: float) -> None:
        """None or a time in the past: nothing is waited for."""
        self.connecting_since: float | None = None
        self.reopen_at: float | None = None
        self.retry_at: float | None = None
        self.prepared_at = now
        self.answer_at = now  # a caller who pauses is given until then
        self.speech_started_at = now
        self.audio_at = now
        self.gap_filled_at = now
        self.quiet_since = now  # nobody speaks, and nothing is asked for
        self.settings_sent_at = now
        self.look_at: float | None = None  # again at the sound that is weighed
        self._input_began_at = now
        self._suppress_until = now
        self._still_speaking_until = now  # only with mark_silent off

    def _know_nothing(self, settings: ConversationSettings) -> None:
        self.wanted = ""  # why a reply is wanted that was not asked for yet
        self.committed = False  # whether what the caller said is an item already
        self.answered = False  # whether the phone is there
        self.idle_prompts = 0  # asked in a row without an answer
        self.warned = False  # of the end of the call
        self.ends_not_before = 0.0  # a limit that was lowered during the call leaves time for the warning
        self.offered: deque[e.SettingsChanged] = deque()  # changes that are not in force yet
        self.sent_change = ""  # the request of the first of them, which the model has been told
        self.voice = 0  # which of the settings' voices speaks; past their end: the model's own
        self.hears_elsewhere = bool(settings.hearing)  # an external ear has the caller's sound, and the model has not
        self._because = ""  # why the outstanding one was
        self._greeted = not settings.greeting
        self._greeting_reply = ""
        self._last_reply = ""  # after which the call ends
        self._greetings = 0  # asked for again, because a protected one broke off
        self._broke_off = False  # the greeting did, and is to be heard whole
        self._warning_due = False
        self._warning_asked = False  # the reply that was asked for says it
        self._was_ready = False
        self._openings = 0
        self._reply_attempts = 0
        self._refusals = 0
        self._server_cancels = False  # by itself, when the speech began
        self._said = ""  # what the caller said last, until it is an item
        self._words_died = False
        self._given_up = ""  # the request of a change that was never answered
        self.sent_bytes = 0  # of the caller's sound, in this session
        self._interruptions = 0
        self._speech: e.SpeechStarted | None = None
        self._spoke_after = State.LISTENING  # where we were when it began
        self._wish = ""  # and what was wanted then
        self._voiced_ms = 0.0  # of it that our ear took for a voice
        self._doubted = False  # it began over the agent, and was not judged when the reply ended
        self._surest: float | None = None  # our ear was, of its speech; None: the ear did not hear all of it
        self._words: dict[str, str] = {}  # early ones, of the speech that goes on
        self._agent_words = ""  # the newest that the caller heard
        self._stopped_at: float | None = None
        self._early_audio: deque[str] = deque(maxlen=FRAMES_KEPT)
        self._text_at: dict[str, float] = {}  # when the first text of a reply came that a voice has to speak
        self._voice_losses = 0  # without an utterance in between that came to its end
        self._hearing_losses = 0
        self.told_to_end = False  # the provider that hears the caller, of the turn that is being spoken
        self._sure_ms = 0.0  # our ear has been sure of speech
        self.hearing_since: float | None = None  # the way to the other ear is being opened
        self.unheard_since: float | None = None  # our ear hears a voice, and the other ear does not
        self._as_text = False  # the last reply was asked for as text
        self._unsaid = ""  # of a reply whose voices have all failed
        self._unsaid_of = ""  # which reply it was

    def _weigh_nothing(self) -> None:
        """No sound over the agent."""
        self._held: Cleared | None = None
        self._held_at: float | None = None
        self._tries_echo = False  # the reply is held to hear whether it is one
        self._echoes = 0  # that were found so
        self._refused_items: dict[str, str] = {}  # of speech that was no interruption: item -> why
        self._still_open = ""  # such an item whose speech has not ended
        self._owes_answer = False  # to what was said over a reply that goes on
        self._ended_by_hand = False  # the newest turn was, and its speech may be going on

    @property
    def making(self) -> bool:
        """Whether more sound of the agent can come: its reply is being made, or an external voice still speaks it."""
        return self.replies.active is not None or self.utterances.speaking

    @property
    def has_own_voice(self) -> bool:
        """Whether the model speaks by itself: it was so configured, or no other voice is left."""
        return self.voice >= len(self.settings.voices)

    @property
    def owes_rest(self) -> bool:
        """Whether the model has to say by itself what the voices did not."""
        return bool(self._unsaid)

    @property
    def session_turn_detection(self) -> dict[str, Any] | None:
        """What the model's session is configured with; None while another ear hears the caller."""
        return None if self.hears_elsewhere else dict(self.settings.turn_detection)

    @property
    def heard_only_by_us(self) -> bool:
        """The caller speaks, and the model's VAD has not noticed."""
        return self.state is State.HEARING and self._speech is None

    @property
    def heard_a_voice(self) -> bool:
        """Our ear is asked, and has heard somebody speak in this turn."""
        return self.settings.speech_probability > 0 and self._voiced_ms >= NO_SPEECH_MS

    def at_ms(self, now: float) -> int:
        """A time as milliseconds since the stream began."""
        return max(0, round((now - self.began_at) * 1000))

    def _rest(self, now: float) -> None:
        """Nothing is asked for: a reply may be in the making, or may still be heard, or nobody speaks."""
        busy = self.playback.unheard_s(now) > 0 or self.making
        self.state = State.REPLYING if busy else State.LISTENING
        self.quiet_since = now

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
        turn = self.transcript.agent_turn(
            item, began_ms=began_ms, ended_ms=began_ms + round(item.heard_ms), interruption=interruption
        )
        self._agent_words = turn.data["heard_text"] or self._agent_words
        return turn
