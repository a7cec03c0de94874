"""What a finder costs: LUTs and flip-flops by block, and latency, without a file written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np

from firmware.adder_graph import Program
from firmware.resources import Resources, estimate
from firmware.resources.calibration import lut_factors
from firmware.rtl import split, stage_budget_ns
from firmware.settings import FirmwareSettings
from firmware.vertex.finder import DISTANCE, VertexFinder
from firmware.vertex.programs import FinderPrograms, trace_finder
from firmware.vertex.rtl.timing import finder_timing

__all__ = ["BlockCost", "block_costs", "estimate_finder", "finder_cost"]


@dataclass(frozen=True)
class BlockCost:
    """LUTs, those used as memory included, and flip-flops of one block, all its copies together."""

    lut: int
    ff: int


_TRACK_COUNTER = BlockCost(11, 6)


def finder_cost(finder: VertexFinder, settings: FirmwareSettings, *, fast: bool = True) -> dict[str, Any]:
    """The figures that a search scores.

    Parameters
    ----------
    finder : VertexFinder
    settings : FirmwareSettings
        Clock and margin.
    fast : bool
        One greedy solution of each matrix product, within a few per cent.

    Returns
    -------
    dict
        ``lut``, ``ff``, ``latency_cycles`` (of the vertex, from the clock that samples ``in_last``), ``latency_ns``,
        ``blocks`` (by name: ``lut`` and ``ff`` of all copies).

    Raises
    ------
    UserError
        An operation cannot fit the clock.
    """
    programs = trace_finder(finder, fast=fast, stage_ns=stage_budget_ns(settings))
    latency, costs = block_costs(finder, programs, settings)
    return {
        "lut": sum(cost.lut for cost in costs.values()), "ff": sum(cost.ff for cost in costs.values()),
        "latency_cycles": latency, "latency_ns": latency * settings.clock_period_ns,
        "blocks": {name: {"lut": cost.lut, "ff": cost.ff} for name, cost in costs.items()},
    }  # fmt: skip


def estimate_finder(
    finder: VertexFinder, settings: FirmwareSettings, programs: FinderPrograms | None = None
) -> Resources:
    """Resources of the whole finder, for a project's manifest."""
    if programs is None:
        programs = trace_finder(finder, stage_ns=stage_budget_ns(settings))
    _, costs = block_costs(finder, programs, settings)
    lut, ff = sum(cost.lut for cost in costs.values()), sum(cost.ff for cost in costs.values())
    low, middle, high = lut_factors()
    of_networks = sum(costs[name].lut for name in ("weight", "pattern", "association"))
    source = (
        f"networks ({of_networks} LUT): adder graphs times the median of published Vivado results (arXiv:2508.15468), "
        f"times their copies; other blocks ({lut - of_networks} LUT): formulas fitted to Yosys's counts; an estimate, "
        "not a synthesis result"
    )
    return Resources(
        lut=lut, ff=ff, dsp=0, source=source,
        low={"lut": round(lut + of_networks * (low / middle - 1)), "ff": ff, "dsp": 0},
        high={"lut": round(lut + of_networks * (high / middle - 1)), "ff": ff, "dsp": 0},
    )  # fmt: skip


def block_costs(
    finder: VertexFinder, programs: FinderPrograms, settings: FirmwareSettings
) -> tuple[int, Mapping[str, BlockCost]]:
    """Latency of the vertex in cycles, and the cost of every block.

    Networks as `firmware.resources.estimate` has them. The other blocks follow their Verilog: so many registers,
    adders, multiplexers and memories of LUTs, with factors fitted to what Yosys makes of them (see
    ``docs/vertex_finder.md``).
    """
    timing = finder_timing(finder, settings, programs)
    lanes = finder.lanes
    weight, pattern, association = (
        _network(program, settings) for program in (programs.weight, programs.pattern, programs.association)
    )
    stored = finder.z0.width + sum(port.format.width for port in programs.association.inputs if port.name != DISTANCE)
    return timing.latency_cycles, {
        "features": _times(lanes, _features(finder)),
        "weight": _times(lanes, weight),
        "histogram": _times(lanes, _histogram(finder, timing.blocks["weight"])),
        "merge": _merge(finder, timing.merge_arity),
        "window": _window(finder),
        "pattern": pattern,
        "argmax": _argmax(finder),
        "buffer": _times(lanes, _buffer(finder, timing.slots, stored)),
        "distance": _times(lanes, _distance(finder, stored)),
        "association": _times(lanes, association),
        "control": _control(finder, timing.blocks["weight"], timing.association_latency),
    }


