"""The link to a voice over HTTP, against a real server: in order, ahead, stopped at once, refused, broken and closed."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from calls import voice_http
from calls.conversation.commands import FinishSpeaking, Speak, StopSpeaking
from calls.conversation.events import VoiceAudio, VoiceDone, VoiceFailed, VoiceTimed
from calls.rehearsal.voices.host import Host
from calls.rehearsal.voices.speechmatics import SpeechmaticsStandIn
from calls.voice_http import HttpLink
from calls.voices.base import VoiceEvent
from calls.voices.speechmatics import SpeechmaticsOptions, SpeechmaticsVoice
from tests.calls.http_provider import SOUND, Answer, Asked, Provider

TWO = "Good morning to you. How can I help you today?"


class Said:
    """A link with a memory of what came of it."""

    def __init__(self, url: str) -> None:
        self.events: list[VoiceEvent] = []
        self.lost: list[tuple[str, bool]] = []
        self.on_event: Callable[[VoiceEvent], None] = lambda event: None
        voice = SpeechmaticsVoice(SpeechmaticsOptions(), url=url, api_key="sm-secret")
        self.link = HttpLink(voice, self._take, lambda *how: self.lost.append(how))

    def _take(self, event: VoiceEvent) -> None:
        self.events.append(event)
        self.on_event(event)

    def say(self, text: str, utterance: str = "u1", *, finish: bool = True) -> None:
        self.link.take(Speak(0, utterance, text))
        if finish:
            self.link.take(FinishSpeaking(0, utterance))

    def stop(self, utterance: str = "u1") -> None:
        self.link.take(StopSpeaking(0, utterance))

    def of(self, kind: type, utterance: str = "u1") -> list[Any]:
        return [event for event in self.events if isinstance(event, kind) and event.utterance == utterance]

    def sound(self, utterance: str = "u1") -> bytes:
        return b"".join(event.audio for event in self.of(VoiceAudio, utterance))

    async def ends(self, utterance: str = "u1") -> Any:
        """What the utterance ended with."""
        await until(lambda: [*self.of(VoiceDone, utterance), *self.of(VoiceFailed, utterance)])
        (end,) = [*self.of(VoiceDone, utterance), *self.of(VoiceFailed, utterance)]
        return end


async def until(fact: Callable[[], Any]) -> Any:
    async with asyncio.timeout(10):
        while not (value := fact()):
            await asyncio.sleep(0.002)
        return value


async def turns_of_the_loop(count: int = 20) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def served() -> AsyncIterator[tuple[Provider, Said]]:
    async with Provider().running() as provider:
        said = Said(provider.url)
        try:
            yield provider, said
        finally:
            await said.link.close()


def answers(*each: Answer) -> Callable[[Asked, int], Answer]:
    """One after the other; the last one again and again."""
    return lambda asked, number: each[min(number, len(each)) - 1]


# --- spoken


async def test_text_that_comes_in_pieces_is_spoken_sentence_by_sentence_and_the_borders_are_told() -> None:
    async with served() as (provider, said):
        await said.link.open()
        for piece in ("Good mor", "ning to", " you. ", "How can I ", "help you today?"):
            said.say(piece, finish=False)
        said.link.take(FinishSpeaking(0, "u1"))
        assert await said.ends() == VoiceDone("u1")
    assert [asked.text for asked in provider.asked] == ["Good morning to you.", "How can I help you today?"]
    assert said.of(VoiceTimed) == [VoiceTimed("u1", ((21, 100.0),)), VoiceTimed("u1", ((len(TWO), 200.0),))]
    assert len(said.sound()) == 2 * 800
    asked = provider.asked[0]
    assert (asked.method, asked.path) == ("POST", "/generate/sarah?output_format=pcm_16000")
    assert asked.headers["authorization"] == "Bearer sm-secret"
    assert "sm-secret" not in repr(said.events)


async def test_the_first_sentence_is_asked_for_before_the_text_is_over() -> None:
    async with served() as (provider, said):
        said.say("Good morning to you. H", finish=False)
        await until(lambda: said.of(VoiceAudio))
        assert [asked.text for asked in provider.asked] == ["Good morning to you."]
        assert not said.of(VoiceDone)


async def test_a_connection_stands_before_the_first_sentence_and_serves_it() -> None:
    async with served() as (provider, said):
        await said.link.open()
        assert (provider.warmed, provider.connections) == (1, 1)
        said.say("Hello.")
        await said.ends()
        assert [asked.connection for asked in provider.asked] == [1]
        assert provider.warmed == 1
        said.say("Hello again.", "u2")
        await said.ends("u2")
    assert provider.connections == 1


async def test_after_a_long_pause_a_connection_is_made_while_the_sentence_is_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(voice_http, "COLD_S", -1.0)
    async with served() as (provider, said):
        said.say("Hello", finish=False)
        await until(lambda: provider.warmed == 1)
        assert provider.asked == []


async def test_a_connection_that_the_other_end_closed_costs_nothing() -> None:
    async with served() as (provider, said):
        await said.link.open()
        provider.drop()
        said.say("Hello.")
        assert await said.ends() == VoiceDone("u1")
    assert provider.connections == 2


async def test_the_next_sentence_is_asked_for_while_the_one_before_still_comes_and_waits_for_its_turn() -> None:
    rest = asyncio.Event()
    async with served() as (provider, said):
        provider.answer = answers(Answer(pieces=(SOUND, SOUND), then=rest), Answer(pieces=(bytes(3200),)))
        said.say(TWO)
        await until(lambda: len(provider.asked) == 2)
        await until(lambda: said.of(VoiceAudio))
        await turns_of_the_loop()
        assert len(said.sound()) == 800  # nothing of the second
        rest.set()
        await said.ends()
    assert said.sound()[-750:] == b"\xff" * 750
    assert b"\xff" * 100 not in said.sound()[:1600]


async def test_no_more_than_two_are_asked_for_at_a_time() -> None:
    rest = asyncio.Event()
    async with served() as (provider, said):
        provider.answer = answers(Answer(pieces=(SOUND, SOUND), then=rest), Answer())
        said.say(" ".join(f"This is the sentence with number {n}, sir." for n in range(5)))
        await until(lambda: len(provider.asked) == 2)
        await turns_of_the_loop(50)
        assert len(provider.asked) == 2
        rest.set()
        await said.ends()
    assert len(provider.asked) == 5


async def test_what_cannot_be_played_for_long_is_not_asked_for_yet() -> None:
    async with served() as (provider, said):
        provider.answer = answers(Answer(pieces=(SOUND * 120,)), Answer())
        said.say(" ".join(f"This is the sentence with number {n}, sir." for n in range(5)))
        await until(lambda: len(said.of(VoiceTimed)) == 2)
        await turns_of_the_loop(50)
        assert len(provider.asked) == 2
        assert not said.of(VoiceDone)


async def test_two_utterances_are_spoken_side_by_side() -> None:
    rest = asyncio.Event()
    async with served() as (provider, said):
        provider.answer = lambda asked, n: Answer(pieces=(SOUND, SOUND), then=rest if "one" in asked.text else None)
        said.say("Number one.", "u1")
        said.say("Number two.", "u2")
        assert await said.ends("u2") == VoiceDone("u2")
        assert not said.of(VoiceDone, "u1")
        rest.set()
        assert await said.ends("u1") == VoiceDone("u1")


@pytest.mark.parametrize("text", ["", " ", "…", "— !"])
async def test_what_makes_no_sound_is_not_asked_for(text: str) -> None:
    async with served() as (provider, said):
        said.say(text)
        assert await said.ends() == VoiceDone("u1")
        assert provider.asked == []


async def test_the_sound_is_that_of_the_stand_in_and_the_borders_are_where_it_spoke_them() -> None:
    stand_in = SpeechmaticsStandIn()
    host = Host({"speechmatics": stand_in})
    said = Said(f"http://{await host.start()}/speechmatics")
    await said.link.open()
    said.say(TWO)
    assert await said.ends() == VoiceDone("u1")
    await said.link.close()
    await host.close()
    first, second = stand_in.spoken
    assert (first.text, second.text) == ("Good morning to you.", "How can I help you today?")
    points = [point for timed in said.of(VoiceTimed) for point in timed.points]
    assert points == [
        (21, pytest.approx(first.sent_ms, abs=1)),
        (46, pytest.approx(first.sent_ms + second.sent_ms, abs=1)),
    ]
    assert len(said.sound()) / 8 == pytest.approx(first.sent_ms + second.sent_ms, abs=1)


# --- stopped


async def test_a_stop_closes_the_stream_at_once_and_nothing_comes_after_it() -> None:
    never = asyncio.Event()
    async with served() as (provider, said):
        provider.answer = answers(Answer(pieces=(SOUND, SOUND), then=never))
        said.say(TWO)
        await until(lambda: said.of(VoiceAudio) and len(provider.asked) == 2)
        said.stop()
        before = list(said.events)
        for asked in provider.asked:
            await asyncio.wait_for(asked.gone.wait(), 5)
        said.stop()
        said.say("More of it.")
        await turns_of_the_loop()
        assert said.events == before
        assert len(provider.asked) == 2
        provider.answer = answers(Answer())
        said.say("And something else.", "u2")
        assert await said.ends("u2") == VoiceDone("u2")


async def test_the_stand_in_knows_that_it_was_stopped() -> None:
    stand_in = SpeechmaticsStandIn()
    host = Host({"speechmatics": stand_in})
    said = Said(f"http://{await host.start()}/speechmatics")
    said.say("This is a sentence that takes a while to be spoken, so that there is time to stop it.")
    await until(lambda: said.of(VoiceAudio))
    said.stop()
    await until(lambda: stand_in.spoken[0].stopped)
    assert stand_in.spoken[0].sent_ms < stand_in.spoken[0].words[-1][1]
    await said.link.close()
    await host.close()


async def test_a_stop_from_within_an_event_is_the_last_of_its_utterance() -> None:
    async with served() as (provider, said):
        provider.answer = answers(Answer(pieces=(SOUND,) * 5))
        said.on_event = lambda event: said.stop()
        said.say(TWO)
        await until(lambda: said.events)
        await turns_of_the_loop()
        said.say("Next.", "u2")
        await until(lambda: said.of(VoiceAudio, "u2"))
    assert len(said.of(VoiceAudio)) == 1
    assert not said.of(VoiceDone)


async def test_a_stop_of_what_was_never_begun_is_harmless() -> None:
    async with served() as (_, said):
        said.stop("u7")
        said.say("Hello.", "u7")  # its id is spent
        said.say("Hello.", "u8")
        await said.ends("u8")
        assert not said.of(VoiceAudio, "u7")


# --- refused, broken, slow


async def test_a_busy_provider_is_asked_again_within_a_second() -> None:
    async with served() as (provider, said):
        provider.answer = answers(Answer(503), Answer(503), Answer())
        said.say("Hello.")
        assert await said.ends() == VoiceDone("u1")
    assert len(provider.asked) == 3


async def test_a_provider_that_stays_busy_is_given_up_after_a_second() -> None:
    async with served() as (provider, said):
        provider.answer = answers(Answer(503))
        began = time.monotonic()
        said.say("Hello.")
        assert await said.ends() == VoiceFailed("u1", "busy", retry=True)
        assert time.monotonic() - began < 1.5
    assert 2 <= len(provider.asked) <= 4


@pytest.mark.parametrize(
    ("status", "code", "retry"), [(401, "key_refused", False), (404, "voice_unknown", False), (500, "http_500", True)]
)
async def test_a_refusal_fails_the_utterance_and_is_not_repeated(status: int, code: str, retry: bool) -> None:
    async with served() as (provider, said):
        provider.answer = answers(Answer(status, kind="application/json"))
        said.say("Hello.")
        assert await said.ends() == VoiceFailed("u1", code, retry)
        said.say("More.")
        await turns_of_the_loop()
        assert len(provider.asked) == 1
        assert not said.of(VoiceAudio)


async def test_a_refusal_of_the_second_sentence_comes_after_the_sound_of_the_first() -> None:
    rest = asyncio.Event()
    async with served() as (provider, said):
        provider.answer = answers(Answer(pieces=(SOUND, SOUND), then=rest), Answer(401))
        said.say(TWO)
        await until(lambda: len(provider.asked) == 2)
        rest.set()
        assert await said.ends() == VoiceFailed("u1", "key_refused", retry=False)
    assert len(said.sound()) == 1600
    assert said.of(VoiceTimed) == [VoiceTimed("u1", ((21, 200.0),))]


async def test_a_stream_that_breaks_is_not_begun_again_by_itself() -> None:
    async with served() as (provider, said):
        provider.answer = answers(Answer(pieces=(SOUND, SOUND[:999]), cut=True))
        said.say("Hello.")
        assert await said.ends() == VoiceFailed("u1", "RemoteProtocolError", retry=True)
    assert len(said.sound()) == (3200 + 999) // 4
    assert len(provider.asked) == 1


async def test_a_stream_that_breaks_before_its_first_sound_is_asked_for_again() -> None:
    async with served() as (provider, said):
        provider.answer = answers(Answer(pieces=(), cut=True), Answer())
        said.say("Hello.")
        assert await said.ends() == VoiceDone("u1")


async def test_a_page_is_not_played() -> None:
    async with served() as (provider, said):
        provider.answer = answers(Answer(pieces=(b"<html>" * 500,), kind="text/html; charset=utf-8"))
        said.say("Hello.")
        assert await said.ends() == VoiceFailed("u1", "no sound but text", retry=True)
    assert not said.of(VoiceAudio)


async def test_an_answer_without_sound_is_asked_for_again_and_then_a_failure() -> None:
    async with served() as (provider, said):
        provider.answer = answers(Answer(pieces=(b"",)), Answer())
        said.say("Hello.")
        assert await said.ends() == VoiceDone("u1")
        provider.answer = answers(Answer(pieces=(b"",)))
        said.say("Hello.", "u2")
        assert await said.ends("u2") == VoiceFailed("u2", "no sound", retry=True)


async def test_sound_without_an_end_is_no_voice() -> None:
    async with served() as (provider, said):
        provider.answer = answers(Answer(pieces=(SOUND * 100,) * 20))
        said.say("Hello.")
        assert await said.ends() == VoiceFailed("u1", "endless", retry=True)


async def test_a_provider_that_does_not_answer_in_time_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voice_http, "TIMEOUTS", 0.1)
    async with served() as (provider, said):
        provider.answer = answers(Answer(pieces=(SOUND,), then=asyncio.Event()))
        said.say("Hello.")
        assert await said.ends() == VoiceFailed("u1", "ReadTimeout", retry=True)


async def test_nobody_there_is_told_when_the_call_begins_and_when_it_is_spoken_to() -> None:
    said = Said("http://127.0.0.1:9")
    await said.link.open()
    assert said.lost == [("ConnectError", True)]
    said.say("Hello.")
    assert await said.ends() == VoiceFailed("u1", "ConnectError", retry=True)
    await said.link.close()


@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "http://127.0.0.1:port", "nonsense"])
async def test_an_address_that_is_none_is_not_tried_again(url: str) -> None:
    said = Said(url)
    await said.link.open()
    assert [retry for _, retry in said.lost] == [False]
    await said.link.close()


# --- closed


async def test_it_is_closed_in_the_middle_of_everything_and_twice() -> None:
    never = asyncio.Event()
    async with served() as (provider, said):
        provider.answer = answers(Answer(pieces=(SOUND, SOUND), then=never))
        said.say(TWO)
        await until(lambda: said.of(VoiceAudio) and len(provider.asked) == 2)
        before = list(said.events)
        await said.link.close()
        await said.link.close()
        said.say("Hello.", "u2")
        said.stop()
        await said.link.open()
        await turns_of_the_loop()
        assert said.events == before
        assert said.lost == []
        for asked in provider.asked:
            await asyncio.wait_for(asked.gone.wait(), 5)
    mine = asyncio.current_task()
    left = [task for task in asyncio.all_tasks() if task is not mine and "voice_http" in repr(task)]
    assert left == []
