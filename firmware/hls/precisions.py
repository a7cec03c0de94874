"""The C++ type of everything that hls4ml declares, from the exact ranges."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from firmware.errors import UserError
from firmware.network.fixed_point import FixedPoint
from firmware.network.intervals import Interval
from firmware.network.layers import (
    AveragePooling1D,
    AveragePooling2D,
    Conv1D,
    Conv2D,
    Dense,
    Flatten,
    GlobalAveragePooling1D,
    Input,
    MaxPooling1D,
    MaxPooling2D,
    Permute,
    Quantise,
    Relu,
    Reshape,
    UpSampling1D,
)
from firmware.network.network import Network
from firmware.network.windows import geometry, padding_amounts

__all__ = ["LayerTypes", "layer_types", "plain"]

_MAX_WIDTH = 64
_Average = AveragePooling1D | AveragePooling2D | GlobalAveragePooling1D


@dataclass(frozen=True)
class LayerTypes:
    """Types of a layer, as HLS C++ writes them; None where the layer has no such thing."""

    result: str
    result_format: FixedPoint
    accum: str | None = None
    weight: str | None = None
    bias: str | None = None

    @property
    def precision(self) -> dict[str, str]:
        """hls4ml's ``Precision`` entry."""
        named = {"result": self.result, "accum": self.accum, "weight": self.weight, "bias": self.bias}
        return {name: text for name, text in named.items() if text is not None}


def plain(form: FixedPoint) -> str:
    """The type that truncates and wraps: for values that fit exactly, where rounding hardware would be a waste."""
    head, _, _ = form.ap_type.partition(",AP_")
    return f"{head}>"


def layer_types(network: Network, ranges: dict[str, Interval]) -> dict[str, LayerTypes]:
    """Types under which every layer computes exactly.

    A layer that quantises rounds and saturates in its own format. Every other result is wide enough for the layer's
    exact range. An accumulator has all fraction bits of its terms and the integer bits of the *result*: partial sums
    may wrap, and come back, since its arithmetic is modulo a power of two.

    Raises
    ------
    UserError
        A mean over a number of values that is no power of two, or a type wider than 64 bits.
    """
    types: dict[str, LayerTypes] = {}
    # ap_fixed's rounding looks at bits above a value that lies wholly below the new last bit, and asserts.
    coarsest = min((layer.format.fraction for layer in network.layers if isinstance(layer, Quantise | Relu)), default=0)
    for layer in network.layers:
        sources = [types[source].result_format for source in layer.sources]
        exact = ranges[layer.name]
        result = exact.format if layer.name in network.outputs else _at_least(exact.format, -min(coarsest, 0))
        if isinstance(layer, Input):
            made = LayerTypes(layer.format.ap_type, layer.format)  # its quantiser's; the port itself need not round
        elif isinstance(layer, Quantise | Relu):
            form = exact.format if layer.name in network.outputs else layer.format
            if form.fraction != layer.format.fraction:
                form = layer.format
            made = LayerTypes(_quantising(form, layer.format), form)
        elif isinstance(layer, Dense | Conv1D | Conv2D):
            kernel, bias = layer.kernel_format, layer.bias_format
            fraction = max(sources[0].fraction + kernel.fraction, bias.fraction if bias else 0, exact.fraction)
            accum = _wide(exact, fraction)
            made = LayerTypes(plain(result), result, plain(accum), plain(kernel), plain(bias) if bias else "ap_uint<1>")
        elif isinstance(layer, _Average):
            bits = _mean_bits(layer, network)
            source = sources[0]
            accum = FixedPoint(source.width + 2 * bits, source.integer + bits, source.signed)
            made = LayerTypes(plain(result), result, plain(accum))
        elif isinstance(layer, MaxPooling1D | MaxPooling2D):
            made = LayerTypes(plain(sources[0]), sources[0], plain(sources[0]))
        elif isinstance(layer, Flatten | Reshape | Permute | UpSampling1D):
            made = LayerTypes(types[layer.source].result, sources[0])  # hls4ml moves values in place
        else:
            made = LayerTypes(plain(result), result)
        types[layer.name] = made
        _check_width(layer.name, made)
    return types


def _at_least(form: FixedPoint, integer: int) -> FixedPoint:
    extra = max(integer - form.integer, 0)
    return replace(form, width=form.width + extra, integer=form.integer + extra)


def _quantising(form: FixedPoint, nominal: FixedPoint) -> str:
    """A narrower output format never saturates, and a symmetric limit would cut its lowest value off."""
    if form == nominal:
        return form.ap_type
    return FixedPoint(form.width, form.integer, form.signed).ap_type


def _wide(exact: Interval, fraction: int) -> FixedPoint:
    shift = fraction - exact.fraction
    lowest, highest = int(np.min(exact.lowest)), int(np.max(exact.highest))
    return FixedPoint.holding(min(lowest, -1) << shift, max(highest, 0) << shift, fraction)


def _mean_bits(layer: _Average, network: Network) -> int:
    """log2 of the number of values under the mean; of the largest number where padding makes it vary."""
    shape = network.shapes[layer.source]
    if isinstance(layer, GlobalAveragePooling1D):
        counts = {shape[0]}
    else:
        sizes, strides = geometry(layer)
        counts = {1}
        for axis, (before, after) in enumerate(padding_amounts(layer, shape)):
            starts = range(-before, shape[axis] + after - sizes[axis] + 1, strides[axis])
            here = {min(start + sizes[axis], shape[axis]) - max(start, 0) for start in starts}
            counts = {count * length for count in counts for length in here}
    for count in sorted(counts):
        if count & (count - 1):
            raise UserError(
                f"windows of '{layer.name}' must hold a power-of-two number of values for an exact mean, not {count}; "
                "choose another pool size or length, or sum with a frozen convolution"
            )
    return max(counts).bit_length() - 1


def _check_width(name: str, types: LayerTypes) -> None:
    for text in types.precision.values():
        width = int(text.partition("<")[2].partition(",")[0].rstrip(">"))
        if width > _MAX_WIDTH:
            raise UserError(
                f"type of layer '{name}' must be at most {_MAX_WIDTH} bits wide, not {text}; use fewer fraction bits "
                "or a quantiser in front of it"
            )
