"""Words of listening, and words that stop somebody."""

from __future__ import annotations

import pytest

from calls.conversation.phrases import only_listening, that_stops

LISTENING = ("mm-hm", "uh huh", "yeah", "okay", "i see", "oh okay")
STOPPING = ("stop", "hold on", "no")


@pytest.mark.parametrize("text", ["Mm-hm.", "Yeah, okay.", "I see…", "Uh huh, uh huh", "OH OKAY!", "yeah yeah yeah"])
def test_nothing_but_words_of_listening(text: str) -> None:
    assert only_listening(text, LISTENING)


@pytest.mark.parametrize("text", ["Yeah, but", "I see you", "okay stop", "well", "", "…"])
def test_anything_else_is_more_than_listening(text: str) -> None:
    assert not only_listening(text, LISTENING)


@pytest.mark.parametrize("text", ["mm", "I", "yeah, o", "uh"])
def test_the_last_phrase_may_not_be_said_to_its_end_yet(text: str) -> None:
    assert only_listening(text, LISTENING, so_far=True)
    assert not only_listening(text, LISTENING)


@pytest.mark.parametrize(
    ("text", "phrase"), [("Stop!", "stop"), ("please HOLD ON a moment", "hold on"), ("oh no.", "no")]
)
def test_a_phrase_that_stops_is_found_as_whole_words(text: str, phrase: str) -> None:
    assert that_stops(text, STOPPING) == phrase


@pytest.mark.parametrize("text", ["the bus stopped", "nothing", "hold it on", ""])
def test_parts_of_words_stop_nobody(text: str) -> None:
    assert that_stops(text, STOPPING) == ""


def test_a_curly_apostrophe_is_an_apostrophe() -> None:
    assert only_listening("D’accord", ("d'accord",))
