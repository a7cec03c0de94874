"""Finders whose HLS is tried: the published shape, one that saturates soon, one that is odd in every way."""

from __future__ import annotations

from typing import Any

import numpy as np

from firmware.network.fixed_point import FixedPoint
from firmware.network.layers import Concatenate, Dense, Input, Layer, Relu
from firmware.network.network import Network
from firmware.network.qkeras_io import to_qkeras
from firmware.vertex.events import FinderEvents
from firmware.vertex.examples import example_finder, pattern_network
from firmware.vertex.finder import ASSOCIATION, DISTANCE, PATTERN, WEIGHT, Feature, Field, VertexFinder
from firmware.vertex.stimulus import join_events, patterns, random_events


def published() -> VertexFinder:
    return example_finder()


def saturating() -> VertexFinder:
    """Two tracks fill a bin; the kernel reaches over half a row."""
    return example_finder(
        6, bins=32, bins_per_clock=4, lanes=2, tracks_per_lane=5, units=4, association_units=4, sparsity=0.3,
        kernel_size=5, histogram_bits=8,
    )  # fmt: skip


def odd() -> VertexFinder:
    """Fields across words of 32 bits, a bin a step of z0, words with and without sign the other way round.

    Features have names that the C++ uses; the networks take some of them, in different orders.
    """
    random = np.random.default_rng(6)
    features = (
        Feature(name="features", field="a", shift=1, format=FixedPoint(4, 0, signed=False)),
        Feature(
            name="distance", field="b", format=FixedPoint(5, 2, signed=False), table=random.integers(0, 32, 16)
        ),
        Feature(name="window", field="a", format=FixedPoint(3, 1, signed=False), table=random.integers(0, 8, 16)),
    )  # fmt: skip
    formats = {feature.name: feature.format for feature in features} | {DISTANCE: FixedPoint(4, 1, signed=False)}
    weight = _network(WEIGHT, {name: formats[name] for name in ("window", "distance")}, 3, random)
    association = {name: formats[name] for name in ("window", DISTANCE, "features")}
    histogram = FixedPoint(6, 0, signed=False)
    return VertexFinder(
        name="odd",
        word_bits=70,
        fields={
            "valid": Field(offset=35, width=1, signed=False),
            "z0": Field(offset=29, width=6, signed=True),
            "a": Field(offset=62, width=5, signed=True),
            "b": Field(offset=0, width=4, signed=False),
        },
        features=features,
        weight=weight,
        pattern=pattern_network(np.array([-100, 120, -3]), FixedPoint(8, 0, signed=True), histogram, 8),
        association=_network(ASSOCIATION, association, 4, random),
        histogram=histogram,
        bins=64,
        bins_per_clock=8,
        distance_shift=1,
        lanes=5,
        tracks_per_lane=3,
    )


def models(finder: VertexFinder) -> dict[str, Any]:
    networks = {WEIGHT: finder.weight, PATTERN: finder.pattern, ASSOCIATION: finder.association}
    return {name: to_qkeras(network) for name, network in networks.items()}


def events(finder: VertexFinder, count: int, seed: int = 0) -> FinderEvents:
    """Every corner, and random events that fill the lanes about half."""
    mean = max(2, finder.lanes * finder.tracks_per_lane // 2)
    return join_events([patterns(finder), random_events(finder, count, seed, mean_tracks=mean)])


def _network(output: str, ports: dict[str, FixedPoint], units: int, random: np.random.Generator) -> Network:
    layers: list[Layer] = [Input(name=name, shape=(1,), format=format) for name, format in ports.items()]
    source, *others = ports
    size = len(ports)
    for number, name in enumerate(others):
        layers.append(Concatenate(name=f"join{number}", sources=(source, name)))
        source = f"join{number}"
    for name, made_of, made in (("hidden", size, units), ("last", units, 1)):
        layers.append(
            Dense(
                name=name, source=source, units=made, kernel_format=FixedPoint.from_quantized_bits(6, 1),
                bias_format=FixedPoint.from_quantized_bits(6, 1), kernel=random.integers(-12, 31, (made_of, made)),
                bias=random.integers(-10, 10, made),
            )
        )  # fmt: skip
        source = output if name == "last" else f"{name}_relu"
        layers.append(Relu(name=source, source=name, format=FixedPoint(6, 0, signed=False)))
    return Network(output, tuple(layers), (output,))
