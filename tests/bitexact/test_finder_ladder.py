"""The ladder of a whole finder's project: it passes as it was made, and each planted fault makes it fail."""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import firmware
from firmware.errors import UserError
from firmware.project import read_project
from firmware.project.cache import CACHE
from firmware.settings import FirmwareSettings
from firmware.verify import verify
from firmware.vertex.convert import convert_finder
from firmware.vertex.emulate import emulate_finder
from firmware.vertex.examples import example_events, example_finder
from firmware.vertex.project import NETWORKS, load_models
from firmware.vertex.vectors import read_vectors

SHAPE = {
    "bins": 32, "bins_per_clock": 8, "lanes": 2, "tracks_per_lane": 6, "units": 2, "association_units": 3,
    "histogram_bits": 9,
}  # fmt: skip
SETTINGS = FirmwareSettings(clock_period_ns=4.0)
VECTORS, QKERAS, HLS, RTL = "vectors_vs_emulator", "qkeras_vs_emulator", "hls_csim_vs_emulator", "rtl_vs_emulator"


@pytest.fixture(scope="module", autouse=True)
def _shared_builds(request):
    """Both test processes, and the next run, find what was compiled before."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(CACHE, os.environ.get(CACHE) or str(request.config.rootpath / ".trigger-cache"))
        yield


@pytest.fixture(scope="module")
def finder():
    return example_finder(0, **SHAPE)


@pytest.fixture(scope="module")
def project(finder, tmp_path_factory):
    """The project of the small finder; not to be changed."""
    folder = tmp_path_factory.mktemp("projects")
    return firmware.convert(finder, folder, SETTINGS, name="small", about={"feature": "pt"})


@pytest.fixture
def copy(project, tmp_path):
    """A copy that a test may break."""
    return shutil.copytree(project, tmp_path / "small")


def test_the_ladder_passes(project, finder):
    result = verify(project, n_events=2_500, rtl_events=2_000)
    assert [str(check) for check in result.checks if not check.passed] == []
    assert result.passed
    assert [check.name for check in result.checks] == [VECTORS, QKERAS, HLS, RTL]
    assert [check.events for check in result.checks] == [500, 2_500, 2_500, 2_000]
    assert [check.outputs for check in result.checks] == [7, 7, 7, 6]
    manifest = read_project(project).manifest
    assert (result.latency_cycles, result.ii) == (manifest.latency_cycles, manifest.ii)
    written = json.loads((project / "verify.json").read_text())
    assert written["passed"] is True
    assert written["latency_cycles"] == manifest.latency_cycles
    assert written["resources"]["lut"] > 0
    assert written["proof"]["proven"] is True
    assert written["proof"]["nodes"] > 100
    assert (project / "verify.xml").read_text().count("<testcase") == 5
    read_project(project)  # the verdict is no edit


def test_the_folder_is_whole(project, finder):
    manifest = read_project(project).manifest
    assert manifest.kind == "vertex_finder"
    assert json.loads((project / "about.json").read_text()) == {"feature": "pt"}
    for name in NETWORKS:
        assert (project / "model" / f"{name}.h5").is_file()
        assert (project / "emulator" / f"{name}.program.json.gz").is_file()
    events, outputs = read_vectors(project / "vectors")
    expected = emulate_finder(finder, events)
    np.testing.assert_array_equal(outputs.association, expected.association)
    np.testing.assert_array_equal(outputs.peak, expected.peak)
    lines = (project / "vectors" / "vectors.txt").read_text().splitlines()
    assert len(lines) == 1 + len(events.words) + len(events)
    assert lines[-1].split() == [
        "V", str(len(events) - 1), *map(str, (outputs.bin[-1], outputs.z0[-1], outputs.peak[-1])),
        str(int(outputs.truncated[-1])),
    ]  # fmt: skip


def test_the_same_finder_gives_the_same_bytes(project, finder, tmp_path):
    """Also from the models, and with the same events given; a project of that name is replaced."""
    events = read_vectors(project / "vectors")[0]
    options = {"models": load_models(project), "about": {"feature": "pt"}}
    again = convert_finder(finder, tmp_path, SETTINGS, name="small", **options)
    first, second = read_project(project).manifest, read_project(again).manifest
    assert second == first
    given = convert_finder(finder, tmp_path, SETTINGS, name="small", events=events, **options)
    third = read_project(given).manifest
    assert third.vectors == {"source": "study", "events": len(events)}
    assert third.files == first.files


@pytest.mark.parametrize(("changes", "says"), [
    ({"name": "../x"}, "name of a project must be a folder name"),
    ({"events": {"x": np.zeros(3, int)}}, "events of a vertex finder must be FinderEvents, not dict"),
    ({"settings": FirmwareSettings(clock_period_ns=4.0, latency_budget_ns=40)}, "latency of finder 'example0' must be"),
    ({"settings": FirmwareSettings(io_type="io_stream")}, "io_type of a finder must be io_parallel"),
])  # fmt: skip
def test_what_cannot_be_had_is_refused_and_nothing_stays(finder, tmp_path, changes, says):
    arguments = {"settings": SETTINGS, "name": "small", **changes}
    with pytest.raises(UserError, match=says):
        firmware.convert(finder, tmp_path, **arguments)
    assert list(tmp_path.iterdir()) == []


def test_finder_events_are_none_of_a_network(finder, tmp_path):
    with pytest.raises(UserError, match="events of a network must be a mapping of its inputs' names to words"):
        firmware.convert(finder.weight, tmp_path, SETTINGS, name="x", events=example_events(finder, 3))
    assert list(tmp_path.iterdir()) == []


def test_models_of_another_finder_are_refused(project, tmp_path):
    with pytest.raises(UserError, match="model 'weight' must be the one that the finder's network 'weight' describes"):
        convert_finder(example_finder(1, **SHAPE), tmp_path, SETTINGS, name="x", models=load_models(project))


def test_events_of_another_kind_are_refused(project):
    with pytest.raises(UserError, match="events of a vertex finder must be FinderEvents, not dict"):
        verify(project, events={"x": np.zeros((3, 1), int)})


def test_own_events_are_used(project, finder):
    events = example_events(finder, 60, mean_tracks=8)
    result = verify(project, events=events, n_events=10, checks=[VECTORS, QKERAS])
    assert result.passed
    assert result.stimulus == {"given": 60}
    assert result.check(QKERAS).events == 60


def edit(path: Path, pattern: str, new: str | Callable[[re.Match[str]], str]) -> None:
    """Replace the first match of a pattern that must match."""
    text, count = re.subn(pattern, new, path.read_text(), count=1)
    assert count == 1, f"{pattern!r} does not match in {path.name}"
    path.write_text(text)


def vectors_peak(folder: Path) -> None:
    path = folder / "vectors" / "out_peak.npy"
    words = np.load(path)
    words[7] += 1
    np.save(path, words)


def vectors_text(folder: Path) -> None:
    edit(folder / "vectors" / "vectors.txt", r"\nV 7 \d+", "\nV 7 99")


def vectors_track_word(folder: Path) -> None:
    path = folder / "vectors" / "in_words.npy"
    words = np.load(path)
    words[len(words) // 2, 1] ^= 1 << 19  # the sign of z0
    np.save(path, words)


def stored_model(folder: Path) -> None:
    import h5py

    with h5py.File(folder / "model" / "weight.h5", "r+") as file:
        found: list[str] = []
        file["model_weights"].visit(lambda name: found.append(name) if "weight_sum/kernel" in name else None)
        kernel = file["model_weights"][found[0]]
        kernel[...] = kernel[...] + 4 / 64


def stored_table(folder: Path) -> None:
    """In the description, which emulator and QKeras share; what was generated from it does not."""
    path = folder / "model" / "finder.json"
    edit(path, r'"table": \[127, 122, 110', '"table": [127, 122, 11')


def stored_program(folder: Path) -> None:
    path = folder / "emulator" / "pattern.program.json.gz"
    data = json.loads(gzip.decompress(path.read_bytes()))
    shift = next(op for op in data["comb"]["ops"] if op[1] in (0, 1))
    shift[2][0] += 1
    path.write_bytes(gzip.compress(json.dumps(data).encode(), mtime=0))


PYTHON_FAULTS = {
    "peak in the vectors": (vectors_peak, VECTORS, None),
    "text of the vectors": (vectors_text, VECTORS, None),
    "track word in the vectors": (vectors_track_word, VECTORS, None),
    "weight in the stored model": (stored_model, QKERAS, "weight"),
    "program of the emulator": (stored_program, QKERAS, "pattern (emulator)"),
}


@pytest.mark.parametrize("fault", PYTHON_FAULTS)
def test_a_fault_that_python_sees(copy, fault):
    plant, name, block = PYTHON_FAULTS[fault]
    plant(copy)
    with pytest.raises(UserError, match="edited"):
        verify(copy)
    check = verify(copy, n_events=300, checks=[name], allow_edited=True).check(name)
    assert not check.passed
    assert check.mismatches or check.problems
    if block is not None:
        assert check.first_mismatch.first_layer == block
        assert check.first_mismatch.inputs["track_word"]


def hls_weight(folder: Path) -> None:
    header = max((folder / "hls" / "firmware" / "networks" / "weight" / "weights").glob("w*.h"))
    edit(header, r"= \{(-?[\d.]+)", lambda match: f"= {{{float(match[1]) + 4 / 64}")


def hls_tie_rule(folder: Path) -> None:
    edit(folder / "hls" / "firmware" / "find_peak.cpp", "return from_a < from_b", "return from_a > from_b")


HLS_FAULTS = {
    "weight": (hls_weight, "features or weight"),
    "tie rule": (hls_tie_rule, "argmax"),
}


@pytest.mark.parametrize("fault", HLS_FAULTS)
def test_a_fault_in_the_hls(copy, fault):
    plant, block = HLS_FAULTS[fault]
    plant(copy)
    check = verify(copy, n_events=300, checks=[HLS], allow_edited=True).check(HLS)
    assert check.mismatches > 0
    assert check.first_mismatch.first_layer == block


def rtl_weight(folder: Path) -> None:
    """The first adder of the weight network shifts by one bit more."""
    for path in sorted((folder / "rtl" / "networks").glob("weight_stage*.v")):
        if "shift_adder #(" in path.read_text():
            edit(path, r"(shift_adder #\([\d,]+,)(-?\d+),", lambda match: f"{match[1]}{int(match[2]) + 1},")
            return
    raise AssertionError("the weight network has no adder")


def rtl_table(folder: Path) -> None:
    edit(folder / "rtl" / "feature_pt.v", r"word = 7'd(\d+)", lambda match: f"word = 7'd{int(match[1]) ^ 64}")


def rtl_tie_rule(folder: Path) -> None:
    edit(folder / "rtl" / "blocks" / "argmax.v", r"\{high, below\} > \{low, 1'b0\}", "{high, ~below} > {low, 1'b0}")


def rtl_bin_shift(folder: Path) -> None:
    edit(folder / "rtl" / "finder_lane.v", r"kept_z0\[11:7\]", "kept_z0[10:6]")


def rtl_saturation(folder: Path) -> None:
    path = folder / "rtl" / "blocks" / "histogram_merge.v"
    edit(path, r"exact\[WIDTH-1:0\] \| \{WIDTH\{[^}]*\}\}", "exact[WIDTH-1:0]")


def rtl_lane_order(folder: Path) -> None:
    """The lanes' association words leave in the other order."""
    edit(folder / "rtl" / "vertex_finder.v", r"track_association\[i\*(\d+)", r"track_association[(1-i)*\1")


