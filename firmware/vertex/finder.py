"""The complete vertex finder: track words in, one vertex an event and one association word a track out.

One event's way, all in integers:

1. A track word enters on a lane. It counts if its ``valid`` field is 1. Each lane keeps the first ``tracks_per_lane``
   tracks of an event and drops the rest; then the event is ``truncated``.
2. Each `Feature` turns a field of the word into a network input, through a table.
3. The weight network gives every kept track a weight, without sign.
4. The weight is added to the bin of the track's z0, which saturates at the highest word of ``histogram``. Weights have
   no sign, so the order of the additions does not matter.
5. The pattern network, a convolution, is applied to the bins with zeros beyond both ends.
6. The vertex is the bin of the largest result; of equal ones that nearest the middle; of two as near the lower one.
7. Every kept track is compared with the vertex: distance, features, association network, one word. The track is
   associated where that word reaches a threshold, which is a register of the firmware.

The largest word of ``z0`` and of the bins are powers of two, so a bin is the upper bits of z0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from firmware.errors import UserError
from firmware.network.fixed_point import FixedPoint
from firmware.network.intervals import output_formats
from firmware.network.layers import Conv1D, Input
from firmware.network.network import Network

__all__ = [
    "ASSOCIATION",
    "DISTANCE",
    "HISTOGRAM",
    "PATTERN",
    "VALID",
    "WEIGHT",
    "Z0",
    "Feature",
    "Field",
    "VertexFinder",
]

VALID, Z0 = "valid", "z0"
"""Fields that every track word has."""

WEIGHT, PATTERN, ASSOCIATION = "weight", "pattern", "association"
"""Outputs of the three networks, and their names."""

HISTOGRAM, DISTANCE = "histogram", "dz"
"""Inputs that are no features: of the pattern network and of the association network."""

_MAX_LANES = 64
_MAX_TRACKS = 256
_MAX_ADDRESS_BITS = 14


@dataclass(frozen=True, kw_only=True)
class Field:
    """A field of the track word.

    Parameters
    ----------
    offset : int
        Place of its lowest bit.
    width : int
        Bits.
    signed : bool
        Whether it is a two's complement number.
    """

    offset: int
    width: int
    signed: bool


@dataclass(frozen=True, kw_only=True, eq=False)
class Feature:
    """A network input made from one field of the track word.

    The address is the field, or, of a signed field, its magnitude: ``n`` where n is not negative and ``-n - 1`` where
    it is (a digitised value is ``n + 1/2`` steps, so this is its magnitude), shifted right by ``shift``.

    Parameters
    ----------
    name : str
        Name of the networks' inputs.
    field : str
    shift : int
        Low bits of the magnitude that are dropped.
    format : FixedPoint
        Of the input; without sign.
    table : int64 array of shape (2**address_bits,), optional
        Word for every address; None: the address is the word.
    """

    name: str
    field: str
    shift: int = 0
    format: FixedPoint
    table: NDArray[np.int64] | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class VertexFinder:
    """A vertex finder: everything that decides a single bit of what it computes.

    Parameters
    ----------
    name : str
    word_bits : int
        Bits of a track word.
    fields : mapping of str to Field
        At least ``valid``, ``z0`` and those of the features.
    features : tuple of Feature
    weight, association : Network
        Inputs of shape (1,): features by name, for ``association`` also ``dz``. Output `WEIGHT`, without sign;
        output `ASSOCIATION`.
    pattern : Network
        One Conv1D of one filter, stride 1, odd kernel, padding ``valid``, on input ``histogram`` of shape
        (bins_per_clock + kernel_size - 1, 1).
    histogram : FixedPoint
        Of a bin; without sign, with the fraction of the weights.
    bins : int
        A power of two, at most 2**(width of z0).
    bins_per_clock : int
        Bins that are read in one clock; a power of two, at least 4, below ``bins``.
    distance_shift : int
        Low bits of the distance in z0 that are dropped before it saturates in the format of input ``dz``.
    lanes : int
        Track words that enter in one clock.
    tracks_per_lane : int
        Tracks of an event that one lane accepts.

    Raises
    ------
    UserError
        Anything that cannot be built.
    """

    name: str
    word_bits: int = 96
    fields: Mapping[str, Field]
    features: tuple[Feature, ...]
    weight: Network
    pattern: Network
    association: Network
    histogram: FixedPoint
    bins: int = 256
    bins_per_clock: int = 16
    distance_shift: int = 0
    lanes: int = 18
    tracks_per_lane: int = 32

    def __post_init__(self) -> None:
        _check_fields(self)
        _check_histogram(self)
        for feature in self.features:
            _check_feature(self, feature)
        _check_scalar_network(self.weight, WEIGHT, self._feature_formats)
        distance = next((port.format for port in self.association.inputs if port.name == DISTANCE), None)
        if distance is None:
            raise UserError(f"network '{ASSOCIATION}' must have an input '{DISTANCE}', the distance to the vertex")
        if distance.signed or distance.width > self.z0.width - self.distance_shift:
            raise UserError(
                f"format of input '{DISTANCE}' must be without sign and of at most "
                f"{self.z0.width - self.distance_shift} bits, not {distance}"
            )
        _check_scalar_network(self.association, ASSOCIATION, {**self._feature_formats, DISTANCE: distance})
        if self.weight_format.signed:
            raise UserError(f"output of network '{WEIGHT}' must have no sign; end it with a Relu")
        if self.histogram.fraction != self.weight_format.fraction:
            raise UserError(
                f"fraction of the histogram must be that of the weights ({self.weight_format.fraction}), "
                f"not {self.histogram.fraction}"
            )
        _check_pattern(self)

    @property
    def _feature_formats(self) -> dict[str, FixedPoint]:
        return {feature.name: feature.format for feature in self.features}

    @property
    def z0(self) -> Field:
        """The field of z0."""
        return self.fields[Z0]

    @property
    def bin_shift(self) -> int:
        """Low bits of z0 inside a bin."""
        return self.z0.width - (self.bins.bit_length() - 1)

    @property
    def rows(self) -> int:
        """Clocks in which all bins are read."""
        return self.bins // self.bins_per_clock

    @cached_property
    def kernel_size(self) -> int:
        """Bins that the pattern sees."""
        return next(layer.kernel_size for layer in self.pattern.layers if isinstance(layer, Conv1D))

    @cached_property
    def weight_format(self) -> FixedPoint:
        """Of a track's weight."""
        return output_formats(self.weight)[WEIGHT]

    @cached_property
    def pattern_format(self) -> FixedPoint:
        """Of a bin's result of the convolution."""
        return output_formats(self.pattern)[PATTERN]

    @cached_property
    def association_format(self) -> FixedPoint:
        """Of a track's association word, and of the threshold."""
        return output_formats(self.association)[ASSOCIATION]

    @property
    def distance_format(self) -> FixedPoint:
        """Of the distance to the vertex."""
        return next(port.format for port in self.association.inputs if port.name == DISTANCE)

    def feature(self, name: str) -> Feature:
        """The feature of that name; KeyError if there is none."""
        for feature in self.features:
            if feature.name == name:
                return feature
        raise KeyError(name)

    def address_bits(self, feature: Feature) -> int:
        """Bits of a feature's address."""
        field = self.fields[feature.field]
        return field.width - int(field.signed) - feature.shift

    def centre(self, bin: NDArray[np.int64]) -> NDArray[np.int64]:
        """Centre of a bin in steps of z0 (value: that many steps, without the half step of a digitised track)."""
        half = (1 << self.bin_shift) >> 1
        return (bin << self.bin_shift) + half - (1 << (self.z0.width - 1))


