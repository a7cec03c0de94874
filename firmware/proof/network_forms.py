"""The quantised network executed on exact forms: what its description means, for every input at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

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
from firmware.network.network import Network
from firmware.network.reference import check_averages
from firmware.network.windows import WindowedLayer, geometry, windows
from firmware.proof.atoms import Form, TooLarge, crossings
from firmware.proof.functions import Function, TooWide
from firmware.proof.largest import largest
from firmware.proof.space import Space

__all__ = ["Coverage", "FormTensor", "network_forms"]

_NO_VALUE = -1
_FLOAT_BITS = 53
_WORD_BITS = 63
_MAX_STEPS = 1 << 21


@dataclass(frozen=True)
class FormTensor:
    """Forms of a layer's elements (object array), in units of ``2**-fraction``."""

    elements: NDArray[np.object_]
    fraction: int

    @property
    def flat(self) -> list[Form]:
        """Elements in C order."""
        return list(self.elements.ravel())


class Coverage:
    """Which per-element functions were looked at, and how."""

    def __init__(self) -> None:
        self.by_points: set[tuple[Any, ...]] = set()
        self.by_pieces: set[tuple[Any, ...]] = set()
        self.points = 0
        self.widest_bits = 0
        self.not_looked_at: list[tuple[str, str]] = []
        """Layer and reason."""

    def add(self, key: tuple[Any, ...], pointwise: bool, points: int) -> None:
        """A function over so many integers."""
        found = self.by_points if pointwise else self.by_pieces
        if key not in found:
            found.add(key)
            self.points += points
            self.widest_bits = max(self.widest_bits, (points - 1).bit_length())


def network_forms(space: Space, network: Network, coverage: Coverage) -> dict[str, FormTensor]:
    """Every layer's elements as forms over the input words.

    Parameters
    ----------
    space : Space
        New; input words become its first atoms, in the order of the network's inputs.
    network : Network
        Trained.
    coverage : Coverage
        Told of every per-element function.
    """
    tensors: dict[str, FormTensor] = {}
    run = _Run(space, coverage)
    for layer in network.layers:
        if isinstance(layer, Input):
            low, high = layer.format.lowest, layer.format.highest
            forms = [space.variable(low, high, f"{layer.name}[{i}]") for i in range(prod(layer.shape))]
            tensors[layer.name] = _scaled(space, _filled(layer.shape, forms), layer.format.fraction)
        else:
            tensors[layer.name] = _RULES[type(layer)](run, layer, *(tensors[source] for source in layer.sources))
    return tensors


@dataclass(frozen=True)
class _Run:
    space: Space
    coverage: Coverage


def _scaled(space: Space, elements: NDArray[np.object_], fraction: int) -> FormTensor:
    """Integer words read with that many fraction bits."""
    moved = [space.combine([(form, 1, -fraction)]) for form in elements.ravel()]
    return FormTensor(_filled(elements.shape, moved), fraction)


def _quantise(run: _Run, layer: Quantise | Relu, tensor: FormTensor) -> FormTensor:
    forms = [_requantised(run, layer.name, form, layer.format) for form in tensor.flat]
    return FormTensor(_filled(tensor.elements.shape, forms), layer.format.fraction)


def _requantised(run: _Run, name: str, form: Form, fmt: FixedPoint) -> Form:
    space = run.space
    if form.is_constant:
        word = int(fmt.requantise(np.array([form.constant]), -form.exponent)[0])
        return space.constant(word, -fmt.fraction)
    try:
        group = space.base(form)
        f = space.function(form)
        if not f.pointwise:
            space.refine(group, crossings(space.groups[group], f, _thresholds(f, -form.exponent, fmt)))
            f = space.function(form)
        words = _applied(f, -form.exponent, fmt)
    except (TooLarge, TooWide) as error:
        run.coverage.not_looked_at.append((name, str(error)))
        low, high = (int(w) for w in fmt.requantise(np.array([form.low, form.high]), -form.exponent))
        return space.combine([(space.variable(low, high, f"{name} (not looked at)"), 1, -fmt.fraction)])
    place = space.groups[group]
    key = (fmt, -form.exponent, f.low, f.high) if place.pointwise else (fmt, group, f.low, f.high)
    run.coverage.add(key, place.pointwise, place.points)
    return space.named(group, words, -fmt.fraction)


