"""The stand-in's ear: with our dialect on a real socket, and in what it refuses."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from calls.conversation import commands as c
from calls.conversation import events as e
from calls.rehearsal.voices.host import Host
from calls.rehearsal.voices.listener import NOT_UNDERSTOOD
from calls.rehearsal.voices.speechmatics import SpeechmaticsStandIn
from calls.rehearsal.voices.speechmatics_hearing import HearingBehaviour
from calls.simulated_phone import read_wav
from calls.voices.speechmatics_hearing import SpeechmaticsHearing, SpeechmaticsHearingOptions

PAUSES = read_wav(Path(__file__).parents[3] / "audio" / "pauses.wav")
FIRST = PAUSES[: 8 * 2800]  # the first utterance and the silence after it
QUIET = b"\xff" * 8000
QUICK = HearingBehaviour(started_s=0.0, ack_s=0.02, lag_s=0.0, heard=("Hello there, my friend.", "Second one"))
START = {
    "message": "StartRecognition",
    "audio_format": {"type": "raw", "encoding": "mulaw", "sample_rate": 8000},
    "transcription_config": {"language": "en"},
}


@asynccontextmanager
async def standing(behaviour: HearingBehaviour = QUICK) -> AsyncIterator[tuple[SpeechmaticsStandIn, str]]:
    made = SpeechmaticsStandIn()
    made.hearing = behaviour
    host = Host({"speechmatics": made})
    try:
        yield made, f"ws://{await host.start()}/speechmatics/v2"
    finally:
        await host.close()


class Ear:
    """Our dialect on a real socket."""

    def __init__(self, url: str, silence_ms: int = 500) -> None:
        self.dialect = SpeechmaticsHearing(SpeechmaticsHearingOptions(), url=url, api_key="", silence_ms=silence_ms)
        self.events: list[e.Event] = []
        self.raw: list[dict[str, Any]] = []
        self.socket: ClientConnection

    async def open(self) -> None:
        self.socket = await connect(self.dialect.url(), additional_headers=self.dialect.headers(), proxy=None)
        for message in self.dialect.opening():
            await self.socket.send(message)
        await self.until(e.HearingReady)

    async def until(self, kind: type, count: int = 1) -> None:
        async with asyncio.timeout(10):
            while len(self.of(kind)) < count:
                await self._read()

    async def _read(self) -> None:
        text = await self.socket.recv()
        events = self.dialect.parse(text)
        self.events += events
        if not any(isinstance(event, e.BadMessage) for event in events):
            self.raw.append(json.loads(text))

    async def rest(self) -> int | None:
        """Read to the end; the close code."""
        try:
            async with asyncio.timeout(10):
                while True:
                    await self._read()
        except ConnectionClosed:
            return self.socket.close_code

    async def write(self, command: c.SendToHearing | c.EndUtterance) -> None:
        for message in self.dialect.write(command):
            await self.socket.send(message)

    async def say(self, mulaw: bytes) -> None:
        for at in range(0, len(mulaw), 160):
            await self.write(c.SendToHearing(mulaw[at : at + 160]))

    async def leave(self) -> int | None:
        for message in self.dialect.closing():
            await self.socket.send(message)
        return await self.rest()

    def of(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def transcripts(self) -> list[str]:
        return [event.text for event in self.of(e.CallerTranscript)]


# --- with our dialect


async def test_a_recorded_caller_is_three_turns_and_the_third_was_not_understood() -> None:
    async with standing() as (made, url):
        ear = Ear(url)
        await ear.open()
        await ear.say(PAUSES + QUIET)
        await ear.until(e.InputCommitted, 3)
        assert await ear.leave() == 1000
    assert ear.transcripts == ["Hello there, my friend.", "Second one", NOT_UNDERSTOOD]
    assert [event.audio_start_ms for event in ear.of(e.SpeechStarted)] == pytest.approx([320, 3328, 5440], abs=64)
    # As far from the end of the speech as the silence is long.
    assert [event.audio_end_ms for event in ear.of(e.SpeechStopped)] == pytest.approx([2700, 4830, 8110], abs=64)
    assert made.sessions == []


async def test_the_messages_are_those_of_a_recorded_session() -> None:
    async with standing() as (_, url):
        ear = Ear(url)
        await ear.open()
        await ear.say(FIRST + QUIET)
        await ear.until(e.InputCommitted)
        assert await ear.leave() == 1000
    kinds = [message["message"] for message in ear.raw]
    assert kinds[:2] == ["Info", "RecognitionStarted"]
    assert kinds[-1] == "EndOfTranscript"
    end = kinds.index("EndOfUtterance")
    before = [message for message in ear.raw[:end] if message["message"] != "AudioAdded"]
    mark, empty = before[-2:]
    assert mark["metadata"]["transcript"] == ". "  # it has a final of its own
    assert mark["results"][0]["attaches_to"] == "previous"
    assert (empty["message"], empty["results"]) == ("AddPartialTranscript", [])
    assert any(m["message"] == "AddTranscript" and m["metadata"]["transcript"] == "" for m in ear.raw[end:])
    acks = [message["seq_no"] for message in ear.raw if message["message"] == "AudioAdded"]
    assert acks == list(range(1, len(acks) + 1))


async def test_acknowledgements_come_late_and_our_count_is_right_all_the_same() -> None:
    async with standing(replace(QUICK, ack_s=5.0)) as (made, url):
        ear = Ear(url)
        await ear.open()
        (session,) = made.sessions
        await ear.say(QUIET)
        await ear.leave()
    assert session.received[-1] == {"message": "EndOfStream", "last_seq_no": 50}
    assert session.frames == 50


async def test_an_end_that_we_ask_for_comes_at_once_and_once() -> None:
    async with standing(replace(QUICK, no_ends=True)) as (_, url):
        ear = Ear(url)
        await ear.open()
        await ear.say(FIRST[: 8 * 1500])
        await ear.until(e.EarlyWords)
        await ear.write(c.EndUtterance())
        await ear.until(e.InputCommitted)
        await ear.leave()
    assert ear.transcripts[0] == "Hello there, my friend."
    forced = [message["message"] for message in ear.raw if message.get("forced")]
    assert forced == ["AddTranscript", "AddTranscript", "EndOfUtterance"]


async def test_words_that_are_taken_back_and_finals_that_are_late_lose_no_word() -> None:
    async with standing(replace(QUICK, taken_back=True, late_finals=True)) as (_, url):
        ear = Ear(url)
        await ear.open()
        await ear.say(FIRST + QUIET)
        await ear.until(e.InputCommitted)
        await ear.leave()
    assert ear.of(e.EarlyWords)[1].text == ""
    assert " ".join(ear.transcripts).startswith("Hello there, my friend")


async def test_garbage_between_the_messages_is_noted_and_harms_nothing() -> None:
    async with standing(replace(QUICK, garbage=True)) as (_, url):
        ear = Ear(url)
        await ear.open()
        await ear.say(FIRST + QUIET)
        await ear.until(e.InputCommitted)
    assert ear.transcripts == ["Hello there, my friend."]
    assert ear.of(e.BadMessage)


async def test_the_silence_can_be_changed_during_the_session() -> None:
    async with standing() as (_, url):
        ear = Ear(url, silence_ms=2000)
        await ear.open()
        change = {"conversation_config": {"end_of_utterance_silence_trigger": 0.3}}
        await ear.socket.send(json.dumps({"message": "SetRecognitionConfig", "transcription_config": change}))
        await ear.say(FIRST)
        await ear.until(e.InputCommitted)
    assert ear.transcripts == ["Hello there, my friend."]


async def test_a_deaf_ear_acknowledges_and_says_nothing() -> None:
    async with standing(replace(QUICK, deaf=True)) as (_, url):
        ear = Ear(url)
        await ear.open()
        await ear.say(FIRST)
        assert await ear.leave() == 1000
    assert ear.events == [e.HearingReady()]


# --- how it ends


@pytest.mark.parametrize(
    ("kind", "code", "retry"),
    [("quota_exceeded", 4005, True), ("not_authorised", 4001, False), ("job_error", 4013, True)],
)
@pytest.mark.parametrize("after_s", [0.0, 0.5])
async def test_an_error_is_told_and_closes(kind: str, code: int, retry: bool, after_s: float) -> None:
    async with standing(replace(QUICK, error=kind, error_after_s=after_s)) as (_, url):
        ear = Ear(url)
        if after_s:
            await ear.open()
            await ear.say(QUIET[: 160 * 25])
        else:
            with pytest.raises(ConnectionClosed):
                await ear.open()
        assert await ear.rest() == code
    assert ear.events[-1] == e.HearingLost(kind, retry)
    assert ear.dialect.may_retry(code, None) is retry


async def test_a_socket_that_breaks_has_no_close_code_of_its_own() -> None:
    async with standing(replace(QUICK, break_after_s=0.5)) as (_, url):
        ear = Ear(url)
        await ear.open()
        await ear.say(QUIET[: 160 * 25])
        assert await ear.rest() == 1006


async def test_who_sends_nothing_is_sent_away() -> None:
    async with standing(replace(QUICK, idle_s=0.05)) as (_, url):
        ear = Ear(url)
        await ear.open()
        assert await ear.rest() == 1008
    assert ear.events[-1] == e.HearingLost("idle_timeout", True)


async def handshake(url: str, key: str = "") -> int:
    """The HTTP status that a client meets."""
    try:
        async with connect(url, additional_headers={"Authorization": f"Bearer {key}"} if key else {}, proxy=None):
            return 101
    except InvalidStatus as refusal:
        return refusal.response.status_code


async def test_a_handshake_can_be_refused() -> None:
    async with standing() as (_, url):
        assert [await handshake(url), await handshake(url, "fine"), await handshake(url, "wrong")] == [101, 101, 401]
        assert await handshake(url.replace("/v2", "/v3")) == 404
    async with standing(replace(QUICK, refuse_status=503)) as (_, url):
        assert await handshake(url) == 503


def starting(**config: Any) -> dict[str, Any]:
    return START | {"transcription_config": {"language": "en"} | config}


@pytest.mark.parametrize(
    ("messages", "kind", "code"),
    [
        ([b"\xff" * 160], "protocol_error", 1003),
        ([{"message": "EndOfStream", "last_seq_no": 0}], "protocol_error", 1003),
        ([START, START], "protocol_error", 1003),
        (["nonsense"], "invalid_message", 1003),
        ([START, {"message": "Sing"}], "invalid_message", 1003),
        ([START, {"message": "EndOfStream"}], "invalid_message", 1003),
        ([START, {"message": "ForceEndOfUtterance", "timestamp": "now"}], "invalid_message", 1003),
        ([starting(model="huge")], "invalid_model", 4004),
        ([starting(language=None)], "invalid_config", 1003),
        ([starting(max_delay=0.2)], "invalid_config", 1003),
        ([starting(conversation_config={"end_of_utterance_silence_trigger": 3})], "invalid_config", 1003),
        ([starting(additional_vocab=[{"content": "x"}] * 1001)], "invalid_config", 1003),
        ([START | {"audio_format": {"type": "raw", "encoding": "opus"}}], "invalid_audio_type", 1003),
    ],
)
async def test_what_the_service_does_not_take_it_does_not_take(messages: Sequence[Any], kind: str, code: int) -> None:
    got: list[dict[str, Any]] = []
    async with standing() as (_, url), connect(url, proxy=None) as socket:
        for message in messages:
            await socket.send(json.dumps(message) if isinstance(message, dict) else message)
        with pytest.raises(ConnectionClosed):
            async with asyncio.timeout(10):
                while True:
                    got.append(json.loads(await socket.recv()))
        assert socket.close_code == code
    assert (got[-1]["message"], got[-1]["type"], got[-1]["code"]) == ("Error", kind, code)
