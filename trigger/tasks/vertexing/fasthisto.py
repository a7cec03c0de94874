"""FastHisto, the baseline: tracks weighted by pT in a histogram, the highest window of three bins, cuts on |dz|.

In floating point on the track finder's values before they are digitised, and in the integers of the published
emulation. Both as read in CMSSW's public description; the formats are in `docs/vertexing.md`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.events.tracks.events import TrackEvents
from sim.events.tracks.word import FIELDS, pt_of_words, undigitise, unpack_field

__all__ = [
    "BINS", "ETA_EDGES", "HALF_RANGE_CM", "MAX_DISTANCE_CM", "associate", "emulated_position_cm", "float_position_cm",
]  # fmt: skip

BINS = 256
HALF_RANGE_CM = 20.46912512
_WINDOW = 3
_MAX_PT_GEV = 127.0

ETA_EDGES = (0.0, 0.7, 1.0, 1.2, 1.6, 2.0, 2.4)
MAX_DISTANCE_CM = (0.37, 0.50, 0.60, 0.75, 1.00, 1.60)
"""Association: largest |dz| by |eta|."""

Words = NDArray[np.int64]

_PT_FRACTION = 5
"""ufixed<14,9>: 9 bits before the point."""
_SUM_FRACTION = 5
_SUM_HIGHEST = (1 << 16) - 1
"""ufixed<16,11>: saturates."""
_BIN_HIGHEST = (1 << 9) - 1
"""A bin is handed on as ufixed<9,9>: whole GeV."""
_NUMERATOR_HIGHEST = (1 << 11) - 1
_INVERSE_FRACTION = 13
"""ufixed<14,1>."""
_POSITION_FRACTION = 10
"""fixed<20,10>."""


def float_position_cm(
    events: TrackEvents, *, power: float = 1.0, bins: int = BINS, window: int = _WINDOW
) -> NDArray[np.float64]:
    """Position of the vertex by FastHisto in floating point.

    Parameters
    ----------
    events : TrackEvents
    power : float
        The weight is the saturated pT to this power; FastHisto has 1.
    bins, window : int
        FastHisto has 256 and 3.

    Returns
    -------
    float64 array of shape (events,)
        In cm; the weighted mean of the centres in the first highest window. 0 without tracks in range.
    """
    weight = np.minimum(events.pt.astype(np.float64), _MAX_PT_GEV) ** power
    width = 2 * HALF_RANGE_CM / bins
    bin = np.floor((events.z0.astype(np.float64) + HALF_RANGE_CM) / width).astype(np.int64)
    inside = (bin >= 0) & (bin < bins)
    sums = _sums(events.event_of_track()[inside], bin[inside], weight[inside], len(events), bins)
    centres = (np.arange(bins) + 0.5) * width - HALF_RANGE_CM
    windows = np.lib.stride_tricks.sliding_window_view(sums, window, axis=1)
    total = windows.sum(axis=2)
    first = total.argmax(axis=1)
    rows = np.arange(len(events))
    members = np.lib.stride_tricks.sliding_window_view(centres, window)[first]
    highest = total[rows, first]
    mean = (windows[rows, first] * members).sum(axis=1) / np.where(highest > 0, highest, 1.0)
    return np.where(highest > 0, mean, 0.0)


def emulated_position_cm(events: TrackEvents) -> NDArray[np.float64]:
    """Position of the vertex by the integers of the published emulation.

    pT is ``ufixed<14,9>`` (truncated) and saturates at 127 GeV; the bin is ``(z0 + 2048) >> 4``; a bin's sum
    ``ufixed<16,11>`` saturates and is truncated to ``ufixed<9,9>``; the numerator of the mean, ``sum of bin times place
    in the window`` (11 bits), is multiplied by a table of 1/sum in ``ufixed<14,1>``; the position is
    ``fixed<20,10>`` in bins.

    Parameters
    ----------
    events : TrackEvents

    Returns
    -------
    float64 array of shape (events,)
        In cm.
    """
    pt_gev = np.minimum(pt_of_words(events.words), _MAX_PT_GEV)
    pt = np.floor(pt_gev * (1 << _PT_FRACTION)).astype(np.int64)
    z0 = unpack_field(events.words, "z0").astype(np.int64)
    bin = (z0 + 2048) >> 4
    valid = unpack_field(events.words, "valid") == 1
    sums = _sums(events.event_of_track()[valid], bin[valid], pt[valid], len(events), BINS).astype(np.int64)
    heights = np.minimum(np.minimum(sums, _SUM_HIGHEST) >> _SUM_FRACTION, _BIN_HIGHEST)
    windows = np.lib.stride_tricks.sliding_window_view(heights, _WINDOW, axis=1)
    total = windows.sum(axis=2)
    first = total.argmax(axis=1)
    rows = np.arange(len(events))
    chosen, highest = windows[rows, first], total[rows, first]
    numerator = np.minimum((chosen * np.arange(_WINDOW)).sum(axis=1), _NUMERATOR_HIGHEST)
    offset = numerator * _inverse_table()[np.minimum(highest, len(_inverse_table()) - 1)]
    place = (first << _POSITION_FRACTION) + (1 << (_POSITION_FRACTION - 1))
    place = place + (offset >> (_INVERSE_FRACTION - _POSITION_FRACTION))
    return np.where(highest > 0, place / (1 << _POSITION_FRACTION) * 2 * HALF_RANGE_CM / BINS - HALF_RANGE_CM, 0.0)


def associate(
    z0_cm: NDArray[np.floating], eta: NDArray[np.floating], vertex_cm: NDArray[np.floating]
) -> NDArray[np.bool_]:
    """The baseline's association by cuts.

    Parameters
    ----------
    z0_cm, eta, vertex_cm : float arrays of shape (tracks,)
        Of each track, and the vertex of its event.

    Returns
    -------
    bool array of shape (tracks,)
        False for |eta| of 2.4 and more.
    """
    region = np.searchsorted(ETA_EDGES, np.abs(eta), side="right") - 1
    limit = np.append(MAX_DISTANCE_CM, 0.0)[np.minimum(region, len(MAX_DISTANCE_CM))]
    return np.abs(z0_cm - vertex_cm) < limit


def digitised(events: TrackEvents) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """z0 in cm and eta as the track words say, each of shape (tracks,)."""
    z0 = undigitise("z0", unpack_field(events.words, "z0"))
    return z0, np.arcsinh(undigitise("tanl", unpack_field(events.words, "tanl")))


def _sums(event: Words, bin: Words, weight: NDArray, events: int, bins: int) -> NDArray[np.float64]:
    """Weights added up by event and bin; exact for integers below 2**53."""
    sums = np.bincount(event * bins + bin, weights=weight, minlength=events * bins).astype(np.float64)
    return sums.reshape(events, bins)


def _inverse_table() -> Words:
    total = np.arange(1, 3 * _BIN_HIGHEST + 1)
    inverse = np.minimum(np.floor((1 << _INVERSE_FRACTION) / total), (1 << 14) - 1).astype(np.int64)
    return np.concatenate([np.zeros(1, np.int64), inverse])


assert FIELDS["z0"].width == 12
