"""The whole ladder on random awkward networks, and with the other simulator."""

from __future__ import annotations

import shutil

import pytest

import firmware
from firmware.network.random_networks import random_network
from firmware.verify import CHECKS


@pytest.mark.parametrize(("seed", "topology"), [(1, "conv1d"), (2, "inputs"), (3, "heads")])
def test_random_networks_pass_every_rung(tmp_path, seed, topology):
    project = firmware.convert(random_network(seed, topology, max_units=6, max_bits=7), tmp_path, name=topology)
    result = firmware.verify(project, n_events=1500, rtl_events=800)
    assert [check.name for check in result.checks] == list(CHECKS)
    assert [check.mismatches for check in result.checks] == [0, 0, 0, 0], [str(check) for check in result.checks]
    assert result.passed


@pytest.mark.skipif(shutil.which("iverilog") is None, reason="needs Icarus Verilog")
def test_icarus_says_the_same(tiny_project):
    result = firmware.verify(tiny_project, simulator="icarus", n_events=300, checks=["rtl_vs_emulator"])
    assert result.passed
    assert result.check("rtl_vs_emulator").details["simulator"] == "icarus"
    other = firmware.verify(tiny_project, n_events=300, rtl_events=50, checks=["rtl_vs_emulator"])
    assert (result.latency_cycles, result.ii) == (other.latency_cycles, other.ii)
