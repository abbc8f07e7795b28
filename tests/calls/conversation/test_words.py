import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls.conversation.words import reached_by, split_heard

TEXT = "Your appointment is on Monday at ten."


def test_nothing_and_everything() -> None:
    assert split_heard(TEXT, 0, 3000, True) == ("", TEXT)
    assert split_heard(TEXT, 3000, 3000, True) == (TEXT, "")


def test_the_border_is_between_words() -> None:
    assert split_heard(TEXT, 1500, 3000, True) == ("Your appointment is", "on Monday at ten.")


def test_while_the_length_is_unknown_it_is_judged_by_the_pace_of_speech() -> None:
    heard, _ = split_heard(TEXT, 500, 600, False)
    assert heard in ("Your", "Your appointment")


@given(st.text(), st.floats(0, 10_000), st.floats(0, 10_000), st.booleans())
def test_no_word_is_lost_or_doubled(text: str, heard_ms: float, received_ms: float, complete: bool) -> None:
    heard, unheard = split_heard(text, heard_ms, received_ms, complete)
    assert (heard + unheard).split() == text.split() or f"{heard} {unheard}".split() == text.split()


POINTS = [(3, 400.0), (7, 900.0), (13, 1500.0)]


@pytest.mark.parametrize(
    ("heard_ms", "heard"),
    [
        (0, ""),
        (150, ""),
        (250, "One"),
        (650, "One"),
        (720, "One two"),
        (1400, "One two three"),
        (9000, "One two three"),
    ],
)
def test_a_voice_that_tells_its_times_is_cut_between_them(heard_ms: float, heard: str) -> None:
    """A word counts as heard when half of it was."""
    assert split_heard("One two three", heard_ms, 5000.0, True, POINTS)[0] == heard


def test_behind_the_last_time_that_was_told_the_split_is_by_share() -> None:
    assert split_heard("One two three four five", 2500.0, 3500.0, True, POINTS)[0] == "One two three four"


@pytest.mark.parametrize(
    ("received_ms", "points", "rest"),
    [(0, (), "One two three"), (1000, POINTS, "three"), (400, (), "two three"), (9000, (), "")],
)
def test_what_is_said_again_begins_with_a_word(received_ms: float, points: list[tuple[int, float]], rest: str) -> None:
    assert "One two three"[reached_by("One two three", received_ms, points) :] == rest
