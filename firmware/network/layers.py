"""The typed layers of a quantised network: a short list that everything else reads.

Names and meaning of the arguments are those of Keras. Tensors are channels-last, without the batch axis.
Weights are optional, so that the same description stands for an architecture and for a trained network;
where present they are *words* (integers) in the layer's own formats.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from firmware.errors import UserError
from firmware.network.fixed_point import FixedPoint

__all__ = [
    "Add", "AveragePooling1D", "AveragePooling2D", "Concatenate", "Conv1D", "Conv2D", "Dense", "Flatten",
    "GlobalAveragePooling1D", "Input", "Layer", "MaxPooling1D", "MaxPooling2D", "Permute", "Quantise", "Relu",
    "Reshape", "Shape", "Subtract", "UpSampling1D", "WeightedLayer", "Words",
]  # fmt: skip

Shape = tuple[int, ...]
Padding = Literal["valid", "same"]
Words = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Input:
    """An input and the quantiser right behind it: the words that enter the firmware."""

    name: str
    shape: Shape
    format: FixedPoint
    quantiser: str = ""
    """Name of the QActivation behind the input; empty: ``<name>_quantiser``."""

    sources: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.format.binary:
            raise UserError(
                f"quantiser of input '{self.name}' must not be quantized_bits(1, 0, 1), whose values are -1 and +1; "
                "use quantized_bits(1, 1, keep_negative=0) for 0 and 1, or quantized_bits(2, 1)"
            )

    @property
    def quantiser_name(self) -> str:
        """Name of the QActivation behind the input."""
        return self.quantiser or f"{self.name}_quantiser"

    def output_shape(self, *shapes: Shape) -> Shape:
        """Shape of the input itself."""
        assert not shapes
        return self.shape


@dataclass(frozen=True, kw_only=True)
class _OneSource:
    name: str
    source: str

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of the layers that feed this one."""
        return (self.source,)


@dataclass(frozen=True, kw_only=True)
class Quantise(_OneSource):
    """QActivation(quantized_bits): round half to even, saturate."""

    format: FixedPoint

    def output_shape(self, shape: Shape) -> Shape:
        """Unchanged."""
        return shape


@dataclass(frozen=True, kw_only=True)
class Relu(_OneSource):
    """QActivation(quantized_relu): negative to 0, round half to even, saturate."""

    format: FixedPoint

    def __post_init__(self) -> None:
        if self.format.signed:
            raise UserError(f"format of Relu '{self.name}' must be unsigned, not {self.format}; use Quantise")

    def output_shape(self, shape: Shape) -> Shape:
        """Unchanged."""
        return shape


@dataclass(frozen=True, kw_only=True)
class _Weighted(_OneSource):
    kernel_format: FixedPoint
    bias_format: FixedPoint | None = None
    """None: no bias."""
    kernel: Words | None = None
    bias: Words | None = None


@dataclass(frozen=True, kw_only=True)
class Dense(_Weighted):
    """QDense on a rank-1 tensor; kernel of shape (n_in, units). No activation: that is a layer of its own."""

    units: int

    def output_shape(self, shape: Shape) -> Shape:
        """(units,)."""
        if len(shape) != 1:
            raise UserError(
                f"input of Dense '{self.name}' must have one axis, not shape {shape}; "
                "use QConv1D with kernel_size=1 as the per-object dense layer"
            )
        return (self.units,)

    def kernel_shape(self, shape: Shape) -> Shape:
        """Shape of the kernel for an input of that shape."""
        return (shape[0], self.units)


@dataclass(frozen=True, kw_only=True)
class Conv1D(_Weighted):
    """QConv1D on (steps, channels); kernel of shape (kernel_size, channels, filters)."""

    filters: int
    kernel_size: int
    strides: int = 1
    padding: Padding = "valid"

    def output_shape(self, shape: Shape) -> Shape:
        """(steps out, filters)."""
        _need_rank(self.name, shape, 2)
        return (
            _window_count(self.name, shape[0], self.kernel_size, self.strides, self.padding),
            self.filters,
        )

    def kernel_shape(self, shape: Shape) -> Shape:
        """Shape of the kernel for an input of that shape."""
        return (self.kernel_size, shape[1], self.filters)


@dataclass(frozen=True, kw_only=True)
class Conv2D(_Weighted):
    """QConv2D on (rows, columns, channels); kernel of shape (*kernel_size, channels, filters)."""

    filters: int
    kernel_size: tuple[int, int]
    strides: tuple[int, int] = (1, 1)
    padding: Padding = "valid"

    def output_shape(self, shape: Shape) -> Shape:
        """(rows out, columns out, filters)."""
        _need_rank(self.name, shape, 3)
        rows, columns = (
            _window_count(self.name, shape[i], self.kernel_size[i], self.strides[i], self.padding) for i in (0, 1)
        )
        return (rows, columns, self.filters)

    def kernel_shape(self, shape: Shape) -> Shape:
        """Shape of the kernel for an input of that shape."""
        return (*self.kernel_size, shape[2], self.filters)


@dataclass(frozen=True, kw_only=True)
class _Merge:
    name: str
    sources: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Add(_Merge):
    """Sum of two or more tensors of one shape."""

    def output_shape(self, *shapes: Shape) -> Shape:
        """That shape."""
        _need_same(self.name, shapes)
        return shapes[0]


