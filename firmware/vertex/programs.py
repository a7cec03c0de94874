"""A finder's three networks as adder graphs: what emulator, Verilog and cost are made of."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from firmware.adder_graph import Program, trace_network
from firmware.vertex.finder import VertexFinder

__all__ = ["FinderPrograms", "trace_finder"]


@dataclass(frozen=True)
class FinderPrograms:
    """The three networks as adder graphs."""

    weight: Program
    pattern: Program
    association: Program


def trace_finder(finder: VertexFinder, *, fast: bool = False, stage_ns: float = inf) -> FinderPrograms:
    """The finder's networks as adder graphs; arguments as of `firmware.adder_graph.trace_network`."""
    networks = (finder.weight, finder.pattern, finder.association)
    return FinderPrograms(*(trace_network(network, fast=fast, stage_ns=stage_ns) for network in networks))
