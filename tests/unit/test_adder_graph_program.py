"""Programs: files, constants, layer names, ports."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from firmware.adder_graph import emulate, load_program, operation_words, trace_network
from firmware.adder_graph.pairs import as_pairs
from firmware.errors import UserError
from firmware.network.fixed_point import FixedPoint
from firmware.network.layers import Dense, Input, Relu, Reshape
from firmware.network.network import Network
from firmware.network.random_networks import random_network, random_words
from firmware.network.reference import evaluate

FORMAT = FixedPoint(6, 0, True)


def small(bias: int = 3, kernel: int = 5) -> Network:
    return Network(
        "small",
        (
            Input(name="x", shape=(2,), format=FORMAT),
            Dense(
                name="dense", source="x", units=2, kernel_format=FORMAT, bias_format=FORMAT,
                kernel=np.array([[kernel, 0], [-kernel, 0]]), bias=np.array([bias, bias]),
            ),
            Relu(name="relu", source="dense", format=FixedPoint(4, 0, False)),
        ),
        ("relu",),
    )  # fmt: skip


def test_a_saved_program_is_the_same_program(tmp_path: Path) -> None:
    network = random_network(76, "objects", min_bits=3, max_bits=8)
    program = trace_network(network, stage_ns=2.5)
    program.save(tmp_path / "a.json.gz")
    loaded = load_program(tmp_path / "a.json.gz")
    loaded.save(tmp_path / "b.json.gz")
    assert (tmp_path / "a.json.gz").read_bytes() == (tmp_path / "b.json.gz").read_bytes()
    assert loaded == program
    words = random_words(network, 50, 1)
    for name, expected in emulate(program, words).items():
        np.testing.assert_array_equal(emulate(loaded, words)[name], expected)


def test_another_process_writes_the_same_bytes(tmp_path: Path) -> None:
    trace_network(random_network(5, "conv1d")).save(tmp_path / "here.json.gz")
    code = (
        "from pathlib import Path; from firmware.adder_graph import trace_network;"
        "from firmware.network.random_networks import random_network;"
        f"trace_network(random_network(5, 'conv1d')).save(Path({str(tmp_path / 'there.json.gz')!r}))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONHASHSEED": "77"})
    assert (tmp_path / "here.json.gz").read_bytes() == (tmp_path / "there.json.gz").read_bytes()


@pytest.mark.parametrize("content", [b"", b"no gzip", None])
def test_a_broken_file_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "p.json.gz"
    trace_network(small()).save(path)
    path.write_bytes(path.read_bytes()[:-20] if content is None else content)
    with pytest.raises(UserError, match=r"p\.json\.gz"):
        load_program(path)


def test_constant_outputs_need_no_hardware() -> None:
    program = trace_network(small(kernel=0))
    assert program.comb.ops == []
    words = {"x": np.zeros((3, 2), np.int64)}
    np.testing.assert_array_equal(emulate(program, words)["relu"], evaluate(small(kernel=0), words)["relu"].words)


def test_an_input_can_be_passed_on() -> None:
    layers = (Input(name="x", shape=(2,), format=FORMAT), Reshape(name="y", source="x", target_shape=(2, 1)))
    words = {"x": np.array([[-32, 31], [0, 5]])}
    found = emulate(trace_network(Network("wire", layers, ("y",))), words)["y"]
    np.testing.assert_array_equal(found, words["x"][..., np.newaxis])


def test_no_events_give_empty_arrays() -> None:
    assert emulate(trace_network(small()), {"x": np.zeros((0, 2), np.int64)})["relu"].shape == (0, 2)


def test_operations_know_their_layer_and_their_bits() -> None:
    network = small()
    program = trace_network(network)
    assert len(program.layer_of_op) == len(program.comb.ops)
    assert set(program.layer_of_op) == {"x", "dense", "relu"}
    words = random_words(network, 40, 0)
    values = np.array([operation_words(program, {"x": words["x"][i : i + 1]}) for i in range(40)])
    source = program.outputs[0].sources[0]
    column = values[:, program.comb.out_idxs[source]]
    fraction = program.comb.ops[program.comb.out_idxs[source]].qint.kif.fractional
    shift = program.comb.out_shifts[source] - fraction
    np.testing.assert_array_equal(column * 2.0**shift, emulate(program, words)["relu"][:, 0])


def test_pairs_compute_what_ternary_adders_do() -> None:
    network = random_network(76, "objects", min_bits=3, max_bits=8)
    comb = trace_network(network, fast=True).comb
    pairs = as_pairs(comb)
    assert any(op.opcode == 11 for op in comb.ops)
    assert all(op.opcode != 11 for op in pairs.ops)
    words = random_words(network, 500, 0)
    flat = np.concatenate([array.reshape(500, -1) for array in words.values()], axis=1).astype(np.float64)
    np.testing.assert_array_equal(pairs.predict(flat, n_threads=1), comb.predict(flat, n_threads=1))


def test_two_relus_of_one_sum_stay_two() -> None:
    # alkaid's own clean-up merges them: the same operation on the same source, of another width.
    layers = (*small().layers, Relu(name="narrow", source="dense", format=FixedPoint(2, -2, False)))
    network = Network("two", layers, ("relu", "narrow"))
    words = random_words(network, 300, 0)
    found, expected = emulate(trace_network(network), words), evaluate(network, words)
    for name in network.outputs:
        np.testing.assert_array_equal(found[name], expected[name].words)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({}, "must be for"),
        ({"x": np.zeros((2, 3), np.int64)}, "shape"),
        ({"x": np.zeros((2, 2))}, "must be integers"),
        ({"x": np.full((2, 2), 32)}, "must be -32 to 31"),
    ],
)
def test_words_that_do_not_fit_are_refused(words: dict[str, np.ndarray], message: str) -> None:
    with pytest.raises(UserError, match=message):
        emulate(trace_network(small()), words)
