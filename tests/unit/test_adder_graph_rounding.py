"""The quantiser against NumPy, over every word that can come."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from alkaid.trace import FVArrayInput, HWConfig, trace
from alkaid.trace.ops import quantize
from alkaid.trace.passes import add_surrogate

from firmware.adder_graph import rounding
from firmware.adder_graph.graph import Graph
from firmware.adder_graph.rounding import quantised
from firmware.adder_graph.symbols import Element
from firmware.network.fixed_point import FixedPoint

BINARY = FixedPoint.binary_format()


def mismatches(low: int, high: int, scale: int, offset: int, fraction: int, target: FixedPoint) -> int:
    """Words that the traced quantiser gets wrong, over all ``x * scale + offset`` with x from low to high."""
    graph = Graph()
    base = graph.input(low, high).scaled(abs(scale).bit_length() - 1)
    ends = sorted((low * scale, high * scale))
    element = Element(base.negated() if scale < 0 else base, offset, ends[0] + offset, ends[1] + offset)
    result = quantised(graph, element, fraction, target)
    words = np.arange(low, high + 1, dtype=np.int64)
    expected = target.requantise(words * scale + offset, fraction)
    assert (result.low, result.high) == (expected.min(), expected.max())
    if result.base is None:
        return int((expected != result.offset).sum())
    comb, _ = graph.finish([result.materialised(graph)])
    got = add_surrogate(comb).predict(words[:, np.newaxis].astype(np.float64), n_threads=1).ravel()
    return int((got != expected).sum())


def targets() -> list[FixedPoint]:
    """Formats of 1 to 5 bits around the values of a 6-bit sum, signed and not, symmetric and binary."""
    formats = [FixedPoint(width, integer, False) for width, integer in product((1, 2, 3, 5), (-1, 0, 1, 3))]
    for width, integer, symmetric in product((2, 3, 5), (-1, 0, 1, 3), (False, True)):
        formats.append(FixedPoint(width, integer, True, symmetric=symmetric))
    return [*formats, BINARY]


@pytest.mark.parametrize("target", targets(), ids=str)
def test_every_word_of_every_sum_is_right(target: FixedPoint) -> None:
    wrong = 0
    for (low, high), scale, offset, fraction in product(
        ((-32, 31), (0, 63), (-5, 40), (-64, -3)), (1, -1, 4), (0, 1, -3, 8, 20), (0, 2, 4)
    ):
        wrong += mismatches(low, high, scale, offset, fraction, target)
    assert wrong == 0


@pytest.mark.parametrize(
    "target", [FixedPoint(8, 3, True), FixedPoint(6, 2, False), FixedPoint(9, 4, True, symmetric=True)]
)
def test_wide_constants_keep_their_last_bit(target: FixedPoint) -> None:
    # 2**40 + 1 has more digits than the float32 and the 32-bit word that alkaid holds constants in.
    for constant in ((1 << 40) + 1, -(1 << 40) - 3):
        graph = Graph()
        value = graph.add_constant(graph.add_constant(graph.input(-128, 127), constant), -constant)
        result = quantised(graph, Element(value, 0, -128, 127), 4, target)
        comb, _ = graph.finish([result.materialised(graph)])
        words = np.arange(-128, 128, dtype=np.int64)
        got = add_surrogate(comb).predict(words[:, np.newaxis].astype(np.float64), n_threads=1).ravel()
        np.testing.assert_array_equal(got, target.requantise(words, 4))


def test_rounding_half_up_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounding, "_last_bit", lambda graph, value, shift: graph.bits(value, shift, shift + 1))
    assert mismatches(-32, 31, 1, 0, 4, FixedPoint(4, 2, True)) > 0


def test_a_lost_saturation_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounding, "_saturated", lambda rounded, target: rounded.magnitude(target.width))
    assert mismatches(0, 63, 1, 0, 4, FixedPoint(3, 0, False)) > 0


def test_alkaids_own_rounding_would_be_noticed() -> None:
    # The reason for building it here: an offset that leaves a sum with a coarser last bit than alkaid assumes.
    symbols = FVArrayInput((1,), hwconf=HWConfig(1, 1, -1))
    program = trace(symbols, quantize(quantize(symbols, 1, 1, 0) + 0.25, 1, 1, 1, "SAT", "RND_CONV"))
    words = np.arange(-2, 2, dtype=np.int64)
    got = program.predict(words[:, np.newaxis].astype(np.float64), n_threads=1).ravel() * 2
    expected = FixedPoint(3, 1, True).requantise(words * 4 + 1, 2)
    assert (got != expected).any()
    assert mismatches(-2, 1, 4, 1, 2, FixedPoint(3, 1, True)) == 0


def test_formats_that_cannot_overflow_cost_one_gate() -> None:
    graph = Graph()
    element = Element(graph.input(-32, 31), 0, -32, 31)
    result = quantised(graph, element, 4, FixedPoint(8, 5, True))
    comb, _ = graph.finish([result.materialised(graph)])
    gates = [op for op in comb.ops if op.opcode == 10]
    assert [sum(op.qint.kif) for op in gates] == [1]
    assert not [op for op in comb.ops if op.opcode == 6]
