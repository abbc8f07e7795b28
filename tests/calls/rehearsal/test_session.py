"""The rehearsal model's protocol, with a number for a clock: replies, the conversation, and every error answer."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls.rehearsal import voice
from calls.rehearsal.reply import _shares
from tests.calls.rehearsal.talk import Json, Talk, cut, error_of, kinds, of, only, phone, sound_of, user_item

# --- replies


def test_a_reply_comes_in_the_order_of_the_service() -> None:
    s = phone()
    assert kinds(s.handle({"type": "response.create"}, 0.0)) == ["response.created"]
    events = s.run(60.0)
    assert [kind for kind in kinds(events) if "delta" not in kind] == [
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
    done = events[-2]["response"]
    assert done["status"] == "completed"
    assert done["usage"]["output_token_details"]["audio_tokens"] == round(len(sound_of(events)) / 8 / 50)


def test_deltas_are_2000_bytes_and_no_whole_frames() -> None:
    s = phone()
    s.ask(0.0)
    deltas = of(s.run(60.0), "response.output_audio.delta")
    assert {len(base64.b64decode(delta["delta"])) for delta in deltas[:-1]} == {2008}
    assert 2008 % 160 != 0


def test_the_first_sound_comes_after_a_while_and_then_ten_times_faster_than_it_plays() -> None:
    s = phone()
    s.ask(0.0)
    assert not of(s.run(0.399), "response.output_audio.delta")
    assert len(of(s.run(0.4 + 0.0251 * 9 + 0.001), "response.output_audio.delta")) == 10


def test_sounds_that_are_given_are_spoken_in_order_and_then_the_script_goes_on() -> None:
    given = [bytes(range(256)) * 40, b"\x80" * 5000]
    s = phone(said=given)
    for sound in given:
        s.ask(s.began_at)
        events = s.run(60.0)
        assert sound_of(events) == sound
        assert only(events, "response.output_audio_transcript.done")["transcript"] == ""
    s.ask(s.began_at)
    assert only(s.run(60.0), "response.output_audio_transcript.done")["transcript"]


def test_a_sound_that_is_given_comes_in_the_format_of_the_session() -> None:
    s = Talk(said=[b"\x80" * 8000])
    s.ask(0.0)
    assert len(sound_of(s.run(60.0))) == 48000  # a second of PCM at 24 kHz


def test_the_words_are_well_ahead_of_the_sound_and_are_all_there() -> None:
    s = phone()
    s.ask(0.0)
    before = s.run(0.399)
    early = "".join(event["delta"] for event in of(before, "response.output_audio_transcript.delta"))
    after = s.run(60.0)
    whole = only(after, "response.output_audio_transcript.done")["transcript"]
    rest = "".join(event["delta"] for event in of(after, "response.output_audio_transcript.delta"))
    assert early and early + rest == whole
    assert only(after, "response.done")["response"]["output"][0]["content"][0]["transcript"] == whole


def test_the_sound_is_that_of_the_words() -> None:
    s = phone()
    s.ask(0.0, instructions="Say exactly these words: “Good morning. How are you?”")
    assert sound_of(s.run(60.0)) == voice.speak("Good morning. How are you?").audio


def test_metadata_comes_back() -> None:
    s = phone()
    created = s.handle({"type": "response.create", "response": {"metadata": {"req": "ask-1"}}}, 0.0)
    assert created[0]["response"]["metadata"] == {"req": "ask-1"}
    assert only(s.run(60.0), "response.done")["response"]["metadata"] == {"req": "ask-1"}


def test_a_reply_can_have_several_items() -> None:
    s = phone(items=2)
    s.ask(0.0)
    events = s.run(60.0)
    first, second = only(events, "response.done")["response"]["output"]
    assert (first["phase"], second["phase"]) == ("commentary", "final_answer")
    assert [event["output_index"] for event in of(events, "response.output_item.done")] == [0, 1]
    assert of(events, "conversation.item.added")[1]["previous_item_id"] == first["id"]


@given(
    st.lists(st.sampled_from(["Yes. ", "I see that. ", "A longer sentence is here, too. "]), min_size=1),
    st.integers(1, 4),
)
def test_items_share_the_sentences_out(sentences: list[str], items: int) -> None:
    shares = _shares(sentences, items)
    assert len(shares) == min(items, len(sentences))
    assert " ".join(shares) == "".join(sentences).rstrip()
    assert all(shares)


def test_items_are_about_as_long_as_each_other() -> None:
    assert _shares(["Sorry, go on. ", "All right. ", "I noticed that you said something. ", "Now what?"], 2) == [
        "Sorry, go on. All right.",
        "I noticed that you said something. Now what?",
    ]
    assert _shares(["Yes. ", "No. ", "This one is by far the longest of all the sentences."], 2)[0] == "Yes. No."


def test_a_reply_in_text() -> None:
    s = phone()
    s.ask(0.0, output_modalities=["text"], instructions="Say exactly these words: “It is half past ten.”")
    events = s.run(60.0)
    assert "".join(event["delta"] for event in of(events, "response.output_text.delta")) == "It is half past ten."
    assert only(events, "response.output_text.done")["text"] == "It is half past ten."
    assert not sound_of(events)
    assert only(events, "response.done")["response"]["output_modalities"] == ["text"]


def test_a_reply_that_is_too_long_ends_incomplete() -> None:
    s = phone()
    s.ask(0.0, max_output_tokens=20)
    events = s.run(60.0)
    done = only(events, "response.done")["response"]
    assert (done["status"], done["status_details"]["reason"]) == ("incomplete", "max_output_tokens")
    assert len(sound_of(events)) == 20 * 50 * 8
    assert done["output"][0]["status"] == "incomplete"


def test_a_reply_that_is_told_to_fail() -> None:
    s = phone(reply_error="inference_rate_limit_exceeded")
    s.ask(0.0)
    done = only(s.run(60.0), "response.done")["response"]
    assert (done["status"], done["status_details"]["error"]["code"]) == ("failed", "inference_rate_limit_exceeded")
    s.ask(61.0)


def test_a_reply_out_of_band_runs_beside_the_other_and_stays_out_of_the_conversation() -> None:
    s = phone()
    s.ask(0.0)
    aside = s.ask(0.0, conversation="none", metadata={"req": "oob-1"})
    s.run(0.5)
    s.handle({"type": "response.cancel"}, 0.5)
    events = s.run(60.0)
    first, second = of(events, "response.done")
    assert first["response"]["status"] == "cancelled"
    assert (second["response"]["id"], second["response"]["status"]) == (aside, "completed")
    assert second["response"]["conversation_id"] is None
    retrieve = {"type": "conversation.item.retrieve", "item_id": second["response"]["output"][0]["id"]}
    assert error_of(s.handle(retrieve, 61.0))["code"] == "item_retrieve_invalid_item_id"


def test_a_mute_model_accepts_and_can_be_cancelled() -> None:
    s = phone(mute=True)
    s.ask(0.0)
    assert s.run(60.0) == []
    s.handle({"type": "response.cancel"}, 60.0)
    assert only(s.run(61.0), "response.done")["response"]["status"] == "cancelled"


# --- cancel


def test_cancel_ends_the_reply_with_late_sound_before_its_end() -> None:
    s = phone(late_deltas=3)
    reply_id = s.ask(0.0)
    s.run(0.41)
    events = s.handle({"type": "response.cancel", "response_id": reply_id}, 0.5) + s.run(1.0)
    last = max(index for index, kind in enumerate(kinds(events)) if kind == "response.output_audio.delta")
    assert kinds(events)[last - 2 : last + 1] == ["response.output_audio.delta"] * 3
    assert kinds(events)[last + 1 :] == [
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        "response.content_part.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
        "rate_limits.updated",
    ]
    done = only(events, "response.done")["response"]
    assert done["status_details"] == {"type": "cancelled", "reason": "client_cancelled"}
    assert done["output"][0]["status"] == "incomplete"
    said = only(events, "response.output_audio_transcript.done")["transcript"]
    assert 0 < len(said) < 100


def test_a_create_right_behind_a_cancel_is_refused() -> None:
    s = phone()
    s.ask(0.0)
    s.run(0.5)
    s.handle({"type": "response.cancel"}, 0.5)
    assert error_of(s.handle({"type": "response.create"}, 0.5))["code"] == "conversation_already_has_active_response"
    s.run(1.0)
    s.ask(1.0)


def test_cancel_before_the_first_item_leaves_an_empty_reply() -> None:
    s = phone()
    s.ask(0.0)
    s.handle({"type": "response.cancel"}, 0.05)
    assert only(s.run(1.0), "response.done")["response"]["output"] == []


def test_cancel_with_nothing_active() -> None:
    error = error_of(phone().handle({"type": "response.cancel", "event_id": "c1"}, 0.0))
    assert (error["code"], error["event_id"]) == ("response_cancel_not_active", "c1")
    assert error["message"] == "Cancellation failed: no active response found"


def test_cancel_of_another_reply_leaves_this_one() -> None:
    s = phone()
    s.ask(0.0)
    error = error_of(s.handle({"type": "response.cancel", "response_id": "resp_x"}, 0.1))
    assert error["code"] == "response_cancel_not_active"
    assert only(s.run(60.0), "response.done")["response"]["status"] == "completed"


def test_cancel_twice() -> None:
    s = phone()
    s.ask(0.0)
    s.run(0.5)
    s.handle({"type": "response.cancel"}, 0.5)
    assert error_of(s.handle({"type": "response.cancel"}, 0.5))["code"] == "response_cancel_not_active"


def test_create_while_active_names_the_active_one() -> None:
    s = phone()
    reply_id = s.ask(0.0)
    error = error_of(s.handle({"type": "response.create", "event_id": "ask-2"}, 0.1))
    assert error["code"] == "conversation_already_has_active_response"
    assert error["message"].startswith(
        f"Conversation already has an active response in progress: {reply_id}. Wait until"
    )
    assert error["event_id"] == "ask-2"


# --- truncate, delete, retrieve


def test_truncate_cuts_the_sound_and_deletes_the_words() -> None:
    s = phone()
    item_id = s.speak(0.0)
    truncated = only(s.handle(cut(item_id, 1480), 61.0), "conversation.item.truncated")
    assert (truncated["item_id"], truncated["audio_end_ms"]) == (item_id, 1480)
    part = s.handle({"type": "conversation.item.retrieve", "item_id": item_id}, 62.0)[0]["item"]["content"][0]
    assert part["transcript"] == ""
    assert len(base64.b64decode(part["audio"])) == 1480 * 8


def test_truncate_past_the_end_says_how_long_it_is() -> None:
    s = phone()
    s.ask(0.0)
    item_id = only(s.run(0.401), "conversation.item.added")["item"]["id"]
    error = error_of(s.handle(cut(item_id, 900), 0.401))
    assert (error["code"], error["param"]) == ("invalid_value", None)
    assert error["message"] == "Audio content of 251ms is already shorter than 900ms"
    assert kinds(s.handle(cut(item_id, 251), 0.402)) == ["conversation.item.truncated"]


def test_truncate_at_zero_takes_sound_that_is_there() -> None:
    s = phone()
    s.ask(0.0)
    item_id = only(s.run(0.3), "conversation.item.added")["item"]["id"]
    error = error_of(s.handle(cut(item_id, 0), 0.3))
    assert (error["code"], error["message"]) == (
        "unsupported_content_type",
        "Only model output audio messages can be truncated",
    )
    s.run(0.401)
    assert kinds(s.handle(cut(item_id, 0), 0.402)) == ["conversation.item.truncated"]


def test_truncate_while_it_is_spoken_keeps_the_words_out_of_the_item() -> None:
    s = phone()
    s.ask(0.0)
    item_id = only(s.run(0.5), "conversation.item.added")["item"]["id"]
    s.handle(cut(item_id, 100), 0.5)
    s.handle({"type": "response.cancel"}, 0.5)
    events = s.run(1.0)
    assert only(events, "response.output_audio_transcript.done")["transcript"] != ""
    assert only(events, "conversation.item.done")["item"]["content"][0]["transcript"] == ""


def test_only_the_agents_sound_can_be_truncated() -> None:
    s = phone()
    s.handle({"type": "conversation.item.create", "item": user_item("u1")}, 0.0)
    assert error_of(s.handle(cut("u1", 0), 0.0))["code"] == "unsupported_content_type"
    assert error_of(s.handle(cut(s.speak(0.0), 0) | {"content_index": 1}, 61.0))["code"] == "unsupported_content_type"


@pytest.mark.parametrize(
    ("act", "doing"), [("truncate", "truncating"), ("delete", "deleting"), ("retrieve", "retrieving")]
)
def test_unknown_items(act: str, doing: str) -> None:
    event = cut("item_x", 0) if act == "truncate" else {"type": f"conversation.item.{act}", "item_id": "item_x"}
    error = error_of(phone().handle(event, 0.0))
    assert error["code"] == f"item_{act}_invalid_item_id"
    assert error["message"] == f"Error {doing} item: the item with id 'item_x' does not exist."


def test_items_are_made_in_their_place_and_only_once() -> None:
    s = phone()
    made = s.handle({"type": "conversation.item.create", "item": user_item("u1")}, 0)
    assert kinds(made) == ["conversation.item.added", "conversation.item.done"]
    first = s.handle({"type": "conversation.item.create", "item": user_item("u0"), "previous_item_id": "root"}, 0)
    assert first[0]["previous_item_id"] is None
    last = s.handle({"type": "conversation.item.create", "item": user_item("u2"), "previous_item_id": "u1"}, 0)
    assert last[0]["previous_item_id"] == "u1"
    assert [item.id for item in s.items] == ["u0", "u1", "u2"]
    again = s.handle({"type": "conversation.item.create", "item": user_item("u1")}, 0)
    assert error_of(again)["code"] == "item_create_duplicate_item_id"
    orphan = {"type": "conversation.item.create", "item": user_item("u9"), "previous_item_id": "u8"}
    assert error_of(s.handle(orphan, 0))["param"] == "previous_item_id"


@pytest.mark.parametrize(
    ("item", "param"),
    [
        ({"type": "message", "role": "user"}, "item.content"),
        ({"type": "message", "role": "caller", "content": []}, "item.role"),
        ({"type": "message", "role": "assistant", "content": [{"type": "text", "text": "Hi"}]}, "item.content[0].type"),
        ({"type": "message", "role": "assistant", "content": [{"type": "output_text"}]}, "item.content[0].text"),
        ({"id": "x" * 33, "type": "message", "role": "user", "content": []}, "item.id"),
        ({"type": "function_call_output", "output": "{}"}, "item.call_id"),
        ({"type": "video"}, "item.type"),
    ],
)
def test_items_that_the_service_would_not_take(item: Json, param: str) -> None:
    assert error_of(phone().handle({"type": "conversation.item.create", "item": item}, 0))["param"] == param


def test_a_function_call_and_its_output_are_taken() -> None:
    s = phone()
    call = {"type": "function_call", "call_id": "call_9", "name": "find_slot", "arguments": "{}"}
    output = {"type": "function_call_output", "call_id": "call_9", "output": "{}"}
    for item in (call, output):
        assert kinds(s.handle({"type": "conversation.item.create", "item": item}, 0))[0] == "conversation.item.added"


def test_a_deleted_item_is_gone_even_while_it_is_spoken() -> None:
    s = phone()
    s.ask(0.0)
    item_id = only(s.run(0.5), "conversation.item.added")["item"]["id"]
    deleted = s.handle({"type": "conversation.item.delete", "item_id": item_id}, 0.5)
    assert kinds(deleted)[-1] == "conversation.item.deleted"
    assert not of(s.run(60.0), "conversation.item.done")
