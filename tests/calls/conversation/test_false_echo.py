"""A person whom the guard takes for an echo is not taken for one for ever."""

from __future__ import annotations

from calls.conversation import commands as c
from calls.conversation import events as e
from calls.conversation import facts
from calls.conversation.evidence import ECHO_ENDS, ECHO_LASTS_MS
from calls.conversation.states import State
from tests.calls.conversation.gate import NATURAL, QUIET, stops, talking
from tests.calls.conversation.talk import Talk, only, orders, spoken

LASTS = ECHO_LASTS_MS + 64


def echoing(seconds: float = 120.0, **settings: object) -> Talk:
    """The agent talks on, and what comes from the caller is like it."""
    talk = talking(seconds=seconds, resume_overlap_ms=0, **settings)
    talk.caller_begins("u9", 10_000)
    return talk


def test_the_agent_is_silent_for_a_moment_when_an_echo_lasts_too_long_to_be_sure() -> None:
    talk = echoing()
    assert "ClearPlayback" not in orders(talk.hears(ECHO_LASTS_MS - 64, echo=0.9))
    (clear,) = only(talk.hears(96, echo=0.9), c.ClearPlayback)
    assert clear.held
    assert talk.state is State.HOLDING


def test_who_goes_on_while_the_agent_is_silent_is_a_person() -> None:
    talk = echoing()
    talk.hears(LASTS, echo=0.9)
    talk.hears(96, echo=0.8)  # the agent is still in the average
    assert {"CancelReply", "TruncateReply"}.isdisjoint(orders(talk.hears(448, echo=0.1)))
    assert "TruncateReply" in orders(talk.hears(64, echo=0.1))
    assert talk.state is State.HEARING
    assert talk.notes(facts.INTERRUPTION)[-1]["because"] == "speech"


def test_an_echo_ends_with_the_agent_and_the_reply_goes_on_where_it_was() -> None:
    talk = echoing(seconds=20.0)
    talk.hears(LASTS, echo=0.9)
    assert spoken(talk.hears(ECHO_ENDS * 1000 - 100, echo=0.9)) == 0  # a room's
    assert spoken(talk.hears(500, **QUIET)) > 5
    assert talk.state is State.REPLYING
    (refused,) = talk.notes(facts.INTERRUPTION_REFUSED)
    assert (refused["because"], refused["held"], refused["kept"]) == ("echo", True, False)
    assert 600 <= refused["silent_ms"] <= 1000


def test_after_an_echo_the_next_may_last_twice_as_long() -> None:
    talk = echoing()
    talk.hears(LASTS, echo=0.9)
    talk.hears(1100, **QUIET)
    stops(talk, 11_000)
    talk.caller_begins("u10", 30_000)
    assert "ClearPlayback" not in orders(talk.hears(2 * ECHO_LASTS_MS - 64, echo=0.9))
    assert "ClearPlayback" in orders(talk.hears(96, echo=0.9))


def test_also_speech_that_was_refused_before_and_goes_on() -> None:
    talk = echoing(stop_sound="at_once", resume_after_ms=300)
    talk.hears(640, echo=0.9)  # the sound was stopped for it, and goes on
    assert talk.state is State.REPLYING
    talk.hears(LASTS, echo=0.9)
    assert talk.state is State.HOLDING


def test_a_protected_greeting_is_not_interrupted_for_it() -> None:
    talk = Talk(**{**NATURAL, "protect_greeting": True, "greeting": "This call is recorded."}).answered()
    talk.greets(30.0)
    talk.hears(1000, **QUIET)
    talk.caller_begins("u9", 10_000)
    assert "ClearPlayback" not in orders(talk.hears(2 * LASTS, echo=0.9))


def test_a_link_that_is_lost_meanwhile_lets_the_reply_go_on() -> None:
    talk = echoing(seconds=20.0)
    talk.hears(LASTS, echo=0.9)
    assert spoken(talk.feed(e.LinkLost("closed with 1006"))) > 5
