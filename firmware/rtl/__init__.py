"""Verilog: pipelining, sources, constraints, and Vivado where it is installed."""

from firmware.rtl.pipeline import Stage, estimate_latency_cycles, split, stage_budget_ns
from firmware.rtl.write import RtlInfo, write_rtl

__all__ = ["RtlInfo", "Stage", "estimate_latency_cycles", "split", "stage_budget_ns", "write_rtl"]
