"""Exact ranges: sound on random networks, tight where they can be, dead elements seen."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from firmware.network.fixed_point import FixedPoint
from firmware.network.intervals import exact_bits, exact_formats, output_formats
from firmware.network.layers import Dense, Input, Quantise, Relu, Subtract
from firmware.network.network import Network
from firmware.network.random_networks import TOPOLOGIES, random_network, random_words
from firmware.network.reference import evaluate

NIBBLE = FixedPoint(4, 3, True)


def _dense(kernel: list[list[int]], bias: list[int] | None = None, name: str = "d", source: str = "x") -> Dense:
    return Dense(
        name=name, source=source, units=len(kernel[0]), kernel_format=NIBBLE, kernel=np.array(kernel),
        bias_format=None if bias is None else NIBBLE, bias=None if bias is None else np.array(bias),
    )  # fmt: skip


def test_ranges_by_hand() -> None:
    layers = (
        Input(name="x", shape=(2,), format=FixedPoint(3, 3, False)),  # 0 to 7
        _dense([[2, 0, -1], [-3, 0, -1]], [1, -5, -1]),
        Relu(name="r", source="d", format=FixedPoint(4, 4, False)),
    )
    ranges = exact_formats(Network("n", layers, ("r",)))
    np.testing.assert_array_equal(ranges["d"].lowest, [1 - 21, -5, -15])
    np.testing.assert_array_equal(ranges["d"].highest, [1 + 14, -5, -1])
    assert ranges["d"].format == FixedPoint(6, 5, True)
    np.testing.assert_array_equal(ranges["r"].constant, [False, True, True])
    assert ranges["r"].format == FixedPoint(4, 4, False)


def test_subtraction_crosses_the_bounds() -> None:
    layers = (Input(name="x", shape=(1,), format=NIBBLE), Subtract(name="s", sources=("x", "x")))
    interval = exact_formats(Network("n", layers, ("s",)))["s"]
    assert (interval.lowest.item(), interval.highest.item()) == (-15, 15)


def test_one_dense_layer_reaches_its_range() -> None:
    rng = np.random.default_rng(0)
    layer = _dense(rng.integers(-8, 8, (3, 4)).tolist(), rng.integers(-8, 8, 4).tolist())
    network = Network("n", (Input(name="x", shape=(3,), format=FixedPoint(2, 2, False)), layer), ("d",))
    words = np.array(list(product(range(4), repeat=3)))
    result = evaluate(network, {"x": words})["d"].words
    interval = exact_formats(network)["d"]
    np.testing.assert_array_equal(result.min(axis=0), interval.lowest)
    np.testing.assert_array_equal(result.max(axis=0), interval.highest)


@pytest.mark.parametrize("topology", sorted(TOPOLOGIES))
def test_no_word_leaves_its_range(topology: str) -> None:
    for seed in range(12):
        network = random_network(seed, topology, negative_integer=seed % 2 == 0)
        ranges = exact_formats(network)
        for name, tensor in evaluate(network, random_words(network, 100, seed)).items():
            assert tensor.fraction == ranges[name].fraction
            assert (tensor.words >= ranges[name].lowest).all()
            assert (tensor.words <= ranges[name].highest).all()
        for name, fmt in output_formats(network).items():
            assert fmt.lowest <= ranges[name].lowest.min()
            assert fmt.highest >= ranges[name].highest.max()


def test_a_range_that_is_too_small_would_be_seen() -> None:
    network = Network("n", (Input(name="x", shape=(1,), format=NIBBLE), _dense([[-8]])), ("d",))
    smaller = replace(network, layers=(replace(network.inputs[0], format=FixedPoint(3, 2, True)), network.layers[1]))
    words = evaluate(network, {"x": np.array([[-8]])})["d"].words
    assert (words > exact_formats(smaller)["d"].highest).any()


def test_exact_bits_counts_partial_sums() -> None:
    # 7*7 + 7*7 cancels to within one word, yet passes 98, of 7 bits, on its way
    fmt = FixedPoint(3, 3, False)
    network = Network("n", (Input(name="x", shape=(2,), format=fmt), _dense([[7], [-7]])), ("d",))
    assert exact_bits(network) == 7


def test_exact_bits_counts_the_straight_through_sum() -> None:
    # x up to 15 by 1/16 against a quantiser that saturates at 3/4: x - q(x) needs all of x
    layers = (
        Input(name="x", shape=(1,), format=FixedPoint(8, 4, False)),
        Quantise(name="q", source="x", format=FixedPoint(3, 0, True)),
    )
    assert exact_bits(Network("n", layers, ("q",))) == 8


def test_constant_topology_has_constant_outputs() -> None:
    network = random_network(3, "constant")
    assert exact_formats(network)[network.outputs[1]].constant.all()
    words = evaluate(network, random_words(network, 50, 0))[network.outputs[1]].words
    assert (words == words[0]).all()