def _applied(f: Function, fraction: int, fmt: FixedPoint) -> Function:
    """The quantiser on each point, or on both ends of each piece.

    A quantiser never decreases, so that equal ends make a constant piece; between unequal ends nothing may round or
    saturate.
    """
    first = _checked(fmt, f.first, fraction)
    if f.pointwise:
        return Function(first, first)
    last = _checked(fmt, f.last, fraction)
    sloped = first != last
    if sloped.any():
        shift = fmt.fraction - fraction
        if shift < 0 or fmt.binary:
            raise TooLarge("a piece of a rounding function is not constant")
        exact = (first[sloped] == f.first[sloped] << shift) & (last[sloped] == f.last[sloped] << shift)
        if not exact.all():
            raise TooLarge("a piece of a saturating function is not affine")
    return Function(first, last)


def _checked(fmt: FixedPoint, words: NDArray[np.int64], fraction: int) -> NDArray[np.int64]:
    """The quantiser in integers; where float64 is exact, held against NumPy's own rounding as well."""
    result = fmt.requantise(words, fraction)
    if max(abs(int(words.min())), abs(int(words.max()))) < 1 << _FLOAT_BITS:
        assert np.array_equal(result, fmt.quantise(np.ldexp(words.astype(np.float64), -fraction)))
    return result


def _thresholds(f: Function, fraction: int, fmt: FixedPoint) -> NDArray[np.int64]:
    """Values at which the quantiser's result, or anything that it is computed from, may change."""
    shift = fraction - fmt.fraction
    if fmt.binary:
        return np.array([0])
    if shift > _WORD_BITS - 2:
        return np.zeros(0, np.int64)  # every value is below half a step
    if shift <= 0:
        ends = [fmt.lowest - 1, fmt.lowest, 0, fmt.highest + 1]
        return np.array([-(-end >> -shift) for end in ends])
    half = 1 << (shift - 1)
    first, last = max(fmt.lowest - 2, (f.low >> shift) - 1), min(fmt.highest + 1, (f.high >> shift) + 1)
    if last - first >= _MAX_STEPS:
        raise TooLarge(f"a quantiser of {last - first} steps has more than {_MAX_STEPS}")
    steps = np.arange(first, last + 1, dtype=np.int64)
    return (steps << shift) + half


def _weighted(run: _Run, layer: WeightedLayer, tensor: FormTensor) -> FormTensor:
    assert layer.kernel is not None
    kernel = layer.kernel.reshape(-1, layer.kernel.shape[-1])
    fraction = tensor.fraction + layer.kernel_format.fraction
    bias = None
    if layer.bias is not None and layer.bias_format is not None:
        bias = [run.space.constant(int(word), -layer.bias_format.fraction) for word in layer.bias]
        fraction = max(fraction, layer.bias_format.fraction)
    if isinstance(layer, Dense):
        rows = tensor.elements.reshape(1, -1)
    else:
        rows = _windows(layer, tensor).reshape(-1, len(kernel))
    results = []
    for row in rows:
        for unit in range(kernel.shape[1]):
            used = [(place, int(kernel[place, unit])) for place in np.flatnonzero(kernel[:, unit])]
            parts = [
                (row[place], word, -layer.kernel_format.fraction) for place, word in used if row[place] is not None
            ]
            if bias is not None:
                parts.append((bias[unit], 1, 0))
            results.append(_unit(run.space, run.space.combine(parts) if parts else run.space.constant(0), fraction))
    shape = layer.output_shape(tensor.elements.shape)
    return FormTensor(_filled(shape, results), fraction)


def _windows(layer: WindowedLayer, tensor: FormTensor) -> NDArray[np.object_]:
    """Elements of each window, of shape (*spatial out, *window, channels); None where padding is."""
    places = np.arange(tensor.elements.size, dtype=np.int64).reshape(1, *tensor.elements.shape)
    found = windows(layer, places, fill=_NO_VALUE)[0]
    picked = _filled((tensor.elements.size + 1,), [*tensor.flat, None])
    gathered: NDArray[np.object_] = picked[found]
    return gathered


