"""What must not last: every state in which something is waited for ends by itself, and says so.

Times are seconds. A wait names the method of the conversation that is called when its time is up.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from .evidence import ALIVE
from .states import State

if TYPE_CHECKING:
    from .conversation import Conversation

READY_WAIT = 10.0
"""For the model's session, all tries together. A caller who hears nothing for longer hangs up; the carrier's spoken
fallback is better."""

REOPEN_PAUSE = 0.5
"""Before the second try to open a session; doubled for each further one."""

OPEN_ATTEMPTS = 4

COMMIT_WAIT = 1.0
"""Between `speech_stopped` and `committed`, which come together. Then the reply is asked for all the same."""

REPLY_WAIT = 8.0
"""From `response.create` to `response.created`, which takes well under a second."""

RETRY_PAUSE = 0.5
"""Before a refused or failed request is sent again; doubled for each further failure."""

REPLY_ATTEMPTS = 3

REFUSALS = 30
"""Of one request because a reply is active of which we know nothing: 15 s, after which no reply is still being made."""

CANCEL_WAIT = 3.0
"""From a cancel to the `response.done` that frees the conversation for the next reply."""

REPLY_STALLS = 15.0
"""Without a sign of life from a reply that is being made, counted from when its last sound was heard."""

MARK_WAIT = 1.0
"""For the last mark of a reply, counted from when the caller has heard its end."""

GAP = 0.75
"""Without media while the caller speaks. The VAD only runs on sound, so it would never hear the end of the speech."""

GAP_FILL_MS = 1000
"""Of silence sent into such a gap: more than any usual silence setting."""

VOICE_WAIT = 1.0
"""From text that can be spoken to its first sound. Providers need 0.1 to 0.4 s; what comes later comes too late."""

WITHOUT_SOUND = 1.6
"""For so long at most voices are waited for, all tries together, from when the caller is without a sound. The caller is to have
one within 2 s, and the model's own voice, which is the last, needs its time too."""

VOICE_LOSSES = 1
"""A voice is tried anew so often, without an utterance that it brought to its end in between."""

REST_AHEAD = 0.6
"""Before the end of what a voice has said, the model is asked to say the rest by itself: so long that nobody notices the seam."""

REST_CANCEL_WAIT = 0.5
"""As CANCEL_WAIT, while a caller waits for the rest of a sentence."""

HEARING_LOSSES = 1

HEARING_WAIT = 4.0
"""From opening the way to another ear to its listening. What the caller says meanwhile is kept for it."""

HEARING_DEAF = 2.0
"""Of a voice that our own ear hears and the provider does not. Its first words come half a second after their sound."""

SURELY_SILENT = 0.15
"""Longer than the silence of the settings, by our own ear. Then the provider that hears the caller is told to end the turn: by
itself it was seen to say so 1.4 s after the last word."""

REPAIR_WAIT = 1.0
"""From a repair of the conversation to its confirmation. Then the reply is asked for all the same."""

SPEECH_LASTS = 90.0
"""Of unbroken speech. A line with steady noise looks like that; the turn is ended by hand."""


SPEECH_UNHEARD = 6.0
"""Of speech that only the model's VAD hears while our own ear hears none any more: a hum holds the turn open. While there was
no voice in it at all there is nothing to be answered, and what the caller says next is waited for."""

MODEL_DEAF = 1.5
"""After the silence of a turn that only our own ear has heard. Then the model's VAD does not hear it any more either."""

SETTINGS_WAIT = 5.0
"""From a `session.update` to its echo, which takes some tenths of a second."""


def waits(c: Conversation) -> Iterator[tuple[float, str]]:
    """What is waited for now: when its time is up, and what is done then."""
    if c.state is not State.ENDED:
        yield from _BY_STATE.get(c.state, _nothing)(c)
        yield from _waits_of_the_reply(c)
        yield from _waits_of_the_voice(c)
        yield from _waits_of_the_ear(c)
        yield from _waits_of_the_call(c)


def _nothing(c: Conversation) -> Iterator[tuple[float, str]]:
    return iter(())


def _waits_for_the_model(c: Conversation) -> Iterator[tuple[float, str]]:
    if c.reopen_at is not None:
        yield c.reopen_at, "_open"
    if c.connecting_since is not None:
        yield c.connecting_since + READY_WAIT, "_model_is_silent"


def _waits_for_a_verdict(c: Conversation) -> Iterator[tuple[float, str]]:
    yield max(c.audio_at, c.gap_filled_at) + GAP, "_fill_gap"
    if c.look_at is not None:
        yield c.look_at, "_weigh"


