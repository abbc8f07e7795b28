"""The phrases people search for, and that no words of the call are among them."""

import logging
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

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


SPOKEN = "secret words"
REASONS = [
    {"evidence": "speech_ms", "value": 280, "threshold": 550},
    {"evidence": "words", "text": SPOKEN},
]


@pytest.mark.parametrize(
    ("kind", "data", "line"),
    [
        (
            facts.INTERRUPTION_REFUSED,
            {"because": "too_short", "reasons": REASONS},
            "▶️ Went on (too_short): 280 ms of speech, below the 550 ms minimum",
        ),
        (
            facts.INTERRUPTION_REFUSED,
            {"because": "backchannel", "reasons": REASONS},
            "▶️ Went on (backchannel): 280 ms of speech, only words of listening",
        ),
        (
            facts.INTERRUPTION_REFUSED,
            {"speech_ms": 280, "minimum_ms": 400},
            "▶️ Went on: 280 ms of speech, below the 400 ms minimum",
        ),
        (
            facts.INTERRUPTION,
            {**INTERRUPTION, "because": "speech", "reasons": [{**REASONS[0], "value": 580}]},
            "⚖️ Stopped (speech): 580 ms of speech, above the 550 ms minimum",
        ),
        (
            facts.INTERRUPTION,
            {**INTERRUPTION, "because": "words", "reasons": REASONS},
            "⚖️ Stopped (words): by the caller's words",
        ),
        (
            facts.TURN_REFUSED,
            {"because": "noise", "reasons": [{"evidence": "probability", "value": 0.2, "threshold": 0.4}]},
            "🔕 Not answered (noise): a noise, with a likeness to speech of 0.2 at most, below 0.4",
        ),
        (
            facts.IDLE_PROMPT,
            {"number": 1, "goodbye": False, "after_ms": 12000},
            "⏳ Nobody has spoken for 12000 ms - asking (1)",
        ),
        (
            facts.IDLE_PROMPT,
            {"number": 3, "goodbye": True, "after_ms": 12000},
            "⏳ Nobody has spoken for 12000 ms - saying goodbye",
        ),
        (facts.CALL_WARNING, {"left_s": 60}, "⏰ 60 s of the call left - telling the caller"),
        (facts.PATIENCE, {"kind": "email", "extra_ms": 1500}, "⏳ Waiting 1500 ms more for the caller (email)"),
        (
            facts.SETTINGS_CHANGED,
            {"revision": 12, "by": "ada", "changes": {"idle_prompt": ["Still there?", SPOKEN]}},
            "⚙️ Settings revision 12 sent to the call: idle_prompt",
        ),
        (facts.SETTINGS_APPLIED, {"revision": 12, "differences": []}, "⚙️ Settings revision 12 applied"),
        (
            facts.SETTINGS_APPLIED,
            {"revision": 12, "differences": ["threshold", "eagerness"]},
            "⚙️ Settings revision 12 applied; the model did not take threshold, eagerness",
        ),
        (
            facts.SETTINGS_REFUSED,
            {"revision": 12, "code": "no_answer"},
            "Settings revision 12 refused (no_answer) - the call goes on with what it had",
        ),
    ],
)
def test_decisions_and_changes_have_a_line(
    caplog: pytest.LogCaptureFixture, kind: str, data: dict[str, Any], line: str
) -> None:
    with caplog.at_level(logging.INFO, "calls"):
        log.say("1234", kind, data)
    assert f"[1234] {line}" in caplog.messages
    assert SPOKEN not in caplog.text


# Every field that any line asks for, each of another kind than the next, so that each line can be made of it.
WHOLE = {
    **INTERRUPTION,
    "kind": "fatal",
    "code": "c",
    "detail": "d",
    "reason": "r",
    "attempt": 1,
    "items": 2,
    "outlet": "phone",
    "source": "model",
    "problem": "p",
    "state": "hearing",
    "after_ms": 1,
    "repair": "x",
    "event": "E",
    "late_ms": 20,
    "duration_ms": 1,
    "differences": ["a"],
    "turn_detection": {},
    "left_s": 60,
    "revision": 3,
    "voice": "elevenlabs",
    "hearing": "speechmatics",
    "then": "own",
    "because": "words",
    "speech_ms": 1,
    "minimum_ms": 2,
}
KINDS = sorted(value for name, value in vars(facts).items() if name.isupper())
VALUES = st.recursive(
    st.none() | st.integers(0, 9) | st.just("said"),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.just("text") | st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=9,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(KINDS),
    because=st.sampled_from(["speech", "words", "deadline", "too_short", "backchannel", "answer", "soft", "echo", ""]),
    more=st.dictionaries(st.sampled_from(["kept", "held", "changes", "usage", "peaks"]), VALUES, max_size=3),
)
def test_nothing_that_was_spoken_reaches_the_log(
    caplog: pytest.LogCaptureFixture, kind: str, because: str, more: dict[str, Any]
) -> None:
    caplog.clear()
    words = {"text": SPOKEN, "heard_text": SPOKEN, "unheard_text": SPOKEN}
    with caplog.at_level(logging.DEBUG, "calls"):
        log.say("1234", kind, {**WHOLE, **more, **words, "because": because, "reasons": [*REASONS, words]})
    assert SPOKEN not in caplog.text


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
