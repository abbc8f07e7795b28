"""Where a conversation can be with another voice, or another ear, than the model's, and how it gets there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from calls.conversation import events as e
from calls.conversation.states import State
from tests.calls.conversation.talk import EAR, Talk

TEXT = "One two three. Four five six."
VOICES = ("elevenlabs", "cartesia")


def voiced(*voices: str, **settings: object) -> Talk:
    return Talk(voices=voices or ("elevenlabs",), **settings).answered()


VOICED: dict[str, Any] = {"voices": VOICES}


def _written(**settings: Any) -> Talk:
    talk = Talk(**VOICED, **settings).answered()
    talk.agent_writes("One two three. Four five six.")
    return talk


def _voice_speaks() -> Talk:
    talk = _written()
    talk.voice_sounds(2.0, "One two three.")
    talk.wait(0.5)
    return talk


def _only_voice_speaks() -> Talk:
    talk = Talk(voices=("elevenlabs",)).answered()
    talk.agent_writes("One two three. Four five six.")
    talk.voice_sounds(0.5, "One two three.")
    talk.wait(0.4)
    return talk


def _voice_is_nearly_done() -> Talk:
    talk = _written()
    talk.voice_sounds(0.5, "One two three. Four five six.")
    talk.wait(0.6)
    return talk


def _voice_says_goodbye() -> Talk:
    talk = Talk(
        **VOICED, idle_prompt_ms=8000, idle_prompts_max=0, idle_prompt="Hello?", idle_goodbye="Goodbye."
    ).answered()
    talk.wait(8.0)
    reply, item = talk.reply_begins()
    talk.text(reply, item, "Goodbye.")
    talk.reply_done(reply)
    talk.voice_sounds(0.5, "Goodbye.")
    talk.wait(0.6)
    return talk


def _refused_speech_goes_on_over_a_voice() -> Talk:
    talk = Talk(**VOICED, **EAR).answered()
    talk.agent_writes("One two three. Four five six.")
    talk.ear(0.5, 0.1)
    talk.voice_sounds(1.0, "One two three.")
    talk.caller_begins("u2", 10_000)
    talk.ear(0.128, 0.9)
    talk.ear(0.5, 0.1)
    talk.voice_sounds(0.2)
    talk.feed(e.VoiceTimed(talk.utterance, ((29, 1200.0),)))
    talk.now = talk.conversation.playback.ends_at + 0.01
    return talk


def _text_without_a_reply() -> Talk:
    talk = Talk(**VOICED).answered()
    talk.feed(e.ReplyText("r1", "a1", 0, "One ", spoken=False))
    return talk


def _last_voice_says_nothing() -> Talk:
    talk = Talk(voices=("elevenlabs",)).answered()
    talk.agent_writes("One two three.")
    return talk


def _being_written_for_the_only_voice() -> Talk:
    talk = Talk(voices=("elevenlabs",)).answered()
    talk.caller_begins()
    talk.caller_stops()
    reply, item = talk.reply_begins()
    talk.text(reply, item, "One two three. ", done=False)
    return talk


def _heard_by_our_ear_alone() -> Talk:
    talk = Talk(hearing="speechmatics", **EAR).answered()
    talk.feed(e.HearingReady())
    talk.ear(0.7, 0.9)
    return talk


def _repairing() -> Talk:
    talk = _voice_speaks()
    talk.caller_begins("u2", 10_000)
    talk.caller_stops("u2", 12_000)
    return talk


def _weighing_over_a_voice() -> Talk:
    talk = Talk(voices=("elevenlabs",), stop_sound="when_sure", **EAR).answered()
    talk.agent_writes("One two three. Four five six.")
    talk.voice_sounds(0.5, "One two three.")
    talk.caller_begins("u2", 10_000)
    talk.wait(0.51)
    return talk


def _rest_is_owed() -> Talk:
    """All voices have failed while speech was weighed, and it was none."""
    talk = Talk(voices=("elevenlabs",), **EAR).answered()
    talk.agent_writes("One two three. Four five six.")
    talk.voice_sounds(2.0, "One two three.")
    talk.wait(0.5)
    talk.ear(0.5, 0.1)
    talk.caller_begins("u2", 10_000)
    talk.feed(e.VoiceFailed(talk.utterance, "quota", retry=False))
    talk.ear(0.5, 0.1)
    return talk.reaches_the_end()


def _heard_elsewhere() -> Talk:
    talk = Talk(hearing="speechmatics").answered()
    talk.feed(e.HearingReady())
    talk.caller_begins()
    return talk


def _silent_and_heard_elsewhere() -> Talk:
    talk = Talk(hearing="speechmatics", **EAR).answered()
    talk.feed(e.HearingReady())
    talk.caller_begins()
    talk.ear(0.5, 0.9)
    talk.ear(0.4, 0.1)
    return talk


def _bare_and_heard_elsewhere() -> Talk:
    """Nothing is weighed, and our own ear has nearly heard enough to stop the agent."""
    talk = Talk(hearing="speechmatics").answered()
    talk.feed(e.CallerTranscript("u0x", "Hello."))
    talk.agent_says(5.0)
    talk.wait(0.5)
    talk.ear(0.16, 0.9)
    return talk


VOICED_SITUATIONS: dict[str, tuple[State, Callable[[], Talk]]] = {
    "no voice has made a sound of the text yet": (State.REPLYING, _written),
    "another voice speaks": (State.REPLYING, _voice_speaks),
    "the only other voice falls silent": (State.REPLYING, _only_voice_speaks),
    "another voice has said all, and not that it has": (State.REPLYING, _voice_is_nearly_done),
    "another voice has said goodbye": (State.REPLYING, _voice_says_goodbye),
    "a noise goes on over another voice": (State.REPLYING, _refused_speech_goes_on_over_a_voice),
    "text comes of a reply that has not begun": (State.LISTENING, _text_without_a_reply),
    "the only other voice makes no sound": (State.REPLYING, _last_voice_says_nothing),
    "the only other voice gets its text": (State.REPLYING, _being_written_for_the_only_voice),
    "another ear does not hear what ours does": (State.LISTENING, _heard_by_our_ear_alone),
    "the conversation is being repaired": (State.PREPARING, _repairing),
    "speech is weighed over a voice that pauses": (State.WEIGHING, _weighing_over_a_voice),
    "the rest of a reply is owed by the model's own voice": (State.REPLYING, _rest_is_owed),
    "another ear hears the caller": (State.HEARING, _heard_elsewhere),
    "our ear hears that the caller has finished, and another ear not yet": (State.HEARING, _silent_and_heard_elsewhere),
    "our ear nearly stops what nothing weighs": (State.REPLYING, _bare_and_heard_elsewhere),
}
