"""Settings that change while the call runs."""

from __future__ import annotations

from typing import Any

from calls.conversation import commands as c
from calls.conversation import events as e
from calls.conversation import facts, silence
from calls.conversation.settings import ConversationSettings
from calls.conversation.states import State
from tests.calls.conversation.talk import Talk, only, orders

OLD = {"type": "server_vad", "threshold": 0.6}
NEW = {"type": "server_vad", "threshold": 0.7}


def changed(revision: int = 2, ticket: str = "t1", turn_detection: dict[str, Any] = NEW, **settings: Any) -> e.Event:
    new = ConversationSettings(revision=revision, turn_detection=turn_detection, **settings)
    return e.SettingsChanged(new, "ann", {"threshold": (0.6, 0.7)}, ticket)


def call(**settings: Any) -> Talk:
    return Talk(revision=1, turn_detection=OLD, **settings).answered()


def test_a_change_goes_to_the_model_whole_and_is_in_force_when_its_echo_comes() -> None:
    talk = call()
    (configure,) = only(talk.feed(changed()), c.ConfigureModel)
    assert configure.turn_detection == NEW
    assert talk.conversation.settings.revision == 1
    talk.feed(e.ModelConfigured(configure.request_id, ("threshold: asked 0.7, got 0.65",)))
    assert talk.conversation.settings.revision == 2
    (note,) = talk.notes(facts.SETTINGS_CHANGED)
    assert note == {"revision": 2, "by": "ann", "changes": {"threshold": [0.6, 0.7]}, "ticket": "t1"}
    (applied,) = talk.notes(facts.SETTINGS_APPLIED)
    assert applied == {"revision": 2, "ticket": "t1", "differences": ["threshold: asked 0.7, got 0.65"]}


def test_what_the_model_need_not_know_is_in_force_at_once() -> None:
    talk = call()
    assert orders(talk.feed(changed(turn_detection=OLD, min_speech_ms=400))) == []
    assert talk.conversation.settings.min_speech_ms == 400
    assert talk.notes(facts.SETTINGS_APPLIED)[0]["ticket"] == "t1"


def test_what_the_model_refuses_leaves_everything_as_it_was() -> None:
    talk = call()
    (configure,) = only(talk.feed(changed(min_speech_ms=400)), c.ConfigureModel)
    talk.feed(e.ModelError("retryable", "invalid_value", "", configure.request_id))
    assert talk.conversation.settings.min_speech_ms == 0
    assert talk.notes(facts.SETTINGS_REFUSED) == [{"revision": 2, "ticket": "t1", "code": "invalid_value"}]
    assert talk.state is State.LISTENING


def test_an_echo_that_never_comes_is_not_waited_for() -> None:
    talk = call()
    (configure,) = only(talk.feed(changed()), c.ConfigureModel)
    talk.wait(silence.SETTINGS_WAIT)
    assert talk.notes(facts.SETTINGS_REFUSED)[0]["code"] == "no_answer"
    talk.feed(e.ModelConfigured(configure.request_id))
    assert talk.notes(facts.SETTINGS_APPLIED) == []


def test_two_changes_are_made_one_after_the_other() -> None:
    talk = call()
    (first,) = only(talk.feed(changed(2, "t1")), c.ConfigureModel)
    assert orders(talk.feed(changed(3, "t2", {**NEW, "threshold": 0.8}))) == []
    (second,) = only(talk.feed(e.ModelConfigured(first.request_id)), c.ConfigureModel)
    assert second.request_id != first.request_id
    talk.feed(e.ModelConfigured(second.request_id))
    assert [n["revision"] for n in talk.notes(facts.SETTINGS_APPLIED)] == [2, 3]


def test_a_change_while_there_is_no_model_waits_for_it() -> None:
    talk = call()
    talk.feed(e.LinkLost("closed with 1006"))
    assert orders(talk.feed(changed())) == []
    assert "ConfigureModel" in orders(talk.feed(e.ModelReady("sess_2")))


def test_a_change_that_was_lost_with_the_link_is_made_again() -> None:
    talk = call()
    (first,) = only(talk.feed(changed()), c.ConfigureModel)
    talk.feed(e.LinkLost("closed with 1006"))
    (again,) = only(talk.feed(e.ModelReady("sess_2")), c.ConfigureModel)
    talk.feed(e.ModelConfigured(again.request_id))
    assert len(talk.notes(facts.SETTINGS_APPLIED)) == 1
    assert first.request_id != again.request_id


def test_a_sound_that_is_being_weighed_is_judged_by_the_new_settings() -> None:
    talk = call(min_speech_ms=500)
    talk.agent_says(10.0)
    talk.wait(1.0)
    talk.caller_begins("u9")
    assert talk.state is State.HOLDING
    assert "TruncateReply" in orders(talk.feed(changed(turn_detection=OLD)))  # nothing is weighed any more
    assert talk.state is State.HEARING


def test_a_change_does_not_touch_what_is_being_said() -> None:
    talk = call()
    talk.agent_says(10.0)
    talk.wait(1.0)
    (configure,) = only(talk.feed(changed()), c.ConfigureModel)
    talk.feed(e.ModelConfigured(configure.request_id))
    assert talk.state is State.REPLYING
    assert only(talk.commands, c.ClearPlayback) == []


def test_a_limit_that_is_lowered_below_what_has_passed_leaves_time_for_the_warning() -> None:
    talk = call(max_call_s=3600, call_warning_s=60, call_warning="We end soon.")
    talk.wait(700.0)
    talk.feed(changed(turn_detection=OLD, max_call_s=600, call_warning_s=60, call_warning="We end soon."))
    assert only(talk.wait(0.1), c.EndCall) == []
    assert "“We end soon.”" in only(talk.commands, c.AskForReply)[-1].instructions
    assert only(talk.wait(70.0), c.EndCall) != []
