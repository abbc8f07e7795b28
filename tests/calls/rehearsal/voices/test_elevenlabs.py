"""The stand-in for ElevenLabs over real sockets: by the messages of its documentation, and by our dialect."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from typing import Any
from urllib.parse import urlencode

import pytest
from websockets.exceptions import ConnectionClosedError, InvalidStatus

from calls.conversation.commands import FinishSpeaking, Speak
from calls.conversation.events import BYTES_PER_MS, VoiceAudio, VoiceDone, VoiceFailed
from calls.rehearsal.voices.elevenlabs import ERRORS, ElevenLabsStandIn
from calls.voice_links import SocketLink
from calls.voices.base import VoiceEvent
from calls.voices.elevenlabs import ElevenLabs
from tests.calls.rehearsal.voices.talk import Raw, Speaker, raw, running, sound, speaker, words_heard
from tests.calls.voices.messages import Json, messages

CLIENT = messages("elevenlabs", "client")
SERVER = messages("elevenlabs", "server")
VOICE = "JBFqnCBsd6RMkjVDRZzb"
TEXT = "Good morning. Your appointment is on Tuesday at 3 pm, and it costs $1,250 for one person. Can I help you otherwise?"


def client(address: str, voice: str = VOICE, key: str | None = "any", **query: Any) -> AbstractAsyncContextManager[Raw]:
    asked = {"model_id": "eleven_flash_v2_5", "output_format": "ulaw_8000"} | query
    url = f"ws://{address}/v1/text-to-speech/{voice}/multi-stream-input?{urlencode(asked)}"
    return raw(url, {"xi-api-key": key} if key is not None else {})


def is_final(message: Json) -> bool:
    return bool(message.get("isFinal"))


def opening(name: str) -> Json:
    return CLIENT["opening"] | {"context_id": name}


def kinds(example: Json) -> Json:
    """Name -> kind of each member; None stands for anything."""
    return {name: type(value) for name, value in example.items() if value is not None}


# --- the protocol


async def test_a_context_as_the_documentation_has_it() -> None:
    stand_in = ElevenLabsStandIn()
    async with running(stand_in) as address, client(address) as service:
        text = {"text": "Good morning, how can I help you? ", "context_id": "u1"}
        await service.send(CLIENT["opening"], text, CLIENT["flush"], CLIENT["close"])
        assert await service.until(is_final) == SERVER["final"]
        for message in service.got[:-1]:
            assert message.keys() == SERVER["audio"].keys()
            assert kinds(message).items() <= kinds(SERVER["audio"]).items()
        (spoken,) = stand_in.spoken
        heard = sound(service.got, "u1")
        assert len(heard) / BYTES_PER_MS == spoken.sent_ms > 1500
        assert len(set(heard)) > 50  # somebody speaks
        assert spoken.text.strip() == "".join(word for word, _ in spoken.words).strip() == text["text"].strip()
        assert not spoken.stopped


async def test_times_begin_anew_in_every_message_and_are_as_long_as_the_sound_all_together() -> None:
    stand_in = ElevenLabsStandIn()
    async with running(stand_in) as address, client(address) as service:
        text = {"text": "Please wait for 20 minutes, thank you very much indeed. ", "context_id": "u1", "flush": True}
        await service.send(CLIENT["opening"], text, CLIENT["close"])
        await service.until(is_final)
        told = [message["normalizedAlignment"] for message in service.got[:-1]]
        assert None in told  # sound without times
        for alignment in filter(None, told):
            assert alignment["chars"][0] == " "
            assert len(alignment["chars"]) == len(alignment["charStartTimesMs"]) == len(alignment["charDurationsMs"])
            assert alignment["charStartTimesMs"][0] == 0
        spans = [sum(alignment["charDurationsMs"]) for alignment in filter(None, told)]
        assert sum(spans) == pytest.approx(stand_in.spoken[0].sent_ms, abs=len(spans))
        normalized = "".join(char for alignment in filter(None, told) for char in alignment["chars"])
        assert "twenty" in normalized and "20" not in normalized
        first, second, *others = [message["alignment"] for message in service.got[:-1]]
        assert first == second
        assert "".join(first["chars"]).strip() == text["text"].strip()
        assert set(map(str, others)) == {"None"}


async def test_without_being_closed_a_context_is_not_final() -> None:
    stand_in = ElevenLabsStandIn()
    async with running(stand_in) as address, client(address) as service:
        await service.send(CLIENT["opening"], {"text": "Hello there. ", "context_id": "u1", "flush": True})
        await service.send(opening("u2"), CLIENT["close"] | {"context_id": "u2"})
        await service.until(lambda m: m.get("audio"))
        await service.until(lambda m: len(sound(service.got, "u1")) / BYTES_PER_MS == stand_in.spoken[0].words[-1][1])
        await service.nothing(0.3)
        assert not any(is_final(m) for m in service.got if m["contextId"] == "u1")
        await service.send(CLIENT["close"])
        await service.until(lambda m: is_final(m) and m["contextId"] == "u1")


async def test_text_waits_for_enough_of_it_or_a_flush() -> None:
    stand_in = ElevenLabsStandIn()
    async with running(stand_in, first_sound_s=0.0) as address, client(address) as service:
        await service.send(opening("short"), {"text": "Too short to begin with. ", "context_id": "short"})
        long = "More than fifty characters make it begin to speak by itself. "
        await service.send(opening("long"), {"text": long, "context_id": "long"})
        await service.until(lambda m: m.get("contextId") == "long" and m.get("audio"))
        assert not sound(service.got, "short")
        await service.send({"context_id": "short", "flush": True})
        await service.until(lambda m: m.get("contextId") == "short" and m.get("audio"))


async def test_text_that_was_not_flushed_is_gone_with_its_context() -> None:
    stand_in = ElevenLabsStandIn()
    async with running(stand_in) as address, client(address) as service:
        await service.send(CLIENT["opening"], {"text": "Never said. ", "context_id": "u1"}, CLIENT["close"])
        assert await service.until(is_final) == SERVER["final"]
        assert len(service.got) == 1
        assert stand_in.spoken[0].text == ""


async def test_flushed_text_is_spoken_to_its_end_after_the_context_was_closed() -> None:
    stand_in = ElevenLabsStandIn()
    async with running(stand_in, late_ms=0) as address, client(address) as service:
        await service.send(CLIENT["opening"], {"text": TEXT + " ", "context_id": "u1", "flush": True}, CLIENT["close"])
        await service.until(is_final)
        assert stand_in.spoken[0].words[-1][1] == pytest.approx(stand_in.spoken[0].sent_ms)


async def test_an_interrupted_context_still_sends_what_was_in_the_making_then_is_final() -> None:
    stand_in = ElevenLabsStandIn()
    async with running(stand_in, late_ms=500) as address, client(address) as service:
        await service.send(CLIENT["opening"], {"text": TEXT + " ", "context_id": "u1"})
        await service.until(lambda m: m.get("audio"))
        await service.send(CLIENT["close"])
        await service.until(is_final)
        (spoken,) = stand_in.spoken
        assert spoken.stopped
        assert 500 <= spoken.late_ms < 500 + stand_in.behaviour.chunk_ms
        assert spoken.sent_ms < spoken.words[-1][1]


async def test_the_id_of_a_closed_context_stands_for_a_new_one() -> None:
    stand_in = ElevenLabsStandIn()
    async with running(stand_in) as address, client(address) as service:
        for _ in range(2):
            await service.send(
                CLIENT["opening"], {"text": "Hello. ", "context_id": "u1", "flush": True}, CLIENT["close"]
            )
        await service.until(is_final)
        await service.until(is_final)
        assert [spoken.text.strip() for spoken in stand_in.spoken] == ["Hello.", "Hello."]


async def test_a_sixth_context_ends_the_socket() -> None:
    async with running(ElevenLabsStandIn()) as address, client(address) as service:
        await service.send(*(opening(f"u{n}") for n in range(1, 7)))
        code, reason = await service.end()
        assert service.got == [SERVER["too many contexts"]]
        assert code == 1008 and (reason or "").startswith("Maximum simultaneous contexts")


async def test_a_context_counts_until_it_is_final() -> None:
    async with running(ElevenLabsStandIn(), first_sound_s=5) as address, client(address) as service:
        for n in range(1, 6):
            name = {"context_id": f"u{n}"}
            await service.send(
                opening(f"u{n}"), {"text": "Hello. ", **name, "flush": True}, {"close_context": True, **name}
            )
        await service.send(opening("u6"))
        assert (await service.end())[0] == 1008


# --- staying open


async def test_a_keepalive_before_the_opening_counts_as_the_opening() -> None:
    async with running(ElevenLabsStandIn()) as address, client(address) as service:
        await service.send(CLIENT["keepalive of a context"], CLIENT["opening"])
        assert (await service.end())[0] == 1008
        assert service.got[0]["code"] == 1008


async def test_a_keepalive_without_a_name_opens_nothing() -> None:
    stand_in = ElevenLabsStandIn()
    async with running(stand_in) as address, client(address) as service:
        await service.send(*[CLIENT["keepalive"]] * 9, CLIENT["opening"], CLIENT["close"])
        assert await service.until(is_final) == SERVER["final"]
        assert len(stand_in.spoken) == 1


async def test_a_silent_client_is_told_and_closed() -> None:
    async with running(ElevenLabsStandIn()) as address, client(address, inactivity_timeout=1) as service:
        code, _ = await service.end()
        assert (code, service.got[0]["error"]) == (1008, "input_timeout_exceeded")
        assert service.got[0]["message"].startswith(
            "Have not received a new text input within the timeout of 1 seconds."
        )


async def test_a_context_that_is_not_named_runs_out_while_the_socket_stays() -> None:
    async with running(ElevenLabsStandIn(), idle_s=0.4) as address, client(address) as service:
        await service.send(CLIENT["opening"], opening("u2"))
        while not any(map(is_final, service.got)):
            await service.send(CLIENT["keepalive"], CLIENT["keepalive of a context"])
            try:
                await service.nothing(0.1)
            except AssertionError as something:
                service.got.append(json.loads(str(something)))
        assert service.got == [SERVER["final"] | {"contextId": "u2"}]


async def test_the_client_can_have_all_of_it_spoken_and_closed() -> None:
    stand_in = ElevenLabsStandIn()
    async with running(stand_in) as address, client(address) as service:
        await service.send(CLIENT["opening"], {"text": "Good bye. ", "context_id": "u1"}, {"close_socket": True})
        assert (await service.end())[0] == 1000
        assert is_final(service.got[-1])
        assert len(sound(service.got, "u1")) / BYTES_PER_MS == stand_in.spoken[0].sent_ms > 0


# --- refusing


async def test_with_a_wrong_key_nothing_is_spoken() -> None:
    async with running(ElevenLabsStandIn()) as address, client(address, key="wrong") as service:
        await service.send(CLIENT["opening"])
        assert (await service.end())[0] == 1008
        assert service.got == [SERVER["wrong key"]]


@pytest.mark.parametrize("where", [{}, {"query": {"single_use_token": "t"}}, {"message": {"xi_api_key": "k"}}])
async def test_whoever_has_no_key_in_a_header_is_served(where: Json) -> None:
    async with running(ElevenLabsStandIn()) as address, client(address, key=None, **where.get("query", {})) as service:
        await service.send(CLIENT["opening"] | where.get("message", {}), CLIENT["close"])
        assert await service.until(is_final) == SERVER["final"]


@pytest.mark.parametrize("where", [{"query": {"single_use_token": "wrong"}}, {"message": {"xi_api_key": "wrong"}}])
async def test_the_key_may_also_come_in_the_address_or_the_first_message(where: Json) -> None:
    async with running(ElevenLabsStandIn()) as address, client(address, key=None, **where.get("query", {})) as service:
        await service.send(CLIENT["opening"] | where.get("message", {}))
        assert (await service.end())[0] == 1008
        assert service.got == [SERVER["wrong key"]]


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"voice": "nobody"}, "voice_id_does_not_exist"),
        ({"model_id": "eleven_v3"}, "model_not_found"),
        ({"model_id": "eleven_multilingual_v2", "language_code": "de"}, "unsupported_language"),
        ({"output_format": "mp3_44100"}, "unsupported_output_format"),
    ],
)
async def test_what_cannot_be_had_is_refused(asked: Json, error: str) -> None:
    async with running(ElevenLabsStandIn()) as address, client(address, **asked) as service:
        await service.send(CLIENT["opening"])
        assert (await service.end())[0] == 1008
        assert service.got[0]["error"] == error


@pytest.mark.parametrize(
    ("message", "error"),
    [
        ({}, "invalid_input_message"),
        ({"context_id": "u1", "text": 7}, "invalid_input_message"),
        (CLIENT["opening"] | {"voice_settings": {"speed": 3}}, "invalid_voice_settings"),
        (CLIENT["opening"] | {"generation_config": {"chunk_length_schedule": [10]}}, "invalid_generation_config"),
    ],
)
async def test_what_makes_no_sense_ends_the_socket(message: Json, error: str) -> None:
    async with running(ElevenLabsStandIn()) as address, client(address) as service:
        await service.send(message)
        assert (await service.end())[0] == 1008
        assert service.got[0]["error"] == error


async def test_nobody_may_be_silent_for_longer_than_three_minutes() -> None:
    async with running(ElevenLabsStandIn()) as address, client(address, inactivity_timeout=181) as service:
        assert (await service.end())[0] == 1008
        assert service.got[0]["error"] == "invalid_inactivity_timeout"


async def test_the_address_must_be_the_service_s() -> None:
    async with running(ElevenLabsStandIn()) as address:
        with pytest.raises(InvalidStatus, match="404"):
            async with raw(f"ws://{address}/v1/text-to-speech/{VOICE}/stream-input"):
                pass


# --- faults, as our dialect takes them


def every_20_ms(total_ms: float) -> Iterator[int]:
    return iter(range(0, int(total_ms), 20))


@pytest.mark.parametrize(
    "text",
    [TEXT, "Hello!", "Nine, ten. Dr. Weber has 24 of 300 left; ask for 7. Fine? Yes, at 10:30 it is, all week long."],
)
async def test_what_was_heard_is_known_to_a_word(text: str) -> None:
    stand_in = ElevenLabsStandIn()
    async with running(stand_in, pace=50) as address, speaker(ElevenLabs, address) as call:
        await call.say("u1", text)
        await call.until(VoiceDone, "u1")
        (spoken,) = stand_in.spoken
        assert call.sound_ms("u1") == spoken.sent_ms
        points = call.points("u1")
        assert points[-1] == (len(text), pytest.approx(spoken.sent_ms, abs=1))
        for ms in every_20_ms(spoken.sent_ms):
            assert abs(words_heard(text, points, ms) - len(spoken.heard(ms).split())) <= 1, ms
        assert call.failures() == []


async def speak_twice(call: Speaker) -> None:
    await call.say("u1", TEXT)
    await call.until(VoiceAudio, "u1")
    await call.stop("u1")
    await call.say("u2", "I see. Go on.")
    await call.until(VoiceDone, "u2")


async def test_after_an_interruption_the_next_utterance_is_spoken_whole() -> None:
    stand_in = ElevenLabsStandIn()
    async with running(stand_in) as address, speaker(ElevenLabs, address) as call:
        await speak_twice(call)
        assert stand_in.spoken[1].text.strip() == "I see. Go on."
        assert call.sound_ms("u2") == stand_in.spoken[1].sent_ms


async def test_many_interruptions_never_open_a_sixth_context() -> None:
    async with running(ElevenLabsStandIn(), pace=2) as address, speaker(ElevenLabs, address) as call:
        for n in range(1, 12):
            await call.say(f"u{n}", TEXT, finish=False)
            await call.stop(f"u{n}")
        await call.say("last", "At last.")
        await call.until(VoiceDone, "last")
        assert call.failures() == []


async def test_the_link_of_a_call_says_a_sixth_utterance_when_there_is_room() -> None:
    done: list[str] = []
    all_done = asyncio.Event()

    def feed(event: VoiceEvent) -> None:
        if isinstance(event, VoiceDone):
            done.append(event.utterance)
            if event.utterance == "u6":
                all_done.set()

    async with running(ElevenLabsStandIn()) as address:
        options = ElevenLabs.Options()
        link = SocketLink(lambda: ElevenLabs(options, url=f"ws://{address}", api_key="any"), feed)
        await link.open()
        for n in range(1, 7):
            link.take(Speak(0, f"u{n}", "Hello there."))
            link.take(FinishSpeaking(0, f"u{n}"))
        async with asyncio.timeout(20):
            await all_done.wait()
        await link.close()
    assert sorted(done) == ["u1", "u2", "u3", "u4", "u5", "u6"]


@pytest.mark.parametrize("error", ERRORS)
async def test_every_refusal_reaches_the_call(error: str) -> None:
    async with running(ElevenLabsStandIn(), error=error) as address, speaker(ElevenLabs, address) as call:
        await call.say("u1", "Hello.")
        failed = await call.until(VoiceFailed, "u1")
        assert failed == VoiceFailed("u1", ERRORS[error][0], retry=error in ("server", "busy"))
        with pytest.raises(ConnectionClosedError):
            await call.until(VoiceDone, "u1")
        assert call.dialect.may_retry(call.socket.close_code, None) is (error in ("server", "busy"))


@pytest.mark.parametrize("status", [401, 429, 503])
async def test_a_refused_handshake(status: int) -> None:
    async with running(ElevenLabsStandIn(), refuse_status=status) as address:
        with pytest.raises(InvalidStatus, match=str(status)):
            async with speaker(ElevenLabs, address):
                pass


async def test_a_socket_that_breaks_in_the_middle_of_a_word() -> None:
    stand_in = ElevenLabsStandIn()
    async with running(stand_in, break_after_ms=700) as address, speaker(ElevenLabs, address) as call:
        await call.say("u1", TEXT)
        with pytest.raises(ConnectionClosedError):
            await call.until(VoiceDone, "u1")
        assert call.socket.close_code == 1006
        assert 700 <= stand_in.spoken[0].sent_ms < 700 + 230
        assert call.dialect.may_retry(1006, None)


async def test_garbage_costs_nothing() -> None:
    stand_in = ElevenLabsStandIn()
    async with running(stand_in, garbage=True) as address, speaker(ElevenLabs, address) as call:
        await speak_twice(call)
        assert set(call.failures()) == {"unreadable"}
        assert call.sound_ms("u2") == stand_in.spoken[1].sent_ms


async def test_without_times_only_the_end_is_known() -> None:
    async with running(ElevenLabsStandIn(), times=False) as address, speaker(ElevenLabs, address) as call:
        await call.say("u1", TEXT)
        await call.until(VoiceDone, "u1")
        assert call.points("u1") == [(len(TEXT), call.sound_ms("u1"))]


async def test_a_mute_service_takes_text_and_says_nothing() -> None:
    stand_in = ElevenLabsStandIn()
    async with running(stand_in, mute=True) as address, speaker(ElevenLabs, address) as call:
        await call.say("u1", "Hello. ")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await call.until(VoiceDone, "u1")
        assert stand_in.spoken[0].text.strip() == "Hello."
        assert call.events == []


@pytest.mark.parametrize(
    "model", ["eleven_flash_v2_5", "eleven_turbo_v2_5", "eleven_multilingual_v2", "eleven_flash_v2"]
)
async def test_every_model_that_can_be_chosen_is_there(model: str) -> None:
    async with running(ElevenLabsStandIn()) as address, speaker(ElevenLabs, address, model=model) as call:
        await call.say("u1", "Hello.")
        await call.until(VoiceDone, "u1")
        assert call.failures() == []
