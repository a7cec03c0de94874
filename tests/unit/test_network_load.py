"""Model files: what Keras wrote comes back, and a file that is torn, foreign or would run code is refused."""

from __future__ import annotations

import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from firmware.errors import UserError
from firmware.network.keras2 import import_keras, import_qkeras
from firmware.network.model_files import check_model_file
from firmware.network.qkeras_io import from_qkeras, load_model, to_qkeras
from firmware.network.qkeras_run import predict_words
from firmware.network.random_networks import random_network, random_words
from firmware.network.reference import evaluate
from firmware.network.serial import to_json

pytestmark = [
    pytest.mark.filterwarnings("ignore:The `keras.constraints.serialize:UserWarning"),
    pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5:UserWarning"),
    pytest.mark.filterwarnings("ignore:The initializer .* is unseeded:UserWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # pyparsing, called by QKeras under its old names
]
SUFFIXES = [".h5", ".keras"]


@pytest.fixture(scope="module", params=SUFFIXES)
def saved(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / f"model{request.param}"
    to_qkeras(random_network(4, "objects")).save(path)
    return path


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("topology", ["conv2d", "heads", "inputs"])
def test_round_trip(topology: str, suffix: str, tmp_path: Path) -> None:
    network = random_network(1, topology)
    path = tmp_path / f"model{suffix}"
    to_qkeras(network).save(path)
    again = from_qkeras(load_model(path))
    words = random_words(network, 100, 0)
    expected, result = evaluate(network, words), evaluate(again, words)
    for name in network.outputs:
        np.testing.assert_array_equal(result[name].words, expected[name].words)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("prune", [False, True], ids=["plain", "pruning wrappers"])
def test_a_users_own_model(suffix: str, prune: bool, tmp_path: Path) -> None:
    """Quantisers as strings, a fused activation, dropout, a linear activation, pruning wrappers."""
    keras: Any = import_keras()
    qkeras: Any = import_qkeras()
    bits = "quantized_bits(4,0,alpha=1)"
    model = keras.Sequential(
        [
            qkeras.QActivation("quantized_bits(6, 1, alpha=1.0)", input_shape=(4,), name="qx"),
            qkeras.QDense(
                5, kernel_quantizer=bits, bias_quantizer=bits, activation="quantized_relu(4,1)", name="first"
            ),
            keras.layers.Dropout(0.1),
            qkeras.QDense(2, kernel_quantizer=bits, bias_quantizer=bits, name="second"),
            keras.layers.Activation("linear"),
        ]
    )
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(size=weight.shape) for weight in model.get_weights()])
    expected = from_qkeras(model)
    assert [layer.name for layer in expected.layers] == ["qx_input", "first", "first_quantized_relu", "second"]
    if prune:
        from tensorflow_model_optimization.python.core.sparsity.keras import prune as tfmot_prune

        model = tfmot_prune.prune_low_magnitude(model)
        assert to_json(from_qkeras(model)).partition("\n")[2] == to_json(expected).partition("\n")[2]
    path = tmp_path / f"model{suffix}"
    model.save(path)
    loaded = load_model(path)
    network = from_qkeras(loaded)
    assert to_json(network).partition("\n")[2] == to_json(expected).partition("\n")[2]
    words = random_words(network, 100, 0)
    for name, result in predict_words(loaded, network, words, every_layer=True).items():
        np.testing.assert_array_equal(result, evaluate(network, words)[name].words)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="must exist"):
        load_model(tmp_path / "none.h5")


def test_a_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="not a folder"):
        load_model(tmp_path)


