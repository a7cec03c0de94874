"""The finder's HLS project as a folder: complete, repeatable, and its test bench sees every fault."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import finder_hls_cases as cases
import numpy as np
import pytest

from firmware.errors import UserError
from firmware.hls import library
from firmware.settings import FirmwareSettings
from firmware.vertex.emulate import FinderEmulator
from firmware.vertex.events import FinderOutputs
from firmware.vertex.finder import VertexFinder
from firmware.vertex.hls import build, csim, write_finder_hls, write_finder_vectors

TOP = "pv_finder"
COMPILE = ["g++", "-std=c++14", "-O0", "-w", "-I.", "-Ifirmware", "-Ifirmware/ap_types"]
OBJECTS = "objects"


@pytest.fixture(scope="module")
def finder() -> VertexFinder:
    return cases.saturating()


@pytest.fixture(scope="module")
def models(finder: VertexFinder) -> dict[str, Any]:
    return cases.models(finder)


@pytest.fixture(scope="module")
def outputs(finder: VertexFinder) -> FinderOutputs:
    return FinderEmulator(finder).run(cases.events(finder, 100))


@pytest.fixture(scope="module")
def project(
    finder: VertexFinder, models: dict[str, Any], outputs: FinderOutputs, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A project with vectors, and its test bench compiled file by file."""
    folder = tmp_path_factory.mktemp("project") / "hls"
    info = write_finder_hls(finder, models, folder, FirmwareSettings(), name=TOP)
    words = np.sort(outputs.association[outputs.kept])
    write_finder_vectors(folder, cases.events(finder, 100), outputs, threshold=int(words[len(words) // 2]))
    (folder / OBJECTS).mkdir()
    for source in (f"{TOP}_test.cpp", *info.sources):
        compile_one(folder, source)
    return folder


@pytest.fixture
def copy(project: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(project, tmp_path / "hls"))


def compile_one(folder: Path, source: str) -> None:
    target = f"{OBJECTS}/{Path(source).stem}.o"
    subprocess.run([*COMPILE, "-c", source, "-o", target], cwd=folder, check=True, timeout=120)


def bench(folder: Path) -> subprocess.CompletedProcess[str]:
    objects = sorted(str(path.relative_to(folder)) for path in (folder / OBJECTS).glob("*.o"))
    subprocess.run(["g++", *objects, "-o", "bench"], cwd=folder, check=True, timeout=120)
    return subprocess.run(["./bench"], cwd=folder, capture_output=True, text=True, timeout=120)


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) == 1, old
    path.write_text(text.replace(old, new))


def test_bench_passes(project: Path, outputs: FinderOutputs) -> None:
    done = bench(project)
    lines = len(outputs.bin) + len(outputs.kept)
    assert done.stdout == f"PASSED: {len(outputs.bin)} events, {lines} lines, 0 differences\n"
    assert (done.returncode, done.stderr) == (0, "")


def one_peak_less(text: str) -> str:
    vertex = re.findall(r"^vertex .*", text, re.MULTILINE)[40]
    bin, z0, peak, truncated = vertex.split()[1:]
    return text.replace(f"{vertex}\n", f"vertex {bin} {z0} {int(peak) - 1} {truncated}\n", 1)


def one_word_flipped(text: str) -> str:
    head, _, tail = text.partition("track 1 ")
    weight, _, rest = tail.partition(" ")
    return f"{head}track 1 {int(weight) ^ 1} {rest}"


def last_line_lost(text: str) -> str:
    return text[: text.rstrip("\n").rindex("\n") + 1]


def one_line_more(text: str) -> str:
    return text + "track 0 0 0 0\n"


@pytest.mark.parametrize("spoil", [one_peak_less, one_word_flipped, last_line_lost, one_line_more])
def test_bench_sees_an_edited_vector(project: Path, copy: Path, spoil: Any) -> None:
    path = copy / "tb_data" / "expected.txt"
    spoilt = spoil(path.read_text())
    assert spoilt != path.read_text()
    path.write_text(spoilt)
    done = bench(copy)
    assert done.returncode == 1
    assert "ERROR" in done.stderr
    assert "FAILED" in done.stderr


@pytest.mark.parametrize("text", [None, "", "event 0 1 0\n", "event 0 1 0\n9 000\n"])
def test_bench_needs_whole_events(copy: Path, text: str | None) -> None:
    path = copy / "tb_data" / "events.txt"
    path.unlink()
    if text is not None:
        path.write_text(text)
    assert bench(copy).returncode == 1


FAULTS = {
    "tie away from the middle": ("find_peak.cpp", "from_a < from_b", "from_a > from_b"),
    "tie to the upper bin": ("find_peak.cpp", "a.bin < b.bin", "a.bin > b.bin"),
    "edge of the bin": ("find_peak.cpp", "+ HALF_BIN", ""),
    "no saturation": ("fill_histogram.cpp", "return sum > HISTOGRAM_MAX ? HISTOGRAM_MAX :", "return"),
    "a track too many": ("fill_histogram.cpp", "tracks.count[lane] < TRACKS_PER_LANE", "tracks.count[lane] < 6"),
    "invalid words count": ("fill_histogram.cpp", " && clock.word[lane][VALID_BIT]", ""),
    "stale word": ("fill_histogram.cpp", "last_word[lane] = after", "last_word[lane] = before"),
    "no zeros before the first row": ("convolve.cpp", "current.bin[place] = 0;", "current.bin[place] = 1;"),
    "threshold not reached": ("associate.cpp", "result.association >= threshold", "result.association > threshold"),
    "distance wraps": ("associate.cpp", "steps > DISTANCE_MAX ? DISTANCE_MAX :", ""),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_planted_fault_is_seen(copy: Path, fault: str) -> None:
    file, old, new = FAULTS[fault]
    edit(copy / "firmware" / file, old, new)
    compile_one(copy, f"firmware/{file}")
    done = bench(copy)
    assert done.returncode == 1
    assert "got '" in done.stderr


@pytest.mark.parametrize("network", ["weight", "pattern", "association"])
def test_changed_weight_is_seen(copy: Path, network: str) -> None:
    folder = copy / "firmware" / "networks" / network
    header = min((folder / "weights").glob("w*.h"), key=lambda path: int(path.stem[1:]))
    text = header.read_text()
    first = re.search(r"= \{(-?[\d.]+),", text)
    assert first is not None
    header.write_text(text.replace(first[0], f"= {{{float(first[1]) - 0.5}," if float(first[1]) > 0 else "= {0.5,"))
    compile_one(copy, f"firmware/networks/{network}/{network}_network.cpp")
    done = bench(copy)
    assert done.returncode == 1
    assert "got '" in done.stderr


def test_changed_table_is_seen(copy: Path) -> None:
    header = copy / "firmware" / "finder_tables.h"
    text = header.read_text()
    header.write_text(re.sub(r"(PT_TABLE\[1024\] = \{\n +)127", r"\g<1>0", text))
    assert header.read_text() != text
    compile_one(copy, "firmware/fill_histogram.cpp")
    assert bench(copy).returncode == 1


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_same_bytes(finder: VertexFinder, models: dict[str, Any], project: Path, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere" / "again"
    info = write_finder_hls(cases.saturating(), models, other, FirmwareSettings(), name=TOP)
    written, again = contents(project), contents(other)
    assert {name: data for name, data in written.items() if name in again} == again
    assert {name.split("/")[0] for name in written.keys() - again.keys()} <= {OBJECTS, "bench", "tb_data"}
    assert all(name in again for name in info.sources)
    assert not [path for path in other.parent.iterdir() if path != other]


def test_nothing_of_this_machine_in_the_folder(finder: VertexFinder, project: Path) -> None:
    own = re.compile(rb"/tmp/|/home/|/work/|/usr/|\b20[23]\d-\d\d-\d\d|" + re.escape(os.uname().nodename.encode()))
    files = {
        name: data
        for name, data in contents(project).items()
        if name.split("/")[0] not in (OBJECTS, "bench") and "/ap_types/" not in name and "/nnet_utils/" not in name
    }
    assert len(files) > 25
    assert [name for name, data in files.items() if own.search(data)] == []
    assert [name for name, data in files.items() if b"@" in data] == []


def test_networks_cannot_meet(project: Path) -> None:
    """Include guards, the only names without a namespace, differ; every own file has one."""
    headers = [
        *project.glob("firmware/*.h"), *project.glob("firmware/networks/**/*.h"), project / "finder_driver.h",
    ]  # fmt: skip
    guards = [re.findall(r"^#ifndef (\w+_H_)$", path.read_text(), re.MULTILINE) for path in headers]
    assert len(headers) > 20
    assert all(len(found) == 1 and found[0].startswith("PV_FINDER_") for found in guards)
    assert len({found[0] for found in guards}) == len(headers)
    for network in ("weight", "pattern", "association"):
        for path in (project / "firmware" / "networks" / network).rglob("*.[hc]*"):
            assert f"namespace {TOP}_{network} {{" in path.read_text()


def test_command_of_the_readme(project: Path) -> None:
    """The command names every source and folder that there is."""
    command = " ".join((project / "README.md").read_text().split())
    for part in (f"{TOP}_test.cpp", "firmware/*.cpp", "firmware/networks/*/*.cpp", *COMPILE[4:]):
        assert part in command
    sources = [*project.glob("firmware/*.cpp"), *project.glob("firmware/networks/*/*.cpp")]
    assert {path.stem for path in sources} | {f"{TOP}_test"} == {path.stem for path in (project / OBJECTS).glob("*.o")}


def test_script_names_the_sources(project: Path) -> None:
    variables = dict(line.split(" ", 2)[1:] for line in (project / "project.tcl").read_text().splitlines())
    assert variables["project_name"] == f'"{TOP}"'
    assert variables["part"] == '"xcvu13p-flga2577-2-e"'
    assert variables["clock_period"] == "2.778"
    sources = variables["sources"].strip("{}").split()
    found = [*project.glob("firmware/*.cpp"), *project.glob("firmware/networks/*/*.cpp")]
    assert sorted(sources) == sorted(path.relative_to(project / "firmware").as_posix() for path in found)


def test_edits_count(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An edit anywhere in the sources is another library; the test bench's data is not a source."""
    made: list[Path] = []
    monkeypatch.setattr(library, "_compile", lambda _job, target: made.append(target))
    monkeypatch.setattr(csim, "FinderCSimulation", lambda path: path)
    first = build(copy, copy / "lib")
    (copy / "tb_data" / "events.txt").write_text("")
    assert build(copy, copy / "lib") == first
    for name in ("finder_driver.h", "firmware/find_peak.cpp", "firmware/networks/weight/defines.h"):
        edited = copy / name
        edited.write_text(edited.read_text() + "\n")
        assert build(copy, copy / "lib") not in made[:-1]
    assert len(set(made)) == 4


def test_compile_error_names_the_file(copy: Path) -> None:
    edit(copy / "firmware" / "convolve.cpp", "pattern.write(result)", "pattern.wrte(result)")
    with pytest.raises(UserError, match=r"firmware/convolve\.cpp:\d+"):
        build(copy, copy / "lib", optimise="-fsyntax-only")
    assert not list((copy / "lib").glob("*.so"))


@pytest.mark.parametrize(
    ("settings", "name", "message"),
    [
        (FirmwareSettings(io_type="io_stream"), TOP, "io_parallel"),
        (FirmwareSettings(reuse_factor=2), TOP, "reuse_factor of a finder must be 1"),
        (FirmwareSettings(), "my finder", "C\\+\\+ identifier"),
        (FirmwareSettings(), "find_peak", "must not be 'find_peak'"),
    ],
)
def test_requests_are_checked(
    finder: VertexFinder, tmp_path: Path, settings: FirmwareSettings, name: str, message: str
) -> None:
    nothing = dict.fromkeys(("weight", "pattern", "association"))
    with pytest.raises(UserError, match=message):
        write_finder_hls(finder, nothing, tmp_path / "hls", settings, name=name)
    assert not list(tmp_path.iterdir())


def test_missing_model(finder: VertexFinder, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="weight, pattern, association, not weight"):
        write_finder_hls(finder, {"weight": None}, tmp_path / "hls", FirmwareSettings())


def test_full_folder(finder: VertexFinder, project: Path) -> None:
    with pytest.raises(UserError, match="new or empty"):
        write_finder_hls(
            finder, dict.fromkeys(("weight", "pattern", "association")), project, FirmwareSettings(), name=TOP
        )


def test_vectors_of_other_events(finder: VertexFinder, outputs: FinderOutputs, project: Path) -> None:
    with pytest.raises(UserError, match="outputs must be of the"):
        write_finder_vectors(project, cases.events(finder, 1), outputs)
