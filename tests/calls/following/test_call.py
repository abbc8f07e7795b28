"""One call's part in being followed, with a number for a clock."""

from __future__ import annotations

from typing import Any

from calls.conversation import events as e
from calls.conversation import facts
from calls.conversation.conversation import Conversation
from calls.conversation.settings import ConversationSettings
from calls.following.call import LINES_KEPT, SOUND_AT_MOST, SOUND_BEHIND_S, SOUNDS_KEPT, FollowedCall

CALLER, AGENT = b"\x11", b"\x22"


class Journal:
    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, Any], int]] = []

    def write(self, kind: str, data: dict[str, Any], at_ms: int) -> int:
        self.lines.append((kind, data, at_ms))
        return len(self.lines)


class Settings:
    def __init__(self) -> None:
        self.turn = {"threshold": 0.6}
        self.offered: list[dict[str, Any]] = []

    def offer(self, message: dict[str, Any]) -> None:
        self.offered.append(message)


class Following:
    """A call that is followed, and what it was told to do."""

    def __init__(self) -> None:
        self.now = 100.0
        self.fed: list[e.Event] = []
        self.journal, self.settings = Journal(), Settings()
        self.call = FollowedCall("c1", {"agent": "Front desk"}, self.journal, self.fed.append, lambda: self.now)
        self.conversation = Conversation(ConversationSettings(greeting=""), self.now)
        self.call.conversation, self.call.live = self.conversation, self.settings

    def happens(self, *events: e.Event) -> None:
        for event in events:
            self.conversation.handle(event, self.now)

    def passes(self, seconds: float) -> None:
        """Time, in which the caller's sound goes on coming."""
        for _ in range(round(seconds / 0.02)):
            self.now += 0.02
            self.call.caller(CALLER * 160, self.now)


# --- lines


def test_a_line_goes_into_the_spool_and_is_kept_for_those_who_follow() -> None:
    f = Following()
    assert f.call.write(facts.CALLER_WORDS, {"item_id": "u1", "text": "Hello?"}, 1200) == 1
    assert f.journal.lines == [(facts.CALLER_WORDS, {"item_id": "u1", "text": "Hello?"}, 1200)]
    assert list(f.call.lines) == [
        {"seq": 1, "at_ms": 1200, "kind": facts.CALLER_WORDS, "data": {"item_id": "u1", "text": "Hello?"}}
    ]


def test_of_many_lines_the_newest_are_kept_and_none_is_missing_in_the_spool() -> None:
    f = Following()
    for n in range(LINES_KEPT + 5):
        f.call.write(facts.CALLER_KEY, {"digit": "1"}, n)
    assert (len(f.call.lines), f.call.lines[0]["seq"], len(f.journal.lines)) == (LINES_KEPT, 6, LINES_KEPT + 5)


def test_the_peaks_of_a_recording_are_not_for_a_page_that_follows() -> None:
    f = Following()
    f.call.write(facts.RECORDING, {"peaks": [[0.1] * 1000]}, 5)
    assert not f.call.lines
    assert f.journal.lines


# --- what is happening now


def test_the_board_tells_the_state_the_last_words_and_how_often_the_agent_was_stopped() -> None:
    f = Following()
    f.happens(e.CallAnswered(), e.ModelReady("s"))
    assert f.call.now() == {"id": "c1", "agent": "Front desk", "state": "listening", "words": {}, "interruptions": 0}
    f.call.write(facts.AGENT_TURN, {"heard_text": "Good day."}, 1)
    f.call.write(facts.INTERRUPTION, {"phase": "playing"}, 2)
    f.call.write(facts.INTERRUPTION, {"phase": "asked"}, 3)
    assert f.call.now()["words"] == {"side": "agent", "text": "Good day."}
    assert f.call.now()["interruptions"] == 1
    f.call.write(facts.CALLER_WORDS, {"text": "I need help."}, 4)
    assert f.call.now()["words"] == {"side": "caller", "text": "I need help."}


def test_words_are_told_while_they_are_spoken_and_as_far_as_they_were_heard() -> None:
    f = Following()
    f.happens(e.CallAnswered(), e.ModelReady("s"), e.ReplyCreated("r1"), e.ItemAdded("r1", "a1"))
    f.happens(e.ReplyText("r1", "a1", 0, "one two three four"), e.ReplyAudio("r1", "a1", 0, b"\x55" * 16000))
    f.happens(e.ReplyAudioDone("r1", "a1", 0))
    assert f.call.speech()["agent"] == [{"item_id": "a1", "heard": "", "unheard": "one two three four"}]
    f.now += 1.0
    f.conversation.playback.advance(f.now)
    (said,) = f.call.speech()["agent"]
    assert (said["heard"], said["unheard"]) == ("one two", "three four")
    assert f.call.now()["words"] == {"side": "agent", "text": "one two"}


