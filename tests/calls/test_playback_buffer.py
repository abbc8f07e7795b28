"""A phone's playback buffer. Time is a number."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from calls.playback_buffer import PlaybackBuffer

SECOND = bytes(range(250)) * 32  # 8000 bytes that can be told apart


def test_a_mark_returns_when_all_before_it_has_played() -> None:
    buffer = PlaybackBuffer()
    buffer.add(SECOND, 10.0)
    buffer.mark("m1", 10.0)
    buffer.add(SECOND, 10.2)
    buffer.mark("m2", 10.3)
    assert buffer.due(10.999) == [] and buffer.next_due() == 11.0
    assert buffer.due(11.0) == ["m1"] and buffer.next_due() == 12.0
    assert buffer.due(11.0) == []
    assert buffer.due(12.5) == ["m2"] and buffer.next_due() is None


def test_a_mark_after_silence_returns_at_once() -> None:
    buffer = PlaybackBuffer()
    buffer.mark("m1", 5.0)
    assert buffer.due(5.0) == ["m1"]
    buffer.add(SECOND, 6.0)
    buffer.mark("m2", 8.0)
    assert buffer.due(8.0) == ["m2"]


def test_sound_after_a_pause_begins_when_it_comes() -> None:
    buffer = PlaybackBuffer()
    buffer.add(SECOND, 1.0)
    buffer.add(SECOND, 5.0)
    assert buffer.heard_ms(5.5) == 1500
    assert buffer.heard_ms(9.0) == 2000
    assert [begin for begin, _ in buffer.heard] == [1.0, 5.0]


def test_clear_cuts_what_plays_drops_what_waits_and_returns_all_marks() -> None:
    buffer = PlaybackBuffer()
    buffer.mark("m0", 1.0)
    buffer.add(SECOND, 1.0)
    buffer.mark("m1", 1.0)
    buffer.add(SECOND, 1.0)
    buffer.mark("m2", 1.0)
    assert buffer.due(1.0) == ["m0"]
    assert buffer.clear(1.25) == ["m1", "m2"]
    assert buffer.heard == [(1.0, SECOND[:2000])]
    assert buffer.heard_ms(9.0) == 250
    assert buffer.due(9.0) == [] and not buffer.is_playing(1.25)


def test_clear_of_nothing_returns_nothing() -> None:
    assert PlaybackBuffer().clear(3.0) == []


def test_after_a_clear_sound_plays_at_once() -> None:
    buffer = PlaybackBuffer()
    buffer.add(SECOND * 20, 0.0)
    buffer.clear(2.0)
    buffer.add(SECOND, 2.5)
    assert buffer.playing_until() == 3.5 and buffer.is_playing(3.0)
    assert buffer.heard_ms(3.0) == 2500


STEPS = st.lists(
    st.tuples(st.sampled_from(["add", "mark", "clear", "look"]), st.integers(0, 4000), st.integers(0, 3000)),
    max_size=40,
)


@settings(deadline=None)
@given(STEPS)
def test_every_mark_returns_once_and_heard_is_no_more_than_sent_or_passed(steps: list[tuple[str, int, int]]) -> None:
    buffer, now, sent, before = PlaybackBuffer(), 0.0, 0.0, 0.0
    given_marks: list[str] = []
    returned: list[str] = []
    for number, (act, size, wait_ms) in enumerate(steps):
        match act:
            case "add":
                buffer.add(b"\x00" * size, now)
                sent += size / 8
            case "mark":
                given_marks.append(str(number))
                buffer.mark(str(number), now)
            case "clear":
                returned += buffer.clear(now)
        now += wait_ms / 1000
        returned += buffer.due(now)
        heard = buffer.heard_ms(now)
        assert before - 1e-6 <= heard <= min(sent, now * 1000) + 1e-6
        before = heard - 0.125  # a clear cuts to whole samples
    returned += buffer.clear(now)
    assert returned == given_marks
    ends = [begin + len(sound) / 8000 for begin, sound in buffer.heard]
    assert all(end <= begin + 1e-6 for end, (begin, _) in zip(ends, buffer.heard[1:], strict=False))


def test_what_sounded_between_two_times_is_told_to_the_byte() -> None:
    buffer = PlaybackBuffer()
    buffer.add(SECOND[:400], 10.0)
    buffer.add(SECOND[400:800], 10.0)
    buffer.add(SECOND[800:1200], 11.0)
    assert buffer.between(10.0, 800, 10.2) == SECOND[:800]
    assert buffer.between(10.025, 400, 10.2) == SECOND[200:600]
    assert buffer.between(9.99, 160, 10.2) == b"\xff" * 80 + SECOND[:80]
    assert buffer.between(10.075, 400, 10.2) == SECOND[600:800] + b"\xff" * 200
    buffer.clear(11.025)
    assert buffer.between(11.0, 400, 11.2) == SECOND[800:1000] + b"\xff" * 200
