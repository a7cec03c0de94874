"""QKeras itself and the reference evaluator compute the same integers, layer by layer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from firmware.errors import UserError
from firmware.network.fixed_point import FixedPoint
from firmware.network.float64_quantisers import bits64, like64, relu64
from firmware.network.intervals import exact_bits
from firmware.network.keras2 import import_keras, import_qkeras, import_tensorflow
from firmware.network.layers import Dense, Input, Quantise, Relu
from firmware.network.network import Network
from firmware.network.qkeras_io import from_qkeras, to_qkeras
from firmware.network.qkeras_run import needs_float64, predict_words
from firmware.network.random_networks import TOPOLOGIES, random_network, random_words
from firmware.network.reference import evaluate

pytestmark = [
    pytest.mark.filterwarnings("ignore:The `keras.constraints.serialize:UserWarning"),
    pytest.mark.filterwarnings("ignore:The initializer .* is unseeded:UserWarning"),
]
EVENTS = 400


@pytest.mark.parametrize("topology", sorted(TOPOLOGIES))
@pytest.mark.parametrize("seed", range(3))
def test_every_layer_of_random_networks(topology: str, seed: int) -> None:
    network = random_network(seed, topology, max_bits=(4, 8, 16)[seed])
    words = random_words(network, EVENTS, seed)
    model = to_qkeras(network)
    result = predict_words(model, network, words, every_layer=True)
    expected = evaluate(network, words)
    assert list(result) == list(expected)
    for name, tensor in expected.items():
        np.testing.assert_array_equal(result[name], tensor.words, err_msg=name)


@pytest.mark.parametrize("topology", sorted(TOPOLOGIES))
def test_outputs_of_the_model_itself_and_of_its_description(topology: str) -> None:
    network = random_network(11, topology, max_bits=6)
    model = to_qkeras(network)
    again = from_qkeras(model)
    assert not needs_float64(model, again)
    words = random_words(network, EVENTS, 0)
    result = predict_words(model, again, words)
    assert list(result) == list(again.outputs) == list(network.outputs)
    expected = evaluate(network, words)
    for name in network.outputs:
        np.testing.assert_array_equal(result[name], expected[name].words)


@pytest.mark.parametrize("bits", range(1, 17))
def test_every_number_of_bits(bits: int) -> None:
    """One small layer with all its formats of that many bits, on every kind of quantiser."""
    rng = np.random.default_rng(bits)
    weight = FixedPoint.from_quantized_bits(bits, min(1, bits - 1))
    kernel = weight.quantise(rng.normal(size=(3, 4)))
    layers = (
        Input(name="x", shape=(3,), format=FixedPoint(bits, 1, False)),
        Dense(name="d", source="x", units=4, kernel_format=weight, kernel=kernel, bias_format=weight, bias=kernel[0]),
        Relu(name="relu", source="d", format=FixedPoint.from_quantized_relu(bits, 1)),
        Quantise(name="bits", source="d", format=FixedPoint.from_quantized_bits(bits, 1, symmetric=True)),
        Quantise(name="positive", source="d", format=FixedPoint(bits, 2, False)),
    )
    network = Network("n", layers, ("relu", "bits", "positive"))
    words = random_words(network, EVENTS, bits)
    expected = evaluate(network, words)
    for name, result in predict_words(to_qkeras(network), network, words).items():
        np.testing.assert_array_equal(result, expected[name].words, err_msg=name)


def _wide() -> Network:
    """30 bits of sum, rounded to 16 by a relu."""
    kernel = np.random.default_rng(0).integers(-(2**15), 2**15, (8, 4))
    fmt = FixedPoint(16, 0, True)
    layers = (
        Input(name="x", shape=(8,), format=FixedPoint(16, 0, False)),
        Dense(name="d", source="x", units=4, kernel_format=fmt, kernel=kernel),
        Relu(name="r", source="d", format=FixedPoint(16, 2, False)),
    )
    return Network("wide", layers, ("d", "r"))


def test_float32_rounds_wide_sums_and_float64_does_not() -> None:
    network = _wide()
    assert exact_bits(network) > 24
    words = random_words(network, 2000, 0)
    expected = evaluate(network, words)
    model = to_qkeras(network)
    assert needs_float64(model, network)
    for name, result in predict_words(model, network, words).items():
        np.testing.assert_array_equal(result, expected[name].words)
    plain = model.predict_on_batch(network.inputs[0].format.to_float(words["x"]).astype(np.float32))
    assert (plain[0].astype(np.float64) * 2.0 ** expected["d"].fraction != expected["d"].words).any()
    built = to_qkeras(network, float64=True).predict_on_batch(network.inputs[0].format.to_float(words["x"]))
    np.testing.assert_array_equal(built[0] * 2.0 ** expected["d"].fraction, expected["d"].words)


def test_weights_far_outside_their_range_still_give_exact_words() -> None:
    """QKeras's w + (q(w) - w) leaves the grid for such weights; the words are those of q(w)."""
    fmt = FixedPoint(12, 0, True)
    layers = (
        Input(name="x", shape=(4,), format=FixedPoint(4, 0, False)),
        Dense(name="d", source="x", units=8, kernel_format=fmt, bias_format=fmt),
    )
    model = to_qkeras(Network("far", layers, ("d",)))
    rng = np.random.default_rng(0)
    model.get_layer("d").set_weights([rng.normal(size=(4, 8)) * 1e6, rng.normal(size=8) * 1e6])
    network = from_qkeras(model)
    assert exact_bits(network) <= 24
    assert needs_float64(model, network)
    words = random_words(network, EVENTS, 0)
    result = predict_words(model, network, words)["d"]
    np.testing.assert_array_equal(result, evaluate(network, words)["d"].words)


