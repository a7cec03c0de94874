"""The cost of a finder: the sum of its blocks, what the Verilog says of its latency, and near Yosys's counts."""

import pytest

from firmware.resources.estimate import lut_estimate
from firmware.rtl import stage_budget_ns
from firmware.settings import FirmwareSettings
from firmware.vertex.emulate import trace_finder
from firmware.vertex.examples import example_finder
from firmware.vertex.resources import estimate_finder, finder_cost
from firmware.vertex.rtl.write import write_finder_rtl

SETTINGS = FirmwareSettings()


@pytest.fixture(scope="module")
def small():
    return example_finder(0, bins=64, bins_per_clock=8, lanes=3, tracks_per_lane=10, units=4, association_units=6)


def test_the_cost_is_the_sum_of_its_blocks(small):
    cost = finder_cost(small, SETTINGS)
    for what in ("lut", "ff"):
        assert cost[what] == sum(block[what] for block in cost["blocks"].values())
        assert all(block[what] >= 0 for block in cost["blocks"].values())
    assert cost["latency_ns"] == pytest.approx(cost["latency_cycles"] * SETTINGS.clock_period_ns)


def test_the_latency_is_that_of_the_verilog(small, tmp_path):
    assert finder_cost(small, SETTINGS, fast=False)["latency_cycles"] == (
        write_finder_rtl(small, tmp_path, SETTINGS).latency_cycles
    )


def test_networks_count_once_a_lane(small):
    programs = trace_finder(small, stage_ns=stage_budget_ns(SETTINGS))
    blocks = finder_cost(small, SETTINGS, fast=False)["blocks"]
    assert blocks["weight"]["lut"] == 3 * lut_estimate(programs.weight)
    assert blocks["association"]["lut"] == 3 * lut_estimate(programs.association)
    assert blocks["pattern"]["lut"] == lut_estimate(programs.pattern)


def test_the_manifest_has_the_same_figures(small):
    cost, resources = finder_cost(small, SETTINGS, fast=False), estimate_finder(small, SETTINGS)
    assert (resources.lut, resources.ff, resources.dsp) == (cost["lut"], cost["ff"], 0)
    assert resources.low["lut"] < resources.lut < resources.high["lut"]
    assert "not a synthesis result" in resources.source


@pytest.mark.parametrize("change", [
    {"lanes": 18}, {"bins": 1024}, {"histogram_bits": 16}, {"units": 10}, {"association_units": 20},
    {"tracks_per_lane": 100}, {"kernel_size": 7},
])  # fmt: skip
def test_more_of_anything_costs_more(small, change):
    shape = {"bins": 64, "bins_per_clock": 8, "lanes": 3, "tracks_per_lane": 10, "units": 4, "association_units": 6}
    assert finder_cost(example_finder(0, **(shape | change)), SETTINGS)["lut"] > finder_cost(small, SETTINGS)["lut"]


def test_networks_that_are_constant_cost_nothing():
    cost = finder_cost(example_finder(0, lanes=2, sparsity=1.0, association_units=3), SETTINGS)
    assert cost["blocks"]["association"]["lut"] == 0
    assert cost["lut"] > 0


# Of the published shape, by benchmarks/finder_resources.py: LUTs, memories and shift registers of LUTs included.
YOSYS = {
    "features": 18 * (43 + 15), "histogram": 18 * (418 + 256 + 11 + 8), "merge": 3634, "window": 25, "argmax": 727,
    "buffer": 18 * (37 + 56), "distance": 18 * 23, "control": 24,
}  # fmt: skip


def test_blocks_of_the_published_shape_are_near_what_yosys_counts():
    blocks = finder_cost(example_finder(0), SETTINGS)["blocks"]
    for name, lut in YOSYS.items():
        assert blocks[name]["lut"] == pytest.approx(lut, rel=0.4), name
    assert sum(blocks[name]["lut"] for name in YOSYS) == pytest.approx(sum(YOSYS.values()), rel=0.1)


# (bins, bins_per_clock, histogram_bits): LUTs of one histogram, memory included, and its flip-flops.
YOSYS_HISTOGRAMS = {
    (256, 16, 12): (418 + 256, 278), (128, 16, 12): (388 + 256, 260), (256, 8, 12): (332 + 256, 215),
    (256, 16, 9): (344 + 256, 224), (256, 16, 16): (512 + 512, 350), (512, 16, 12): (496 + 512, 312),
    (256, 32, 12): (676 + 512, 453),
}  # fmt: skip


@pytest.mark.parametrize("shape", YOSYS_HISTOGRAMS)
def test_histograms_of_other_shapes_are_near_what_yosys_counts(shape):
    bins, columns, width = shape
    finder = example_finder(0, bins=bins, bins_per_clock=columns, histogram_bits=width, lanes=1, association_units=2)
    block = finder_cost(finder, SETTINGS)["blocks"]["histogram"]
    lut, ff = YOSYS_HISTOGRAMS[shape]
    counter_and_delay = 11 + 8, 6 + 8
    assert block["lut"] == pytest.approx(lut + counter_and_delay[0], rel=0.05)
    assert block["ff"] == pytest.approx(ff + counter_and_delay[1], rel=0.05)


@pytest.mark.parametrize(("columns", "bits", "lut", "ff"), [(16, 12, 727, 367), (8, 12, 352, 191)])
def test_the_largest_bin_of_other_shapes(columns, bits, lut, ff):
    finder = example_finder(0, bins_per_clock=columns, histogram_bits=bits, lanes=1, association_units=2)
    assert finder.pattern_format.width == 20
    block = finder_cost(finder, SETTINGS)["blocks"]["argmax"]
    assert block["lut"] == pytest.approx(lut, rel=0.06)
    assert block["ff"] == pytest.approx(ff, rel=0.06)
