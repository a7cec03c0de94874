"""Oracle weights: the ratio of densities by hand, and the position that FastHisto's own weights give."""

from __future__ import annotations

import numpy as np
from vertexing_events import made_events, shipped_events

from trigger.tasks.vertexing.fasthisto import float_position_cm
from trigger.tasks.vertexing.metrics import mean_efficiency, vertex_metrics
from trigger.tasks.vertexing.oracles import density_ratio, oracle_positions, weighted_position_cm


def test_ratio_by_hand() -> None:
    ttbar = [{"primary": 1}, {"primary": 1}, {"primary": 0}]
    leptons = [{"primary": 1}, {"primary": 0}, {"primary": 0}]
    events = made_events([ttbar, leptons], [0.0, 0.0], [0, 1])
    cell = np.array([0, 1, 0, 1, 1, 1])
    # ttbar: 1/(1 + 1) and 1/1; Z: 0 and 1/(2 + 1); their means
    np.testing.assert_allclose(density_ratio(events, cell, 3), [0.25, 2 / 3, 0.0])


def test_fasthistos_weights_give_its_position() -> None:
    events = shipped_events(256)
    weight = np.minimum(events.pt.astype(np.float64), 127.0)
    np.testing.assert_allclose(weighted_position_cm(events, weight), float_position_cm(events), atol=1e-6)


def test_truth_is_hard_to_beat() -> None:
    events = shipped_events(512)
    positions = oracle_positions(events, events)
    reached = {label: mean_efficiency(vertex_metrics(position, events, 0.15)) for label, position in positions.items()}
    assert max(reached, key=lambda label: reached[label]) == "truth: primary tracks alone"