def _check_fields(finder: VertexFinder) -> None:
    for name in (VALID, Z0):
        if name not in finder.fields:
            raise UserError(f"fields of a track word must include '{name}'")
    used = 0
    for name, field in finder.fields.items():
        if field.width < 1 or field.offset < 0 or field.offset + field.width > finder.word_bits:
            raise UserError(f"field '{name}' must lie in the {finder.word_bits} bits of a track word, not {field}")
        mask = ((1 << field.width) - 1) << field.offset
        if used & mask:
            raise UserError(f"field '{name}' must share no bit with another field of the track word, and does")
        used |= mask
    if finder.fields[VALID].width != 1 or finder.fields[VALID].signed:
        raise UserError(f"field '{VALID}' must be one bit, not {finder.fields[VALID]}")
    if not finder.fields[Z0].signed:
        raise UserError(f"field '{Z0}' must be signed")
    if not 1 <= finder.lanes <= _MAX_LANES:
        raise UserError(f"lanes must be 1 to {_MAX_LANES}, not {finder.lanes}")
    if not 1 <= finder.tracks_per_lane <= _MAX_TRACKS:
        raise UserError(f"tracks_per_lane must be 1 to {_MAX_TRACKS}, not {finder.tracks_per_lane}")


def _check_histogram(finder: VertexFinder) -> None:
    for name, value in (("bins", finder.bins), ("bins_per_clock", finder.bins_per_clock)):
        if value < 4 or value & (value - 1):
            raise UserError(f"{name} must be a power of two and at least 4, not {value}")
    if finder.bins > 1 << finder.z0.width:
        raise UserError(
            f"bins must be at most 2**{finder.z0.width}, one a step of z0, not {finder.bins}: "
            "the rest could not be told apart"
        )
    if finder.bins_per_clock >= finder.bins:
        raise UserError(f"bins_per_clock must be below bins ({finder.bins}), not {finder.bins_per_clock}")
    if finder.histogram.signed:
        raise UserError("format of the histogram must have no sign: a bin counts weights up")
    if not 0 <= finder.distance_shift < finder.z0.width:
        raise UserError(f"distance_shift must be 0 to {finder.z0.width - 1}, not {finder.distance_shift}")


