"""The metrics of this task: AUC and working points, by region of pseudorapidity."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trigger.train.metrics import SIGNAL_EFFICIENCIES, Metrics, auc, check_two_classes, working_point

__all__ = ["ETA_REGIONS", "measure"]

ETA_REGIONS: dict[str, tuple[float, float]] = {
    "inclusive": (0.0, np.inf),
    "low_eta": (1.5, 2.7),
    "high_eta": (2.7, 3.0),
}
"""Regions of |eta|, lower edge included: CMSSW's two, and all."""


def measure(
    words: NDArray[np.int64], is_signal: NDArray[np.bool_], eta: NDArray[np.floating], extra: tuple[float, ...] = ()
) -> dict[str, Metrics]:
    """AUC and working points, inclusive and in each region of |eta|.

    Parameters
    ----------
    words : int64 array of shape (events,)
        Output words of the network.
    is_signal : bool array of shape (events,)
    eta : float array of shape (events,)
    extra : tuple of float
        Signal efficiencies beside `SIGNAL_EFFICIENCIES`.

    Returns
    -------
    dict of str to Metrics
        By the names of `ETA_REGIONS`; a region without both classes is left out, the inclusive one never.

    Raises
    ------
    UserError
        The events are none, or all of one class.
    """
    check_two_classes(is_signal)
    wanted = tuple(sorted({*SIGNAL_EFFICIENCIES, *extra}))
    found: dict[str, Metrics] = {}
    for name, (low, high) in ETA_REGIONS.items():
        inside = (np.abs(eta) >= low) & (np.abs(eta) < high) if name != "inclusive" else np.ones(len(words), dtype=bool)
        signal, background = words[inside & is_signal], words[inside & ~is_signal]
        if len(signal) and len(background):
            found[name] = Metrics(
                signal_events=len(signal),
                background_events=len(background),
                auc=auc(signal, background),
                working_points=tuple(working_point(signal, background, efficiency) for efficiency in wanted),
            )
    return found
