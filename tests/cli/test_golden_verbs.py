"""``trigger golden`` and ``trigger check`` as users and their CI run them; the job files' own command lines."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

from firmware.golden.folder import GOLDEN
from trigger.cli.parser import parse

ROOT = Path(__file__).parents[2]
OURS = ROOT / "tests" / "golden"
JOBS = {name: ROOT / "docs" / "ci" / name for name in ("gitlab-ci.yml", "github-actions.yml")}


def lut() -> int:
    return int(json.loads((OURS / "network" / GOLDEN).read_text())["figures"]["lut"])


@pytest.fixture
def golden(tmp_path) -> Path:
    """A user's repository with one golden project."""
    shutil.copytree(OURS / "network", tmp_path / "golden" / "network")
    return tmp_path / "golden"


@pytest.fixture
def exceeded(golden) -> Path:
    """The same with a budget that cannot be met."""
    path = golden / "network" / "budgets.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "lut": lut() - 83}))
    return golden


@pytest.fixture(autouse=True)
def _shared_builds(monkeypatch):
    monkeypatch.setenv("TRIGGER_CACHE", os.environ.get("TRIGGER_CACHE") or str(ROOT / ".trigger-cache"))


def test_one_table_one_file_and_exit_code_1(command, exceeded, tmp_path):
    done = command("check", "golden", "--rungs", "emulator", "--events", "300", "--no-cache")
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["golden", "item", "verdict", "moved", "LSB", "first", "layer"]
    assert f"network: first to move: lut: {lut()}, exceeds the budget of {lut() - 83} by 83" in lines
    root = ElementTree.parse(tmp_path / "golden_check.xml").getroot()
    failures = [case.get("name") for case in root.iter("testcase") if case.find("failure") is not None]
    assert failures == ["lut"]


def test_the_same_as_json(command, golden):
    done = command("check", "golden/network", "--rungs", "emulator", "--events", "300", "--json", "--junit", "a.xml")
    assert done.returncode == 0
    found = json.loads(done.stdout)
    assert found["passed"] is True
    assert [row["item"] for row in found["golden"][0]["rows"]][:2] == ["model", "emulator"]


def test_an_altered_file_is_a_users_mistake(command, golden):
    path = golden / "network" / "vectors" / "out_sums.txt"
    path.write_text(path.read_text().replace("1", "2", 3))
    done = command("check", "golden")
    assert done.returncode == 2
    assert "vectors/out_sums.txt" in done.stderr
    assert "altered" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["check", "nowhere"], "trigger golden"),
        (["check", "golden", "--rungs", "hsl"], "hsl"),
        (["check", "golden", "--rungs", "emulator", "--update"], "--rungs"),
        (["check", "golden", "--junit", "no/such/a.xml"], "no/such"),
        (["golden", "nowhere", "--out", "g"], "manifest.json"),
        (["golden", "golden", "--out", "g", "--budget", "lut"], "KEY=NUMBER"),
        (["golden", "golden"], "--out"),
    ],
)
def test_mistakes(command, golden, arguments, said):
    done = command(*arguments)
    assert done.returncode == 2
    assert said in done.stderr


def test_contradicting_budgets_are_a_mistake(command, golden):
    (golden / "network" / "budgets.json").write_text('{"latency_cycles": 10, "latency_ns": 100}')
    done = command("check", "golden")
    assert done.returncode == 2
    assert "must agree" in done.stderr


def test_from_a_project_to_a_renewed_golden_project(command, tmp_path):
    from firmware.convert import convert
    from firmware.golden import read_golden

    ours = read_golden(OURS / "network")
    convert(
        ours.folder / "model" / "model.h5", tmp_path, ours.firmware_settings, name=ours.name, events=ours.inputs
    )
    made = command("golden", ours.name, "--out", "golden/mine", "--budget", f"lut={lut() - 1}", "--vectors", "50")
    assert made.returncode == 0, made.stderr
    assert "50 events" in made.stdout
    assert "has not been verified" in made.stdout
    path = tmp_path / "golden" / "mine" / "budgets.json"
    before = path.read_bytes()
    done = command("check", "golden", "--update", "--events", "400")
    assert done.returncode == 1, "a budget set by hand stays, and still fails"
    assert "lut" in done.stderr, "the difference is shown"
    assert "nothing to renew" not in done.stdout
    assert "lut still exceeds its budget" in done.stdout
    assert path.read_bytes() == before
    path.write_text(path.read_text().replace(f"{lut() - 1}", f"{lut()}"))
    done = command("check", "golden", "--update", "--events", "400")
    assert (done.returncode, done.stdout.strip()) == (0, "mine: nothing to renew")


