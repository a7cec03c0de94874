"""Networks as adder graphs, behind which stands alkaid 0.8.2."""

from firmware.adder_graph.cost import Cost, adder_graph_cost
from firmware.adder_graph.emulator import emulate
from firmware.adder_graph.operations import operation_words
from firmware.adder_graph.program import OutputPort, Port, Program, load_program
from firmware.adder_graph.trace import trace_network

__all__ = [
    "Cost", "OutputPort", "Port", "Program", "adder_graph_cost", "emulate", "load_program", "operation_words",
    "trace_network",
]  # fmt: skip
