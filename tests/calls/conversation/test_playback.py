"""The ledger, with a number for a clock: what was heard, whatever the network and the phone add."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls.conversation import commands as c
from calls.conversation.playback import Playback
from calls.playback_buffer import PlaybackBuffer

SECOND = 8000


class FarPhone:
    """A real playback buffer behind a network: `delay` each way, and `jitter_buffer` before the first sound."""

    def __init__(self, delay: float, jitter_buffer: float = 0.0) -> None:
        self.delay, self.jitter_buffer = delay, jitter_buffer
        self.buffer = PlaybackBuffer()
        self.returning: list[tuple[float, str]] = []
        self.fed = 0

    def take(self, commands: list[c.Command], now: float) -> None:
        arrives = now + self.delay
        for command in commands:
            match command:
                case c.PlayAudio():
                    self._settle(arrives)
                    begins = arrives + (0 if self.buffer.is_playing(arrives) else self.jitter_buffer)
                    self.buffer.add(command.audio, begins)
                    self.fed += len(command.audio)
                case c.SendMark():
                    self.buffer.mark(command.name, arrives)
                    self._settle(arrives)

    def _settle(self, at: float) -> None:
        while (due := self.buffer.next_due()) is not None and due <= at:
            self.returning += [(due + self.delay, name) for name in self.buffer.due(due)]

    def marks_by(self, now: float) -> list[tuple[float, str]]:
        self._settle(now - self.delay)
        back = sorted(mark for mark in self.returning if mark[0] <= now)
        self.returning = [mark for mark in self.returning if mark[0] > now]
        return back

    def heard_when_cleared(self, sent_at: float) -> float:
        arrives = sent_at + self.delay
        self.buffer.clear(arrives)
        return sum(len(sound) for _, sound in self.buffer.heard) / 8


def played(playback: Playback, phone: FarPhone, seconds: float, at: float, until: float) -> None:
    """A reply of this length, given in quarter seconds ten times faster than it plays."""
    made = playback.item("r1", "a1")
    for n in range(round(seconds * 4)):
        now = at + n * 0.025
        if now > until:
            return
        for back, name in phone.marks_by(now):
            playback.mark_returned(name, back)
        phone.take(list(playback.add(made, b"\x55" * (SECOND // 4), now)), now)


@pytest.mark.parametrize("delay", [0.0, 0.02, 0.06, 0.25])
@pytest.mark.parametrize("jitter_buffer", [0.0, 0.1])
@pytest.mark.parametrize("stopped_after", [0.5, 1.1, 3.33])
def test_heard_is_what_the_phone_had_played_when_the_clear_reached_it(
    delay: float, jitter_buffer: float, stopped_after: float
) -> None:
    playback, phone = Playback(0.0), FarPhone(delay, jitter_buffer)
    phone.take([playback.probe(0.0)], 0.0)
    for back, name in phone.marks_by(1.0):
        playback.mark_returned(name, back)
    now = 10.0 + stopped_after
    played(playback, phone, 8.0, at=10.0, until=now)
    for back, name in phone.marks_by(now):
        playback.mark_returned(name, back)
    known = stopped_after > 2 * delay + jitter_buffer + 0.25 or jitter_buffer == 0
    playback.clear(now)
    error = abs(playback.item("r1", "a1").heard_ms - phone.heard_when_cleared(now))
    assert error <= (1.0 if known else jitter_buffer * 1000 + 1)


def test_marks_of_a_cleared_generation_count_for_nothing() -> None:
    playback = Playback(0.0)
    item = playback.item("r1", "a1")
    marks = [m.name for m in playback.add(item, b"\x55" * SECOND, 1.0) if isinstance(m, c.SendMark)]
    playback.clear(1.2)
    assert [playback.mark_returned(name, 1.3) for name in marks] == [False] * len(marks)
    assert item.heard_ms == pytest.approx(200, abs=1)


def test_an_early_mark_is_believed() -> None:
    """Its sound was played, whatever our clock says."""
    playback = Playback(0.0)
    item = playback.item("r1", "a1")
    marks = [m.name for m in playback.add(item, b"\x55" * SECOND, 1.0) if isinstance(m, c.SendMark)]
    assert playback.mark_returned(marks[-1], 1.5)
    assert item.heard_ms == 1000


def test_two_items_are_heard_one_after_the_other() -> None:
    playback = Playback(0.0)
    first, second = playback.item("r1", "a1"), playback.item("r1", "a2")
    list(playback.add(first, b"\x55" * SECOND, 1.0))
    list(playback.add(second, b"\x55" * SECOND, 1.0))
    playback.clear(2.3)
    assert (first.heard_ms, second.heard_ms) == (1000, pytest.approx(300, abs=1))


def test_a_held_reply_goes_on_at_the_frame_in_which_it_stopped() -> None:
    playback = Playback(0.0)
    item = playback.item("r1", "a1")
    sound = bytes(range(200)) * 40  # one second that says where it is
    list(playback.add(item, sound, 1.0))
    playback.hold(1.5)
    again = b"".join(p.audio for p in playback.resume(2.0) if isinstance(p, c.PlayAudio))
    assert again == sound[4000:]
    playback.advance(2.5)
    assert item.heard_ms == 1000


@given(
    st.lists(
        st.tuples(st.sampled_from(["sound", "wait", "hold", "resume", "clear"]), st.integers(1, 3000)),
        max_size=30,
    )
)
def test_heard_never_passes_sent_nor_goes_back(steps: list[tuple[str, int]]) -> None:
    playback, now, before = Playback(0.0), 0.0, 0
    item = playback.item("r1", "a1")
    for what, amount in steps:
        match what:
            case "sound":
                list(playback.add(item, b"\x55" * amount, now))
            case "wait":
                now += amount / 1000
            case "hold" if not playback.holding:
                playback.hold(now)
            case "resume" if playback.holding:
                list(playback.resume(now))
            case "clear":
                playback.clear(now)
        playback.advance(now)
        assert before <= item.heard <= item.queued <= item.received + 160
        before = item.heard


# --- going on after a hold


def spoken(*parts: tuple[bytes, int]) -> bytes:
    """Sound of 20 ms frames: (code, how many)."""
    return b"".join(code * 160 * frames for code, frames in parts)


def held_at(sound: bytes, seconds: float) -> Playback:
    playback = Playback(0.0)
    list(playback.add(playback.item("r", "a"), sound, 0.0))
    playback.hold(seconds)
    return playback


def goes_on(playback: Playback, now: float, overlap_ms: float) -> bytes:
    return b"".join(command.audio for command in playback.resume(now, overlap_ms) if isinstance(command, c.PlayAudio))


LOUD, SOFT = b"\x10", b"\xf0"


def test_a_held_reply_goes_on_from_the_quiet_moment_before_the_place() -> None:
    sound = spoken((LOUD, 40), (SOFT, 2), (LOUD, 60))
    again = goes_on(held_at(sound, 1.0), 5.0, 300)
    assert again == sound[41 * 160 :]  # 0.82 s: the later of the two soft frames


def test_it_steps_back_no_further_than_it_may() -> None:
    sound = spoken((LOUD, 10), (SOFT, 5), (LOUD, 85))
    again = goes_on(held_at(sound, 1.0), 5.0, 300)
    assert len(again) <= len(sound) - 50 * 160 + 300 * 8
    assert sound.endswith(again)


def test_without_an_overlap_it_goes_on_where_it_was_held() -> None:
    sound = spoken((LOUD, 100))
    assert goes_on(held_at(sound, 1.0), 5.0, 0) == sound[50 * 160 :]


def test_it_never_steps_back_into_another_item() -> None:
    playback = Playback(0.0)
    list(playback.add(playback.item("r", "a"), spoken((SOFT, 50)), 0.0))
    list(playback.add(playback.item("r", "b"), spoken((LOUD, 50)), 0.0))
    playback.hold(1.1)
    assert set(goes_on(playback, 5.0, 2000)) == set(LOUD)


def test_what_is_said_twice_is_not_heard_twice() -> None:
    playback = held_at(spoken((LOUD, 40), (SOFT, 1), (LOUD, 59)), 1.0)
    item = playback.item("r", "a")
    list(playback.resume(5.0, 300))
    playback.advance(5.1)
    assert item.heard_ms == 1000
    playback.hold(5.1)  # in the middle of the repetition
    assert goes_on(playback, 6.0, 0) == spoken((LOUD, 50))


def test_how_much_is_left_counts_what_is_held() -> None:
    playback = held_at(spoken((LOUD, 100)), 1.0)
    assert playback.left_s(3.0) == 1.0
    assert playback.unheard_s(3.0) == 0.0
