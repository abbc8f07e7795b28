"""One call's sound in, what was heard out. Pure: the time is what it is told.

A stream keeps what belongs to its call; frames of many streams are judged together, because much of the cost of a frame is
in calling the libraries at all.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from calls import audio
from calls.conversation.events import SoundHeard
from calls.conversation.evidence import LIKELY
from calls.ear import echo, laughter, network
from calls.ear.level import Floor
from calls.ear.network import FRAME, Samples
from calls.ear.playing import Playing

FRAME_S = FRAME / audio.RATE

_UNEVEN = 60 * audio.BYTES_PER_MS
"""So unevenly sound may arrive without moving the stream's clock, as for the recorder: an echo's delay must stay what it was."""

_PAUSE = 16
"""Frames of silence of the agent, half a second, after which its next sound is another reply. Pauses in one are sent as sound."""

_ECHO_ENDS = 19
"""Frames after the agent's last sound in which its echo can still come: 600 ms, the longest delay and a room's end."""

_AUDIBLE_DB, _POSSIBLE = 3.0, 0.03
"""Over the line's noise, and to be speech: a frame with less of either is not compared with the agent's sound. Nobody would take
it for a caller who speaks, and most frames are so. 0.1 would be too much: the soft beginning of a distorted echo has less."""

_LAUGHABLE = 13
"""Frames of likely speech in the last second, 416 ms, from which on it is asked whether they are a laugh. Less stops nobody,
and of 320 ms of speech 2 % would pass for one."""

_ECHO = 0.5
"""Frames that are so like the agent's sound are its own, and not asked about."""

_ASKED_EACH = 3
"""Frames: it is asked each 96 ms, which takes a millisecond."""

_SILENCE = audio.SILENCE * FRAME
_SCALE = np.float32(1 / 32768)
_SILENT_POWER = 1e-10


@dataclass(frozen=True, slots=True)
class Frame:
    """32 ms of the caller's sound, and of what the caller heard of the agent meanwhile. None: nothing."""

    stream: Stream
    at: float
    caller: bytes
    agent: bytes | None


class Stream:
    """One call's."""

    def __init__(self) -> None:
        self.speech = network.Memory()
        self.floor = Floor()
        self._playing = Playing()
        self._rest = b""
        self._end: int | None = None  # where the caller's sound ends on the clock, in samples
        self._at = 0.0  # when the last frame ended
        # In frames that were judged.
        self._silent = _ECHO_ENDS  # since the agent was
        self._sounding = 0  # since the agent began, while its echo can come
        self._echo: echo.Memory | None = None
        self._missed = 0  # since the two were last compared
        self._played = deque([_SILENCE] * echo.HISTORY, maxlen=echo.HISTORY)
        # The last second of the caller, and which of its frames are likely speech.
        self._recent: deque[Samples] = deque(maxlen=laughter.FRAMES)
        self._likely: deque[bool] = deque(maxlen=laughter.FRAMES)
        self._laughter, self._asked = 0.0, 0

    def agent(self, mulaw: bytes, play_at: float) -> None:
        """Sound of the agent that the caller begins to hear at `play_at`."""
        self._playing.agent(mulaw, play_at)

    def clear(self, heard_until: float) -> None:
        """Nothing of what was given so far was heard after this."""
        self._playing.clear(heard_until)

    def caller(self, mulaw: bytes, now: float) -> list[Frame]:
        """Sound of the caller that arrived now, any length; the frames that it completes."""
        end = self._arrive(len(mulaw), round(now * audio.RATE))
        data = self._rest + mulaw
        whole = len(data) - len(data) % FRAME
        self._rest = data[whole:]
        begin = end - len(data)
        return [self._frame(data[i : i + FRAME], begin + i, now) for i in range(0, whole, FRAME)]

    def _arrive(self, length: int, now: int) -> int:
        """Where the sound ends: behind what was before it, unless the clock says that there was a gap or a burst."""
        end = now if self._end is None else self._end + length
        if abs(now - end) > _UNEVEN:
            end = now
        self._end = end
        return end

    def _frame(self, caller: bytes, begin: int, now: float) -> Frame:
        # Not after it came, though the clock may run ahead of an uneven line; nor before the last, though a burst sets it back.
        self._at = max(self._at, min((begin + FRAME) / audio.RATE, now))
        return Frame(self, self._at, caller, self._playing.between(begin, begin + FRAME))

    def turn(self, agent: bytes | None) -> None:
        """The next frame's is it to be judged; the network hears it."""
        if agent is not None and self._silent >= _PAUSE:
            self.speech.forget()
        self._silent = 0 if agent is not None else self._silent + 1
        self._sounding = self._sounding + 1 if self._silent < _ECHO_ENDS else 0

    def compared(self, agent: bytes | None, worth: bool) -> echo.Memory | None:
        """The memory with which the frame is compared with the agent's sound, if it is worth that and there is any."""
        self._missed += 1
        if not self._sounding:
            self._echo = None
        elif worth:
            if self._echo is None:
                self._echo, self._missed = echo.Memory(), echo.HISTORY
            if self._missed > 1:
                self._echo.begin(samples(self._played).ravel(), self._missed - 1)
            self._echo.sounding, self._missed = self._sounding, 0
        self._played.append(agent or _SILENCE)
        return self._echo if worth else None

    def laughs(self, sound: Samples, probability: float, echo: float) -> float:
        """How like laughter the last second is, with this frame as its end. Only asked while a laugh could stop the agent."""
        self._recent.append(sound)
        self._likely.append(probability >= LIKELY and echo < _ECHO)
        if not self._sounding or len(self._recent) < laughter.FRAMES or sum(self._likely) < _LAUGHABLE:
            self._laughter, self._asked = 0.0, 0
        elif self._asked == 0 and laughter.can_tell():
            self._laughter, self._asked = laughter.likeness(np.stack(self._recent)), _ASKED_EACH - 1
        else:
            self._asked = max(0, self._asked - 1)
        return self._laughter


