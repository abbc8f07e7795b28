"""The phrases people search for, and that no words of the call are among them."""

import logging

import pytest

from calls import log
from calls.conversation import facts

INTERRUPTION = {
    "number": 1,
    "phase": "generating",
    "mode": "full",
    "reply_id": "r7",
    "item_id": "a7",
    "heard_ms": 900,
    "generated_ms": 20000,
    "cleared_ms": 19100,
    "cleared_chunks": 76,
    "steps": ["clear", "cancel", "truncate", "suppress", "silent"],
    "heard_text": "secret words",
    "unheard_text": "more secret words",
}


@pytest.mark.parametrize(
    ("kind", "data", "phrases"),
    [
        (facts.CALLER_SPEAKING, {}, ["🎤 Caller speaking - FULL INTERRUPTION MODE"]),
        (
            facts.INTERRUPTION,
            INTERRUPTION,
            [
                "🛑 INTERRUPTION DETECTED - Stopping AI immediately",
                "🗑️ Cleared 76 buffered audio chunks",
                "✅ AI stopped - ready to listen",
            ],
        ),
        (facts.CALLER_STOPPED, {}, ["🎤 Caller stopped speaking - preparing response"]),
        (facts.REPLY_ASKED, {"because": "greeting"}, ["✅ Response creation triggered"]),
        (facts.REPLY_FINISHED, {}, ["✅ Response complete - ready for next turn"]),
    ],
)
def test_the_phrases(caplog: pytest.LogCaptureFixture, kind: str, data: dict, phrases: list[str]) -> None:
    with caplog.at_level(logging.INFO, "calls"):
        log.say("1234", kind, data)
    for phrase in phrases:
        assert any(m.startswith(f"[1234] {phrase}") for m in caplog.messages), phrase
    assert "secret" not in caplog.text


def test_the_settings_in_force() -> None:
    line = log.vad_line(
        {
            "type": "server_vad",
            "threshold": 0.6,
            "silence_duration_ms": 500,
            "prefix_padding_ms": 300,
            "create_response": False,
            "interrupt_response": False,
        }
    )
    assert line.startswith("VAD:")
    for part in ("threshold=0.6", "silence=500ms minimum", "prefix=300ms", "create_response=false"):
        assert part in line
