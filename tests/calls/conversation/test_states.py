"""The whole table, walked: every row, every wait, and nothing that is not drawn."""

from __future__ import annotations

import copy
import inspect
import re
import typing
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calls.conversation import commands as c
from calls.conversation import events as e
from calls.conversation import facts, silence
from calls.conversation.conversation import Conversation
from calls.conversation.playback import Playback
from calls.conversation.repairs import Repairs
from calls.conversation.replies import Replies
from calls.conversation.settings import ConversationSettings
from calls.conversation.states import ANY_LIVE, EVERYWHERE, TABLE, State
from calls.conversation.transcript import Transcript
from calls.conversation.utterances import Utterances
from tests.calls.conversation import drawing
from tests.calls.conversation.drawing import LEADS_TO
from tests.calls.conversation.situations import SITUATIONS, being
from tests.calls.conversation.talk import Talk

WAITS = set(re.findall(r'"(_\w+)"', inspect.getsource(silence)))
"""The methods that are called when a time is up."""

PATIENCE = 400
"""Steps of time after which every conversation has come to rest: a gap is filled 120 times in speech that never stops."""

Moves = dict[tuple[State, str], set[State]]


def facts_for(talk: Talk) -> list[e.Event]:
    """Facts of every kind as they can come in any situation: fitting, late, twice, or of something unheard of."""
    asked = talk.conversation.replies.asked
    present = talk.conversation.settings
    return [
        e.CallAnswered(),
        e.CallerAudio(b"\xff" * 160, "/" * 216),
        *[e.MarkPlayed(name) for name in ["of nobody", *talk.marks[-1:]]],
        e.CallerKey("5"),
        e.PhoneClosed("caller hung up"),
        e.ModelReady("sess_2"),
        e.ModelConfigured("settings-1"),
        *[e.SpeechStarted(item, 10_000) for item in ("u2", "u3")],
        *[e.SpeechStopped(item, at) for item in ("u1", "u2") for at in (1000, 11_000, 14_000)],
        *[e.InputCommitted(item) for item in ("u1", "u2")],
        *[e.CallerTranscript(item, text) for item in ("u1", "u2") for text in ("Stop.", "Yes.", "")],
        e.CallerTranscriptFailed("u1", "audio_unintelligible"),
        *[e.EarlyWords(item, text) for item in ("u1", "u2") for text in ("stop", "mm-hm")],
        *[
            e.SoundHeard(talk.now, probability, 20.0, echo)
            for probability, echo in ((0.9, 0.0), (0.1, 0.0), (0.9, 0.9))
        ],
        *[e.ReplyCreated(reply, request) for reply in ("r1", "r2") for request in (None, asked)],
        *[e.ItemAdded("r1", item, kind) for item, kind in (("a1", "message"), ("f1", "function_call"))],
        *[e.ReplyAudio(reply, "a1", 0, b"\x55" * 2000) for reply in ("r1", "r2")],
        e.ReplyText("r1", "a1", 0, "more"),
        e.ReplyTextDone("r1", "a1", 0, "more"),
        *[kind("r1", "a1", 0, "More. ", spoken=False) for kind in (e.ReplyText, e.ReplyTextDone)],
        e.ReplyAudioDone("r1", "a1", 0),
        *[
            e.ReplyDone(reply, status)
            for reply in ("r1", "r2")
            for status in ("completed", "cancelled", "incomplete", "failed")
        ],
        e.ItemTruncated("a1", 100),
        *facts_of_providers(),
        *[
            e.ModelError(kind, code, "", request)
            for kind, code in (
                ("benign", "conversation_already_has_active_response"),
                ("retryable", "server_error"),
                ("fatal", "insufficient_quota"),
            )
            for request in (None, asked, "settings-1")
        ],
        *[
            e.SettingsChanged(changed)
            for changed in (
                ConversationSettings(),
                ConversationSettings(turn_detection={"type": "semantic_vad"}),
                replace(present, max_call_s=1, call_warning_s=0),
            )
        ],
        e.SentenceTyped("One moment, please."),
        e.HangUpAsked(),
        *[e.LinkLost("closed with 1001", retry) for retry in (True, False)],
        *[e.OutletFull(outlet) for outlet in ("phone", "model")],
        e.BadMessage("model", "not JSON"),
    ]


