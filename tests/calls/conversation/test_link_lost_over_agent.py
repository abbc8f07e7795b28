"""The model's link is lost while the caller speaks over the agent: the phone still plays, and our ear still hears."""

from __future__ import annotations

import pytest

from calls.conversation import events as e
from calls.conversation import facts, silence
from calls.conversation.states import State
from tests.calls.conversation.gate import QUIET, talking
from tests.calls.conversation.talk import Talk, asks, orders


def lost_while_weighed(stop_sound: str = "when_sure", heard_ms: float = 320) -> Talk:
    talk = talking(stop_sound=stop_sound, resume_overlap_ms=0)
    talk.caller_begins("u9", 10_000)
    talk.hears(heard_ms)
    talk.feed(e.LinkLost("closed with 1006"))
    assert talk.state is State.CONNECTING
    return talk


@pytest.mark.parametrize("stop_sound", ["when_sure", "at_once"])
def test_who_goes_on_stops_the_agent_although_no_model_hears_it(stop_sound: str) -> None:
    talk = lost_while_weighed(stop_sound)
    assert "ClearPlayback" not in orders(talk.hears(160))
    assert "ClearPlayback" in orders(talk.hears(32))  # what was heard before the loss counts
    assert talk.state is State.CONNECTING
    assert talk.notes(facts.INTERRUPTION)[-1]["because"] == "speech"


def test_nothing_is_told_to_a_model_that_is_not_there() -> None:
    talk = lost_while_weighed()
    assert {"CancelReply", "TruncateReply", "DeleteItem", "AskForReply"}.isdisjoint(orders(talk.hears(640)))


def test_what_was_said_then_is_asked_for_when_the_link_stands_again() -> None:
    talk = lost_while_weighed()
    talk.hears(320)
    talk.hears(320, **QUIET)
    commands = talk.feed(e.ModelReady("sess_2"))
    assert asks(commands + talk.wait(silence.MODEL_DEAF + 0.1)) == 1
    assert talk.notes(facts.REPLY_ASKED)[-1]["because"] == "unheard"


def test_a_caller_who_still_speaks_then_is_listened_to_and_not_asked() -> None:
    talk = lost_while_weighed()
    talk.hears(320)
    talk.feed(e.ModelReady("sess_2"))
    talk.hears(320)
    talk.caller_begins("u1", 300)
    assert talk.state is State.HEARING
    talk.hears(1600)
    assert asks(talk.caller_stops("u1", 3000)) == 1
    assert talk.notes(facts.REPLY_ASKED)[-1]["because"] == "caller_stopped"


def test_a_murmur_across_the_loss_leaves_the_reply_playing() -> None:
    talk = lost_while_weighed(heard_ms=256)
    assert "ClearPlayback" not in orders(talk.hears(1500, **QUIET))
    talk.feed(e.ModelReady("sess_2"))
    assert talk.state is State.REPLYING
    assert talk.notes(facts.INTERRUPTION) == []


def test_speech_that_begins_while_the_link_is_away_is_weighed_like_any_other() -> None:
    talk = talking()
    talk.feed(e.LinkLost("closed with 1006"))
    assert "ClearPlayback" not in orders(talk.hears(480))
    assert "ClearPlayback" in orders(talk.hears(64))
