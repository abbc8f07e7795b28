"""Whole words out of a model's pieces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls.voices.pieces import WholeWords


def test_half_a_word_waits_for_its_other_half() -> None:
    words = WholeWords()
    assert [words.take(piece) for piece in ("Good mor", "ning", ", how", " can I")] == [
        "Good ",
        "",
        "morning, ",
        "how can ",
    ]
    assert words.rest() == "I"
    assert words.rest() == ""


@pytest.mark.parametrize("text", ["你好，我是助理", "ございます", "สวัสดี"])
def test_scripts_without_spaces_do_not_wait(text: str) -> None:
    assert WholeWords().take(text) == text


@given(st.lists(st.text(max_size=12), max_size=12))
def test_nothing_is_lost_and_nothing_ends_within_a_latin_word(pieces: list[str]) -> None:
    words = WholeWords()
    given_on = [words.take(piece) for piece in pieces]
    assert "".join(given_on) + words.rest() == "".join(pieces)
    for ready in given_on:
        assert not ready or not (ready[-1].isascii() and ready[-1].isalnum())
