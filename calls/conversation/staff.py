"""What staff do in a running call: have the agent say a sentence, or hang up.

A sentence waits until the agent may speak: it is said as soon as nobody does, or before the answer to what the caller has just
said. It stays until its first sound, so a reply that was withdrawn, refused or lost with its link does not take it along.
"""

from __future__ import annotations

from collections import deque

from . import events as e
from . import facts
from .agent_side import SAY, SAY_FIRST
from .changes import Changes
from .commands import Note
from .floor import Commands
from .playback import Item
from .settings import ConversationSettings
from .states import State

SENTENCES_KEPT = 10
"""That wait to be said; the oldest goes first, and one too many is not taken."""

TRIES = 5
"""To say one sentence. A model that makes no sound of it would be asked for ever."""

ASKED_BY_THE_CALLER = frozenset({"caller_stopped", "restored"})


class Staff(Changes):
    """The agent's own turn comes first: a sentence never cuts a reply, and a caller who speaks is not spoken over."""

    def __init__(self, settings: ConversationSettings, now: float) -> None:
        super().__init__(settings, now)
        self.sentences: deque[e.SentenceTyped] = deque()
        self._sentence_asked = ""  # the request whose reply says the first of them
        self._sentence_reply = ""
        self._sentence_tries = 0

    @property
    def early_words(self) -> dict[str, str]:
        """What the caller has said so far of what is being said: item -> words."""
        return dict(self._words)

    # --- a typed sentence

    def _sentence_typed(self, event: e.SentenceTyped, now: float) -> Commands:
        taken = len(self.sentences) < SENTENCES_KEPT and bool(event.text.strip())
        yield Note(facts.SENTENCE_TYPED, {"text": event.text, "by": event.by, "taken": taken})
        if taken:
            self.sentences.append(event)
            self._last_reply = ""  # a goodbye that is being said does not end the call

    def sentence_is_due_at(self) -> float | None:
        """When the agent says what is waiting to be said; None: nothing is, or somebody speaks."""
        return self.quiet_since if self.sentences and self.state is State.LISTENING else None

    def _say_sentence(self, now: float) -> Commands:
        self._sentence_tries += 1
        if self._sentence_tries > TRIES:
            yield self._stuck(now, self.quiet_since, "leave a typed sentence unsaid")
            self._said_sentence()
        else:
            yield from self._want("typed", now)

    def _said_sentence(self) -> None:
        self.sentences.popleft()
        self._sentence_reply, self._sentence_asked, self._sentence_tries = "", "", 0

    def _words_for(self, because: str) -> str:
        words = super()._words_for(because)
        if self.sentences and not words and (because == "typed" or because in ASKED_BY_THE_CALLER):
            self._sentence_asked = self.replies.asked or ""
            return (SAY if because == "typed" else SAY_FIRST).format(self.sentences[0].text)
        return words

    def _reply_created(self, event: e.ReplyCreated, now: float) -> Commands:
        says_it = event.request_id is not None and event.request_id == self._sentence_asked
        yield from super()._reply_created(event, now)
        if says_it and event.reply_id == self.replies.active:
            self._sentence_reply = event.reply_id
        if self.sentences:
            self._last_reply = ""

    def _know_reply(self, reply_id: str) -> None:
        super()._know_reply(reply_id)
        if self._sentence_reply and self._unsaid_of == self._sentence_reply:
            self._sentence_reply = reply_id  # the model says by itself what no voice did

    def _first_sound(self, item: Item, now: float) -> Commands:
        if self.sentences and item.reply_id == self._sentence_reply:
            self._said_sentence()
        yield from super()._first_sound(item, now)

    # --- the end

    def _hang_up_asked(self, event: e.HangUpAsked, now: float) -> Commands:
        yield Note(facts.HANG_UP_ASKED, {"by": event.by})
        yield from self._end("hung up by staff", now)
