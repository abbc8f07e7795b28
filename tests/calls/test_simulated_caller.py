"""When the simulated caller speaks, and when they hang up. Time is a number."""

from __future__ import annotations

from calls.simulated_caller import SILENT_FRAME, Caller, Hearing, Script

CLIP = bytes(range(1, 101)) * 4  # 400 bytes: two frames and a half
OTHER = b"\x11" * 160


class Line:
    """A caller on a line whose clock is turned by hand."""

    def __init__(self, script: Script) -> None:
        self.now = 100.0
        self.told: list[tuple[str, str]] = []
        self.hearing = Hearing()
        self.caller = Caller(script, self.now, lambda what, detail: self.told.append((what, detail)))

    def agent_begins(self) -> None:
        self.hearing.speaks, self.hearing.began_at = True, self.now

    def agent_stops(self) -> None:
        self.hearing.speaks, self.hearing.stopped_at = False, self.now

    def listen(self, seconds: float) -> bytes | None:
        """What was said meanwhile, without the silence; None when the caller hung up."""
        said = b""
        until = self.now + seconds - 1e-9
        while self.now < until:
            frame = self.caller.frame(self.now, self.hearing)
            if frame is None:
                return None
            assert len(frame) == 160
            said += b"" if frame == SILENT_FRAME else frame
            self.now += 0.02
        return said


def test_the_opening_waits_for_the_greeting_to_end() -> None:
    line = Line(Script(opening=CLIP))
    assert line.listen(1) == b""
    line.agent_begins()
    assert line.listen(20) == b""  # patience is for silence, not for a long greeting
    line.agent_stops()
    assert line.listen(0.5) == b""
    assert line.listen(0.2) == CLIP + b"\xff" * 80
    assert line.told == [("caller began", ""), ("caller stopped", "")]


def test_without_a_greeting_the_caller_speaks_after_a_while() -> None:
    line = Line(Script(opening=CLIP, patience_s=3))
    assert line.listen(3) == b""
    assert line.listen(0.2) == CLIP + b"\xff" * 80


def test_each_sound_over_the_agent_waits_for_the_agent_to_begin_anew() -> None:
    line = Line(Script(over_agent=(CLIP, OTHER), into_speech_s=1.2))
    line.listen(0.5)
    line.agent_begins()
    assert line.listen(1.18) == b""
    assert line.listen(0.2) == CLIP + b"\xff" * 80
    assert line.listen(10) == b""  # still the same speech
    line.agent_stops()
    line.listen(0.5)
    line.agent_begins()
    assert line.listen(1.18) == b""
    assert line.listen(0.2) == OTHER
    assert line.told[0] == ("caller began", "over the agent") and line.caller.unsaid == 0


def test_a_sound_over_the_agent_never_comes_before_the_opening() -> None:
    line = Line(Script(opening=CLIP, over_agent=(OTHER,)))
    line.agent_begins()
    assert line.listen(5) == b""
    line.agent_stops()
    assert line.listen(1) == CLIP + b"\xff" * 80
    assert line.caller.unsaid == 1


def test_a_clip_that_ends_in_silence_is_over_when_its_last_frame_is_said() -> None:
    line = Line(Script(opening=CLIP + b"\xff" * 400, patience_s=0))
    line.listen(0.2)
    assert line.told == [("caller began", ""), ("caller stopped", "")]


def test_the_caller_hangs_up_when_nothing_more_is_to_be_said_or_heard() -> None:
    line = Line(Script(listen_s=4))
    line.agent_begins()
    assert line.listen(10) == b""
    line.agent_stops()
    assert line.listen(4) == b""
    assert line.listen(0.1) is None


def test_the_caller_is_more_patient_while_something_is_left_to_say() -> None:
    line = Line(Script(over_agent=(CLIP,), listen_s=4, patience_s=8))
    assert line.listen(12) == b""
    assert line.listen(0.1) is None
    assert line.caller.unsaid == 1


def test_no_call_is_longer_than_the_longest() -> None:
    line = Line(Script(opening=CLIP * 100, patience_s=0, longest_s=1))
    line.listen(0.98)
    assert line.listen(0.1) is None
