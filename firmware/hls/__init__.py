"""hls4ml behind a small wall: projects out of QKeras models, their C-simulation, their synthesis."""

from firmware.hls.convert import HlsInfo, write_hls
from firmware.hls.csim import CSimulation, build
from firmware.hls.ports import Interface, Port, read_interface
from firmware.hls.synth import SynthesisReport, find_tool, read_report, synthesise
from firmware.hls.vectors import write_test_vectors

__all__ = [
    "CSimulation", "HlsInfo", "Interface", "Port", "SynthesisReport", "build", "find_tool", "read_interface",
    "read_report", "synthesise", "write_hls", "write_test_vectors",
]  # fmt: skip
