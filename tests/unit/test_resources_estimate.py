"""Estimates: the published ratios, and what is made of them."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pytest

from firmware.adder_graph import trace_network
from firmware.network.random_networks import random_network
from firmware.resources import estimate
from firmware.resources.calibration import PUBLISHED, lut_factors
from firmware.rtl import split
from firmware.rtl.pipeline import register_bits


def test_published_ratios() -> None:
    lowest, middle, highest = lut_factors()
    assert len(PUBLISHED) == 20
    assert (round(lowest, 2), round(middle, 2), round(highest, 2)) == (0.97, 1.05, 1.13)
    ranks = [np.argsort(np.argsort(side)) for side in zip(*((d.cost, d.lut) for d in PUBLISHED), strict=True)]
    assert np.corrcoef(*ranks)[0, 1] == pytest.approx(0.997, abs=5e-4)
    assert all(design.clock_closed_ns > design.clock_asked_ns for design in PUBLISHED)


def test_an_estimate_has_a_spread_and_a_source() -> None:
    program = trace_network(random_network(76, "objects", min_bits=3, max_bits=8), fast=True)
    stages = split(program, 4.0)
    found = estimate(program, stages)
    assert found.low["lut"] <= found.lut <= found.high["lut"]
    assert found.lut == round(lut_factors()[1] * program.two_input_cost)
    assert found.ff == register_bits(program, stages) + len(stages) + 1
    assert found.dsp == 0
    assert "estimate" in found.source
    assert "2508.15468" in found.source
    assert set(asdict(found)["low"]) == {"lut", "ff", "dsp"}


def test_a_larger_network_is_estimated_larger() -> None:
    networks = (random_network(seed, "mlp", min_bits=3, max_bits=8) for seed in (72, 78, 76))
    programs = sorted((trace_network(network, fast=True) for network in networks), key=lambda p: len(p.comb.ops))
    luts = [estimate(program, split(program, 4.0)).lut for program in programs]
    assert 0 < luts[0] < luts[1] < luts[2]
