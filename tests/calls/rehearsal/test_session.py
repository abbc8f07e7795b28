"""The rehearsal model's protocol, with a number for a clock."""

from __future__ import annotations

import base64
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls.rehearsal.behaviour import Behaviour
from calls.rehearsal.session import Session
from tests.openai_types import check_server_event

Json = dict[str, Any]


class ScriptedEar:
    """Probabilities as the test wants them, one for each 32 ms of sound."""

    def __init__(self) -> None:
        self.level = 0.0
        self._rest = 0

    def feed(self, pcm16: bytes) -> list[float]:
        frames, self._rest = divmod(self._rest + len(pcm16), 512)
        return [self.level] * frames


def session(**behaviour: Any) -> Session:
    made = Session("gpt-realtime-2.1", ScriptedEar(), Behaviour(**behaviour), now=0.0, unix=1_800_000_000.0)
    made.handle({"type": "session.update", "session": configured()}, 0.0)
    return made


def configured(create: bool = False, interrupt: bool = False, **turn: Any) -> Json:
    detection = {"type": "server_vad", "threshold": 0.6, "prefix_padding_ms": 300, "silence_duration_ms": 500, **turn}
    detection |= {"create_response": create, "interrupt_response": interrupt}
    pcmu = {"type": "audio/pcmu"}
    return {
        "type": "realtime",
        "audio": {"input": {"format": pcmu, "turn_detection": detection}, "output": {"format": pcmu}},
    }


def sound(s: Session, ms: int, level: float, now: float) -> list[Json]:
    s._ear.level = level  # type: ignore[attr-defined]
    return s.handle({"type": "input_audio_buffer.append", "audio": base64.b64encode(b"\xff" * 8 * ms).decode()}, now)


def kinds(events: list[Json]) -> list[str]:
    return [event["type"] for event in events]


def error_of(events: list[Json]) -> Json:
    assert kinds(events) == ["error"]
    error: Json = events[0]["error"]
    return error


def run_out(s: Session, until: float) -> list[Json]:
    out: list[Json] = []
    while (due := s.deadline()) is not None and due <= until:
        out += s.tick(due)
    return out


def test_speech_gives_start_stop_and_an_item_with_offsets_on_the_grid() -> None:
    s = session()
    sound(s, 960, 0.0, 1.0)
    assert sound(s, 320, 0.9, 1.3)[0]["audio_start_ms"] == 960 - 300
    stopped = sound(s, 640, 0.0, 2.0)
    assert kinds(stopped)[:3] == [
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
    ]
    assert stopped[0]["audio_end_ms"] == 960 + 320 + 512  # 500 ms of silence, on the 32 ms grid


def test_a_reply_comes_in_the_order_of_the_service() -> None:
    s = session()
    assert kinds(s.handle({"type": "response.create"}, 0.0)) == ["response.created"]
    events = run_out(s, 60.0)
    order = [kind for kind in kinds(events) if "delta" not in kind]
    assert order == [
        "response.output_item.added",
        "conversation.item.added",
        "response.content_part.added",
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        "response.content_part.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
        "rate_limits.updated",
    ]
    for event in events:
        check_server_event(event)
    lengths = {len(base64.b64decode(e["delta"])) for e in events if e["type"] == "response.output_audio.delta"}
    assert 2008 in lengths
    assert 2008 % 160 != 0


def test_sound_comes_ten_times_faster_than_it_plays() -> None:
    s = session()
    s.handle({"type": "response.create"}, 0.0)
    deltas = [e for e in run_out(s, 0.4 + 0.0251 * 9 + 0.001) if e["type"] == "response.output_audio.delta"]
    assert len(deltas) == 10


def test_a_reply_can_have_several_items() -> None:
    s = session(items=2)
    s.handle({"type": "response.create"}, 0.0)
    events = run_out(s, 60.0)
    done = next(e for e in events if e["type"] == "response.done")
    assert [item["phase"] for item in done["response"]["output"]] == ["commentary", "final_answer"]


