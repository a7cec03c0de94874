"""Building and calling the C-simulation: cache, messages, what is checked at the door."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from firmware.errors import UserError
from firmware.hls import build, library, write_hls
from firmware.network.fixed_point import FixedPoint
from firmware.network.layers import Dense, Input
from firmware.network.network import Network
from firmware.network.qkeras_io import to_qkeras
from firmware.network.reference import evaluate
from firmware.settings import FirmwareSettings

NETWORK = Network(
    "tiny",
    (
        Input(name="x", shape=(2,), format=FixedPoint(4, 1, True)),
        Dense(
            name="d", source="x", units=2, kernel_format=FixedPoint(4, 0, True), kernel=np.array([[7, -8], [3, 0]])
        ),
    ),
    ("d",),
)  # fmt: skip
WORDS = {"x": np.array([[7, -8], [0, 0], [-8, -8], [1, 2]])}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A project and a folder with its library."""
    folder = tmp_path_factory.mktemp("csim")
    write_hls(to_qkeras(NETWORK), NETWORK, folder / "hls", FirmwareSettings())
    build(folder / "hls", folder / "lib")
    return folder / "hls", folder / "lib"


@pytest.fixture
def edited(built: tuple[Path, Path], tmp_path: Path) -> Path:
    """A copy of the project, to be spoiled."""
    return Path(shutil.copytree(built[0], tmp_path / "hls"))


def test_words_by_hand(built: tuple[Path, Path]) -> None:
    # weights 7, 3 | -8, 0 in eighths, inputs in quarters, exact results in 32nds
    expected = np.stack([WORDS["x"] @ [7, 3], WORDS["x"] @ [-8, 0]], axis=1)
    assert_array_equal(build(*built).predict(WORDS)["d"], expected)
    assert_array_equal(evaluate(NETWORK, WORDS)["d"].words, expected)


@pytest.mark.parametrize("threads", [1, 2, 3, 9])
def test_threads_do_not_matter(built: tuple[Path, Path], threads: int) -> None:
    assert_array_equal(build(*built).predict(WORDS, threads=threads)["d"], build(*built).predict(WORDS)["d"])


def test_no_events(built: tuple[Path, Path]) -> None:
    assert build(*built).predict({"x": np.zeros((0, 2), np.int64)})["d"].shape == (0, 2)


def test_tracing_leaves_no_trace(built: tuple[Path, Path]) -> None:
    simulation = build(*built)
    first = simulation.predict(WORDS)["d"]
    layers = simulation.every_layer(WORDS)
    assert list(layers) == ["x", "d"]
    assert_array_equal(layers["x"], WORDS["x"] / 4)
    assert_array_equal(simulation.predict(WORDS)["d"], first)


def test_same_sources_are_compiled_once(built: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "_compile", lambda *_: pytest.fail("compiled again"))
    build(*built)


def test_an_edit_compiles_anew(edited: Path, built: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    header = edited / "firmware" / "weights" / "w3.h"
    header.write_text(header.read_text() + "\n")

    class Compiled(Exception):
        pass

    def compile_(*_: object) -> None:
        raise Compiled

    monkeypatch.setattr(library, "_compile", compile_)
    with pytest.raises(Compiled):
        build(edited, built[1])


def test_builds_wait_for_each_other(built: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = next(built[1].glob("*.so"))
    compiled = []

    def compile_(_job: object, target: Path) -> None:
        compiled.append(target)
        shutil.copy(made, target)

    monkeypatch.setattr(library, "_compile", compile_)
    threads = [threading.Thread(target=build, args=(built[0], tmp_path)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(compiled) == 1


def test_compile_error_names_file_and_line(edited: Path, tmp_path: Path) -> None:
    source = edited / "firmware" / "trigger_net.cpp"
    source.write_text(source.read_text().replace("nnet::dense", "nnet::dens"))
    with pytest.raises(UserError, match=r"firmware/trigger_net\.cpp:\d+.*\n(.*\n)*.*dens"):
        build(edited, tmp_path / "lib")
    assert not list((tmp_path / "lib").glob("*.so"))


def test_missing_compiler(built: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match=r"g\+\+ on PATH"):
        build(*built)


def test_missing_sources(edited: Path, tmp_path: Path) -> None:
    shutil.rmtree(edited / "firmware")
    with pytest.raises(UserError, match="'firmware'"):
        build(edited, tmp_path / "lib")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({}, "inputs must be x"),
        ({"x": np.zeros((3, 3), np.int64)}, "shape"),
        ({"x": np.zeros((3, 2))}, "integers"),
        ({"x": np.array([[8, 0]])}, "-8 to 7"),
    ],
)
def test_words_are_checked(built: tuple[Path, Path], words: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        build(*built).predict(words)


def test_edited_port_types(edited: Path, tmp_path: Path) -> None:
    defines = edited / "firmware" / "defines.h"
    text = defines.read_text()
    defines.write_text(text.replace("ap_fixed<4,2> input_t", "ap_fixed<5,2> input_t"))
    with pytest.raises(UserError, match="input port 'x'"):
        build(edited, tmp_path / "lib")


def test_quick_weights_are_the_same_weights() -> None:
    header = "#ifndef W\nd_weight_t w3[2] = {0.5, -0.25};\n#endif\n"
    quick = library._quick_to_compile(header)
    assert "d_weight_t w3[2];" in quick
    assert "w3_values[] = {0.5, -0.25};" in quick
    other = "d_weight_t w3[2] = {{1}, 2};"
    assert library._quick_to_compile(other) == other
