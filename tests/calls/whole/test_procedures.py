"""The four test procedures of the original fix, with recorded speech, over real sockets, with real VAD."""

from __future__ import annotations

import base64
from itertools import pairwise
from pathlib import Path
from typing import Any

from calls.simulated_phone import Script, SimulatedPhone, read_wav
from tests.calls.whole.conftest import Model, phone
from tests.platform import Platform, wait_for


async def converse(platform: Platform, model: Model, script: Script) -> SimulatedPhone:
    """A call whose phone messages stand in the same list as the model's wire, so that their order can be asked for."""
    made = phone(
        platform, on_message=lambda message: model.wire.append(("phone", {"type": message["event"], **message}))
    )
    await made.ring()
    await made.talk(script)
    return made


def stale_messages(wire: list[tuple[str, dict[str, Any]]]) -> int:
    """Media that reached the phone after a clear, before any sound of another reply was made."""
    stale, cleared, reply_at_clear, current = 0, False, "", ""
    for side, event in wire:
        if side == "server" and event["type"] == "response.output_audio.delta":
            current = event["response_id"]
            cleared = cleared and current == reply_at_clear
        if side == "phone" and event["type"] == "clear":
            cleared, reply_at_clear = True, current
        if side == "phone" and event["type"] == "media" and cleared:
            stale += 1
    return stale


def heard_before(model: Model, item_id: str) -> float:
    """The length of the items that the same reply said before this one, in ms."""
    deltas = model.gave("response.output_audio.delta")
    reply = next(delta["response_id"] for delta in deltas if delta["item_id"] == item_id)
    said: dict[str, float] = {}
    for delta in deltas:
        if delta["response_id"] == reply:
            said[delta["item_id"]] = said.get(delta["item_id"], 0.0) + len(base64.b64decode(delta["delta"])) / 8
    order = list(said)
    return sum(said[before] for before in order[: order.index(item_id)])


def test_stale_media_would_be_noticed() -> None:
    delta = ("server", {"type": "response.output_audio.delta", "response_id": "r1"})
    other = ("server", {"type": "response.output_audio.delta", "response_id": "r2"})
    media, clear = ("phone", {"type": "media"}), ("phone", {"type": "clear"})
    assert stale_messages([delta, media, clear, delta, media, media]) == 2
    assert stale_messages([delta, media, clear, delta, other, media]) == 0


async def test_natural_interruption(platform: Platform, model: Model, clips: Path) -> None:
    await model.start(late_deltas=3, items=2, pace=4.0)  # so slow that it is still being made
    request = read_wav(clips / "request.wav")
    call = await converse(platform, model, Script(opening=request, over_agent=(request,), listen_s=2.5, longest_s=60))

    cleared = [m for m in call.timeline if m.what == "cleared"]
    assert len(cleared) == 1
    assert stale_messages(model.wire) == 0
    # The model believes what the caller heard.
    began = max(m.at_ms for m in call.timeline if m.what == "agent began" and m.at_ms < cleared[0].at_ms)
    first, *queued = model.sent("conversation.item.truncate")
    assert abs(heard_before(model, first["item_id"]) + first["audio_end_ms"] - (cleared[0].at_ms - began)) <= 40
    assert all(cut["audio_end_ms"] == 0 for cut in queued)
    assert [e["code"] for e in (x["error"] for x in model.gave("error"))] == []
    # An answer follows, and nothing is said twice.
    after = [m for m in call.timeline if m.what == "agent began" and m.at_ms > cleared[0].at_ms]
    assert len(after) == 1
    said = [e["transcript"] for e in model.gave("response.output_audio_transcript.done")]
    assert len(said) == len(set(said))

    row = platform.call(call.call_sid)
    (stop,) = platform.rows("select * from calls_interruption where call_id = ?", row["id"])
    assert abs(stop["heard_ms"] - (cleared[0].at_ms - began)) <= 40
    assert stop["late_ms"] >= 2 * 251
    assert stop["clear_ms"] < 50
    assert stop["heard_text"]
    assert stop["unheard_text"]
    assert row["status"] == "ended"
    recording = platform.rows("select * from calls_recording where call_id = ?", row["id"])[0]
    assert (platform.folder / recording["path"]).stat().st_size == recording["size"]


