"""The C-simulation of hls4ml's sources computes the integers of the description and of QKeras, in every layer kind."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from csim_networks import images, lists, mlp
from numpy.testing import assert_array_equal

from firmware.hls import build, write_hls
from firmware.network.intervals import output_formats
from firmware.network.keras2 import import_keras, import_qkeras
from firmware.network.network import Network
from firmware.network.qkeras_io import from_qkeras, to_qkeras
from firmware.network.qkeras_run import predict_words
from firmware.network.random_networks import random_network, random_words
from firmware.network.reference import evaluate
from firmware.settings import FirmwareSettings

EVENTS = 1500


@pytest.fixture(scope="session")
def build_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("libraries")


def check(model: object, network: Network, settings: FirmwareSettings, folder: Path, build_dir: Path) -> None:
    """Write, compile, run; compare outputs and every layer."""
    write_hls(model, network, folder, settings)
    simulation = build(folder, build_dir)
    words = random_words(network, EVENTS, seed=7)
    expected = evaluate(network, words)
    predicted = simulation.predict(words)
    assert list(predicted) == list(network.outputs)
    for name, form in output_formats(network).items():
        reference = expected[name]
        assert_array_equal(predicted[name] << max(reference.fraction - form.fraction, 0), reference.words, name)
    few = {name: array[:50] for name, array in words.items()}
    shown = simulation.every_layer(few)
    assert set(network.outputs) <= set(shown) | {"again"}
    for name, values in shown.items():
        assert_array_equal(values, expected[name].to_float()[:50], name)


@pytest.mark.parametrize("make", [lists, images])
def test_every_layer_kind(make, tmp_path: Path, build_dir: Path) -> None:
    network = make()
    model = to_qkeras(network)
    check(model, from_qkeras(model), FirmwareSettings(), tmp_path / "hls", build_dir)


@pytest.mark.parametrize("make", [lists, images])
def test_streams(make, tmp_path: Path, build_dir: Path) -> None:
    network = make(stream=True)
    check(to_qkeras(network), network, FirmwareSettings(io_type="io_stream"), tmp_path / "hls", build_dir)


def test_resource_strategy(tmp_path: Path, build_dir: Path) -> None:
    network = mlp((8, 6, 4))
    settings = FirmwareSettings(strategy="Resource", reuse_factor={"d0": 4, "d1": 2})
    check(to_qkeras(network), network, settings, tmp_path / "hls", build_dir)


@pytest.mark.parametrize(("seed", "topology"), [(11, "constant"), (12, "heads")])
def test_random_networks(seed: int, topology: str, tmp_path: Path, build_dir: Path) -> None:
    network = random_network(seed, topology, max_units=6)
    check(to_qkeras(network), network, FirmwareSettings(), tmp_path / "hls", build_dir)


def test_fused_activations_and_dropout_against_qkeras(tmp_path: Path, build_dir: Path) -> None:
    keras, qkeras = import_keras(), import_qkeras()
    quantizers = qkeras.quantizers
    keras.utils.set_random_seed(3)

    def dense(units: int, name: str, activation: object) -> object:
        return qkeras.QDense(
            units,
            kernel_quantizer=quantizers.quantized_bits(4, 0, alpha=1),
            bias_quantizer=quantizers.quantized_bits(5, 1, alpha=1),
            bias_initializer="random_normal",
            activation=activation,
            name=name,
        )

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = keras.Sequential(
            [
                keras.Input((6,), name="x"),
                qkeras.QActivation(quantizers.quantized_bits(6, 2, alpha=1), name="in_q"),
                dense(5, "first", quantizers.quantized_relu(4, 1)),
                keras.layers.Dropout(0.1, name="drop"),
                dense(4, "second", quantizers.quantized_bits(1, 0, alpha=1)),
                dense(3, "third", None),
            ]
        )
        network = from_qkeras(model)
    check(model, network, FirmwareSettings(), tmp_path / "hls", build_dir)
    words = random_words(network, 300, seed=1)
    assert_array_equal(
        build(tmp_path / "hls", build_dir).predict(words)["third"], predict_words(model, network, words)["third"]
    )


FAULTS = {
    "weight off by one LSB": ("weights/w3.h", "{", "{0.03125 + "),
    "half up instead of half to even": ("defines.h", "4,1,AP_RND_CONV", "4,1,AP_RND"),
    "wrap instead of saturation": ("defines.h", "AP_RND_CONV,AP_SAT,0> layer5_t", "AP_RND_CONV,AP_WRAP,0> layer5_t"),
    "accumulator too narrow": ("defines.h", "d0_accum_t", None),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_planted_fault_is_seen(fault: str, tmp_path: Path, build_dir: Path) -> None:
    network = mlp((6, 5, 2), seed=5)
    write_hls(to_qkeras(network), network, tmp_path / "hls", FirmwareSettings())
    name, old, new = FAULTS[fault]
    path = tmp_path / "hls" / "firmware" / name
    text = path.read_text()
    assert text.count(old) == 1
    if new is None:
        line = next(line for line in text.splitlines() if line.endswith(f" {old};"))
        path.write_text(text.replace(line, f"typedef ap_fixed<8,3> {old};"))
    else:
        path.write_text(text.replace(old, new))
    words = random_words(network, EVENTS, seed=2)
    simulation = build(tmp_path / "hls", build_dir)
    expected = evaluate(network, words)
    assert np.any(simulation.predict(words)["d1"] != expected["d1"].words)
    wrong = [
        name for name, values in simulation.every_layer(words).items() if np.any(values != expected[name].to_float())
    ]
    assert wrong[0] == ("r0" if "instead" in fault else "d0")


def test_two_models_in_one_process(tmp_path: Path, build_dir: Path) -> None:
    simulations, networks = [], [mlp((4, 3), seed=1), mlp((4, 3), seed=2)]
    for i, network in enumerate(networks):
        write_hls(to_qkeras(network), network, tmp_path / str(i), FirmwareSettings())
        simulations.append(build(tmp_path / str(i), build_dir))
    words = random_words(networks[0], 200, seed=3)
    results = [simulation.predict(words)["d0"] for simulation in simulations]
    for network, result in zip(networks, results, strict=True):
        assert_array_equal(result, evaluate(network, words)["d0"].words)
    assert np.any(results[0] != results[1])