@dataclass(frozen=True, kw_only=True)
class Subtract(_Merge):
    """First tensor minus the second."""

    def output_shape(self, *shapes: Shape) -> Shape:
        """That shape."""
        if len(shapes) != 2:
            raise UserError(f"Subtract '{self.name}' must have 2 inputs, not {len(shapes)}")
        _need_same(self.name, shapes)
        return shapes[0]


@dataclass(frozen=True, kw_only=True)
class Concatenate(_Merge):
    """Tensors joined along one axis (without the batch axis; -1 is the last)."""

    axis: int = -1

    def output_shape(self, *shapes: Shape) -> Shape:
        """Lengths of that axis added up."""
        rank = len(shapes[0])
        if not -rank <= self.axis < rank:
            raise UserError(f"axis of Concatenate '{self.name}' must be {-rank} to {rank - 1}, not {self.axis}")
        axis = self.axis % rank
        rest = {shape[:axis] + shape[axis + 1 :] for shape in shapes}
        if len(rest) != 1 or len({len(shape) for shape in shapes}) != 1:
            raise UserError(f"inputs of Concatenate '{self.name}' must agree but for axis {axis}, not {shapes}")
        return (*shapes[0][:axis], sum(shape[axis] for shape in shapes), *shapes[0][axis + 1 :])


@dataclass(frozen=True, kw_only=True)
class Flatten(_OneSource):
    """All axes in one, in C order."""

    def output_shape(self, shape: Shape) -> Shape:
        """(product of the lengths,)."""
        return (prod(shape),)


@dataclass(frozen=True, kw_only=True)
class Reshape(_OneSource):
    """The same values, in C order, under another shape."""

    target_shape: Shape

    def output_shape(self, shape: Shape) -> Shape:
        """target_shape."""
        if prod(shape) != prod(self.target_shape):
            raise UserError(
                f"target_shape of Reshape '{self.name}' must hold {prod(shape)} values, not {self.target_shape}"
            )
        return self.target_shape


@dataclass(frozen=True, kw_only=True)
class Permute(_OneSource):
    """Axes in another order; ``dims`` counts from 1, as in Keras."""

    dims: tuple[int, ...]

    def output_shape(self, shape: Shape) -> Shape:
        """Lengths in the new order."""
        if sorted(self.dims) != list(range(1, len(shape) + 1)):
            raise UserError(f"dims of Permute '{self.name}' must order the axes 1 to {len(shape)}, not {self.dims}")
        return tuple(shape[d - 1] for d in self.dims)


@dataclass(frozen=True, kw_only=True)
class UpSampling1D(_OneSource):
    """Each step of (steps, channels) repeated ``size`` times."""

    size: int

    def output_shape(self, shape: Shape) -> Shape:
        """(steps * size, channels)."""
        _need_rank(self.name, shape, 2)
        return (shape[0] * self.size, shape[1])


@dataclass(frozen=True, kw_only=True)
class GlobalAveragePooling1D(_OneSource):
    """Mean over the steps of (steps, channels)."""

    def output_shape(self, shape: Shape) -> Shape:
        """(channels,)."""
        _need_rank(self.name, shape, 2)
        return (shape[1],)


@dataclass(frozen=True, kw_only=True)
class _Pooling1D(_OneSource):
    pool_size: int
    strides: int
    padding: Padding = "valid"

    def output_shape(self, shape: Shape) -> Shape:
        """(steps out, channels)."""
        _need_rank(self.name, shape, 2)
        return (_window_count(self.name, shape[0], self.pool_size, self.strides, self.padding), shape[1])


@dataclass(frozen=True, kw_only=True)
class _Pooling2D(_OneSource):
    pool_size: tuple[int, int]
    strides: tuple[int, int]
    padding: Padding = "valid"

    def output_shape(self, shape: Shape) -> Shape:
        """(rows out, columns out, channels)."""
        _need_rank(self.name, shape, 3)
        rows, columns = (
            _window_count(self.name, shape[i], self.pool_size[i], self.strides[i], self.padding) for i in (0, 1)
        )
        return (rows, columns, shape[2])


class MaxPooling1D(_Pooling1D):
    """Largest value of each window; padding never wins."""


class MaxPooling2D(_Pooling2D):
    """Largest value of each window; padding never wins."""


class AveragePooling1D(_Pooling1D):
    """Mean of each window of a power-of-two number of values."""


class AveragePooling2D(_Pooling2D):
    """Mean of each window of a power-of-two number of values."""


WeightedLayer = Dense | Conv1D | Conv2D
Layer = (
    Input | Quantise | Relu | Dense | Conv1D | Conv2D | Add | Subtract | Concatenate | Flatten | Reshape | Permute
    | UpSampling1D | GlobalAveragePooling1D | MaxPooling1D | MaxPooling2D | AveragePooling1D | AveragePooling2D
)  # fmt: skip


def _need_rank(name: str, shape: Shape, rank: int) -> None:
    if len(shape) != rank:
        raise UserError(f"input of layer '{name}' must have {rank} axes, not shape {shape}")


def _need_same(name: str, shapes: tuple[Shape, ...]) -> None:
    if len(shapes) < 2 or len(set(shapes)) != 1:
        raise UserError(f"inputs of layer '{name}' must be two or more of one shape, not {shapes}")


def _window_count(name: str, length: int, size: int, stride: int, padding: Padding) -> int:
    count = -(-length // stride) if padding == "same" else (length - size) // stride + 1
    if count < 1:
        raise UserError(f"window of layer '{name}' must fit its input of length {length}, not be {size} long")
    return count
