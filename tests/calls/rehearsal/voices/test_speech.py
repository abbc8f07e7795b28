"""Text as sound with the times of its words."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calls.rehearsal.voices.numbers import spelled
from calls.rehearsal.voices.speech import speak


async def test_words_follow_each_other_through_the_whole_sound() -> None:
    text = "  Good morning. It is 3 pm. "
    speech = await speak(text, voice_id="a")
    assert "".join(word.text for word in speech.words) == text
    assert speech.words[0].start_ms == 0.0
    assert speech.words[-1].end_ms == speech.ms == len(speech.audio) / 8
    for word, following in pairwise(speech.words):
        assert word.start_ms < word.end_ms <= following.start_ms
    # Between sentences nobody speaks, and no word lasts.
    assert speech.words[2].start_ms - speech.words[1].end_ms == pytest.approx(250, abs=1)


async def test_voices_and_speeds_are_told_apart() -> None:
    plain = await speak("Good morning to all of you.", voice_id="a")
    assert (await speak("Good morning to all of you.", voice_id="b")).audio != plain.audio
    assert (await speak("Good morning to all of you.", voice_id="a", speed=0.7)).ms > 1.2 * plain.ms


@pytest.mark.parametrize("kind", ["audio/pcmu", "audio/pcma", "audio/pcm"])
async def test_every_format_lasts_as_long(kind: str) -> None:
    plain = await speak("Good morning. Hello.", voice_id="a")
    assert (await speak("Good morning. Hello.", voice_id="a", kind=kind)).ms == pytest.approx(plain.ms, abs=1)


async def test_orders_to_the_voice_are_not_spoken_and_stay_with_their_words() -> None:
    text = '<emotion value="calm"/> Good <break time="1s"/>morning. <break time="1s"/>'
    speech = await speak(text, voice_id="a")
    assert [word.text for word in speech.words] == [
        '<emotion value="calm"/> Good ',
        '<break time="1s"/>morning. <break time="1s"/>',
    ]
    assert speech.audio == (await speak("Good morning.", voice_id="a")).audio


@pytest.mark.parametrize("text", ["", "   ", '<break time="1s"/>'])
async def test_nothing_to_say_is_no_sound(text: str) -> None:
    assert (await speak(text, voice_id="a")).audio == b""


@settings(max_examples=40)
@given(st.text(st.sampled_from('ab .!?3<>/"…„“\n你好é-'), max_size=40))
async def test_whatever_the_text_words_and_sound_agree(text: str) -> None:
    speech = await speak(text, voice_id="a")
    assert all(0 <= word.start_ms <= word.end_ms <= speech.ms for word in speech.words)
    assert all(a.end_ms <= b.start_ms for a, b in pairwise(speech.words))


@pytest.mark.parametrize(
    ("word", "spoken"),
    [
        ("3", "three"),
        ("20.", "twenty."),
        ("42", "forty two"),
        ("$1,250", "one thousand two hundred fifty dollars"),
        ("€300,", "three hundred euros,"),
        ("555-0142", "five hundred fifty five-zero one four two"),
        ("12345", "one two three four five"),
        ("0", "zero"),
        ("1000", "one thousand"),
        ("hello", "hello"),
    ],
)
def test_figures_as_they_are_spoken(word: str, spoken: str) -> None:
    assert spelled(word) == spoken
