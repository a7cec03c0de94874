"""Stages: within the budget, the same values, few registers."""

from __future__ import annotations

import numpy as np
import pytest

from firmware.adder_graph import Program, emulate, trace_network
from firmware.errors import UserError
from firmware.network.network import Network
from firmware.network.random_networks import random_network, random_words
from firmware.rtl import Stage, estimate_latency_cycles, split
from firmware.rtl.pipeline import _Graph, register_bits
from firmware.settings import FirmwareSettings

BUDGETS = (2.2, 2.5, 4.0, 1000.0)
NETWORKS = {"mlp": 76, "objects": 76, "conv1d": 76, "heads": 74, "residual": 76, "conv2d": 71}


def network(topology: str) -> Network:
    return random_network(NETWORKS[topology], topology, min_bits=3, max_bits=8)


def program(topology: str = "mlp", budget: float = 2.5) -> Program:
    traced = trace_network(network(topology), fast=True, stage_ns=budget)
    assert len(traced.comb.ops) > 100
    return traced


def run(stages: tuple[Stage, ...], traced: Program, flat: np.ndarray) -> np.ndarray:
    """Values of the graph's outputs, stage by stage."""
    ops = traced.comb.ops
    held = {value: flat[:, ops[value].data[0]].astype(np.float64) for value in stages[0].inputs}
    for stage in stages:
        before = np.stack([held[value] for value in stage.inputs], axis=1)
        after = stage.comb.predict(before, n_threads=1).reshape(len(flat), -1)
        held = dict(zip(stage.outputs, after.T, strict=True))
    shifts = 2.0 ** np.array(traced.comb.out_shifts)
    return np.stack([held[op] for op in traced.comb.out_idxs], axis=1) * shifts


@pytest.mark.parametrize("budget", BUDGETS)
@pytest.mark.parametrize("topology", NETWORKS)
def test_stages_compute_the_same_within_the_budget(topology: str, budget: float) -> None:
    traced = program(topology, budget)
    stages = split(traced, budget)
    assert max(stage.delay_ns for stage in stages) <= budget + 1e-6
    words = random_words(network(topology), 100, 3)
    flat = np.concatenate([words[port.name].reshape(100, -1) for port in traced.inputs], axis=1)
    got = run(stages, traced, flat)
    for port in traced.outputs:
        expected = emulate(traced, words)[port.name].reshape(100, -1)
        for column, source in enumerate(port.sources):
            if source >= 0:
                np.testing.assert_array_equal(got[:, source], expected[:, column])


@pytest.mark.parametrize("topology", NETWORKS)
def test_delays_are_those_of_the_operations(topology: str) -> None:
    # Recomputed from the graph, not from what the splitter kept: the longest path through the operations of a stage.
    traced = program(topology)
    delays = [op.latency - max((traced.comb.ops[i].latency for i in op.addr), default=0) for op in traced.comb.ops]
    for stage in split(traced, 2.5):
        ends: list[float] = []
        for op in stage.comb.ops:
            same = [i for i, other in enumerate(traced.comb.ops) if other.qint == op.qint and other.opcode == op.opcode]
            delay = 0.0 if op.opcode in (-1, 5) else min(delays[i] for i in same)
            ends.append(delay + max((ends[i] for i in op.addr), default=0.0))
        assert max(ends) <= stage.delay_ns + 1e-6


@pytest.mark.parametrize("topology", NETWORKS)
def test_moving_operations_never_costs_registers(topology: str) -> None:
    traced = program(topology)
    stages = split(traced, 2.2)
    graph = _Graph(traced)
    earliest = [stage for stage, _ in graph.earliest(2.2)]
    between = register_bits(traced, stages) - sum(sum(traced.comb.ops[v].qint.kif) for v in stages[0].inputs)
    assert between <= graph.bits(earliest, len(stages))


def test_one_stage_where_all_fits() -> None:
    stages = split(program(), 1e6)
    assert len(stages) == 1
    longest = max(op.latency for op in program().comb.ops)
    assert stages[0].delay_ns == pytest.approx(longest)


def test_an_operation_that_cannot_fit_is_named() -> None:
    with pytest.raises(UserError, match=r"of \d+ bits in layer 'dense_\d' must fit a stage of 1\.000 ns"):
        split(program(), 1.0)


def test_latency_counts_the_registers_at_both_ends() -> None:
    settings = FirmwareSettings(clock_period_ns=2.778, clock_margin=0.1)
    stages = split(program(), 2.778 * 0.9)
    assert estimate_latency_cycles(program(), settings) == len(stages) + 1


def test_no_outputs_to_compute_is_one_empty_stage() -> None:
    traced = trace_network(random_network(5))
    assert traced.comb.ops == []
    stages = split(traced, 2.5)
    assert [stage.outputs for stage in stages] == [()]