def test_help_says_what_they_are_for(command):
    for verb in ("golden", "check"):
        done = command(verb, "--help")
        assert done.returncode == 0
        assert "golden" in done.stdout
    assert parse(["check", "golden/", "--junit", "golden_check.xml"]).golden == ["golden/"]


def job_of(name: str) -> tuple[list[str], list[str], dict[str, str], str]:
    """Lines that install, lines that check, variables, and the folder kept between runs, of a job file."""
    job = yaml.safe_load(JOBS[name].read_text())
    if "golden" in job:
        work = job["golden"]
        return work["before_script"], work["script"], work["variables"], work["cache"]["paths"][0].rstrip("/")
    work = job["jobs"]["golden"]
    runs = {step["name"]: step["run"].splitlines() for step in work["steps"] if "run" in step}
    kept = next(step["with"]["path"] for step in work["steps"] if step.get("uses", "").startswith("actions/cache@"))
    return runs["install"], runs["check"], work["env"], kept


@pytest.fixture
def shell(tmp_path):
    """Runs lines as a CI does: one shell that stops at the first failure, with our command on its PATH."""
    programs = tmp_path / "bin"
    programs.mkdir()
    trigger = f'#!/bin/sh\nexec "{sys.executable}" -W ignore -m trigger.cli "$@"\n'
    # Nothing is installed by a test: what pip is asked for is written down.
    python = f'#!/bin/sh\n[ "$1 $2 $3" = "-m pip install" ] && echo "$4" >> "{tmp_path}/installed" && exit 0\nexit 9\n'
    for name, text in (("trigger", trigger), ("python", python)):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)

    def run(lines: list[str], **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PATH": f"{programs}:{os.environ['PATH']}", **variables}
        return subprocess.run(["bash", "-e", "-c", "\n".join(lines)], cwd=tmp_path, env=environment, text=True,
                              capture_output=True, timeout=300, check=False)  # fmt: skip

    return run


@pytest.mark.parametrize("name", sorted(JOBS))
def test_the_job_files_do_what_they_say(name, golden, shell, tmp_path):
    install, check, variables, kept = job_of(name)
    assert variables["TRIGGER_CACHE"] == kept
    shared = {**variables, "TRIGGER_CACHE": os.environ["TRIGGER_CACHE"]}
    done = shell(install, **shared)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "installed").read_text() == f"{variables['TRIGGER_CODESIGN']}\n"
    done = shell(check, **shared)
    assert done.returncode == 0, done.stderr
    assert "golden projects: as they were" in done.stdout
    suite = ElementTree.parse(tmp_path / "golden_check.xml").getroot().find("testsuite")
    assert int(suite.get("tests")) >= 10
    sealed = json.loads((golden / "network" / GOLDEN).read_text())
    (golden / "network" / GOLDEN).write_text(json.dumps({**sealed, "name": "another"}))
    done = shell(check, **shared)
    assert done.returncode == 2
    (golden / "network" / GOLDEN).write_text(json.dumps(sealed))


def test_a_job_fails_where_a_budget_is_exceeded(exceeded, shell):
    """The last of the job's lines, with few events."""
    check = job_of("gitlab-ci.yml")[1]
    done = shell([f"{check[-1]} --rungs emulator --events 300"])
    assert done.returncode == 1
    assert "exceeds the budget" in done.stdout


def test_the_version_in_the_job_files_is_ours():
    text = (ROOT / "pyproject.toml").read_text()
    for name in JOBS:
        requirement = job_of(name)[2]["TRIGGER_CODESIGN"]
        package, _, version = requirement.partition("==")
        assert f'name = "{package}"' in text
        assert f'version = "{version}"' in text
