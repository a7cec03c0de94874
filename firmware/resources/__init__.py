"""What a design needs of a device: estimated from its adder graph, and counted by Yosys."""

from firmware.resources.estimate import Resources, estimate
from firmware.resources.yosys import Primitives, count_primitives

__all__ = ["Primitives", "Resources", "count_primitives", "estimate"]
