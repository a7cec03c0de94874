"""Costs: what is counted, and that it is counted once."""

from __future__ import annotations

import numpy as np
import pytest
from alkaid.types import CombLogic, Op, QInterval

from firmware.adder_graph import adder_graph_cost, cost, trace_network
from firmware.adder_graph.counting import two_input_cost
from firmware.network.fixed_point import FixedPoint
from firmware.network.layers import Dense, Input, Relu
from firmware.network.network import Network
from firmware.network.random_networks import random_network


def network(seed: int = 0, zeros: float = 0.5) -> Network:
    rng = np.random.default_rng(seed)
    kernel = rng.integers(-31, 32, size=(8, 6)) * (rng.random((8, 6)) > zeros)
    return Network(
        "net",
        (
            Input(name="x", shape=(8,), format=FixedPoint(6, 0, False)),
            Dense(name="dense", source="x", units=6, kernel_format=FixedPoint(6, 0, True), kernel=kernel),
            Relu(name="relu", source="dense", format=FixedPoint(5, 1, False)),
        ),
        ("relu",),
    )


def test_layers_add_up() -> None:
    found = adder_graph_cost(network())
    assert sum(found.lut_by_layer.values()) == pytest.approx(found.lut_raw)
    assert 0 < found.lut_by_layer["relu"] < 0.3 * found.lut_raw
    assert found.latency_ns_estimate > 0
    assert found.n_adders > 10


def test_a_network_is_solved_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost, "_known", cost._known.__class__())
    calls = []
    monkeypatch.setattr(cost, "trace_network", lambda *a, **k: calls.append(a) or trace_network(*a, **k))
    assert adder_graph_cost(network(1)) is adder_graph_cost(network(1))
    adder_graph_cost(network(2))
    adder_graph_cost(network(1), fast=False)
    assert len(calls) == 3


def test_fewer_weights_cost_less() -> None:
    costs = [adder_graph_cost(network(4, zeros)).lut_raw for zeros in (0.0, 0.5, 0.9)]
    assert costs == sorted(costs, reverse=True)


def test_fast_stays_close_to_the_full_search() -> None:
    for seed in range(6):
        fast, full = (adder_graph_cost(network(seed), fast=choice).lut_raw for choice in (True, False))
        assert 0.85 * full < fast < 1.15 * full


def test_slow_ternary_adders_stay_pairs() -> None:
    ternary = trace_network(network())
    slowest = max(_delays(ternary.comb, 11))
    pairs = trace_network(network(), stage_ns=slowest - 0.01)
    assert slowest not in _delays(pairs.comb, 11)
    assert len(pairs.comb.ops) > len(ternary.comb.ops)
    assert pairs.two_input_cost == ternary.two_input_cost


def test_two_input_cost_by_hand() -> None:
    word = QInterval(0.0, 15.0, 1.0)
    ops = [
        Op((), -1, (0,), word, 0.0, 0.0),
        Op((), -1, (1,), word, 0.0, 0.0),
        Op((0, 1), 0, (2,), QInterval(0.0, 75.0, 1.0), 0.0, 0.0),  # 4 bits that overlap the wider operand: 16*4/4
        Op((0, 1), 1, (0,), QInterval(-15.0, 15.0, 1.0), 0.0, 0.0),  # 4 bits, no operand signed
        Op((3,), 2, (), QInterval(0.0, 15.0, 1.0), 0.0, 0.0),  # 4 bits masked
    ]
    comb = CombLogic((2, 2), [0, 0], [2, 4], [0, 0], [False, False], ops, 1, 1)
    assert two_input_cost(comb) == 4 + 4 + 2


def test_random_networks_have_a_cost() -> None:
    assert all(adder_graph_cost(random_network(seed)).lut_raw >= 0 for seed in range(8))


def _delays(comb: CombLogic, opcode: int) -> list[float]:
    return [op.latency - max(comb.ops[i].latency for i in op.addr) for op in comb.ops if op.opcode == opcode]
