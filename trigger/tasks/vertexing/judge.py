"""Finders and baselines judged on events, in plain values for files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firmware.vertex import FinderOutputs, VertexFinder
from firmware.vertex.emulate import emulate_finder
from sim.events.tracks.events import TrackEvents
from trigger.tasks.vertexing import fasthisto
from trigger.tasks.vertexing.metrics import (
    association_cuts,
    association_roc,
    association_words,
    truncation_metrics,
    vertex_metrics,
)
from trigger.tasks.vertexing.model import Z0_STEP_CM
from trigger.tasks.vertexing.samples import finder_events, process_masks

__all__ = ["baseline_purity", "cut_association", "judge_baseline", "judge_finder", "judge_outputs", "residual_curves"]

_CURVE_CM = np.geomspace(0.01, 40.0, 73)


def baseline_purity(events: TrackEvents) -> dict[str, dict[str, float]]:
    """Association of the emulated FastHisto by its cuts, as from `association_cuts`: the purity to be compared at."""
    return association_cuts(cut_association(events, fasthisto.emulated_position_cm(events)), events)


def cut_association(events: TrackEvents, vertex_cm: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Tracks that FastHisto's cuts associate with a vertex; z0 and eta as the track words say."""
    z0, eta = fasthisto.digitised(events)
    return fasthisto.associate(z0, eta, np.repeat(vertex_cm, events.n_tracks))


def judge_finder(
    finder: VertexFinder, events: TrackEvents, *, window_cm: float, reference: Mapping[str, Mapping[str, float]],
    threads: int = 1, curves: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """A finder in its own integers, by the emulator of its firmware.

    Parameters
    ----------
    finder : VertexFinder
    events : TrackEvents
    window_cm : float
    reference : mapping
        As from `baseline_purity`, of the same events.
    threads : int
        Of the emulator.
    curves : bool
        Whether curves for a report are added.

    Returns
    -------
    dict
        As from `judge_outputs`.
    """
    outputs = emulate_finder(finder, finder_events(events, finder.lanes), threads=threads)
    return judge_outputs(outputs, events, window_cm=window_cm, reference=reference, curves=curves)


def judge_outputs(
    outputs: FinderOutputs, events: TrackEvents, *, window_cm: float, reference: Mapping[str, Mapping[str, float]],
    curves: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """What a finder said of events.

    Returns
    -------
    dict
        ``vertex``, ``association``, ``truncation`` by process; with ``curves`` also ``residual_curves`` and ``roc``.
    """
    position = outputs.z0 * Z0_STEP_CM
    purity = {process: found["purity"] for process, found in reference.items()}
    judged = {
        "vertex": vertex_metrics(position, events, window_cm),
        "association": association_words(outputs.association, outputs.kept, events, purity),
        "truncation": truncation_metrics(outputs.kept, outputs.truncated, events),
    }
    if curves:
        judged["residual_curves"] = residual_curves(position, events)
        judged["roc"] = association_roc(outputs.association, outputs.kept, events)
    return judged


def judge_baseline(position_cm: NDArray[np.floating], events: TrackEvents, *, window_cm: float) -> dict[str, Any]:
    """A vertex with association by FastHisto's cuts: ``vertex``, ``association``, ``residual_curves`` by process."""
    return {
        "vertex": vertex_metrics(position_cm, events, window_cm),
        "association": association_cuts(cut_association(events, position_cm), events),
        "residual_curves": residual_curves(position_cm, events),
    }


def residual_curves(position_cm: NDArray[np.floating], events: TrackEvents) -> dict[str, dict[str, list[float]]]:
    """Fraction of events whose |residual| is below a distance, by process."""
    residual = np.abs(position_cm - events.z0_true.astype(np.float64))
    curves = {}
    for process, mask in process_masks(events).items():
        ordered = np.sort(residual[mask])
        below = np.searchsorted(ordered, _CURVE_CM, side="left") / len(ordered)
        curves[process] = {"distance_cm": _CURVE_CM.round(6).tolist(), "fraction": below.round(6).tolist()}
    return curves