def _check_feature(finder: VertexFinder, feature: Feature) -> None:
    what = f"feature '{feature.name}'"
    if feature.name in (DISTANCE, HISTOGRAM):
        raise UserError(f"name of a feature must not be '{feature.name}', which has a meaning of its own")
    if sum(other.name == feature.name for other in finder.features) > 1:
        raise UserError(f"{what} must be given once")
    if feature.field not in finder.fields:
        raise UserError(f"field of {what} must be one of {', '.join(finder.fields)}, not '{feature.field}'")
    bits = finder.address_bits(feature)
    if feature.shift < 0 or not 1 <= bits <= _MAX_ADDRESS_BITS:
        raise UserError(f"address of {what} must have 1 to {_MAX_ADDRESS_BITS} bits, not {bits}; change its shift")
    if feature.format.signed:
        raise UserError(f"format of {what} must have no sign")
    if feature.table is None:
        if bits > feature.format.width:
            raise UserError(f"format of {what} must hold its {bits} bits, not {feature.format.width}; give a table")
        return
    if feature.table.shape != (1 << bits,) or feature.table.dtype != np.int64:
        raise UserError(f"table of {what} must be int64 of shape ({1 << bits},), not {feature.table.shape}")
    if feature.table.min() < 0 or feature.table.max() > feature.format.highest:
        raise UserError(f"table of {what} must hold words of 0 to {feature.format.highest}")


def _check_scalar_network(network: Network, output: str, known: Mapping[str, FixedPoint]) -> None:
    if network.outputs != (output,) or network.shapes[output] != (1,):
        raise UserError(f"network '{output}' must have the one output '{output}' of shape (1,), not {network.outputs}")
    if not network.is_trained:
        raise UserError(f"network '{output}' must hold its weights")
    for port in network.inputs:
        if port.name not in known:
            raise UserError(f"input '{port.name}' of network '{output}' must be one of {', '.join(known)}")
        if port.shape != (1,) or port.format != known[port.name]:
            raise UserError(
                f"input '{port.name}' of network '{output}' must have shape (1,) and format {known[port.name]}, "
                f"not {port.shape} and {port.format}"
            )


def _check_pattern(finder: VertexFinder) -> None:
    network = finder.pattern
    if len(network.layers) != 2 or network.outputs != (PATTERN,) or not network.is_trained:
        raise UserError(f"network '{PATTERN}' must be one input and one trained Conv1D, its output '{PATTERN}'")
    port, layer = network.layers
    if not isinstance(port, Input) or not isinstance(layer, Conv1D):
        raise UserError(f"network '{PATTERN}' must be one input and one Conv1D")
    if layer.filters != 1 or layer.strides != 1 or layer.padding != "valid" or layer.kernel_size % 2 == 0:
        raise UserError(f"Conv1D of network '{PATTERN}' must have one filter, stride 1, padding valid, an odd kernel")
    if layer.kernel_size // 2 > finder.bins_per_clock:
        raise UserError(f"kernel of network '{PATTERN}' must reach over at most {finder.bins_per_clock} bins a side")
    shape = (finder.bins_per_clock + layer.kernel_size - 1, 1)
    if port.name != HISTOGRAM or port.shape != shape or port.format != finder.histogram:
        raise UserError(
            f"input of network '{PATTERN}' must be '{HISTOGRAM}' of shape {shape} and format {finder.histogram}, "
            f"not '{port.name}', {port.shape}, {port.format}"
        )