def _times(copies: int, cost: BlockCost) -> BlockCost:
    return BlockCost(copies * cost.lut, copies * cost.ff)


def _network(program: Program, settings: FirmwareSettings) -> BlockCost:
    resources = estimate(program, split(program, stage_budget_ns(settings)))
    return BlockCost(resources.lut, resources.ff)


def _features(finder: VertexFinder) -> BlockCost:
    """Tables as logic: a LUT for every pattern of 64 entries that occurs, and the multiplexers between them."""
    lut, ff = 0, 1 + finder.z0.width
    for feature in finder.features:
        bits = finder.address_bits(feature)
        ff += finder.fields[feature.field].width + (feature.format.width if feature.table is None else bits)
        if feature.table is None:
            continue
        patterns: set[bytes] = set()
        for bit in range(feature.format.width):
            pieces = (feature.table >> bit & 1).astype(np.uint8).reshape(-1, min(64, len(feature.table)))
            distinct = {piece.tobytes() for piece in pieces}
            patterns |= {piece.tobytes() for piece in pieces if piece.min() != piece.max()}
            lut += ceil(len(distinct) / 4) if len(distinct) > 1 and len(pieces) > 1 else 0
        lut += len(patterns)
    return BlockCost(lut, ff)


def _histogram(finder: VertexFinder, weight_cycles: int) -> BlockCost:
    """Of one lane: a memory a column with one port to write and two to read; write data and read data are gated."""
    columns, width = finder.bins_per_clock, finder.histogram.width
    memory = columns * 2 * _memory(width, 2 * finder.rows)
    bin_bits = finder.bins.bit_length() - 1
    delay = bin_bits * ceil(weight_cycles / 32)
    lut = round(1.5 * columns * width + 4.6 * finder.rows) + 60 + _TRACK_COUNTER.lut
    ff = columns * width + 2 * finder.rows + 2 * width + 30 + bin_bits + _TRACK_COUNTER.ff
    return BlockCost(lut + memory + delay, ff)


def _merge(finder: VertexFinder, arity: int) -> BlockCost:
    """Yosys makes two adders of each of three operands; a level's sums are registered."""
    columns, width = finder.bins_per_clock, finder.histogram.width
    ff, left, bits = 0, finder.lanes, width
    while left > 1 or bits == width:
        left, bits = ceil(left / arity), bits + (2 if arity == 3 else 1)
        ff += left * (bits if left > 1 else width)
    return BlockCost(columns * round((finder.lanes - 1) * (width + 1.35)), columns * ff)


def _window(finder: VertexFinder) -> BlockCost:
    side = (finder.kernel_size // 2) * finder.histogram.width
    return BlockCost(2 * side, finder.bins_per_clock * finder.histogram.width + side + 3)


def _argmax(finder: VertexFinder) -> BlockCost:
    """A comparison and a multiplexer a node."""
    columns, width = finder.bins_per_clock, finder.pattern_format.width
    return BlockCost(columns * max(round(2.5 * width) - 6, width), columns * (width + 3))


def _buffer(finder: VertexFinder, slots: int, width: int) -> BlockCost:
    """Of one lane."""
    depth = slots * (1 << max((finder.tracks_per_lane - 1).bit_length(), 1))
    count_bits = finder.tracks_per_lane.bit_length()
    return BlockCost(_memory(width, depth) + (width if depth > 64 else 0) + 10, 2 * width + count_bits + 4)


def _distance(finder: VertexFinder, stored: int) -> BlockCost:
    """Of one lane, with the comparison of the association word with its threshold."""
    width, word = finder.z0.width, finder.association_format.width
    return BlockCost(width + finder.distance_format.width + 3 + word // 2, 2 * width + 1 + stored - width + word + 3)


def _control(finder: VertexFinder, weight_cycles: int, association_latency: int) -> BlockCost:
    delays = weight_cycles + association_latency
    return BlockCost(24, 24 + delays + 2 * finder.z0.width + finder.association_format.width)


def _memory(width: int, depth: int) -> int:
    """LUTs of a memory made of LUTs with one port to write and one to read: 8 hold 14 x 32 or 7 x 64 bits."""
    return 8 * ceil(width / 14) if depth <= 32 else 8 * ceil(width / 7) * ceil(depth / 64)
