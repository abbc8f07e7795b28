"""The stand-in with Speechmatics' own clients, which know nothing of ours: what they can talk to is not our misreading alone."""

from __future__ import annotations

import asyncio
import io
import json
import wave
from typing import Any

import pytest
from speechmatics import rt, tts
from speechmatics.rt import AudioEncoding, AudioFormat, ServerMessageType, TranscriptionConfig
from speechmatics.tts import OutputFormat, Voice

from calls import audio
from calls.rehearsal.voices.host import VoiceBehaviour
from calls.voices.pcm import Pcm16k
from calls.voices.speechmatics_hearing import SpeechmaticsHearing, SpeechmaticsHearingOptions

from .test_speechmatics_hearing import FIRST, QUICK, QUIET, replace, standing

MULAW = AudioFormat(encoding=AudioEncoding.MULAW, sample_rate=8000, chunk_size=160)
WISHES = TranscriptionConfig(
    language="en",
    model=rt.Model.ENHANCED,
    enable_partials=True,
    max_delay=0.7,
    max_delay_mode="flexible",
    conversation_config=rt.ConversationConfig(end_of_utterance_silence_trigger=0.5),
)

# --- real-time speech to text


async def transcribe(url: str, sound: bytes, about: AudioFormat) -> list[tuple[str, str]]:
    """What the SDK hands to its user: (message, transcript)."""
    got: list[tuple[str, str]] = []
    client = rt.AsyncClient(api_key="stand-in", url=url)

    def take(message: dict[str, Any]) -> None:
        got.append((message["message"], message.get("metadata", {}).get("transcript", "")))

    for kind in ServerMessageType:
        client.on(kind, take)
    try:
        await client.transcribe(io.BytesIO(sound), transcription_config=WISHES, audio_format=about, timeout=20)
    finally:
        await client.close()
    return got


@pytest.mark.parametrize(
    ("encoding", "rate"),
    [(AudioEncoding.MULAW, 8000), (AudioEncoding.PCM_S16LE, 8000), (AudioEncoding.PCM_S16LE, 16000)],
)
async def test_the_ear_transcribes_for_it(encoding: AudioEncoding, rate: int) -> None:
    sound = FIRST + QUIET
    if encoding is AudioEncoding.PCM_S16LE:
        sound = audio.resample(audio.mulaw_decode(sound), 8000, rate)
    async with standing() as (_, url):
        got = await transcribe(url, sound, AudioFormat(encoding=encoding, sample_rate=rate, chunk_size=160))
    finals = "".join(text for kind, text in got if kind == "AddTranscript")
    assert finals == "Hello there, my friend . "  # put together as their reference says
    kinds = [kind for kind, _ in got]
    assert kinds[:2] == ["Info", "RecognitionStarted"]
    assert kinds.count("EndOfUtterance") == 1
    assert {"AddPartialTranscript", "AudioAdded"} < set(kinds)
    assert kinds[-1] == "EndOfTranscript"


async def test_it_can_force_an_end() -> None:
    async with standing(replace(QUICK, no_ends=True)) as (made, url):
        client = rt.AsyncClient(api_key="stand-in", url=url)
        ended: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        client.on(ServerMessageType.END_OF_UTTERANCE, ended.put_nowait)
        await client.start_session(transcription_config=TranscriptionConfig(language="en"), audio_format=MULAW)
        (session,) = made.sessions
        for at in range(0, 8 * 1500, 160):
            await client.send_audio(FIRST[at : at + 160])
        await client.force_end_of_utterance()
        assert (await asyncio.wait_for(ended.get(), 10))["forced"]
        await client.stop_session()
    assert session.received[1] == {"message": "ForceEndOfUtterance", "timestamp": 1.5}


async def test_it_is_told_of_errors() -> None:
    async with standing(replace(QUICK, error="quota_exceeded")) as (_, url):
        with pytest.raises(rt.TranscriptionError, match="Refused by the stand-in"):
            await transcribe(url, QUIET, MULAW)


async def test_our_opening_says_what_it_says() -> None:
    """The same wishes, told by their SDK and by our dialect."""
    async with standing() as (made, url):
        client = rt.AsyncClient(api_key="stand-in", url=url)
        await client.start_session(transcription_config=WISHES, audio_format=MULAW)
        theirs = made.sessions[0].received[0]
        await client.stop_session()
    (ours,) = SpeechmaticsHearing(SpeechmaticsHearingOptions(), url=url, api_key="").opening()
    assert json.loads(ours) == theirs


# --- text to speech


async def generate(url: str, text: str, kind: OutputFormat, key: str = "stand-in") -> bytes:
    async with tts.AsyncClient(api_key=key, url=url) as client:
        response = await client.generate(text=text, voice=Voice.THEO, output_format=kind)
        return bytes(await response.read())


async def test_the_voice_speaks_for_it() -> None:
    async with standing() as (made, url):
        there = url.replace("ws:", "http:").removesuffix("/v2")
        pcm = await generate(there, "Good morning.", OutputFormat.RAW_PCM_16000)
        wav = await generate(there, "Good morning.", OutputFormat.WAV_16000)
    with wave.open(io.BytesIO(wav)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16000, 1, 2)
        assert file.readframes(file.getnframes()) == pcm
    assert len(pcm) / 32 == pytest.approx(made.spoken[0].words[-1][1], abs=2)
    assert max(audio.peaks(Pcm16k().take(pcm), 50)) > 0.1  # it can be heard
    assert made.spoken[0].text == "Good morning."
    assert not made.spoken[0].stopped


@pytest.mark.parametrize(
    ("behaviour", "key", "error"),
    [
        (VoiceBehaviour(), "wrong", tts.AuthenticationError),
        (VoiceBehaviour(error="busy"), "fine", tts.TransportError),
        (VoiceBehaviour(refuse_status=403), "fine", tts.AuthenticationError),
    ],
)
async def test_it_is_told_of_refusals(behaviour: VoiceBehaviour, key: str, error: type[Exception]) -> None:
    async with standing() as (made, url):
        made.behaviour = behaviour
        # Their transport wraps what it raised itself.
        with pytest.raises(Exception, match=r"authentication failed|forbidden|HTTP 503") as refusal:
            await generate(url.replace("ws:", "http:").removesuffix("/v2"), "Hello.", OutputFormat.RAW_PCM_16000, key)
    assert isinstance(refusal.value, error | tts.TransportError)
