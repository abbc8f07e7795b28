"""What the caller hears of the agent, on the clock."""

from __future__ import annotations

from calls.ear.playing import Playing

A, B = b"\x10", b"\x20"


def test_pieces_that_follow_each_other_are_played_without_a_gap() -> None:
    playing = Playing()
    playing.agent(A * 800, 1.0)
    playing.agent(B * 800, 1.1005)
    assert playing.between(8000, 9600) == A * 800 + B * 800


def test_nothing_sounds_before_between_and_after() -> None:
    playing = Playing()
    playing.agent(A * 800, 1.0)
    assert playing.between(0, 8000) is None
    assert playing.between(7900, 8100) == b"\xff" * 100 + A * 100
    assert playing.between(8800, 9000) is None


def test_what_was_cleared_does_not_sound() -> None:
    playing = Playing()
    playing.agent(A * 8000, 1.0)
    playing.clear(1.5)
    assert playing.between(11_900, 12_100) == A * 100 + b"\xff" * 100
    assert playing.between(12_000, 12_200) is None