def test_cancel_ends_the_reply_with_late_sound_before_its_end() -> None:
    s = session(late_deltas=3)
    created = s.handle({"type": "response.create"}, 0.0)[0]["response"]
    s.tick(0.41)
    events = s.handle({"type": "response.cancel", "response_id": created["id"]}, 0.5)
    assert kinds(events)[:3] == ["response.output_audio.delta"] * 3
    assert events[-2]["response"]["status"] == "cancelled"
    assert s.deadline() is None


def test_quoted_words_are_spoken_exactly() -> None:
    s = session()
    s.handle({"type": "response.create", "response": {"instructions": "Say exactly these words: “Good morning.”"}}, 0.0)
    events = run_out(s, 60.0)
    done = next(e for e in events if e["type"] == "response.output_audio_transcript.done")
    assert done["transcript"] == "Good morning."


def test_no_reply_is_like_the_one_before() -> None:
    s = session()
    said = []
    for n in range(4):
        s.handle({"type": "response.create"}, n * 100.0)
        done = [e for e in run_out(s, n * 100.0 + 60) if e["type"] == "response.output_audio_transcript.done"]
        said.append(done[0]["transcript"])
    assert all(a != b for a, b in pairwise(said))


# --- the error answers of the reference


def test_cancel_with_nothing_active() -> None:
    error = error_of(session().handle({"type": "response.cancel", "event_id": "c1"}, 0.0))
    assert (error["code"], error["event_id"]) == ("response_cancel_not_active", "c1")


def test_cancel_of_another_reply() -> None:
    s = session()
    s.handle({"type": "response.create"}, 0.0)
    assert (
        error_of(s.handle({"type": "response.cancel", "response_id": "resp_x"}, 0.1))["code"]
        == "response_cancel_not_active"
    )
    assert s.reply is not None


def test_create_while_active_names_the_active_one() -> None:
    s = session()
    reply_id = s.handle({"type": "response.create"}, 0.0)[0]["response"]["id"]
    error = error_of(s.handle({"type": "response.create", "event_id": "ask-2"}, 0.1))
    assert error["code"] == "conversation_already_has_active_response"
    assert reply_id in error["message"]
    assert error["event_id"] == "ask-2"


def test_truncate_past_the_end_unknown_and_without_sound() -> None:
    s = session()
    s.handle({"type": "response.create"}, 0.0)
    item_id = next(e["item"]["id"] for e in s.tick(0.41) if e["type"] == "response.output_item.added")
    cut = {"type": "conversation.item.truncate", "item_id": item_id, "content_index": 0}
    error = error_of(s.handle({**cut, "audio_end_ms": 900}, 0.5))
    assert error["message"] == "Audio content of 251ms is already shorter than 900ms"
    assert (
        error_of(s.handle({**cut, "item_id": "item_x", "audio_end_ms": 0}, 0.5))["code"]
        == "item_truncate_invalid_item_id"
    )
    assert kinds(s.handle({**cut, "audio_end_ms": 0}, 0.5)) == ["conversation.item.truncated"]
    s.handle({"type": "conversation.item.create", "item": user_item("u1")}, 0.6)
    error = error_of(s.handle({**cut, "item_id": "u1", "audio_end_ms": 0}, 0.7))
    assert error["message"] == "Only model output audio messages can be truncated"


def user_item(item_id: str) -> Json:
    return {"id": item_id, "type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello"}]}


def test_items_are_made_found_and_deleted() -> None:
    s = session()
    assert kinds(s.handle({"type": "conversation.item.create", "item": user_item("u1")}, 0)) == [
        "conversation.item.added",
        "conversation.item.done",
    ]
    again = s.handle({"type": "conversation.item.create", "item": user_item("u1")}, 0)
    assert error_of(again)["code"] == "item_create_duplicate_item_id"
    assert kinds(s.handle({"type": "conversation.item.retrieve", "item_id": "u1"}, 0)) == [
        "conversation.item.retrieved"
    ]
    assert kinds(s.handle({"type": "conversation.item.delete", "item_id": "u1"}, 0)) == ["conversation.item.deleted"]
    gone = s.handle({"type": "conversation.item.delete", "item_id": "u1"}, 0)
    assert error_of(gone)["code"] == "item_delete_invalid_item_id"


