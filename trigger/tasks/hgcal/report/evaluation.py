"""A classifier on the test events, as stored in result files: metrics by region, and the ROC curve with its band."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trigger.tasks.hgcal.metrics import ETA_REGIONS, measure
from trigger.tasks.hgcal.report.record import Performance, WorkingPoint
from trigger.train.metrics import roc

__all__ = ["evaluate", "performance", "ranks"]


def evaluate(
    name: str, label: str, features: tuple[str, ...], words: NDArray[np.int64], is_signal: NDArray[np.bool_],
    eta: NDArray[np.floating], signal_efficiency: float,
) -> dict[str, Any]:  # fmt: skip
    """Judge output words.

    Parameters
    ----------
    name, label : str
        Short name in files, and text for people.
    features : tuple of str
        Variables that the classifier reads.
    words : int64 array of shape (events,)
    is_signal : bool array of shape (events,)
    eta : float array of shape (events,)
    signal_efficiency : float
        Working point of the study, beside the usual ones.

    Returns
    -------
    dict
        Plain values: ``name``, ``label``, ``features``, ``metrics`` by region, ``roc``.
    """
    curve = roc(words, is_signal)
    return {
        "name": name,
        "label": label,
        "features": list(features),
        "metrics": {
            region: found.to_json() for region, found in measure(words, is_signal, eta, (signal_efficiency,)).items()
        },
        "roc": {key: values.tolist() for key, values in curve.items() if key != "threshold"},
    }


def ranks(scores: NDArray[np.floating]) -> NDArray[np.int64]:
    """Scores as integers in the same order, ties kept: the metrics know only words, and a float model gives none."""
    return np.unique(scores, return_inverse=True)[1].astype(np.int64)


def performance(content: Mapping[str, Any]) -> Performance:
    """What the page shows of an evaluation that was read back from its file."""
    regions = {region: _points(found) for region, found in content["metrics"].items()}
    curve = content["roc"]
    return Performance(
        name=content["name"],
        label=content["label"],
        n_features=len(content["features"]),
        auc=content["metrics"]["inclusive"]["auc"],
        signal_efficiency=tuple(curve["signal_efficiency"]),
        background_efficiency=tuple(curve["background_efficiency"]),
        low=tuple(curve["background_efficiency_low"]),
        high=tuple(curve["background_efficiency_high"]),
        working_points=regions["inclusive"],
        regions={_in_words(region): points for region, points in regions.items() if region != "inclusive"},
    )


def _in_words(region: str) -> str:
    low, high = ETA_REGIONS[region]
    return f"{low:g} ≤ |η| < {high:g}"


def _points(found: Mapping[str, Any]) -> tuple[WorkingPoint, ...]:
    return tuple(
        WorkingPoint(
            signal_efficiency=point["wanted_signal_efficiency"],
            background_efficiency=point["background_efficiency"],
            low=point["background_efficiency_low"],
            high=point["background_efficiency_high"],
        )
        for point in found["working_points"]
    )