def _pools(layer: WindowedLayer, tensor: FormTensor) -> list[list[Form]]:
    """Elements of each window of each channel, without padding."""
    found = np.moveaxis(_windows(layer, tensor), -1, tensor.elements.ndim - 1)
    return [[form for form in pool if form is not None] for pool in found.reshape(-1, prod(geometry(layer)[0]))]


def _max_pool(run: _Run, layer: MaxPooling1D | MaxPooling2D, tensor: FormTensor) -> FormTensor:
    results = []
    for pool in _pools(layer, tensor):
        try:
            form = largest(run.space, pool)
        except (TooLarge, TooWide) as error:
            run.coverage.not_looked_at.append((layer.name, str(error)))
            low, high = max(form.low for form in pool), max(form.high for form in pool)
            variable = run.space.variable(low, high, f"{layer.name} (not looked at)")
            form = run.space.combine([(variable, 1, -tensor.fraction)])
        results.append(_unit(run.space, form, tensor.fraction))
    return FormTensor(_filled(layer.output_shape(tensor.elements.shape), results), tensor.fraction)


def _average_pool(run: _Run, layer: AveragePooling1D | AveragePooling2D, tensor: FormTensor) -> FormTensor:
    bits = check_averages(layer, tensor.elements.shape)
    results = [_mean(run.space, pool, bits, tensor.fraction) for pool in _pools(layer, tensor)]
    return FormTensor(_filled(layer.output_shape(tensor.elements.shape), results), tensor.fraction + bits)


def _global_average(run: _Run, layer: GlobalAveragePooling1D, tensor: FormTensor) -> FormTensor:
    bits = check_averages(layer, tensor.elements.shape)
    results = [_mean(run.space, list(column), bits, tensor.fraction) for column in tensor.elements.T]
    return FormTensor(_filled((len(results),), results), tensor.fraction + bits)


def _mean(space: Space, forms: list[Form], bits: int, fraction: int) -> Form:
    return _unit(space, space.combine([(form, 1, -bits) for form in forms]), fraction + bits)


def _add(run: _Run, layer: Add, *tensors: FormTensor) -> FormTensor:
    return _summed(run, tensors, [1] * len(tensors))


def _subtract(run: _Run, layer: Subtract, *tensors: FormTensor) -> FormTensor:
    return _summed(run, tensors, [1, -1])


def _summed(run: _Run, tensors: Sequence[FormTensor], signs: Sequence[int]) -> FormTensor:
    fraction = max(tensor.fraction for tensor in tensors)
    columns = zip(*(tensor.flat for tensor in tensors), strict=True)
    sums = [run.space.combine([(form, s, 0) for form, s in zip(column, signs, strict=True)]) for column in columns]
    return FormTensor(_filled(tensors[0].elements.shape, [_unit(run.space, form, fraction) for form in sums]), fraction)


def _concatenate(run: _Run, layer: Concatenate, *tensors: FormTensor) -> FormTensor:
    fraction = max(tensor.fraction for tensor in tensors)
    parts = [
        _filled(tensor.elements.shape, [_unit(run.space, form, fraction) for form in tensor.flat]) for tensor in tensors
    ]
    return FormTensor(np.concatenate(parts, axis=layer.axis % parts[0].ndim), fraction)


def _reshape(run: _Run, layer: Flatten | Reshape, tensor: FormTensor) -> FormTensor:
    return FormTensor(tensor.elements.reshape(layer.output_shape(tensor.elements.shape)), tensor.fraction)


def _permute(run: _Run, layer: Permute, tensor: FormTensor) -> FormTensor:
    return FormTensor(tensor.elements.transpose([dim - 1 for dim in layer.dims]), tensor.fraction)


def _upsample(run: _Run, layer: UpSampling1D, tensor: FormTensor) -> FormTensor:
    return FormTensor(np.repeat(tensor.elements, layer.size, axis=0), tensor.fraction)


def _unit(space: Space, form: Form, fraction: int) -> Form:
    """The form in units of ``2**-fraction``."""
    return space.aligned(form, -fraction)


def _filled(shape: tuple[int, ...], elements: Sequence[Any]) -> NDArray[np.object_]:
    array = np.empty(prod(shape), dtype=object)
    array[:] = elements
    return array.reshape(shape)


_RULES: dict[type, Callable[..., FormTensor]] = {
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
