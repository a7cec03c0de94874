"""Golden projects: ours are as they were, and each planted fault is seen at its rung and layer."""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

import firmware.adder_graph.rounding as rounding
import firmware.golden.check as check_module
from firmware.convert import convert
from firmware.errors import UserError
from firmware.golden import check_golden, read_golden, renew, write_golden
from firmware.golden.arrays import read_array, text_of
from firmware.golden.folder import GOLDEN, seal
from firmware.golden.table import table_of
from firmware.network.fixed_point import FixedPoint
from firmware.project import hash_files, read_project, write_manifest
from firmware.project.cache import CACHE

OURS = Path(__file__).parents[1] / "golden"
CONVERT = sys.modules["firmware.convert"]


@pytest.fixture(scope="module", autouse=True)
def _shared_builds(request):
    """Both test processes, and the next run, find what was compiled before."""
    before = os.environ.get(CACHE)
    os.environ[CACHE] = before or str(request.config.rootpath / ".trigger-cache")
    yield
    if before is None:
        del os.environ[CACHE]


@pytest.fixture
def network(tmp_path) -> Path:
    return shutil.copytree(OURS / "network", tmp_path / "network")


@pytest.fixture
def finder(tmp_path) -> Path:
    return shutil.copytree(OURS / "finder", tmp_path / "finder")


def check(folder, *rungs, **options):
    return check_golden(folder, rungs=rungs, n_events=400, cache=False, **options)


def row(outcome, item):
    return next(row for row in outcome.rows if row.item == item)


def sealed_again(folder: Path, **changes: object) -> None:
    data = json.loads((folder / GOLDEN).read_text())
    kept = {key: value for key, value in data.items() if key not in ("schema", "files", "sha256")}
    seal(folder, {**kept, **changes})


def edit_word(path: Path, place: tuple[int, ...], by: int) -> None:
    words = read_array(path)
    words[place] += by
    path.write_text(text_of(words))


def test_our_network_is_as_it_was():
    outcome = check_golden(OURS / "network", n_events=1_000, cache=False)
    assert outcome.passed, table_of([outcome])
    assert [row.item for row in outcome.rows[:6]] == ["model", "qkeras", "emulator", "hls", "rtl", "proof"]
    assert all(row.events >= 300 for row in outcome.rows[:5])
    assert outcome.renewal is not None


def test_our_finder_is_as_it_was():
    outcome = check(OURS / "finder", "qkeras", "emulator")
    assert outcome.passed, table_of([outcome])
    assert [row.events for row in outcome.rows[:3]] == [60, 60, 60]
    assert outcome.renewal is None


def test_an_edited_word_is_seen_at_every_rung(network):
    edit_word(network / "vectors" / "out_sums.txt", (17, 1), 3)
    with pytest.raises(UserError, match="out_sums"):
        check(network, "emulator")
    sealed_again(network)
    outcome = check(network, "emulator")
    assert not outcome.passed
    for item in ("model", "emulator"):
        found = row(outcome, item)
        assert (found.moved, found.events, found.lsb) == (1, 300, -3)
        assert "event 17, sums[1]" in found.text
    assert "no layer moved" in row(outcome, "model").text


def test_an_edited_word_of_a_finder(finder):
    edit_word(finder / "vectors" / "out_peak.txt", (3,), -5)
    sealed_again(finder)
    found = row(check(finder, "emulator"), "emulator")
    assert (found.passed, found.moved, found.lsb) == (False, 1, 5)
    assert "event 3, peak" in found.text


def test_an_edited_model_is_seen_first_at_its_layer(network):
    with h5py.File(network / "model" / "model.h5", "r+") as file:
        kernel = file["model_weights/sums/sums/kernel:0"]
        kernel[2, 1] = kernel[2, 1] + 0.125
    with pytest.raises(UserError, match=r"model in 'model/model\.h5'"):
        check(network, "emulator")
    sealed_again(network)
    outcome = check(network, "qkeras", "emulator")
    first = outcome.first_moved
    assert (first.item, first.layer) == ("model", "sums")
    assert row(outcome, "qkeras").layer == "sums"
    assert {row(outcome, item).moved for item in ("model", "qkeras", "emulator")} == {first.moved}
    assert "sums" in first.text


def test_a_finder_whose_table_was_edited_is_seen_at_its_block(finder):
    path = finder / "model" / "finder.json"
    text = path.read_text()
    data = json.loads(text)
    table = next(feature for feature in data["features"] if feature["name"] == "pt")["table"]
    before, after = json.dumps(table), json.dumps([*(127 - word for word in table)])
    assert before in text
    path.write_text(text.replace(before, after))
    sealed_again(finder)
    outcome = check(finder, "emulator")
    assert (outcome.first_moved.item, outcome.first_moved.layer) == ("model", "features")


