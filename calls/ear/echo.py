"""How much of the caller's sound is what the agent was playing a little before: the coherence of the two.

In short spectra of both, an echo is the agent's sound times one complex number for each frequency, whatever the gain, the phone's
band and the first part of a room do to it; a voice of its own has phases of its own. Averaged over a third of a second, the share
of the caller's sound that such numbers explain is near 1 for an echo and near chance for a person. The delay that explains most
is believed. docs/decisions.md has the figures by which this was chosen.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from calls.ear.network import FRAME, Samples

_WINDOW = 512
"""Samples of a spectrum, 64 ms: they hold a room's first reflections. Half as long,
0.5 of a loud room's echo would be explained instead of 0.6."""

_STEP = 128
"""Samples from one delay that is tried to the next, 16 ms: an echo between two of them loses a twentieth."""

_DELAYS = 32
"""How many are tried, up to 500 ms: a carrier there and back, and a loudspeaker's buffer."""

_BINS = slice(20, 218, 4)
"""300-3400 Hz, each fourth frequency: 62 Hz apart the figures are those of all, at a quarter of the cost."""

_FADE = np.float32(math.exp(-FRAME / 8 / 300))
"""With each frame: the average reaches back 300 ms. With 250 ms, 6 % of people's frames would pass for an echo's instead of 5 %."""

_CHANCE, _CERTAIN = 0.1, 0.65
"""Shares that are told as 0 and 1. Two people talking at once have 0.08-0.13 by chance, echoes 0.6 and more."""

_LEAST = np.float32(1e-7)
"""Less than mu-law's own error has: silence is like nothing."""

_SHAPE = np.hanning(_WINDOW + 1)[:_WINDOW].astype(np.float32)
_COUNT = len(range(*_BINS.indices(_WINDOW // 2 + 1)))
_KEPT = _WINDOW - FRAME + _STEP

HISTORY = 36
"""Frames of the agent's sound from which a comparison begins: the longest delay, and twice what the average reaches back."""

Spectra = npt.NDArray[np.complex64]


# Of the spectra of a history, the newest first, each second one is in the average of a delay, and the older the less.
_AGES = np.arange(2 * HISTORY - 3)[None] - np.arange(_DELAYS)[:, None]
_AVERAGING = np.where((_AGES >= 0) & (_AGES % 2 == 0), _FADE ** (_AGES / 2), 0).astype(np.float32)


class Memory:
    """What is known of one stream since the agent began to sound. `sounding`: frames since then, this one included."""

    __slots__ = ("cross", "own", "powers", "sounding", "spectra", "tails")

    def __init__(self) -> None:
        self.sounding = 0
        # Averages: the power of the caller's sound; for each delay, that of the agent's, and the product of the two.
        self.own: Samples = np.zeros(_COUNT, np.float32)
        self.powers: Samples = np.zeros((_DELAYS, _COUNT), np.float32)
        self.cross: Spectra = np.zeros((_DELAYS, _COUNT), np.complex64)

    def begin(self, history: Samples, missed: int) -> None:
        """Take up the comparison after so many frames in which the caller was quiet. `history`: the agent's sound until now."""
        windows = np.lib.stride_tricks.sliding_window_view(history, _WINDOW)[::-_STEP]
        newest_first: Spectra = np.fft.rfft(windows * _SHAPE)[:, _BINS].astype(np.complex64, copy=False)
        self.spectra = newest_first[:_DELAYS]  # of the agent's sound, one for each delay
        self.tails: Samples = np.stack([np.zeros(_KEPT, np.float32), history[-_KEPT:]])  # of the caller's, the agent's
        faded = _FADE**missed
        self.own, self.cross = self.own * faded, self.cross * faded
        self.powers = self.powers * faded + (_AVERAGING * (2 * missed > _AGES)) @ _power(newest_first)


def likenesses(memories: Sequence[Memory], caller: Samples, agent: Samples) -> list[float]:
    """Of each stream's next frame (a row), 0 to 1."""
    theirs, ours = _spectra(memories, caller, agent)
    # A frame later, each of the agent's spectra is two delays older.
    spectra = np.concatenate([ours, np.stack([m.spectra[:-2] for m in memories])], axis=1)
    powers = np.stack([m.powers for m in memories])
    powers = np.concatenate([_power(ours) + _FADE * powers[:, :2], powers[:, :-2]], axis=1)
    own = _power(theirs) + _FADE * np.stack([m.own for m in memories])
    cross = np.stack([m.cross for m in memories])
    cross *= _FADE
    cross += spectra * theirs.conj()[:, None]
    # Each frequency counts by its amplitude. By its power, one vowel's few harmonics would be all there is, and two voices on
    # one pitch an echo.
    weights = np.sqrt(own + _LEAST)
    explained = _power(cross) / (powers + _LEAST)
    shares = np.einsum("sdb,sb->sd", explained, 1 / weights).max(axis=1) / weights.sum(axis=1)
    for number, memory in enumerate(memories):
        memory.spectra, memory.powers = spectra[number], powers[number]
        memory.cross, memory.own = cross[number], own[number]
    return [_likeness(share, memory.sounding) for share, memory in zip(shares.tolist(), memories, strict=True)]


def _spectra(memories: Sequence[Memory], caller: Samples, agent: Samples) -> tuple[Spectra, Spectra]:
    """One of each caller's sound, and two of the agent's, the newer first."""
    sounds = np.concatenate([np.stack([m.tails for m in memories], axis=1), np.stack([caller, agent])], axis=2)
    for number, memory in enumerate(memories):
        memory.tails = sounds[:, number, FRAME:]
    newest, before = sounds[..., _STEP:], sounds[1:, :, :_WINDOW]
    found: Spectra = np.fft.rfft(np.concatenate([newest, before]) * _SHAPE)[..., _BINS].astype(np.complex64, copy=False)
    return found[0], found[1:].swapaxes(0, 1)


def _power(spectra: Spectra) -> Samples:
    return spectra.real**2 + spectra.imag**2


def _likeness(share: float, sounding: int) -> float:
    # Of the first few spectra any two sounds explain each other: an average counts as far as it is filled.
    filled = 1 - float(_FADE) ** sounding
    return min(1.0, max(0.0, (share * filled - _CHANCE) / (_CERTAIN - _CHANCE)))
