"""The complete vertex finder: description, emulator, Verilog, HLS, proof."""

from firmware.vertex.events import FinderEvents, FinderOutputs
from firmware.vertex.finder import Feature, Field, VertexFinder

__all__ = ["Feature", "Field", "FinderEvents", "FinderOutputs", "VertexFinder"]
