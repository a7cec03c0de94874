"""Constant matrix products through alkaid's solver: each distinct one solved once and replicated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from alkaid.cmvm import cmvm_solve
from alkaid.trace.fixed_variable import FVariable
from alkaid.types import CombLogic, QInterval
from numpy.typing import NDArray

from firmware.adder_graph.symbols import MAX_BITS, Element, sealed, trailing_zeros
from firmware.errors import UserError

__all__ = ["LinearSolver"]

_FAST = {"search_all_decompose_dc": False, "decompose_dc": 0}
_KERNEL_BITS = 24
_Solution = tuple[CombLogic, CombLogic]


class LinearSolver:
    """Solves ``elements @ kernel + bias`` exactly.

    Two products with the same kernel and the same input ranges share one solution, so that the positions of a
    convolution and the objects of a list cost alike. Constants and repeated inputs are folded into the kernel and
    the bias first.

    Parameters
    ----------
    fast : bool
        One greedy solution instead of alkaid's search over decompositions.
    """

    def __init__(self, *, fast: bool) -> None:
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
        variables, ranges, rows = _grouped(elements, kernel)
        alive = np.flatnonzero(rows.any(axis=1)) if len(rows) else np.zeros(0, np.int64)
        used = np.flatnonzero(rows.any(axis=0)) if len(rows) else np.zeros(0, np.int64)
        results = [Element.constant(offset) for offset in offsets]
        if not len(used):
            return results
        matrix = np.ascontiguousarray(rows[np.ix_(alive, used)])
        chosen, bounds = [variables[i] for i in alive], [ranges[i] for i in alive]
        _check_sums(layer, matrix, bounds)
        for column, output, variable in zip(matrix.T, used, self._solve(matrix, chosen), strict=True):
            low, high, step = _bounds(column, bounds)
            offset = offsets[output]
            results[output] = Element(sealed(variable, low, high, step), offset, low + offset, high + offset)
        return results

    def _solve(self, matrix: NDArray[np.int64], variables: list[FVariable]) -> list[FVariable]:
        if len(variables) == 1 and all(abs(int(w)) & (abs(int(w)) - 1) == 0 for w in matrix[0]):
            return [variables[0] * float(weight) for weight in matrix[0]]
        intervals = [QInterval(v.low, v.high, v.step) for v in variables]
        key = (matrix.shape, matrix.tobytes(), tuple(intervals))
        if key not in self._solutions:
            latencies = [float(variable.latency) for variable in variables]
            self._solutions[key] = cmvm_solve(
                matrix.astype(np.float32), qintervals=intervals, latencies=latencies, **self._options
            )
        first, second = self._solutions[key]
        return list(second(first(np.array(variables, dtype=object), quantize=False), quantize=False))


def _grouped(
    elements: Sequence[Element], kernel: NDArray[np.int64]
) -> tuple[list[FVariable], list[tuple[int, int, int]], NDArray[np.int64]]:
    """Varying inputs, each once; their ranges (low, high, step); and their rows, added up where one came twice."""
    places: dict[tuple[int, float], int] = {}
    variables: list[FVariable] = []
    ranges: list[tuple[int, int, int]] = []
    rows: list[NDArray[np.int64]] = []
    for element, row in zip(elements, kernel, strict=True):
        if element.base is None:
            continue
        key = (element.base.id.int, element.base._factor)
        if key in places:
            rows[places[key]] = rows[places[key]] + row
            continue
        places[key] = len(variables)
        variables.append(element.base)
        ranges.append((element.low - element.offset, element.high - element.offset, element.step))
        rows.append(row)
    return variables, ranges, np.array(rows, dtype=np.int64).reshape(len(rows), kernel.shape[1])


def _bounds(column: NDArray[np.int64], ranges: list[tuple[int, int, int]]) -> tuple[int, int, int]:
    low = high = step = 0
    for weight, (bottom, top, unit) in zip(column.tolist(), ranges, strict=True):
        if weight:
            low += weight * (bottom if weight > 0 else top)
            high += weight * (top if weight > 0 else bottom)
            unit <<= trailing_zeros(weight)
            step = min(step, unit) if step else unit
    return low, high, step


def _check_sums(layer: str, matrix: NDArray[np.int64], ranges: list[tuple[int, int, int]]) -> None:
    sizes = [float(max(abs(low), abs(high))) for low, high, _ in ranges]
    largest = float((np.abs(matrix).T.astype(np.float64) @ np.array(sizes)).max())
    if largest >= 2.0**MAX_BITS:
        raise UserError(
            f"sums of layer '{layer}' must fit {MAX_BITS} bits to be computed exactly, not need "
            f"{int(largest).bit_length()}; quantise between the layers, or use formats with closer fractions"
        )
