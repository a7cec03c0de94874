"""The line from one command to verified firmware, as a user runs it, on very few events."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from firmware.verify import CHECKS

ROOT = Path(__file__).parents[2]
TINY = (
    "data.n_train=600", "data.n_validation=300", "data.n_test=400", "training.epochs=1", "training.final_epochs=null",
    "training.batch_size=100", "search.population=4", "search.generations=1", "search.promote=2", "search.workers=1",
    "space.units=[4]", "verify.events=300", "verify.rtl_events=200",
)  # fmt: skip


def arguments(*more: str) -> list[str]:
    """A tiny version of the demonstration."""
    return ["run", "configs/hgcal_demo.yaml", *(word for change in TINY for word in ("--set", change)), *more]


def hashes(folder: Path) -> dict[str, str]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    shutil.copytree(ROOT / "configs", folder / "configs")
    return folder


@pytest.fixture(scope="module")
def first(place, run_python) -> subprocess.CompletedProcess[str]:
    """The first run, from nothing."""
    return run_python("-m", "trigger.cli", *arguments(), cwd=place)


@pytest.fixture(scope="module")
def project(place, first) -> Path:
    assert first.returncode == 0, first.stderr
    (folder,) = (place / "hls_projects").iterdir()
    return folder


@pytest.fixture(scope="module")
def run_dir(place, first) -> Path:
    assert first.returncode == 0, first.stderr
    (folder,) = (place / "runs").iterdir()
    return folder


def test_the_run_ends_with_a_verified_project(first, project):
    assert first.returncode == 0, first.stderr
    verdict = json.loads((project / "verify.json").read_text())
    assert verdict["passed"] is True
    assert [check["name"] for check in verdict["checks"]] == list(CHECKS)
    assert all(check["mismatches"] == 0 and check["events"] >= 200 for check in verdict["checks"])
    assert verdict["latency_cycles"] >= 1
    assert verdict["ii"] == 1


def test_the_summary_names_what_matters(first, project, run_dir):
    assert "0 mismatches" in first.stdout
    assert f"hls_projects/{project.name}" in first.stdout
    assert f"runs/{run_dir.name}/report.html" in first.stdout
    assert len(first.stdout.splitlines()) < 12


def test_the_run_leaves_what_the_contract_says(run_dir, project):
    lines = [json.loads(line) for line in (run_dir / "candidates.jsonl").read_text().splitlines()]
    assert {"id", "generation", "genome", "objectives", "metrics", "status", "seconds"} <= set(lines[0])
    front = {member["id"] for member in json.loads((run_dir / "front.json").read_text())["front"]}
    chosen = json.loads((run_dir / "chosen.json").read_text())
    assert chosen["id"] in front
    manifest = json.loads((run_dir / "manifest.json").read_text())
    assert project.name == f"hgcal_demo-{chosen['id']}-{manifest['hash']}"
    assert manifest["packages"]["qkeras"] == "0.9.0"
    assert {"hls", "rtl", "vectors", "manifest.json", "verify.json", "verify.xml"} <= {
        p.name for p in project.iterdir()
    }


def test_the_stimulus_holds_the_test_events_of_the_study(run_dir, project):
    verdict = json.loads((project / "verify.json").read_text())
    assert verdict["stimulus"]["events"]["study"] > 0
    stored = [np.load(path) for path in sorted((project / "vectors").glob("in_*.npy"))]
    assert {len(array) for array in stored} == {300}


def test_the_project_says_what_its_words_mean(run_dir, project):
    about = json.loads((project / "about.json").read_text())
    genome = json.loads((run_dir / "chosen.json").read_text())["genome"]
    ports = {port["name"]: port for port in json.loads((project / "manifest.json").read_text())["ports"]}
    for port, elements in about["inputs"].items():
        assert ports[port]["shape"] == [len(elements)]
        assert all(genome["inputs"][element["variable"]] == ports[port]["width"] for element in elements)
    named = [element["variable"] for elements in about["inputs"].values() for element in elements]
    assert sorted(named) == sorted(genome["inputs"])
    wanted = [point["wanted_signal_efficiency"] for point in about["thresholds"]]
    assert wanted == sorted(wanted)
    thresholds = [point["threshold"] for point in about["thresholds"]]
    assert thresholds == sorted(thresholds, reverse=True)


def test_the_report_tells_of_this_run(run_dir, project):
    page = (run_dir / "report.html").read_text()
    chosen = json.loads((run_dir / "chosen.json").read_text())["id"]
    assert f"chosen candidate {chosen}" in page
    assert "Proven: 0 mismatches" in page
    assert "CMSSW small set" in page
    assert f"hls_projects/{project.name}" in page


def test_no_result_holds_a_path_of_this_machine(run_dir, project):
    for folder in (run_dir, project):
        for path in folder.rglob("*"):
            if path.is_file() and path.suffix not in (".h5", ".gz", ".npy"):
                text = path.read_text(encoding="utf-8", errors="replace")
                assert str(run_dir.parents[1]) not in text, path
                assert str(ROOT) not in text, path


def test_a_second_run_keeps_everything(place, run_dir, project, run_python):
    before = {**hashes(run_dir), **hashes(project)}
    times = {path: path.stat().st_mtime_ns for path in project.rglob("*") if path.is_file()}
    again = run_python("-m", "trigger.cli", *arguments("--json"), cwd=place)
    assert again.returncode == 0, again.stderr
    assert {**hashes(run_dir), **hashes(project)} == before
    assert {path: path.stat().st_mtime_ns for path in project.rglob("*") if path.is_file()} == times
    result = json.loads(again.stdout)
    assert result["passed"] is True
    assert result["project"] == f"hls_projects/{project.name}"
    assert result["verify"]["checks"][0]["mismatches"] == 0


@pytest.fixture
def broken(project, tmp_path) -> Path:
    """A copy of the project with one expected word off by one."""
    folder = shutil.copytree(project, tmp_path / "broken")
    (path,) = (folder / "vectors").glob("out_*.npy")
    words = np.load(path)
    words[17] += 1
    np.save(path, words)
    return folder


def test_an_edited_project_is_refused_by_name(broken, command):
    verdict = (broken / "verify.json").read_bytes()
    done = command("verify", broken)
    assert done.returncode == 2
    (message,) = done.stderr.splitlines()
    assert "vectors/out_score.npy (changed)" in message
    assert "--allow-edited" in message
    assert (broken / "verify.json").read_bytes() == verdict


def test_a_planted_fault_is_exit_code_1(broken, command, monkeypatch):
    monkeypatch.setenv("TRIGGER_CACHE", str(ROOT / ".trigger-cache"))
    done = command("verify", broken, "--allow-edited", "--events", 100, "--rtl-events", 50)
    assert done.returncode == 1
    assert "NOT VERIFIED" in done.stdout
    verdict = json.loads((broken / "verify.json").read_text())
    assert verdict["passed"] is False
    assert verdict["edited"] == ["vectors/out_score.npy (changed)"]
    failed = [check for check in verdict["checks"] if not check["passed"]]
    assert [check["name"] for check in failed] == ["vectors_vs_emulator"]
    assert failed[0]["mismatches"] == 1


def test_an_incomplete_project_is_refused_by_name(project, tmp_path, command):
    folder = shutil.copytree(project, tmp_path / "torn")
    (folder / "emulator" / "program.json.gz").unlink()
    done = command("verify", folder, "--allow-edited")
    assert done.returncode == 2
    assert "emulator/program.json.gz" in done.stderr


def test_a_budget_that_nothing_keeps_is_refused(place, project, command):
    before = hashes(place / "hls_projects")
    changes = [word for change in TINY for word in ("--set", change)]
    done = command("generate", place / "configs" / "hgcal_demo.yaml", *changes, "--max-lut", 0.5, "--out", place)
    assert done.returncode == 2
    (message,) = done.stderr.splitlines()
    assert "max_lut 0.5" in message
    assert hashes(place / "hls_projects") == before


def test_synthesis_without_tools_says_so_before_anything_is_written(project, command, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    done = command("generate", "--model", project / "model" / "model.h5", "--out", "own", "--synth")
    assert done.returncode == 2
    assert "vivado" in done.stderr
    assert not (tmp_path / "own").exists()
