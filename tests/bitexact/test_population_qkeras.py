"""The graph with a candidate axis computes what QKeras computes: values to the bit, gradients but for rounding."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from firmware.network.fixed_point import FixedPoint
from firmware.network.intervals import exact_bits
from firmware.network.keras2 import import_qkeras, import_tensorflow
from firmware.network.layers import Conv1D, Conv2D, Dense, Relu
from firmware.network.network import Network
from firmware.network.qkeras_io import to_qkeras
from firmware.network.random_networks import TOPOLOGIES, random_network, random_words
from firmware.network.reference import evaluate
from sim.events.features import SHOWER_FEATURES
from trigger.tasks.hgcal.network import build
from trigger.tasks.hgcal.operators import random_genome
from trigger.tasks.hgcal.sections import SpaceSection
from trigger.train.population import check_promoted, predict_population
from trigger.train.population import predict as predict_module
from trigger.train.population.frame import Frame
from trigger.train.population.graph import forward
from trigger.train.population.groups import make_groups
from trigger.train.population.lay_out import node_formats, pack_inputs, pack_weights, parameter_formats, place
from trigger.train.population.quantisers import Format, format_rows, quantise, rectify

EVENTS = 200
SPACE = SpaceSection(features=tuple(SHOWER_FEATURES))
Weights = dict[str, tuple[NDArray[np.float32], NDArray[np.float32] | None]]


def hgcal_networks(count: int) -> list[Network]:
    return [build(random_genome(SPACE, Random(seed)), SPACE) for seed in range(count)]


def real_weights(network: Network, seed: int) -> Weights:
    """Off the grid, many beyond its range on either side, some exactly on it, half a step off it, and zero."""
    random = np.random.default_rng(seed)

    def draw(shape: tuple[int, ...], fmt: FixedPoint) -> NDArray[np.float32]:
        values = random.normal(size=shape) * fmt.highest * fmt.lsb * random.choice([0.2, 1.0])
        halves = np.rint(values / fmt.lsb * 2) / 2 * fmt.lsb
        values = np.where(random.random(shape) < 0.1, halves, values)
        return np.where(random.random(shape) < 0.1, 0.0, values).astype(np.float32)

    found: Weights = {}
    for layer in network.layers:
        if isinstance(layer, Dense | Conv1D | Conv2D):
            shape = layer.kernel_shape(network.shapes[layer.source])
            bias = None if layer.bias_format is None else draw(shape[-1:], layer.bias_format)
            found[layer.name] = draw(shape, layer.kernel_format), bias
    return found


def qkeras_pass(network: Network, weights: Weights, words: Any, upstream: list[Any]) -> tuple[list[Any], dict]:
    """Outputs, and the gradient of their product with ``upstream`` by variable, of a QKeras model."""
    tf = import_tensorflow()
    bare = replace(network, layers=tuple(_untrained(layer) for layer in network.layers))
    model = to_qkeras(bare)
    for name, (kernel, bias) in weights.items():
        model.get_layer(name).set_weights([kernel] if bias is None else [kernel, bias])
    inputs = [tf.constant(port.format.to_float(words[port.name]).astype(np.float32)) for port in network.inputs]
    with tf.GradientTape() as tape:
        made = model(inputs, training=True)
        made = made if isinstance(made, list) else [made]
        total = tf.add_n([tf.reduce_sum(one * factor) for one, factor in zip(made, upstream, strict=True)])
    variables = {name: model.get_layer(name).trainable_variables for name in weights}
    gradients = tape.gradient(total, variables)
    return [one.numpy() for one in made], gradients


def _untrained(layer: Any) -> Any:
    return replace(layer, kernel=None, bias=None) if isinstance(layer, Dense | Conv1D | Conv2D) else layer


def population_pass(
    frame: Frame, networks: list[Network], weights: list[Weights], words: list[Any], upstream: list[list[Any]]
) -> tuple[list[list[Any]], list[dict[str, Any]]]:
    """The same of all candidates of a frame, by its graph."""
    tf = import_tensorflow()
    placed = [place(frame, network) for network in networks]
    flat = np.stack([pack_weights(frame, one, own) for one, own in zip(placed, weights, strict=True)])
    parameters = tf.constant(flat)
    formats = Format(*np.stack([parameter_formats(frame, one) for one in placed], axis=1))
    columns = [pack_inputs(frame, one, own) for one, own in zip(placed, words, strict=True)]
    inputs = [tf.constant(np.stack(column)) for column in zip(*columns, strict=True)]
    total = 0.0
    with tf.GradientTape() as tape:
        tape.watch(parameters)
        values = forward(frame, parameters, formats, [tf.constant(one) for one in node_formats(frame, placed)], inputs)
        for number, node in enumerate(frame.skeleton.outputs):
            factors = np.zeros(values[node].shape, np.float32)
            for row, one in enumerate(placed):
                factors[np.ix_([row], np.arange(EVENTS), *one.positions[node])] = upstream[row][number]
            total += tf.reduce_sum(values[node] * factors)
    gradient = tape.gradient(total, parameters).numpy()
    outputs, gradients = [], []
    for row, one in enumerate(placed):
        outputs.append([
            values[node].numpy()[row][np.ix_(np.arange(EVENTS), *one.positions[node])]
            for node in frame.skeleton.outputs
        ])  # fmt: skip
        gradients.append({
            name: [gradient[row][index] for index in indices if index is not None]
            for name, indices in one.parameter_indices.items()
        })  # fmt: skip
    return outputs, gradients


def compare(networks: list[Network]) -> int:
    """Compare every network with its QKeras model; returns the number of frames."""
    groups = make_groups(networks, EVENTS, EVENTS, 1e4)
    for frame, indices in groups:
        chosen = [networks[at] for at in indices]
        weights = [real_weights(network, at) for at, network in zip(indices, chosen, strict=True)]
        words = [random_words(network, EVENTS, at) for at, network in zip(indices, chosen, strict=True)]
        random = np.random.default_rng(indices[0])
        upstream = [
            [random.normal(size=(EVENTS, *network.shapes[name])).astype(np.float32) for name in network.outputs]
            for network in chosen
        ]
        outputs, gradients = population_pass(frame, chosen, weights, words, upstream)
        for row, network in enumerate(chosen):
            expected, expected_gradients = qkeras_pass(network, weights[row], words[row], upstream[row])
            for one, same in zip(outputs[row], expected, strict=True):
                np.testing.assert_array_equal(one, same, err_msg=network.name)
            for name, variables in expected_gradients.items():
                for one, same in zip(gradients[row][name], variables, strict=True):
                    np.testing.assert_allclose(one, same, rtol=1e-4, atol=1e-5 * float(np.abs(same).max()) + 1e-6)
    return len(groups)


def test_hgcal_genomes() -> None:
    """Of any depth, widths, bits and inputs, several side by side."""
    networks = hgcal_networks(14)
    assert len({len(network.inputs) for network in networks}) > 2
    assert 2 < compare(networks) < 14


@pytest.mark.parametrize("topology", sorted(TOPOLOGIES))
def test_all_kinds_of_layers(topology: str) -> None:
    compare([random_network(seed, topology, min_bits=2, max_bits=6) for seed in range(6)])


@pytest.mark.parametrize("topology", sorted(TOPOLOGIES))
def test_integers_of_trained_networks(topology: str) -> None:
    networks = [random_network(seed, topology, min_bits=2, max_bits=7) for seed in range(8)]
    words = [random_words(network, EVENTS, seed) for seed, network in enumerate(networks)]
    for network, own, made in zip(networks, words, predict_population(networks, words), strict=True):
        expected = evaluate(network, own)
        assert list(made) == list(network.outputs)
        for name, result in made.items():
            np.testing.assert_array_equal(result, expected[name].words)


def test_integers_beyond_float32() -> None:
    network = next(
        one for seed in range(50) if exact_bits(one := random_network(seed, "mlp", min_bits=13, max_bits=16)) > 24
    )
    assert check_promoted(network, random_words(network, EVENTS, 1)) > 0


@pytest.mark.parametrize(("bits", "integer"), [(1, 0), (2, 0), (2, 1), (4, 2), (6, 1), (8, 0), (12, 3), (16, 2)])
def test_quantisers_value_by_value(bits: int, integer: int) -> None:
    """Values and gradients, at both ends of the range, beyond them, at each tie, and at zero."""
    tf, qkeras = import_tensorflow(), import_qkeras()
    cases = [(rectify, FixedPoint.from_quantized_relu(bits, integer), qkeras.quantized_relu(bits, integer))]
    for keep_negative, symmetric in ((True, False), (True, True), (False, False)) if bits > 1 else ():
        theirs = qkeras.quantized_bits(bits, integer, int(symmetric), keep_negative=keep_negative, alpha=1)
        cases.append((quantise, FixedPoint.from_quantized_bits(bits, integer, keep_negative, symmetric), theirs))
    for ours, fmt, theirs in cases:
        steps = np.unique(np.concatenate([
            np.arange(-2000, 2000) / 4, np.array([fmt.lowest, fmt.highest])[:, None].ravel(),
            (np.array([fmt.lowest, fmt.highest])[:, None] + np.arange(-8, 9) / 4).ravel(), np.array([-1e6, 1e6, 0.3]),
        ]))  # fmt: skip
        x = tf.constant((steps * fmt.lsb).astype(np.float32)[None])
        rows = Format(*format_rows(fmt))
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(x)
            one, other = ours(x, rows), theirs(x)
        np.testing.assert_array_equal(one, other)
        np.testing.assert_array_equal(tape.gradient(one, x), tape.gradient(other, x))


def test_the_comparison_sees_a_wrong_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rectifier that lets gradients through where it saturates: the forward pass is the same."""
    monkeypatch.setattr("trigger.train.population.graph.rectify", quantise)
    network = next(one for one in hgcal_networks(8) if any(isinstance(layer, Relu) for layer in one.layers))
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        compare([network])


def test_promotion_sees_a_wrong_word(monkeypatch: pytest.MonkeyPatch) -> None:
    network = random_network(3, "mlp", min_bits=4, max_bits=6)
    words = random_words(network, EVENTS, 3)
    assert check_promoted(network, words) == EVENTS * network.shapes[network.outputs[0]][0]
    layer = next(layer for layer in network.layers if isinstance(layer, Dense))
    assert layer.bias is not None or layer.kernel is not None
    packed = predict_module.own_weights

    def shifted(given: Network) -> Any:
        found = dict(packed(given))
        name = given.outputs[0]
        kernel, bias = found[name]
        fmt = given.layer(name).kernel_format  # type: ignore[union-attr]  # a dense layer
        found[name] = np.where(kernel <= 0, kernel + fmt.lsb, kernel - fmt.lsb), bias
        return found

    monkeypatch.setattr(predict_module, "own_weights", shifted)
    with pytest.raises(RuntimeError, match="outputs of a promoted network must be those of the population"):
        check_promoted(network, words)
