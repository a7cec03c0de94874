"""What a network computes, in integers: slow, readable, and what everything else is compared with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
    Input,
    Layer,
    MaxPooling1D,
    MaxPooling2D,
    Permute,
    Quantise,
    Relu,
    Reshape,
    Shape,
    Subtract,
    UpSampling1D,
    WeightedLayer,
)
from firmware.network.network import Network
from firmware.network.windows import geometry, padding_amounts, windows

__all__ = ["EventWords", "Tensor", "apply_layer", "check_averages", "check_words", "evaluate"]

EventWords = Mapping[str, NDArray[np.int64]]
_MAX_BITS = 62
_BLOCK_VALUES = 4_000_000


@dataclass(frozen=True)
class Tensor:
    """Values ``words * 2**-fraction``; words of shape (events, *shape)."""

    words: NDArray[np.int64]
    fraction: int

    def to_float(self) -> NDArray[np.float64]:
        """Real values, float64 of the same shape."""
        return self.words.astype(np.float64) * 2.0**-self.fraction


def evaluate(network: Network, words: EventWords) -> dict[str, Tensor]:
    """Every layer's words for the given input words.

    Parameters
    ----------
    network : Network
        Trained.
    words : mapping of input name to int64 array of shape (events, *shape)
        Within the range of each input's format.

    Returns
    -------
    dict of layer name to Tensor
        In the network's order. The fraction of a layer is that of its exact result: nothing is rounded but in
        Quantise and Relu.

    Raises
    ------
    UserError
        An input is missing, unknown, of the wrong shape or out of range, the network has no weights, or a sum
        could leave 62 bits.
    """
    arrays = check_words(network, words)
    events = len(next(iter(arrays.values())))
    widest = max(prod(shape) * _window_volume(network.layer(name)) for name, shape in network.shapes.items())
    block = max(1, _BLOCK_VALUES // widest)
    parts = [
        _evaluate_block(network, {name: array[start : start + block] for name, array in arrays.items()})
        for start in range(0, max(events, 1), block)
    ]
    return {
        name: Tensor(np.concatenate([part[name].words for part in parts]), parts[0][name].fraction) for name in parts[0]
    }


def check_words(network: Network, words: EventWords) -> dict[str, NDArray[np.int64]]:
    """The words as int64 arrays, after a check of names, shapes, one number of events, and ranges.

    Raises
    ------
    UserError
        Any of those is wrong.
    """
    names = {layer.name for layer in network.inputs}
    if set(words) != names:
        raise UserError(f"input words of network '{network.name}' must be for {sorted(names)}, not {sorted(words)}")
    checked: dict[str, NDArray[np.int64]] = {}
    for layer in network.inputs:
        array = np.asarray(words[layer.name])
        if array.dtype.kind not in "iu":
            raise UserError(f"words of input '{layer.name}' must be integers, not {array.dtype}; quantise them first")
        if array.shape[1:] != layer.shape or array.ndim == 0:
            raise UserError(
                f"words of input '{layer.name}' must have shape (events, {', '.join(map(str, layer.shape))}), "
                f"not {array.shape}"
            )
        low, high = layer.format.lowest, layer.format.highest
        if array.size and (int(array.min()) < low or int(array.max()) > high):
            raise UserError(
                f"words of input '{layer.name}' must be {low} to {high}, not {array.min()} to {array.max()}; "
                "saturate them in front of the network"
            )
        checked[layer.name] = array.astype(np.int64)
    counts = {name: len(array) for name, array in checked.items()}
    if len(set(counts.values())) != 1:
        raise UserError(f"inputs of network '{network.name}' must have one number of events, not {counts}")
    return checked


def apply_layer(layer: Layer, tensors: Sequence[Tensor]) -> Tensor:
    """Result of one layer (any but Input) for the tensors that feed it.

    Raises
    ------
    UserError
        The layer has no weights, an average is not over a power of two, or a sum could leave 62 bits.
    """
    return _RULES[type(layer)](layer, *tensors)


def check_averages(layer: GlobalAveragePooling1D | AveragePooling1D | AveragePooling2D, shape: Shape) -> int:
    """Fraction bits that an average adds, for an input of ``shape``; the mean over ``2**k`` values adds ``k``.

    Raises
    ------
    UserError
        The number of values is no power of two, or padding cuts windows at the edge.
    """
    if isinstance(layer, GlobalAveragePooling1D):
        count = shape[0]
    else:
        count = prod(geometry(layer)[0])
        if any(map(sum, padding_amounts(layer, shape))):
            raise UserError(
                f"windows of '{layer.name}' must not reach over the edge of its input {shape} (each average would "
                "count other values); use padding='valid', or a length that the stride divides"
            )
    if count & (count - 1):
        raise UserError(
            f"number of values that '{layer.name}' averages must be a power of two, not {count}; pad the list to a "
            "power of two, or sum with a frozen convolution"
        )
    return count.bit_length() - 1


def _evaluate_block(network: Network, words: EventWords) -> dict[str, Tensor]:
    tensors: dict[str, Tensor] = {}
    for layer in network.layers:
        if isinstance(layer, Input):
            tensors[layer.name] = Tensor(words[layer.name], layer.format.fraction)
        else:
            tensors[layer.name] = apply_layer(layer, [tensors[source] for source in layer.sources])
    return tensors


def _window_volume(layer: Layer) -> int:
    """Values gathered for each value of the result, to bound the memory."""
    if isinstance(layer, Conv1D | Conv2D | MaxPooling1D | MaxPooling2D | AveragePooling1D | AveragePooling2D):
        return prod(geometry(layer)[0])
    return 1


def _quantise(layer: Quantise | Relu, tensor: Tensor) -> Tensor:
    return Tensor(layer.format.requantise(tensor.words, tensor.fraction), layer.format.fraction)


def _weighted(layer: WeightedLayer, tensor: Tensor) -> Tensor:
    if layer.kernel is None or (layer.bias_format is not None and layer.bias is None):
        raise UserError(f"layer '{layer.name}' must have its weights; train the network first")
    fraction = tensor.fraction + layer.kernel_format.fraction
    rows = layer.kernel.reshape(-1, layer.kernel.shape[-1])
    _check_size(layer.name, _largest(tensor.words) * _largest(np.abs(rows).sum(axis=0)))
    if isinstance(layer, Dense):
        gathered = tensor.words
    else:
        found = windows(layer, tensor.words, fill=0)
        gathered = found.reshape(*found.shape[: tensor.words.ndim - 1], len(rows))
    product = Tensor(gathered @ rows, fraction)
    if layer.bias is None or layer.bias_format is None:
        return product
    product, bias = _align(layer.name, product, Tensor(layer.bias, layer.bias_format.fraction))
    return Tensor(product.words + bias.words, product.fraction)


def _add(layer: Add, *tensors: Tensor) -> Tensor:
    aligned = _align(layer.name, *tensors)
    return Tensor(sum((tensor.words for tensor in aligned[1:]), start=aligned[0].words), aligned[0].fraction)


def _subtract(layer: Subtract, *tensors: Tensor) -> Tensor:
    first, second = _align(layer.name, *tensors)
    return Tensor(first.words - second.words, first.fraction)


def _concatenate(layer: Concatenate, *tensors: Tensor) -> Tensor:
    aligned = _align(layer.name, *tensors)
    axis = layer.axis % (aligned[0].words.ndim - 1) + 1
    return Tensor(np.concatenate([tensor.words for tensor in aligned], axis=axis), aligned[0].fraction)


def _reshape(layer: Flatten | Reshape, tensor: Tensor) -> Tensor:
    shape = layer.output_shape(tensor.words.shape[1:])
    return Tensor(tensor.words.reshape(len(tensor.words), *shape), tensor.fraction)


def _permute(layer: Permute, tensor: Tensor) -> Tensor:
    return Tensor(tensor.words.transpose(0, *layer.dims), tensor.fraction)


def _upsample(layer: UpSampling1D, tensor: Tensor) -> Tensor:
    return Tensor(np.repeat(tensor.words, layer.size, axis=1), tensor.fraction)


def _global_average(layer: GlobalAveragePooling1D, tensor: Tensor) -> Tensor:
    # A mean over 2**k values is the sum read with k more fraction bits: nothing is lost.
    return Tensor(tensor.words.sum(axis=1), tensor.fraction + check_averages(layer, tensor.words.shape[1:]))


def _max_pool(layer: MaxPooling1D | MaxPooling2D, tensor: Tensor) -> Tensor:
    found = windows(layer, tensor.words, fill=np.iinfo(np.int64).min)
    spatial = tensor.words.ndim - 2
    return Tensor(found.max(axis=tuple(range(1 + spatial, 1 + 2 * spatial))), tensor.fraction)


def _average_pool(layer: AveragePooling1D | AveragePooling2D, tensor: Tensor) -> Tensor:
    bits = check_averages(layer, tensor.words.shape[1:])
    found = windows(layer, tensor.words, fill=0)
    spatial = tensor.words.ndim - 2
    return Tensor(found.sum(axis=tuple(range(1 + spatial, 1 + 2 * spatial))), tensor.fraction + bits)


def _align(name: str, *tensors: Tensor) -> list[Tensor]:
    """The same values, all with the finest of their fractions."""
    fraction = max(tensor.fraction for tensor in tensors)
    for tensor in tensors:
        _check_size(name, _largest(tensor.words) << (fraction - tensor.fraction))
    return [Tensor(tensor.words << (fraction - tensor.fraction), fraction) for tensor in tensors]


def _largest(words: NDArray[np.int64]) -> int:
    return max(int(words.max(initial=0)), -int(words.min(initial=0)))


def _check_size(name: str, magnitude: int) -> None:
    if magnitude.bit_length() > _MAX_BITS:
        raise UserError(
            f"sums of layer '{name}' must fit {_MAX_BITS} bits, not need {magnitude.bit_length()}; use fewer bits, or "
            "formats with closer fractions"
        )


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
    MaxPooling1D: _max_pool,
    MaxPooling2D: _max_pool,
    AveragePooling1D: _average_pool,
    AveragePooling2D: _average_pool,
}
