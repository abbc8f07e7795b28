"""Told words against our text: the place that is found is right within a word, whatever was made of the text."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls.voices.alignment import Alignment


def aligned(text: str, told: str | list[str], *, pieces: int = 1000) -> list[tuple[str, float]]:
    """What was said at each point, when every told word lasts 100 ms."""
    alignment = Alignment()
    for start in range(0, len(text), pieces):
        alignment.add_text(text[start : start + pieces])
    words = told.split() if isinstance(told, str) else told
    points = alignment.words((word, 100.0 * n) for n, word in enumerate(words, start=1))
    return [(text[:place], ms) for place, ms in points]


def test_words_as_we_wrote_them() -> None:
    assert aligned("Good morning, Anna!", "Good morning, Anna!") == [
        ("Good", 100),
        ("Good morning", 200),
        ("Good morning, Anna", 300),
    ]


@pytest.mark.parametrize("told", ["good MORNING anna", "Good morn ing , An na !", "Goodmorning Anna"])
def test_case_signs_and_spaces_do_not_matter(told: str) -> None:
    assert aligned("Good morning, Anna!", told)[-1][0] == "Good morning, Anna"


def test_text_that_comes_in_pieces_is_the_same_text() -> None:
    text = "Good morning, Anna! It is 3 pm <break time='1s'/> here."
    told = "good morning anna it is three pm here"
    assert aligned(text, told, pieces=1) == aligned(text, told) == aligned(text, told, pieces=7)


def test_a_number_spoken_in_words_is_over_when_its_last_word_is() -> None:
    said = aligned("That is $300 a month.", "That is three hundred dollars a month")
    assert said[1:] == [
        ("That is", 200),
        ("That is $300", 500),
        ("That is $300 a", 600),
        ("That is $300 a month", 700),
    ]


@pytest.mark.parametrize(
    ("text", "told", "then"),
    [
        ("1,000 for one person each", "one thousand for one person each", "1,000 for one"),
        ("1500 or fifteen hundred people", "fifteen hundred or fifteen hundred people", "1500 or fifteen"),
        ("3 three-wheelers went by", "three three wheelers went by", "3 three-wheelers"),
        ("Dr. Smith said so", "doctor Smith said so", "Dr. Smith"),
        ("Call 555-0142 or write", "Call five five five oh one four two or write", "Call 555-0142 or"),
        ("3 4 apples and pears", "three four apples and pears", "3 4 apples"),
        ("an e-mail to me", "an e mail to me", "an e-mail"),
        ("Kosten 20 € im Monat", "Kosten zwanzig Euro im Monat", "Kosten 20 € im"),
    ],
)
def test_what_is_spoken_otherwise_is_found_again_at_the_right_place(text: str, told: str, then: str) -> None:
    said = [said for said, _ in aligned(text, told)]
    assert then in said
    assert said[-1] == text.rstrip(".")


def test_words_that_were_left_out_of_the_telling_do_not_lose_the_rest() -> None:
    text = "We are open on Monday from nine until five, and closed on Sunday"
    said = aligned(text, "We are on Monday from until five and closed on Sunday")
    assert {"We are open", "We are open on", "We are open on Monday", text} <= {words for words, _ in said}
    assert said[-1] == (text, 1100.0)


def test_words_between_are_over_one_after_the_other() -> None:
    said = aligned("It has 24 of 300 left for you", "It has twenty four uh three hundred left for you")
    assert [words for words, _ in said][1:6] == [
        "It has",
        "It has 24",
        "It has 24 of",
        "It has 24 of 300",
        "It has 24 of 300 left",
    ]
    assert [round(ms) for _, ms in said][1:6] == [200, 385, 422, 700, 800]  # by their lengths, as nobody told “of”
    told = aligned("It has 24 of 300 left for you", "It has twenty four of three hundred left for you")
    assert [round(ms) for _, ms in told][1:6] == [200, 400, 500, 700, 800]


def test_where_it_went_astray_nothing_is_said_until_it_is_sure() -> None:
    assert aligned("1,000 for one person", "one thousand") == []
    assert aligned("1,000 for one person", "one thousand for") == []
    assert aligned("1,000 for one person", "one thousand for one") == [
        ("1,000", 200),
        ("1,000 for", 300),
        ("1,000 for one", 400),
    ]


def test_signs_that_come_one_by_one() -> None:
    said = aligned("你好，世界。再见", ["你", "好", "，", "世", "界", "。", "再", "见"])
    assert [text for text, _ in said] == ["你", "你好", "你好，世", "你好，世界", "你好，世界。再", "你好，世界。再见"]


def test_chinese_figures_do_not_lose_the_rest() -> None:
    assert aligned("我有3个苹果", ["我", "有", "三", "个", "苹", "果"])[-1][0] == "我有3个苹果"


def test_accents_may_be_composed_or_not() -> None:
    assert aligned("cafe\u0301 au lait", "caf\u00e9 au lait")[0][0] == "cafe\u0301"[:4]
    assert aligned("cafe\u0301 au lait", "caf\u00e9 au lait")[-1][0] == "cafe\u0301 au lait"


def test_orders_to_the_voice_are_not_looked_for() -> None:
    text = 'Wait <break time="1s"/> please. <emotion value="calm"/>Thank you, 2 < 3 is true'
    assert aligned(text, "Wait please Thank you")[-1][0].endswith("Thank you")
    assert aligned(text, "Wait please Thank you two is less than three is true")[-1][0] == text


def test_a_second_pass_over_the_same_words_moves_nothing_back() -> None:
    said = aligned("Hello there, how are you", "Hello there Hello there how are you")
    assert [text for text, _ in said][-1] == "Hello there, how are you"
    assert [len(text) for text, _ in said] == sorted(len(text) for text, _ in said)


def test_time_that_runs_back_stands_still() -> None:
    alignment = Alignment()
    alignment.add_text("one two three")
    assert alignment.words([("one", 400.0), ("two", 250.0), ("three", 600.0)]) == ((3, 400.0), (7, 400.0), (13, 600.0))


def test_the_end_of_the_sound_is_the_end_of_the_text() -> None:
    alignment = Alignment()
    alignment.add_text("Your code is 4711.")
    alignment.words([("Your", 100.0), ("code", 200.0), ("is", 300.0), ("four", 400.0), ("seven", 500.0)])
    assert alignment.end(900.0) == ((18, 900.0),)
    assert Alignment().end(900.0) == ()


NUMBERS = {"7": ["seven"], "42": ["forty", "two"], "1,250": ["one", "thousand", "two", "hundred", "fifty"]}
WORDS = ["a", "at", "one", "seven", "for", "person", "Monday,", "please.", "the", "next", "day", "of", "my", "week"]
"""Some are also said within numbers, but no two in a row: nobody can tell those of “1,250 two hundred” apart by ear."""


@given(st.lists(st.sampled_from([*WORDS, *NUMBERS]), min_size=1, max_size=17, unique=True), st.integers(1, 9))
def test_it_is_never_ahead_of_what_was_said_by_more_than_a_word(ours: list[str], piece: int) -> None:
    text = " ".join(ours)
    told: list[str] = []
    truth: list[int] = []  # after each told word: characters of ours that are said or being said
    place = 0
    for word in ours:
        place = text.index(word, place) + len(word)
        spoken = NUMBERS.get(word, [word])
        told += spoken
        truth += [place] * len(spoken)
    alignment = Alignment()
    for start in range(0, len(text), piece):
        alignment.add_text(text[start : start + piece])
    points = alignment.words((word, float(n)) for n, word in enumerate(told))
    for place, ms in points:
        begun = len(text[: truth[int(ms)]].split())
        assert len(text[:place].split()) <= begun + 1
    assert all(a[0] <= b[0] and a[1] <= b[1] for a, b in pairwise(points))


@given(
    st.lists(st.text(max_size=20), max_size=5),
    st.lists(st.tuples(st.text(max_size=12), st.floats(0, 1e5)), max_size=20),
)
def test_whatever_is_told_points_grow_and_stay_within_the_text(texts: list[str], told: list[tuple[str, float]]) -> None:
    alignment = Alignment()
    points: list[tuple[int, float]] = []
    for text in texts:
        alignment.add_text(text)
        points += alignment.words(told)
    points += alignment.end(1.0)
    assert all(0 < place <= len("".join(texts)) for place, _ in points)
    assert all(a[0] <= b[0] and a[1] <= b[1] for a, b in pairwise(points))
