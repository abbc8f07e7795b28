"""What was said is found, in whatever way it is written and asked for. Also run on PostgreSQL."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls import search
from calls.models import Call, Transcript

LINES = [
    "Good day, this is Zoë at the Café Engländer.",
    "I'd like to book a table for two, please; my number is 0650-123 45 67.",
    "One moment please",
    "book twice, table once",
    "我想訂位",
]


@pytest.fixture
def transcript(db: None) -> Transcript:
    call = Call.objects.create(carrier="twilio", carrier_call_id="CA1")
    return Transcript.objects.create(call=call, rang_at=call.rang_at, text=search.plain(LINES))


FOUND = [
    "table",
    "TABLE",
    "tab",  # the beginning of a word
    "cafe",
    "café",
    "CAFE\u0301",
    "englander zoe",  # in any order
    '"book a table"',
    "“book a table”",
    "book -cancel",
    '"for two" -"for three"',
    "0650",
    "i'd",
    "訂",
    "訂位",
    '"please my"',  # punctuation does not part words
    "-taxi",
    "two' | 'day",  # signs of the database's own language are signs and no more
    "table:*",
]
MISSED = [
    "chair",
    "able",  # the end of a word
    '"tab"',
    '"table a"',
    '"please one"',  # two lines are no phrase
    "book -table",
    "table chair",
    "位訂",
    "cab",
]


@pytest.mark.parametrize("asked", FOUND)
def test_it_is_found(transcript: Transcript, asked: str) -> None:
    assert Transcript.objects.said(search.terms(asked)).get() == transcript


@pytest.mark.parametrize("asked", MISSED)
def test_it_is_not_found(transcript: Transcript, asked: str) -> None:
    assert not Transcript.objects.said(search.terms(asked)).exists()


@pytest.mark.parametrize("asked", ["", "  ", "?!", '""', "-", "'", "\0"])
def test_what_holds_no_word_asks_for_nothing(asked: str) -> None:
    assert search.terms(asked) == []


@given(st.text(max_size=80), st.text(max_size=60))
def test_search_and_showing_agree_about_single_lines(said: str, asked: str) -> None:
    """A line that is shown as found holds each word as the search holds it."""
    text, wanted = search.plain([said]), search.terms(asked)
    shown = search.first_found([(0, "caller", said)], wanted)
    holds = any(term.piece in text for term in wanted if not term.absent)
    assert (shown is not None) == holds


def test_the_line_is_shown_with_what_was_found_marked() -> None:
    lines = [(n * 1000, "caller", line) for n, line in enumerate(LINES)]
    found = search.first_found(lines, search.terms("cafe"))
    assert found is not None
    assert (found.at_ms, [text for text, hit in found.pieces if hit]) == (0, ["Café"])
    assert "".join(text for text, _ in found.pieces) == LINES[0]
    found = search.first_found(lines, search.terms('tab "number is"'))
    assert found is not None
    assert [text for text, hit in found.pieces if hit] == ["table", "number is"]


def test_of_a_long_line_only_the_surroundings_are_shown() -> None:
    found = search.first_found([(12345, "agent", "so " * 100 + "needle" + " and" * 100)], search.terms("needle"))
    assert found is not None
    shown = "".join(text for text, _ in found.pieces)
    assert shown.startswith("… so")
    assert shown.endswith("…")
    assert len(shown) < 3 * search.AROUND + 20
    assert (found.at, found.seconds) == ("0:12", "12.345")


def test_a_text_is_never_longer_than_a_database_takes() -> None:
    assert len(search.plain(["word " * 100_000])) <= search.LONGEST
