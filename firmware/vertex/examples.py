"""Vertex finders with random weights, for tests and benchmarks: the published shape, or anything smaller."""

from __future__ import annotations

import numpy as np

from firmware.network.fixed_point import FixedPoint
from firmware.network.layers import Concatenate, Conv1D, Dense, Input, Layer, Relu
from firmware.network.network import Network
from firmware.network.reference import evaluate
from firmware.vertex.events import FinderEvents
from firmware.vertex.finder import ASSOCIATION, DISTANCE, HISTOGRAM, PATTERN, WEIGHT, Feature, Field, VertexFinder

__all__ = ["TRACK_FIELDS", "example_events", "example_finder", "pattern_network"]

_DRAWS = 50
_LIVELY = 40
"""Distinct words that a random network must give for 256 random inputs."""

TRACK_FIELDS = {
    "valid": Field(offset=95, width=1, signed=False),
    "rinv": Field(offset=80, width=15, signed=True),
    "tanl": Field(offset=52, width=16, signed=True),
    "z0": Field(offset=40, width=12, signed=True),
    "mva": Field(offset=6, width=3, signed=False),
}
"""A track word of 96 bits."""


def pattern_network(
    kernel: np.ndarray, kernel_format: FixedPoint, histogram: FixedPoint, bins_per_clock: int
) -> Network:
    """The convolution of a finder.

    Parameters
    ----------
    kernel : int64 array of shape (kernel_size,)
        Words; an odd number of them.
    kernel_format, histogram : FixedPoint
    bins_per_clock : int

    Returns
    -------
    Network
    """
    size = len(kernel)
    port = Input(name=HISTOGRAM, shape=(bins_per_clock + size - 1, 1), format=histogram)
    layer = Conv1D(
        name=PATTERN, source=HISTOGRAM, filters=1, kernel_size=size, kernel_format=kernel_format,
        kernel=np.asarray(kernel, dtype=np.int64).reshape(size, 1, 1),
    )  # fmt: skip
    return Network(PATTERN, (port, layer), (PATTERN,))


