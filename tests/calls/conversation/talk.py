"""A conversation in a test: says in the words of the domain what happens, and what was commanded."""

from __future__ import annotations

import base64
from collections.abc import Callable
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

    def hears(self, ms: float, probability: float = 0.95, level_db: float = 30.0, echo: float = 0.0) -> list[c.Command]:
        """Our own ear tells of so much of the caller's sound, as time passes."""
        out: list[c.Command] = []
        for _ in range(round(ms / 32)):
            out += self.wait(0.032)
            self.caller_frame()
            out += self.feed(e.SoundHeard(self.now, probability, level_db, echo))
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


# --- where a conversation can be, and how it gets there


def _opening() -> Talk:
    talk = Talk()
    talk.feed(e.CallAnswered())
    return talk


def _lost_while_it_plays() -> Talk:
    talk = Talk(greeting="Hello.").answered()
    talk.greets(3.0)
    talk.wait(1.0)
    talk.feed(e.LinkLost("closed with 1006"))
    return talk


def _lost_before_the_answer() -> Talk:
    talk = _asked()
    talk.feed(e.CallerTranscript("u1", "I need an appointment."))
    talk.feed(e.LinkLost("closed with 1006"))
    return talk


def _reopening() -> Talk:
    talk = Talk().answered()
    talk.feed(e.LinkLost("closed with 1006"))
    talk.feed(e.LinkLost("HTTP 503"))
    return talk


def _changing() -> Talk:
    talk = Talk().answered()
    talk.settings_change(turn_detection={"type": "server_vad", "threshold": 0.7})
    return talk


def _long_call() -> Talk:
    return Talk(max_call_s=90, call_warning="One minute left.").answered()


def _quiet_call() -> Talk:
    return Talk(idle_prompt_ms=8000, idle_prompts_max=0, idle_prompt="Hello?", idle_goodbye="Goodbye.").answered()


def _hearing() -> Talk:
    talk = Talk().answered()
    talk.caller_begins()
    return talk


def _hearing_a_noise() -> Talk:
    talk = Talk(**EAR).answered()
    talk.ear(0.5, 0.1)
    talk.caller_begins()
    talk.ear(0.5, 0.1)
    return talk


def _hearing_what_the_model_does_not() -> Talk:
    talk = Talk(**EAR).answered()
    talk.agent_says(5.0)
    talk.ear(1.0, 0.9)
    return talk


def _uncommitted() -> Talk:
    talk = Talk().answered()
    talk.caller_begins()
    talk.feed(e.SpeechStopped("u1", 3000))
    return talk


def _asked() -> Talk:
    talk = Talk().answered()
    talk.caller_begins()
    talk.caller_stops()
    return talk


def _greeting_asked() -> Talk:
    return Talk(greeting="Hello.", protect_greeting=True, **EAR).answered()


def _refused() -> Talk:
    talk = _asked()
    talk.feed(e.ModelError("retryable", "server_error", "", talk.conversation.replies.asked))
    return talk


def _refused_twice() -> Talk:
    talk = _refused()
    talk.wait(silence.RETRY_PAUSE)
    talk.feed(e.ModelError("retryable", "server_error", "", talk.conversation.replies.asked))
    talk.wait(silence.RETRY_PAUSE)
    return talk


def _patient() -> Talk:
    talk = Talk(response_delay_ms=2000).answered()
    talk.caller_begins()
    talk.caller_stops()
    return talk


def _not_free() -> Talk:
    talk = Talk().answered()
    talk.agent_is_saying(5.0)
    talk.wait(0.5)
    talk.caller_begins("u2")
    talk.caller_stops("u2")
    return talk


def _soundless() -> Talk:
    talk = _asked()
    talk.reply_begins()
    return talk


def _making() -> Talk:
    talk = Talk().answered()
    talk.agent_is_saying(5.0)
    talk.wait(0.5)
    return talk