def test_a_torn_file(saved: Path, tmp_path: Path) -> None:
    torn = tmp_path / saved.name
    torn.write_bytes(saved.read_bytes()[: saved.stat().st_size // 2])
    with pytest.raises(UserError, match="torn or foreign"):
        load_model(torn)


@pytest.mark.parametrize("suffix", [*SUFFIXES, ".pkl"])
def test_a_pickle_is_never_opened(suffix: str, tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> Any:
            return (Path.touch, (tmp_path / "exploded",))

    path = tmp_path / f"model{suffix}"
    path.write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(UserError, match="pickle"):
        load_model(path)
    assert not (tmp_path / "exploded").exists()


def test_weights_alone(tmp_path: Path) -> None:
    path = tmp_path / "only.weights.h5"
    to_qkeras(random_network(0, "mlp")).save_weights(path)
    with pytest.raises(UserError, match="not weights alone"):
        load_model(path)


def test_a_lambda_layer_runs_nothing(tmp_path: Path) -> None:
    keras: Any = import_keras()
    mark = str(tmp_path / "ran")
    entry = keras.Input((2,))
    model = keras.Model(entry, keras.layers.Lambda(lambda x: (Path(mark).touch(), x)[1])(entry))
    Path(mark).unlink()  # building it called it
    for suffix in SUFFIXES:
        path = tmp_path / f"model{suffix}"
        model.save(path)
        with pytest.raises(UserError, match="must not hold Lambda"):
            load_model(path)
    assert not Path(mark).exists()


def _edited(path: Path, target: Path, change: Any) -> Path:
    """A copy of a model file whose architecture is changed by ``change(config)``."""
    if path.suffix == ".h5":
        target.write_bytes(path.read_bytes())
        with h5py.File(target, "r+") as file:
            config = json.loads(file.attrs["model_config"])
            change(config)
            file.attrs["model_config"] = json.dumps(config)
        return target
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "config.json":
                config = json.loads(data)
                change(config)
                data = json.dumps(config).encode()
            new.writestr(name, data)
    return target


def _first(config: dict[str, Any], kind: str) -> dict[str, Any]:
    return next(layer for layer in config["config"]["layers"] if layer["class_name"] == kind)


CHANGES = {
    "unknown class": (lambda c: _first(c, "QConv1D").update(class_name="Evil"), "only known classes"),
    "operator": (lambda c: _first(c, "QConv1D").update(class_name="TFOpLambda"), "must not hold TFOpLambda"),
    "module": (lambda c: _first(c, "QConv1D").update(module="os"), "not from module 'os'"),
    "registered": (lambda c: _first(c, "QConv1D").update(registered_name="Other>Thing"), "own name"),
    "string call": (
        lambda c: _first(c, "QActivation")["config"].update(activation="eval('1')"), "plain numbers"
    ),
    "string attribute": (
        lambda c: _first(c, "QActivation")["config"].update(activation="quantized_bits(__import__('os'))"),
        "plain numbers",
    ),
    "string name": (lambda c: _first(c, "QActivation")["config"].update(activation="safe_eval"), "plain numbers"),
    "kernel string": (
        lambda c: _first(c, "QConv1D")["config"].update(kernel_quantizer="set_internal_sigmoid('hard')"),
        "plain numbers",
    ),
    "serialised lambda": (
        lambda c: _first(c, "QConv1D")["config"].update(kernel_constraint={"class_name": "__lambda__", "config": {}}),
        "must not hold __lambda__",
    ),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_an_architecture_that_would_run_code(saved: Path, change: str, tmp_path: Path) -> None:
    edit, message = CHANGES[change]
    path = _edited(saved, tmp_path / saved.name, edit)
    with pytest.raises(UserError, match=message):
        check_model_file(path)


@pytest.mark.parametrize("part", ["1", "1,", "bits=1,", " ", "'a"])
def test_a_long_string_is_refused_at_once(saved: Path, part: str, tmp_path: Path) -> None:
    text = "quantized_bits(" + part * 20_000

    def edit(content: Any) -> None:
        _first(content, "QActivation")["config"].update(activation=text)

    with pytest.raises(UserError, match="plain numbers"):
        check_model_file(_edited(saved, tmp_path / saved.name, edit))


def test_the_unedited_copy_passes(saved: Path, tmp_path: Path) -> None:
    path = _edited(saved, tmp_path / saved.name, lambda config: None)
    assert to_json(from_qkeras(load_model(path))) == to_json(from_qkeras(load_model(saved)))


def test_data_outside_the_file(tmp_path: Path) -> None:
    path = tmp_path / "model.h5"
    to_qkeras(random_network(0, "mlp")).save(path)
    with h5py.File(path, "r+") as file:
        file["model_weights/far"] = h5py.ExternalLink("elsewhere.h5", "/data")
    with pytest.raises(UserError, match="not a link"):
        load_model(path)


def test_a_stranger_in_the_archive(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    to_qkeras(random_network(0, "mlp")).save(path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("assets/layer.pkl", b"x")
    with pytest.raises(UserError, match=r"assets/layer\.pkl"):
        load_model(path)


def test_keras_own_complaints_become_one_message(saved: Path, tmp_path: Path) -> None:
    path = _edited(saved, tmp_path / saved.name, lambda c: _first(c, "QConv1D")["config"].update(filters="many"))
    with pytest.raises(UserError, match="must be loadable") as caught:
        load_model(path)
    assert "\n" not in str(caught.value)