def _waits_for_the_caller(c: Conversation) -> Iterator[tuple[float, str]]:
    yield max(c.audio_at, c.gap_filled_at) + GAP, "_fill_gap"
    yield c.speech_started_at + SPEECH_LASTS, "_speech_never_stops"
    quiet_since = max(c.burst.voiced_at, c.speech_started_at)
    if c.hears_elsewhere and c.heard_a_voice and not c.told_to_end:
        yield quiet_since + c.settings.silence_ms / 1000 + SURELY_SILENT, "_caller_is_silent"
    if c.heard_only_by_us:
        yield quiet_since + c.settings.silence_ms / 1000 + MODEL_DEAF, "_model_did_not_hear"
    elif c.heard_a_voice and c.audio_at - c.burst.heard_at < ALIVE:
        yield quiet_since + SPEECH_UNHEARD, "_speech_never_stops"


def _waits_for_reply(c: Conversation) -> Iterator[tuple[float, str]]:
    if c.repairs.outstanding:
        yield c.repairs.since + REPAIR_WAIT, "_repair_unanswered"
    elif c.retry_at is not None:
        yield c.retry_at, "_try_again"
    elif c.replies.asked is not None:
        yield c.replies.asked_at + REPLY_WAIT, "_reply_never_came"
    elif c.replies.free:
        # Either the commit is missing, or a reply that the server makes by itself.
        wait = REPLY_WAIT if c.settings.create_response and not c.wanted else COMMIT_WAIT
        if c.wanted and c.committed:
            yield c.answer_at, "_patience_is_over"
        else:
            yield max(c.prepared_at + wait, c.answer_at), "_nothing_came"


_BY_STATE = {
    State.CONNECTING: _waits_for_the_model,
    State.HEARING: _waits_for_the_caller,
    State.WEIGHING: _waits_for_a_verdict,
    State.HOLDING: _waits_for_a_verdict,
    State.PREPARING: _waits_for_reply,
}


def _waits_of_the_reply(c: Conversation) -> Iterator[tuple[float, str]]:
    if c.replies.active is not None:
        if c.replies.active in c.replies.dead:
            yield c.replies.heard_from_at + (REST_CANCEL_WAIT if c.owes_rest else CANCEL_WAIT), "_cancel_unanswered"
        else:
            yield max(c.replies.heard_from_at, c.playback.ends_at) + REPLY_STALLS, "_reply_stalls"
    elif c.utterances.speaking:
        if (
            c.utterances.first is not None and c.utterances.first.awaited_since is None
        ):  # of a reply that is not being made
            yield max(c.utterances.text_at, c.playback.ends_at) + REPLY_STALLS, "_text_stalls"
    elif c.playback.items and c.state is not State.HOLDING:
        yield c.playback.ends_at + (MARK_WAIT if c.playback.marks_outstanding else 0.0), "_heard_to_its_end"
    elif not c.playback.items and c.state in (State.REPLYING, State.WEIGHING):
        yield c.replies.heard_from_at, "_heard_to_its_end"  # a reply that came to nothing


def _waits_of_the_voice(c: Conversation) -> Iterator[tuple[float, str]]:
    utterance = c.utterances.first
    if utterance is not None and utterance.awaited_since is not None and not c.playback.holding:
        due = utterance.awaited_since + VOICE_WAIT
        if utterance.silent_since is not None and not utterance.received:
            due = min(due, utterance.silent_since + WITHOUT_SOUND)
        yield max(due, c.playback.ends_at), "_voice_is_slow"
    made = c.replies.active is not None and c.replies.active not in c.replies.dead
    if c.owes_rest and c.state is State.REPLYING and not made:
        yield c.playback.ends_at - REST_AHEAD, "_rest_is_due"


def _waits_of_the_ear(c: Conversation) -> Iterator[tuple[float, str]]:
    if c.hearing_since is not None:
        yield c.hearing_since + HEARING_WAIT, "_hearing_is_silent"
    if c.unheard_since is not None and c.state in (State.LISTENING, State.PREPARING):
        yield c.unheard_since + HEARING_DEAF, "_hearing_is_deaf"


def _waits_of_the_call(c: Conversation) -> Iterator[tuple[float, str]]:
    if c.offered and c.state is not State.CONNECTING:
        yield c.settings_sent_at + SETTINGS_WAIT, "_settings_unanswered"
    for at, act in (
        (c.sentence_is_due_at(), "_say_sentence"),
        (c.idle_is_due_at(), "_nobody_speaks"),
        (c.warning_is_due_at(), "_warn_of_the_end"),
        (c.call_ends_at(), "_longest_call"),
    ):
        if at is not None:
            yield at, act