def test_a_fused_activation_is_a_layer_of_its_own() -> None:
    keras: Any = import_keras()
    qkeras: Any = import_qkeras()
    bits = qkeras.quantized_bits(5, 1, alpha=1)
    entry = keras.Input((6, 3), name="x")
    value = qkeras.QActivation(bits, name="qx")(entry)
    value = qkeras.QConv1D(
        4, 2, kernel_quantizer=bits, bias_quantizer=bits, activation=qkeras.quantized_relu(4, 2), name="conv"
    )(value)
    value = keras.layers.Flatten(name="flat")(value)
    value = qkeras.QDense(2, kernel_quantizer=bits, use_bias=False, activation=bits, name="out")(value)
    model = keras.Model(entry, value)
    network = from_qkeras(model)
    assert network.outputs == ("out_quantized_bits",)
    words = random_words(network, EVENTS, 1)
    expected = evaluate(network, words)
    for every_layer in (False, True):
        for name, result in predict_words(model, network, words, every_layer=every_layer).items():
            np.testing.assert_array_equal(result, expected[name].words, err_msg=name)


@pytest.mark.parametrize("float64", [False, True])
def test_a_wrong_description_is_seen(float64: bool) -> None:
    network = _wide() if float64 else random_network(2, "mlp", max_bits=6)
    model = to_qkeras(network)
    dense = next(layer for layer in network.layers if isinstance(layer, Dense))
    assert dense.kernel is not None
    kernel = dense.kernel.copy()
    kernel[0, 0] += 1 if kernel[0, 0] < dense.kernel_format.highest else -1
    layers = tuple(replace(dense, kernel=kernel) if layer is dense else layer for layer in network.layers)
    wrong = replace(network, layers=layers)
    words = random_words(network, EVENTS, 0)
    result = predict_words(model, network, words, every_layer=True)[dense.name]
    assert (result != evaluate(wrong, words)[dense.name].words).any()


def test_a_value_between_two_words_is_no_word() -> None:
    network = random_network(2, "mlp", max_bits=6)
    model = to_qkeras(network)
    dense = next(layer for layer in network.layers if isinstance(layer, Dense))
    coarse = replace(dense, kernel_format=replace(dense.kernel_format, integer=dense.kernel_format.integer + 1))
    if dense.bias_format is not None:
        coarse = replace(coarse, bias_format=replace(dense.bias_format, integer=dense.bias_format.integer + 1))
    layers = tuple(coarse if layer is dense else layer for layer in network.layers)
    with pytest.raises(ArithmeticError, match="multiple of"):
        predict_words(model, replace(network, layers=layers), random_words(network, 50, 0), every_layer=True)


def test_sums_beyond_float64_are_refused() -> None:
    fmt = FixedPoint(30, 0, True)
    dense = Dense(name="d", source="x", units=1, kernel_format=fmt, kernel=np.array([[fmt.lowest]]))
    network = Network("n", (Input(name="x", shape=(1,), format=fmt), dense), ("d",))
    with pytest.raises(UserError, match="53 bits"):
        needs_float64(None, network)


def test_negative_integer_bits_need_float64() -> None:
    network = next(
        network
        for network in (random_network(seed, "mlp", negative_integer=True) for seed in range(20))
        if any(isinstance(layer, Relu) and layer.format.integer < 0 for layer in network.layers)
    )
    with pytest.raises(UserError, match="0 or more"):
        to_qkeras(network)
    words = random_words(network, EVENTS, 0)
    values = [layer.format.to_float(words[layer.name]) for layer in network.inputs]
    result = to_qkeras(network, float64=True).predict_on_batch(values)
    expected = evaluate(network, words)[network.outputs[0]]
    np.testing.assert_array_equal(result, expected.to_float())


@pytest.mark.parametrize("bits", [1, 2, 3, 6, 9])
@pytest.mark.parametrize("integer", [0, 1, 3])
def test_float64_quantisers_equal_the_originals_where_float32_is_exact(bits: int, integer: int) -> None:
    tf = import_tensorflow()
    qkeras: Any = import_qkeras()
    values = np.arange(-5000, 5001) / 512.0  # ties and saturation included, exact in float32
    pairs = [(qkeras.quantized_relu(bits, integer), relu64(bits, integer))]
    for keep_negative in (True, False):
        for symmetric in (False, True):
            theirs = qkeras.quantized_bits(bits, integer, symmetric, keep_negative=keep_negative, alpha=1)
            pairs.append((theirs, bits64(bits, integer, keep_negative, symmetric)))
    for theirs, ours in pairs:
        expected = theirs(tf.constant(values, tf.float32)).numpy()
        for quantiser in (ours, like64(theirs)):
            result = quantiser(tf.constant(values, tf.float64))
            assert result.dtype == tf.float64
            np.testing.assert_array_equal(result.numpy(), expected.astype(np.float64))