def rtl_threshold(folder: Path) -> None:
    edit(folder / "rtl" / "finder_lane.v", "association_word >= threshold", "association_word > threshold")


def rtl_distance(folder: Path) -> None:
    edit(folder / "rtl" / "blocks" / "distance.v", r"\? below : above", "? above : above")


RTL_FAULTS: dict[str, tuple[Callable[[Path], None], str | None]] = {
    "weight": (rtl_weight, "features, weight, histogram or pattern"),
    "table": (rtl_table, "features, weight, histogram or pattern"),
    "tie rule": (rtl_tie_rule, "argmax"),
    "bin shift": (rtl_bin_shift, "features, weight, histogram or pattern"),
    "saturation": (rtl_saturation, "features, weight, histogram or pattern"),
    "lane order": (rtl_lane_order, "distance or association"),
    "distance": (rtl_distance, "distance or association"),
    "threshold": (rtl_threshold, None),
}


@pytest.mark.parametrize("fault", RTL_FAULTS)
def test_a_fault_in_the_verilog(copy, fault):
    plant, block = RTL_FAULTS[fault]
    plant(copy)
    result = verify(copy, n_events=160, rtl_events=120, simulator="icarus", checks=[RTL], allow_edited=True)
    check = result.check(RTL)
    assert not check.passed
    if block is None:
        assert any("track_associated" in problem for problem in check.problems)
    else:
        assert check.mismatches > 0
        assert check.first_mismatch.first_layer == block


def test_icarus_agrees_when_nothing_is_wrong(copy):
    result = verify(copy, n_events=160, rtl_events=120, simulator="icarus", checks=[RTL])
    assert [str(check) for check in result.checks] == [f"{RTL}: 120 events, 0 mismatches"]


def test_a_table_of_the_description_is_seen_in_the_verilog(copy):
    """Emulator and QKeras read the edited table; the Verilog holds its own, and the vectors were made with it."""
    stored_table(copy)
    options = {"n_events": 300, "allow_edited": True}
    result = verify(copy, rtl_events=120, simulator="icarus", checks=[VECTORS, RTL], **options)
    assert [check.passed for check in result.checks] == [False, False]
