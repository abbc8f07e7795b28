"""What a voice was given, what of it came, and when its sound is due."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from calls.conversation.playback import Item
from calls.conversation.utterances import SPEAKABLE, Utterance, Utterances


def begun(text: str = "One two three. Four.") -> tuple[Utterances, Utterance]:
    utterances = Utterances()
    utterance = utterances.begin(Item("r1", "a1"), 0, 0, 10.0)
    utterances.give(utterance, text, 10.0)
    return utterances, utterance


def test_sound_is_due_from_the_first_sentence_on() -> None:
    assert begun("One two")[1].awaited_since is None
    assert begun("One two three. ")[1].awaited_since == 10.0
    assert begun("x" * SPEAKABLE)[1].awaited_since == 10.0


def test_nothing_is_due_of_what_makes_no_sound() -> None:
    assert begun("… — !")[1].awaited_since is None


def test_while_its_text_still_comes_nobody_knows_whether_more_sound_is_due() -> None:
    utterances, utterance = begun()
    utterances.sound(utterance, b"\x55" * 800, 10.2)
    assert utterance.awaited_since is None
    utterances.finish(utterance, 10.3)
    assert utterance.awaited_since == 10.3


def test_the_rest_begins_behind_the_last_word_that_came() -> None:
    utterances, utterance = begun()
    utterances.sound(utterance, b"\x55" * 8000, 10.2)
    utterance.item.tell(3, 300.0)
    utterance.item.tell(7, 700.0)
    utterance.item.tell(14, 1300.0)  # its sound has not come
    assert utterance.rest == "three. Four."


def test_an_utterance_that_was_stopped_is_known_by_its_reply() -> None:
    utterances, utterance = begun()
    utterances.stop(utterance)
    assert utterances.find(utterance.id) is None
    assert utterances.reply_of_stopped(utterance.id) == "r1"
    assert not utterances.speaking


@given(
    text=st.text(st.characters(codec="utf-8"), max_size=200),
    seconds=st.floats(0, 30),
    points=st.lists(st.tuples(st.integers(0, 250), st.floats(0, 30_000))),
)
def test_the_rest_is_always_the_end_of_the_text(text: str, seconds: float, points: list[tuple[int, float]]) -> None:
    utterances, utterance = begun(text)
    utterances.sound(utterance, b"\x55" * int(seconds * 8000), 11.0)
    for characters, ms in points:
        utterance.item.tell(characters, ms)
    assert text.endswith(utterance.rest)
