"""The sounds of a scene, cut from its files and laid out on one clock.

The clock of a scene is the caller's: 0 is when the first sound of the agent's reply reaches the caller's ear (in a scene
without an agent, when the caller's track begins), and what the caller says at t is said while the ear hears the agent's
sound of t. So an overlap is laid as the two people in the recording had it.

**Conversations.** The event begins 3 s into a reply, or the grace at the start of replies would decide what the ear is
asked. The agent's channel is heard as it was recorded from where its speech, without a long pause, begins within the last 3
s before the event until the end of what is being said at the event. In front and behind stands other speech of the same
channel, so that the reply is on for 4 s more after the part that is judged: else "it stopped" could not be told from "it
ended", which a human who was interrupted does by himself. The caller's channel is heard from 1.5 s before the event, or from
the end of the last speech or the last part that the labels want ignored, until the next of those; before and behind stands
the quietest second of the same channel, again and again. A part to be ignored that runs into the onset and is shorter than
200 ms is the onset itself (a soft first sound), and stays.

**Turns.** The agent is silent. Of the caller one stretch of speech before the pause or the end of the turn is heard, and
after a pause the stretch that follows. Only one pause is in a scene: an answer within an earlier one would make the next an
interruption.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from calls import audio
from calls.scoring import scenes
from calls.scoring.echo import EchoPath
from calls.scoring.scenes import Channel, Scene, Span
from calls.simulated_phone import CallRefused, read_wav

Pcm = npt.NDArray[np.int16]

LEAD_MS = 3000
"""Of a reply before the event."""

BEFORE_MS = 1500
"""Of the caller's channel before the event."""

AFTER_MS = 4000
"""The reply goes on for so long after the part that is judged."""

QUIET_AFTER_MS = 1000
"""After an event, in which a stop would still be its doing."""

YIELD_MS = 3500
"""From the start of an interruption to the end of its scene."""

TAIL_MS = 3500
"""After the end of a caller's turn, in which an answer is waited for."""

REPLY_MS = 5000
"""Of a reply after which the line stays silent."""

ONSET_MS = 200
"""Parts to be ignored that touch an event and are shorter than this are its own beginning or end."""

PAUSE_MS = 300
"""Shorter gaps are no pauses, in the labels; what stands between longer ones is one stretch of speech."""

LONG_PAUSE_MS = 600
"""A human stays silent longer than this within what he says; a reply does not."""

QUIET_MS = 1000
_EDGE_MS = 100  # a segment's sound may begin before its label and end after it
_FADE_MS = 10


class Unplayable(Exception):
    """A file that cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Laid:
    """A scene's sounds as mu-law, and its event on the scene's clock (ms). `agent` empty: the agent is silent.

    `line` is a second or so of the caller's open line, for before and after. `words`: what a recogniser could know, and when.
    """

    caller: bytes
    agent: bytes
    line: bytes
    start_ms: int
    end_ms: int
    speech: tuple[Span, ...] = ()
    resumes_ms: int = 0  # of a pause: when the caller goes on
    words: tuple[tuple[int, str], ...] = ()  # (end of the word, the word)
    echo: EchoPath | None = None  # over which the agent's sound comes back
    on_request: bool = False  # 0 is when a reply is asked for, and not when it is heard

    @property
    def duration_ms(self) -> int:
        return len(self.caller) // audio.BYTES_PER_MS


def lay(scene: Scene) -> Laid:
    """The sounds of a scene. Raises Unplayable."""
    if scene.kind in (scenes.PAUSE, scenes.TURN_END):
        return _turn(scene)
    if scene.part == "conversation":
        return _overlap(scene)
    if scene.part == "noise":
        return _noise(scene)
    return _as_it_is(scene)


# --- scenes over the agent


def _overlap(scene: Scene) -> Laid:
    """An event of a conversation, over a reply that is made of the other channel."""
    sound = load(scene.caller)
    shift = LEAD_MS - scene.start_ms
    begin, end = _own_stretch(scene, len(sound) // 8)
    line = quiet(sound, scene.caller)
    judged_ms = _judged_until(scene) + shift
    caller = _repeat(line, judged_ms)
    _place(caller, sound[begin * 8 : end * 8], begin + shift)
    return Laid(
        caller=_mulaw(caller),
        agent=_mulaw(_reply(scene, judged_ms + AFTER_MS)),
        line=_mulaw(line),
        start_ms=LEAD_MS,
        end_ms=scene.end_ms + shift,
        speech=_within(scene.caller.segments, begin, end, shift),
        words=_words(scene, begin, end, shift),
    )


def _judged_until(scene: Scene) -> int:
    """When the scene is over, on the clock of the caller's file."""
    if scene.kind == scenes.INTERRUPTION:
        return scene.start_ms + YIELD_MS
    return scene.end_ms + QUIET_AFTER_MS + 500


