"""The log lines of a call: one logger, the call's id in brackets first, never a word that was spoken.

The phrases are fixed, because people search and alert on them. What is said after them is of calls/explanations.py, and is told
without the caller's words: nothing that was spoken gets past `say`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from calls import explanations
from calls.conversation import facts
from calls.reasons import listed, text, without_words

logger = logging.getLogger("calls")

Data = Mapping[str, Any]


def _speaking(data: Data) -> list[str]:
    return ["🎤 Caller speaking - FULL INTERRUPTION MODE"]


def _interruption(data: Data) -> list[str]:
    stopped = "🛑 INTERRUPTION DETECTED - Stopping AI immediately"
    where = f"(reply {data['reply_id'] or '-'}, item {data['item_id'] or '-'}, {data['phase']})"
    if data["mode"] == "legacy":
        return [f"🛑 INTERRUPTION DETECTED - Stopping AI immediately (legacy mode: cancel only) {where}"]
    lines = [f"{stopped} {where}"]
    if "truncate" in data["steps"]:
        lines.append(f"✂️ Heard {data['heard_ms']} of {data['generated_ms']} ms - conversation cut there")
    if "clear" in data["steps"]:
        lines.append(f"🗑️ Cleared {data['cleared_chunks']} buffered audio chunks ({data['cleared_ms']} ms)")
    if "silent" in data["steps"]:
        lines.append("✅ AI stopped - ready to listen")
    if text(data.get("because")) not in ("", "any_speech"):
        lines.append(f"⚖️ Stopped ({text(data['because'])}): {explanations.why(facts.INTERRUPTION, data)}")
    return lines


def _refusal(kind: str, phrase: str) -> Callable[[Data], list[str]]:
    """A sound that changed nothing. The first records had no reason."""

    def lines(data: Data) -> list[str]:
        because = f" ({text(data.get('because'))})" if text(data.get("because")) else ""
        return [f"{phrase}{because}: {explanations.why(kind, data)}"]

    return lines


def _idle(data: Data) -> list[str]:
    then = "saying goodbye" if data.get("goodbye") is True else f"asking ({text(data.get('number'))})"
    return [f"⏳ Nobody has spoken for {text(data.get('after_ms'))} ms - {then}"]


def _patience(data: Data) -> list[str]:
    kind = f" ({text(data.get('kind'))})" if text(data.get("kind")) else ""
    return [f"⏳ Waiting {text(data.get('extra_ms'))} ms more for the caller{kind}"]


def _settings_sent(data: Data) -> list[str]:
    """Only what they are called: values may be sentences that the agent says."""
    names = ", ".join(change.setting for change in explanations.changes(data)) or "nothing differs"
    return [f"⚙️ Settings revision {text(data.get('revision'))} sent to the call: {names}"]


def _settings_applied(data: Data) -> list[str]:
    differences = listed(data.get("differences"))
    but = f"; the model did not take {differences}" if differences else ""
    return [f"⚙️ Settings revision {text(data.get('revision'))} applied{but}"]


def _settled(data: Data) -> list[str]:
    return (
        [f"🔇 Dropped {data['late_ms']} ms of late audio of interruption {data['number']}"] if data["late_ms"] else []
    )


def _one(pattern: str) -> Callable[[Data], list[str]]:
    return lambda data: [pattern.format_map(data)]


LINES: dict[str, Callable[[Data], list[str]]] = {
    facts.CALLER_SPEAKING: _speaking,
    facts.INTERRUPTION: _interruption,
    facts.INTERRUPTION_SETTLED: _settled,
    facts.INTERRUPTION_REFUSED: _refusal(facts.INTERRUPTION_REFUSED, "▶️ Went on"),
    facts.TURN_REFUSED: _refusal(facts.TURN_REFUSED, "🔕 Not answered"),
    facts.PATIENCE: _patience,
    facts.IDLE_PROMPT: _idle,
    facts.CALL_WARNING: _one("⏰ {left_s} s of the call left - telling the caller"),
    facts.SENTENCE_TYPED: lambda data: ["💬 Staff typed a sentence for the agent to say"] if data.get("taken") else [],
    facts.HANG_UP_ASKED: lambda data: ["📞 Staff hung up"],
    facts.HEARING_READY: _one("👂 {hearing} hears the caller"),
    facts.SETTINGS_CHANGED: _settings_sent,
    facts.SETTINGS_APPLIED: _settings_applied,
    facts.CALLER_STOPPED: _one("🎤 Caller stopped speaking - preparing response"),
    facts.REPLY_ASKED: _one("✅ Response creation triggered ({because})"),
    facts.REPLY_WITHDRAWN: _one("↩️ Response {reply_id} no longer wanted - cancelled on arrival"),
    facts.REPLY_FINISHED: _one("✅ Response complete - ready for next turn"),
    facts.CALL_ENDED: _one("Call ended after {duration_ms} ms: {reason}"),
}

WARNINGS: dict[str, Callable[[Data], list[str]]] = {
    facts.SESSION_DIFFERS: lambda data: ["The model took settings other than asked: " + "; ".join(data["differences"])],
    facts.LINK_LOST: _one("The model's socket is gone ({reason})"),
    facts.LINK_RESTORED: _one("The model's socket is back (attempt {attempt}, {items} items replayed)"),
    facts.VOICE_FAILED: _one("The voice {voice} failed ({code}) - going on with: {then}"),
    facts.HEARING_LOST: _one("The ear {hearing} is lost ({reason}) - going on with: {then}"),
    facts.SETTINGS_REFUSED: _one("Settings revision {revision} refused ({code}) - the call goes on with what it had"),
    facts.OUTLET_FULL: _one("The {outlet} cannot keep up"),
    facts.BAD_INPUT: _one("Unreadable message from the {source}: {problem}"),
    facts.STUCK: _one("Stuck in {state} for {after_ms} ms: {repair}"),
    facts.UNEXPECTED: _one("{event} was not expected while {state}"),
}


KNOWN = {*LINES, *WARNINGS, facts.SESSION_CONFIGURED, facts.MODEL_ERROR}


def vad_line(turn_detection: Data | None) -> str:
    """The settings in force, at the start of a session."""
    if turn_detection is None:
        return "VAD: none, another ear hears the caller"
    created = str(turn_detection.get("create_response")).lower()
    interrupted = str(turn_detection.get("interrupt_response")).lower()
    tail = f"create_response={created}, interrupt_response={interrupted}"
    if turn_detection.get("type") == "semantic_vad":
        return f"VAD: semantic_vad, eagerness={turn_detection.get('eagerness')}, {tail}"
    return (
        f"VAD: server_vad, threshold={turn_detection.get('threshold')}, "
        f"silence={turn_detection.get('silence_duration_ms')}ms minimum, "
        f"prefix={turn_detection.get('prefix_padding_ms')}ms, {tail}"
    )


def say(call_id: object, kind: str, data: Data) -> None:
    """Log what a note is worth; most notes are worth nothing here."""
    if kind not in KNOWN:
        return
    data = without_words(data)
    if kind == facts.SESSION_CONFIGURED:
        logger.info("[%s] %s", call_id, vad_line(data["turn_detection"]))
    elif kind == facts.MODEL_ERROR:
        level = logging.INFO if data["kind"] == "benign" else logging.ERROR
        logger.log(level, "[%s] The model refused (%s): %s %s", call_id, data["kind"], data["code"], data["detail"])
    elif kind in LINES:
        for line in LINES[kind](data):
            logger.info("[%s] %s", call_id, line)
    elif kind in WARNINGS:
        for line in WARNINGS[kind](data):
            logger.warning("[%s] %s", call_id, line)
