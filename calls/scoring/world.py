"""One scene as a whole call, faster than real time: bridge, core and both dialects as in production, the rehearsal model at the
other end, a carrier's playback buffer as the phone, and the network as delays on one heap of events.

A scene over the agent begins with a turn of the caller's, a short request that the product ships: the reply to it is the scene's.
It could not be the greeting, which some settings protect. In a scene of a turn the caller speaks first.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from pkgutil import resolve_name
from typing import Any, Protocol

from calls import audio, providers
from calls.bridge import Bridge, Outlet
from calls.carriers.base import StreamStarted
from calls.carriers.twilio import Twilio
from calls.conversation import commands as c
from calls.conversation import events as e
from calls.conversation.conversation import Conversation
from calls.conversation.settings import ConversationSettings
from calls.conversation.words import MS_PER_CHARACTER
from calls.ear import stream
from calls.hearing_outlet import HearingOutlet
from calls.outlets import RecorderOutlet, Track
from calls.rehearsal import hearing
from calls.rehearsal.behaviour import Behaviour
from calls.rehearsal.script import REPLIES
from calls.scoring.clock import Clock
from calls.scoring.counted_loop import CountedLoop, LoopClock
from calls.scoring.course import Course, Heard, Moment, Names, stretches, track
from calls.scoring.far import Far
from calls.scoring.mixing import Laid
from calls.scoring.model import Model
from calls.scoring.phone import Phone
from calls.simulated_phone import read_wav
from calls.vad import SileroVad
from calls.voice_outlet import VoiceOutlet

REQUEST = Path(__file__).parent.parent / "clips" / "request.wav"
REQUEST_FROM_MS = 850
"""What the caller says to make the agent speak, from behind its pause: within that, a quick agent would answer."""

ANSWER_MS = 1500
"""Of replies other than the scene's own, which only matter by when they begin."""

SETTLE_MS = 1000
"""Of the open line before the caller first speaks."""

ANSWER = REQUEST.with_name("pause.wav")
"""What the agent says in a scene that has no sound for it."""

LONGEST_WAIT_S = 12.0
"""For the agent to speak at all."""


class Ear(Track, Protocol):
    """What judges the caller's sound besides the model. `agent` and `clear` tell it what the caller hears meanwhile. What it hears
    it returns, or feeds by itself when it is ready."""

    def caller(self, mulaw: bytes, now: float) -> Iterable[e.SoundHeard] | None: ...


MakeEar = Callable[[Callable[[e.Event], None], Clock], Ear]
"""An ear for one call, from the call's `feed` and its clock."""

EAR_DELAY_S = 0.014
"""From a frame's arrival to what was heard in it: the median that `make bench` shows with 24 calls."""


class OurEar:
    """Our own, which says what it heard as late as it does in a call."""

    def __init__(self, feed: Callable[[e.Event], None], clock: Clock) -> None:
        self._feed, self._clock = feed, clock
        self._ear = stream.Ear()
        self.agent, self.clear = self._ear.agent, self._ear.clear

    def caller(self, mulaw: bytes, now: float) -> None:
        for heard in self._ear.caller(mulaw, now):
            self._clock.later(EAR_DELAY_S, partial(self._feed, heard))


@dataclass(frozen=True, slots=True)
class Setup:
    """What all scenes of a run have in common. Delays are seconds, each way."""

    settings: ConversationSettings
    turn_detection: dict[str, Any]
    model_delay_s: float = 0.03
    phone_delay_s: float = 0.03
    words_delay_s: float | None = None  # after each word's end; None: no early words
    behaviour: Behaviour = field(default_factory=Behaviour)
    make_vad: Callable[[], hearing.Ear] = SileroVad  # of the model
    make_ear: MakeEar | None = None  # of our own


def play(laid: Laid, setup: Setup) -> Course:
    """Carry the call of a scene to the scene's end."""
    with _faults() as faults:
        if not (setup.settings.voices or setup.settings.hearing):
            return replace(World(laid, setup, Clock()).run(), faults=tuple(faults))
        loop = CountedLoop()
        try:
            course = World(laid, setup, LoopClock(loop)).run()
            loop.run_until_complete(_end_all())
        finally:
            loop.close()
    return replace(course, faults=tuple(faults))


async def _end_all() -> None:
    """Of the providers, what still runs."""
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)


@contextlib.contextmanager
def _faults() -> Iterator[list[str]]:
    """What the bridge logs as an error meanwhile: it carries a call on after a fault of the core, and a measurement must not."""
    logger = logging.getLogger("calls")
    handler = _Collect()
    propagate, logger.propagate = logger.propagate, False
    logger.addHandler(handler)
    try:
        yield handler.told
    finally:
        logger.removeHandler(handler)
        logger.propagate = propagate


