"""Metrics of vertex finding against cases computed by hand."""

from __future__ import annotations

import numpy as np
import pytest
from vertexing_events import made_events

from trigger.tasks.vertexing.judge import residual_curves
from trigger.tasks.vertexing.metrics import (
    association_cuts,
    association_roc,
    association_words,
    mean_efficiency,
    truncation_metrics,
    vertex_metrics,
)


def test_vertex_by_process() -> None:
    events = made_events([[]] * 6, [1.0, 1.0, 1.0, -2.0, 0.0, 0.0], [0, 0, 0, 1, 1, 0])
    position = np.array([1.1, 1.2, 0.9, -2.0, 5.0, 0.149])
    found = vertex_metrics(position, events, 0.15)
    assert (found["ttbar"]["events"], found["ttbar"]["found"]) == (4, 3)
    assert found["zll"]["efficiency"] == 0.5
    assert mean_efficiency(found) == pytest.approx(0.625)
    assert found["ttbar"]["efficiency_low"] < 0.75 < found["ttbar"]["efficiency_high"]
    assert found["zll"]["residual_50_cm"] == pytest.approx(2.5)
    curve = residual_curves(position, events)["ttbar"]
    assert curve["fraction"][0] == 0.0
    assert curve["fraction"][-1] == 1.0


def _association() -> tuple:
    tracks = [{"primary": p} for p in (1, 1, 1, 0, 0, 0, 0)]
    events = made_events([tracks, tracks[:1]], [0.0, 0.0], [0, 1])
    words = np.array([9, 5, 3, 7, 3, 1, -4, 2])
    return events, words


def test_association_at_a_wanted_purity() -> None:
    events, words = _association()
    kept = np.ones(len(words), bool)
    found = association_words(words, kept, events, {"ttbar": 0.6, "zll": 1.0})["ttbar"]
    # by falling threshold, primary/all: 9: 1/1, 7: 1/2, 5: 2/3, 3: 3/5, 1: 3/6, -4: 3/7
    assert (found["threshold"], found["purity"], found["efficiency"]) == (3, 0.6, 1.0)
    assert found["auc"] == pytest.approx((4 + 3 + 2.5) / 12)
    tight = association_words(words, kept, events, {"ttbar": 0.65, "zll": 1.0})["ttbar"]
    assert (tight["threshold"], tight["efficiency"]) == (5, pytest.approx(2 / 3))


def test_dropped_tracks_cost_efficiency() -> None:
    events, words = _association()
    kept = np.ones(len(words), bool)
    kept[0] = False
    found = association_words(words, kept, events, {"ttbar": 0.5, "zll": 0.5})["ttbar"]
    assert found["efficiency"] == pytest.approx(2 / 3)
    cut = truncation_metrics(kept, np.array([True, False]), events)
    assert cut["ttbar"]["truncated_events"] == 1.0
    assert cut["ttbar"]["dropped_tracks"] == pytest.approx(1 / 7)
    assert cut["zll"]["dropped_tracks"] == 0.0


def test_a_purity_that_no_threshold_reaches() -> None:
    events, words = _association()
    found = association_words(-words, np.ones(len(words), bool), events, {"ttbar": 0.99, "zll": 0.5})["ttbar"]
    assert found["threshold"] is None
    assert found["efficiency"] == 0.0


def test_cuts_and_curve() -> None:
    events, words = _association()
    found = association_cuts(words >= 3, events)
    assert found["ttbar"]["purity"] == pytest.approx(3 / 5)
    assert found["ttbar"]["efficiency"] == 1.0
    assert found["zll"]["efficiency"] == 0.0
    curve = association_roc(words, np.ones(len(words), bool), events)["ttbar"]
    assert curve["efficiency"][-1] == 1.0
    assert curve["purity"][0] == 1.0
    assert sorted(curve["efficiency"]) == curve["efficiency"]
