"""The quality fields of the track word, drawn from tables of 4096 equally likely entries."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.events.tracks.settings import TrackSettings
from sim.events.tracks.word import FIELDS

_BITS = 12
_ENTRIES = 1 << _BITS
_LAYERS = 6


@dataclass(frozen=True)
class QualityTables:
    """Fields of the track word by 12 random bits, each at its place in its 32 bits of the word.

    Attributes
    ----------
    bendchi2, hitpattern, mva_quality : uint32 arrays, shape (4096,)
        In bits 0 to 31.
    chi2rz : uint32 array, shape (4096,)
        In bits 32 to 63.
    chi2rphi : uint32 array, shape (4096,)
        In bits 64 to 95.
    """

    bendchi2: NDArray[np.uint32]
    hitpattern: NDArray[np.uint32]
    mva_quality: NDArray[np.uint32]
    chi2rz: NDArray[np.uint32]
    chi2rphi: NDArray[np.uint32]

    def draw(self, random: NDArray[np.uint64]) -> tuple[NDArray[np.uint32], NDArray[np.uint32], NDArray[np.uint32]]:
        """What the quality fields put into each 32 bits of the words, from 60 random bits a track."""
        low = self.bendchi2.take(_twelve(random, 0))
        low |= self.hitpattern.take(_twelve(random, 1))
        low |= self.mva_quality.take(_twelve(random, 2))
        return low, self.chi2rz.take(_twelve(random, 3)), self.chi2rphi.take(_twelve(random, 4))


def _twelve(random: NDArray[np.uint64], place: int) -> NDArray[np.int64]:
    """12 of the bits, as an index."""
    bits = random >> np.uint64(_BITS * place)
    bits &= np.uint64(_ENTRIES - 1)
    return bits.view(np.int64)


def _table(name: str, values: NDArray[np.integer], probability: NDArray[np.float64]) -> NDArray[np.uint32]:
    """Entries in proportion to the probabilities, rounded to 1/4096."""
    edges = np.rint(np.cumsum(probability) / np.sum(probability) * _ENTRIES).astype(int)
    entries = np.repeat(values, np.diff(edges, prepend=0))
    return entries.astype(np.uint32) << np.uint32(FIELDS[name].offset % 32)


def _log_normal(name: str, median: float, spread: float) -> NDArray[np.uint32]:
    from scipy.special import ndtr

    lower = np.array(FIELDS[name].edges)
    with np.errstate(divide="ignore"):  # the first edge is 0
        cumulative = ndtr((np.log(lower) - np.log(median)) / spread)
    return _table(name, np.arange(len(lower)), np.diff(cumulative, append=1.0))


def _beta(name: str, a: float, b: float) -> NDArray[np.uint32]:
    from scipy.special import betainc

    lower = np.array(FIELDS[name].edges)
    return _table(name, np.arange(len(lower)), np.diff(betainc(a, b, lower), append=1.0))


def _patterns(weights: tuple[float, ...]) -> NDArray[np.uint32]:
    """Hit patterns of 4, 5 and 6 stubs in six layers (the seventh bit is never set)."""
    patterns = np.arange(1 << _LAYERS)
    stubs = np.array([int(p).bit_count() for p in patterns])
    probability = np.zeros(len(patterns))
    for n, weight in zip((4, 5, 6), weights, strict=True):
        probability[stubs == n] = weight / np.sum(stubs == n)
    return _table("hitpattern", patterns, probability)


def quality_tables(settings: TrackSettings, kind: str) -> QualityTables:
    """The tables of tracks of one kind, "real" or "fake"."""

    def setting(name: str) -> tuple[float, ...]:
        values: tuple[float, ...] = getattr(settings, f"{name}_{kind}")
        return values

    return QualityTables(
        bendchi2=_log_normal("bendchi2", *setting("bendchi2")),
        hitpattern=_patterns(setting("stubs")),
        mva_quality=_beta("mva_quality", *setting("mva")),
        chi2rz=_log_normal("chi2rz", *setting("chi2rz")),
        chi2rphi=_log_normal("chi2rphi", *setting("chi2rphi")),
    )
