"""The check itself must be able to fail."""

import pytest

from tests.openai_types import WireError, check_client_event, check_server_event


def test_documented_events_pass() -> None:
    check_client_event({"type": "response.cancel", "event_id": "cancel-7", "response_id": "resp_7"})
    check_server_event({"type": "input_audio_buffer.cleared", "event_id": "event_6"})


@pytest.mark.parametrize(
    "event",
    [
        {"type": "response.stop"},
        {"type": "conversation.item.truncate", "item_id": "a", "content_index": 0},
        {"type": "conversation.item.truncate", "item_id": "a", "content_index": 0, "audio_end_ms": "soon"},
        {"type": "response.cancel", "reply_id": "resp_7"},
    ],
)
def test_events_that_the_service_would_not_know_fail(event: dict) -> None:
    with pytest.raises(WireError):
        check_client_event(event)


def test_a_server_event_without_its_fields_fails() -> None:
    with pytest.raises(WireError):
        check_server_event({"type": "input_audio_buffer.speech_started", "event_id": "event_3"})
