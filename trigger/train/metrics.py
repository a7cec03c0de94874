"""Physics metrics on the integer output words of a network: what the firmware decides, not what a float model would.

A working point is a threshold on the output word: an event is accepted if ``word >= threshold``. Integer words tie
often, so a wanted signal efficiency can rarely be met exactly. The threshold is the highest that still reaches it,
and the background efficiency is the one *at that threshold*: nothing is interpolated, since no firmware could do
that, and the choice can only make a coarse network look worse. The achieved signal efficiency is stated beside.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trigger.errors import UserError
from trigger.train.intervals import clopper_pearson

__all__ = ["SIGNAL_EFFICIENCIES", "Metrics", "WorkingPoint", "auc", "check_two_classes", "roc", "working_point"]

SIGNAL_EFFICIENCIES = (0.90, 0.95, 0.975, 0.995)
Words = NDArray[np.int64]


@dataclass(frozen=True)
class WorkingPoint:
    """One threshold and what it does; intervals are 68% Clopper-Pearson."""

    wanted_signal_efficiency: float
    threshold: int
    """Accepted: output word >= threshold."""
    signal_efficiency: float
    signal_efficiency_low: float
    signal_efficiency_high: float
    background_efficiency: float
    background_efficiency_low: float
    background_efficiency_high: float


@dataclass(frozen=True)
class Metrics:
    """Metrics of a selection of events."""

    signal_events: int
    background_events: int
    auc: float
    working_points: tuple[WorkingPoint, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain values for a file."""
        return asdict(self)


def check_two_classes(is_signal: NDArray[np.bool_], subject: str = "the data set") -> None:
    """Refuse an empty or a one-class set.

    Raises
    ------
    UserError
    """
    signal = int(np.count_nonzero(is_signal))
    background = len(is_signal) - signal
    if not signal or not background:
        raise UserError(
            f"{subject} must hold signal and background events, not {signal} signal and {background} background; "
            "check the labels or the number of events"
        )


def auc(signal: Words, background: Words) -> float:
    """Area under the ROC curve: P(signal > background) + P(tie) / 2.

    Parameters
    ----------
    signal, background : int64 arrays of shape (events,)
        Output words; neither empty.

    Returns
    -------
    float
        0 to 1.
    """
    order = np.sort(background)
    below = np.searchsorted(order, signal, side="left")
    ties = np.searchsorted(order, signal, side="right") - below
    # Integers up to the last step, so that the figure does not depend on the order of the events.
    return float((2 * int(below.sum()) + int(ties.sum())) / (2 * len(signal) * len(background)))


def working_point(signal: Words, background: Words, wanted: float) -> WorkingPoint:
    """The highest threshold whose signal efficiency is at least ``wanted``.

    Parameters
    ----------
    signal, background : int64 arrays of shape (events,)
        Output words; neither empty.
    wanted : float
        Signal efficiency, above 0 and at most 1.

    Returns
    -------
    WorkingPoint
    """
    needed = int(np.ceil(wanted * len(signal) - 1e-9))
    threshold = int(np.sort(signal)[len(signal) - max(needed, 1)])
    passed = np.array([np.count_nonzero(signal >= threshold), np.count_nonzero(background >= threshold)])
    total = np.array([len(signal), len(background)])
    low, high = clopper_pearson(passed, total)
    rate = passed / total
    return WorkingPoint(
        wanted_signal_efficiency=wanted,
        threshold=threshold,
        signal_efficiency=float(rate[0]),
        signal_efficiency_low=float(low[0]),
        signal_efficiency_high=float(high[0]),
        background_efficiency=float(rate[1]),
        background_efficiency_low=float(low[1]),
        background_efficiency_high=float(high[1]),
    )


def roc(words: Words, is_signal: NDArray[np.bool_], points: int = 400) -> dict[str, NDArray[np.float64]]:
    """The ROC curve with the band of its background efficiency.

    Parameters
    ----------
    words : int64 array of shape (events,)
    is_signal : bool array of shape (events,)
    points : int
        Thresholds kept at most, evenly in signal efficiency.

    Returns
    -------
    dict of str to float array
        ``threshold``, ``signal_efficiency``, ``background_efficiency``, ``background_efficiency_low`` and ``..._high``,
        by falling threshold.

    Raises
    ------
    UserError
        The events are none, or all of one class.
    """
    check_two_classes(is_signal)
    signal, background = np.sort(words[is_signal]), np.sort(words[~is_signal])
    thresholds = np.unique(words)[::-1]
    passed_signal = len(signal) - np.searchsorted(signal, thresholds, side="left")
    passed = len(background) - np.searchsorted(background, thresholds, side="left")
    if len(thresholds) > points:
        wanted = np.linspace(0, len(signal), points)
        keep = np.unique(np.minimum(np.searchsorted(passed_signal, wanted), len(thresholds) - 1))
        thresholds, passed_signal, passed = thresholds[keep], passed_signal[keep], passed[keep]
    low, high = clopper_pearson(passed, np.full(len(passed), len(background)))
    return {
        "threshold": thresholds.astype(np.float64),
        "signal_efficiency": passed_signal / len(signal),
        "background_efficiency": passed / len(background),
        "background_efficiency_low": low,
        "background_efficiency_high": high,
    }
