"""Hand-made networks that hold every kind of layer, and the same integers through every rung."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

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

SIGN = FixedPoint.binary_format()


def bits(width: int, integer: int, symmetric: bool = False) -> FixedPoint:
    return FixedPoint.from_quantized_bits(width, integer, True, symmetric)


def relu(width: int, integer: int) -> FixedPoint:
    return FixedPoint.from_quantized_relu(width, integer)


class Builder:
    """Layers in order, with random weights, dead units among them."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.layers: list[Layer] = []
        self.shapes: dict[str, Shape] = {}

    def put(self, layer: Layer) -> str:
        self.shapes[layer.name] = layer.output_shape(*(self.shapes[source] for source in layer.sources))
        self.layers.append(layer)
        return layer.name

    def put_weighted(self, layer: WeightedLayer) -> str:
        kernel = self._words(layer.kernel_format, layer.kernel_shape(self.shapes[layer.source]))
        if not layer.kernel_format.binary:
            kernel[..., -1] = 0
        bias = None if layer.bias_format is None else self._words(layer.bias_format, kernel.shape[-1:])
        return self.put(replace(layer, kernel=kernel, bias=bias))

    def network(self, name: str, outputs: list[str]) -> Network:
        return Network(name, tuple(self.layers), tuple(outputs))

    def _words(self, form: FixedPoint, shape: Shape) -> np.ndarray:
        words = self.rng.integers(form.lowest, form.highest, size=shape, endpoint=True)
        return np.where(words <= 0, -1, 1) if form.binary else words


def mlp(widths: tuple[int, ...], seed: int = 1, width: int = 6) -> Network:
    b = Builder(seed)
    value = b.put(Input(name="x", shape=widths[:1], format=relu(6, 0)))
    for i, units in enumerate(widths[1:]):
        value = b.put_weighted(
            Dense(name=f"d{i}", source=value, units=units, kernel_format=bits(width, 0), bias_format=bits(width, 1))
        )
        if i < len(widths) - 2:
            value = b.put(Relu(name=f"r{i}", source=value, format=relu(4, 1)))
    return b.network("mlp", [value])


def lists(*, stream: bool = False) -> Network:
    """One-dimensional layers, merges, two inputs, 1-bit weights, biases and activations, awkward names."""
    b = Builder(4)
    x = b.put(Input(name="objects", shape=(8, 3), format=relu(4, 1)))
    y = b.put(Input(name="w2", shape=(4,), format=relu(1, 1)))
    point = b.put_weighted(
        Conv1D(name="point", source=x, filters=4, kernel_size=1, kernel_format=bits(5, 0), bias_format=bits(16, 2))
    )
    q = b.put(Quantise(name="q", source=point, format=bits(4, 1, True)))
    three = b.put_weighted(
        Conv1D(
            name="three", source=q, filters=4, kernel_size=3, strides=2, padding="same", kernel_format=bits(2, 1),
            bias_format=SIGN,
        )
    )  # fmt: skip
    r = b.put(Relu(name="weight", source=three, format=relu(1, 1)))
    highest = b.put(MaxPooling1D(name="highest", source=q, pool_size=2, strides=2))
    average = b.put(AveragePooling1D(name="average", source=q, pool_size=4, strides=4))
    mean = b.put(GlobalAveragePooling1D(name="mean", source=r))
    one = b.put(Reshape(name="one", source=mean, target_shape=(1, 4)))
    spread = b.put(UpSampling1D(name="spread", source=one, size=4))
    total = b.put(Add(name="total", sources=(spread, highest)))
    rest = b.put(Subtract(name="rest", sources=(highest, r)))
    both = b.put(Concatenate(name="both", sources=(total, rest), axis=-1))
    dense = b.put_weighted(Dense(name="dense", source=y, units=5, kernel_format=SIGN, bias_format=SIGN))
    sign = b.put(Quantise(name="sign", source=dense, format=SIGN))
    outputs = [highest, average, mean, total, rest, both, dense, sign]
    if not stream:
        three_sums = b.put(Add(name="three_sums", sources=(spread, highest, r)))
        rows = b.put(Concatenate(name="rows", sources=(r, highest, q), axis=0))
        turned = b.put(Permute(name="turned", source=rows, dims=(2, 1)))
        flat = b.put(Flatten(name="flat", source=turned))
        last = b.put_weighted(
            Dense(name="last", source=flat, units=3, kernel_format=bits(3, 0), bias_format=bits(3, 0))
        )
        strided = b.put_weighted(
            Conv1D(
                name="strided", source=x, filters=2, kernel_size=1, strides=3, kernel_format=bits(3, 0),
                bias_format=None,
            )
        )  # fmt: skip
        again = b.put(Reshape(name="again", source=both, target_shape=(32,)))
        outputs += [three_sums, last, strided, again]
    return b.network("lists", outputs)


def images(*, stream: bool = False) -> Network:
    """Two-dimensional layers."""
    b = Builder(3)
    x = b.put(Input(name="image", shape=(6, 5, 2), format=bits(5, 1)))
    same = b.put_weighted(
        Conv2D(
            name="same", source=x, filters=3, kernel_size=(3, 2), padding="same", kernel_format=bits(4, 0, True),
            bias_format=bits(5, 1),
        )
    )  # fmt: skip
    r = b.put(Relu(name="r", source=same, format=relu(4, 2)))
    highest = b.put(MaxPooling2D(name="highest", source=r, pool_size=(2, 2), strides=(2, 2)))
    average = b.put(AveragePooling2D(name="average", source=r, pool_size=(2, 2), strides=(2, 2)))
    point = b.put_weighted(
        Conv2D(name="point", source=r, filters=2, kernel_size=(1, 1), kernel_format=SIGN, bias_format=None)
    )
    sign = b.put(Quantise(name="sign", source=point, format=SIGN))
    valid = b.put_weighted(
        Conv2D(
            name="valid", source=sign, filters=2, kernel_size=(2, 2), strides=(2, 2), kernel_format=bits(3, 0),
            bias_format=bits(4, 0),
        )
    )  # fmt: skip
    outputs = [highest, average, valid]
    if not stream:
        # Padding of unsigned values: hls4ml's own pad value would win.
        padded = b.put(MaxPooling2D(name="padded", source=r, pool_size=(3, 2), strides=(2, 2), padding="same"))
        strided = b.put_weighted(
            Conv2D(
                name="strided", source=r, filters=2, kernel_size=(1, 1), strides=(2, 2), kernel_format=bits(3, 0),
                bias_format=bits(4, 0),
            )
        )  # fmt: skip
        rows = b.put(Concatenate(name="rows", sources=(highest, average, highest), axis=0))
        columns = b.put(Concatenate(name="columns", sources=(highest, average), axis=1))
        # hls4ml would fold this permutation into the dense layer's weights, in the wrong order.
        turned = b.put(Permute(name="turned", source=highest, dims=(2, 1, 3)))
        flat = b.put(Flatten(name="flat", source=turned))
        last = b.put_weighted(Dense(name="last", source=flat, units=2, kernel_format=bits(4, 1), bias_format=None))
        rotated = b.put(Permute(name="rotated", source=average, dims=(3, 1, 2)))
        outputs += [padded, strided, rows, columns, last, rotated]
    return b.network("images", outputs)
