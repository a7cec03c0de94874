"""The emulator against the slow reference: every layer of many awkward networks, and zero differences."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from firmware.adder_graph import emulate, rounding, trace_network
from firmware.network.layers import Dense
from firmware.network.network import Network
from firmware.network.random_networks import TOPOLOGIES, random_network, random_words
from firmware.network.reference import evaluate

EVENTS = 400


def differences(network: Network, traced: Network | None = None, *, fast: bool = True, every_layer: bool = True) -> int:
    """Words that differ between the reference of one network and the emulator of the same or another one."""
    words = random_words(network, EVENTS, 7)
    program = trace_network(traced or network, fast=fast, every_layer=every_layer)
    found, expected = emulate(program, words), evaluate(network, words)
    wrong = 0
    for port in program.outputs:
        shift = port.format.fraction - expected[port.name].fraction
        reference = expected[port.name].words
        wrong += int((found[port.name] != (reference << shift if shift >= 0 else reference >> -shift)).sum())
        assert found[port.name].shape == reference.shape
        assert found[port.name].dtype == np.int64
    return wrong


@pytest.mark.parametrize("topology", sorted(TOPOLOGIES))
@pytest.mark.parametrize("seed", range(12))
def test_every_layer_of_random_networks(topology: str, seed: int) -> None:
    assert differences(random_network(1000 + seed, topology), fast=seed % 2 == 0) == 0


@pytest.mark.parametrize("seed", range(12))
def test_outputs_of_networks_of_few_bits_and_negative_integers(seed: int) -> None:
    assert differences(random_network(2000 + seed, max_bits=4, negative_integer=True), every_layer=False) == 0


def test_extreme_words_alone() -> None:
    network = random_network(31, "mlp", min_bits=5)
    (layer,) = network.inputs
    words = np.array([[layer.format.lowest], [layer.format.highest]]).repeat(layer.shape[0], axis=1)
    found = emulate(trace_network(network), {layer.name: words})
    expected = evaluate(network, {layer.name: words})
    for name in network.outputs:
        np.testing.assert_array_equal(found[name], expected[name].words)


def test_rounding_half_up_would_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounding, "_last_bit", lambda graph, value, shift: graph.bits(value, shift, shift + 1))
    assert sum(differences(random_network(seed, "mlp", min_bits=3, max_bits=6)) for seed in range(8)) > 0


def test_a_weight_off_by_one_would_be_found() -> None:
    network = random_network(40, "mlp", min_bits=4)
    layers = list(network.layers)
    place = next(i for i, layer in enumerate(layers) if isinstance(layer, Dense))
    layer = layers[place]
    assert isinstance(layer, Dense)
    assert layer.kernel is not None
    kernel = layer.kernel.copy()
    kernel[0, 0] += 1 if kernel[0, 0] < layer.kernel_format.highest else -1
    layers[place] = replace(layer, kernel=kernel)
    assert differences(network, replace(network, layers=tuple(layers))) > 0
