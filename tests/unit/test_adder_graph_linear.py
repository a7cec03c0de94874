"""Matrix products: exact, folded, and solved once."""

from __future__ import annotations

import numpy as np
import pytest
from alkaid.trace.passes import add_surrogate

from firmware.adder_graph import linear, trace_network
from firmware.adder_graph.graph import Graph
from firmware.adder_graph.linear import LinearSolver
from firmware.adder_graph.symbols import Element
from firmware.errors import UserError
from firmware.network.fixed_point import FixedPoint
from firmware.network.layers import Conv1D, Dense, Flatten, Input, Reshape
from firmware.network.network import Network

KERNEL = FixedPoint(6, 0, True)


def inputs(graph: Graph, ranges: list[tuple[int, int]]) -> list[Element]:
    return [Element(graph.input(low, high), 0, low, high) for low, high in ranges]


def run(graph: Graph, results: list[Element], words: np.ndarray) -> np.ndarray:
    varying = [element for element in results if element.base is not None]
    comb, _ = graph.finish([element.materialised(graph) for element in varying])
    got = np.tile([element.offset for element in results], (len(words), 1))
    got[:, [i for i, element in enumerate(results) if element.base is not None]] = (
        add_surrogate(comb).predict(words.astype(np.float64), n_threads=1).reshape(len(words), -1)
    )
    return got


@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize("bits", [2, 6, 16, 23])
def test_products_are_exact_and_bounded(fast: bool, bits: int) -> None:
    rng = np.random.default_rng(bits)
    ranges = [(-128, 127), (0, 255), (-3, 900), (0, 1), (-64, -60)]
    kernel = rng.integers(-(1 << bits), 1 << bits, size=(5, 7))
    kernel[rng.random(kernel.shape) < 0.4] = 0
    kernel[:, 2] = 0
    bias = rng.integers(-1000, 1000, size=7)
    words = np.stack([rng.integers(low, high, size=500, endpoint=True) for low, high in ranges], axis=1)
    graph = Graph()
    results = LinearSolver(graph, fast=fast).product("layer", inputs(graph, ranges), kernel, bias)
    expected = words @ kernel + bias
    np.testing.assert_array_equal(run(graph, results, words), expected)
    assert all(e.low <= column.min() and e.high >= column.max() for e, column in zip(results, expected.T, strict=True))
    lows, highs = (np.array(side) for side in zip(*ranges, strict=True))
    highest = highs @ np.maximum(kernel, 0) + lows @ np.minimum(kernel, 0) + bias
    assert [element.high for element in results] == highest.tolist()


def test_a_wrong_weight_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    solve = linear.cmvm_solve

    def off_by_one(matrix: np.ndarray, **options: object) -> object:
        changed = matrix.copy()
        changed[0, 0] += 1
        return solve(changed, **options)

    monkeypatch.setattr(linear, "cmvm_solve", off_by_one)
    graph = Graph()
    results = LinearSolver(graph, fast=True).product("layer", inputs(graph, [(0, 7), (0, 7)]), np.array([[3], [5]]))
    words = np.array([[1, 0], [7, 7]])
    assert (run(graph, results, words) != words @ np.array([[3], [5]])).any()


def test_repeated_inputs_and_constants_are_folded() -> None:
    graph = Graph()
    (value,) = inputs(graph, [(0, 15)])
    moved = Element(value.base, 5, 5, 20)
    result = LinearSolver(graph, fast=True).product(
        "layer", [value, moved, Element.constant(3), value], np.array([[3], [1], [2], [-4]])
    )[0]
    assert (result.base, result.offset) == (None, 11)  # 3x + (x + 5) + 2*3 - 4x


def test_objects_share_one_solution() -> None:
    rng = np.random.default_rng(3)
    kernel = rng.integers(-31, 32, size=(1, 6, 5))
    fmt = FixedPoint(8, 0, True)

    def cost(objects: int) -> float:
        layers = (
            Input(name="x", shape=(objects * 6,), format=fmt),
            Reshape(name="objects", source="x", target_shape=(objects, 6)),
            Conv1D(name="each", source="objects", filters=5, kernel_size=1, kernel_format=KERNEL, kernel=kernel),
            Flatten(name="flat", source="each"),
        )
        return trace_network(Network("shared", layers, ("flat",))).cost

    assert cost(8) == pytest.approx(8 * cost(1), rel=1e-9)


def test_too_wide_weights_and_sums_are_refused() -> None:
    graph = Graph()
    solver = LinearSolver(graph, fast=True)
    with pytest.raises(UserError, match="weights of layer 'wide' must have at most 24 bits"):
        solver.product("wide", inputs(graph, [(0, 1)]), np.array([[1 << 24]]))
    with pytest.raises(UserError, match="sums of layer 'wide' must fit 52 bits"):
        solver.product("wide", inputs(graph, [(0, (1 << 40) - 1)]), np.array([[(1 << 20) - 1]]))


def test_a_wide_network_is_refused_by_name() -> None:
    wide = np.full((1, 1), (1 << 22) - 1)
    layers: list[Input | Dense] = [Input(name="x", shape=(1,), format=FixedPoint(16, 0, True))]
    for number in range(2):
        source = layers[-1].name
        fmt = FixedPoint(23, 0, True)
        layers.append(Dense(name=f"d{number}", source=source, units=1, kernel_format=fmt, kernel=wide))
    with pytest.raises(UserError, match="layer 'd1'"):
        trace_network(Network("wide", tuple(layers), ("d1",)))