def facts_of_providers() -> list[e.Event]:
    """… of voices and an ear that are not the model's, and of the repairs that they bring with them."""
    return [
        *[e.ItemDeleted(item) for item in ("a1", "heard_1")],
        *[e.ItemPlaced(item, "u1") for item in ("a1", "heard_1")],
        e.VoiceAudio("u1", b"\x55" * 2000),
        e.VoiceTimed("u1", ((3, 200.0),)),
        e.VoiceDone("u1"),
        *[e.VoiceFailed(utterance, "quota", retry) for utterance in ("u1", "") for retry in (True, False)],
        *[e.VoiceLost(voice, "closed with 1006", retry) for voice in (0, 1) for retry in (True, False)],
        e.HearingReady(),
        *[e.HearingLost("closed with 1006", retry) for retry in (True, False)],
    ]


def of_kind(kind: type, talk: Talk) -> list[e.Event]:
    return [event for event in facts_for(talk) if type(event) is kind]


def inside(thing: Any) -> Any:
    """All that a conversation knows, to compare it with what it knows later."""
    if isinstance(thing, Conversation | Playback | Repairs | Replies | Transcript | Utterances):
        return {name: inside(value) for name, value in vars(thing).items()}
    return copy.deepcopy(thing)


def time_goes_on(talk: Talk) -> Iterator[tuple[State, str]]:
    """Nothing happens any more: each wait in its turn, and the state in which it was met."""
    for _ in range(PATIENCE):
        if talk.conversation.deadline() is None:
            return
        before = talk.state
        yield before, talk.next_deadline()
    raise AssertionError("time alone does not bring it to rest")


def walk() -> Moves:
    """Every fact in every situation, and then time alone: where it led."""
    found: Moves = defaultdict(set)
    for situation in SITUATIONS:
        for number in range(len(facts_for(being(situation)))):
            talk = being(situation)
            before, event = talk.state, facts_for(talk)[number]
            talk.feed(event)
            found[(before, type(event).__name__)].add(talk.state)
            for state, wait in time_goes_on(talk):
                found[(state, wait)].add(talk.state)
    return found


@pytest.fixture(scope="module")
def moves() -> Moves:
    return walk()


# --- the table and its methods


def test_every_event_has_a_row_and_every_row_a_method() -> None:
    assert set(TABLE) | set(EVERYWHERE) == set(typing.get_args(e.Event))
    assert not set(TABLE) & set(EVERYWHERE)
    for method in [*EVERYWHERE.values(), *(m for row in TABLE.values() for m in row.values())]:
        assert callable(getattr(Conversation, method))


def test_every_wait_names_a_method() -> None:
    assert WAITS
    for method in WAITS:
        assert callable(getattr(Conversation, method))


def test_nothing_is_answered_after_the_end() -> None:
    assert all(State.ENDED not in row for row in TABLE.values())
    for event in facts_for(being("the call has ended")):
        talk = being("the call has ended")
        assert talk.feed(event) == []
        assert talk.state is State.ENDED
        assert talk.conversation.deadline() is None


def test_there_is_a_way_to_every_state() -> None:
    assert {state for state, _ in SITUATIONS.values()} == set(State)
    for situation in SITUATIONS:
        being(situation)


# --- every pair of a state and a fact


@pytest.mark.parametrize("situation", SITUATIONS)
def test_a_fact_with_a_row_leads_where_it_may(situation: str) -> None:
    for number in range(len(facts_for(being(situation)))):
        talk = being(situation)
        before, event = talk.state, facts_for(talk)[number]
        talk.feed(event)
        allowed = LEADS_TO[before].get(type(event).__name__, set()) | {before}
        assert talk.state in allowed, event


