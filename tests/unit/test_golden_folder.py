"""What lies in a golden folder: read back as written, and refused when altered, missing or contradictory."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from firmware.errors import UserError
from firmware.golden.arrays import read_array, text_of
from firmware.golden.budgets import check_budgets
from firmware.golden.folder import GOLDEN, find_goldens, read_golden, seal
from firmware.golden.versions import moved_versions, result_versions
from firmware.settings import FirmwareSettings

OURS = Path(__file__).parents[1] / "golden"
SETTINGS = FirmwareSettings(clock_period_ns=2.5, latency_budget_ns=50)


@pytest.fixture(params=["network", "finder"])
def golden(request, tmp_path) -> Path:
    return shutil.copytree(OURS / request.param, tmp_path / request.param)


@pytest.fixture
def network(tmp_path) -> Path:
    return shutil.copytree(OURS / "network", tmp_path / "network")


def sealed_again(folder: Path, **changes: object) -> None:
    data = json.loads((folder / GOLDEN).read_text())
    kept = {key: value for key, value in data.items() if key not in ("schema", "files", "sha256")}
    seal(folder, {**kept, **changes})


@pytest.mark.parametrize("shape", [(4,), (3, 2), (2, 3, 2), (0, 5)])
def test_arrays_come_back(tmp_path, shape):
    words = np.random.default_rng(1).integers(-(2**40), 2**40, shape)
    (tmp_path / "a.txt").write_text(text_of(words))
    np.testing.assert_array_equal(read_array(tmp_path / "a.txt"), words)


@pytest.mark.parametrize(
    ("text", "said"),
    [("1 2\n", "begin with"), ("# shape 2\n1\n", "as many words"), ("# shape 1\n1.5\n", "integers"),
     ("# shape 1\n99999999999999999999\n", "integers"), ("# shape x\n1\n", "integers")],
)  # fmt: skip
def test_other_texts_are_refused(tmp_path, text, said):
    (tmp_path / "a.txt").write_text(text)
    with pytest.raises(UserError, match=said):
        read_array(tmp_path / "a.txt")


def test_a_golden_project_is_small_and_holds_no_generated_code(golden):
    files = [path for path in golden.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 300_000
    assert {path.suffix for path in files} == {".json", ".txt", ".h5"}
    opened = read_golden(golden)
    assert opened.events > 0
    assert {"alkaid", "hls4ml", "numpy", "qkeras", "tensorflow", "cocotb", "verilator"} <= set(opened.versions)


def test_a_missing_file_is_named(golden):
    name = next(path for path in sorted((golden / "vectors").iterdir()))
    name.unlink()
    with pytest.raises(UserError, match=f"vectors/{name.name}.*missing"):
        read_golden(golden)


def test_an_altered_file_is_named(golden):
    name = sorted((golden / "vectors").glob("out_*"))[0]
    name.write_text(name.read_text() + " ")
    with pytest.raises(UserError, match=f"vectors/{name.name}.*altered"):
        read_golden(golden)


def test_another_model_is_refused(golden):
    name = sorted((golden / "model").glob("*.h5"))[0]
    name.write_bytes(name.read_bytes()[:-1] + b"x")
    with pytest.raises(UserError, match=f"model in 'model/{name.name}'.*altered"):
        read_golden(golden)


def test_an_altered_manifest_is_refused(golden):
    path = golden / GOLDEN
    path.write_text(path.read_text().replace('"lut": ', '"lut": 1'))
    with pytest.raises(UserError, match="altered"):
        read_golden(golden)


def test_a_file_that_does_not_belong_is_refused(golden):
    (golden / "vectors" / "out_more.txt").write_text("# shape 1\n1\n")
    with pytest.raises(UserError, match="out_more"):
        read_golden(golden)


def test_vectors_of_another_shape_are_refused(network):
    path = network / "vectors" / "in_energy.txt"
    path.write_text(text_of(read_array(path)[:, :2]))
    sealed_again(network)
    with pytest.raises(UserError, match=r"input 'energy' must have shape \(300, 3\), not \(300, 2\)"):
        read_golden(network)


def test_vectors_outside_the_format_are_refused(network):
    path = network / "vectors" / "in_energy.txt"
    words = read_array(path)
    words[7, 1] = 32
    path.write_text(text_of(words))
    sealed_again(network)
    with pytest.raises(UserError, match="0 to 31"):
        read_golden(network)


def test_finder_vectors_that_do_not_fit_together_are_refused(tmp_path):
    folder = shutil.copytree(OURS / "finder", tmp_path / "finder")
    path = folder / "vectors" / "out_kept.txt"
    path.write_text(text_of(read_array(path)[:-1]))
    sealed_again(folder)
    with pytest.raises(UserError, match="output 'kept' must have shape"):
        read_golden(folder)


@pytest.mark.parametrize(
    ("budgets", "said"),
    [
        ({}, "keys"), ({"luts": 3}, "luts"), ({"lut": -1}, "lut"), ({"ii": 0}, "ii"), ({"lut": 3.5}, "whole"),
        ({"lut": True}, "whole"), ({"latency_cycles": 10, "latency_ns": 40.0}, "must agree"),
        ({"latency_cycles": 30}, "latency_budget_ns"), ({"latency_ns": 75}, "latency_budget_ns"),
        ({"lut": 99_999_999}, "xcvu13p"),
    ],
)  # fmt: skip
def test_budgets_that_contradict_are_refused(budgets, said):
    with pytest.raises(UserError, match=said):
        check_budgets(budgets, SETTINGS, "budgets.json")


def test_budgets_that_agree_are_taken():
    check_budgets({"latency_cycles": 16, "latency_ns": 40, "ii": 1, "lut": 100, "dsp": 0}, SETTINGS, "budgets.json")


def test_budgets_that_are_no_object_are_refused(network):
    (network / "budgets.json").write_text("[1]")
    with pytest.raises(UserError, match="JSON object"):
        read_golden(network)


def test_a_folder_of_golden_projects_is_found():
    assert [path.name for path in find_goldens(OURS)] == ["finder", "network"]
    assert find_goldens(OURS / "network") == [OURS / "network"]


def test_no_golden_project_is_a_mistake(tmp_path):
    with pytest.raises(UserError, match="trigger golden"):
        find_goldens(tmp_path)


def test_versions_that_moved():
    now = result_versions()
    assert moved_versions(now, now) == {}
    before = {**now, "hls4ml": "1.2.0", "gone": "1"}
    del before["numpy"]
    assert moved_versions(before, now) == {
        "gone": ("1", "none"), "hls4ml": ("1.2.0", now["hls4ml"]), "numpy": ("none", now["numpy"]),
    }  # fmt: skip
