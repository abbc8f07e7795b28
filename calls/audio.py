"""Sound of the telephone: mu-law, resampling, framing, peaks. Pure functions.

mu-law is G.711: one byte a sample, 8 kHz, mono, so 8 bytes are one millisecond. PCM is signed 16-bit little-endian.
"""

from __future__ import annotations

import struct

import numpy as np
import numpy.typing as npt

RATE = 8000
BYTES_PER_MS = 8
FRAME = 160
SILENCE = b"\xff"

_BIAS = 0x84
_CLIP = 32635


def _decoding_table() -> npt.NDArray[np.int16]:
    code = ~np.arange(256, dtype=np.int32) & 0xFF
    magnitude = ((((code & 0x0F) << 3) + _BIAS) << ((code & 0x70) >> 4)) - _BIAS
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


def _encoding_table() -> npt.NDArray[np.uint8]:
    sample = np.arange(-32768, 32768, dtype=np.int32)
    magnitude = np.minimum(np.abs(sample), _CLIP) + _BIAS
    exponent = np.floor(np.log2(magnitude)).astype(np.int32) - 7
    mantissa = (magnitude >> (exponent + 3)) & 0x0F
    code = (np.where(sample < 0, 0x80, 0) | (exponent << 4) | mantissa) ^ 0xFF
    table: npt.NDArray[np.uint8] = code.astype(np.uint8)
    return table


_DECODE = _decoding_table()
_ENCODE = _encoding_table()


def mulaw_decode(mulaw: bytes) -> bytes:
    """mu-law to 16-bit PCM at the same rate; twice as many bytes."""
    return _DECODE[np.frombuffer(mulaw, np.uint8)].astype("<i2").tobytes()


def mulaw_encode(pcm16: bytes) -> bytes:
    """16-bit PCM to mu-law at the same rate; half as many bytes."""
    return _ENCODE[np.frombuffer(pcm16, "<i2").astype(np.int32) + 32768].tobytes()


def resample(pcm16: bytes, rate_from: int, rate_to: int) -> bytes:
    """Mono PCM at another rate: a windowed average before going down, linear between samples."""
    if rate_from == rate_to or not pcm16:
        return pcm16
    samples = np.frombuffer(pcm16, "<i2").astype(np.float64)
    if rate_to < rate_from:
        # A Hann-windowed sinc below the new half rate keeps what is above it from folding down.
        cutoff = 0.45 * rate_to / rate_from
        half = int(4 / cutoff)
        n = np.arange(-half, half + 1)
        kernel = 2 * cutoff * np.sinc(2 * cutoff * n) * np.hanning(len(n) + 2)[1:-1]
        samples = np.convolve(samples, kernel / kernel.sum())[half : half + len(samples)]
    count = round(len(samples) * rate_to / rate_from)
    at = np.arange(count) * (rate_from / rate_to)
    moved = np.interp(at, np.arange(len(samples)), samples)
    return bytes(np.clip(np.rint(moved), -32768, 32767).astype("<i2").tobytes())


def silence(ms: float) -> bytes:
    """mu-law silence of a length."""
    return SILENCE * round(ms * BYTES_PER_MS)


def interleave(left: bytes, right: bytes) -> bytes:
    """Two tracks of the same length as the samples of a stereo file."""
    both = bytearray(len(left) * 2)
    both[0::2] = left
    both[1::2] = right
    return bytes(both)


def mulaw_wav_header(data_bytes: int, channels: int = 2) -> bytes:
    """A RIFF header for mu-law (format 7): 58 bytes, the `fact` chunk of non-PCM formats included."""
    frames = data_bytes // channels
    return (
        struct.pack("<4sI4s", b"RIFF", 50 + data_bytes, b"WAVE")
        + struct.pack("<4sIHHIIHHH", b"fmt ", 18, 7, channels, RATE, RATE * channels, channels, 8, 0)
        + struct.pack("<4sII", b"fact", 4, frames)
        + struct.pack("<4sI", b"data", data_bytes)
    )


HEADER_BYTES = len(mulaw_wav_header(0))


def peaks(mulaw: bytes, buckets: int) -> list[float]:
    """The loudest sample of each of `buckets` equal parts, 0…1, two decimals: enough to draw."""
    samples = np.abs(_DECODE[np.frombuffer(mulaw, np.uint8)].astype(np.int32))
    if not len(samples) or buckets < 1:
        return []
    edges = np.linspace(0, len(samples), min(buckets, len(samples)) + 1).astype(int)[:-1]
    return [round(float(value) / 32768, 2) for value in np.maximum.reduceat(samples, edges)]
