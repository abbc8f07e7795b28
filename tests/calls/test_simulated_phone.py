"""The simulated phone against a platform of a few lines: real sockets, Twilio's own signature check, real time."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from twilio.request_validator import RequestValidator

from calls import audio
from calls.carriers import twilio
from calls.simulated_phone import CallRefused, ProtocolBroken, Script
from tests.calls.small_platform import SHORT, TOKEN, Line, SmallPlatform, running

SOUND = bytes(range(200)) * 40  # one second


@pytest.fixture
async def platform() -> AsyncIterator[SmallPlatform]:
    async with running() as made:
        yield made


# --- a whole call


async def test_a_call_is_what_a_carrier_would_send(platform: SmallPlatform) -> None:
    call = await platform.call(Script(opening=SOUND[:4000], patience_s=0.1, listen_s=0.2))
    path, fields = platform.asked[0]
    assert path == "/carriers/twilio/voice/"
    assert fields["CallSid"] == call.call_sid and fields["To"] == "+12025550142" and fields["From"] == "+12025550199"
    assert fields["CallStatus"] == "ringing"
    assert platform.handshakes == [RequestValidator(TOKEN).compute_signature(platform.stream_url, {})]
    [line] = platform.lines
    messages = [message for _, message in line.got]
    assert messages[0] == {"event": "connected", "protocol": "Call", "version": "1.0.0"}
    assert messages[1]["event"] == "start" and messages[1]["start"]["customParameters"] == {"token": "t<1>"}
    assert messages[1]["start"]["callSid"] == call.call_sid and messages[1]["start"]["streamSid"] == call.stream_sid
    assert messages[-1]["event"] == "stop"
    assert [m["sequenceNumber"] for m in messages[1:]] == [str(n) for n in range(1, len(messages))]
    frames = line.all("media")
    assert [m["media"]["chunk"] for m in frames] == [str(n) for n in range(1, len(frames) + 1)]
    assert {m["media"]["track"] for m in frames} == {"inbound"}
    said = b"".join(base64.b64decode(m["media"]["payload"]) for m in frames)
    assert said == bytes(call.spoken)
    assert said.strip(b"\xff") == SOUND[:4000].strip(b"\xff")
    assert platform.asked[-1][0] == "/after/" and platform.asked[-1][1]["CallStatus"] == "completed"
    assert call.close_code == 1000 and not call.closed_by_platform
    assert [m.what for m in call.timeline] == ["caller began", "caller stopped", "closed"]


async def test_our_own_dialect_reads_every_message(platform: SmallPlatform) -> None:
    async def play(line: Line) -> None:
        await line.when("media")
        await line.mark("m1")

    platform.play = play
    await platform.call()
    dialect = twilio.Twilio()
    kinds = [type(dialect.parse(json.dumps(message))).__name__ for _, message in platform.lines[0].got]
    assert kinds[:2] == ["Greeted", "StreamStarted"] and kinds[-1] == "StreamStopped"
    assert set(kinds[2:-1]) == {"CallerAudio", "MarkPlayed"}


@pytest.mark.parametrize("delay_s", [0.0, 0.06])
async def test_frames_keep_real_time_whatever_delays_them(platform: SmallPlatform, delay_s: float) -> None:
    async def play(line: Line) -> None:
        await line.when("media", 20)
        await line.mark("m1")

    def busy(message: dict[str, Any]) -> None:
        time.sleep(0.3)  # a machine with something else to do

    platform.play = play
    await platform.call(Script(listen_s=2.0, patience_s=0.1), delay_s=delay_s, on_message=busy)
    line = platform.lines[0]
    first, last = await line.when("media"), line.got[-2][0]
    frames = len(line.all("media"))
    assert frames >= 95
    # What is late is sent at once, so a busy machine makes single frames late and never the whole.
    assert abs((last - first) - (frames - 1) * 0.02) < 0.15


# --- the playback


async def test_marks_come_back_when_their_sound_has_played(platform: SmallPlatform) -> None:
    async def play(line: Line) -> None:
        await line.when("media")
        await line.play(SOUND[:4000])
        await line.mark("half")
        await line.play(SOUND[4000:])
        await line.mark("whole")

    platform.play = play
    call = await platform.call()
    line = platform.lines[0]
    assert [m["mark"]["name"] for m in line.all("mark")] == ["half", "whole"]
    began = call._began_at + next(m.at_ms for m in call.timeline if m.what == "agent began") / 1000
    assert 0.49 <= await line.when("mark", 1) - began < 0.9
    assert 0.99 <= await line.when("mark", 2) - began < 1.4
    assert SOUND in call.heard()
    stopped = next(m for m in call.timeline if m.what == "agent stopped")
    assert abs(stopped.at_ms - (round((began - call._began_at) * 1000) + 1000)) <= 60


async def test_a_mark_with_nothing_to_play_comes_back_at_once(platform: SmallPlatform) -> None:
    async def play(line: Line) -> None:
        await line.when("media")
        asked = time.monotonic()
        await line.mark("now")
        assert await line.when("mark") - asked < 0.3

    platform.play = play
    await platform.call()
    assert platform.lines[0].all("mark")


async def test_clear_stops_the_sound_and_returns_the_marks_at_once(platform: SmallPlatform) -> None:
    async def play(line: Line) -> None:
        await line.when("media")
        for n in range(20):
            await line.play(SOUND)
            await line.mark(f"m{n}")
        await line.when("media", 25)
        await line.send("clear")
        cleared = time.monotonic()
        assert await line.when("mark", 20) - cleared < 0.4

    platform.play = play
    call = await platform.call()
    assert [m["mark"]["name"] for m in platform.lines[0].all("mark")] == [f"m{n}" for n in range(20)]
    [cleared] = [m for m in call.timeline if m.what == "cleared"]
    began = next(m for m in call.timeline if m.what == "agent began")
    heard_ms = call.buffer.heard_ms(time.monotonic())
    assert abs(heard_ms - (cleared.at_ms - began.at_ms)) <= 2
    assert int(cleared.detail.split()[0]) == pytest.approx(20_000 - heard_ms, abs=2)
    assert SOUND[: round(heard_ms * 8) - 8] in call.heard()


async def test_the_network_takes_its_time_both_ways(platform: SmallPlatform) -> None:
    async def play(line: Line) -> None:
        await line.when("media")
        asked = time.monotonic()
        await line.mark("there and back")
        assert await line.when("mark") - asked >= 0.2

    platform.play = play
    await platform.call(delay_s=0.1)
    assert platform.lines[0].all("mark") and platform.lines[0].got[-1][1]["event"] == "stop"


async def test_what_the_platform_sent_before_it_closed_is_heard_first(platform: SmallPlatform) -> None:
    async def play(line: Line) -> None:
        await line.when("media")
        await line.play(SOUND)
        await line.socket.close(1000)

    platform.play = play
    call = await platform.call(delay_s=0.1)
    assert [m.what for m in call.timeline] == ["agent began", "agent stopped", "closed"]


async def test_the_caller_speaks_over_the_agent(platform: SmallPlatform) -> None:
    async def play(line: Line) -> None:
        await line.when("media")
        await line.play(SOUND * 3)

    platform.play = play
    call = await platform.call(Script(over_agent=(b"\x10" * 800,), into_speech_s=0.6, listen_s=0.1))
    at = {m.what: m.at_ms for m in call.timeline if m.what != "closed"}
    assert 599 <= at["caller began"] - at["agent began"] < 900  # each time is rounded to a millisecond
    assert call.unsaid == 0


# --- endings


async def test_a_line_closed_by_the_platform_ends_with_what_its_webhook_says(platform: SmallPlatform) -> None:
    async def play(line: Line) -> None:
        await line.when("media", 3)
        await line.socket.close(1011)

    platform.play = play
    platform.answer("/after/", twilio.say_and_hang_up("We are sorry."))
    call = await platform.call()
    assert call.closed_by_platform and call.close_code == 1011
    assert platform.asked[-1][1]["CallStatus"] == "in-progress"
    assert [(m.what, m.detail) for m in call.timeline] == [
        ("closed", "code 1011, by the platform"),
        ("said", "We are sorry."),
    ]


async def test_hanging_up_twice_is_harmless(platform: SmallPlatform) -> None:
    call = platform.phone()
    await call.hang_up()
    await call.ring()
    await call.open()
    await call.hang_up()
    await call.hang_up()
    await call.send("too late")
    assert [m.what for m in call.timeline] == ["closed"]


async def test_messages_of_any_kind_can_be_sent_and_seen(platform: SmallPlatform) -> None:
    seen: list[dict[str, Any]] = []
    moments: list[str] = []

    async def play(line: Line) -> None:
        await line.when("media")
        await line.mark("m1")

    platform.play = play
    call = platform.phone(on_message=seen.append, on_moment=lambda moment: moments.append(moment.what))
    await call.ring()
    talking = asyncio.create_task(call.talk(SHORT))
    await platform.called.wait()
    await platform.lines[0].when("media")
    await call.send({"event": "dtmf", "dtmf": {"digit": "5"}})
    await talking
    assert platform.lines[0].all("dtmf") == [{"event": "dtmf", "dtmf": {"digit": "5"}}]
    assert [message["event"] for message in seen] == ["mark"]
    assert moments == ["closed"]


# --- what does not work


async def test_a_stream_that_cannot_be_opened_is_told_to_the_platform_and_the_caller(platform: SmallPlatform) -> None:
    _, twiml = platform.answers["/carriers/twilio/voice/"]
    platform.answer("/carriers/twilio/voice/", twiml.replace(platform.stream_url, platform.url.replace("http", "ws")))
    call = platform.phone()
    await call.ring()
    with pytest.raises(CallRefused, match="cannot be opened"):
        await call.talk(SHORT)
    assert [(m.what, m.detail) for m in call.timeline] == [("said", "Sorry, no stream.")]
    path, fields = platform.asked[-1]
    assert path == "/status/" and fields["StreamEvent"] == "stream-error" and "31920" in fields["StreamError"]


BROKEN = [
    (b"\x00", "binary"),
    ("{", "not JSON"),
    ("[]", "other than media, mark or clear"),
    ('{"event":"hello"}', "other than media, mark or clear"),
    ('{"event":"clear","streamSid":"MZ1"}', "another stream"),
    ('{"event":"clear"}', "another stream"),
    ('{"event":"media","streamSid":"ID"}', "without its fields"),
    ('{"event":"media","streamSid":"ID","media":{}}', "without a payload"),
    ('{"event":"media","streamSid":"ID","media":{"payload":"//8"}}', "not base64"),
    ('{"event":"mark","streamSid":"ID","mark":{}}', "mark without a name"),
    ('{"event":"mark","streamSid":"ID","mark":{"name":""}}', "mark without a name"),
]


@pytest.mark.parametrize("delay_s", [0.0, 0.02])
@pytest.mark.parametrize(("message", "why"), BROKEN)
async def test_what_twilio_would_not_take_ends_the_call(
    platform: SmallPlatform, message: str | bytes, why: str, delay_s: float
) -> None:
    async def play(line: Line) -> None:
        await line.when("media")
        await line.socket.send(message.replace("ID", line.stream_id) if isinstance(message, str) else message)

    platform.play = play
    with pytest.raises(ProtocolBroken, match=why):
        await platform.call(delay_s=delay_s)


async def test_what_was_said_and_heard_is_kept_side_by_side(platform: SmallPlatform, tmp_path: Path) -> None:
    async def play(line: Line) -> None:
        await line.when("media", 10)
        await line.play(SOUND[:1600])

    platform.play = play
    call = await platform.call(Script(opening=b"\x20" * 1600, patience_s=0, listen_s=0.4))
    call.save(tmp_path / "deep" / "call.wav")
    raw = (tmp_path / "deep" / "call.wav").read_bytes()
    left, right = raw[audio.HEADER_BYTES :: 2], raw[audio.HEADER_BYTES + 1 :: 2]
    assert raw[:4] == b"RIFF" and len(left) == len(right)
    assert b"\x20" * 1600 in left and SOUND[:1600] in right
    assert right.find(SOUND[:1600]) >= 160 * 9
