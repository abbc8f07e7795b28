"""A conversation in a test: says in the words of the domain what happens, and what was commanded."""

from __future__ import annotations

import base64
import re
from typing import Any

from calls.conversation import commands as c
from calls.conversation import events as e
from calls.conversation import silence
from calls.conversation.conversation import Conversation
from calls.conversation.settings import ConversationSettings
from calls.conversation.states import State

MULAW_S = 8000
FRAME = b"\xff" * 160

GATE = {"min_speech_ms": 400, "silence_ms": 500, "prefix_padding_ms": 300, "resume_overlap_ms": 0}
"""Speech over the agent is weighed by its length alone, and the sound stops meanwhile."""

EAR = {**GATE, "speech_probability": 0.5}
"""… and by what our own ear makes of it."""


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
        return self.feed(e.CallerAudio(FRAME, base64.b64encode(FRAME).decode()))

    def hears(
        self, ms: float, probability: float = 0.95, level_db: float = 30.0, echo: float = 0.0, laughter: float = 0.0
    ) -> list[c.Command]:
        """Our own ear tells of so much of the caller's sound, as time passes."""
        out: list[c.Command] = []
        for _ in range(round(ms / 32)):
            out += self.wait(0.032)
            self.caller_frame()
            out += self.feed(e.SoundHeard(self.now, probability, level_db, echo, laughter))
        return out

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

    def text(self, reply: str, item: str, text: str, done: bool = True) -> list[c.Command]:
        """Text of a reply that another voice has to speak: in one piece, and its end."""
        out = self.feed(e.ReplyText(reply, item, 0, text, spoken=False))
        return out + (self.feed(e.ReplyTextDone(reply, item, 0, text, spoken=False)) if done else [])

    def agent_writes(self, text: str) -> tuple[str, str]:
        """The caller speaks, stops, and the model has written all of its answer; no voice has made a sound of it."""
        self.caller_begins(f"u{self._replies}x")
        self.caller_stops(f"u{self._replies}x")
        reply, item = self.reply_begins()
        self.feed(e.ItemPlaced(f"u{self._replies - 1}x", None))
        self.feed(e.ItemPlaced(item, f"u{self._replies - 1}x"))
        self.text(reply, item, text)
        self.reply_done(reply)
        return reply, item

    def agent_writes_two_items(self, first: str, second: str) -> str:
        """As `agent_writes`, of a reply that has two items; the first of them, the other is b1."""
        caller = f"u{self._replies}x"
        self.caller_begins(caller)
        self.caller_stops(caller)
        reply, one = self.reply_begins()
        self.feed(e.ItemAdded(reply, "b1"))
        for item, before in ((caller, None), (one, caller), ("b1", one)):
            self.feed(e.ItemPlaced(item, before))
        self.text(reply, one, first)
        self.text(reply, "b1", second)
        self.reply_done(reply)
        return one

    @property
    def utterance(self) -> str:
        """The newest that a voice was given."""
        return only(self.commands, c.Speak)[-1].utterance

    def voice_sounds(self, seconds: float, text: str = "", done: bool = False) -> list[c.Command]:
        """The voice speaks the newest utterance for so long; each word of `text` takes its share."""
        name, out = self.utterance, []
        words = [*re.finditer(r"\S+", text)]
        points = [(w.end(), (n + 1) * seconds * 1000 / len(words)) for n, w in enumerate(words)]
        if points:
            out += self.feed(e.VoiceTimed(name, tuple(points)))
        out += self.feed(e.VoiceAudio(name, b"\x55" * round(seconds * MULAW_S)))
        return out + (self.feed(e.VoiceDone(name)) if done else [])

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

    def agent_is_saying(self, seconds: float, text: str = "one two three four five six") -> tuple[str, str]:
        """The caller speaks, stops, and gets a reply of which more is still to come."""
        self.caller_begins()
        self.caller_stops()
        reply, item = self.reply_begins()
        self.words(reply, item, text)
        self.sound(reply, item, seconds)
        return reply, item

    def greets(self, seconds: float = 2.0, text: str = "Hello.") -> tuple[str, str]:
        """The greeting that was asked for is fully made."""
        reply, item = self.reply_begins()
        self.words(reply, item, text)
        self.sound(reply, item, seconds)
        self.reply_done(reply, item)
        return reply, item

    def murmurs(self, item: str = "u2", at_ms: int = 10_000, spoken_ms: int = 200) -> list[c.Command]:
        """The caller makes a short sound, and the model's VAD hears its end after the silence that it waits for."""
        s = self.conversation.settings
        out = self.caller_begins(item, at_ms)
        out += self.wait((spoken_ms + s.silence_ms) / 1000)
        return out + self.caller_stops(item, at_ms + s.prefix_padding_ms + spoken_ms + s.silence_ms)

    def ear(self, seconds: float, probability: float, level_db: float = 20.0) -> list[c.Command]:
        """Our own ear hears the line for so long."""
        out: list[c.Command] = []
        for _ in range(round(seconds / 0.032)):
            out += self.wait(0.032)
            out += self.feed(e.SoundHeard(self.now, probability, level_db))
        return out

    def marks_return(self) -> list[c.Command]:
        """The phone returns all marks that it was given and has not returned yet."""
        names, self.marks = self.marks, []
        return [command for name in names for command in self.feed(e.MarkPlayed(name))]

    def reaches_the_end(self) -> Talk:
        """All was heard, and of all marks the last is on its way."""
        self.now = max(self.now, self.conversation.playback.ends_at) + 0.01
        last, self.marks = self.marks[-1], self.marks[:-1]
        self.marks_return()
        self.marks = [last]
        return self

    def link_is_restored(self, after: float = 0.3) -> list[c.Command]:
        """The model's socket is lost, and a new session stands after so many seconds."""
        out = self.feed(e.LinkLost("closed with 1006"))
        out += self.wait(after)
        return out + self.feed(e.ModelReady("sess_2"))

    def settings_change(self, ticket: str = "t1", **settings: Any) -> list[c.Command]:
        return self.feed(e.SettingsChanged(ConversationSettings(**settings), "ann", {}, ticket))

    def next_deadline(self) -> str:
        """Let the next deadline be met, and nothing else; what was due."""
        at, due = min(silence.waits(self.conversation))
        self.now = max(self.now, at)
        self._keep(list(getattr(self.conversation, due)(self.now)))
        return due

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


def spoken(commands: list[c.Command]) -> float:
    """How many seconds of sound went to the phone."""
    return sum(len(command.audio) for command in only(commands, c.PlayAudio)) / MULAW_S


def asks(commands: list[c.Command]) -> int:
    """How many replies were asked for."""
    return len(only(commands, c.AskForReply))


def line_until(talk: Talk, second: float) -> None:
    """Frames of the line, until so many seconds after the stream began."""
    while talk.now < talk.conversation.began_at + second - 0.001:
        talk.wait(0.02)
        talk.caller_frame()
