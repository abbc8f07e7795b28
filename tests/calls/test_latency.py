"""Where the time of an answer went."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from calls import latency
from calls.conversation import facts


@dataclass
class Event:
    at_ms: int
    kind: str
    data: Any = field(default_factory=dict)


@dataclass
class Turn:
    ended_ms: int


ANSWER = [
    Event(1500, facts.CALLER_STOPPED, {"item_id": "u1"}),
    Event(1500, facts.PATIENCE, {"kind": "number", "extra_ms": 300}),
    Event(1800, facts.REPLY_ASKED, {"request_id": "ask-1"}),
    Event(1850, facts.REPLY_CREATED, {"reply_id": "r1", "request_id": "ask-1"}),
    Event(2300, facts.REPLY_STARTED, {"reply_id": "r1", "delay_ms": 800}),
]


def one(events: list[Event], ended: int = 1000) -> latency.Answer:
    [answer] = latency.answers(events, [Turn(ended)])
    return answer


def test_the_time_is_split_where_the_record_has_a_moment() -> None:
    answer = one(ANSWER)
    assert answer.parts == {"silence": 500, "patience": 300, "model": 50, "first": 450}
    assert (answer.begins_ms, answer.at_ms, answer.total_ms) == (1000, 2300, 1300)


def test_another_voices_share_stands_within_the_first_sound() -> None:
    started = Event(
        2300, facts.REPLY_STARTED, {"reply_id": "r1", "delay_ms": 800, "voice": "cartesia", "voice_ms": 210}
    )
    assert one([*ANSWER[:-1], started]).parts["voice"] == 210
    started.data["voice_ms"] = 9999
    assert "voice" not in one([*ANSWER[:-1], started]).parts


def test_a_reply_belongs_to_its_own_request() -> None:
    other = [
        Event(1600, facts.REPLY_ASKED, {"request_id": "ask-0"}),
        Event(1700, facts.REPLY_CREATED, {"reply_id": "r0", "request_id": "ask-0"}),
    ]
    assert one([ANSWER[0], *other, *ANSWER[2:]]).parts["patience"] == 300


def test_a_greeting_answers_nobody() -> None:
    assert latency.answers([Event(400, facts.REPLY_STARTED, {"reply_id": "r", "delay_ms": None})], [Turn(10)]) == []
    assert latency.answers(ANSWER, []) == []
    assert latency.answers(ANSWER, [Turn(2301)]) == []


def test_what_is_not_known_joins_what_is() -> None:
    assert one([ANSWER[0], ANSWER[-1]]).parts == {"silence": 500, "first": 800}
    assert one([ANSWER[-1]]).parts == {"first": 1300}


def test_a_gap_in_the_record_is_no_delay() -> None:
    assert latency.answers([Event(99_000, facts.REPLY_STARTED, {"reply_id": "r", "delay_ms": 1})], [Turn(0)]) == []


KINDS = [facts.CALLER_STOPPED, facts.REPLY_ASKED, facts.REPLY_CREATED, facts.REPLY_STARTED]
DATA = st.dictionaries(
    st.sampled_from(["request_id", "reply_id", "delay_ms", "voice_ms"]), st.sampled_from([None, "a", 1, 5.5, True, []])
)
EVENTS = st.lists(st.builds(Event, st.integers(0, 5000), st.sampled_from(KINDS), st.one_of(DATA, st.none())))


@given(EVENTS, st.lists(st.builds(Turn, st.integers(0, 5000))))
def test_the_parts_make_up_the_whole(events: list[Event], turns: list[Turn]) -> None:
    for answer in latency.answers(events, turns):
        parts = dict(answer.parts)
        voice = parts.pop("voice", 0)
        assert sum(parts.values()) == answer.total_ms
        assert all(ms >= 0 for ms in parts.values())
        assert voice <= parts["first"]
