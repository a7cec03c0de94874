"""Each layer of a network on symbolic tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firmware.adder_graph.graph import Graph
from firmware.adder_graph.linear import LinearSolver
from firmware.adder_graph.rounding import quantised
from firmware.adder_graph.symbols import Element, SymbolicTensor, filled
from firmware.errors import UserError
from firmware.network.layers import (
    Add,
    AveragePooling1D,
    AveragePooling2D,
    Concatenate,
    Conv1D,
    Conv2D,
    Dense,
    Flatten,
    GlobalAveragePooling1D,
    Layer,
    MaxPooling1D,
    MaxPooling2D,
    Permute,
    Quantise,
    Relu,
    Reshape,
    Subtract,
    UpSampling1D,
    WeightedLayer,
)
from firmware.network.windows import WindowedLayer, geometry, padding_amounts, windows

__all__ = ["apply_symbolic"]

_ZERO = Element.constant(0)


def apply_symbolic(solver: LinearSolver, layer: Layer, tensors: Sequence[SymbolicTensor]) -> SymbolicTensor:
    """Result of one layer (any but Input) for the tensors that feed it; fractions as in ``network.reference``.

    Raises
    ------
    UserError
        The layer has no weights, an average is not over a power of two, or words outgrow what is exact.
    """
    solver.graph.layer = layer.name
    result: SymbolicTensor = _RULES[type(layer)](solver, layer, *tensors)
    result.check_size(layer.name)
    return result


def _quantise(solver: LinearSolver, layer: Quantise | Relu, tensor: SymbolicTensor) -> SymbolicTensor:
    def one(element: Element) -> Element:
        return quantised(solver.graph, element, tensor.fraction, layer.format)

    return tensor.map(one, layer.format.fraction)


def _weighted(solver: LinearSolver, layer: WeightedLayer, tensor: SymbolicTensor) -> SymbolicTensor:
    if layer.kernel is None or (layer.bias_format is not None and layer.bias is None):
        raise UserError(f"layer '{layer.name}' must have its weights; train the network first")
    kernel = layer.kernel.reshape(-1, layer.kernel.shape[-1])
    fraction = tensor.fraction + layer.kernel_format.fraction
    bias = None
    if layer.bias is not None and layer.bias_format is not None:
        shift = max(layer.bias_format.fraction - fraction, 0)
        fraction += shift
        tensor = tensor.aligned(tensor.fraction + shift)
        bias = layer.bias << (fraction - layer.bias_format.fraction)
    if isinstance(layer, Dense):
        rows = tensor.elements[np.newaxis]
    else:
        rows = _gathered(layer, tensor).reshape(-1, len(kernel))
    results = [element for row in rows for element in solver.product(layer.name, row.tolist(), kernel, bias)]
    return SymbolicTensor(filled(layer.output_shape(tensor.shape), results), fraction)


def _gathered(layer: WindowedLayer, tensor: SymbolicTensor) -> NDArray[np.object_]:
    """Elements of each window, of shape (*spatial out, *window, channels); zeros where padding is."""
    places = np.arange(tensor.elements.size, dtype=np.int64).reshape(1, *tensor.shape)
    found = windows(layer, places, fill=tensor.elements.size)[0]
    elements = np.append(tensor.elements.ravel(), filled((1,), [_ZERO]))
    picked: NDArray[np.object_] = elements[found]
    return picked


def _sum(solver: LinearSolver, name: str, elements: list[Element], signs: Sequence[int]) -> Element:
    return solver.product(name, elements, np.array(signs, dtype=np.int64)[:, np.newaxis])[0]


def _combine(
    solver: LinearSolver, name: str, tensors: Sequence[SymbolicTensor], signs: Sequence[int]
) -> SymbolicTensor:
    aligned = _align(tensors)
    columns = zip(*(list(tensor) for tensor in aligned), strict=True)
    results = [_sum(solver, name, list(column), signs) for column in columns]
    return SymbolicTensor(filled(aligned[0].shape, results), aligned[0].fraction)


def _add(solver: LinearSolver, layer: Add, *tensors: SymbolicTensor) -> SymbolicTensor:
    return _combine(solver, layer.name, tensors, [1] * len(tensors))


def _subtract(solver: LinearSolver, layer: Subtract, *tensors: SymbolicTensor) -> SymbolicTensor:
    return _combine(solver, layer.name, tensors, [1, -1])


def _concatenate(solver: LinearSolver, layer: Concatenate, *tensors: SymbolicTensor) -> SymbolicTensor:
    aligned = _align(tensors)
    axis = layer.axis % len(aligned[0].shape)
    return SymbolicTensor(np.concatenate([tensor.elements for tensor in aligned], axis=axis), aligned[0].fraction)


def _reshape(solver: LinearSolver, layer: Flatten | Reshape, tensor: SymbolicTensor) -> SymbolicTensor:
    return SymbolicTensor(tensor.elements.reshape(layer.output_shape(tensor.shape)), tensor.fraction)


def _permute(solver: LinearSolver, layer: Permute, tensor: SymbolicTensor) -> SymbolicTensor:
    return SymbolicTensor(tensor.elements.transpose([dim - 1 for dim in layer.dims]), tensor.fraction)


def _upsample(solver: LinearSolver, layer: UpSampling1D, tensor: SymbolicTensor) -> SymbolicTensor:
    return SymbolicTensor(np.repeat(tensor.elements, layer.size, axis=0), tensor.fraction)


def _global_average(solver: LinearSolver, layer: GlobalAveragePooling1D, tensor: SymbolicTensor) -> SymbolicTensor:
    steps, channels = tensor.shape
    bits = _log2(layer.name, steps)
    sums = [_sum(solver, layer.name, tensor.elements[:, channel].tolist(), [1] * steps) for channel in range(channels)]
    return SymbolicTensor(filled((channels,), sums), tensor.fraction + bits)


def _average_pool(
    solver: LinearSolver, layer: AveragePooling1D | AveragePooling2D, tensor: SymbolicTensor
) -> SymbolicTensor:
    if any(sum(amounts) for amounts in padding_amounts(layer, tensor.shape)):
        raise UserError(
            f"padding of '{layer.name}' must not cut an average's window at the edge (input {tensor.shape}); "
            "use padding='valid' or a length that the pool divides"
        )
    count = prod(geometry(layer)[0])
    bits = _log2(layer.name, count)
    pools = np.moveaxis(_gathered(layer, tensor), -1, len(tensor.shape) - 1).reshape(-1, count)
    sums = [_sum(solver, layer.name, pool.tolist(), [1] * count) for pool in pools]
    return SymbolicTensor(filled(layer.output_shape(tensor.shape), sums), tensor.fraction + bits)


def _max_pool(solver: LinearSolver, layer: MaxPooling1D | MaxPooling2D, tensor: SymbolicTensor) -> SymbolicTensor:
    pools = np.moveaxis(_gathered(layer, tensor), -1, len(tensor.shape) - 1)
    pools = pools.reshape(-1, prod(geometry(layer)[0]))
    # Padding comes out of _gathered as the zero constant itself, and never wins.
    largest = [_largest(solver.graph, [element for element in pool if element is not _ZERO]) for pool in pools]
    return SymbolicTensor(filled(layer.output_shape(tensor.shape), largest), tensor.fraction)


def _largest(graph: Graph, elements: list[Element]) -> Element:
    """The largest, by a balanced tree; values that can never win are dropped first."""
    floor = max(element.low for element in elements)
    elements = [element for element in elements if element.high > floor or element.low == floor]
    while len(elements) > 1:
        pairs = zip(elements[0::2], elements[1::2], strict=False)
        elements = [_larger(graph, a, b) for a, b in pairs] + elements[len(elements) & ~1 :]
    return elements[0]


def _larger(graph: Graph, one: Element, other: Element) -> Element:
    if one.low >= other.high or one == other:
        return one
    if other.low >= one.high:
        return other
    low, high = max(one.low, other.low), max(one.high, other.high)
    if one.base is None:
        one, other = other, one
    if other.base is None:  # max(x, c) is relu(x - c) + c, and the c waits for the next constant
        above = graph.relu(one.materialised(graph, -other.offset))
        return Element(graph.narrow(above, low - other.offset, high - other.offset), other.offset, low, high)
    left, right = one.materialised(graph), other.materialised(graph)
    larger = graph.select(graph.add(left, right.negated()), right, left)
    return Element(graph.narrow(larger, low, high), 0, low, high)


def _align(tensors: Sequence[SymbolicTensor]) -> list[SymbolicTensor]:
    fraction = max(tensor.fraction for tensor in tensors)
    return [tensor.aligned(fraction) for tensor in tensors]


def _log2(name: str, count: int) -> int:
    if count & (count - 1):
        raise UserError(
            f"number of values that '{name}' averages must be a power of two, not {count}; "
            "pad the object list to a power of two, or sum with a frozen convolution"
        )
    return count.bit_length() - 1


_RULES: dict[type, Callable[..., Any]] = {
    Quantise: _quantise,
    Relu: _quantise,
    Dense: _weighted,
    Conv1D: _weighted,
    Conv2D: _weighted,
    Add: _add,
    Subtract: _subtract,
    Concatenate: _concatenate,
    Flatten: _reshape,
    Reshape: _reshape,
    Permute: _permute,
    UpSampling1D: _upsample,
    GlobalAveragePooling1D: _global_average,
    AveragePooling1D: _average_pool,
    AveragePooling2D: _average_pool,
    MaxPooling1D: _max_pool,
    MaxPooling2D: _max_pool,
}
