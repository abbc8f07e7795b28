"""PCM from a voice as the phone has it: mu-law, 8 kHz, piece by piece as it arrives."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from calls import audio

TAPS = 33
"""Of the low-pass filter. It delays the sound by 1 ms: the last millisecond of a sentence, which is silence, never comes out."""

_SCALE = 1 << 15


def _kernel() -> npt.NDArray[np.int64]:
    """A Hann-windowed sinc that keeps what is above 3.6 kHz from folding down. In whole numbers: the result of a sum must not
    depend on how the sound was cut into pieces."""
    n = np.arange(TAPS) - TAPS // 2
    kernel = np.sinc(0.45 * n) * np.hanning(TAPS + 2)[1:-1]
    whole: npt.NDArray[np.int64] = np.rint(kernel / kernel.sum() * _SCALE).astype(np.int64)
    return whole


_KERNEL = _kernel()


class Pcm16k:
    """Signed 16-bit little-endian PCM at 16 kHz, mono, in pieces of any length. See Sound in base.py."""

    def __init__(self) -> None:
        self._rest = b""
        self._before = np.zeros(TAPS - 1, np.int64)

    def take(self, chunk: bytes) -> bytes:
        """The sound that this piece completes: one byte for each two samples."""
        data = self._rest + chunk
        whole = len(data) - len(data) % 4
        self._rest = data[whole:]
        if not whole:
            return b""
        samples = np.concatenate([self._before, np.frombuffer(data[:whole], "<i2")])
        self._before = samples[1 - TAPS :]
        windows = np.lib.stride_tricks.sliding_window_view(samples, TAPS)[::2]
        reduced = (windows @ _KERNEL + _SCALE // 2) // _SCALE
        return audio.mulaw_encode(np.clip(reduced, -32768, 32767).astype("<i2").tobytes())
