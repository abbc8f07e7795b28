"""What a stand-in for an ear makes of recorded speech: words in their time, and the end of an utterance once."""

from __future__ import annotations

from pathlib import Path

import pytest

from calls import audio
from calls.rehearsal.voices.listener import NOT_UNDERSTOOD, End, Final, Heard, HeardWord, Listener, Partial
from calls.simulated_phone import read_wav

PAUSES = audio.mulaw_decode(read_wav(Path(__file__).parents[3] / "audio" / "pauses.wav"))
QUIET = bytes(16 * 1500)


def listener(*texts: str, silence_ms: int = 500, delay_ms: int = 700) -> Listener:
    return Listener(texts, silence_ms=silence_ms, delay_ms=delay_ms, word_ms=300)


def hear(made: Listener, pcm: bytes, size: int = 320) -> list[Heard]:
    return [heard for at in range(0, len(pcm), size) for heard in made.feed(pcm[at : at + size])]


def said(heard: list[Heard]) -> list[str]:
    """The final words of each utterance."""
    utterances, words = [], []
    for one in heard:
        if isinstance(one, Final):
            words += [word.text for word in one.words]
        elif isinstance(one, End):
            utterances.append(" ".join(words))
            words = []
    return utterances


def test_utterances_are_given_their_words_in_order_and_then_a_mark_that_is_none() -> None:
    heard = hear(listener("Hello there, my friend.", "Second one"), PAUSES + QUIET)
    assert said(heard) == ["Hello there, my friend.", "Second one", NOT_UNDERSTOOD]


def test_it_does_not_matter_in_which_pieces_the_sound_comes() -> None:
    assert hear(listener("One two three"), PAUSES, 320) == hear(listener("One two three"), PAUSES, 998)


def test_words_come_while_they_are_said_in_their_time_and_become_final_in_theirs() -> None:
    heard = hear(listener("Hello there, my friend."), PAUSES[: 16 * 2800])
    partials = [one for one in heard if isinstance(one, Partial) and one.words]
    assert [word.text for word in partials[0].words] == ["Hello", "there,"]
    assert partials[0].words[0] == HeardWord("Hello", 320, 620)
    finals = [one for one in heard if isinstance(one, Final) and one.words]
    assert [word.text for word in finals[0].words] == ["Hello"]
    assert finals[-1].closes
    known = 0
    for one in heard:
        if isinstance(one, Partial | Final):
            assert all(known <= word.start_ms <= word.end_ms <= one.end_ms for word in one.words)
        if isinstance(one, Final):
            known = max([known, *(word.end_ms for word in one.words)])


@pytest.mark.parametrize("silence_ms", [300, 800])
def test_the_end_comes_after_the_silence_that_was_asked_for_and_once(silence_ms: int) -> None:
    heard = hear(listener("Hello", silence_ms=silence_ms), PAUSES[: 16 * 2700] + QUIET + QUIET)
    (end,) = [one for one in heard if isinstance(one, End)]
    words = next(one for one in heard if isinstance(one, Final) and one.closes).words
    assert end.at_ms - words[-1].end_ms == pytest.approx(silence_ms, abs=32)


def test_without_a_silence_there_is_no_end_until_it_is_forced() -> None:
    made = listener("Hello there", silence_ms=0)
    assert not [one for one in hear(made, PAUSES[: 16 * 1500]) if isinstance(one, End)]
    forced = list(made.force())
    assert isinstance(forced[0], Final)
    assert forced[0].forced
    assert forced[-1] == End(1472, forced=True)
    assert forced[0].words[-1].text == "there"


def test_an_end_that_is_forced_in_silence_has_no_words() -> None:
    made = listener("Hello")
    hear(made, QUIET)
    final, end = made.force()
    assert isinstance(final, Final)
    assert (final.words, final.forced) == ((), True)
    assert end == End(1472, forced=True)


def test_silence_is_told_and_holds_no_words() -> None:
    heard = hear(listener("Hello"), QUIET + QUIET)
    assert heard
    assert all(isinstance(one, Partial | Final) and not one.words for one in heard)


def test_what_is_left_becomes_final_when_the_sound_ends() -> None:
    made = listener("Hello there")
    hear(made, PAUSES[: 16 * 1500])
    (final,) = made.finish()
    assert isinstance(final, Final)
    assert final.words[-1].text == "there"
    assert list(made.finish()) == []


def test_another_silence_holds_from_then_on() -> None:
    made = listener("Hello", silence_ms=2000)
    made.configure(300, 700)
    assert len([one for one in hear(made, PAUSES[: 16 * 3300]) if isinstance(one, End)]) == 1