class _Collect(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.told: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        self.told.append(f"{record.getMessage()}: {error!r}" if error else record.getMessage())


class World:
    """One call. Everything in it happens on one clock."""

    def __init__(self, laid: Laid, setup: Setup, clock: Clock) -> None:
        self.clock = clock
        self.dialect = Twilio()
        self._moments: list[tuple[float, str, dict[str, Any]]] = []
        self._laid, self._setup = laid, setup
        self._words = Words()
        self._phone = Phone(
            self.clock,
            lambda text: self._later(lambda: self._from_phone(text)),
            opening=_opening(laid),
            said=laid.caller,
            line=laid.line,
            waits=bool(laid.agent),
            told=laid.on_request,
            echo=laid.echo,
        )
        self._model = Model(
            self.clock,
            self._feed,
            turn_detection=None if setup.settings.hearing else setup.turn_detection,
            behaviour=setup.behaviour,
            delay_s=setup.model_delay_s,
            says=self._next_words if setup.settings.voices else self._next_reply,
            as_text=bool(setup.settings.voices),
            make_vad=setup.make_vad,
        )
        self._ear = setup.make_ear(self._feed, self.clock) if setup.make_ear is not None else None
        outlets: list[Outlet] = [_Watch(self), _PhoneOutlet(self), self._model, *self._providers()]
        if self._ear is not None:
            outlets.append(RecorderOutlet(self._ear))  # the ear must know of the agent's sound what the recorder knows
        self._bridge = Bridge(
            Conversation(setup.settings, self.clock.now),
            outlets,
            call_id="scene",
            hear=self._hear,
            clock=self.clock,
            call_later=self.clock.later,
        )

    def _providers(self) -> Iterator[Outlet]:
        """The voices and the ear that are not the model's: their stand-ins, at the far end of a wire."""
        s = self._setup.settings
        from voiceplatform import registry  # needs Django, without which scenes are played that have no providers

        named = {slug: registry.load("VOICES", slug).stand_in for slug in s.voices}
        if s.hearing:
            named[s.hearing] = registry.load("HEARINGS", s.hearing).stand_in
        far = Far({slug: resolve_name(path)() for slug, path in named.items()}, self.clock, self._setup.model_delay_s)
        network = far.network()
        if s.voices:
            yield VoiceOutlet([providers.voice(slug, {}, "", network=network) for slug in s.voices], self._feed)
        if s.hearing:
            ear = providers.ear(s.hearing, {}, "", "en", silence_ms=s.silence_ms)
            yield HearingOutlet(ear.dialect, ear.address, self._feed, network.connection)

    def run(self) -> Course:
        """From the ring to the scene's end."""
        self._phone.ring()
        self.clock.run(self._ends_at)
        self._phone.settle()
        self._bridge.close()
        return self._course()

    def _ends_at(self) -> float:
        if self._bridge.ended is not None:
            return self.clock.now
        began_at = self._phone.scene_began_at
        return LONGEST_WAIT_S if began_at is None else began_at + self._laid.duration_ms / 1000

    def _next_reply(self) -> bytes:
        """The scene's own until it is heard: one that the caller spoke into before its first sound is not the scene's."""
        if self._laid.agent and not self._phone.has_heard:
            return self._laid.agent
        return (self._laid.agent or read_wav(ANSWER))[: ANSWER_MS * 8]

    def _next_words(self) -> str:
        """A text that takes as long to say as the scene's own reply lasts."""
        characters = len(self._next_reply()) / 8 / MS_PER_CHARACTER
        words = ""
        for sentence in itertools.cycle(REPLIES):
            words = f"{words} {sentence}".strip()
            if len(words) >= characters:
                return words
        return words

    # --- the wire to the phone

    def _later(self, arrive: Callable[[], None]) -> None:
        self.clock.later(self._setup.phone_delay_s, arrive)

    def _from_phone(self, text: str) -> None:
        event = self.dialect.parse(text)
        match event:
            case StreamStarted():
                self._feed(e.CallAnswered())
            case e.CallerAudio() | e.MarkPlayed():
                self._feed(event)

    def to_phone(self, text: str, item_id: str = "") -> None:
        """Send a message to the phone; `item_id`: of the sound in it."""
        reply = self._model.reply_of.get(item_id, "")
        self._later(lambda: self._at_the_phone(text, reply))

    def _at_the_phone(self, text: str, reply: str) -> None:
        waited = self._phone.scene_began_at is None
        self._phone.receive(text, reply)
        if waited and self._phone.scene_began_at is not None:
            self._promise_words(self._phone.scene_began_at)

    def asked(self) -> None:
        """A reply is asked for; where the scene waits for that, it begins."""
        if self._laid.on_request and self._phone.scene_began_at is None:
            self._phone.begin()
            self._promise_words(self.clock.now)

    # --- into the core

    def _feed(self, event: e.Event) -> None:
        match event:
            case e.SpeechStarted():
                self.remember("SpeechStarted", {"audio_start_ms": event.audio_start_ms}, self.clock.now)
                self._words.speech_started(event.item_id, self.clock.now)
            case e.SpeechStopped():
                self.remember("SpeechStopped", {"audio_end_ms": event.audio_end_ms}, self.clock.now)
        self._bridge.feed(event)

    def _hear(self, mulaw: bytes, now: float) -> None:
        if self._ear is None:
            return
        for heard in self._ear.caller(mulaw, now) or ():
            self._bridge.feed(heard)

    def _promise_words(self, began_at: float) -> None:
        """What a recogniser would say, when it would say it."""
        delay = self._setup.words_delay_s
        for end_ms, word in self._laid.words if delay is not None else ():
            end_at = began_at + end_ms / 1000
            self.clock.at(end_at + (delay or 0.0), partial(self._word_known, word, end_at))

    def _word_known(self, word: str, end_at: float) -> None:
        known = self._words.known(word, end_at)
        if known is not None:
            self._feed(e.EarlyWords(*known))

    # --- what happened

    def remember(self, what: str, data: dict[str, Any], now: float) -> None:
        self._moments.append((now, what, data))

    def _course(self) -> Course:
        began_at = self._phone.scene_began_at
        zero = self.clock.now if began_at is None else began_at

        def since(at: float) -> float:
            return round((at - zero) * 1000, 1)

        names = Names()
        pieces = list(zip(self._phone.buffer.heard, self._phone.heard_of, strict=True))
        return Course(
            began=began_at is not None,
            length_ms=since(self.clock.now),
            reply=names.of(pieces[0][1]) if pieces and self._laid.agent else "",
            reply_ms=len(self._laid.agent) / 8,
            moments=tuple(Moment(since(at), what, names.of(data)) for at, what, data in self._moments),
            heard=tuple(Heard(since(begin), since(end), names.of(of)) for begin, end, of in stretches(pieces)),
            asked=tuple(since(at) for at, what, _ in self._moments if what == "AskForReply"),
            model_ms=self._model.took_ms,
            probabilities=tuple((since(at), value) for at, value in self._model.probabilities() if at >= zero),
            caller_sound=bytes(self._phone.spoken[round(zero * 8000) :]),
            agent_sound=track(pieces, zero, self.clock.now),
        )


def _opening(laid: Laid) -> bytes:
    """What the caller says before the scene; over the agent, the request that is answered with the scene's reply."""
    if not laid.agent:
        return b""
    line = laid.line or audio.SILENCE
    return (line * (SETTLE_MS * 8 // len(line) + 1))[: SETTLE_MS * 8] + read_wav(REQUEST)[REQUEST_FROM_MS * 8 :]


class Words:
    """Which words belong to which speech of the caller's, as a recogniser that follows the model's VAD would have it."""

    _NOTICED_S = 0.4
    """The VAD notices speech so late at most that a word of it can have ended before."""

    def __init__(self) -> None:
        self._speeches: list[tuple[str, float, list[str]]] = []
        self._early: list[str] = []

    def speech_started(self, item_id: str, now: float) -> None:
        self._speeches.append((item_id, now, self._early))
        self._early = []

    def known(self, word: str, end_at: float) -> tuple[str, str] | None:
        """A word is known that ended then: the item that it is of, and all its words so far. None: no speech was noticed yet."""
        for item_id, since, words in reversed(self._speeches):
            if since <= end_at + self._NOTICED_S:
                words.append(word)
                return item_id, " ".join(words)
        self._early.append(word)
        return None


class _Watch:
    """Remembers the commands of which the record of a scene consists. The first outlet, so that causes stand before effects."""

    takes = frozenset({c.Note, c.ClearPlayback, c.AskForReply, c.CancelReply, c.TruncateReply, c.EndCall})

    def __init__(self, world: World) -> None:
        self._world = world

    def take(self, command: c.Command, now: float) -> None:
        match command:
            case c.Note():
                self._world.remember(command.kind, command.data, now)
            case c.ClearPlayback():
                self._world.remember(
                    "ClearPlayback", {"interruption": 0 if command.held else command.interruption}, now
                )
            case c.CancelReply():
                self._world.remember("CancelReply", {"reply_id": command.reply_id}, now)
            case c.TruncateReply():
                self._world.remember("TruncateReply", {"audio_end_ms": command.audio_end_ms}, now)
            case c.EndCall():
                self._world.remember("EndCall", {"reason": command.reason, "failed": command.failed}, now)
            case c.AskForReply():
                self._world.asked()
                self._world.remember("AskForReply", {}, now)


class _PhoneOutlet:
    """As the product's, on a socket that takes everything at once."""

    takes = frozenset({c.PlayAudio, c.SendMark, c.ClearPlayback})

    def __init__(self, world: World) -> None:
        self._world = world
        self._dialect = world.dialect

    def take(self, command: c.Command, now: float) -> None:
        match command:
            case c.PlayAudio():
                self._world.to_phone(self._dialect.audio(command.audio), command.item_id)
            case c.SendMark():
                self._world.to_phone(self._dialect.mark(command.name))
            case c.ClearPlayback():
                self._world.to_phone(self._dialect.clear())