def _own_stretch(scene: Scene, duration_ms: int) -> Span:
    """From when to when the caller's file is heard: the event, and as much around it as is nobody's speech."""
    begin = max(0, scene.start_ms - BEFORE_MS)
    end = min(duration_ms, _judged_until(scene))
    for a, b in scene.caller.segments:
        if b <= scene.start_ms:
            begin = max(begin, min(b + _EDGE_MS, scene.start_ms))
        if a >= scene.end_ms + _EDGE_MS:
            end = min(end, a - _FADE_MS)
    for a, b in scene.caller.ignore:
        if b - a <= ONSET_MS and a <= scene.end_ms and b >= scene.start_ms - 20:
            continue
        if b <= scene.start_ms:
            begin = max(begin, b)
        elif a >= scene.end_ms - 20:
            end = min(end, max(a, scene.end_ms))
    return begin, max(begin, end)


def _reply(scene: Scene, length_ms: int) -> Pcm:
    """The agent's sound: the event falls 3 s into it, on the speech on which it fell in the recording."""
    assert scene.agent is not None
    sound = load(scene.agent)
    duration_ms = len(sound) // 8
    segments = [span for span in scene.agent.segments if span[0] < duration_ms] or [(0, duration_ms)]
    at = next((span for span in reversed(segments) if span[0] <= scene.start_ms), segments[0])
    begin = min(_without_a_pause(segments, at), scene.start_ms)
    begin = max(0, begin - _EDGE_MS, scene.start_ms - LEAD_MS)
    end = min(duration_ms, max(min(scene.end_ms, scene.start_ms + BEFORE_MS), at[1] + _EDGE_MS))
    apart = [span for span in segments if span[1] <= begin or span[0] >= end] or segments
    speech = np.concatenate([sound[max(0, a - _EDGE_MS) * 8 : (b + _EDGE_MS) * 8] for a, b in apart])
    lead = (LEAD_MS - (scene.start_ms - begin)) * 8
    rest = max(0, length_ms * 8 - lead - (end - begin) * 8)
    before = _repeat_plainly(speech[::-1], lead)[::-1]  # so that what stands before the event ends where a segment does
    return np.concatenate([before, sound[begin * 8 : end * 8], _repeat_plainly(speech, rest)])


def _without_a_pause(segments: list[Span], at: Span) -> int:
    """From when on somebody speaks up to a segment without a pause that a reply would not have."""
    begin = at[0]
    for a, b in reversed(segments[: segments.index(at)]):
        if begin - b > LONG_PAUSE_MS:
            break
        begin = a
    return begin