async def test_natural_pauses(platform: Platform, model: Model, audio_dir: Path) -> None:
    await model.start()
    platform.change("update agents_turnsettings set silence_floor_ms = 1500")
    speech = read_wav(audio_dir / "pauses.wav")
    call = await converse(platform, model, Script(opening=speech, listen_s=2.5, longest_s=60))
    # Pauses of 1170, 290 and 1100 ms are shorter than the setting: one turn, one answer, after its end.
    assert len(model.sent("response.create")) == 2  # the greeting, and the answer
    end = next(m.at_ms for m in call.timeline if m.what == "caller stopped")
    answered = [m.at_ms for m in call.timeline if m.what == "agent began"][1]
    assert answered > end + 1000
    assert platform.call(call.call_sid)["status"] == "ended"


async def test_the_same_pauses_end_turns_when_the_setting_is_short(
    platform: Platform, model: Model, audio_dir: Path
) -> None:
    """Else the test above could not fail."""
    await model.start()
    speech = read_wav(audio_dir / "pauses.wav")
    await converse(platform, model, Script(opening=speech, listen_s=2.5, longest_s=25))
    assert len(model.gave("input_audio_buffer.speech_stopped")) >= 3


async def test_four_interruptions_in_a_row(platform: Platform, model: Model, clips: Path) -> None:
    await model.start(late_deltas=2)
    request = read_wav(clips / "request.wav")
    script = Script(opening=request, over_agent=(request,) * 4, into_speech_s=0.9, listen_s=2.5, longest_s=90)
    call = await converse(platform, model, script)
    assert len([m for m in call.timeline if m.what == "cleared"]) == 4
    assert stale_messages(model.wire) == 0
    assert model.gave("error") == []
    asked = model.order("response.create", "response.created", "response.done")
    for before, after in pairwise(asked):
        assert (before, after) != ("response.create", "response.create")
    made = {i["item"]["id"] for i in model.gave("response.output_item.added")}
    cuts = model.sent("conversation.item.truncate")
    assert len({cut["item_id"] for cut in cuts}) == 4
    assert {cut["item_id"] for cut in cuts} <= made
    row = platform.call(call.call_sid)
    stops = platform.rows("select * from calls_interruption where call_id = ? order by number", row["id"])
    assert [s["number"] for s in stops] == [1, 2, 3, 4]
    assert {s["phase"] for s in stops} <= {"generating", "playing"}


async def test_log_patterns(platform: Platform, model: Model, clips: Path) -> None:
    await model.start()
    request = read_wav(clips / "request.wav")
    script = Script(opening=request, over_agent=(request,), listen_s=2.5, longest_s=60)
    call = await converse(platform, model, script)
    call_id = platform.call(call.call_sid)["id"]
    name = f"[{call_id[:8]}-{call_id[8:12]}-{call_id[12:16]}-{call_id[16:20]}-{call_id[20:]}] "
    wait_for(lambda: f"{name}Call ended" in platform.log("web"), "the call's last line")
    lines = [line.split(name, 1)[1] for line in platform.log("web").splitlines() if name in line]
    vad = next(line for line in lines if line.startswith("VAD:"))
    for part in ("threshold=0.6", "silence=500ms minimum", "prefix=300ms", "create_response=false"):
        assert part in vad
    wanted = [
        "✅ Response creation triggered",
        "🎤 Caller speaking - FULL INTERRUPTION MODE",
        "🎤 Caller stopped speaking - preparing response",
        "✅ Response creation triggered",
        "🎤 Caller speaking - FULL INTERRUPTION MODE",
        "🛑 INTERRUPTION DETECTED - Stopping AI immediately",
        "🗑️ Cleared ",
        "✅ AI stopped - ready to listen",
        "🎤 Caller stopped speaking - preparing response",
        "✅ Response creation triggered",
        "✅ Response complete - ready for next turn",
    ]
    rest = iter(lines)
    for phrase in wanted:
        assert any(line.startswith(phrase) for line in rest), f"{phrase} is missing in its place"
    assert " buffered audio chunks" in "\n".join(lines)
    said = {e["transcript"] for e in model.gave("response.output_audio_transcript.done") if e["transcript"]}
    assert not any(words in platform.log("web") for words in said)


async def test_legacy_mode_talks_on(platform: Platform, model: Model, clips: Path) -> None:
    await model.start()
    platform.change("update agents_turnsettings set mode = 'legacy'")
    request = read_wav(clips / "request.wav")
    script = Script(opening=request, over_agent=(request,), listen_s=2.5, longest_s=25)
    call = await converse(platform, model, script)
    assert not [m for m in call.timeline if m.what == "cleared"]
    assert model.sent("conversation.item.truncate") == []
    assert len(model.sent("response.cancel")) + len(model.gave("response.done")) >= 2