@pytest.mark.parametrize("state", sorted(ANY_LIVE))
@pytest.mark.parametrize("kind", sorted(TABLE, key=lambda kind: kind.__name__), ids=lambda kind: kind.__name__)
def test_a_fact_without_a_row_is_noted_once_and_changes_nothing(state: State, kind: type) -> None:
    for situation in (name for name, (where, _) in SITUATIONS.items() if where is state):
        for number in range(len(of_kind(kind, being(situation)))):
            talk = being(situation)
            event, before, deadline = (
                of_kind(kind, talk)[number],
                inside(talk.conversation),
                talk.conversation.deadline(),
            )
            commands = talk.feed(event)
            note = c.Note(facts.UNEXPECTED, {"event": kind.__name__, "state": str(state)})
            if state in TABLE[kind]:
                # Answered. It may still turn out to be of something unheard of; then it is noted too, and alone.
                assert note not in commands or commands == [note]
            else:
                assert commands == [note]
                assert inside(talk.conversation) == before
                assert talk.conversation.deadline() == deadline


def test_every_row_is_reached(moves: Moves) -> None:
    rows = {(state, event.__name__) for event, row in TABLE.items() for state in row}
    everywhere = {(state, event.__name__) for event in EVERYWHERE for state in ANY_LIVE}
    assert rows | everywhere <= set(moves)


# --- every wait


def test_every_wait_is_reached_and_leads_on(moves: Moves) -> None:
    """`time_goes_on` fails where one leads in a circle."""
    assert {name for _, name in moves} & WAITS == WAITS


@pytest.mark.parametrize("situation", SITUATIONS)
def test_a_wait_that_was_met_is_over(situation: str) -> None:
    """Or a timer would be set for the past, for ever."""
    talk = being(situation)
    for _ in range(PATIENCE):
        due = talk.conversation.deadline()
        if due is None:
            return
        talk.now = max(talk.now, due)
        talk.conversation.tick(talk.now)
        after = talk.conversation.deadline()
        assert after is None or after > talk.now


@pytest.mark.parametrize("situation", SITUATIONS)
def test_time_alone_leads_where_it_may(situation: str) -> None:
    talk = being(situation)
    for state, wait in time_goes_on(talk):
        assert talk.state in LEADS_TO[state].get(wait, set()) | {state}, wait


# --- the drawing


def test_all_that_happens_is_drawn_and_all_that_is_drawn_happens(moves: Moves) -> None:
    happens = {(state, name, to) for (state, name), found in moves.items() for to in found if to is not state}
    drawn = {(state, name, to) for state, ways in LEADS_TO.items() for name, found in ways.items() for to in found}
    drawn = {(state, name, to) for state, name, to in drawn if to is not state}
    assert happens - drawn == set(), "this happens, and is not drawn"
    assert drawn - happens == set(), "this is drawn, and never happens"


@settings(max_examples=100)
@given(st.data())
def test_no_chain_of_facts_leads_along_a_way_that_is_not_drawn(data: st.DataObject) -> None:
    talk = being(data.draw(st.sampled_from(sorted(SITUATIONS))))
    for choice in data.draw(st.lists(st.integers(0, 999), max_size=12)):
        before, deadline = talk.state, talk.conversation.deadline()
        if choice % 4 == 0 and deadline is not None:
            name = talk.next_deadline()
        else:
            possible = [event for event in facts_for(talk) if is_possible(event, talk)]
            event = possible[choice % len(possible)]
            talk.feed(event)
            name = type(event).__name__
        assert talk.state in LEADS_TO[before].get(name, set()) | {before}, name


def is_possible(event: e.Event, talk: Talk) -> bool:
    """No server sends sound of a reply that it has not begun."""
    replies = talk.conversation.replies
    return not isinstance(event, e.ReplyAudio) or event.reply_id == replies.active or event.reply_id in replies.dead


def test_the_document_shows_the_table_as_it_is() -> None:
    """`python -m tests.calls.conversation.drawing` draws it anew."""
    text = drawing.DOCUMENT.read_text(encoding="utf-8")
    assert drawing.drawn_into(text) == text
    for state in State:
        assert f"**{state.capitalize()}.**" in text, "every state has its sentences"
