"""The vertex finder as Verilog: written, timed, and simulated."""

from firmware.vertex.rtl.simulate import FinderSimulation, simulate_finder
from firmware.vertex.rtl.timing import FinderTiming, finder_latency, finder_timing
from firmware.vertex.rtl.write import FinderRtl, write_finder_rtl

__all__ = [
    "FinderRtl", "FinderSimulation", "FinderTiming", "finder_latency", "finder_timing", "simulate_finder",
    "write_finder_rtl",
]  # fmt: skip
