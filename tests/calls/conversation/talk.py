"""A conversation in a test: says in the words of the domain what happens, and what was commanded."""

from __future__ import annotations

import base64
from typing import Any

from calls.conversation import commands as c
from calls.conversation import events as e
from calls.conversation.conversation import Conversation
from calls.conversation.settings import ConversationSettings
from calls.conversation.states import State

MULAW_S = 8000


class Talk:
    """One conversation with a clock that the test moves. Every commanded list is checked for what must always hold."""

    def __init__(self, **settings: Any) -> None:
        self.now = 100.0
        self.conversation = Conversation(ConversationSettings(**settings), self.now)
        self.commands: list[c.Command] = []
        self.marks: list[str] = []
        self._replies = 0

    # --- what happens

    def feed(self, event: e.Event) -> list[c.Command]:
        return self._keep(self.conversation.handle(event, self.now))

    def wait(self, seconds: float) -> list[c.Command]:
        """Let time pass; deadlines are met on their way."""
        until, out = self.now + seconds, []
        while (due := self.conversation.deadline()) is not None and due <= until:
            self.now = max(self.now, due)
            before = self.conversation.deadline()
            out += self._keep(self.conversation.tick(self.now))
            if self.conversation.deadline() == before:
                raise AssertionError(f"the deadline {before} was not met in {self.conversation.state}")
        self.now = until
        return out

    def _keep(self, commands: list[c.Command]) -> list[c.Command]:
        self.commands += commands
        for command in commands:
            if isinstance(command, c.SendMark):
                self.marks.append(command.name)
            if isinstance(command, c.ClearPlayback):
                self.marks.clear()
        return commands

    def answered(self) -> Talk:
        """The phone is there and the model is ready."""
        self.feed(e.CallAnswered())
        self.feed(e.ModelReady("sess_1"))
        return self

    def caller_begins(self, item: str = "u1", at_ms: int = 1000) -> list[c.Command]:
        return self.feed(e.SpeechStarted(item, at_ms))

    def caller_stops(self, item: str = "u1", end_ms: int = 3000) -> list[c.Command]:
        return [*self.feed(e.SpeechStopped(item, end_ms)), *self.feed(e.InputCommitted(item))]

    def caller_frame(self) -> list[c.Command]:
        audio = b"\xff" * 160
        return self.feed(e.CallerAudio(audio, base64.b64encode(audio).decode()))

    def reply_begins(self, reply: str | None = None, item: str | None = None) -> tuple[str, str]:
        """The model takes up the outstanding request; the reply and its first item."""
        self._replies += 1
        reply, item = reply or f"r{self._replies}", item or f"a{self._replies}"
        self.feed(e.ReplyCreated(reply, self.conversation.replies.asked))
        self.feed(e.ItemAdded(reply, item))
        return reply, item

    def sound(self, reply: str, item: str, seconds: float, delta_s: float = 0.25) -> list[c.Command]:
        """Sound of a reply, all at once, in deltas."""
        out: list[c.Command] = []
        for _ in range(round(seconds / delta_s)):
            out += self.feed(e.ReplyAudio(reply, item, 0, b"\x55" * int(delta_s * MULAW_S)))
        return out

    def words(self, reply: str, item: str, text: str) -> None:
        self.feed(e.ReplyText(reply, item, 0, text))

    def reply_done(self, reply: str, item: str | None = None, status: str = "completed") -> list[c.Command]:
        if item:
            self.feed(e.ReplyAudioDone(reply, item, 0))
        return self.feed(e.ReplyDone(reply, status))

    def agent_says(self, seconds: float, text: str = "one two three four five six") -> tuple[str, str]:
        """The caller speaks, stops, and gets a reply that is fully made."""
        self.caller_begins(f"u{self._replies}x")
        self.caller_stops(f"u{self._replies}x")
        reply, item = self.reply_begins()
        self.words(reply, item, text)
        self.sound(reply, item, seconds)
        self.reply_done(reply, item)
        return reply, item

    # --- what came of it

    @property
    def state(self) -> State:
        return self.conversation.state

    def notes(self, kind: str) -> list[dict[str, Any]]:
        return [n.data for n in self.commands if isinstance(n, c.Note) and n.kind == kind]


def only(commands: list[c.Command], *kinds: type) -> list[Any]:
    return [command for command in commands if type(command) in kinds]


def orders(commands: list[c.Command]) -> list[str]:
    """Names of the commands that go to the phone or the model, in order."""
    return [type(command).__name__ for command in commands if not isinstance(command, c.Note)]
