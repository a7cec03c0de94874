"""Random trained networks, awkward on purpose: what every rung of the verification is tried on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from firmware.network.fixed_point import FixedPoint
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
    Padding,
    Permute,
    Quantise,
    Relu,
    Reshape,
    Shape,
    Subtract,
    UpSampling1D,
)
from firmware.network.network import Network

__all__ = ["TOPOLOGIES", "random_network", "random_words"]


def random_network(
    seed: int,
    topology: str | None = None,
    *,
    max_units: int = 12,
    max_bits: int = 16,
    min_bits: int = 1,
    negative_integer: bool = False,
) -> Network:
    """A random trained network with dead units, extreme weights and constant values.

    Parameters
    ----------
    seed : int
        Same seed and arguments, same network.
    topology : str or None
        One of ``TOPOLOGIES``; None: drawn from the seed.
    max_units : int
        Largest number of inputs, units or filters of a layer.
    min_bits, max_bits : int
        Range of the bits of weights and activations.
    negative_integer : bool
        Formats may have negative integer bits, which QKeras cannot compute in float32.

    Returns
    -------
    Network
    """
    rng = np.random.default_rng([20240917, seed])
    if topology is None:
        topology = str(rng.choice(sorted(TOPOLOGIES)))
    draw = _Draw(rng, max_units, min_bits, max_bits, negative_integer)
    builder = _Builder(draw)
    outputs = TOPOLOGIES[topology](builder)
    return Network(f"random_{topology}_{seed}", tuple(builder.layers), tuple(outputs))


def random_words(network: Network, n: int, seed: int) -> dict[str, NDArray[np.int64]]:
    """Random words over the full range of every input, led by extremes.

    Parameters
    ----------
    n : int
        Events; the first are all lowest, all highest, all nearest to zero, and a random mix of extremes.

    Returns
    -------
    dict of input name to int64 array of shape (n, *shape)
    """
    rng = np.random.default_rng([20240918, seed])
    words = {}
    for layer in network.inputs:
        low, high = layer.format.lowest, layer.format.highest
        array = rng.integers(low, high, size=(n, *layer.shape), endpoint=True, dtype=np.int64)
        for event, value in enumerate((low, high, max(low, 0))):
            array[event : event + 1] = value
        mixed = slice(3, max(4, n // 10))
        array[mixed] = rng.choice([low, high], size=array[mixed].shape)
        words[layer.name] = array
    return words


@dataclass(frozen=True)
class _Draw:
    """Random sizes, formats and weights."""

    rng: np.random.Generator
    max_units: int
    min_bits: int
    max_bits: int
    negative_integer: bool

    def size(self, low: int = 1, high: int | None = None) -> int:
        high = self.max_units if high is None else min(high, self.max_units)
        return int(self.rng.integers(min(low, high), high + 1))

    def chance(self, probability: float) -> bool:
        return bool(self.rng.random() < probability)

    def _bits(self) -> tuple[int, int]:
        bits = int(self.rng.integers(self.min_bits, self.max_bits + 1))
        low = -3 if self.negative_integer else 0
        return bits, int(self.rng.integers(low, min(bits, 6) + 1))

    def unsigned(self) -> FixedPoint:
        return FixedPoint.from_quantized_relu(*self._bits())

    def signed(self) -> FixedPoint:
        bits, integer = self._bits()
        return FixedPoint.from_quantized_bits(bits, integer, True, symmetric=self.chance(0.25))

    def activation(self) -> FixedPoint:
        return self.signed() if self.chance(0.4) else self.unsigned()

    def input(self) -> FixedPoint:
        bits, integer = self._bits()
        return FixedPoint.from_quantized_bits(bits, integer, keep_negative=bits > 1 and self.chance(0.5))

    def kernel(self, shape: Shape, fmt: FixedPoint) -> NDArray[np.int64]:
        if fmt.binary:
            return self.rng.choice(np.array([-1, 1]), size=shape)
        if self.chance(0.05):
            return np.zeros(shape, np.int64)
        words = self.rng.integers(fmt.lowest, fmt.highest, size=shape, endpoint=True, dtype=np.int64)
        words[self.rng.random(shape) < self.rng.choice([0.0, 0.5, 0.8])] = 0
        extreme = self.rng.random(shape) < 0.05
        words[extreme] = self.rng.choice([fmt.lowest, fmt.highest], size=int(extreme.sum()))
        words[..., self.rng.random(shape[-1]) < 0.15] = 0  # dead units, kept apart by their bias alone
        return words

    def bias(self, units: int, fmt: FixedPoint) -> NDArray[np.int64]:
        words = self.rng.integers(fmt.lowest, fmt.highest, size=units, endpoint=True, dtype=np.int64)
        words[self.rng.random(units) < 0.2] = fmt.lowest  # often enough to close a unit for good
        return np.where(words < 0, -1, 1) if fmt.binary else words


class _Builder:
    """Layers in order; each method appends one and returns its name."""

    def __init__(self, draw: _Draw) -> None:
        self.draw = draw
        self.layers: list[Layer] = []
        self.shapes: dict[str, Shape] = {}

    def append(self, layer: Layer) -> str:
        self.shapes[layer.name] = layer.output_shape(*(self.shapes[source] for source in layer.sources))
        self.layers.append(layer)
        return layer.name

    def _name(self, stem: str) -> str:
        return f"{stem}_{len(self.layers)}"

    def input(self, shape: Shape) -> str:
        return self.append(Input(name=self._name("in"), shape=shape, format=self.draw.input()))

    def dense(self, source: str, units: int | None = None) -> str:
        return self._weighted(
            Dense(
                name=self._name("dense"), source=source, units=units or self.draw.size(),
                kernel_format=self.draw.signed(), bias_format=self._bias_format(),
            )
        )  # fmt: skip

    def conv1d(self, source: str, filters: int | None = None, kernel_size: int | None = None) -> str:
        size = kernel_size or self.draw.size(1, min(3, self.shapes[source][0]))
        same = self.draw.chance(0.5)
        return self._weighted(
            Conv1D(
                name=self._name("conv"), source=source, filters=filters or self.draw.size(1, 6), kernel_size=size,
                strides=1 if kernel_size else self.draw.size(1, 2), padding="same" if same else "valid",
                kernel_format=self.draw.signed(), bias_format=self._bias_format(),
            )
        )  # fmt: skip

    def conv2d(self, source: str) -> str:
        rows, columns, _ = self.shapes[source]
        padding: Padding = "same" if self.draw.chance(0.5) else "valid"
        return self._weighted(
            Conv2D(
                name=self._name("conv"), source=source, filters=self.draw.size(1, 4),
                kernel_size=(self.draw.size(1, min(3, rows)), self.draw.size(1, min(3, columns))),
                strides=(self.draw.size(1, 2), self.draw.size(1, 2)), padding=padding,
                kernel_format=self.draw.signed(), bias_format=self._bias_format(),
            )
        )  # fmt: skip

    def activation(self, source: str, fmt: FixedPoint | None = None) -> str:
        fmt = fmt or self.draw.activation()
        if fmt.signed:
            return self.append(Quantise(name=self._name("quantise"), source=source, format=fmt))
        return self.append(Relu(name=self._name("relu"), source=source, format=fmt))

    def _bias_format(self) -> FixedPoint | None:
        return self.draw.signed() if self.draw.chance(0.85) else None

    def _weighted(self, layer: Dense | Conv1D | Conv2D) -> str:
        kernel = self.draw.kernel(layer.kernel_shape(self.shapes[layer.source]), layer.kernel_format)
        bias = None if layer.bias_format is None else self.draw.bias(kernel.shape[-1], layer.bias_format)
        return self.append(replace(layer, kernel=kernel, bias=bias))


def _mlp(build: _Builder) -> list[str]:
    value = build.input((build.draw.size(),))
    for _ in range(int(build.draw.rng.integers(1, 4))):
        value = build.activation(build.dense(value))
    return [build.dense(value)]


def _conv1d(build: _Builder) -> list[str]:
    value = build.input((build.draw.size(4, 8), build.draw.size(1, 4)))
    value = build.activation(build.conv1d(value))
    steps = build.shapes[value][0]
    if steps >= 2:
        pool = MaxPooling1D if build.draw.chance(0.5) else AveragePooling1D
        value = build.append(pool(name=f"pool_{len(build.layers)}", source=value, pool_size=2, strides=2))
    value = build.activation(build.conv1d(value))
    value = build.append(Flatten(name="flatten", source=value))
    return [build.dense(value, units=build.draw.size(1, 4))]


def _conv2d(build: _Builder) -> list[str]:
    value = build.input((build.draw.size(3, 6), build.draw.size(3, 6), build.draw.size(1, 3)))
    value = build.activation(build.conv2d(value))
    rows, columns, _ = build.shapes[value]
    if min(rows, columns) >= 2:
        pool = MaxPooling2D if build.draw.chance(0.5) else AveragePooling2D
        value = build.append(
            pool(
                name=f"pool_{len(build.layers)}",
                source=value,
                pool_size=(2, 2),
                strides=(build.draw.size(1, 2), 2),
            )
        )
    value = build.append(Flatten(name="flatten", source=build.activation(value)))
    return [build.dense(value, units=build.draw.size(1, 4))]


def _inputs(build: _Builder) -> list[str]:
    first, second = (build.input((build.draw.size(),)) for _ in range(2))
    left = build.activation(build.dense(first))
    value = build.append(
        Concatenate(name="joined", sources=(left, second) if build.draw.chance(0.5) else (second, left))
    )
    value = build.activation(build.dense(value))
    return [build.dense(value)]


def _residual(build: _Builder) -> list[str]:
    units = build.draw.size(2)
    value = build.activation(build.dense(build.input((build.draw.size(),)), units))
    branch = build.activation(build.dense(value, units))
    if build.draw.chance(0.5):
        value = build.append(Add(name="sum", sources=(value, branch)))
    else:
        value = build.append(Subtract(name="difference", sources=(value, branch)))
    return [build.dense(build.activation(value))]


def _objects(build: _Builder) -> list[str]:
    """A list of objects: a shared network on each, a mean over all, given back to each."""
    objects, features = 4, build.draw.size(2, 6)
    value = build.input((objects * features,))
    value = build.append(Reshape(name="objects", source=value, target_shape=(objects, features)))
    each = build.activation(build.conv1d(value, kernel_size=1))
    mean = build.activation(build.append(GlobalAveragePooling1D(name="mean", source=each)))
    channels = build.shapes[mean][0]
    mean = build.append(Reshape(name="one", source=mean, target_shape=(1, channels)))
    mean = build.append(UpSampling1D(name="spread", source=mean, size=objects))
    both = build.append(Concatenate(name="both", sources=(each, mean), axis=-1))
    turned = build.append(Permute(name="turned", source=both, dims=(2, 1)))
    value = build.activation(build.conv1d(turned, filters=2, kernel_size=1))
    value = build.append(Flatten(name="flatten", source=value))
    return [build.dense(value, units=build.draw.size(1, 4))]


def _heads(build: _Builder) -> list[str]:
    value = build.activation(build.dense(build.input((build.draw.size(),))))
    return [build.dense(value), build.activation(build.dense(value)), value]


def _constant(build: _Builder) -> list[str]:
    """Every value of one output is constant, and a layer in between is dead."""
    value = build.input((build.draw.size(),))
    name = build.dense(value)
    layer = build.layers[-1]
    assert isinstance(layer, Dense)
    assert layer.kernel is not None
    build.layers[-1] = replace(layer, kernel_format=FixedPoint(4, 0, True), kernel=np.zeros_like(layer.kernel))
    dead = build.activation(name)
    alive = build.activation(build.dense(value))
    both = build.append(Concatenate(name="both", sources=(dead, alive)))
    return [build.dense(both), build.dense(dead)]


TOPOLOGIES: dict[str, Callable[[_Builder], list[str]]] = {
    "mlp": _mlp,
    "conv1d": _conv1d,
    "conv2d": _conv2d,
    "inputs": _inputs,
    "residual": _residual,
    "objects": _objects,
    "heads": _heads,
    "constant": _constant,
}
