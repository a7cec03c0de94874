"""LUT, FF and DSP of the Verilog, without a vendor's tool."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from firmware.adder_graph import Program
from firmware.resources.calibration import PUBLISHED, lut_factors
from firmware.rtl.pipeline import Stage, register_bits

__all__ = ["Resources", "estimate", "lut_estimate"]


@dataclass(frozen=True)
class Resources:
    """Resources of a design.

    Parameters
    ----------
    lut, ff, dsp : int
    source : str
        Where the figures come from, and that they are estimates.
    low, high : dict of ``lut``, ``ff``, ``dsp`` to int
        The spread.
    """

    lut: int
    ff: int
    dsp: int
    source: str
    low: dict[str, int]
    high: dict[str, int]


def lut_estimate(program: Program) -> int:
    """LUTs of a program: its cost as two-input adders times the published median of LUTs a unit of that cost."""
    return round(lut_factors()[1] * program.two_input_cost)


def estimate(program: Program, stages: Sequence[Stage]) -> Resources:
    """Resources of a pipelined program, scaled from its adder graph.

    The estimate is the cost as two-input adders times the published median of LUTs a unit of that cost; the high end
    takes the published highest ratio; the low end the lowest, of the cost after fusion into ternary adders (the form
    that is emitted, and which no published result covers). Flip-flops are counted: they are what the Verilog holds,
    and synthesis may turn chains of them into shift registers. The graph has no multiplication by a variable: no DSP.

    Parameters
    ----------
    program : Program
    stages : sequence of Stage
        From ``rtl.split``.
    """
    lowest, middle, highest = lut_factors()
    ff = register_bits(program, tuple(stages)) + len(stages) + 1
    low = round(lowest * min(program.cost, program.two_input_cost))
    high = round(highest * max(program.cost, program.two_input_cost))
    source = (
        f"adder graph: cost {program.two_input_cost:.0f} as two-input adders ({program.cost:.0f} as emitted) x "
        f"{middle:.2f}, the median of {len(PUBLISHED)} published Vivado results ({lowest:.2f} to {highest:.2f}; "
        "arXiv:2508.15468); an estimate, not a synthesis result"
    )
    return Resources(
        lut=lut_estimate(program), ff=ff, dsp=0, source=source,
        low={"lut": low, "ff": ff, "dsp": 0}, high={"lut": high, "ff": ff, "dsp": 0},
    )  # fmt: skip
