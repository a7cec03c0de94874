"""The finder in HLS C++: its networks by hls4ml, the rest our own, and its C-simulation."""

from firmware.vertex.hls.csim import FinderBlocks, FinderCSimulation, build
from firmware.vertex.hls.vectors import write_finder_vectors
from firmware.vertex.hls.write import FinderHls, write_finder_hls

__all__ = [
    "FinderBlocks", "FinderCSimulation", "FinderHls", "build", "write_finder_hls", "write_finder_vectors",
]  # fmt: skip