def _made() -> Talk:
    talk = Talk(interrupt_phrases=("stop",), **EAR).answered()
    talk.agent_says(5.0)
    talk.wait(0.5)
    return talk


def _made_and_nearly_interrupted() -> Talk:
    talk = _made()
    talk.ear(0.384, 0.9)
    return talk


def _made_and_talking_on() -> Talk:
    talk = Talk(stop_sound="when_sure", **GATE).answered()
    talk.agent_says(5.0)
    talk.wait(0.5)
    return talk


def _at_its_end(talk: Talk | None = None) -> Talk:
    """All was heard, and of all marks the last is on its way."""
    if talk is None:
        talk = Talk().answered()
        talk.agent_says(1.0)
    talk.now = max(talk.now, talk.conversation.playback.ends_at) + 0.01
    last, talk.marks = talk.marks[-1], talk.marks[:-1]
    talk.marks_return()
    talk.marks = [last]
    return talk


def _refused_speech_goes_on() -> Talk:
    talk = Talk(interrupt_phrases=("stop",), **EAR).answered()
    talk.agent_says(5.0)
    talk.wait(0.5)
    talk.ear(0.5, 0.1)
    talk.caller_begins("u2", 10_000)
    talk.ear(0.5, 0.1)
    return talk


def _greeting_talked_over() -> Talk:
    talk = _greeting_asked()
    talk.greets()
    talk.wait(0.5)
    talk.caller_begins("u2", 10_000)
    return talk


def _owing_an_answer() -> Talk:
    talk = _greeting_talked_over()
    talk.wait(0.5)
    talk.caller_stops("u2", 12_000)
    return _at_its_end(talk)


def _goodbye() -> Talk:
    talk = _quiet_call()
    talk.wait(8.0)
    talk.greets(1.0, "Goodbye.")
    return _at_its_end(talk)


def _warned_while_speaking() -> Talk:
    talk = _long_call()
    talk.wait(29.0)
    talk.agent_says(2.0)
    talk.wait(1.5)
    return _at_its_end(talk)


def _weighing() -> Talk:
    talk = Talk(stop_sound="when_sure", interrupt_phrases=("stop",), **EAR).answered()
    talk.agent_says(2.0)
    talk.wait(0.5)
    talk.caller_begins("u2", 10_000)
    return talk


def _weighing_at_its_end() -> Talk:
    talk = Talk(stop_sound="when_sure", **GATE).answered()
    talk.agent_says(1.0)
    talk.wait(0.5)
    talk.caller_begins("u2", 10_000)
    return _at_its_end(talk)


def _weighing_nearly_enough() -> Talk:
    talk = _weighing()
    talk.ear(0.384, 0.9)
    return talk


def _weighing_a_change() -> Talk:
    talk = _weighing()
    talk.settings_change(turn_detection={"type": "server_vad", "threshold": 0.7})
    talk.settings_change("t2")  # which the model need not know, and which weighs nothing
    return talk


def _holding() -> Talk:
    talk = Talk(interrupt_phrases=("stop",), **EAR).answered()
    talk.agent_says(2.0)
    talk.wait(0.5)
    talk.caller_begins("u2", 10_000)
    return talk


def _holding_soundless() -> Talk:
    talk = Talk(**GATE).answered()
    talk.caller_begins()
    talk.caller_stops()
    talk.reply_begins()
    talk.caller_begins("u2", 10_000)
    return talk


def _holding_for_a_noise(*changes: dict[str, Any]) -> Talk:
    """It has been quiet for long enough, and nobody has looked yet."""
    talk = _holding()
    for changed in changes:
        talk.settings_change(**changed)
    talk.ear(0.288, 0.1)
    talk.now += 0.02
    return talk


def _holding_nearly_enough() -> Talk:
    talk = _holding()
    talk.ear(0.384, 0.9)
    return talk


def _holding_a_change() -> Talk:
    talk = _holding()
    talk.settings_change(turn_detection={"type": "server_vad", "threshold": 0.7})
    talk.settings_change("t2")  # which the model need not know, and which weighs nothing
    return talk


