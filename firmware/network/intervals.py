"""Exact ranges: what each element of each layer can reach, whatever the inputs within their formats."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from firmware.network.fixed_point import FixedPoint
from firmware.network.layers import (
    Conv1D,
    Conv2D,
    Dense,
    Input,
    Layer,
    Quantise,
    Relu,
    Subtract,
    WeightedLayer,
)
from firmware.network.network import Network
from firmware.network.reference import Tensor, apply_layer

__all__ = ["Interval", "exact_bits", "exact_formats", "output_formats"]

Words = NDArray[np.int64]


@dataclass(frozen=True)
class Interval:
    """Smallest and largest word of each element; int64 arrays of the layer's shape, values ``word * 2**-fraction``."""

    lowest: Words
    highest: Words
    fraction: int

    @property
    def constant(self) -> NDArray[np.bool_]:
        """Elements that hold one value whatever the inputs."""
        return self.lowest == self.highest

    @property
    def magnitude(self) -> Words:
        """Largest absolute word of each element."""
        return np.maximum(np.abs(self.lowest), np.abs(self.highest))

    @property
    def format(self) -> FixedPoint:
        """The smallest format with this fraction that holds every element."""
        return FixedPoint.holding(int(self.lowest.min()), int(self.highest.max()), self.fraction)


def exact_formats(network: Network) -> dict[str, Interval]:
    """Range of every layer, by interval arithmetic from the input formats through the trained weights.

    Ranges are sound: no input leaves them. They are not always reached, since two operands may depend on one input.

    Raises
    ------
    UserError
        The network has no weights, or a sum could leave 62 bits.
    """
    ranges: dict[str, Interval] = {}
    for layer in network.layers:
        if isinstance(layer, Input):
            low = np.full(layer.shape, layer.format.lowest, np.int64)
            ranges[layer.name] = Interval(
                low, np.full(layer.shape, layer.format.highest, np.int64), layer.format.fraction
            )
        else:
            ranges[layer.name] = _interval(layer, [ranges[source] for source in layer.sources])
    return ranges


def output_formats(network: Network) -> dict[str, FixedPoint]:
    """Format of every output word, in the network's order: the smallest that holds the exact range."""
    ranges = exact_formats(network)
    return {name: ranges[name].format for name in network.outputs}


def exact_bits(network: Network) -> int:
    """Bits of the widest magnitude met when the network is computed in floating point, partial sums included.

    Counted in units of the last bit, as the sum of ``|w||x|``: up to 24 float32 is exact in any order of
    summation, up to 53 float64 is.
    """
    ranges = exact_formats(network)
    return max(
        _largest_magnitude(layer, [ranges[source] for source in layer.sources], ranges[layer.name]).bit_length()
        for layer in network.layers
    )


def _interval(layer: Layer, sources: list[Interval]) -> Interval:
    low = [Tensor(source.lowest[np.newaxis], source.fraction) for source in sources]
    high = [Tensor(source.highest[np.newaxis], source.fraction) for source in sources]
    if isinstance(layer, Dense | Conv1D | Conv2D):
        positive, negative = _signed_parts(layer)
        lowest = apply_layer(positive, low), apply_layer(negative, high)
        highest = apply_layer(positive, high), apply_layer(negative, low)
        return Interval(
            lowest[0].words[0] + lowest[1].words[0],
            highest[0].words[0] + highest[1].words[0],
            lowest[0].fraction,
        )
    if isinstance(layer, Subtract):
        bottom, top = apply_layer(layer, [low[0], high[1]]), apply_layer(layer, [high[0], low[1]])
    else:  # every other layer never decreases when an input grows
        bottom, top = apply_layer(layer, low), apply_layer(layer, high)
    return Interval(bottom.words[0], top.words[0], bottom.fraction)


def _signed_parts(layer: WeightedLayer) -> tuple[WeightedLayer, WeightedLayer]:
    """The layer with its positive weights and the bias, and with its negative weights alone (and a zero bias)."""
    if layer.kernel is None:
        return layer, layer
    bias = None if layer.bias is None else np.zeros_like(layer.bias)
    return (
        replace(layer, kernel=np.maximum(layer.kernel, 0)),
        replace(layer, kernel=np.minimum(layer.kernel, 0), bias=bias),
    )


def _largest_magnitude(layer: Layer, sources: list[Interval], result: Interval) -> int:
    if isinstance(layer, Input):
        return int(result.magnitude.max())
    if isinstance(layer, Quantise | Relu):
        # QKeras computes x + (q(x) - x): the difference must be exact too, down to the finer of the two last bits.
        fine = max(sources[0].fraction, result.fraction)
        return max(int(side.magnitude.max()) << (fine - side.fraction) for side in (sources[0], result))
    sizes = [Tensor(source.magnitude[np.newaxis], source.fraction) for source in sources]
    if isinstance(layer, Dense | Conv1D | Conv2D):
        assert layer.kernel is not None
        bias = None if layer.bias is None else np.abs(layer.bias)
        return int(apply_layer(replace(layer, kernel=np.abs(layer.kernel), bias=bias), sizes).words.max())
    if isinstance(layer, Subtract):
        fine = max(source.fraction for source in sources)
        return sum(int(source.magnitude.max()) << (fine - source.fraction) for source in sources)
    return int(apply_layer(layer, sizes).words.max())