def test_an_empty_commit_is_refused() -> None:
    assert (
        error_of(session().handle({"type": "input_audio_buffer.commit"}, 0))["code"]
        == "input_audio_buffer_commit_empty"
    )


def test_the_voice_is_fixed_after_the_first_sound() -> None:
    s = session()
    s.handle({"type": "response.create"}, 0.0)
    run_out(s, 60.0)
    update = {"type": "session.update", "session": {"type": "realtime", "audio": {"output": {"voice": "cedar"}}}}
    assert error_of(s.handle(update, 61.0))["code"] == "cannot_update_voice"


def test_a_refused_update_changes_nothing() -> None:
    s = session()
    bad = {"type": "session.update", "session": configured(type="mind_reading")}
    assert error_of(s.handle(bad, 0))["code"] == "invalid_value"
    assert s._config["audio"]["input"]["turn_detection"]["type"] == "server_vad"


@pytest.mark.parametrize(
    ("create", "interrupt", "cancelled", "answered"),
    [(True, True, True, True), (False, True, True, False), (False, False, False, False)],
)
def test_who_creates_and_who_interrupts(create: bool, interrupt: bool, cancelled: bool, answered: bool) -> None:
    s = session()
    s.handle({"type": "session.update", "session": configured(create, interrupt)}, 0)
    s.handle({"type": "response.create"}, 0.0)
    s.tick(0.41)
    events = sound(s, 320, 0.9, 0.5)
    assert ("response.done" in kinds(events)) is cancelled
    assert ("response.created" in kinds(sound(s, 640, 0.0, 1.0))) is answered


def test_a_server_that_creates_but_does_not_interrupt_is_refused_by_itself() -> None:
    s = session()
    s.handle({"type": "session.update", "session": configured(True, False)}, 0)
    s.handle({"type": "response.create"}, 0.0)
    sound(s, 320, 0.9, 0.5)
    errors = [e for e in sound(s, 640, 0.0, 1.0) if e["type"] == "error"]
    assert errors[0]["error"]["code"] == "conversation_already_has_active_response"
    assert errors[0]["error"]["event_id"] is None


def test_a_session_expires() -> None:
    s = session(session_s=10.0)
    assert error_of(s.tick(10.0))["code"] == "session_expired"
    assert s.has_expired(10.0)


EVENTS = st.one_of(
    st.sampled_from(
        [
            {"type": "response.create"},
            {"type": "response.cancel"},
            {"type": "input_audio_buffer.commit"},
            {"type": "input_audio_buffer.clear"},
            {"type": "session.update", "session": configured()},
            {"type": "conversation.item.create", "item": user_item("u1")},
            {"type": "conversation.item.delete", "item_id": "u1"},
            {"type": "conversation.item.truncate", "item_id": "u1", "content_index": 0, "audio_end_ms": 10},
            {"type": "input_audio_buffer.append", "audio": "//8="},
        ]
    ),
    st.dictionaries(
        st.sampled_from(["type", "session", "item", "audio", "item_id"]),
        st.sampled_from(["", "root", "realtime", "//8="]) | st.integers() | st.none(),
    ),
    st.none() | st.integers() | st.lists(st.integers(), max_size=2),
)


@given(st.lists(st.tuples(EVENTS, st.floats(0.0, 2.0)), max_size=20))
def test_nothing_a_client_sends_breaks_it_and_it_makes_one_reply_at_a_time(steps: list[tuple[Any, float]]) -> None:
    s, now, active = session(), 0.0, 0
    for event, wait in steps:
        now += wait
        for out in [*s.tick(now), *s.handle(event, now)]:
            check_server_event(out)
            active += {"response.created": 1, "response.done": -1}.get(out["type"], 0)
            assert active in (0, 1)
