"""Where a conversation can be, and how it gets there by real events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from calls.conversation import events as e
from calls.conversation import silence
from calls.conversation.evidence import ECHO_LASTS_MS
from calls.conversation.states import State
from tests.calls.conversation.talk import EAR, GATE, Talk
from tests.calls.conversation.voiced_situations import VOICED_SITUATIONS


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


def _sentence_waits() -> Talk:
    talk = Talk().answered()
    talk.agent_says(2.0)
    talk.feed(e.SentenceTyped("One moment, please."))
    return talk


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


def _hearing_a_noise_and_withdrawing() -> Talk:
    talk = _hearing_a_noise()
    talk.feed(e.ReplyCreated("r1"))
    return talk


def _hearing_what_the_model_does_not() -> Talk:
    talk = Talk(**EAR).answered()
    talk.agent_says(5.0)
    talk.ear(1.0, 0.9)
    return talk


def _ended_by_hand() -> Talk:
    talk = Talk().answered()
    talk.caller_begins()
    talk.wait(silence.SPEECH_LASTS)
    talk.feed(e.InputCommitted("u1"))
    reply, item = talk.reply_begins()
    talk.sound(reply, item, 1.0)
    talk.reply_done(reply, item)
    talk.wait(3.0)
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
    talk.wait(2 * silence.RETRY_PAUSE)
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
    return talk.reaches_the_end()


def _refused_speech_goes_on() -> Talk:
    talk = Talk(interrupt_phrases=("stop",), **EAR).answered()
    talk.agent_says(5.0)
    talk.wait(0.5)
    talk.ear(0.5, 0.1)
    talk.caller_begins("u2", 10_000)
    talk.ear(0.128, 0.9)
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


def _weighing_in_the_grace_of_a_short_reply() -> Talk:
    """Nothing is decided before the grace is over, and then there is no reply any more."""
    talk = Talk(stop_sound="when_sure", grace_ms=5000, decide_by_ms=600).answered()
    talk.agent_says(1.0)
    talk.wait(0.1)
    talk.caller_begins("u2", 10_000)
    return talk


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


def _nearly_the_longest_call(**gate: Any) -> Talk:
    talk = Talk(max_call_s=1, call_warning_s=0, **{**GATE, **gate}).answered()
    talk.agent_says(5.0)
    talk.wait(0.5)
    talk.caller_begins("u2", 10_000)
    return talk


def _weighing_nearly_the_longest_call() -> Talk:
    return _nearly_the_longest_call(stop_sound="when_sure")


def _over() -> Talk:
    talk = _hearing()
    talk.feed(e.PhoneClosed("caller hung up"))
    return talk


def _asked_with_an_ear() -> Talk:
    talk = Talk(**EAR, resume_after_ms=300).answered()
    talk.hears(320, 0.1)
    talk.caller_begins()
    talk.hears(640)
    talk.hears(320, 0.1)
    talk.caller_stops()
    talk.hears(64, 0.1)
    return talk


def _holding_what_is_asked_for(*changes: dict[str, Any], probability: float = 0.1) -> Talk:
    """As for a reply that is there already."""
    talk = _asked_with_an_ear()
    talk.caller_begins("u2", 3000)
    for changed in changes:
        talk.settings_change(**changed)
    talk.hears(288, probability)
    talk.now += 0.02
    return talk


def _weighing_a_long_echo(stop_sound: str = "when_sure") -> Talk:
    talk = Talk(**EAR, echo_guard=0.7, stop_sound=stop_sound, resume_after_ms=300).answered()
    talk.agent_says(30.0)
    talk.caller_begins("u2", 10_000)
    talk.hears(640, echo=0.9)  # held for it, it is refused meanwhile
    talk.hears(ECHO_LASTS_MS - 16 - talk.conversation.burst.echo_ms, echo=0.9)
    return talk


SITUATIONS: dict[str, tuple[State, Callable[[], Talk]]] = {
    "a reply is held as the longest call ends": (State.HOLDING, _nearly_the_longest_call),
    "speech is weighed as the longest call ends": (State.WEIGHING, _weighing_nearly_the_longest_call),
    "the phone is not there yet": (State.CONNECTING, Talk),
    "the model is being opened": (State.CONNECTING, _opening),
    "the model is to be opened again": (State.CONNECTING, _reopening),
    "the link is lost before the answer": (State.CONNECTING, _lost_before_the_answer),
    "the link is lost while a reply can still be heard": (State.CONNECTING, _lost_while_it_plays),
    "nobody speaks": (State.LISTENING, lambda: Talk().answered()),
    "changed settings are not answered yet": (State.LISTENING, _changing),
    "the call may only last so long": (State.LISTENING, _long_call),
    "silence is broken": (State.LISTENING, _quiet_call),
    "a typed sentence waits for the end of a reply": (State.REPLYING, _sentence_waits),
    "the caller speaks": (State.HEARING, _hearing),
    "the model takes a noise for speech": (State.HEARING, _hearing_a_noise),
    "a reply that the server began meanwhile is withdrawn": (State.HEARING, _hearing_a_noise_and_withdrawing),
    "only our own ear hears the caller": (State.HEARING, _hearing_what_the_model_does_not),
    "speech goes on after its turn was ended by hand": (State.LISTENING, _ended_by_hand),
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
    "speech is weighed in the grace of a short reply": (State.WEIGHING, _weighing_in_the_grace_of_a_short_reply),
    "speech that is weighed is nearly long enough": (State.WEIGHING, _weighing_nearly_enough),
    "settings change while speech is weighed": (State.WEIGHING, _weighing_a_change),
    "a reply is asked for, and our ear hears": (State.PREPARING, _asked_with_an_ear),
    "a reply that is asked for waits for a cough": (State.HOLDING, _holding_what_is_asked_for),
    "a reply that is asked for waits for a word": (
        State.HOLDING,
        lambda: _holding_what_is_asked_for(probability=0.95),
    ),
    "settings change while what is asked for waits": (
        State.HOLDING,
        lambda: _holding_what_is_asked_for({"turn_detection": {"threshold": 0.7}, **EAR}, EAR),
    ),
    "an echo lasts so long that it is nearly doubted": (State.WEIGHING, _weighing_a_long_echo),
    "an echo that was refused lasts as long": (State.REPLYING, lambda: _weighing_a_long_echo("at_once")),
    "a reply is held": (State.HOLDING, _holding),
    "a reply without a sound is held": (State.HOLDING, _holding_soundless),
    "a reply is held for a noise": (State.HOLDING, _holding_for_a_noise),
    "settings change while a reply is held for a noise": (
        State.HOLDING,
        lambda: _holding_for_a_noise({"turn_detection": {"threshold": 0.7}, **EAR}, EAR),
    ),
    "speech for which a reply is held is nearly long enough": (State.HOLDING, _holding_nearly_enough),
    "settings change while a reply is held": (State.HOLDING, _holding_a_change),
    **VOICED_SITUATIONS,
    "the call has ended": (State.ENDED, _over),
}
"""One way at least to every state, by real events, and one to each of the waits."""


def being(situation: str) -> Talk:
    """A conversation that has come to be in this situation."""
    state, way = SITUATIONS[situation]
    talk = way()
    assert talk.state is state, situation
    return talk
