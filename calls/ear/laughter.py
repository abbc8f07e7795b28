"""How much more like laughing, coughing or clearing one's throat than like speech the last second of a caller's sound is.

Silero takes a laugh for speech: it is a voice. YAMNet, which was taught the 521 kinds of sound of AudioSet, tells the two
apart as it comes, without having heard any recording of ours. Its file (Apache-2.0, eight bits) is inside the package sead,
of which nothing else is used and whose requirements are not installed. Where it is missing, nothing is taken for laughter.
"""

from __future__ import annotations

import functools
import importlib.util
import logging
import math
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime

from calls.ear.network import FRAME, NoNetwork, Samples

logger = logging.getLogger("calls")

PACKAGE = "sead"
ARCHIVE = "data/YamNet_w8a8.onnx.zip"

FRAMES = 31
"""Of ours, 992 ms: the 96 spectra, each 10 ms after the one before, that the network judges at a time."""

_SPEECH = 0
_LAUGHTER = [13, 14, 15, 16, 17, 18]  # laughter, baby laughter, giggle, snicker, belly laugh, chuckle
_COUGH = [42, 43, 44]  # cough, throat clearing, sneeze
"""Places of AudioSet's classes among the network's scores."""

_NONE, _ALL = -10.0, 2.0
"""By so much the best of these classes is behind speech, or before it, where the likeness is 0 and 1 (in the network's scores,
which are logits). Of 107 stretches of 560 ms of speech in the development set none is above 0.35; most laughs and coughs
are above 0.6."""

_INPUT_SCALE, _INPUT_ZERO = 0.04793788, 144
_OUTPUT_SCALE = 0.7565417
"""How the file's eight bits count."""

_WINDOW, _STEP, _FFT = 400, 160, 512  # 25 ms, 10 ms, in samples at 16 kHz
_SPECTRA, _BANDS = 96, 64
_LOWEST_HZ, _HIGHEST_HZ = 125.0, 7500.0
_LEAST = np.float32(1e-6)


def _edges() -> npt.NDArray[np.float64]:
    """Of the bands, in Hz: even on the mel scale."""

    def mel(hz: float) -> float:
        return 2595 * math.log10(1 + hz / 700)

    steps = np.linspace(mel(_LOWEST_HZ), mel(_HIGHEST_HZ), _BANDS + 2)
    return 700 * (10 ** (steps / 2595) - 1)


def _triangles() -> tuple[Samples, Samples, npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
    """Each line of a spectrum lies between two edges: on the rise of one band, and on the fall of the one before.

    Summed up piece by piece: a product of matrices this small costs a hundred times as much where its library wants threads.
    """
    edges, lines = _edges(), np.arange(_FFT // 2 + 1) * (16000 / _FFT)
    piece = np.clip(np.searchsorted(edges, lines, side="right") - 1, 0, _BANDS)
    inside = (lines > edges[0]) & (lines < edges[-1])
    rise = np.where(inside, (lines - edges[piece]) / np.diff(edges)[piece], 0).astype(np.float32)
    fall = np.where(inside, 1 - rise, 0).astype(np.float32)
    starts = np.minimum(np.searchsorted(piece, np.arange(_BANDS + 1)), len(lines) - 1)
    held = np.isin(np.arange(_BANDS + 1), piece)
    return rise, fall, starts, held


_RISE, _FALL, _STARTS, _HELD = _triangles()
_SHAPE = np.zeros(_FFT, np.float32)
_SHAPE[(_FFT - _WINDOW) // 2 : (_FFT + _WINDOW) // 2] = np.hanning(_WINDOW + 1)[:_WINDOW]


@functools.cache
def _session() -> onnxruntime.InferenceSession:
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise NoNetwork(
            f"the package {PACKAGE} is missing: laughter and coughs are taken for speech. `make run` installs it"
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    with tempfile.TemporaryDirectory() as folder:  # the weights are a file of their own, which is found by its path
        with zipfile.ZipFile(Path(spec.submodule_search_locations[0]) / ARCHIVE) as archive:
            archive.extractall(folder)
        model = next(Path(folder).rglob("*.onnx"))
        return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


@functools.cache
def can_tell() -> bool:
    """Whether the network is there; said once when it is not. Loads it (60 ms)."""
    try:
        _session()
    except Exception as error:
        logger.warning("Laughter cannot be told from speech: %s", error)
        return False
    return True


def likeness(sound: Samples) -> float:
    """Of the last second, 0 to 1. `sound`: FRAMES frames, one after the other."""
    scores = _scores(_log_mel(_twice_as_fine(sound.reshape(FRAMES * FRAME))))
    ahead = (max(scores[_LAUGHTER].max(), scores[_COUGH].max()) - scores[_SPEECH]) * _OUTPUT_SCALE
    return float(min(1.0, max(0.0, (ahead - _NONE) / (_ALL - _NONE))))


def _twice_as_fine(sound: Samples) -> Samples:
    """At 16 kHz, as the network of speech hears it."""
    fine = np.repeat(sound, 2)
    fine[1:-1:2] = (sound[:-1] + sound[1:]) * np.float32(0.5)
    return fine


def _log_mel(sound: Samples) -> Samples:
    pieces = np.lib.stride_tricks.sliding_window_view(sound, _FFT)[::_STEP][-_SPECTRA:]
    spectra: Samples = np.abs(np.fft.rfft(pieces * _SHAPE)).astype(np.float32, copy=False)
    rise = np.add.reduceat(spectra * _RISE, _STARTS, axis=1) * _HELD
    fall = np.add.reduceat(spectra * _FALL, _STARTS, axis=1) * _HELD
    return np.log(rise[:, :-1] + fall[:, 1:] + _LEAST)


def _scores(bands: Samples) -> Samples:
    given = np.clip(np.round(bands / _INPUT_SCALE + _INPUT_ZERO), 0, 255).astype(np.uint8)
    (found,) = _session().run(None, {"audio": given[None, None]})
    return np.asarray(found, np.float32).ravel()
