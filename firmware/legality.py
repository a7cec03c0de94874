"""Whether a network can become firmware under the given settings, asked before any slow work.

hls4ml corrects some of these silently and fails late on others; here each is refused, with the values that are valid.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod

from firmware.errors import UserError
from firmware.network.intervals import exact_bits
from firmware.network.layers import (
    AveragePooling1D,
    AveragePooling2D,
    Concatenate,
    Conv1D,
    Conv2D,
    Dense,
    GlobalAveragePooling1D,
    Input,
    MaxPooling1D,
    MaxPooling2D,
    Quantise,
    Relu,
    WeightedLayer,
)
from firmware.network.names import check_names
from firmware.network.network import Network
from firmware.network.reference import check_averages
from firmware.network.windows import geometry, padding_amounts
from firmware.settings import FirmwareSettings

__all__ = ["RULES", "Rule", "check", "multiplier_shape", "valid_reuse_factors"]

ARRAY_LIMIT = 4096
"""Largest array that is partitioned, and largest loop that is unrolled, completely."""

_FLOAT64_BITS = 53


@dataclass(frozen=True)
class Rule:
    """One thing that must hold: the check, and where it comes from."""

    check: Callable[[Network, FirmwareSettings], None]
    source: str


def check(network: Network, settings: FirmwareSettings) -> None:
    """Refuse what cannot be built, or could not be shown exact.

    Parameters
    ----------
    network : Network
        Trained.
    settings : FirmwareSettings

    Raises
    ------
    UserError
        The first rule of ``RULES`` that is broken, with subject, value and remedy.
    """
    for rule in RULES:
        rule.check(network, settings)


def multiplier_shape(network: Network, layer: WeightedLayer) -> tuple[int, int]:
    """(n_in, n_out) of the matrix that hls4ml multiplies by in a layer: one window in, one position out."""
    kernel = layer.kernel_shape(network.shapes[layer.source])
    return prod(kernel[:-1]), kernel[-1]


def valid_reuse_factors(n_in: int, n_out: int, strategy: str) -> list[int]:
    """Reuse factors that hls4ml builds as they are asked for, in rising order.

    Every one divides ``n_in * n_out``. With the Resource strategy, those below ``n_in`` must also leave whole
    columns of multipliers, and those above must be its multiples; distributed arithmetic takes 1 alone.
    """
    if strategy == "distributed_arithmetic":
        return [1]
    total = n_in * n_out
    factors = [factor for factor in range(1, total + 1) if total % factor == 0]
    if strategy == "Latency":
        return factors
    return [factor for factor in factors if _is_resource_factor(n_in, n_out, factor)]


def _is_resource_factor(n_in: int, n_out: int, factor: int) -> bool:
    if factor >= n_in:
        return factor % n_in == 0
    multipliers = -(-n_in * n_out // factor)
    return multipliers % n_out == 0


def _weighted(network: Network) -> list[WeightedLayer]:
    return [layer for layer in network.layers if isinstance(layer, Dense | Conv1D | Conv2D)]


def _trained(network: Network, settings: FirmwareSettings) -> None:
    if not network.is_trained:
        raise UserError(f"network '{network.name}' must be trained; it has layers without weights")


def _names(network: Network, settings: FirmwareSettings) -> None:
    names = [layer.name for layer in network.layers]
    names += [layer.quantiser_name for layer in network.inputs]
    check_names(names)
    if len(set(names)) != len(names):
        raise UserError(f"quantisers behind the inputs of '{network.name}' must have names of their own; rename them")


def _formats(network: Network, settings: FirmwareSettings) -> None:
    for layer in network.layers:
        formats = []
        if isinstance(layer, Input | Quantise | Relu):
            formats = [layer.format]
        elif isinstance(layer, Dense | Conv1D | Conv2D):
            formats = [layer.kernel_format, *([layer.bias_format] if layer.bias_format else [])]
        for fmt in formats:
            if fmt.integer < 0:
                raise UserError(
                    f"integer bits of layer '{layer.name}' must be 0 or more (QKeras cannot compute with fewer), "
                    f"not {fmt.integer}; scale its values up by {2**-fmt.integer}"
                )


def _averages(network: Network, settings: FirmwareSettings) -> None:
    for layer in network.layers:
        if isinstance(layer, GlobalAveragePooling1D | AveragePooling1D | AveragePooling2D):
            check_averages(layer, network.shapes[layer.source])


def _float64(network: Network, settings: FirmwareSettings) -> None:
    bits = exact_bits(network)
    if bits > _FLOAT64_BITS:
        raise UserError(
            f"sums of network '{network.name}' must fit {_FLOAT64_BITS} bits for QKeras to compute them exactly, "
            f"not {bits}; use fewer bits, or formats with closer fractions"
        )


def _reuse_names(network: Network, settings: FirmwareSettings) -> None:
    if not isinstance(settings.reuse_factor, Mapping):
        return
    known = [layer.name for layer in _weighted(network)]
    unknown = sorted(set(settings.reuse_factor) - set(known))
    if unknown:
        raise UserError(
            f"reuse_factor must name layers with weights ({', '.join(known)}), not '{unknown[0]}'; correct the name"
        )


def _reuse_factors(network: Network, settings: FirmwareSettings) -> None:
    for layer in _weighted(network):
        if isinstance(settings.reuse_factor, Mapping):
            factor = settings.reuse_factor.get(layer.name, 1)
        else:
            factor = settings.reuse_factor
        n_in, n_out = multiplier_shape(network, layer)
        if factor == 1:
            continue
        valid = valid_reuse_factors(n_in, n_out, settings.strategy)
        if factor in valid:
            continue
        place = bisect_left(valid, factor)
        nearest = ", ".join(map(str, valid[max(place - 1, 0) : place + 1]))
        rule = "be 1 with distributed_arithmetic"
        if settings.strategy != "distributed_arithmetic":
            rule = f"divide {n_in * n_out} (n_in*n_out)"
            if (n_in * n_out) % factor == 0:
                rule += f" and, with Resource, split n_in = {n_in} or be a multiple of it"
        raise UserError(
            f"reuse_factor for '{layer.name}' must {rule}, not {factor}; nearest: {nearest}{_shared(network, settings)}"
        )


def _shared(network: Network, settings: FirmwareSettings) -> str:
    """The values that suit every layer, where one value is asked for all."""
    if isinstance(settings.reuse_factor, Mapping):
        return ""
    shapes = {multiplier_shape(network, layer) for layer in _weighted(network)}
    common = set.intersection(*(set(valid_reuse_factors(*shape, settings.strategy)) for shape in shapes))
    return f"; for all layers: {', '.join(map(str, sorted(common)[:12]))}"


def _unrolling(network: Network, settings: FirmwareSettings) -> None:
    if settings.strategy != "Latency":
        return
    for layer in _weighted(network):
        n_in, n_out = multiplier_shape(network, layer)
        if n_in * n_out > ARRAY_LIMIT:
            raise UserError(
                f"n_in*n_out of '{layer.name}' must be at most {ARRAY_LIMIT} with strategy Latency (all products are "
                f"unrolled), not {n_in}*{n_out} = {n_in * n_out}; use strategy distributed_arithmetic, or Resource "
                "with a reuse_factor, or fewer units"
            )


def _arrays(network: Network, settings: FirmwareSettings) -> None:
    if settings.io_type != "io_parallel":
        return
    for name, shape in network.shapes.items():
        if prod(shape) > ARRAY_LIMIT:
            raise UserError(
                f"values of layer '{name}' must be at most {ARRAY_LIMIT} with io_parallel (the array is partitioned "
                f"completely), not {prod(shape)}; use io_stream, or a smaller input"
            )


def _streams(network: Network, settings: FirmwareSettings) -> None:
    if settings.io_type != "io_stream":
        return
    for layer in network.layers:
        shape = network.shapes[layer.name]
        if isinstance(layer, Concatenate) and layer.axis % len(shape) != len(shape) - 1:
            raise UserError(
                f"axis of Concatenate '{layer.name}' must be the last with io_stream (a stream carries channels), not "
                f"{layer.axis}; use io_parallel"
            )
        if isinstance(layer, MaxPooling1D | MaxPooling2D | AveragePooling1D | AveragePooling2D):
            size, strides = geometry(layer)
            if size != strides or any(map(sum, padding_amounts(layer, network.shapes[layer.source]))):
                raise UserError(
                    f"strides of pooling '{layer.name}' must equal its pool_size {size} and nothing be padded with "
                    f"io_stream, not strides {strides}, padding '{layer.padding}'; use io_parallel"
                )


RULES: tuple[Rule, ...] = (
    Rule(_trained, "the weights are what firmware is made of"),
    Rule(_names, "C++ and SystemVerilog keywords; hls4ml 1.3.0 fails on a layer called perm"),
    Rule(_formats, "QKeras 0.9.0 quantizers: K.pow(2, integer) in whole numbers"),
    Rule(_averages, "a mean over another number has no exact fixed-point value"),
    Rule(_float64, "53-bit significand of IEEE 754 double precision"),
    Rule(_reuse_names, "hls4ml ignores names it does not know"),
    Rule(_reuse_factors, "hls4ml 1.3.0 FPGABackend: the dense layer's functional and divisibility conditions"),
    Rule(_unrolling, "Vitis HLS and hls4ml's build script: complete unrolling and partitioning up to 4,096"),
    Rule(_arrays, "hls4ml's build script: config_array_partition -maximum_size 4096"),
    Rule(_streams, "hls4ml 1.3.0 nnet_pooling_stream.h and nnet_merge_stream.h"),
)
