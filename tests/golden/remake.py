"""Makes the golden projects beside it, from networks and finders drawn with fixed seeds.

    python tests/golden/remake.py

`trigger check --update` renews their words; this is for other networks.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from firmware import FirmwareSettings
from firmware.convert import convert
from firmware.golden import write_golden
from firmware.network.fixed_point import FixedPoint
from firmware.network.layers import Concatenate, Dense, Input, Quantise, Relu
from firmware.network.network import Network
from firmware.vertex.examples import example_finder

HERE = Path(__file__).parent
SETTINGS = FirmwareSettings(clock_period_ns=2.778)


def small_network() -> Network:
    """Two inputs, two outputs; its quantisers round and saturate often."""
    rng = np.random.default_rng(11)
    weight, bias = FixedPoint(4, 0, True), FixedPoint(5, 1, True)

    def dense(name, source, rows, units):
        kernel = rng.choice([-7, -5, -3, 0, 3, 5, 6, 7], (rows, units)).astype(np.int64)
        return Dense(name=name, source=source, units=units, kernel_format=weight, bias_format=bias, kernel=kernel,
                     bias=rng.integers(-4, 5, units).astype(np.int64))  # fmt: skip

    layers = (
        Input(name="energy", shape=(3,), format=FixedPoint(5, 0, False)),
        Input(name="position", shape=(2,), format=FixedPoint(4, 0, True)),
        Concatenate(name="both", sources=("energy", "position")),
        dense("hidden", "both", 5, 8),
        Relu(name="active", source="hidden", format=FixedPoint(5, 0, False)),
        dense("scores", "active", 8, 3),
        Quantise(name="classes", source="scores", format=FixedPoint(6, 1, True)),
        dense("sums", "active", 8, 2),
    )
    return Network("small_network", layers, ("classes", "sums"))


def small_finder():
    """A whole vertex finder with four lanes and 32 bins."""
    return example_finder(
        3, bins=32, bins_per_clock=8, lanes=4, tracks_per_lane=4, units=4, association_units=6, sparsity=0.5
    )


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        project = convert(small_network(), scratch, SETTINGS, name="small_network")
        write_golden(project, HERE / "network", vectors=300)
        project = convert(small_finder(), scratch, SETTINGS, name="small_finder")
        write_golden(project, HERE / "finder", vectors=60)


if __name__ == "__main__":
    main()
