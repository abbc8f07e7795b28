"""The ledger of the agent's sound: what was received, handed to the phone, and heard by the caller, per item.

The clock is the sending clock. A phone plays what it gets in order and in real time, so sound handed over at `s`
begins at max(s, end of what was handed over before). A clear that leaves us now meets the phone just as far behind
our clock as the sound did, so the time on this clock *is* what the caller will have heard when the clear arrives,
whatever the network's delay. What the phone itself adds (a jitter buffer, a stall) shows in the marks: a mark comes
back one round trip after its sound ended, and all that is beyond a round trip is the phone's own delay. A round
trip is measured with a mark sent while nothing is queued, which the phone returns at once.

Marks carry a generation. After a clear the phone returns all outstanding marks, of sound that nobody heard: they
belong to an older generation and count for nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from .commands import Command, PlayAudio, SendMark
from .events import BYTES_PER_MS

FRAME = 160
"""Bytes of a 20 ms frame. Carriers jitter on parts of frames, so only whole ones are handed over."""

BYTES_PER_S = 8000.0
SILENCE = b"\xff"

HEARD_ENOUGH_MS = 100.0
"""An item that was made to its end and heard to within this of it counts as heard: cutting it would cost its transcript
for a syllable's rest, and peers report refusals for offsets this near to the end."""

STEP_BACK_S = 2.0
"""Of sound that was heard is kept, for a reply that goes on from a little before the place where it was held."""

LOUDNESS = tuple((((~code & 0x0F) << 3) + 0x84 << ((~code & 0x70) >> 4)) - 0x84 for code in range(256))
"""Of each code of mu-law: its magnitude, 0 to 32124."""

MARKS_REMEMBERED = 3
"""The phone's delay is the least of this many marks: network and loop can only make a mark late, never early."""


@dataclass(slots=True)
class Item:
    """One stretch of the agent's sound, as the model counts it. Lengths are bytes."""

    reply_id: str
    item_id: str
    content_index: int = 0
    received: int = 0
    queued: int = 0  # handed to the phone, or held back for it
    heard: int = 0
    text: str = ""
    text_done: bool = False
    audio_done: bool = False
    remainder: bytes = b""
    began_at: float | None = None
    lost: bool = False  # with the session that knew it
    voiced: bool = False  # a voice that is not the model's speaks it
    waits_for_voice: bool = False  # … as soon as it has said the item before
    stopped: bool = False  # it was told to say no more of it
    points: list[tuple[int, float]] = field(default_factory=list)  # characters of the text, ms of the sound; growing
    model_id: str = ""  # what the model calls it now, when it was put in anew

    def __post_init__(self) -> None:
        self.model_id = self.model_id or self.item_id

    def tell(self, characters: int, ms: float) -> None:
        """So much of its text has been said by then. What would go back is no news."""
        if not self.points or (characters >= self.points[-1][0] and ms >= self.points[-1][1]):
            self.points.append((characters, ms))

    @property
    def received_ms(self) -> float:
        return self.received / BYTES_PER_MS

    @property
    def heard_ms(self) -> float:
        return min(self.heard, self.received) / BYTES_PER_MS

    @property
    def heard_to_its_end(self) -> bool:
        return self.audio_done and self.received_ms - self.heard_ms <= HEARD_ENOUGH_MS


@dataclass(slots=True)
class Span:
    """A piece of an item on its way to the caller's ear. `play_at`: on the sending clock, without the phone's delay."""

    item: Item
    start: int  # bytes from the start of the item
    audio: bytes
    play_at: float

    @property
    def end(self) -> int:
        return self.start + len(self.audio)

    @property
    def end_at(self) -> float:
        return self.play_at + len(self.audio) / BYTES_PER_S


@dataclass(frozen=True, slots=True)
class Cleared:
    """What a clear threw away."""

    heard_until: float
    ms: float
    chunks: int


