"""What one call's conversation runs with. Frozen: a change is a new object."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class ConversationSettings:
    """Lengths are milliseconds. The names are those of the agent's turn settings, so that one word means one thing.

    The defaults here are the bare five steps with nothing before them. What an agent gets by default stands in the model of its
    turn settings, with the reasons.
    """

    revision: int = 0  # of the agent's turn settings; 0: not from the database
    greeting: str = ""  # spoken first; empty: the caller speaks first
    turn_detection: Mapping[str, Any] = field(default_factory=dict)  # as sent to the model, for the record
    voices: tuple[str, ...] = ()  # external ones, in the order in which they are tried; then the model's own
    hearing: str = ""  # an external ear; empty: the model hears

    # who makes the reply, and who stops it
    create_response: bool = False  # True: the model's server replies by itself when speech stops
    interrupt_response: bool = False  # True: the model's server cancels by itself when speech starts
    silence_ms: int = 500  # what the VAD waits for before it says that speech stopped
    prefix_padding_ms: int = 300  # what the VAD counts back when it says where speech started

    # is it an interruption? Each 0 or False is one kind of evidence less; with all of them off, every speech is one
    stop_sound: Literal["at_once", "when_sure"] = "at_once"  # while that is weighed the sound stops, or goes on
    min_speech_ms: int = 0  # shorter speech over the agent is no interruption
    decide_by_ms: int = 1200  # speech that lasts this long is an interruption whatever else speaks against it
    speech_probability: float = 0.0  # our own ear: from here on a frame of sound counts as speech
    turn_probability: float = (
        0.4  # with our own ear: a sound in silence of which no frame is so surely speech is not answered
    )
    min_loudness_db: float = 0.0  # over the line's own noise
    ignore_backchannels: bool = False  # with early words only: "mm-hm" and the like leave the reply playing
    backchannel_phrases: tuple[str, ...] = ()
    interrupt_phrases: tuple[str, ...] = ()  # with early words only: these stop the agent at once
    echo_guard: float = 0.0  # likeness of the caller's sound to the agent's, from which on it is an echo
    laughter_guard: float = (
        0.0  # likeness of the caller's sound to laughter and coughs, from which on it is none of speech
    )
    protect_greeting: bool = False  # the greeting is always spoken to its end
    grace_ms: int = 0  # at the start of a reply nothing is an interruption yet
    answer_window_ms: int = 0  # short speech so near to the end of a reply is an answer to it
    resume_after_ms: int = 300  # a reply that was held goes on when the caller has been quiet for so long
    resume_overlap_ms: int = 300  # how far a reply that goes on may step back to find the start of a word

    # the five steps of an interruption
    mode: Literal["full", "legacy"] = "full"  # legacy: cancel, and nothing else
    cancel_reply: bool = True
    truncate: Literal["heard", "start", "off"] = "heard"
    clear_buffers: bool = True
    suppress_in_flight: bool = True
    suppress_ms: int = 500
    mark_silent: bool = True

    # the end of the caller's turn
    response_delay_ms: int = 0  # between the end of the turn and the request for a reply
    patience_spelling_ms: int = 0  # added when the agent's last question asks for letters
    patience_number_ms: int = 0  # … for a number
    patience_email_ms: int = 0  # … for an e-mail address

    # silence and length of the call
    idle_prompt_ms: int = 0  # silence after which the agent speaks up; 0: never
    idle_prompts_max: int = 2
    idle_prompt: str = ""
    idle_goodbye: str = ""  # spoken before hanging up, when the prompts had no answer; empty: the call stays
    max_call_s: int = 0  # 0: no limit
    call_warning_s: int = 60  # before the limit
    call_warning: str = ""

    @classmethod
    def of(cls, turn: Mapping[str, Any], **more: Any) -> ConversationSettings:
        """From an agent's turn settings; what the conversation does not know is left out."""
        known = {f.name: f for f in fields(cls)}
        values = {name: value for name, value in {**turn, **more}.items() if name in known}
        for name in ("backchannel_phrases", "interrupt_phrases"):
            if name in values:
                values[name] = tuple(values[name])
        return cls(**values)

    def with_providers(self, voices: tuple[str, ...], hearing: str) -> ConversationSettings:
        """As a call with these runs: nobody but us asks for replies, because the conversation may have to be repaired before."""
        if not voices and not hearing:
            return replace(self, voices=(), hearing="")
        told = {**self.turn_detection}
        if "create_response" in told:
            told["create_response"] = False
        # Who does not hear the caller cannot cancel by itself.
        interrupts = self.interrupt_response and not hearing
        return replace(
            self,
            voices=voices,
            hearing=hearing,
            create_response=False,
            interrupt_response=interrupts,
            turn_detection=told,
        )

    @property
    def gated(self) -> bool:
        """Whether speech over the agent is weighed at all before it stops the reply."""
        if self.mode != "full" or self.interrupt_response:
            return False
        return bool(
            self.min_speech_ms
            or self.speech_probability
            or self.min_loudness_db
            or self.ignore_backchannels
            or self.echo_guard
            or self.laughter_guard
            or self.protect_greeting
            or self.grace_ms
        )
