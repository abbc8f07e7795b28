"""Text cut into sentences: nothing is lost, it does not matter how the text came, and a point is not always an end."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls.voices.sentences import FIRST_CLAUSE, LONG_FIRST, LONGEST, Sentences


def cut(text: str, language: str = "") -> list[str]:
    made = Sentences(language)
    return [*made.take(text), *made.rest()]


def sentences(text: str, language: str = "") -> list[str]:
    return [piece.strip() for piece in cut(text, language)]


@pytest.mark.parametrize(
    "text",
    [
        "Dr. Novak will see you at half past nine.",
        "It costs 3.50 euros in all of our shops.",
        "Bring some papers, e.g. Your passport or a card.",
        "That is for J. R. Smith from the other office.",
        "Well... maybe you could come in on Tuesday.",
        "“Really?” he said, and put down the phone.",
        "Please call No. 5 when you are at the door.",
        "We met vs. Norway in the second half.",
        "The U.S. Office is closed on that day.",
        "Write to info@example.com or see www.example.com today.",
        "Wait ... what?",
    ],
)
def test_it_is_not_cut_in_the_middle_of_a_sentence(text: str) -> None:
    assert cut(text) == [text]


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("Good morning. How can I help you?", ["Good morning.", "How can I help you?"]),
        ("Hi! Who is this, please?", ["Hi!", "Who is this, please?"]),
        ("“It is closed.” We open at nine tomorrow.", ["“It is closed.”", "We open at nine tomorrow."]),
        ("We close at 5 p.m. You can come tomorrow.", ["We close at 5 p.m.", "You can come tomorrow."]),
        ("So do I. What else would you like?", ["So do I.", "What else would you like?"]),
        ("It is room 12. Please take the lift.", ["It is room 12.", "Please take the lift."]),
        ("¿Sí? ¿Quién habla ahora mismo?", ["¿Sí?", "¿Quién habla ahora mismo?"]),
        ("First line\nSecond line of the whole list", ["First line", "Second line of the whole list"]),
        ("今天休息。明天早上九点开门，欢迎您来我们这里看看，谢谢您的电话。", None),
        ("No. We are closed on Sundays.", ["No.", "We are closed on Sundays."]),
        ("Hm… That will be difficult.", ["Hm…", "That will be difficult."]),
    ],
)
def test_it_is_cut_between_sentences(text: str, pieces: list[str] | None) -> None:
    assert sentences(text) == (pieces or ["今天休息。", "明天早上九点开门，欢迎您来我们这里看看，谢谢您的电话。"])


def test_a_figure_is_an_ordinal_where_it_is_written_so() -> None:
    german = "Kommen Sie am 3. Mai zu uns."
    assert cut(german, "de") == [german]
    assert cut(german, "de-AT") == [german]
    assert sentences("It is on 3. May I help?", "en") == ["It is on 3.", "May I help?"]


def test_the_figure_of_a_list_stays_with_its_line() -> None:
    assert sentences("You need two things:\n1. A passport or a card\n2. A photo of you") == [
        "You need two things:",
        "1. A passport or a card",
        "2. A photo of you",
    ]


def test_short_sentences_go_together_but_the_first_goes_at_once() -> None:
    assert sentences("Sure. Yes. Of course. We are open until nine in the evening.") == [
        "Sure.",
        "Yes. Of course. We are open until nine in the evening.",
    ]


def test_a_sentence_is_given_on_with_the_first_character_of_the_next() -> None:
    made = Sentences()
    assert made.take("Good morning.") == []
    assert made.take(" ") == []
    assert made.take("H") == ["Good morning. "]
    assert made.rest() == ["H"]
    assert made.rest() == []


def test_a_long_first_sentence_begins_with_its_first_clauses() -> None:
    text = (
        "If you would like to change your appointment, which is no problem at all, then I need the number on your card."
    )
    first, second = cut(text)
    assert first == "If you would like to change your appointment, which is no problem at all, "
    assert second == "then I need the number on your card."
    # Once something plays, a long sentence is said in one go.
    assert len(cut("Hello. " + text)) == 2


def test_a_first_sentence_without_a_clause_is_as_long_as_it_is() -> None:
    long = "I can tell you at once that this appointment of yours is on the second Tuesday of the month in the morning."
    assert sentences(f"{long} Is that all right for you?") == [long, "Is that all right for you?"]


def test_what_never_ends_is_cut_at_a_space_and_else_anywhere() -> None:
    words = cut("Hello. " + "word " * 200)
    assert all(len(piece) <= LONGEST and piece.endswith(" ") for piece in words)
    assert max(map(len, cut("Hello. " + "x" * 1000))) == LONGEST


def test_a_clause_is_not_cut_off_when_it_is_short() -> None:
    text = (
        "Well, " + "I can tell you at once that this appointment of yours is on the second Tuesday of the month, sir."
    )
    assert len(cut(text)[0]) >= FIRST_CLAUSE


MARKS = [".", "!", "?", "…", "...", ",", ":", " ", "  ", "\n", "“", "”", ")", "。", "，"]
WORDS = [
    "Dr.",
    "3.5",
    "e.g.",
    "p.m.",
    "1.",
    "Yes.",
    "No.",
    "Hello",
    "world",
    "I",
    "a",
    "5",
    "你好",
    "very long words here",
]
texts = st.lists(st.sampled_from(MARKS + WORDS), max_size=60).map("".join) | st.text(max_size=400)


@given(texts, st.lists(st.integers(0, 1000), max_size=20), st.sampled_from(["", "de", "en"]))
def test_nothing_is_lost_and_it_does_not_matter_how_the_text_came(text: str, cuts: list[int], language: str) -> None:
    whole = cut(text, language)
    assert "".join(whole) == text
    places = [0, *sorted(min(place, len(text)) for place in cuts), len(text)]
    made = Sentences(language)
    pieces = [piece for a, b in pairwise(places) for piece in made.take(text[a:b])] + made.rest()
    assert pieces == whole
    assert all(pieces)


@given(texts)
def test_every_piece_but_the_last_says_something_and_none_is_too_long(text: str) -> None:
    pieces = cut(text)
    assert all(len(piece) <= LONGEST for piece in pieces)
    for piece in pieces[:-1]:
        assert any(c.isalnum() for c in piece) or len(piece) >= LONG_FIRST or not piece.strip()