def _noise(scene: Scene) -> Laid:
    """A noise over a reply, on an open line."""
    sound = load(scene.caller)[: scene.end_ms * 8]
    begin = scene.offset_ms
    end = begin + len(sound) // 8
    length_ms = end + QUIET_AFTER_MS + 500
    line = quiet(load(scene.line), scene.line) if scene.line else np.zeros(8 * QUIET_MS, np.int16)
    caller = _repeat(line, length_ms).astype(np.int32)
    caller[begin * 8 : begin * 8 + len(sound)] += sound
    return Laid(
        caller=_mulaw(np.clip(caller, -32768, 32767).astype(np.int16)),
        agent=prompt(scene, length_ms + AFTER_MS),
        line=_mulaw(line),
        start_ms=begin,
        end_ms=end,
    )


def _as_it_is(scene: Scene) -> Laid:
    """A mixed scene, or an open line: the caller's file from its beginning to the end of what is judged."""
    sound = load(scene.caller)
    start_ms, end_ms = scene.start_ms + scene.offset_ms, scene.end_ms + scene.offset_ms
    length_ms = _judged_until(scene) + scene.offset_ms
    if scene.kind == scenes.SILENCE:
        length_ms = end_ms = len(sound) // 8
    line = quiet(sound, scene.caller)
    caller = _repeat(line, length_ms)
    begin, end = max(0, -scene.offset_ms), max(0, min(len(sound) // 8, length_ms - scene.offset_ms))
    caller[(begin + scene.offset_ms) * 8 : (end + scene.offset_ms) * 8] = sound[begin * 8 : end * 8]
    reply_ms = REPLY_MS if scene.kind == scenes.SILENCE else length_ms + AFTER_MS
    return Laid(
        caller=_mulaw(caller),
        agent=prompt(scene, reply_ms),
        line=_mulaw(line),
        start_ms=start_ms,
        end_ms=end_ms,
        speech=_within(scene.caller.segments, begin, end, scene.offset_ms),
        words=_words(scene, begin, end, scene.offset_ms),
    )


def prompt(scene: Scene, length_ms: int) -> bytes:
    """A prompt as the reply, from its beginning again when it ends too soon."""
    if scene.agent is None or scene.agent is scenes.NO_PROMPT or not scene.agent.file:
        from calls.rehearsal import script, voice  # loads a GPL-3 library: only where nothing else is there to be said

        return _mulaw(_repeat_plainly(_pcm(voice.speak(script.FIRST).audio), length_ms * 8))
    return _mulaw(_repeat_plainly(load(scene.agent), length_ms * 8))


# --- scenes of a turn


def _turn(scene: Scene) -> Laid:
    """The caller speaks, pauses or ends, while the agent is silent."""
    sound = load(scene.caller)
    before, after = _stretches(scene)
    last = after or before
    gap_begin = max(0, before[0] - _EDGE_MS)
    end = min(len(sound) // 8, last[1] + PAUSE_MS)
    for a, _ in [*scene.caller.segments, *scene.caller.ignore]:
        if a >= last[1] + 20:
            end = min(end, max(last[1] + 20, a - _FADE_MS))
    shift = _EDGE_MS + 500 - before[0]
    line = quiet(sound, scene.caller)
    caller = _repeat(line, last[1] + shift + TAIL_MS)
    _place(caller, sound[gap_begin * 8 : end * 8], gap_begin + shift)
    return Laid(
        caller=_mulaw(caller),
        agent=b"",
        line=_mulaw(line),
        start_ms=scene.start_ms + shift,
        end_ms=scene.end_ms + shift,
        speech=_within(scene.caller.segments, gap_begin, end, shift),
        resumes_ms=after[0] + shift if after else 0,
    )


def _stretches(scene: Scene) -> tuple[Span, Span | None]:
    """The stretch of speech before the event, and after a pause the one that follows."""
    runs: list[list[int]] = []
    for a, b in scene.caller.segments:
        if runs and a - runs[-1][1] < PAUSE_MS:
            runs[-1][1] = b
        else:
            runs.append([a, b])
    before = [run for run in runs if run[0] < scene.start_ms]
    if not before:
        raise Unplayable("no speech is labelled before the pause or the end of the turn")
    first = (before[-1][0], scene.start_ms)
    if scene.kind == scenes.TURN_END:
        return first, None
    after = next((run for run in runs if run[1] > scene.end_ms), None)
    return first, (scene.end_ms, after[1] if after else scene.end_ms + PAUSE_MS)


# --- parts


def load(channel: Channel) -> Pcm:
    """A file as PCM that has been over the phone. Raises Unplayable."""
    try:
        return _pcm(read_wav(Path(channel.path)))
    except CallRefused as refusal:
        raise Unplayable(str(refusal)) from None


def quiet(sound: Pcm, channel: Channel) -> Pcm:
    """The quietest second of a channel in which nobody speaks, there and back again, so that it can be repeated without a click.
    Where all is speech, silence."""
    taken = [(a - _EDGE_MS, b + _EDGE_MS) for a, b in [*channel.segments, *channel.ignore]]
    best: tuple[float, Pcm] | None = None
    for begin, end in _gaps(taken, len(sound) // 8):
        length = min(QUIET_MS, end - begin)
        if length < 200:
            continue
        for at in range(begin, end - length + 1, 100):
            part = sound[at * 8 : (at + length) * 8]
            level = float(np.mean(part.astype(np.float64) ** 2)) * (QUIET_MS / length) ** 0.5
            if best is None or level < best[0]:
                best = level, part
    part = best[1] if best else np.zeros(QUIET_MS * 8, np.int16)
    return np.concatenate([part, part[::-1]])


def _gaps(taken: list[Span], duration_ms: int) -> list[Span]:
    gaps, at = [], 0
    for a, b in sorted(taken):
        if a > at:
            gaps.append((at, a))
        at = max(at, b)
    return [*gaps, (at, duration_ms)] if at < duration_ms else gaps


def _place(track: Pcm, part: Pcm, at_ms: int) -> None:
    """Lay a part over a track, faded in and out."""
    begin = at_ms * 8
    part = part[max(0, -begin) :]
    begin = max(0, begin)
    part = part[: max(0, len(track) - begin)].astype(np.float64)
    fade = min(_FADE_MS * 8, len(part) // 2)
    if not fade:
        return
    weight = np.ones(len(part))
    weight[:fade] = np.arange(fade) / fade
    weight[-fade:] = np.arange(fade, 0, -1) / fade
    under = track[begin : begin + len(part)].astype(np.float64)
    track[begin : begin + len(part)] = np.rint(part * weight + under * (1 - weight)).astype(np.int16)


def _within(spans: tuple[Span, ...], begin: int, end: int, shift: int) -> tuple[Span, ...]:
    return tuple((max(a, begin) + shift, min(b, end) + shift) for a, b in spans if a < end and b > begin)


def _words(scene: Scene, begin: int, end: int, shift: int) -> tuple[tuple[int, str], ...]:
    """Each word and when it ends: as published, else the words of the event spread over its length by their letters."""
    known = [(b, word) for a, b, word in scene.caller.words if begin - 50 <= a and b <= end + 50 and word[:1] != "["]
    if not known and scene.text:
        words = scene.text.split()
        letters = np.cumsum([len(word) + 1 for word in words])
        length = scene.end_ms - scene.start_ms
        known = [
            (scene.start_ms + round(length * at / letters[-1]), word) for at, word in zip(letters, words, strict=True)
        ]
    return tuple((at + shift, word) for at, word in known)


def _repeat(line: Pcm, length_ms: int) -> Pcm:
    return np.resize(line, length_ms * 8)


def _repeat_plainly(sound: Pcm, samples: int) -> Pcm:
    return np.resize(sound, samples) if len(sound) else np.zeros(samples, np.int16)


def _pcm(mulaw: bytes) -> Pcm:
    return np.frombuffer(audio.mulaw_decode(mulaw), "<i2")


def _mulaw(pcm: Pcm) -> bytes:
    return audio.mulaw_encode(pcm.astype("<i2").tobytes())