def judge(frames: Sequence[Frame]) -> list[SoundHeard]:
    """Frames of different streams, each the next of its stream."""
    streams = [frame.stream for frame in frames]
    for frame in frames:
        frame.stream.turn(frame.agent)
    sound = samples([frame.caller for frame in frames])
    speech = network.probabilities([stream.speech for stream in streams], sound)
    power = np.einsum("sn,sn->s", sound, sound) / FRAME
    dbfs = (10 * np.log10(power + _SILENT_POWER)).tolist()
    levels = [stream.floor.over(level) for stream, level in zip(streams, dbfs, strict=True)]
    worth = [level >= _AUDIBLE_DB and p >= _POSSIBLE for level, p in zip(levels, speech, strict=True)]
    echoes = _echoes(frames, sound, worth)
    heard = []
    for row, (frame, probability, level) in enumerate(zip(frames, speech, levels, strict=True)):
        like = echoes.get(row, 0.0)
        laughs = frame.stream.laughs(sound[row], probability, like)
        heard.append(SoundHeard(frame.at, probability, level, like, laughs))
    return heard


def _echoes(frames: Sequence[Frame], sound: Samples, worth: list[bool]) -> dict[int, float]:
    """The likeness, by row, of the frames for which there is any."""
    rows, memories, agents = [], [], []
    for row, frame in enumerate(frames):
        memory = frame.stream.compared(frame.agent, worth[row])
        if memory is not None:
            rows.append(row)
            memories.append(memory)
            agents.append(frame.agent or _SILENCE)
    if not rows:
        return {}
    return dict(zip(rows, echo.likenesses(memories, sound[rows], samples(agents)), strict=True))


def samples(frames: Sequence[bytes]) -> Samples:
    """mu-law as the networks and spectra take it, a row for each frame."""
    pcm = np.frombuffer(audio.mulaw_decode(b"".join(frames)), "<i2")
    return pcm.reshape(len(frames), FRAME).astype(np.float32) * _SCALE


class Ear:
    """One call's ear that judges at once, where nothing stands behind it that must not wait."""

    def __init__(self) -> None:
        self._stream = Stream()
        self.agent = self._stream.agent
        self.clear = self._stream.clear

    def caller(self, mulaw: bytes, now: float) -> list[SoundHeard]:
        """What was heard in the frames that this sound completes."""
        return [heard for frame in self._stream.caller(mulaw, now) for heard in judge([frame])]