def _over() -> Talk:
    talk = _hearing()
    talk.feed(e.PhoneClosed("caller hung up"))
    return talk


SITUATIONS: dict[str, tuple[State, Callable[[], Talk]]] = {
    "the phone is not there yet": (State.CONNECTING, Talk),
    "the model is being opened": (State.CONNECTING, _opening),
    "the model is to be opened again": (State.CONNECTING, _reopening),
    "the link is lost before the answer": (State.CONNECTING, _lost_before_the_answer),
    "the link is lost while a reply can still be heard": (State.CONNECTING, _lost_while_it_plays),
    "nobody speaks": (State.LISTENING, lambda: Talk().answered()),
    "changed settings are not answered yet": (State.LISTENING, _changing),
    "the call may only last so long": (State.LISTENING, _long_call),
    "silence is broken": (State.LISTENING, _quiet_call),
    "the caller speaks": (State.HEARING, _hearing),
    "the model takes a noise for speech": (State.HEARING, _hearing_a_noise),
    "only our own ear hears the caller": (State.HEARING, _hearing_what_the_model_does_not),
    "what was said is no item yet": (State.PREPARING, _uncommitted),
    "a reply is asked for": (State.PREPARING, _asked),
    "the protected greeting is asked for": (State.PREPARING, _greeting_asked),
    "the request was refused": (State.PREPARING, _refused),
    "the last try is asked for": (State.PREPARING, _refused_twice),
    "the caller is given time": (State.PREPARING, _patient),
    "a cancelled reply has not ended": (State.PREPARING, _not_free),
    "a reply has begun without a sound": (State.REPLYING, _soundless),
    "a reply is being made": (State.REPLYING, _making),
    "a reply is made and can still be heard": (State.REPLYING, _made),
    "our own ear has nearly heard enough": (State.REPLYING, _made_and_nearly_interrupted),
    "a reply is made and will not stop at once": (State.REPLYING, _made_and_talking_on),
    "a reply has just been heard to its end": (State.REPLYING, _at_its_end),
    "a noise goes on over a reply": (State.REPLYING, _refused_speech_goes_on),
    "the caller speaks over the protected greeting": (State.REPLYING, _greeting_talked_over),
    "the caller speaks into the end of the protected greeting": (
        State.REPLYING,
        lambda: _at_its_end(_greeting_talked_over()),
    ),
    "what was said over a reply is owed an answer": (State.REPLYING, _owing_an_answer),
    "goodbye has been said": (State.REPLYING, _goodbye),
    "a warning is to follow a reply": (State.REPLYING, _warned_while_speaking),
    "the agent talks on while speech is weighed": (State.WEIGHING, _weighing),
    "a reply ends while speech is weighed": (State.WEIGHING, _weighing_at_its_end),
    "speech that is weighed is nearly long enough": (State.WEIGHING, _weighing_nearly_enough),
    "settings change while speech is weighed": (State.WEIGHING, _weighing_a_change),
    "a reply is held": (State.HOLDING, _holding),
    "a reply without a sound is held": (State.HOLDING, _holding_soundless),
    "a reply is held for a noise": (State.HOLDING, _holding_for_a_noise),
    "settings change while a reply is held for a noise": (
        State.HOLDING,
        lambda: _holding_for_a_noise({"turn_detection": {"threshold": 0.7}, **EAR}, EAR),
    ),
    "speech for which a reply is held is nearly long enough": (State.HOLDING, _holding_nearly_enough),
    "settings change while a reply is held": (State.HOLDING, _holding_a_change),
    "the call has ended": (State.ENDED, _over),
}
"""One way at least to every state, by real events, and one to each of the waits."""


def being(situation: str) -> Talk:
    """A conversation that has come to be in this situation."""
    state, way = SITUATIONS[situation]
    talk = way()
    assert talk.state is state, situation
    return talk
