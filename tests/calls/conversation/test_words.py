from hypothesis import given
from hypothesis import strategies as st

from calls.conversation.words import split_heard

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
