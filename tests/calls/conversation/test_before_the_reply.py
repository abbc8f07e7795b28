"""A sound between the request for a reply and its first sound: the reply is held until it is known what the sound is."""

from __future__ import annotations

from typing import Any

import pytest

from calls.conversation import commands as c
from calls.conversation import events as e
from calls.conversation import facts, silence
from calls.conversation.states import State
from tests.calls.conversation.gate import NATURAL, QUIET
from tests.calls.conversation.talk import Talk, asks, only, orders, spoken


def asked(**settings: Any) -> Talk:
    """The caller has said something, and the reply to it is on its way."""
    talk = Talk(**{**NATURAL, **settings}).answered()
    talk.hears(500, **QUIET)
    talk.caller_begins("u1", 100)
    talk.hears(1600)
    talk.hears(500, **QUIET)
    assert asks(talk.caller_stops("u1", 2700)) == 1
    talk.hears(96, **QUIET)
    return talk


def coughs(talk: Talk, ms: float = 256) -> list[c.Command]:
    out = talk.caller_begins("n1", 3000)
    return out + talk.hears(ms, probability=0.3, level_db=40.0)


def reply_comes(talk: Talk, name: str = "r1") -> list[c.Command]:
    reply, item = talk.reply_begins(name)
    out = talk.sound(reply, item, 2.0)
    return out + talk.reply_done(reply, item)


def test_a_cough_does_not_withdraw_the_request() -> None:
    talk = asked()
    assert orders(coughs(talk)) == []
    assert talk.state is State.HOLDING
    talk.hears(352, **QUIET)
    assert talk.state is State.PREPARING
    assert spoken(reply_comes(talk)) == 2.0
    talk.hears(192, **QUIET)
    assert orders(talk.feed(e.SpeechStopped("n1", 4000))) == []
    assert orders(talk.feed(e.InputCommitted("n1"))) == ["DeleteItem"]
    assert talk.notes(facts.INTERRUPTION_REFUSED)[0]["because"] == "noise"
    assert talk.notes(facts.INTERRUPTION) == talk.notes(facts.REPLY_WITHDRAWN) == []


def test_a_reply_that_comes_during_a_cough_is_held_and_goes_on_after_it() -> None:
    talk = asked()
    coughs(talk, 128)
    assert spoken(reply_comes(talk)) == 0
    assert talk.state is State.HOLDING
    assert spoken(talk.hears(128, probability=0.3, level_db=40.0)) == 0
    assert spoken(talk.hears(352, **QUIET)) == 2.0
    assert talk.state is State.REPLYING


def test_a_reply_whose_creation_was_missed_is_held_too() -> None:
    talk = asked()
    coughs(talk, 128)
    assert spoken(talk.sound("r9", "a9", 1.0)) == 0
    assert spoken(talk.hears(480, **QUIET)) == 1.0


def test_a_sentence_takes_the_turn_and_is_answered_together_with_what_was_said_before() -> None:
    talk = asked()
    talk.caller_begins("u2", 3000)
    talk.hears(480)
    assert talk.state is State.HOLDING
    talk.hears(64)
    assert talk.state is State.HEARING
    assert talk.notes(facts.INTERRUPTION)[-1]["phase"] == "asked"
    talk.feed(e.ReplyCreated("r1", "ask-1"))
    assert [command.reply_id for command in only(talk.commands, c.CancelReply)] == ["r1"]
    talk.feed(e.ReplyDone("r1", "cancelled"))
    talk.hears(500, **QUIET)
    assert asks(talk.caller_stops("u2", 4600)) == 1
    assert spoken(reply_comes(talk, "r2")) == 2.0


def test_a_single_word_is_not_lost_it_belongs_to_what_was_said_before() -> None:
    talk = asked()
    talk.caller_begins("u2", 3000)
    talk.hears(256)
    talk.hears(352, **QUIET)
    assert talk.state is State.HEARING
    (interruption,) = talk.notes(facts.INTERRUPTION)
    assert interruption["because"] == "goes_on"
    talk.feed(e.ReplyCreated("r1", "ask-1"))
    talk.feed(e.ReplyDone("r1", "cancelled"))
    commands = talk.caller_stops("u2", 4000)
    assert "DeleteItem" not in orders(commands)
    assert asks(commands) == 1


def test_a_word_of_listening_is_none_when_it_is_known() -> None:
    talk = asked()
    talk.caller_begins("u2", 3000)
    talk.hears(256)
    talk.feed(e.EarlyWords("u2", "okay"))
    talk.hears(352, **QUIET)
    assert talk.state is State.PREPARING
    assert talk.notes(facts.INTERRUPTION_REFUSED)[0]["because"] == "backchannel"


@pytest.mark.parametrize(
    "failure", [e.ReplyDone("r1", "failed"), e.ModelError("retryable", "server_error", "", "ask-1")]
)
def test_a_request_that_fails_during_the_cough_is_made_again_after_it(failure: e.Event) -> None:
    talk = asked()
    coughs(talk)
    assert asks(talk.feed(failure)) == 0
    assert asks(talk.hears(352, **QUIET)) == 1
    assert talk.notes(facts.REPLY_ASKED)[-1]["because"] == "caller_stopped"


def test_a_reply_that_never_comes_is_waited_for_as_long_as_without_the_cough() -> None:
    talk = asked()
    coughs(talk)
    talk.hears(352, **QUIET)
    talk.wait(silence.REPLY_WAIT - 0.5)
    assert talk.notes(facts.STUCK)[-1]["repair"] == "ask for the reply again"


@pytest.mark.parametrize("without", [{"min_speech_ms": 0}, {"speech_probability": 0.0}])
def test_without_an_ear_that_could_tell_it_is_withdrawn_at_once(without: dict[str, Any]) -> None:
    talk = asked(**without)
    talk.caller_begins("n1", 3000)
    assert talk.state is State.HEARING


def test_a_link_that_is_lost_meanwhile_leaves_nothing_held() -> None:
    talk = asked()
    talk.feed(e.CallerTranscript("u1", "I need an appointment."))
    coughs(talk)
    assert asks(talk.link_is_restored()) == 1
    assert spoken(reply_comes(talk)) == 2.0