@pytest.mark.parametrize("key", ["latency_cycles", "lut", "ff"])
def test_an_exceeded_budget_is_named(network, key):
    budgets = json.loads((network / "budgets.json").read_text())
    (network / "budgets.json").write_text(json.dumps({**budgets, key: budgets[key] - 1}))
    outcome = check(network, "emulator")
    assert outcome.first_moved.item == key
    assert f"exceeds the budget of {budgets[key] - 1} by 1" in outcome.first_moved.text


def test_an_exceeded_rate_is_named(finder):
    budgets = json.loads((finder / "budgets.json").read_text())
    (finder / "budgets.json").write_text(json.dumps({**budgets, "ii": budgets["ii"] - 1}))
    assert check(finder, "emulator").first_moved.item == "ii"


def test_a_figure_that_moved_within_its_budget_is_told(network):
    figures = json.loads((network / GOLDEN).read_text())["figures"]
    sealed_again(network, figures={**figures, "ii": 2})
    found = row(check(network, "emulator"), "ii")
    assert (found.passed, found.verdict) == (True, "differs")
    assert "1, golden 2" in found.text


def test_another_tracer_is_seen_at_the_emulator(network, monkeypatch):
    """As if a version of the adder-graph package rounded half up."""
    monkeypatch.setattr(rounding, "_last_bit", lambda graph, value, shift: graph.bits(value, shift, shift + 1))
    outcome = check(network, "qkeras", "emulator")
    first = outcome.first_moved
    assert first.item == "emulator"
    assert first.layer in ("active (emulator)", "hidden (emulator)")
    assert row(outcome, "model").passed
    # QKeras stayed: that it differs from the emulator now is not its fault.
    assert row(outcome, "qkeras").passed
    assert "stayed" in row(outcome, "qkeras").text


def test_another_version_of_hls4ml_is_seen_at_the_c_simulation(network, monkeypatch):
    """As if a version of hls4ml rounded half up in one of its types."""
    write = CONVERT.write_hls

    def drifted(model, description, folder, settings):
        made = write(model, description, folder, settings)
        path = folder / "firmware" / "defines.h"
        text = path.read_text()
        assert "RND_CONV" in text
        path.write_text(text.replace("AP_RND_CONV", "AP_RND"))
        return made

    monkeypatch.setattr(CONVERT, "write_hls", drifted)
    versions = check_module.result_versions()
    monkeypatch.setattr(check_module, "result_versions", lambda: {**versions, "hls4ml": "99.0"})
    outcome = check(network, "qkeras", "emulator", "hls")
    assert not outcome.passed
    assert outcome.versions == {"hls4ml": (versions["hls4ml"], "99.0")}
    first = outcome.first_moved
    assert (first.item, first.layer) == ("hls", "active")
    assert first.moved > 0
    assert [row(outcome, item).passed for item in ("model", "qkeras", "emulator")] == [True] * 3
    lines = table_of([outcome])
    assert any("first to move: hls, layer active" in line for line in lines)
    assert any(f"hls4ml {versions['hls4ml']} -> 99.0" in line for line in lines)
    assert "hls" in row(outcome, "generated").text


def test_another_writer_of_verilog_is_seen_at_the_rtl(network, monkeypatch):
    """As if a version wrote one output bit as a constant."""
    write = CONVERT.write_rtl

    def drifted(program, folder, settings):
        made = write(program, folder, settings)
        path = next(path for path in folder.rglob("*.v") if "assign sums = {" in path.read_text())
        path.write_text(path.read_text().replace("assign sums = {", "assign sums = 64'd2 | {"))
        return made

    monkeypatch.setattr(CONVERT, "write_rtl", drifted)
    outcome = check(network, "emulator", "rtl")
    first = outcome.first_moved
    assert (first.item, first.layer) == ("rtl", "output ports")
    assert first.moved > 0
    assert abs(first.lsb) == 2
    assert row(outcome, "emulator").passed


def test_another_description_is_seen_before_all_rungs(network, monkeypatch):
    """As if NumPy's rounding of the description moved: half up."""

    def half_up(self, words, shift):
        return (words + (1 << (shift - 1))) >> shift

    monkeypatch.setattr(FixedPoint, "_rounded", half_up)
    outcome = check(network, "emulator")
    assert outcome.first_moved.item == "model"
    assert outcome.first_moved.layer == "active"


def test_a_model_that_cannot_be_generated_any_more_fails(network, monkeypatch):
    def refuse(network, settings):
        raise UserError("layer 'sums' must be another")

    monkeypatch.setattr(CONVERT, "check", refuse)
    outcome = check(network, "emulator")
    assert (outcome.first_moved.item, outcome.passed) == ("generate", False)
    assert "layer 'sums'" in outcome.first_moved.text


def test_other_versions_alone_do_not_fail(network, monkeypatch):
    versions = check_module.result_versions()
    monkeypatch.setattr(check_module, "result_versions", lambda: {**versions, "numpy": "99.0"})
    outcome = check(network, "emulator")
    assert outcome.passed
    assert "numpy" in row(outcome, "versions").text


