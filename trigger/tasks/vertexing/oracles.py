"""Weights that know more than a network may: how far a histogram of weighted tracks can go at all."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from sim.events.tracks.events import TrackEvents
from trigger.tasks.vertexing.fasthisto import HALF_RANGE_CM
from trigger.tasks.vertexing.samples import feature_words
from trigger.tasks.vertexing.tables import MVA_BITS, features

__all__ = ["density_ratio", "oracle_positions", "weighted_position_cm"]

_PT_BITS, _ETA_BITS = 5, 4


def density_ratio(train: TrackEvents, cell: NDArray[np.int64], cells: int) -> NDArray[np.float64]:
    """Density of primary over that of other tracks in each cell of words, processes counted alike.

    Cells with few tracks are drawn towards 0 by one pile-up track more.
    """
    owner = train.process[train.event_of_track()]
    ratio = np.zeros(cells)
    processes = np.unique(train.process)
    for process in processes:
        inside = owner == process
        primary = np.bincount(cell[inside & train.is_primary], minlength=cells)
        other = np.bincount(cell[inside & ~train.is_primary], minlength=cells)
        ratio += primary / (other + 1.0) / len(processes)
    return ratio


def weighted_position_cm(
    events: TrackEvents, weight: NDArray[np.float64], *, bins: int = 256, window: int = 3
) -> NDArray[np.float64]:
    """FastHisto's position with other weights: weighted mean in the first highest window, in cm."""
    width = 2 * HALF_RANGE_CM / bins
    bin = np.floor((events.z0.astype(np.float64) + HALF_RANGE_CM) / width).astype(np.int64)
    inside = (bin >= 0) & (bin < bins)
    place = events.event_of_track()[inside] * bins + bin[inside]
    sums = np.bincount(place, weights=weight[inside], minlength=len(events) * bins).reshape(-1, bins)
    windows = np.lib.stride_tricks.sliding_window_view(sums, window, axis=1)
    first = windows.sum(axis=2).argmax(axis=1)
    chosen = windows[np.arange(len(events)), first]
    offset = (chosen * np.arange(window)).sum(axis=1) / np.maximum(chosen.sum(axis=1), 1e-12)
    return (first + offset + 0.5) * width - HALF_RANGE_CM


def oracle_positions(train: TrackEvents, test: TrackEvents) -> dict[str, NDArray[np.float64]]:
    """Positions on test events by weights from the truth.

    Tables of the ratio of densities know the mixture but no single track; the last one knows which tracks are primary,
    so what it misses is lost by resolution, acceptance and binning.

    Parameters
    ----------
    train, test : TrackEvents

    Returns
    -------
    dict of label to float64 array of shape (events,)
    """
    cells = 1 << (_PT_BITS + _ETA_BITS + MVA_BITS)
    ratio = density_ratio(train, _cells(train), cells)
    seen = ratio[_cells(test)]
    shapes: dict[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
        "table: ratio of densities": lambda r: r,
        "table: log(1 + ratio)": np.log1p,
        "table: log(1 + 3 ratio)": lambda r: np.log1p(3 * r),
        "table: log(1 + 10 ratio)": lambda r: np.log1p(10 * r),
    }
    positions = {label: weighted_position_cm(test, shape(seen)) for label, shape in shapes.items()}
    positions["truth: primary tracks alone"] = weighted_position_cm(test, test.is_primary.astype(np.float64))
    return positions


def _cells(events: TrackEvents) -> NDArray[np.int64]:
    cell = np.zeros(len(events.words), np.int64)
    for feature in features(_PT_BITS, _ETA_BITS):
        cell = (cell << feature.format.width) | feature_words(events.words, feature)
    return cell
