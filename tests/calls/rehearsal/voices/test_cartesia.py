"""The stand-in for Cartesia over real sockets: with the provider's own SDK, by raw messages, and by our dialect.

The SDK's `websockets` extra pins websockets below 16; its client works with the version that is installed here, so the extra is
not.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import AbstractAsyncContextManager
from itertools import pairwise
from typing import Any

import pytest
from cartesia import AsyncCartesia
from websockets.exceptions import ConnectionClosedError, InvalidStatus

from calls.conversation.events import BYTES_PER_MS, VoiceAudio, VoiceDone, VoiceFailed
from calls.rehearsal.voices.cartesia import ERRORS, CartesiaStandIn
from calls.voices.cartesia import VERSION, Cartesia
from tests.calls.rehearsal.voices.talk import Raw, raw, running, sound, speaker, words_heard
from tests.calls.voices.messages import Json, messages

CLIENT = messages("cartesia", "client")
SERVER = messages("cartesia", "server")
TEXT = "Good morning. Your appointment is on Tuesday at 3 pm, and it costs $1,250 for one person. Can I help you otherwise?"
VOICE = {"mode": "id", "id": "f786b574-daa5-4673-aa0c-cbe3e8534c02"}
PHONE = {"container": "raw", "encoding": "pcm_mulaw", "sample_rate": 8000}
SPEAKING: Json = {"model_id": "sonic-3.5", "voice": VOICE, "output_format": PHONE, "add_timestamps": True}


def sdk(address: str, key: str = "any") -> AsyncCartesia:
    return AsyncCartesia(api_key=key, websocket_base_url=f"ws://{address}")


def client(address: str, version: str = VERSION, key: str = "any") -> AbstractAsyncContextManager[Raw]:
    return raw(f"ws://{address}/tts/websocket", {"X-API-Key": key, "Cartesia-Version": version})


def is_over(message: Json) -> bool:
    return message["type"] in ("done", "error")


# --- with the provider's SDK


async def test_the_official_sdk_has_a_text_spoken_as_it_is_written() -> None:
    stand_in = CartesiaStandIn()
    async with running(stand_in) as address, sdk(address).tts.websocket_connect() as connection:
        context = connection.context(model_id="sonic-3.5", voice=VOICE, output_format=PHONE)
        for piece in ("Good morning, ", "how can ", "I help you?"):
            await context.send(
                transcript=piece, voice=VOICE, add_timestamps=True, continue_=True, max_buffer_delay_ms=200
            )
        await context.no_more_inputs()
        got = [response async for response in context.receive()]
        audio = b"".join(response.audio for response in got if response.type == "chunk")
        (spoken,) = stand_in.spoken
        assert len(audio) / BYTES_PER_MS == spoken.sent_ms > 1500
        assert len(set(audio)) > 50  # somebody speaks
        assert spoken.text == "Good morning, how can I help you?"
        words = [response.word_timestamps for response in got if response.type == "timestamps"]
        assert [word for told in words for word in told.words] == spoken.text.split()
        ends = [end for told in words for end in told.end]
        assert all(a < b for a, b in pairwise(ends))
        assert ends[-1] * 1000 == pytest.approx(spoken.sent_ms, abs=1)
        assert (got[-1].type, got[-1].status_code) == ("done", 200)


async def test_the_official_sdk_has_two_texts_spoken_at_a_time() -> None:
    stand_in = CartesiaStandIn()
    async with running(stand_in) as address, sdk(address).tts.websocket_connect() as connection:

        async def speak(text: str) -> bytes:
            context = connection.context()
            await context.send(**SPEAKING, transcript=text, continue_=False)
            return b"".join([r.audio async for r in context.receive() if r.type == "chunk"])

        one, other = await asyncio.gather(speak("One is short."), speak("The other one is very much longer than that."))
        assert [len(one), len(other)] == [spoken.sent_ms * BYTES_PER_MS for spoken in stand_in.spoken]


async def test_the_official_sdk_is_told_that_a_flush_is_done_and_which_sounds_make_up_the_words() -> None:
    async with running(CartesiaStandIn()) as address, sdk(address).tts.websocket_connect() as connection:
        context = connection.context()
        more = {**SPEAKING, "add_phoneme_timestamps": True}
        await context.send(**more, transcript="Good morning", continue_=True, flush=True)
        await context.send(**more, transcript=", Anna", continue_=False)
        got = [response async for response in context.receive()]
        (flushed,) = [response for response in got if response.type == "flush_done"]
        assert flushed.flush_done and flushed.flush_id == 1
        assert [r.flush_id for r in got if r.type == "chunk"] == sorted(r.flush_id for r in got if r.type == "chunk")
        assert any(r.type == "phoneme_timestamps" and r.phoneme_timestamps.phonemes for r in got)


async def test_the_official_sdk_cancels() -> None:
    stand_in = CartesiaStandIn()
    async with running(stand_in, late_ms=0) as address, sdk(address).tts.websocket_connect() as connection:
        context = connection.context()
        await context.send(**SPEAKING, transcript=TEXT, continue_=True)
        async for response in context.receive():
            if response.type == "chunk":
                break
        await context.cancel()
        other = connection.context()
        await other.send(**SPEAKING, transcript="I see.", continue_=False)
        assert [r async for r in other.receive()][-1].type == "done"
        assert stand_in.spoken[0].stopped
        assert stand_in.spoken[0].sent_ms < stand_in.spoken[0].words[-1][1]


async def test_the_official_sdk_understands_our_errors() -> None:
    async with running(CartesiaStandIn()) as address, sdk(address).tts.websocket_connect() as connection:
        context = connection.context()
        await context.send(**SPEAKING | {"model_id": "sonic-99"}, transcript="Hello.", continue_=False)
        (error,) = [response async for response in context.receive()]
        assert (error.type, error.error_code, error.status_code) == ("error", "model_not_found", 400)


async def test_the_official_sdk_is_not_let_in_with_a_wrong_key() -> None:
    async with running(CartesiaStandIn()) as address:
        with pytest.raises(InvalidStatus, match="401"):
            async with sdk(address, "wrong").tts.websocket_connect():
                pass


# --- the protocol


async def test_an_utterance_of_ours_as_the_documentation_has_it() -> None:
    stand_in = CartesiaStandIn()
    async with running(stand_in) as address, client(address) as service:
        await service.send(CLIENT["text"], CLIENT["last text"], CLIENT["end"])
        await service.until(is_over)
        assert service.got[-1] == SERVER["done"]
        examples = {message["type"]: message for message in (SERVER["chunk"], SERVER["timestamps"], SERVER["done"])}
        for message in service.got:
            assert message.keys() == examples[message["type"]].keys()
        assert stand_in.spoken[0].text == "Good morning, how morning"


async def test_without_a_limit_it_waits_three_seconds_for_more_text() -> None:
    async with running(CartesiaStandIn(), first_sound_s=0.0) as address, client(address) as service:
        asked_at = time.monotonic()
        unbounded = {name: value for name, value in CLIENT["text"].items() if name != "max_buffer_delay_ms"}
        await service.send(unbounded, CLIENT["text"] | {"context_id": "u2"})
        await service.until(lambda m: m["context_id"] == "u2" and m["type"] == "chunk")
        assert 0.25 <= time.monotonic() - asked_at < 2
        await service.until(lambda m: m["context_id"] == "u1" and m["type"] == "chunk")
        assert time.monotonic() - asked_at >= 3


async def test_without_a_buffer_every_text_is_spoken_at_once_and_its_end_told() -> None:
    async with running(CartesiaStandIn()) as address, client(address) as service:
        at_once = {"max_buffer_delay_ms": 0}
        await service.send(CLIENT["text"] | at_once, CLIENT["last text"] | at_once, CLIENT["end"] | at_once)
        await service.until(is_over)
        assert [m["flush_id"] for m in service.got if m["type"] == "flush_done"] == [1, 2]


async def test_a_cancelled_context_still_sends_what_was_in_the_making_and_no_done() -> None:
    stand_in = CartesiaStandIn()
    async with running(stand_in, late_ms=500) as address, client(address) as service:
        await service.send(CLIENT["text"] | {"transcript": TEXT})
        await service.until(lambda m: m["type"] == "chunk")
        await service.send(CLIENT["cancel"], CLIENT["text"] | {"context_id": "u2", "continue": False})
        await service.until(lambda m: is_over(m) and m["context_id"] == "u2")
        (spoken, _) = stand_in.spoken
        assert spoken.stopped
        assert 500 <= spoken.late_ms < 500 + stand_in.behaviour.chunk_ms
        assert len(sound(service.got, "u1")) / BYTES_PER_MS == spoken.sent_ms < spoken.words[-1][1]
        assert [m["context_id"] for m in service.got if m["type"] == "done"] == ["u2"]


async def test_what_had_not_begun_when_it_was_cancelled_is_never_spoken() -> None:
    stand_in = CartesiaStandIn()
    async with running(stand_in) as address, client(address) as service:
        await service.send(CLIENT["text"], CLIENT["cancel"], CLIENT["text"] | {"context_id": "u2", "continue": False})
        await service.until(is_over)
        assert not sound(service.got, "u1")


@pytest.mark.parametrize("version", [VERSION, "2025-04-16"])
async def test_an_expired_context_takes_no_more_text(version: str) -> None:
    async with running(CartesiaStandIn(), expiry_s=0.05) as address, client(address, version) as service:
        await service.send(CLIENT["text"] | {"transcript": "Hello."})
        await service.until(lambda m: m["type"] == "timestamps")
        error: Json = {}
        while error.get("type") != "error":
            await asyncio.sleep(0.1)  # the service has no word for its expiry
            await service.send(CLIENT["last text"])
            error = await service.until(lambda m: m["type"] in ("error", "chunk"))
        example = SERVER["expired context" if version == VERSION else "error, older shape"]
        assert example.keys() <= error.keys()
        assert ("error" in error) is (version != VERSION)
        assert error["status_code"] == 400


async def test_an_idle_socket_is_closed_in_order() -> None:
    async with running(CartesiaStandIn(), idle_s=0.1) as address, client(address) as service:
        assert await service.end() == (1000, "connection idle timeout")


@pytest.mark.parametrize(("key", "version", "status"), [("wrong", VERSION, 401), ("any", "new", 400), ("", "", 400)])
async def test_a_handshake_needs_a_good_key_and_a_version(key: str, version: str, status: int) -> None:
    async with running(CartesiaStandIn()) as address:
        with pytest.raises(InvalidStatus, match=str(status)):
            async with client(address, version, key):
                pass


async def test_key_and_version_may_also_come_in_the_address() -> None:
    async with running(CartesiaStandIn()) as address:
        with pytest.raises(InvalidStatus, match="401"):
            async with raw(f"ws://{address}/tts/websocket?api_key=wrong&cartesia_version={VERSION}"):
                pass
        async with raw(f"ws://{address}/tts/websocket?access_token=k&cartesia_version={VERSION}") as service:
            await service.send(CLIENT["text"] | {"continue": False})
            await service.until(is_over)
        with pytest.raises(InvalidStatus, match="404"):
            async with raw(f"ws://{address}/tts?api_key=k&cartesia_version={VERSION}"):
                pass


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"model_id": "sonic-99"}, "model_not_found"),
        ({"voice": {"mode": "id", "id": "nobody"}}, "voice_not_found"),
        ({"output_format": {**PHONE, "encoding": "mp3"}}, "invalid_request"),
        ({"max_buffer_delay_ms": 5001}, "invalid_request"),
        ({"generation_config": {"speed": 2}}, "invalid_request"),
        ({"generation_config": {"volume": "loud"}}, "invalid_request"),
        ({"transcript": None}, "invalid_request"),
    ],
)
async def test_a_wrong_request_is_refused_and_the_socket_stays(wrong: Json, code: str) -> None:
    async with running(CartesiaStandIn()) as address, client(address) as service:
        await service.send(CLIENT["text"] | wrong)
        error = await service.until(is_over)
        assert error["error_code"] == code
        await service.send(CLIENT["text"] | {"context_id": "u2", "continue": False})
        assert (await service.until(is_over))["type"] == "done"


async def test_within_a_context_only_the_text_may_change() -> None:
    async with running(CartesiaStandIn()) as address, client(address) as service:
        await service.send(CLIENT["text"], CLIENT["text"] | {"language": "de"})
        assert (await service.until(is_over))["error_code"] == "context_mismatch"


async def test_a_script_without_spaces_is_told_sign_by_sign_and_tags_within_words() -> None:
    async with running(CartesiaStandIn()) as address, client(address) as service:
        await service.send(CLIENT["text"] | {"transcript": '<emotion value="calm"/>Well 你好。', "continue": False})
        await service.until(is_over)
        told = [m["word_timestamps"]["words"] for m in service.got if m["type"] == "timestamps"]
        assert [word for words in told for word in words] == ['<emotion value="calm"/>Well', "你", "好", "。"]


# --- faults, as our dialect takes them


@pytest.mark.parametrize(
    "text",
    [TEXT, "Hello!", "Nine, ten. Dr. Weber has 24 of 300 left; ask for 7. Fine? Yes, at 10:30 it is, all week long."],
)
async def test_what_was_heard_is_known_to_a_word(text: str) -> None:
    stand_in = CartesiaStandIn()
    async with running(stand_in, pace=50) as address, speaker(Cartesia, address) as call:
        await call.say("u1", text)
        await call.until(VoiceDone, "u1")
        (spoken,) = stand_in.spoken
        assert call.sound_ms("u1") == spoken.sent_ms
        points = call.points("u1")
        assert points[-1] == (len(text), pytest.approx(spoken.sent_ms, abs=1))
        for ms in range(0, int(spoken.sent_ms), 20):
            assert abs(words_heard(text, points, ms) - len(spoken.heard(ms).split())) <= 1, ms
        assert call.failures() == []


async def test_after_an_interruption_the_next_utterance_is_spoken_whole() -> None:
    stand_in = CartesiaStandIn()
    async with running(stand_in, garbage=True) as address, speaker(Cartesia, address) as call:
        await call.say("u1", TEXT)
        await call.until(VoiceAudio, "u1")
        await call.stop("u1")
        await call.say("u2", "I see. Go on.")
        await call.until(VoiceDone, "u2")
        assert call.sound_ms("u2") == stand_in.spoken[1].sent_ms
        assert set(call.failures()) == {"unreadable"}  # the garbage
        assert call.ends() == ["u2"]


@pytest.mark.parametrize("error", ERRORS)
async def test_every_refusal_reaches_the_call_and_leaves_the_socket(error: str) -> None:
    stand_in = CartesiaStandIn()
    async with running(stand_in, error=error) as address, speaker(Cartesia, address) as call:
        for utterance in ("u1", "u2"):
            await call.say(utterance, "Hello. ", finish=False)
            failed = await call.until(VoiceFailed, utterance)
            assert failed == VoiceFailed(utterance, ERRORS[error][1], retry=error in ("server", "busy"))


async def test_a_socket_that_breaks_in_the_middle_of_a_word() -> None:
    stand_in = CartesiaStandIn()
    async with running(stand_in, break_after_ms=700) as address, speaker(Cartesia, address) as call:
        await call.say("u1", TEXT)
        with pytest.raises(ConnectionClosedError):
            await call.until(VoiceDone, "u1")
        assert call.socket.close_code == 1006
        assert 700 <= stand_in.spoken[0].sent_ms < 700 + 230


async def test_without_times_only_the_end_is_known() -> None:
    async with running(CartesiaStandIn(), times=False) as address, speaker(Cartesia, address) as call:
        await call.say("u1", TEXT)
        await call.until(VoiceDone, "u1")
        assert call.points("u1") == [(len(TEXT), call.sound_ms("u1"))]


async def test_a_mute_service_takes_text_and_says_nothing() -> None:
    stand_in = CartesiaStandIn()
    async with running(stand_in, mute=True) as address, speaker(Cartesia, address) as call:
        await call.say("u1", "Hello.")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await call.until(VoiceDone, "u1")
        assert stand_in.spoken[0].text == "Hello."


@pytest.mark.parametrize("status", [401, 429, 503])
async def test_a_refused_handshake(status: int) -> None:
    async with running(CartesiaStandIn(), refuse_status=status) as address:
        with pytest.raises(InvalidStatus, match=str(status)):
            async with speaker(Cartesia, address):
                pass


@pytest.mark.parametrize(
    "options", [{"model": "sonic-3"}, {"emotion": "calm", "speed": 1.5, "volume": 0.5, "buffer_ms": 0}]
)
async def test_every_choice_is_taken(options: Any) -> None:
    async with running(CartesiaStandIn()) as address, speaker(Cartesia, address, **options) as call:
        await call.say("u1", "Hello there.")
        await call.until(VoiceDone, "u1")
        assert call.failures() == []
