"""Comparisons, checks and the files that tell of them."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import numpy as np
import pytest

from firmware.verify.compare import Outputs, compare
from firmware.verify.report import Check, VerifyResult, write_results
from firmware.verify.stimulus import Stimulus

WORDS = np.arange(12, dtype=np.int64).reshape(4, 3)


def result(*checks):
    return VerifyResult(
        name="net", checks=checks, latency_cycles=5, ii=1, clock_period_ns=2.5, resources={"lut": 1},
        stimulus={"random": 4}, seed=0, simulator="verilator",
    )  # fmt: skip


def test_equal_values_agree_whatever_their_fractions():
    assert compare(Outputs({"y": WORDS}, {"y": 2}), Outputs({"y": WORDS << 3}, {"y": 5})).mismatches == 0


def test_the_first_mismatch_is_that_of_the_first_event():
    wrong = WORDS.copy()
    wrong[3, 0] -= 1
    wrong[1, 2] += 2
    fractions = {"z": 0, "y": 0}
    found = compare(Outputs({"z": WORDS, "y": WORDS}, fractions), Outputs({"z": WORDS, "y": wrong}, fractions))
    assert found.mismatches == 2
    assert found.first is not None
    first = found.first.found_in(Stimulus({"x": WORDS}, {"constant": 1, "random": 3}), 1)
    assert (first.event, first.output, first.index, first.kind) == (1, "y", (2,), "random")
    assert (first.expected, first.received, first.difference_lsb) == (5, 7, 2)
    assert first.inputs == {"x": [3, 4, 5]}
    assert "expected 5, received 7, +2 LSB" in str(first)


@pytest.mark.parametrize("received", [{}, {"y": WORDS[:, :2]}, {"y": WORDS, "extra": WORDS}])
def test_outputs_that_do_not_correspond_are_a_problem(received):
    found = compare(Outputs({"y": WORDS}, {"y": 0}), Outputs(received, dict.fromkeys(received, 0)))
    assert found.problems
    assert found.mismatches == 4


@pytest.mark.parametrize(
    "check",
    [
        Check("c", events=4, outputs=3, mismatches=1),
        Check("c", events=4, outputs=3, mismatches=0, problems=("latency",)),
        Check("c", events=0, outputs=3, mismatches=0),
    ],
)
def test_anything_but_a_clean_comparison_fails(check):
    assert not check.passed
    assert not result(Check("a", 4, 3, 0), check).passed


def test_no_checks_is_no_pass():
    assert not result().passed
    assert result(Check("a", 4, 3, 0)).passed


def test_files_say_the_same_and_hold_no_time(tmp_path):
    failing = Check("rtl_vs_emulator", 4, 3, 1, problems=("said \x1b[31mred\x00",), details={"latency_cycles": 6})
    found = result(Check("qkeras_vs_emulator", 4, 3, 0), failing)
    write_results(found, tmp_path)
    data = json.loads((tmp_path / "verify.json").read_text())
    assert data["passed"] is False
    assert [check["passed"] for check in data["checks"]] == [True, False]
    assert data["checks"][1]["latency_cycles"] == 6
    assert (data["latency_cycles"], data["ii"], data["clock_period_ns"]) == (5, 1, 2.5)
    suite = ElementTree.parse(tmp_path / "verify.xml").getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    assert [case.find("failure") is not None for case in suite.iter("testcase")] == [False, True]
    assert "time" not in (tmp_path / "verify.xml").read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["verify.json", "verify.xml"]
