"""A user's own saved model: taken with no study behind it, or refused with one message and nothing touched."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest


def save(path: Path, build: Callable) -> Path:
    from trigger.cli.streams import quiet_libraries

    quiet_libraries()
    from firmware.network.keras2 import import_keras, import_qkeras

    keras, qkeras = import_keras(), import_qkeras()

    def dense(units: int, name: str):
        bits = qkeras.quantized_bits(4, 0, 1, alpha=1)
        return qkeras.QDense(units, kernel_quantizer=bits, bias_quantizer=bits, name=name)

    source = keras.layers.Input((3,), name="x")
    quantised = qkeras.QActivation(qkeras.quantized_bits(6, 2, 1, alpha=1), name="x_q")(source)
    relu = qkeras.QActivation(qkeras.quantized_relu(4, 1), name="relu")
    output = build(keras, source, quantised, dense, relu)
    keras.Model(source, output).save(path, include_optimizer=False)
    return path


def good(keras, source, quantised, dense, relu):
    return dense(2, "out")(relu(dense(4, "hidden")(quantised)))


BAD = {
    "softmax": (lambda k, x, q, dense, relu: k.layers.Activation("softmax")(dense(2, "out")(q)), ["softmax", "logits"]),
    "unquantised": (lambda k, x, q, dense, relu: dense(2, "out")(x), ["x", "quantis"]),
    "lambda": (lambda k, x, q, dense, relu: k.layers.Lambda(lambda t: t * 2)(dense(2, "out")(q)), ["Lambda"]),
    "plain": (lambda k, x, q, dense, relu: k.layers.Dense(2, name="plain_dense")(q), ["plain_dense"]),
}


def hashes(folder: Path) -> dict[str, str]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def own(tmp_path_factory) -> Path:
    """A good model and its project."""
    from trigger.cli import main

    folder = tmp_path_factory.mktemp("own")
    save(folder / "net.h5", good)
    code = main(["generate", "--model", str(folder / "net.h5"), "--out", str(folder / "out"), "--clock-period-ns", "4"])
    assert code == 0
    return folder


def test_a_good_model_becomes_a_project_of_its_name(own):
    manifest = json.loads((own / "out" / "net" / "manifest.json").read_text())
    assert manifest["name"] == "net"
    assert manifest["clock_period_ns"] == 4
    assert [port["name"] for port in manifest["ports"]] == ["x", "out"]


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_model_is_refused_and_the_earlier_project_stays(own, command, tmp_path, kind):
    build, words = BAD[kind]
    path = save(tmp_path / f"{kind}.h5", build)
    before = hashes(own / "out")
    done = command("generate", "--model", path, "--out", own / "out", "--name", "net")
    assert done.returncode == 2
    assert done.stdout == ""
    (message,) = done.stderr.splitlines()
    for word in words:
        assert word in message
    assert hashes(own / "out") == before


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--reuse-factor", "5"], ["reuse_factor", "5"]),
        (["--reuse-factor", "hidden=5"], ["reuse_factor", "hidden", "5"]),
        (["--reuse-factor", "hiden=2"], ["hiden"]),
        (["--strategy", "Fast"], ["strategy", "Fast", "Latency"]),
        (["--part", "xc7"], ["part", "xc7"]),
        (["--clock-period-ns", "0.1"], ["clock_period_ns", "0.1"]),
        (["--latency-budget-ns", "0.5"], ["latency_budget_ns", "0.5"]),
        (["--name", "../up"], ["name", "../up"]),
    ],
)
def test_a_setting_that_cannot_be_met_is_refused(own, command, options, words):
    before = hashes(own / "out")
    done = command("generate", "--model", own / "net.h5", "--out", own / "out", *options)
    assert done.returncode == 2, done.stdout
    (message,) = done.stderr.splitlines()
    for word in words:
        assert word in message
    assert hashes(own / "out") == before


def test_a_folder_of_something_else_is_never_replaced(own, command, tmp_path):
    (tmp_path / "out" / "net").mkdir(parents=True)
    (tmp_path / "out" / "net" / "thesis.tex").write_text("years of work")
    done = command("generate", "--model", own / "net.h5", "--out", tmp_path / "out")
    assert done.returncode == 2
    assert (tmp_path / "out" / "net" / "thesis.tex").read_text() == "years of work"


def test_no_pickle_is_opened(command, tmp_path):
    (tmp_path / "net.pkl").write_bytes(b"\x80\x04cos\nsystem\n(S'touch made'\ntR.")
    done = command("generate", "--model", tmp_path / "net.pkl", "--out", tmp_path / "out")
    assert done.returncode == 2
    assert not (tmp_path / "made").exists()
    assert not (tmp_path / "out" / "net").exists()
