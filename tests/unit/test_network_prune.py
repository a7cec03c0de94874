"""Dead units go, words stay."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from firmware.network import prune
from firmware.network.fixed_point import FixedPoint
from firmware.network.intervals import output_formats
from firmware.network.layers import Conv1D, Dense, Flatten, Input, Quantise, Relu
from firmware.network.network import Network
from firmware.network.prune import constant_outputs, remove_dead
from firmware.network.random_networks import TOPOLOGIES, random_network, random_words
from firmware.network.reference import evaluate
from firmware.network.serial import to_json

BYTE = FixedPoint(8, 7, True)


def _same(network: Network, smaller: Network, seed: int = 0) -> bool:
    words = random_words(network, 120, seed)
    before, after = evaluate(network, words), evaluate(smaller, words)
    return network.outputs == smaller.outputs and all(
        before[name].fraction == after[name].fraction and np.array_equal(before[name].words, after[name].words)
        for name in network.outputs
    )


@pytest.mark.parametrize("topology", sorted(TOPOLOGIES))
def test_outputs_keep_their_words_and_formats(topology: str) -> None:
    changed = 0
    for seed in range(30):
        network = random_network(seed, topology, max_bits=(4, 8, 16)[seed % 3], negative_integer=seed % 2 == 0)
        smaller = remove_dead(network)
        assert _same(network, smaller, seed)
        assert output_formats(network) == output_formats(smaller)
        assert to_json(remove_dead(smaller)) == to_json(smaller)
        changed += to_json(smaller) != to_json(network)
    assert changed or topology not in ("mlp", "conv1d", "conv2d", "objects")


def _dense(name: str, source: str, kernel: object, bias: object = None) -> Dense:
    kernel = np.array(kernel)
    return Dense(
        name=name, source=source, units=kernel.shape[-1], kernel_format=BYTE, kernel=kernel,
        bias_format=None if bias is None else BYTE, bias=None if bias is None else np.array(bias),
    )  # fmt: skip


def _two_layers(kernel: object, bias: object, following: object) -> Network:
    layers = (
        Input(name="x", shape=(2,), format=FixedPoint(4, 4, False)), _dense("first", "x", kernel, bias),
        Relu(name="relu", source="first", format=FixedPoint(6, 6, False)), _dense("second", "relu", following),
    )  # fmt: skip
    return Network("n", layers, ("second",))


def test_a_constant_unit_becomes_bias_and_an_unused_one_goes() -> None:
    # unit 0 lives, 1 is always 5, 2 is never positive, 3 is never read
    network = _two_layers([[1, 0, -1, 1], [2, 0, -2, 1]], [0, 5, 0, 0], [[1, 2], [3, -4], [9, 9], [0, 0]])
    smaller = remove_dead(network)
    first, second = smaller.layer("first"), smaller.layer("second")
    assert isinstance(first, Dense)
    assert isinstance(second, Dense)
    assert first.units == 1
    np.testing.assert_array_equal(second.kernel, [[1, 2]])
    np.testing.assert_array_equal(second.bias, [15, -20])
    assert _same(network, smaller)


def test_a_layer_that_is_dead_as_a_whole_keeps_one_unit() -> None:
    network = _two_layers(np.zeros((2, 3), int), [-1, 7, 3], [[1], [2], [3]])
    smaller = remove_dead(network)
    first = smaller.layer("first")
    assert isinstance(first, Dense)
    assert first.units == 1
    assert _same(network, smaller)
    assert constant_outputs(smaller) == {"second": 1}


def test_a_wrong_fold_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    network = _two_layers([[1, 0], [2, 0]], [0, 5], [[1, 2], [3, -4]])
    monkeypatch.setattr(prune, "_with_bias", lambda layer, share, fraction: layer)
    assert not _same(network, remove_dead(network))


def _conv_chain(padding: str, bias: list[int]) -> Network:
    first = Conv1D(
        name="first", source="x", filters=2, kernel_size=1, kernel_format=BYTE,
        kernel=np.array([[[1, 0]]]), bias_format=BYTE, bias=np.array(bias),
    )  # fmt: skip
    second = Conv1D(
        name="second", source="relu", filters=1, kernel_size=3, padding=padding, kernel_format=BYTE,
        kernel=np.arange(1, 7).reshape(3, 2, 1),
    )  # fmt: skip
    relu = Relu(name="relu", source="first", format=FixedPoint(6, 6, False))
    return Network("n", (Input(name="x", shape=(5, 1), format=BYTE), first, relu, second), ("second",))


@pytest.mark.parametrize(
    ("padding", "bias", "filters"), [("valid", [0, 9], 1), ("same", [0, 9], 2), ("same", [0, -9], 1)]
)
def test_a_constant_channel_folds_unless_padding_cuts_it(padding: str, bias: list[int], filters: int) -> None:
    network = _conv_chain(padding, bias)
    smaller = remove_dead(network)
    first = smaller.layer("first")
    assert isinstance(first, Conv1D)
    assert first.filters == filters
    assert _same(network, smaller)


def test_channels_go_through_flatten() -> None:
    conv = _conv_chain("valid", [0, 9]).layers[1]
    layers = (
        Input(name="x", shape=(3, 1), format=BYTE), conv, Flatten(name="flat", source="first"),
        Quantise(name="quantise", source="flat", format=BYTE),
        _dense("second", "quantise", np.arange(1, 7).reshape(6, 1)),
    )  # fmt: skip
    network = Network("n", layers, ("second",))
    smaller = remove_dead(network)
    second = smaller.layer("second")
    assert isinstance(second, Dense)
    np.testing.assert_array_equal(second.kernel, [[1], [3], [5]])
    np.testing.assert_array_equal(second.bias, [9 * (2 + 4 + 6)])
    assert _same(network, smaller)


def test_layers_that_reach_no_output_go_and_inputs_stay() -> None:
    network = _two_layers([[1], [2]], [0], [[1]])
    network = replace(network, outputs=("relu",))
    smaller = remove_dead(network)
    assert [layer.name for layer in smaller.layers] == ["x", "first", "relu"]


def test_a_unit_that_is_an_output_stays() -> None:
    network = _two_layers([[1, 0], [2, 0]], [0, 5], [[1], [0]])
    smaller = remove_dead(replace(network, outputs=("second", "relu")))
    assert smaller.shapes["relu"] == (2,)
