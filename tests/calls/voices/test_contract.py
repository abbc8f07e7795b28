"""What every voice of the registry must do, whoever provides it: a fifth one is held to this by its line in the settings.

Whole replies through the core, the outlet, the link and the dialect, over a real socket, to the provider's stand-in.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from django.conf import settings as django_settings

from calls.conversation import commands as c
from calls.conversation import facts, silence
from tests.calls.voices.spoken_call import SpokenCall, provider, spoken_call

VOICES = sorted(django_settings.VOICES)
TEXT = (
    "Good morning, this is the surgery. Doctor Price can see you on Tuesday at nine, or on Wednesday at half past three. "
    "Which of the two would suit you better?"
)

pytestmark = [pytest.mark.parametrize("slug", VOICES), pytest.mark.asyncio]


async def said(call: SpokenCall, text: str = TEXT) -> None:
    """One whole reply, heard to its end."""
    call.caller_asks()
    call.model_writes(text)
    await call.finished()


def turns(call: SpokenCall) -> list[dict[str, Any]]:
    return call.notes(facts.AGENT_TURN)


async def test_a_reply_is_spoken_whole_and_each_word_of_it_was_heard(slug: str, settings: Any) -> None:
    async with provider(slug, settings) as there, spoken_call(slug) as call:
        text = "Doctor Price can see you on Tuesday at nine, or on Wednesday."
        await said(call, text)
        (turn,) = turns(call)
        assert (turn["heard_text"], turn["unheard_text"]) == (text, "")
        truth_ms = sum(spoken.words[-1][1] for spoken in there.spoken if spoken.words)
        assert call.played_ms >= truth_ms - 50
        (started,) = call.notes(facts.REPLY_STARTED)
        assert started["voice"] == slug
        assert 0 < started["voice_ms"] < 2000
        assert not call.notes(facts.VOICE_FAILED)


async def test_two_replies_in_a_row_have_their_own_sound(slug: str, settings: Any) -> None:
    async with provider(slug, settings), spoken_call(slug) as call:
        await said(call, "The first one is short.")
        call.commands.clear()
        await said(call, "And this is another.")
        (turn,) = turns(call)
        assert turn["heard_text"] == "And this is another."
        assert not call.notes(facts.VOICE_FAILED)


async def test_who_is_interrupted_in_the_middle_of_a_word_was_heard_so_far_and_no_further(
    slug: str, settings: Any
) -> None:
    async with provider(slug, settings, pace=1.3) as there, spoken_call(slug) as call:
        call.caller_asks()
        item = call.model_writes(TEXT)
        await call.heard_ms(2400)
        call.caller_interrupts()
        (cut,) = call.notes(facts.INTERRUPTION)
        assert cut["steps"][:2] == ["clear", "stop_voice"]
        assert TEXT.startswith(cut["heard_text"])
        heard = cut["heard_text"].split()
        truth = _truth(there.spoken, cut["heard_ms"]).split()
        assert abs(len(heard) - len(truth)) <= 1, (heard, truth)
        # The model is left with what was heard, in the old place.
        await call.until(lambda: bool(call.of(c.AddItem)))
        assert [d.item_id for d in call.of(c.DeleteItem)] == [item]
        (added,) = call.of(c.AddItem)
        assert (added.role, added.text, added.after) == ("assistant", cut["heard_text"], "u_1")


async def test_sound_that_comes_after_the_stop_is_not_heard(slug: str, settings: Any) -> None:
    async with provider(slug, settings, pace=3.0, late_ms=800) as there, spoken_call(slug) as call:
        call.caller_asks()
        call.model_writes(TEXT)
        await call.heard_ms(300)
        call.caller_interrupts()
        stopped_at = len(call.commands)
        if there.kind.transport == "websocket":  # an HTTP request that is broken off sends nothing any more
            await call.until(lambda: any(note["late_ms"] for note in call.notes(facts.INTERRUPTION_SETTLED)))
        after = [command for _, command in call.commands[stopped_at:]]
        assert not [command for command in after if isinstance(command, c.PlayAudio)]
        # The next reply is untouched by what still comes of the dead one.
        call.commands.clear()
        await said(call, "Certainly.")
        assert [turn["heard_text"] for turn in turns(call)] == ["Certainly."]


async def test_what_nobody_can_read_costs_nothing(slug: str, settings: Any) -> None:
    async with provider(slug, settings, garbage=True), spoken_call(slug) as call:
        await said(call, "Nothing is lost by that.")
        assert [turn["heard_text"] for turn in turns(call)] == ["Nothing is lost by that."]


@pytest.mark.parametrize("error", ["quota", "voice", "key", "server"])
async def test_an_error_lets_the_model_say_it_by_itself_within_the_reply(slug: str, settings: Any, error: str) -> None:
    async with provider(slug, settings, error=error), spoken_call(slug) as call:
        call.caller_asks()
        call.model_writes("One moment, please.")
        await call.until(lambda: len(call.of(c.AskForReply)) == 2, silence.VOICE_WAIT + 3)
        assert "One moment, please." in call.of(c.AskForReply)[1].instructions
        assert not call.of(c.AskForReply)[1].as_text
        failed = call.notes(facts.VOICE_FAILED)
        assert failed[-1]["then"] == "own"
        assert "no sound in time" not in [note["code"] for note in failed]  # it was understood, and not waited for
        assert len(failed) == 1 or error == "server", failed  # nobody tries again what cannot be helped


async def test_a_voice_that_makes_no_sound_is_left_before_the_caller_wonders(slug: str, settings: Any) -> None:
    async with provider(slug, settings, mute=True), spoken_call(slug) as call:
        call.caller_asks()
        since = asyncio.get_running_loop().time()
        call.model_writes("One moment, please.")
        await call.until(lambda: len(call.of(c.AskForReply)) == 2)
        assert asyncio.get_running_loop().time() - since < 2.0
        assert call.notes(facts.VOICE_FAILED)[-1]["code"] == "no sound in time"


async def test_a_voice_that_is_not_there_costs_the_next_call_nothing(slug: str, settings: Any) -> None:
    async with provider(slug, settings, refuse_status=503):
        for expected in ("HTTP 503", "HTTP 503", "out of order"):
            async with spoken_call(slug) as call:
                call.caller_asks()
                call.model_writes("One moment, please.")
                await call.until(lambda call=call: len(call.of(c.AskForReply)) == 2)
                codes = [note["code"] for note in call.notes(facts.VOICE_FAILED)]
                assert expected in codes or (expected == "HTTP 503" and codes), codes


async def test_the_rest_of_a_reply_that_breaks_off_is_said_by_the_second_voice(slug: str, settings: Any) -> None:
    second = next(other for other in VOICES if other != slug)
    async with (
        provider(slug, settings, break_after_ms=1500) as first,
        provider(second, settings) as other,
        spoken_call(slug, second) as call,
    ):
        await said(call)
        assert call.notes(facts.VOICE_FAILED)[-1]["then"] == second
        (turn,) = turns(call)
        assert turn["heard_text"] == TEXT
        assert first.spoken
        rest = "".join(spoken.text for spoken in other.spoken).strip()
        assert rest
        assert TEXT.endswith(rest)


def _truth(spoken: list[Any], heard_ms: float) -> str:
    """The words that were over in the stand-in's own sound, over all that it spoke in a row."""
    words, base = "", 0.0
    for one in spoken:
        words += "".join(word for word, end_ms in one.words if base + end_ms <= heard_ms)
        base += one.words[-1][1] if one.words else 0.0
    return words
