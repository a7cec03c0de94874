"""What is measured of a vertex finder, for each hard process: efficiency, residuals, association, truncation.

Efficiencies carry 68% Clopper-Pearson intervals.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.events.tracks.events import TrackEvents
from trigger.tasks.vertexing.samples import process_masks
from trigger.train.intervals import clopper_pearson
from trigger.train.metrics import auc

__all__ = [
    "QUANTILES", "association_cuts", "association_roc", "association_words", "mean_efficiency", "truncation_metrics",
    "vertex_metrics",
]  # fmt: skip

QUANTILES = (0.50, 0.68, 0.90, 0.95)

_ROC_POINTS = 200


def vertex_metrics(
    position_cm: NDArray[np.floating], events: TrackEvents, window_cm: float
) -> dict[str, dict[str, float]]:
    """Efficiency and quantiles of |residual|, by process.

    Parameters
    ----------
    position_cm : float array of shape (events,)
    events : TrackEvents
    window_cm : float
        Found: nearer to the true vertex than this.

    Returns
    -------
    dict of process to dict
        ``events``, ``found``, ``efficiency``, ``efficiency_low``, ``efficiency_high``; ``residual_<q>_cm``: the
        quantile of |position - truth| at q per cent.
    """
    residual = np.abs(position_cm - events.z0_true.astype(np.float64))
    found: dict[str, dict[str, float]] = {}
    for process, mask in process_masks(events).items():
        inside = residual[mask]
        entry = _efficiency("efficiency", int(np.count_nonzero(inside < window_cm)), len(inside))
        quantiles = np.quantile(inside, QUANTILES)
        found[process] = {
            "events": len(inside), "found": int(np.count_nonzero(inside < window_cm)), **entry,
            **{f"residual_{100 * q:.0f}_cm": float(value) for q, value in zip(QUANTILES, quantiles, strict=True)},
        }  # fmt: skip
    return found


def mean_efficiency(metrics: Mapping[str, Mapping[str, float]]) -> float:
    """Vertex efficiency, averaged over the processes."""
    return float(np.mean([found["efficiency"] for found in metrics.values()]))


def association_cuts(chosen: NDArray[np.bool_], events: TrackEvents) -> dict[str, dict[str, float]]:
    """Purity and signal efficiency of a set of tracks, by process.

    Parameters
    ----------
    chosen : bool array of shape (tracks,)
        Tracks that are associated with the vertex that was found.
    events : TrackEvents

    Returns
    -------
    dict of process to dict
        ``purity``: fraction of chosen tracks that are primary; ``efficiency``: fraction of all primary tracks of all
        events that are chosen (so a wrong vertex loses all of them); both with ``_low`` and ``_high``.
    """
    found = {}
    for process, tracks in _track_masks(events).items():
        primary = events.is_primary & tracks
        both = int(np.count_nonzero(chosen & primary))
        found[process] = {
            **_efficiency("purity", both, int(np.count_nonzero(chosen & tracks))),
            **_efficiency("efficiency", both, int(np.count_nonzero(primary))),
        }
    return found


def association_words(
    words: NDArray[np.int64], kept: NDArray[np.bool_], events: TrackEvents, purity: Mapping[str, float]
) -> dict[str, dict[str, Any]]:
    """ROC AUC, and the signal efficiency at a wanted purity, by process.

    Parameters
    ----------
    words : int64 array of shape (tracks,)
        Associated: word >= threshold.
    kept : bool array of shape (tracks,)
        Tracks that entered; the others can never be associated, and count in every denominator.
    events : TrackEvents
    purity : mapping of process to float
        At least this one; the threshold is the lowest that reaches it.

    Returns
    -------
    dict of process to dict
        ``auc`` (of tracks that entered), ``threshold``, ``purity``, ``efficiency`` with ``_low`` and ``_high``.
        Efficiency 0 and threshold None where no threshold reaches the purity.
    """
    found: dict[str, dict[str, Any]] = {}
    for process, tracks in _track_masks(events).items():
        entered = kept & tracks
        primary = words[entered & events.is_primary]
        other = words[entered & ~events.is_primary]
        total = int(np.count_nonzero(events.is_primary & tracks))
        area = auc(primary, other) if len(primary) and len(other) else 0.5
        thresholds, true, false = _passing(primary, other)
        good = np.flatnonzero(true >= purity[process] * (true + false))
        entry: dict[str, Any] = {"auc": area, "wanted_purity": purity[process]}
        if len(good):
            at = good[np.argmax(true[good])]
            entry |= {
                "threshold": int(thresholds[at]),
                **_efficiency("purity", int(true[at]), int(true[at] + false[at])),
                **_efficiency("efficiency", int(true[at]), total),
            }
        else:
            entry |= {"threshold": None, **_efficiency("purity", 0, 0), **_efficiency("efficiency", 0, total)}
        found[process] = entry
    return found


def association_roc(words: NDArray[np.int64], kept: NDArray[np.bool_], events: TrackEvents) -> dict[str, Any]:
    """Signal efficiency against purity, by process, thinned to some hundred points.

    Returns
    -------
    dict of process to dict
        ``efficiency``, ``purity``, ``background``: lists by falling threshold.
    """
    curves = {}
    for process, tracks in _track_masks(events).items():
        entered = kept & tracks
        primary = words[entered & events.is_primary]
        other = words[entered & ~events.is_primary]
        _, true, false = _passing(primary, other)
        total = max(int(np.count_nonzero(events.is_primary & tracks)), 1)
        others = max(int(np.count_nonzero(~events.is_primary & tracks)), 1)
        at = np.unique(np.searchsorted(true, np.linspace(0, true[-1] if len(true) else 0, _ROC_POINTS)))
        at = at[at < len(true)]
        curves[process] = {
            "efficiency": (true[at] / total).tolist(),
            "purity": (true[at] / np.maximum(true[at] + false[at], 1)).tolist(),
            "background": (false[at] / others).tolist(),
        }
    return curves


def truncation_metrics(
    kept: NDArray[np.bool_], truncated: NDArray[np.bool_], events: TrackEvents
) -> dict[str, dict[str, float]]:
    """How much the limit of tracks cuts, by process: fractions of events and of tracks."""
    found = {}
    for process, mask in process_masks(events).items():
        tracks = np.repeat(mask, events.n_tracks)
        found[process] = {
            **_efficiency("truncated_events", int(np.count_nonzero(truncated & mask)), int(np.count_nonzero(mask))),
            **_efficiency("dropped_tracks", int(np.count_nonzero(tracks & ~kept)), int(np.count_nonzero(tracks))),
        }
    return found


def _track_masks(events: TrackEvents) -> dict[str, NDArray[np.bool_]]:
    return {process: np.repeat(mask, events.n_tracks) for process, mask in process_masks(events).items()}


def _passing(
    primary: NDArray[np.int64], other: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Thresholds, falling, and how many of either kind reach each."""
    thresholds = np.unique(np.concatenate([primary, other]))[::-1]

    def reach(words: NDArray[np.int64]) -> NDArray[np.int64]:
        return len(words) - np.searchsorted(np.sort(words), thresholds, side="left")

    return thresholds, reach(primary), reach(other)


def _efficiency(name: str, passed: int, total: int) -> dict[str, float]:
    low, high = clopper_pearson(passed, total)
    return {name: passed / total if total else 0.0, f"{name}_low": float(low), f"{name}_high": float(high)}
