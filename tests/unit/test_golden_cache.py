"""Kept verdicts and builds: used when whole, found out when torn or altered."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from firmware.golden import verdicts
from firmware.golden.outcome import GoldenOutcome, Row
from firmware.golden.seals import sealed_builds
from firmware.golden.verdicts import keep_verdict, kept_verdict, verdict_key
from firmware.golden.versions import result_versions
from firmware.project.cache import CACHE

OURS = Path(__file__).parents[1] / "golden"
PASSED = GoldenOutcome("net", (Row("qkeras", True, 0, 10, 0), Row("lut", True, text="5")), {"numpy": ("1", "2")})


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv(CACHE, str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def said() -> list[str]:
    return []


def test_a_kept_verdict_comes_back(said):
    keep_verdict("k1", PASSED)
    assert kept_verdict("k1", said.append) == replace(PASSED, cached=True)
    assert kept_verdict("k2", said.append) is None
    assert said == []


@pytest.mark.parametrize("damage", ["torn", "poisoned", "other", "empty", "failed"])
def test_a_bad_entry_is_found_and_removed(own_cache, said, damage):
    keep_verdict("k1", replace(PASSED, rows=(Row("qkeras", False, 3, 10, 1),)) if damage == "failed" else PASSED)
    path = own_cache / "golden" / "k1.json"
    text = path.read_text()
    changed = {
        "torn": text[: len(text) // 2], "poisoned": text.replace("qkeras", "rtl"), "other": text, "empty": "",
        "failed": text,
    }  # fmt: skip
    if damage == "other":
        path = path.rename(path.with_name("k2.json"))
    path.write_text(changed[damage])
    assert kept_verdict(path.stem, said.append) is None
    assert len(said) == 1
    assert "made again" in said[0]
    assert not path.exists()


def test_the_key_is_of_everything_that_counts(tmp_path, monkeypatch):
    folder = shutil.copytree(OURS / "network", tmp_path / "network")
    versions = result_versions()
    keys = {verdict_key(folder, versions, ["emulator"]), verdict_key(folder, versions, ["hls"])}
    keys.add(verdict_key(folder, {**versions, "hls4ml": "9"}, ["emulator"]))
    (folder / "budgets.json").write_text("{}")
    keys.add(verdict_key(folder, versions, ["emulator"]))
    monkeypatch.setattr(verdicts, "_our_sources", lambda: ("another source",))
    keys.add(verdict_key(folder, versions, ["emulator"]))
    assert len(keys) == 5


def test_our_sources_are_those_that_make_and_run_a_project():
    names = {line.split()[0] for line in verdicts._our_sources()}
    assert {"firmware/convert.py", "firmware/network/layers.py", "firmware/vertex/finder.py"} <= names
    assert any(name.startswith("sim.bench/") for name in names)


@pytest.fixture
def builds(own_cache) -> Path:
    for name in ("csim/csim-1.so", "verilator/a/top", "verilator/b/top"):
        (own_cache / name).parent.mkdir(parents=True, exist_ok=True)
        (own_cache / name).write_bytes(name.encode())
    with sealed_builds(lambda line: None):
        pass
    return own_cache


def test_untouched_builds_stay(builds, said):
    with sealed_builds(said.append):
        assert (builds / "csim/csim-1.so").exists()
    assert said == []


@pytest.mark.parametrize("damage", [b"", b"csim", b"another thing of any length"])
def test_a_bad_build_is_removed_and_sealed_again_when_it_was_made_again(builds, said, damage):
    (builds / "csim/csim-1.so").write_bytes(damage)
    (builds / "verilator/a/more").write_bytes(b"x")
    with sealed_builds(said.append):
        assert not (builds / "csim/csim-1.so").exists()
        assert not (builds / "verilator/a").exists()
        assert (builds / "verilator/b/top").exists()
        (builds / "csim/csim-1.so").write_bytes(b"made again")
    assert len(said) == 2
    said.clear()
    with sealed_builds(said.append):
        assert (builds / "csim/csim-1.so").exists()
    assert said == []


def test_a_table_of_seals_that_was_altered_is_not_believed(builds, said):
    path = builds / "golden-seals.json"
    data = json.loads(path.read_text())
    path.write_text(json.dumps({**data, "seals": "{}"}))
    with sealed_builds(said.append):
        pass
    assert json.loads(path.read_text())["seals"] == data["seals"]