def example_finder(
    seed: int = 0, *, bins: int = 256, bins_per_clock: int = 16, lanes: int = 18, tracks_per_lane: int = 32,
    units: int = 10, association_units: int = 20, sparsity: float = 0.8, kernel_size: int = 3, histogram_bits: int = 12,
) -> VertexFinder:  # fmt: skip
    """A finder of the published shape with random weights.

    Parameters
    ----------
    seed : int
    bins, bins_per_clock, lanes, tracks_per_lane : int
        As in `VertexFinder`.
    units, association_units : int
        Width of both hidden layers of the weight and of the association network.
    sparsity : float
        Fraction of zero weights in the association network.
    kernel_size, histogram_bits : int

    Returns
    -------
    VertexFinder
    """
    random = np.random.default_rng(seed)
    features = (
        Feature(
            name="pt", field="rinv", shift=4, format=FixedPoint(7, 0, signed=False),
            table=np.clip(1100 // (np.arange(1024) + 8), 0, 127).astype(np.int64),
        ),
        Feature(
            name="eta", field="tanl", shift=6, format=FixedPoint(5, 0, signed=False),
            table=np.clip(np.arange(512) // 14, 0, 31).astype(np.int64),
        ),
        Feature(name="mva", field="mva", format=FixedPoint(3, 0, signed=False)),
    )  # fmt: skip
    ports = [(feature.name, feature.format) for feature in features]
    weight = _network(WEIGHT, ports, (units, units), 0.0, random, relu=FixedPoint(8, 1, signed=False))
    histogram = FixedPoint(histogram_bits, histogram_bits - 7, signed=False)
    kernel = random.integers(40, 128, kernel_size)
    kernel[kernel_size // 2] = 127
    return VertexFinder(
        name=f"example{seed}", fields=TRACK_FIELDS, features=features, weight=weight,
        pattern=pattern_network(kernel, FixedPoint(8, 0, signed=True), histogram, bins_per_clock),
        association=_network(
            ASSOCIATION, [*ports, (DISTANCE, FixedPoint(8, 0, signed=False))],
            (association_units, association_units), sparsity, random,
        ),
        histogram=histogram, bins=bins, bins_per_clock=bins_per_clock, lanes=lanes, tracks_per_lane=tracks_per_lane,
    )  # fmt: skip


def example_events(finder: VertexFinder, events: int, seed: int = 0, *, mean_tracks: float = 190.0) -> FinderEvents:
    """Random track words of `TRACK_FIELDS`, a part of them near a vertex; some events empty, some with full lanes.

    Parameters
    ----------
    finder : VertexFinder
    events : int
    seed : int
    mean_tracks : float

    Returns
    -------
    FinderEvents
    """
    random = np.random.default_rng(seed)
    count = random.poisson(mean_tracks, events) * (random.random(events) > 0.05)
    start = np.concatenate([[0], np.cumsum(count)]).astype(np.int64)
    event = np.repeat(np.arange(events), count)
    tracks = len(event)
    vertex = random.integers(-2048, 2048, events)
    near = random.random(tracks) < 0.15
    z0 = np.where(near, vertex[event] + random.integers(-20, 21, tracks), random.normal(0, 430, tracks))
    values = {
        "valid": (random.random(tracks) < 0.98).astype(np.int64),
        "rinv": random.integers(-16384, 16384, tracks),
        "tanl": random.integers(-32768, 32768, tracks),
        "z0": np.clip(z0, -2048, 2047).astype(np.int64),
        "mva": random.integers(0, 8, tracks),
    }
    words = random.integers(0, 2**32, (tracks, 3), dtype=np.uint32)
    for name, value in values.items():
        _put(words, finder.fields[name], value)
    lane = random.integers(0, finder.lanes, tracks)
    crowded = random.random(events) < 0.03
    lane = np.where(crowded[event], lane % min(4, finder.lanes), lane)
    return FinderEvents(start, lane.astype(np.int64), words)


def _put(words: np.ndarray, field: Field, value: np.ndarray) -> None:
    for bit in range(field.width):
        word, place = divmod(field.offset + bit, 32)
        words[:, word] &= np.uint32(0xFFFFFFFF ^ (1 << place))
        words[:, word] |= (((value >> bit) & 1) << place).astype(np.uint32)


def _network(
    output: str, ports: list[tuple[str, FixedPoint]], hidden: tuple[int, ...], sparsity: float,
    random: np.random.Generator, relu: FixedPoint | None = None,
) -> Network:  # fmt: skip
    """Drawn until its output varies: a network that is dead or saturated would hide what is wrong around it."""
    inputs = np.random.default_rng(0)
    words = {name: inputs.integers(0, format.highest, (256, 1), endpoint=True) for name, format in ports}
    for _ in range(_DRAWS):
        network = _drawn_network(output, ports, hidden, sparsity, random, relu)
        if len(np.unique(evaluate(network, words)[output].words)) >= _LIVELY:
            break
    return network


def _drawn_network(
    output: str, ports: list[tuple[str, FixedPoint]], hidden: tuple[int, ...], sparsity: float,
    random: np.random.Generator, relu: FixedPoint | None = None,
) -> Network:  # fmt: skip
    layers: list[Layer] = [Input(name=name, shape=(1,), format=format) for name, format in ports]
    source, size = ports[0][0], 1
    for number, (name, _) in enumerate(ports[1:], start=1):
        layers.append(Concatenate(name=f"inputs{number}", sources=(source, name)))
        source, size = f"inputs{number}", size + 1
    for number, units in enumerate(hidden, start=1):
        layers.append(_dense(f"hidden{number}", source, size, units, sparsity, random))
        source, size = f"hidden{number}_relu", units
        layers.append(Relu(name=source, source=f"hidden{number}", format=FixedPoint(8, 1, signed=False)))
    last = output if relu is None else f"{output}_sum"
    layers.append(_dense(last, source, size, 1, sparsity, random))
    if relu is not None:
        layers.append(Relu(name=output, source=last, format=relu))
    return Network(output, tuple(layers), (output,))


def _dense(name: str, source: str, size: int, units: int, sparsity: float, random: np.random.Generator) -> Dense:
    kernel = random.integers(-90, 128, (size, units)) * (random.random((size, units)) >= sparsity)
    return Dense(
        name=name, source=source, units=units, kernel_format=FixedPoint.from_quantized_bits(8, 1),
        bias_format=FixedPoint.from_quantized_bits(8, 1), kernel=kernel.astype(np.int64),
        bias=random.integers(-60, 61, units).astype(np.int64),
    )  # fmt: skip
