"""Units that never change or are never used, removed or folded into biases, outputs kept to the word."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firmware.network.fixed_point import FixedPoint
from firmware.network.intervals import Interval, exact_formats
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
    Quantise,
    Relu,
    UpSampling1D,
    WeightedLayer,
)
from firmware.network.network import Network
from firmware.network.windows import padding_amounts

__all__ = ["constant_outputs", "remove_dead"]

_ON_ELEMENTS = (Quantise, Relu, Flatten)
_ON_CHANNELS = (
    *_ON_ELEMENTS, UpSampling1D, GlobalAveragePooling1D, MaxPooling1D, MaxPooling2D, AveragePooling1D,
    AveragePooling2D,
)  # fmt: skip
_MAX_BIAS_BITS = 48
Words = NDArray[np.int64]


def remove_dead(network: Network) -> Network:
    """The same function with fewer units.

    Between two layers with weights that are joined by layers acting on each channel for itself, a unit goes if it
    is constant (its share is added to the next bias) or if the next layer never uses it. Layers that reach no output
    go as a whole; inputs and outputs stay, with their words and fractions. Other dead units stay: they are harmless.

    Parameters
    ----------
    network : Network
        Trained.

    Returns
    -------
    Network
    """
    network = _drop_unused_layers(network)
    while True:
        smaller = _one_pass(network)
        if smaller is None:
            return network
        network = smaller


def constant_outputs(network: Network) -> dict[str, int]:
    """Outputs that hold elements which never change, and how many."""
    ranges = exact_formats(network)
    counts = {name: int(ranges[name].constant.sum()) for name in network.outputs}
    return {name: count for name, count in counts.items() if count}


@dataclass(frozen=True)
class _Chain:
    """Two layers with weights, joined by layers that keep the units of the first apart."""

    producer: WeightedLayer
    consumer: WeightedLayer


def _drop_unused_layers(network: Network) -> Network:
    used = set(network.outputs)
    for layer in reversed(network.layers):
        if layer.name in used:
            used |= set(layer.sources)
    kept = tuple(layer for layer in network.layers if layer.name in used or isinstance(layer, Input))
    return replace(network, layers=kept)


def _one_pass(network: Network) -> Network | None:
    """The network without the dead units of the first chain that has some; None if none has."""
    ranges = exact_formats(network)
    for chain in _chains(network):
        entering = ranges[chain.consumer.source]
        constant = _foldable_units(chain, entering)
        dead = constant | ~_kernel(chain).any(axis=(0, 2))
        if dead.all():
            dead[0] = False  # no tensor may be empty
        changed = _without(chain, dead, constant & dead, entering) if dead.any() else None
        if changed is not None:
            by_name = {layer.name: layer for layer in changed}
            return replace(network, layers=tuple(by_name.get(layer.name, layer) for layer in network.layers))
    return None


def _chains(network: Network) -> Iterator[_Chain]:
    uses = Counter(source for layer in network.layers for source in layer.sources)
    uses.update(network.outputs)
    followers = {source: layer for layer in network.layers for source in layer.sources}
    for producer in network.layers:
        if not isinstance(producer, Dense | Conv1D | Conv2D):
            continue
        name, flat = producer.name, False
        while uses[name] == 1 and name in followers:
            layer = followers[name]
            if isinstance(layer, Dense | Conv1D | Conv2D):
                yield _Chain(producer, layer)
                break
            flat = flat or isinstance(layer, Flatten)
            if not isinstance(layer, _ON_ELEMENTS if flat else _ON_CHANNELS):
                break
            name = layer.name


def _units(chain: _Chain) -> int:
    assert chain.producer.kernel is not None
    return int(chain.producer.kernel.shape[-1])


def _kernel(chain: _Chain) -> Words:
    """The consumer's kernel as (positions, units of the producer, units of the consumer)."""
    kernel = chain.consumer.kernel
    assert kernel is not None
    return kernel.reshape(-1, _units(chain), kernel.shape[-1])


def _foldable_units(chain: _Chain, entering: Interval) -> NDArray[np.bool_]:
    """Units whose share of the consumer's sums is the same everywhere and always."""
    values = entering.lowest.reshape(-1, _units(chain))
    foldable: NDArray[np.bool_] = np.all(entering.constant.reshape(values.shape), axis=0)
    if isinstance(chain.consumer, Dense):
        return foldable
    foldable &= (values == values[0]).all(axis=0)
    if any(map(sum, padding_amounts(chain.consumer, entering.lowest.shape))):
        foldable &= values[0] == 0  # padding is zero, and an edge would see less of any other constant
    return foldable


def _without(
    chain: _Chain, dead: NDArray[np.bool_], constant: NDArray[np.bool_], entering: Interval
) -> tuple[WeightedLayer, WeightedLayer] | None:
    """Producer and consumer without the dead units; None if the new bias would be too wide."""
    producer, consumer, kernel = chain.producer, chain.consumer, _kernel(chain)
    assert producer.kernel is not None
    values = entering.lowest.reshape(-1, _units(chain))[:, constant].astype(object)  # Python integers: no overflow
    if not isinstance(consumer, Dense):
        values = np.repeat(values[:1], len(kernel), axis=0)
    share = (values[:, :, np.newaxis] * kernel[:, constant]).sum(axis=(0, 1))
    if np.any(share != 0):
        fraction = entering.fraction + consumer.kernel_format.fraction
        folded = _with_bias(consumer, np.broadcast_to(share, kernel.shape[-1:]), fraction)
        if folded is None:
            return None
        consumer = folded
    assert consumer.kernel is not None
    shape = list(consumer.kernel.shape)
    shape[-2] -= int(dead.sum()) * (shape[-2] // len(dead))
    bias = None if producer.bias is None else producer.bias[~dead]
    slimmer = replace(consumer, kernel=kernel[:, ~dead].reshape(shape))
    return _resized(replace(producer, kernel=producer.kernel[..., ~dead], bias=bias)), slimmer


def _with_bias(layer: WeightedLayer, share: NDArray[Any], fraction: int) -> WeightedLayer | None:
    """The layer with ``share * 2**-fraction`` (Python integers) added to its bias, in a format that holds the sum."""
    fine = fraction
    total = share
    if layer.bias is not None and layer.bias_format is not None:
        fine = max(fraction, layer.bias_format.fraction)
        total = share * 2 ** (fine - fraction) + layer.bias.astype(object) * 2 ** (fine - layer.bias_format.fraction)
    one = 1 << max(fine, 0)  # integer bits of 0 or more, as QKeras needs them
    lowest, highest = min(-one, *total), max(0, *total)
    if max(highest, -lowest).bit_length() > _MAX_BIAS_BITS:
        return None
    fmt = FixedPoint.holding(lowest, highest, fine)
    return replace(layer, bias=total.astype(np.int64), bias_format=fmt)


def _resized(layer: WeightedLayer) -> WeightedLayer:
    """The layer with as many units as its kernel has."""
    assert layer.kernel is not None
    if isinstance(layer, Dense):
        return replace(layer, units=layer.kernel.shape[-1])
    return replace(layer, filters=layer.kernel.shape[-1])
