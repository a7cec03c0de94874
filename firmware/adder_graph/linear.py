"""Constant matrix products through alkaid's solver: each distinct one solved once and replicated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from alkaid.cmvm import cmvm_solve
from alkaid.types import CombLogic, QInterval
from numpy.typing import NDArray

from firmware.adder_graph.graph import Graph, Value
from firmware.adder_graph.symbols import MAX_BITS, Element
from firmware.errors import UserError

__all__ = ["LinearSolver"]

_FAST = {"search_all_decompose_dc": False, "decompose_dc": 0}
_KERNEL_BITS = 24
_Bounds = tuple[int, int, int]


@dataclass(frozen=True)
class _Solution:
    """A solved product: sums in order, each of two earlier values, and where the results are.

    Values are numbered inputs first. Ranges are (low, high, unit) of each sum, in units of 2**unit.
    """

    sums: list[tuple[int, int, int, bool]]
    """First and second operand, left shift of the second, whether it is subtracted."""
    ranges: list[_Bounds]
    outputs: list[tuple[int, int, bool]]
    """Value, left shift, whether negated."""


class LinearSolver:
    """Solves ``elements @ kernel + bias`` exactly.

    Two products with the same kernel and the same input ranges share one solution, so that the positions of a
    convolution and the objects of a list cost alike. Constants and repeated inputs are folded into the kernel and
    the bias first.

    Parameters
    ----------
    graph : Graph
        Where the sums are written.
    fast : bool
        One greedy solution instead of alkaid's search over decompositions.
    """

    def __init__(self, graph: Graph, *, fast: bool) -> None:
        self.graph = graph
        self._options: dict[str, Any] = _FAST if fast else {}
        self._solutions: dict[tuple[Any, ...], _Solution] = {}

    def product(
        self, layer: str, elements: Sequence[Element], kernel: NDArray[np.int64], bias: NDArray[np.int64] | None = None
    ) -> list[Element]:
        """Elements of the product.

        Parameters
        ----------
        layer : str
            For messages.
        elements : n_in elements
        kernel : int64 array of shape (n_in, n_out)
        bias : int64 array of shape (n_out,) or None
            In the product's own last bit.

        Raises
        ------
        UserError
            A weight has more than 24 bits, or a sum could leave 52 bits.
        """
        if np.abs(kernel).max(initial=0) >= 1 << _KERNEL_BITS:
            raise UserError(f"weights of layer '{layer}' must have at most {_KERNEL_BITS} bits in the adder graph")
        offsets = [int(word) for word in bias] if bias is not None else [0] * kernel.shape[1]
        for element, row in zip(elements, kernel, strict=True):
            if element.offset:
                offsets = [offset + element.offset * int(weight) for offset, weight in zip(offsets, row, strict=True)]
        values, rows = _grouped(elements, kernel)
        results = [Element.constant(offset) for offset in offsets]
        alive = np.flatnonzero(rows.any(axis=1))
        used = np.flatnonzero(rows.any(axis=0))
        if not len(used):
            return results
        matrix = np.ascontiguousarray(rows[np.ix_(alive, used)])
        chosen = [values[i] for i in alive]
        bounds = [self.graph.bounds(value) for value in chosen]
        _check_sums(layer, matrix, bounds)
        for output, value in zip(used, self._solve(matrix, chosen, bounds), strict=True):
            low, high, _ = self.graph.bounds(value)
            offset = offsets[output]
            results[output] = Element(value, offset, low + offset, high + offset)
        return results

    def _solve(self, matrix: NDArray[np.int64], values: list[Value], bounds: list[_Bounds]) -> list[Value]:
        key = (matrix.shape, matrix.tobytes(), tuple(bounds))
        if key not in self._solutions:
            intervals = [QInterval(float(low), float(high), float(step)) for low, high, step in bounds]
            ends = [self.graph.end_ns(value) for value in values]
            stages = cmvm_solve(matrix.astype(np.float32), qintervals=intervals, latencies=ends, **self._options)
            self._solutions[key] = _flattened(stages, bounds)
        solution = self._solutions[key]
        made = list(values)
        for (one, other, shift, subtract), known in zip(solution.sums, solution.ranges, strict=True):
            second = made[other].scaled(shift)
            made.append(_sum(self.graph, made[one], second.negated() if subtract else second, known))
        results = []
        for place, shift, negate in solution.outputs:
            value = made[place].scaled(shift)
            results.append(value.negated() if negate else value)
        return results


def _sum(graph: Graph, one: Value, other: Value, known: _Bounds) -> Value:
    """Sum with its range, which is given in the sum's own value and wanted in the operation's."""
    low, high, unit = known
    if one.negative and other.negative:
        return graph.add(one, other, (-high, -low, unit - one.exponent))
    scale = other.exponent if one.negative else one.exponent
    return graph.add(one, other, (low, high, unit - scale))


def _grouped(elements: Sequence[Element], kernel: NDArray[np.int64]) -> tuple[list[Value], NDArray[np.int64]]:
    """Varying inputs, each once, and their rows, added up where one came twice."""
    rows: dict[Value, NDArray[np.int64]] = {}
    for element, row in zip(elements, kernel, strict=True):
        if element.base is not None:
            rows[element.base] = rows[element.base] + row if element.base in rows else row
    return list(rows), np.array(list(rows.values()), dtype=np.int64).reshape(len(rows), kernel.shape[1])


def _flattened(stages: Sequence[CombLogic], bounds: list[_Bounds]) -> _Solution:
    """The solver's two stages as one list of sums, with the exact range of each from its coefficients."""
    n_in = len(bounds)
    sums: list[tuple[int, int, int, bool]] = []
    coefficients = list(np.eye(n_in))
    current = [(i, 0, False) for i in range(n_in)]
    for stage in stages:
        places: list[tuple[int, int, bool]] = []
        for op in stage.ops:
            if op.opcode == -1:
                place, shift, negative = current[op.data[0]]
                places.append((place, shift + int(stage.inp_shifts[op.data[0]]), negative))
                continue
            assert op.opcode in (0, 1), "the solver is known to give inputs, sums and differences"
            (a, shift_a, negative_a), (b, shift_b, negative_b) = (places[i] for i in op.addr)
            shift = shift_b + op.data[0] - shift_a
            subtract = (op.opcode == 1) != (negative_a != negative_b)
            coefficients.append(coefficients[a] + (-1 if subtract else 1) * 2.0**shift * coefficients[b])
            sums.append((a, b, shift, subtract))
            places.append((n_in + len(sums) - 1, shift_a, negative_a))
        current = [
            (places[i][0], places[i][1] + int(shift), places[i][2] != bool(negate))
            for i, shift, negate in zip(stage.out_idxs, stage.out_shifts, stage.out_negs, strict=True)
        ]
    return _Solution(sums, _ranges(np.array(coefficients[n_in:]).reshape(-1, n_in), bounds), current)


