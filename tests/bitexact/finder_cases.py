"""A finder small enough to be computed by hand, and words for it.

Track word of 32 bits: z0 (8 bits, signed) at 0, a (3 bits) at 8, s (4 bits, signed) at 12, valid at 31. A track
weighs a; its association word is its feature t less its distance; t is ten times the magnitude of s, by a table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from firmware.network.fixed_point import FixedPoint
from firmware.network.layers import Concatenate, Dense, Input, Relu
from firmware.network.network import Network
from firmware.vertex.events import FinderEvents
from firmware.vertex.examples import pattern_network
from firmware.vertex.finder import ASSOCIATION, DISTANCE, WEIGHT, Feature, Field, VertexFinder
from firmware.vertex.stimulus import make_words

WHOLE = FixedPoint.from_quantized_bits(4, 3)
"""Words are values."""


def hand_finder(*, kernel: Sequence[int] = (1, 2, 1), histogram_bits: int = 5, **changes: Any) -> VertexFinder:
    a, t = FixedPoint(3, 3, signed=False), FixedPoint(7, 7, signed=False)
    distance, histogram = FixedPoint(4, 4, signed=False), FixedPoint(histogram_bits, histogram_bits, signed=False)
    weight = Network(
        WEIGHT,
        (
            Input(name="a", shape=(1,), format=a),
            Dense(name="sum", source="a", units=1, kernel_format=WHOLE, kernel=np.array([[1]])),
            Relu(name=WEIGHT, source="sum", format=FixedPoint(3, 3, signed=False)),
        ),
        (WEIGHT,),
    )
    association = Network(
        ASSOCIATION,
        (
            Input(name=DISTANCE, shape=(1,), format=distance),
            Input(name="t", shape=(1,), format=t),
            Concatenate(name="both", sources=(DISTANCE, "t")),
            Dense(name=ASSOCIATION, source="both", units=1, kernel_format=WHOLE, kernel=np.array([[-1], [1]])),
        ),
        (ASSOCIATION,),
    )
    finder = VertexFinder(
        name="hand", word_bits=32,
        fields={
            "z0": Field(offset=0, width=8, signed=True), "a": Field(offset=8, width=3, signed=False),
            "s": Field(offset=12, width=4, signed=True), "valid": Field(offset=31, width=1, signed=False),
        },
        features=(
            Feature(name="a", field="a", format=a),
            Feature(name="t", field="s", format=t, table=10 * np.arange(8, dtype=np.int64)),
        ),
        weight=weight, association=association, histogram=histogram,
        pattern=pattern_network(np.array(kernel), WHOLE, histogram, 4),
        bins=16, bins_per_clock=4, lanes=2, tracks_per_lane=3,
    )  # fmt: skip
    return replace(finder, **changes)


def event(finder: VertexFinder, *tracks: tuple[int, ...]) -> FinderEvents:
    """Tracks of one event, each (lane, z0, a), (lane, z0, a, s) or (lane, z0, a, s, valid)."""
    rows = np.array([(*track, *(0, 1)[len(track) - 3 :]) for track in tracks], np.int64).reshape(-1, 5)
    lane, z0, a, s, valid = rows.T
    words = make_words(finder, {"z0": z0, "a": a, "s": s, "valid": valid}, len(rows))
    return FinderEvents(np.array([0, len(rows)]), lane, words)