def test_a_callers_first_words_are_told_before_the_turn_is_over() -> None:
    f = Following()
    f.happens(e.CallAnswered(), e.ModelReady("s"), e.SpeechStarted("u1", 500), e.EarlyWords("u1", "I would"))
    assert f.call.speech()["caller"] == [{"item_id": "u1", "text": "I would"}]
    assert f.call.now()["words"] == {"side": "caller", "text": "I would"}


def test_the_ears_judgements_are_kept_while_somebody_follows() -> None:
    f = Following()
    f.call.heard(e.SoundHeard(100.1, 0.9))
    assert f.call.take_sounds() == []
    f.call.followed = True
    for n in range(SOUNDS_KEPT + 1):
        f.call.heard(e.SoundHeard(100.0 + n * 0.032, 0.912, 12.34))
    sounds = f.call.take_sounds()
    assert (len(sounds), sounds[0]) == (SOUNDS_KEPT, (32, 0.91, 12.3))
    assert f.call.take_sounds() == []


# --- listening in


def test_nobody_hears_what_was_said_before_they_listened() -> None:
    f = Following()
    f.passes(1.0)
    f.call.listened = True
    assert f.call.take_sound() == (b"", b"")


def test_both_sides_are_heard_as_they_were_and_without_a_gap() -> None:
    f = Following()
    f.call.agent(AGENT * 16000, f.now + 0.5)  # two seconds at once, ahead of their time
    f.call.listened = True
    f.call.take_sound()
    caller = agent = b""
    for _ in range(10):
        f.passes(0.1)
        heard = f.call.take_sound()
        caller, agent = caller + heard[0], agent + (heard[1] or b"\xff" * 800)
    assert abs(len(agent) - 8000) <= 2
    assert abs(agent.index(AGENT) - round((0.5 + SOUND_BEHIND_S) * 8000)) <= 2
    assert set(agent[agent.index(AGENT) :]) == set(AGENT)
    silent = len(caller) - len(caller.lstrip(b"\xff"))
    assert set(caller[silent:]) == set(CALLER)


def test_a_reply_that_is_being_said_is_heard_by_who_comes_late() -> None:
    f = Following()
    f.call.agent(AGENT * 40000, f.now)
    f.now += 2.0
    f.call.listened = True
    f.call.take_sound()
    f.now += 0.1
    assert f.call.take_sound()[1] == AGENT * 800


def test_what_was_cleared_is_heard_by_nobody() -> None:
    f = Following()
    f.call.agent(AGENT * 40000, f.now)
    f.call.listened = True
    f.now += 1.0
    f.call.clear(f.now)
    f.call.take_sound()
    f.now += 0.5
    assert set(f.call.take_sound()[1]) <= {AGENT[0], 0xFF}
    f.now += 0.5
    assert f.call.take_sound() == (b"", b"")


def test_a_process_that_was_held_up_leaves_out_what_is_old() -> None:
    f = Following()
    f.call.listened = True
    f.call.take_sound()
    f.passes(5.0)
    assert len(f.call.take_sound()[0]) == SOUND_AT_MOST


def test_sound_that_was_played_is_forgotten_while_nobody_listens() -> None:
    f = Following()
    for _ in range(600):
        f.call.agent(AGENT * 2000, f.now)
        f.now += 0.25
    assert len(f.call._played._pieces) < 10


# --- orders


def test_staff_have_a_sentence_said_hang_up_and_change_settings() -> None:
    f = Following()
    assert f.call.order({"order": "say", "text": "One moment.", "by": "ann"})
    assert f.call.order({"order": "hang_up", "by": "ann"})
    assert f.fed == [e.SentenceTyped("One moment.", "ann"), e.HangUpAsked("ann")]
    assert f.call.order({"order": "settings", "turn": {}})
    assert f.settings.offered == [{"order": "settings", "turn": {}}]
    assert not f.call.order({"order": "something else"})


def test_who_listens_in_stands_in_the_record() -> None:
    f = Following()
    f.now += 3.0
    assert f.call.order({"order": "listen", "by": "ann"})
    assert f.journal.lines == [(facts.LISTENED_IN, {"by": "ann"}, 3000)]


def test_a_call_that_is_over_takes_no_orders() -> None:
    f = Following()
    f.call.over = True
    assert not f.call.order({"order": "say", "text": "Hello?", "by": "ann"})
    assert f.fed == []
    assert f.call.now()["state"] == "ended"