def _ranges(coefficients: NDArray[np.float64], bounds: list[_Bounds]) -> list[_Bounds]:
    """Range of each sum of ``coefficients @ inputs``; all products here are exact in float64."""
    low, high, step = (np.array(column, dtype=np.float64) for column in zip(*bounds, strict=True))
    positive, negative = np.maximum(coefficients, 0), np.minimum(coefficients, 0)
    lowest, highest = positive @ low + negative @ high, positive @ high + negative @ low
    # Last bit of a float: that of its 53-bit mantissa read as an integer.
    mantissa, exponent = np.frexp(coefficients * step)
    words = np.ldexp(mantissa, 53).astype(np.int64)
    units = np.where(words == 0, 1 << 20, np.log2(np.maximum(words & -words, 1)).astype(np.int64) + exponent - 53)
    unit = units.min(axis=1)
    return [
        (int(a), int(b), int(u))
        for a, b, u in zip(np.ldexp(lowest, -unit), np.ldexp(highest, -unit), unit, strict=True)
    ]


def _check_sums(layer: str, matrix: NDArray[np.int64], bounds: list[_Bounds]) -> None:
    sizes = np.array([float(max(abs(low), abs(high))) for low, high, _ in bounds])
    largest = float((np.abs(matrix).T.astype(np.float64) @ sizes).max())
    if largest >= 2.0**MAX_BITS:
        raise UserError(
            f"sums of layer '{layer}' must fit {MAX_BITS} bits to be computed exactly, not need "
            f"{int(largest).bit_length()}; quantise between the layers, or use formats with closer fractions"
        )
