"""What must hold for every order of events, however unlikely: hypothesis looks for the counter-example."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from calls.conversation import commands as c
from calls.conversation import events as e
from calls.conversation.conversation import Conversation
from calls.conversation.settings import ConversationSettings
from calls.conversation.states import State

REPLIES = st.integers(1, 5).map(lambda n: f"r{n}")
ITEMS = st.integers(1, 4)
SPEECH = st.integers(1, 4).map(lambda n: f"u{n}")
WAITING = set(State) - {State.LISTENING, State.ENDED}
ALIKE = {"type": "server_vad", "threshold": 0.6}
PHRASES = {"backchannel_phrases": ("mm-hm", "yeah"), "interrupt_phrases": ("stop",)}


class AnyOrder(RuleBasedStateMachine):
    """Events in any order, also impossible ones: late, twice, without their beginning, after their end."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 50.0
        self.asked: set[str] = set()
        self.marks: list[str] = []
        self.received: dict[str, int] = {}
        self.played: dict[str, int] = {}
        self.dead: set[str] = set()
        self.over = False
        self.outstanding = ""
        self.seen: set[str] = set()
        self.offered: list[str] = []
        self.settled: list[str] = []
        self.utterances: dict[str, str] = {}  # begun -> "open", "finished" or "stopped"
        self.items: list[str] = []  # the model's conversation, as far as we have a part in it
        self.unrepaired: set[str] = set()

    @initialize(
        min_speech_ms=st.sampled_from([0, 400]),
        stop_sound=st.sampled_from(["at_once", "when_sure"]),
        speech_probability=st.sampled_from([0.0, 0.8]),
        min_loudness_db=st.sampled_from([0.0, 6.0]),
        echo_guard=st.sampled_from([0.0, 0.7]),
        laughter_guard=st.sampled_from([0.0, 0.5]),
        ignore_backchannels=st.booleans(),
        protect_greeting=st.booleans(),
        grace_ms=st.sampled_from([0, 500]),
        answer_window_ms=st.sampled_from([0, 1000]),
        resume_overlap_ms=st.sampled_from([0, 300]),
        response_delay_ms=st.sampled_from([0, 300]),
        idle_prompt_ms=st.sampled_from([0, 4000]),
        max_call_s=st.sampled_from([0, 120]),
        truncate=st.sampled_from(["heard", "start", "off"]),
        create_response=st.booleans(),
        greeting=st.sampled_from(["", "Hello."]),
        mode=st.sampled_from(["full", "full", "legacy"]),
        voices=st.sampled_from([(), ("elevenlabs",), ("elevenlabs", "cartesia")]),
        hearing=st.sampled_from(["", "", "speechmatics"]),
    )
    def answer(self, **chosen: Any) -> None:
        self.settings = ConversationSettings(
            **chosen,
            **PHRASES,
            turn_detection=ALIKE,
            idle_prompt="There?",
            idle_goodbye="Goodbye.",
            call_warning="Soon.",
        )
        self.conversation = Conversation(self.settings, self.now)
        self.feed(e.CallAnswered())
        self.feed(e.ModelReady("s"))

    def feed(self, event: e.Event) -> None:
        self.keep(self.conversation.handle(event, self.now))

    def keep(self, commands: list[c.Command]) -> None:
        assert not (self.over and commands), "commanded after the end"
        for command in commands:
            match command:
                case c.AskForReply():
                    assert not self.asked, "two requests outstanding"
                    assert not any(name.startswith("heard") for name in self.unrepaired), "asked on what nobody heard"
                    assert not command.as_text or self.settings.voices
                    self.asked.add(command.request_id)
                case c.SendMark():
                    self.marks.append(command.name)
                case c.PlayAudio():
                    assert len(command.audio) % 160 == 0
                    self.played[command.item_id] = self.played.get(command.item_id, 0) + len(command.audio)
                case c.OpenModel() | c.TruncateReply() | c.ConfigureModel():
                    self.keep_for_model(command)
                case c.Speak() | c.FinishSpeaking() | c.StopSpeaking():
                    self.keep_utterance(command)
                case c.DeleteItem() | c.AddItem():
                    self.keep_item(command)
                case c.SendAudio() | c.SendToHearing():
                    assert self.conversation.hears_elsewhere is isinstance(command, c.SendToHearing)
                case c.EndCall():
                    self.over = True
                case c.Note():
                    self.keep_note(command)
                case _:
                    pass

    def keep_for_model(self, command: c.OpenModel | c.TruncateReply | c.ConfigureModel) -> None:
        match command:
            case c.TruncateReply():
                assert command.audio_end_ms * 8 <= self.received.get(command.item_id, 0), "cut past the end"
            case c.OpenModel():
                self.unrepaired.clear()
                self.asked.clear()
                self.outstanding = ""
            case c.ConfigureModel(request_id="hearing-lost"):
                assert not self.conversation.hears_elsewhere
            case c.ConfigureModel():
                assert command.request_id not in self.seen
                self.seen.add(command.request_id)
                self.outstanding = command.request_id

    def keep_note(self, note: c.Note) -> None:
        match note.kind:
            case "settings_applied" | "settings_refused":
                self.settled.append(note.data["ticket"])
            case "interruption" | "interruption_refused" | "turn_refused":
                assert note.data["because"]
                assert isinstance(note.data["reasons"], list)
            case "stuck" if "confirmation" in note.data["repair"]:
                self.unrepaired.clear()
            case "stuck" if "again" in note.data["repair"]:
                self.asked.clear()  # given up: its answer is cancelled on arrival
            case _:
                pass

    def keep_utterance(self, command: c.Speak | c.FinishSpeaking | c.StopSpeaking) -> None:
        name = command.utterance
        if isinstance(command, c.Speak):
            assert command.text
            assert command.voice < len(self.settings.voices)
            assert self.utterances.setdefault(name, "open") == "open", "text after its end"
        elif isinstance(command, c.FinishSpeaking):
            assert self.utterances[name] == "open"
            self.utterances[name] = "finished"
        else:
            assert self.utterances[name] != "stopped"
            self.utterances[name] = "stopped"

    def keep_item(self, command: c.DeleteItem | c.AddItem) -> None:
        if isinstance(command, c.DeleteItem):
            self.unrepaired.add(command.item_id)
        elif command.item_id.startswith("heard"):
            assert command.text, "nothing was heard, and is put in again"
            self.unrepaired.add(command.item_id)

    @rule(seconds=st.floats(0.001, 20.0))
    def time_passes(self, seconds: float) -> None:
        until = self.now + seconds
        for _ in range(500):
            due = self.conversation.deadline()
            if due is None or due > until:
                break
            self.now = max(self.now, due)
            self.keep(self.conversation.tick(self.now))
        else:
            raise AssertionError("deadlines that never end")
        self.now = until

    @rule(text=st.sampled_from(["One moment.", "We close soon.", " "]))
    def staff_type_a_sentence(self, text: str) -> None:
        self.feed(e.SentenceTyped(text))

    # --- another voice, another ear

    @rule(reply=REPLIES, item=ITEMS, text=st.sampled_from(["One, two. ", "three ", ", ", ""]), done=st.booleans())
    def text_to_speak_comes(self, reply: str, item: int, text: str, done: bool) -> None:
        if not done and self.conversation.replies.active is None and reply not in self.conversation.replies.dead:
            self.asked.clear()  # text is taken for the answer whose creation was missed
        kind = e.ReplyTextDone if done else e.ReplyText
        self.feed(kind(reply, f"{reply}-{item}", 0, text, spoken=False))

    @rule(number=st.integers(1, 6), size=st.integers(1, 8000), last=st.booleans())
    def a_voice_sounds(self, number: int, size: int, last: bool) -> None:
        name = f"u{number}"
        utterance = self.conversation.utterances.find(name)
        before = sum(self.played.values())
        if utterance is not None:
            item_id = utterance.item.item_id
            self.received[item_id] = self.received.get(item_id, 0) + size
        self.feed(e.VoiceAudio(name, b"\x11" * size))
        assert utterance is not None or sum(self.played.values()) == before, "sound of a stopped utterance was played"
        if last:
            self.feed(e.VoiceDone(name))

    @rule(number=st.integers(1, 6), characters=st.integers(0, 40), ms=st.floats(0, 5000))
    def a_voice_tells_times(self, number: int, characters: int, ms: float) -> None:
        self.feed(e.VoiceTimed(f"u{number}", ((characters, ms),)))

    @rule(number=st.integers(0, 6), retry=st.booleans())
    def a_voice_fails(self, number: int, retry: bool) -> None:
        self.feed(e.VoiceFailed(f"u{number}" if number else "", "quota", retry))

    @rule(voice=st.integers(0, 2), retry=st.booleans())
    def a_voice_is_lost(self, voice: int, retry: bool) -> None:
        self.feed(e.VoiceLost(voice, "closed with 1006", retry))

    @rule(ready=st.booleans(), retry=st.booleans())
    def the_ear_comes_and_goes(self, ready: bool, retry: bool) -> None:
        self.feed(e.HearingReady() if ready else e.HearingLost("closed with 1006", retry))

    @rule(deleted=st.booleans(), known=st.booleans())
    def the_model_answers_a_repair(self, deleted: bool, known: bool) -> None:
        for item_id in sorted(self.unrepaired)[:1]:
            self.unrepaired.discard(item_id)
            if not known:
                what = "add" if item_id.startswith("heard") else "delete"
                self.feed(e.ModelError("benign", "item_delete_invalid_item_id", "", f"{what}:{item_id}"))
            else:
                self.feed(e.ItemDeleted(item_id) if deleted else e.ItemPlaced(item_id, "r1-1"))

    @rule(item=SPEECH, at=st.integers(0, 5000))
    def speech_starts(self, item: str, at: int) -> None:
        self.feed(e.SpeechStarted(item, at))
        self.dead |= set(self.conversation.replies.dead)

    @rule(item=SPEECH, at=st.integers(0, 9000))
    def speech_stops(self, item: str, at: int) -> None:
        self.feed(e.SpeechStopped(item, at))

    @rule(item=SPEECH)
    def commit(self, item: str) -> None:
        self.feed(e.InputCommitted(item))

    @rule(reply=REPLIES, ours=st.booleans())
    def reply_is_created(self, reply: str, ours: bool) -> None:
        request = next(iter(self.asked), None) if ours else None
        self.asked.discard(request or "")
        self.feed(e.ReplyCreated(reply, request))

    @rule(reply=REPLIES, item=ITEMS)
    def item_is_added(self, reply: str, item: int) -> None:
        self.feed(e.ItemAdded(reply, f"{reply}-{item}"))

    @rule(reply=REPLIES, item=ITEMS, size=st.integers(1, 8000))
    def sound_comes(self, reply: str, item: int, size: int) -> None:
        item_id = f"{reply}-{item}"
        dead = reply in self.conversation.replies.dead
        before = self.played.get(item_id, 0)
        self.received[item_id] = self.received.get(item_id, 0) + size
        self.feed(e.ReplyAudio(reply, item_id, 0, b"\x11" * size))
        if not dead and self.conversation.replies.active == reply:
            self.asked.clear()  # sound is taken for the answer whose creation was missed
        assert not dead or self.played.get(item_id, 0) == before, "sound of a dead reply was played"

    @rule(reply=REPLIES, item=ITEMS, text=st.sampled_from(["one ", "two three ", ""]), done=st.booleans())
    def words_come(self, reply: str, item: int, text: str, done: bool) -> None:
        kind = e.ReplyTextDone if done else e.ReplyText
        self.feed(kind(reply, f"{reply}-{item}", 0, text))

    @rule(reply=REPLIES, item=ITEMS)
    def sound_ends(self, reply: str, item: int) -> None:
        self.feed(e.ReplyAudioDone(reply, f"{reply}-{item}", 0))

    @rule(reply=REPLIES, status=st.sampled_from(["completed", "cancelled", "incomplete", "failed"]))
    def reply_is_done(self, reply: str, status: str) -> None:
        if self.conversation.replies.ended_unseen(reply):
            self.asked.clear()  # an end without a beginning is taken for that of the answer
        self.feed(e.ReplyDone(reply, status))

    @rule(keep=st.integers(0, 3))
    def marks_return(self, keep: int) -> None:
        returned, self.marks = self.marks[: len(self.marks) - keep], self.marks[len(self.marks) - keep :]
        for name in returned:
            self.feed(e.MarkPlayed(name))

    @rule(kind=st.sampled_from(["benign", "retryable"]), ours=st.booleans())
    def an_error_comes(self, kind: Any, ours: bool) -> None:
        request = next(iter(self.asked), None) if ours else None
        self.asked.discard(request or "")
        code = "conversation_already_has_active_response" if kind == "benign" else "server_error"
        self.feed(e.ModelError(kind, code, "", request))

    @rule()
    def a_frame_comes(self) -> None:
        self.feed(e.CallerAudio(b"\xff" * 160, "/" * 216))

    @rule(
        frames=st.integers(1, 30),
        probability=st.sampled_from([0.0, 0.3, 0.6, 0.95]),
        level_db=st.sampled_from([0.0, 30.0]),
        echo=st.sampled_from([0.0, 0.9]),
        laughter=st.sampled_from([0.0, 0.9]),
    )
    def our_ear_tells(self, frames: int, probability: float, level_db: float, echo: float, laughter: float) -> None:
        for _ in range(frames):
            self.time_passes(0.032)
            self.feed(e.SoundHeard(self.now, probability, level_db, echo, laughter))

    @rule(item=SPEECH, text=st.sampled_from(["mm-hm", "stop", "yeah but", ""]), early=st.booleans())
    def words_of_the_caller_come(self, item: str, text: str, early: bool) -> None:
        self.feed(e.EarlyWords(item, text) if early else e.CallerTranscript(item, text))

    @rule(threshold=st.sampled_from([0.6, 0.7, 0.8]), gate=st.booleans())
    def the_settings_change(self, threshold: float, gate: bool) -> None:
        if self.over:
            return
        ticket = f"t{len(self.offered)}"
        self.offered.append(ticket)
        changed = replace(
            self.settings,
            turn_detection={**ALIKE, "threshold": threshold},
            min_speech_ms=400 if gate else 0,
            revision=len(self.offered),
        )
        self.feed(e.SettingsChanged(changed, "ann", {"threshold": (0.6, threshold)}, ticket))

    @rule(accepted=st.booleans(), stale=st.booleans())
    def the_model_answers_the_change(self, accepted: bool, stale: bool) -> None:
        request = "settings-0" if stale else self.outstanding
        self.feed(e.ModelConfigured(request) if accepted else e.ModelError("retryable", "invalid_value", "", request))

    @precondition(lambda self: not self.over)
    @rule(retry=st.booleans())
    def the_link_is_lost_and_restored(self, retry: bool) -> None:
        self.asked.clear()
        self.feed(e.LinkLost("lost", retry))
        self.feed(e.ModelReady("s2"))

    @rule()
    def the_caller_hangs_up(self) -> None:
        if self.now % 7 < 0.2:  # rarely, or no run gets far
            self.feed(e.PhoneClosed("caller hung up"))

    @invariant()
    def every_wait_has_an_end(self) -> None:
        if hasattr(self, "conversation") and self.conversation.state in WAITING:
            assert self.conversation.deadline() is not None, self.conversation.state

    @invariant()
    def what_is_spoken_is_wanted(self) -> None:
        if hasattr(self, "conversation") and not self.over:
            for utterance in self.conversation.utterances.open:
                assert utterance.item.reply_id not in self.conversation.replies.dead
                assert utterance.item in self.conversation.playback.items.values()
                assert utterance.text == utterance.item.text[utterance.base : utterance.base + len(utterance.text)]

    @invariant()
    def changes_are_settled_once_and_in_their_order(self) -> None:
        assert self.settled == self.offered[: len(self.settled)]

    @invariant()
    def sound_is_held_only_while_it_is_weighed(self) -> None:
        if hasattr(self, "conversation"):
            assert self.conversation.playback.holding is (self.conversation.state is State.HOLDING)

    @invariant()
    def heard_is_within_sent_is_within_received(self) -> None:
        if not hasattr(self, "conversation"):
            return
        self.conversation.playback.advance(self.now)
        for item in self.conversation.playback.items.values():
            assert item.heard <= item.queued
            assert item.heard_ms <= item.received_ms


AnyOrder.TestCase.settings = settings(max_examples=120, stateful_step_count=40, deadline=None)
TestAnyOrder = AnyOrder.TestCase


def test_the_same_events_give_the_same_commands() -> None:
    """Replay stands on this."""

    def run() -> list[c.Command]:
        conversation, now, out = Conversation(ConversationSettings(greeting="Hi."), 0.0), 0.0, []
        for event in (
            e.CallAnswered(),
            e.ModelReady("s"),
            e.ReplyCreated("r1", "ask-1"),
            e.ReplyAudio("r1", "a1", 0, b"\x22" * 9000),
            e.SpeechStarted("u1", 100),
            e.SpeechStopped("u1", 900),
            e.InputCommitted("u1"),
            e.ReplyDone("r1", "cancelled"),
        ):
            now += 0.3
            out += conversation.tick(now) + conversation.handle(event, now)
        return out

    assert run() == run()
