"""Verilog: pipelining, sources, constraints, and Vivado where it is installed."""

from firmware.rtl.pipeline import Stage, split
from firmware.rtl.write import RtlInfo, write_rtl

__all__ = ["RtlInfo", "Stage", "split", "write_rtl"]