class Playback:
    """What the phone was given and what of it was heard. All times are seconds on the monotonic clock."""

    def __init__(self, now: float) -> None:
        self.items: dict[tuple[str, int], Item] = {}
        self.generation = 1
        self.holding = False
        self._spans: deque[Span] = deque()
        self._held: deque[tuple[Item, int, bytes]] = deque()
        self._heard: deque[Span] = deque()  # the newest, as much as a reply may step back
        self._end_at = now  # of the last span, on the sending clock
        self._phone_delay = 0.0
        self._least_delay: float | None = None
        self._round_trip: float | None = None
        self._marks: dict[str, Span] = {}
        self._probes: dict[str, float] = {}
        self._delays: deque[float] = deque(maxlen=MARKS_REMEMBERED)
        self._mark_number = 0

    # --- sound in

    def item(self, reply_id: str, item_id: str, content_index: int = 0) -> Item:
        """The item, made on its first mention."""
        key = (item_id, content_index)
        if key not in self.items:
            self.items[key] = Item(reply_id, item_id, content_index)
        return self.items[key]

    def add(self, item: Item, audio: bytes, now: float) -> Iterator[Command]:
        """Take sound of an item; give what goes to the phone now, in whole frames."""
        for other in self.items.values():
            if other.remainder and other is not item:
                rest, other.remainder = other.remainder, b""
                yield from self._take(other, rest.ljust(FRAME, SILENCE), now)
        item.received += len(audio)
        audio = item.remainder + audio
        whole = len(audio) - len(audio) % FRAME
        item.remainder = audio[whole:]
        if whole:
            yield from self._take(item, audio[:whole], now)

    def finish_item(self, item: Item, now: float) -> Iterator[Command]:
        """No more sound comes for this item: the last part of a frame is filled up with silence."""
        if item.audio_done:
            return
        item.audio_done = True
        if item.remainder:
            audio, item.remainder = item.remainder, b""
            yield from self._take(item, audio.ljust(FRAME, SILENCE), now)

    def probe(self, now: float) -> SendMark:
        """Measure the round trip to the phone. Only while nothing is queued there."""
        self._mark_number += 1
        name = f"p{self.generation}:{self._mark_number}"
        self._probes[name] = now
        return SendMark(name)

    def _take(self, item: Item, audio: bytes, now: float) -> Iterator[Command]:
        start, item.queued = item.queued, item.queued + len(audio)
        if self.holding:
            self._held.append((item, start, audio))
        else:
            yield from self._send(item, start, audio, now)

    def _send(self, item: Item, start: int, audio: bytes, now: float) -> Iterator[Command]:
        if self.ends_at <= now:
            yield self.probe(now)
            self._delays.clear()
            self._phone_delay = self._least_delay or 0.0
        span = Span(item, start, audio, max(now, self._end_at))
        if item.began_at is None:
            item.began_at = span.play_at + self._phone_delay
        self._end_at = span.end_at
        self._spans.append(span)
        self._mark_number += 1
        name = f"g{self.generation}:{self._mark_number}"
        self._marks[name] = span
        yield PlayAudio(item.item_id, audio, span.play_at + self._phone_delay)
        yield SendMark(name)

    # --- what was heard

    def mark_returned(self, name: str, now: float) -> bool:
        """The phone returned a mark. False: it is of a cleared generation, or not ours."""
        sent_at = self._probes.pop(name, None)
        if sent_at is not None:
            trip = now - sent_at
            self._round_trip = trip if self._round_trip is None else min(self._round_trip, trip)
            return True
        span = self._marks.pop(name, None)
        if span is None:
            return False
        if self._round_trip is not None:
            self._delays.append(max(0.0, now - span.end_at - self._round_trip))
            self._phone_delay = min(self._delays)
            if self._least_delay is None or self._phone_delay < self._least_delay:
                self._least_delay = self._phone_delay
        while self._spans and self._spans[0].end_at <= span.end_at:
            self._heard_all_of(self._spans.popleft())
        return True

    def advance(self, now: float) -> None:
        """Move what the caller has heard by `now` into the items."""
        heard_until = now - self._phone_delay
        while self._spans and self._spans[0].end_at <= heard_until:
            self._heard_all_of(self._spans.popleft())
        if self._spans and self._spans[0].play_at < heard_until:
            span = self._spans[0]
            heard = span.start + int((heard_until - span.play_at) * BYTES_PER_S)
            span.item.heard = max(span.item.heard, heard)

    def _heard_all_of(self, span: Span) -> None:
        span.item.heard = max(span.item.heard, span.end)
        self._heard.append(span)
        while self._heard[0].end_at < span.end_at - STEP_BACK_S:
            self._heard.popleft()

    @property
    def ends_at(self) -> float:
        """When the caller will have heard all that was handed over."""
        return self._end_at + self._phone_delay if self._spans else self._end_at

    def unheard_s(self, now: float) -> float:
        """How much sound the phone still has to play, in seconds."""
        return max(0.0, self.ends_at - now) if self._spans else 0.0

    def left_s(self, now: float) -> float:
        """How much sound the caller has yet to hear, what is held back included, in seconds."""
        return self.unheard_s(now) + sum(len(audio) for _, _, audio in self._held) / BYTES_PER_S

    @property
    def marks_outstanding(self) -> bool:
        return bool(self._marks)

    # --- stopping

    def clear(self, now: float) -> Cleared:
        """All that was not heard by now never will be. Starts a new generation."""
        cleared = self._stop(now)
        self._held.clear()
        self._heard.clear()
        self.holding = False
        return cleared

    def hold(self, now: float) -> Cleared:
        """As clear, but what was not heard is kept, so that the reply can go on."""
        self.advance(now)
        kept: deque[tuple[Item, int, bytes]] = deque()
        for span in self._spans:
            # Go on from the start of the frame in which the sound stopped.
            skip = max(0, span.item.heard - span.start)
            skip -= skip % FRAME
            if skip:
                self._heard.append(Span(span.item, span.start, span.audio[:skip], span.play_at))
            if skip < len(span.audio):
                kept.append((span.item, span.start + skip, span.audio[skip:]))
        cleared = self._stop(now)
        self._held = kept
        self.holding = True
        return cleared

    def resume(self, now: float, overlap_ms: float = 0.0) -> Iterator[Command]:
        """The speech was no interruption: hand over again what was kept, from up to `overlap_ms` before it on."""
        held, self._held = self._held, deque()
        self.holding = False
        if held:
            item, start, _ = held[0]
            if again := self._step_back(item, start, int(overlap_ms * BYTES_PER_MS)):
                held.appendleft((item, start - len(again), again))
        for item, start, audio in held:
            yield from self._send(item, start, audio, now)

    def _step_back(self, item: Item, until: int, most: int) -> bytes:
        """What was heard of an item just before `until`, from the quietest moment on: there a word is least torn."""
        sound, begin = b"", until
        for span in reversed(self._heard):
            if span.item is not item or span.end != begin or until - begin >= most:
                break
            sound, begin = span.audio + sound, span.start
        sound = sound[-(most - most % FRAME) :] if most >= FRAME else b""
        starts = range(0, len(sound) - FRAME + 1, FRAME)
        quietest = min(starts, key=lambda at: (_energy(sound[at : at + FRAME]), -at), default=len(sound))
        return sound[quietest:]

    def _stop(self, now: float) -> Cleared:
        self.advance(now)
        chunks = len(self._spans)
        ms = self.unheard_s(now) * 1000
        self.generation += 1
        self._spans.clear()
        self._marks.clear()
        self._probes.clear()
        self._delays.clear()
        self._end_at = now
        return Cleared(now, ms, chunks)

    def drop(self, item: Item) -> None:
        """Take one item, of which nothing was heard, out of the ledger."""
        self.items.pop((item.item_id, item.content_index), None)

    def forget(self, reply_id: str) -> list[Item]:
        """Take a reply's items out of the ledger, in the order in which they began."""
        gone = [item for item in self.items.values() if item.reply_id == reply_id]
        for item in gone:
            del self.items[(item.item_id, item.content_index)]
        return gone


def _energy(mulaw: bytes) -> int:
    return sum(LOUDNESS[code] for code in mulaw)
