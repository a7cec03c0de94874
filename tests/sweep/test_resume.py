"""Killed at any moment and started again: no finished candidate is lost, and the front is that of an unbroken run."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import time
from pathlib import Path

import fake_evaluators
import pytest

from trigger.config import Study, from_mapping
from trigger.errors import UserError
from trigger.search import read_candidates, read_front, sweep
from trigger.search.manifest import locked_run
from trigger.search.store import CANDIDATES
from trigger.tasks import find_task

_TASK = find_task("hgcal")

_STUDY = {
    "study": {"name": "resume"},
    "search": {"population": 12, "generations": 5, "promote": 6, "workers": 2},
}


def _study(**search: object) -> Study:
    return from_mapping({**_STUDY, "search": {**_STUDY["search"], **search}})


def _sweep_in_child(run_dir: Path) -> None:
    sweep(_study(), run_dir, factory=fake_evaluators.slow)


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run_dir = tmp_path_factory.mktemp("unbroken")
    sweep(_study(), run_dir, factory=fake_evaluators.plain)
    return run_dir


def _results(run_dir: Path) -> dict[str, str]:
    """Every candidate's line, without the wall time."""
    return {c.id: json.dumps({**c.to_json(), "seconds": 0}) for c in read_candidates(run_dir, _TASK)}


def test_kill_anywhere_and_go_on(unbroken: Path, tmp_path: Path) -> None:
    run_dir = tmp_path / "run"
    context = multiprocessing.get_context("spawn")
    kept: dict[str, str] = {}
    kills = 0
    for wanted in (1, 14, 40):
        child = context.Process(target=_sweep_in_child, args=(run_dir,))
        child.start()
        deadline = time.monotonic() + 60
        while child.is_alive() and _lines(run_dir) < wanted and time.monotonic() < deadline:
            time.sleep(0.002)
        if child.is_alive():
            os.kill(child.pid, signal.SIGKILL)
            kills += 1
        child.join()
        found = _results(run_dir)
        assert len(found) >= wanted
        assert kept.items() <= found.items()
        kept = found
    assert kills == 3
    sweep(_study(), run_dir, factory=fake_evaluators.slow)
    assert _results(run_dir) == _results(unbroken)
    assert kept.items() <= _results(run_dir).items()
    assert (run_dir / "front.json").read_bytes() == (unbroken / "front.json").read_bytes()


def _lines(run_dir: Path) -> int:
    path = run_dir / CANDIDATES
    return path.read_bytes().count(b"\n") if path.exists() else 0


@pytest.mark.parametrize("cut", [1, 30, 200])
def test_torn_last_line(unbroken: Path, tmp_path: Path, cut: int) -> None:
    lines = (unbroken / CANDIDATES).read_bytes().splitlines(keepends=True)
    (tmp_path / CANDIDATES).write_bytes(b"".join(lines[:20]) + lines[20][:-cut])
    assert len(read_candidates(tmp_path, _TASK)) == 20
    sweep(_study(), tmp_path, factory=fake_evaluators.plain)
    assert _results(tmp_path) == _results(unbroken)
    assert (tmp_path / "front.json").read_bytes() == (unbroken / "front.json").read_bytes()


def test_finished_run_evaluates_nothing(unbroken: Path, tmp_path: Path) -> None:
    (tmp_path / CANDIDATES).write_bytes((unbroken / CANDIDATES).read_bytes())
    sweep(_study(), tmp_path, factory=fake_evaluators.all_raise)
    assert (tmp_path / CANDIDATES).read_bytes() == (unbroken / CANDIDATES).read_bytes()
    assert read_front(tmp_path, _TASK) == read_front(unbroken, _TASK)


def test_stored_results_are_believed(unbroken: Path, tmp_path: Path) -> None:
    """The comparison above can fail: another stored value gives another front."""
    lines = (unbroken / CANDIDATES).read_text().splitlines()
    first = json.loads(lines[0])
    first["objectives"] = dict.fromkeys(first["objectives"], 0.001)
    (tmp_path / CANDIDATES).write_text("\n".join([json.dumps(first), *lines[1:10]]) + "\n")
    sweep(_study(), tmp_path, factory=fake_evaluators.plain)
    assert read_front(tmp_path, _TASK).hypervolume != read_front(unbroken, _TASK).hypervolume


def test_damaged_line_is_an_error(unbroken: Path, tmp_path: Path) -> None:
    lines = (unbroken / CANDIDATES).read_bytes().splitlines(keepends=True)
    (tmp_path / CANDIDATES).write_bytes(lines[0] + b"{}\n" + lines[1])
    with pytest.raises(UserError, match=r"line 2 of candidates\.jsonl"):
        sweep(_study(), tmp_path, factory=fake_evaluators.plain)


def test_folder_of_another_study(unbroken: Path) -> None:
    before = {path: path.read_bytes() for path in unbroken.iterdir()}
    with pytest.raises(UserError, match="holds another one"):
        sweep(_study(mutation_rate=3.0), unbroken, factory=fake_evaluators.plain)
    assert {path: path.read_bytes() for path in unbroken.iterdir()} == before


def test_folder_begun_with_other_packages(unbroken: Path, tmp_path: Path) -> None:
    manifest = json.loads((unbroken / "manifest.json").read_text())
    manifest["packages"]["numpy"] = "1.0"
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(UserError, match=r"numpy 1\.0 -> "):
        sweep(_study(), tmp_path, factory=fake_evaluators.plain)


def test_folder_in_use(tmp_path: Path) -> None:
    with locked_run(_study(), tmp_path), pytest.raises(UserError, match="another one is at work"):
        sweep(_study(), tmp_path, factory=fake_evaluators.plain)
    assert not (tmp_path / CANDIDATES).exists()
