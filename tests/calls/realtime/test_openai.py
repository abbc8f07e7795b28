"""The OpenAI dialect against messages as they are on the wire, whole and damaged, and against the SDK's types."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls.conversation import commands as c
from calls.conversation import events as e
from calls.outlets import ModelOutlet
from calls.realtime.base import ModelSession
from calls.realtime.openai import EARLY_CHARACTERS, EARLY_ITEMS, WRITERS, OpenAIRealtime
from tests.calls.rehearsal.talk import Talk
from tests.openai_types import check_client_event, check_server_event

WIRE = Path(__file__).parents[2] / "wire" / "openai"
CLIENT = [json.loads(line) for line in (WIRE / "client.jsonl").read_text().splitlines()]
SERVER = [json.loads(line) for line in (WIRE / "server.jsonl").read_text().splitlines()]
TURN = {
    "type": "server_vad",
    "threshold": 0.6,
    "prefix_padding_ms": 300,
    "silence_duration_ms": 500,
    "idle_timeout_ms": None,
    "create_response": False,
    "interrupt_response": False,
}


CHANGED = TURN | {"threshold": 0.8, "prefix_padding_ms": 200, "silence_duration_ms": 700}


def dialect(**more: Any) -> OpenAIRealtime:
    session = ModelSession(
        model="gpt-realtime-2.1",
        instructions="Answer the phone.",
        voice="marin",
        turn_detection=more.pop("turn_detection", TURN),
        transcription={"model": "gpt-realtime-whisper", "language": "en"},
        noise_reduction={"type": "far_field"},
        extra=more.pop("extra", {}),
    )
    return OpenAIRealtime(session, url="wss://api.openai.com/v1/realtime", **more)


def read(message: dict[str, Any], made: OpenAIRealtime | None = None) -> list[e.Event]:
    return list((made or dialect()).parse(json.dumps(message)))


def of(kind: str, n: int = 0) -> dict[str, Any]:
    return [message for message in SERVER if message["type"] == kind][n]


# --- opening


def test_the_model_is_in_the_address_and_the_key_in_a_header_only() -> None:
    made = dialect(api_key="sk-secret")
    assert made.url() == "wss://api.openai.com/v1/realtime?model=gpt-realtime-2.1"
    assert made.headers() == {"Authorization": "Bearer sk-secret"}
    assert dialect().headers() == {}


def test_the_session_is_asked_for_whole() -> None:
    (opening,) = dialect().opening()
    update = json.loads(opening)
    check_client_event(update)
    assert update["session"]["audio"]["input"]["turn_detection"] == TURN
    assert update["session"]["audio"]["input"]["format"] == {"type": "audio/pcmu"}
    assert update["session"]["audio"]["output"] == {"format": {"type": "audio/pcmu"}, "voice": "marin", "speed": 1.0}


def test_an_echo_as_asked_is_no_difference() -> None:
    made = dialect()
    (ready,) = read({"type": "session.updated", "session": {"id": "sess_1", **made.session_object()}}, made)
    assert ready == e.ModelReady("sess_1", ())
    assert read({"type": "session.updated", "session": {}}, made) == []  # only the first answers our asking


def test_every_difference_is_named() -> None:
    made = dialect()
    echo = json.loads(json.dumps(made.session_object()))
    echo["audio"]["input"]["turn_detection"]["silence_duration_ms"] = 200
    echo["audio"]["output"]["format"] = {"type": "audio/pcm", "rate": 24000}
    (ready,) = read({"type": "session.updated", "session": echo}, made)
    assert ready.differences == (
        "audio.output.format.type: asked 'audio/pcmu', got 'audio/pcm'",
        "audio.input.turn_detection.silence_duration_ms: asked 500, got 200",
    )


# --- changing the session


def running(**more: Any) -> OpenAIRealtime:
    """A dialect whose opening was answered."""
    made = dialect(**more)
    read(of("session.updated"), made)
    return made


def change(made: OpenAIRealtime, request_id: str, **turn: Any) -> dict[str, Any]:
    """Ask for another turn detection; the message."""
    message: dict[str, Any] = json.loads(made.write(c.ConfigureModel(request_id, TURN | turn)) or "")
    return message


def echo(**turn: Any) -> dict[str, Any]:
    shown = json.loads(json.dumps(of("session.updated", 1)))
    shown["session"]["audio"]["input"]["turn_detection"] = TURN | turn
    return dict(shown)


def refusal(request_id: str | None, **error: Any) -> dict[str, Any]:
    shown = of("error", 1)
    return shown | {"error": shown["error"] | {"event_id": request_id} | error}


def test_a_change_is_the_message_on_the_wire_and_its_echo_says_that_it_is_in_force() -> None:
    made = running()
    # A frozen mapping, as the settings hold it.
    update = json.loads(made.write(c.ConfigureModel("settings-3", MappingProxyType(CHANGED))) or "")
    check_client_event(update)
    assert update == CLIENT[-1]
    assert read(of("session.updated", 1), made) == [e.ModelConfigured("settings-3", ())]


def test_a_change_repeats_the_formats_and_leaves_out_what_a_running_session_holds_fast() -> None:
    tracing = {"tracing": {"workflow_name": "phone"}, "tool_choice": "none"}
    session = change(running(extra=tracing), "settings-3")["session"]
    assert session["audio"]["input"]["format"] == {"type": "audio/pcmu"}
    assert session["audio"]["output"] == {"format": {"type": "audio/pcmu"}}  # neither voice nor speed
    assert session["instructions"] == "Answer the phone."
    assert session["tool_choice"] == "none"
    assert not session.keys() & {"model", "tracing"}


def test_the_echo_of_a_change_is_held_against_the_change() -> None:
    made = running()
    change(made, "settings-3", silence_duration_ms=700)
    other = echo(silence_duration_ms=200)
    other["session"]["audio"]["output"]["format"] = {"type": "audio/pcm", "rate": 24000}
    assert read(other, made) == [
        e.ModelConfigured(
            "settings-3",
            (
                "audio.output.format.type: asked 'audio/pcmu', got 'audio/pcm'",
                "audio.input.turn_detection.silence_duration_ms: asked 700, got 200",
            ),
        )
    ]


def test_a_change_to_the_other_kind_of_turn_detection_is_asked_about_its_own_members() -> None:
    made = running()
    semantic = {"type": "semantic_vad", "eagerness": "low", "create_response": False, "interrupt_response": False}
    check_client_event(json.loads(made.write(c.ConfigureModel("settings-3", semantic)) or ""))
    shown = echo()
    shown["session"]["audio"]["input"]["turn_detection"] = semantic | {"eagerness": "auto"}
    (configured,) = read(shown, made)
    assert isinstance(configured, e.ModelConfigured)
    assert configured.differences == ("audio.input.turn_detection.eagerness: asked 'low', got 'auto'",)


def test_two_changes_in_flight_are_answered_in_their_order() -> None:
    made = running()
    change(made, "settings-3", threshold=0.7)
    change(made, "settings-4", threshold=0.8)
    assert read(echo(threshold=0.7), made) == [e.ModelConfigured("settings-3", ())]
    assert read(echo(threshold=0.8), made) == [e.ModelConfigured("settings-4", ())]
    assert read(echo(threshold=0.8), made) == []


def test_the_first_echo_is_that_of_the_opening_even_with_a_change_behind_it() -> None:
    made = dialect()
    change(made, "settings-3", threshold=0.8)
    assert read(echo(), made) == [e.ModelReady("sess_1", ())]
    assert read(echo(threshold=0.8), made) == [e.ModelConfigured("settings-3", ())]


@pytest.mark.parametrize("named", [True, False])
def test_a_refused_change_has_no_echo_and_is_not_what_the_session_is(named: bool) -> None:
    made = running()
    change(made, "settings-3", threshold=1.5)
    change(made, "settings-4", threshold=0.8)
    (error,) = read(refusal("settings-3" if named else None), made)
    assert isinstance(error, e.ModelError)
    assert (error.request_id, error.kind) == ("settings-3", "retryable")
    assert made.session_object()["audio"]["input"]["turn_detection"] == TURN
    assert read(echo(threshold=0.8), made) == [e.ModelConfigured("settings-4", ())]
    assert made.session_object()["audio"]["input"]["turn_detection"] == TURN | {"threshold": 0.8}


def test_the_second_of_two_changes_can_be_the_refused_one() -> None:
    made = running()
    change(made, "settings-3", threshold=0.7)
    change(made, "settings-4", threshold=1.5)
    assert [event.request_id for event in read(refusal("settings-4"), made) if isinstance(event, e.ModelError)] == [
        "settings-4"
    ]
    assert read(echo(threshold=0.7), made) == [e.ModelConfigured("settings-3", ())]
    assert read(echo(threshold=0.7), made) == []


@pytest.mark.parametrize(
    "error",
    [
        refusal("cancel-7"),
        refusal(None, param="response.instructions"),
        refusal(None, param=None, code="session_expired"),
        refusal(None, param=None, code="conversation_already_has_active_response"),
        refusal(None, param=7, code=None),
    ],
)
def test_an_error_about_something_else_leaves_a_change_waiting_for_its_echo(error: dict[str, Any]) -> None:
    made = running()
    change(made, "settings-3", threshold=0.8)
    (found,) = read(error, made)
    assert isinstance(found, e.ModelError)
    assert found.request_id == error["error"]["event_id"]
    assert read(echo(threshold=0.8), made) == [e.ModelConfigured("settings-3", ())]


def test_a_refused_opening_takes_no_change_with_it() -> None:
    made = dialect()
    change(made, "settings-3", threshold=0.8)
    (error,) = read(refusal(None), made)
    assert isinstance(error, e.ModelError)
    assert error.request_id is None


def test_an_echo_without_a_session_still_answers_the_change() -> None:
    made = running()
    change(made, "settings-3", threshold=0.7)
    change(made, "settings-4", threshold=0.8)
    assert isinstance(read({"type": "session.updated"}, made)[0], e.BadMessage)
    assert read(echo(threshold=0.8), made) == [e.ModelConfigured("settings-4", ())]


def test_the_rehearsal_takes_changes_in_the_middle_of_a_reply_and_refuses_bad_ones() -> None:
    made, server = dialect(), Talk()

    def send(text: str | None, now: float) -> list[e.Event]:
        return [event for answer in server.handle(json.loads(text or ""), now) for event in read(answer, made)]

    (ready,) = [event for text in made.opening() for event in send(text, 0.0)]
    assert isinstance(ready, e.ModelReady) and ready.differences == ()
    server.ask(1.0)
    server.run(2.0)  # the first sound was heard: from here on the voice is fixed
    assert send(made.write(c.ConfigureModel("settings-1", CHANGED)), 2.0)[-1] == e.ModelConfigured("settings-1", ())
    (error,) = send(made.write(c.ConfigureModel("settings-2", TURN | {"threshold": 1.5})), 2.0)
    assert isinstance(error, e.ModelError)
    assert (error.code, error.request_id) == ("decimal_above_max_value", "settings-2")
    assert send(made.write(c.ConfigureModel("settings-3", TURN)), 2.0) == [e.ModelConfigured("settings-3", ())]


# --- early words


def delta(item_id: str, text: Any) -> dict[str, Any]:
    return of("conversation.item.input_audio_transcription.delta") | {"item_id": item_id, "delta": text}


def test_early_words_are_all_so_far() -> None:
    made = running()
    deltas = [message for message in SERVER if message.get("item_id") == "item_U3"]
    assert [message["delta"] for message in deltas] == ["Mm", "-hm,", "", " but"]
    assert [read(message, made) for message in deltas] == [
        [e.EarlyWords("item_U3", "Mm")],
        [e.EarlyWords("item_U3", "Mm-hm,")],
        [],
        [e.EarlyWords("item_U3", "Mm-hm, but")],
    ]


def test_early_words_of_two_items_are_kept_apart() -> None:
    made = running()
    read(delta("item_1", "One"), made)
    assert read(delta("item_2", "Two"), made) == [e.EarlyWords("item_2", "Two")]
    assert read(delta("item_1", " more"), made) == [e.EarlyWords("item_1", "One more")]


@pytest.mark.parametrize("nothing", ["", " ", "\n", None])
def test_a_delta_without_words_is_no_event(nothing: str | None) -> None:
    made = running()
    assert read(delta("item_1", nothing), made) == []
    assert read(delta("item_1", " Yes"), made) == [e.EarlyWords("item_1", "Yes")]
    assert read(delta("item_1", nothing), made) == []


@pytest.mark.parametrize("end", ["completed", "failed"])
def test_the_transcript_ends_what_is_known_early(end: str) -> None:
    made = running()
    read(delta("item_U1", "Hel"), made)
    read(of(f"conversation.item.input_audio_transcription.{end}"), made)
    assert read(delta("item_U1", "lo"), made) == [e.EarlyWords("item_U1", "lo")]


def test_early_words_are_bounded() -> None:
    made = running()
    found = [event for _ in range(EARLY_CHARACTERS) for event in read(delta("item_1", " word"), made)]
    assert isinstance(found[-1], e.EarlyWords)
    assert len(found[-1].text) < EARLY_CHARACTERS
    assert read(delta("item_1", " word"), made) == []
    for number in range(2, EARLY_ITEMS + 2):
        read(delta(f"item_{number}", "Yes"), made)
    assert read(delta("item_1", "again"), made) == [e.EarlyWords("item_1", "again")]


@given(st.lists(st.text(alphabet=st.sampled_from("ab \n"), max_size=4), max_size=12))
def test_early_words_are_what_the_deltas_add_up_to(pieces: list[str]) -> None:
    made = running()
    found = [event for piece in pieces for event in read(delta("item_1", piece), made)]
    assert all(isinstance(event, e.EarlyWords) for event in found)
    texts = [event.text for event in found if isinstance(event, e.EarlyWords)]
    assert texts[-1:] == ([whole] if (whole := "".join(pieces).strip()) else [])
    assert all(later.startswith(earlier) and later != earlier for earlier, later in pairwise(texts))


# --- from the model


def test_each_message_of_the_reference_is_one_that_the_sdk_knows() -> None:
    for message in SERVER:
        check_server_event(message)


def test_each_message_of_the_reference_is_read_without_complaint() -> None:
    made = dialect()
    for message in SERVER:
        assert not any(isinstance(event, e.BadMessage) for event in read(message, made)), message["type"]


@pytest.mark.parametrize(
    ("kind", "event"),
    [
        ("input_audio_buffer.speech_started", e.SpeechStarted("item_U1", 1460)),
        ("input_audio_buffer.speech_stopped", e.SpeechStopped("item_U1", 4256)),
        ("input_audio_buffer.committed", e.InputCommitted("item_U1", None)),
        ("conversation.item.input_audio_transcription.delta", e.EarlyWords("item_U1", "Hel")),
        ("conversation.item.input_audio_transcription.completed", e.CallerTranscript("item_U1", "Hello.")),
        (
            "conversation.item.input_audio_transcription.failed",
            e.CallerTranscriptFailed("item_U1", "audio_unintelligible"),
        ),
        ("response.created", e.ReplyCreated("resp_7", "create-7")),
        ("response.output_item.added", e.ItemAdded("resp_7", "item_A1", "message")),
        ("response.output_audio.delta", e.ReplyAudio("resp_7", "item_A1", 0, b"\xff\xff\xff\xff\xdf"[:4])),
        ("response.output_audio.done", e.ReplyAudioDone("resp_7", "item_A1", 0)),
        ("response.output_audio_transcript.delta", e.ReplyText("resp_7", "item_A1", 0, "Hi")),
        ("response.output_audio_transcript.done", e.ReplyTextDone("resp_7", "item_A1", 0, "Hi there.")),
        ("conversation.item.truncated", e.ItemTruncated("item_A1", 1480)),
        ("conversation.item.deleted", e.ItemDeleted("item_A2")),
    ],
)
def test_what_messages_mean(kind: str, event: e.Event) -> None:
    assert read(of(kind)) == [event]


def test_how_replies_end() -> None:
    ends = [read(message)[0] for message in SERVER if message["type"] == "response.done"]
    assert [(d.status, d.reason, d.error_code) for d in ends] == [
        ("completed", "", ""),
        ("cancelled", "turn_detected", ""),
        ("cancelled", "client_cancelled", ""),
        ("incomplete", "max_output_tokens", ""),
        ("failed", "", "inference_rate_limit_exceeded"),
    ]
    assert ends[0].usage == {"total_tokens": 83, "input_tokens": 23, "output_tokens": 60}


def error(code: str | None, message: str = "", **more: Any) -> e.ModelError:
    (event,) = read(
        {"type": "error", "error": {"type": "invalid_request_error", "code": code, "message": message, **more}}
    )
    assert isinstance(event, e.ModelError)
    return event


@pytest.mark.parametrize(
    ("code", "message", "kind", "known_as"),
    [
        ("response_cancel_not_active", "", "benign", "response_cancel_not_active"),
        (None, "Cancellation failed: no active response found", "benign", "response_cancel_not_active"),
        ("conversation_already_has_active_response", "", "benign", "conversation_already_has_active_response"),
        ("invalid_value", "Audio content of 3700ms is already shorter than 3760ms", "benign", "truncate_past_end"),
        ("item_truncate_invalid_item_id", "", "benign", "item_truncate_invalid_item_id"),
        ("input_audio_buffer_commit_empty", "", "benign", "input_audio_buffer_commit_empty"),
        ("session_expired", "", "retryable", "session_expired"),
        ("server_error", "", "retryable", "server_error"),
        ("insufficient_quota", "", "fatal", "insufficient_quota"),
        ("invalid_api_key", "", "fatal", "invalid_api_key"),
        ("beta_api_shape_disabled", "", "fatal", "beta_api_shape_disabled"),
    ],
)
def test_errors_are_sorted(code: str | None, message: str, kind: str, known_as: str) -> None:
    found = error(code, message)
    assert (found.kind, found.code) == (kind, known_as)


def test_an_error_names_our_request_and_quotes_nothing() -> None:
    found = error("server_error", "The caller said: my PIN is 1234", event_id="ask-3", param="session.voice")
    assert found.request_id == "ask-3"
    assert "1234" not in repr(found)


@given(st.sampled_from(SERVER), st.data())
def test_no_damage_raises(message: dict[str, Any], data: st.DataObject) -> None:
    text = json.dumps(message)
    end = data.draw(st.integers(0, len(text)))
    dialect().parse(text[:end])
    broken = dict(message)
    name = data.draw(st.sampled_from(sorted(broken)))
    broken[name] = data.draw(st.one_of(st.none(), st.integers(), st.text(max_size=5), st.lists(st.none(), max_size=2)))
    dialect().parse(json.dumps(broken))


@given(st.binary(max_size=60) | st.text(max_size=60))
def test_no_noise_raises(noise: str | bytes) -> None:
    for event in dialect().parse(noise):
        assert isinstance(event, e.BadMessage)


def test_sound_that_is_not_base64_is_named_and_not_played() -> None:
    broken = of("response.output_audio.delta") | {"delta": "no base64!"}
    (event,) = read(broken)
    assert isinstance(event, e.BadMessage)


# --- to the model


@pytest.mark.parametrize(
    "command",
    [
        c.SendAudio("/////w=="),
        c.CommitInput(),
        c.AskForReply("ask-1"),
        c.AskForReply("ask-2", "Say exactly these words: “Hello.”"),
        c.CancelReply("resp_7"),
        c.TruncateReply("item_A1", 0, 1480),
        c.DeleteItem("item_A2"),
        c.AddItem("user", "I need an appointment."),
        c.AddItem("assistant", "Sure, which day?"),
        c.AddItem("system", "The line dropped."),
        c.ConfigureModel("settings-3", CHANGED),
    ],
)
def test_every_order_is_an_event_that_the_sdk_knows(command: c.Command) -> None:
    text = dialect().write(command)
    assert text is not None
    check_client_event(json.loads(text))


def test_a_cancel_names_its_reply_and_a_request_itself() -> None:
    assert json.loads(dialect().write(c.CancelReply("resp_7")) or "")["response_id"] == "resp_7"
    ask = json.loads(dialect().write(c.AskForReply("ask-1", "Greet.")) or "")
    assert (ask["event_id"], ask["response"]["metadata"]) == ("ask-1", {"req": "ask-1"})
    # These instructions replace the session's, so the agent's own are sent along.
    assert ask["response"]["instructions"] == "Answer the phone.\n\nGreet."


def test_an_order_for_somebody_else_is_not_written() -> None:
    assert dialect().write(c.ClearPlayback(0.0)) is None


def test_the_outlet_takes_every_order_that_the_dialect_can_write() -> None:
    assert {c.SendAudio, *WRITERS} <= ModelOutlet.takes


@pytest.mark.parametrize(
    ("close", "http", "again"),
    [(1006, None, True), (4000, None, False), (None, 401, False), (None, 429, True), (None, 503, True)],
)
def test_when_to_try_again(close: int | None, http: int | None, again: bool) -> None:
    assert dialect().may_retry(close, http) is again
