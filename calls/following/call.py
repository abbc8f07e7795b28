"""One call as staff follow it: its newest lines, what is happening now, and the sound of both sides.

It lies beside the bridge and costs next to nothing while nobody looks: a line is put down when it is written, sound only when
somebody listens. What waits is bounded, the oldest goes first. Nothing here waits for anything.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from calls import audio
from calls.conversation import facts
from calls.conversation.conversation import Conversation
from calls.conversation.events import Event, HangUpAsked, SentenceTyped, SoundHeard
from calls.conversation.transcript import Transcript
from calls.ear.playing import Playing
from calls.outlets import Journal

LINES_KEPT = 1000
"""Of the record, for whoever begins to follow: a long call has some hundreds. What is older is in the database."""

SOUNDS_KEPT = 128
"""Judgements of our own ear, 4 s of them."""

SOUND_BEHIND_S = 0.08
"""Listeners hear the call this much later: a caller's frames do not come evenly."""

SOUND_AT_MOST = audio.RATE
"""Samples handed on at a time, a second. A process that was held up leaves out the rest."""

TOO_LARGE = frozenset({facts.RECORDING})

Message = dict[str, Any]


class Live(Protocol):
    """What a call's LiveSettings are to those who follow it."""

    turn: Message

    def offer(self, message: Message) -> None: ...


class FollowedCall:
    """A call's journal on its way to the spool, and a second track of its sound."""

    def __init__(
        self,
        call_id: object,
        agent: Mapping[str, Any],
        journal: Journal,
        feed: Callable[[Event], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.id = str(call_id)
        self.over = False
        self.conversation: Conversation | None = None
        self.live: Live | None = None
        self.lines: deque[Message] = deque(maxlen=LINES_KEPT)
        self.sounds: deque[tuple[int, float, float]] = deque(maxlen=SOUNDS_KEPT)
        self.followed = self.listened = False  # somebody does; kept by the switchboard
        self._agent = dict(agent)
        self._journal = journal
        self._feed = feed
        self._clock = clock
        self._began_at = clock()
        self._interruptions = 0
        self._words: Message = {}
        self._caller, self._played = Playing(), Playing()
        self._sent_until = 0

    # --- beside the bridge: a journal, a track, an ear's witness

    def write(self, kind: str, data: dict[str, Any], at_ms: int) -> int:
        """Into the spool, and a copy for those who follow."""
        seq = self._journal.write(kind, data, at_ms)
        if kind not in TOO_LARGE:
            self.lines.append({"seq": seq, "at_ms": at_ms, "kind": kind, "data": data})
        if kind == facts.INTERRUPTION and data.get("phase") != "asked":
            self._interruptions += 1
        elif kind == facts.CALLER_WORDS and data.get("text"):
            self._words = {"side": "caller", "text": data["text"]}
        elif kind == facts.AGENT_TURN and data.get("heard_text"):
            self._words = {"side": "agent", "text": data["heard_text"]}
        return seq

    def caller(self, mulaw: bytes, now: float) -> None:
        if self.listened:
            self._caller.agent(mulaw, now - len(mulaw) / audio.RATE)

    def agent(self, mulaw: bytes, play_at: float) -> None:
        """Kept also while nobody listens: who begins to listen hears the reply that is being said."""
        at = round(self._clock() * audio.RATE)
        self._played.between(at - audio.RATE, at - audio.RATE)  # forget what was heard
        self._played.agent(mulaw, play_at)

    def clear(self, heard_until: float) -> None:
        self._played.clear(heard_until)

    def heard(self, sound: SoundHeard) -> None:
        if self.followed:
            self.sounds.append((self._at_ms(sound.at), round(sound.probability, 2), round(sound.level_db, 1)))

    def _at_ms(self, at: float) -> int:
        return max(0, round((at - self._began_at) * 1000))

    # --- for those who follow

    def now(self) -> Message:
        """What is happening: for the board, and as the top of a call's page."""
        c = self.conversation
        return {
            "id": self.id,
            **self._agent,
            "state": "ended" if self.over or c is None else str(c.state),
            "words": self._speaking() or self._words,
            "interruptions": self._interruptions,
        }

    def age_ms(self) -> int:
        return self._at_ms(self._clock())

    def speech(self) -> Message:
        """What is being said: the agent's items, split where the caller has heard them, and the caller's first words."""
        c = self.conversation
        if c is None or self.over:
            return {"agent": [], "caller": []}
        items = [(item, Transcript.split(item)) for item in c.playback.items.values() if item.text]
        return {
            "agent": [{"item_id": item.item_id, "heard": heard, "unheard": rest} for item, (heard, rest) in items],
            "caller": [{"item_id": item_id, "text": text} for item_id, text in c.early_words.items()],
        }

    def _speaking(self) -> Message:
        """The newest words while they are spoken."""
        speech = self.speech()
        if text := " ".join(words["text"] for words in speech["caller"]):
            return {"side": "caller", "text": text}
        text = " ".join(item["heard"] for item in speech["agent"] if item["heard"])
        return {"side": "agent", "text": text} if text else {}

    def turn(self) -> Message:
        """The turn settings in force."""
        return dict(self.live.turn) if self.live is not None else {}

    def take_sounds(self) -> list[tuple[int, float, float]]:
        """What our ear has heard since it was asked last: (ms since the call began, probability of speech, dB over the noise)."""
        taken = list(self.sounds)
        self.sounds.clear()
        return taken

    def take_sound(self) -> tuple[bytes, bytes]:
        """What sounded on both sides since it was asked last, mu-law of the same length; empty: silence on that side."""
        end = round((self._clock() - SOUND_BEHIND_S) * audio.RATE)
        begin = max(self._sent_until, end - SOUND_AT_MOST) if self._sent_until else end - audio.RATE // 10
        self._sent_until = end
        return self._caller.between(begin, end) or b"", self._played.between(begin, end) or b""

    def stop_listening(self) -> None:
        self.listened, self._sent_until, self._caller = False, 0, Playing()

    # --- what staff do

    def order(self, message: Message) -> bool:
        """Carry out what staff ask for; whether it could be."""
        if self.over:
            return False
        by = str(message.get("by", ""))
        match message["order"]:
            case "say":
                self._feed(SentenceTyped(str(message["text"]), by))
            case "hang_up":
                self._feed(HangUpAsked(by))
            case "listen":
                self.write(facts.LISTENED_IN, {"by": by}, self.age_ms())
            case "settings" if self.live is not None:
                self.live.offer(message)
            case _:
                return False
        return True
