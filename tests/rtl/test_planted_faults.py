"""The checker checked: every kind of planted fault makes a verification fail, and nothing else does."""

from __future__ import annotations

import json

import faults
import pytest

import firmware
from firmware.errors import UserError
from firmware.verify import CHECKS

COUNTS = {"n_events": 600, "rtl_events": 300}


def verify(project, *checks):
    return firmware.verify(project, allow_edited=True, checks=checks or CHECKS, **COUNTS)


def fails(project, check):
    result = verify(project, check)
    assert not result.passed
    return result.check(check)


def test_a_clean_project_passes_every_rung(project_copy):
    result = firmware.verify(project_copy, **COUNTS)
    assert result.passed
    assert [check.name for check in result.checks] == list(CHECKS)
    assert all(check.mismatches == 0 and check.first_mismatch is None for check in result.checks)
    assert result.proof.proven
    manifest = json.loads((project_copy / "manifest.json").read_text())
    assert (result.latency_cycles, result.ii) == (manifest["latency_cycles"], manifest["ii"])
    assert json.loads((project_copy / "verify.json").read_text()) == result.to_json()
    assert 'failures="0"' in (project_copy / "verify.xml").read_text()


@pytest.mark.parametrize("fault", [*faults.HLS, *faults.TIMING, *faults.EMULATOR], ids=lambda fault: fault.__name__)
def test_no_fault_goes_unnamed_without_leave(project_copy, fault):
    fault(project_copy)
    with pytest.raises(UserError, match=r"edited: \S+ \(changed\)"):
        firmware.verify(project_copy, **COUNTS)
    assert not (project_copy / "verify.json").exists()


@pytest.mark.parametrize("fault", faults.HLS, ids=lambda fault: fault.__name__)
def test_faults_in_hls(project_copy, fault):
    fault(project_copy)
    check = fails(project_copy, "hls_csim_vs_emulator")
    assert check.mismatches > 0
    layers = {
        faults.hls_weight_off_by_one_lsb: "hidden", faults.hls_rounds_otherwise: "active",
        faults.hls_wraps_instead_of_saturating: "active", faults.hls_lost_a_quantiser: "active",
        faults.hls_truncates: "coarse",
    }  # fmt: skip
    if fault in layers:
        assert check.first_mismatch.first_layer == layers[fault]
    if fault is faults.hls_does_not_compile:
        assert "rleu" in check.problems[0]


@pytest.mark.parametrize("fault", faults.RTL, ids=lambda fault: fault.__name__)
def test_faults_in_the_words_of_rtl(project_copy, fault):
    fault(project_copy)
    check = fails(project_copy, "rtl_vs_emulator")
    assert check.mismatches > 0
    if fault in (faults.rtl_add_for_subtract, faults.rtl_wrong_shift):
        assert check.first_mismatch.first_layer.startswith(("hidden (register", "active (register"))
    if fault is faults.rtl_stuck_bit:
        assert check.first_mismatch.first_layer == "output ports"
        assert check.first_mismatch.output == "coarse"
    if fault is faults.rtl_narrow_port:
        assert any("port 'sums' must be" in problem for problem in check.problems)


@pytest.mark.parametrize("fault", faults.TIMING, ids=lambda fault: fault.__name__)
def test_faults_in_the_timing_of_rtl(project_copy, fault):
    fault(project_copy)
    check = fails(project_copy, "rtl_vs_emulator")
    expected = {
        faults.rtl_extra_register_on_both: "latency must be", faults.manifest_states_another_latency: "latency must be",
        faults.rtl_extra_register_on_valid: "latency must be",
        faults.rtl_reset_does_nothing: "reset should have cleared",
        faults.rtl_reset_misses_the_last_stage: "reset should have cleared",
        faults.rtl_inverted_valid: "came out", faults.rtl_skips_every_other_event: "came out",
    }  # fmt: skip
    if fault in expected:
        assert any(expected[fault] in problem for problem in check.problems)
    if fault in (faults.rtl_missing_register, faults.rtl_extra_register_on_data):
        assert check.first_mismatch.first_layer is not None
        assert "stage2_q" in check.first_mismatch.first_layer


def test_right_words_at_the_wrong_time_are_told_apart(project_copy):
    faults.rtl_extra_register_on_both(project_copy)
    result = verify(project_copy, "rtl_vs_emulator")
    stated = json.loads((project_copy / "manifest.json").read_text())["latency_cycles"]
    assert result.latency_cycles == stated + 1
    assert result.checks[0].first_mismatch is None


@pytest.mark.parametrize("fault", faults.EMULATOR, ids=lambda fault: fault.__name__)
def test_a_changed_emulator_stands_against_all_others(project_copy, fault):
    fault(project_copy)
    result = verify(project_copy)
    assert not result.passed
    assert [check.passed for check in result.checks] == [False] * len(CHECKS)
    assert result.proof.refuted
    assert result.check("qkeras_vs_emulator").first_mismatch.first_layer.endswith("(emulator)")
    assert json.loads((project_copy / "verify.json").read_text())["passed"] is False


@pytest.mark.parametrize("fault", faults.MODEL, ids=lambda fault: fault.__name__)
def test_a_changed_model_is_seen_in_its_own_rung(project_copy, fault):
    fault(project_copy)
    result = verify(project_copy, "vectors_vs_emulator", "qkeras_vs_emulator")
    assert [check.passed for check in result.checks] == [True, False]
    if fault is faults.model_weight_changed:
        assert result.checks[1].first_mismatch.first_layer == "scores"


@pytest.mark.parametrize("fault", faults.VECTORS, ids=lambda fault: fault.__name__)
def test_stale_vectors_are_seen(project_copy, fault):
    fault(project_copy)
    result = verify(project_copy, "vectors_vs_emulator")
    assert not result.passed
    if fault is faults.vectors_stale:
        first = result.checks[0].first_mismatch
        assert (result.checks[0].mismatches, first.event, first.output, first.index) == (1, 7, "sums", (1,))
        assert first.difference_lsb == 1


def test_a_part_of_the_ladder_writes_no_verdict(project_copy):
    assert verify(project_copy, "vectors_vs_emulator").passed
    assert not (project_copy / "verify.json").exists()


def test_an_interrupt_leaves_the_earlier_verdict(project_copy, monkeypatch):
    (project_copy / "verify.json").write_text("earlier")

    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("firmware.verify.run.check_rtl", interrupted)
    with pytest.raises(KeyboardInterrupt):
        firmware.verify(project_copy, checks=("vectors_vs_emulator", "rtl_vs_emulator"), **COUNTS)
    assert (project_copy / "verify.json").read_text() == "earlier"
    assert not [path for path in project_copy.iterdir() if path.name.startswith(".")]