def test_a_renewed_golden_project_is_what_was_found(network, monkeypatch):
    before = {path: path.read_bytes() for path in sorted((network / "vectors").iterdir())}
    edit_word(network / "vectors" / "out_sums.txt", (0, 0), 1)
    figures = json.loads((network / GOLDEN).read_text())["figures"]
    budgets = {**json.loads((network / "budgets.json").read_text()), "lut": figures["lut"] - 7, "ff": 99_999}
    (network / "budgets.json").write_text(json.dumps(budgets))
    sealed_again(network, figures={**figures, "lut": figures["lut"] - 7})
    outcome = check_golden(network, n_events=400, cache=False)
    assert {found.item for found in outcome.rows if not found.passed} == {
        "model", "qkeras", "emulator", "hls", "rtl", "lut",
    }  # fmt: skip
    lines = renew(network, outcome.renewal)
    assert f"budget lut: {figures['lut'] - 7} -> {figures['lut']}" in lines
    assert {path: path.read_bytes() for path in sorted((network / "vectors").iterdir())} == before
    assert read_golden(network).budgets["ff"] == 99_999
    assert check(network, "emulator").passed


def test_a_verdict_is_kept_until_something_changes(network, tmp_path, monkeypatch):
    monkeypatch.setenv(CACHE, str(tmp_path / "cache"))
    said: list[str] = []
    ask = {"rungs": ("emulator",), "n_events": 300}
    assert not check_golden(network, **ask).cached
    assert check_golden(network, **ask).cached
    entry = next((tmp_path / "cache" / "golden").glob("*.json"))
    entry.write_text(entry.read_text().replace("300", "299"))
    again = check_golden(network, **ask, progress=said.append)
    assert again.passed
    assert not again.cached
    assert any("torn or was altered" in line for line in said)
    (network / "budgets.json").write_text(json.dumps({"lut": 1}))
    assert not check_golden(network, **ask).passed
    assert not check_golden(network, **ask).cached


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """A project of the golden network's model."""
    golden = read_golden(OURS / "network")
    return convert(
        golden.folder / "model" / "model.h5", tmp_path_factory.mktemp("projects"), golden.firmware_settings,
        name=golden.name, events=golden.inputs,
    )  # fmt: skip


def test_a_golden_project_is_the_same_bytes_each_time(project, tmp_path):
    folder = write_golden(project, tmp_path / "network", vectors=300)
    for path in sorted((OURS / "network").rglob("*.txt")):
        assert (folder / path.relative_to(OURS / "network")).read_bytes() == path.read_bytes(), path.name
    ours, made = read_golden(OURS / "network"), read_golden(folder)
    assert (made.figures, made.steps, made.budgets) == (ours.figures, ours.steps, ours.budgets)
    again = write_golden(project, tmp_path / "again" / "network", vectors=300)
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        assert (again / path.relative_to(folder)).read_bytes() == path.read_bytes(), path.name


def test_what_cannot_become_golden(project, tmp_path):
    copy = shutil.copytree(project, tmp_path / "copy")
    with pytest.raises(UserError, match="at least 1"):
        write_golden(project, tmp_path / "g", vectors=0)
    with pytest.raises(UserError, match="keys"):
        write_golden(project, tmp_path / "g", budgets={"luts": 1})
    with pytest.raises(UserError, match="new, empty, or a golden project"):
        write_golden(project, copy)
    (copy / "verify.json").write_text('{"passed": false}')
    with pytest.raises(UserError, match="failed its verification"):
        write_golden(copy, tmp_path / "g")
    (copy / "verify.json").unlink()
    (copy / "vectors" / "vectors.txt").write_text("")
    with pytest.raises(UserError, match="edited"):
        write_golden(copy, tmp_path / "g")
    assert not (tmp_path / "g").exists()


def test_a_project_that_disagrees_with_its_network_cannot_become_golden(project, tmp_path):
    copy = shutil.copytree(project, tmp_path / "copy")
    words = np.load(copy / "vectors" / "out_sums.npy")
    words[0, 0] += 1
    np.save(copy / "vectors" / "out_sums.npy", words)
    write_manifest(copy, replace(read_project(copy, allow_edited=True).manifest, files=hash_files(copy)))
    with pytest.raises(UserError, match="what its network computes"):
        write_golden(copy, tmp_path / "g")


def test_budgets_and_vectors_of_ones_own(project, tmp_path):
    folder = write_golden(project, tmp_path / "g", budgets={"latency_ns": 30.0, "lut": 5_000}, vectors=20)
    golden = read_golden(folder)
    assert golden.events == 20
    assert golden.budgets == {"latency_ns": 30.0, "ii": 1, "lut": 5_000, "ff": golden.figures["ff"], "dsp": 0}
