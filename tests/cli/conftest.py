"""The command as a user runs it, and a small configuration."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SMALL = """\
study: {name: small, seed: 3}
data: {n_train: 1200, n_validation: 600, n_test: 600}
space: {features: [coreshowerlength, meanz, srrmean, hoe, firstlayer, maxlayer], units: [4], hidden_layers: [1]}
training: {epochs: 2, final_epochs: 2, batch_size: 200}
search: {population: 4, generations: 1, promote: 2, workers: 1}
verify: {events: 400, rtl_events: 200}
"""

Run = Callable[..., subprocess.CompletedProcess[str]]


def _run_python(
    *arguments: object, cwd: Path, timeout: float = 240, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run Python on this repository in a process of its own, with standard output and error apart."""
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "TRIGGER_CACHE": str(ROOT / ".trigger-cache"), "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


@pytest.fixture(scope="session")
def run_python() -> Run:
    """Python on this repository, in the folder ``cwd``."""
    return _run_python


@pytest.fixture
def python(tmp_path) -> Run:
    """Python code given as text, and its arguments, in an empty folder."""
    return lambda code, *arguments, **environment: _run_python("-c", code, *arguments, cwd=tmp_path, **environment)


@pytest.fixture
def trigger(tmp_path) -> Run:
    """The command, in an empty folder."""
    return lambda *arguments, **environment: _run_python("-m", "trigger.cli", *arguments, cwd=tmp_path, **environment)


@pytest.fixture
def command(tmp_path, monkeypatch, capfd) -> Run:
    """The same within this process, for commands that end before they do anything."""

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        from trigger.cli import main

        monkeypatch.chdir(tmp_path)
        capfd.readouterr()
        code = main([str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        return subprocess.CompletedProcess(arguments, code, out, err)

    return run


@pytest.fixture
def small(tmp_path) -> Path:
    """A small configuration in that folder."""
    path = tmp_path / "small.yaml"
    path.write_text(SMALL)
    return path
