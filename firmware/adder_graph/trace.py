"""A network traced into an adder graph."""

from __future__ import annotations

from math import inf, prod

from alkaid.trace.passes import add_surrogate, dead_code_elimin, fuse_ternary_adders
from alkaid.trace.passes.surrogate import cost_lat_ternary_add
from alkaid.types import CombLogic

from firmware.adder_graph.counting import two_input_cost
from firmware.adder_graph.graph import COST_MODEL, Graph, Value
from firmware.adder_graph.layer_rules import apply_symbolic
from firmware.adder_graph.linear import LinearSolver
from firmware.adder_graph.program import OutputPort, Port, Program
from firmware.adder_graph.symbols import Element, SymbolicTensor, filled
from firmware.network.fixed_point import FixedPoint
from firmware.network.intervals import exact_formats
from firmware.network.layers import Input
from firmware.network.network import Network

__all__ = ["trace_network"]

_TERNARY = 11


def trace_network(network: Network, *, fast: bool = False, every_layer: bool = False, stage_ns: float = inf) -> Program:
    """Trace a trained network into its adder graph.

    Parameters
    ----------
    network : Network
        Trained.
    fast : bool
        Solve each matrix product greedily; the cost is within a few per cent of the full search.
    every_layer : bool
        Give every layer's words as outputs, not only the network's own.
    stage_ns : float
        Longest delay that a pipeline stage will be allowed, in ns: a ternary adder that alone takes longer (by the
        estimate) stays a pair of adders.

    Returns
    -------
    Program
        Words of each output are in the format of ``network.intervals.exact_formats``.

    Raises
    ------
    UserError
        The network has no weights, or words outgrow what can be computed exactly.
    """
    graph = Graph()
    tensors = _symbolic_tensors(graph, network, fast=fast)
    formats = exact_formats(network)
    values: list[Value] = []
    ports = []
    for name in [layer.name for layer in network.layers] if every_layer else network.outputs:
        graph.layer = name
        ports.append(_output_port(graph, name, tensors[name], formats[name].format, values))
    pairs, layers_of_pairs = graph.finish(values)
    comb, layers = _emitted(pairs, layers_of_pairs, stage_ns)
    inputs = tuple(Port(layer.name, layer.shape, layer.format) for layer in network.inputs)
    return Program(network.name, comb, inputs, tuple(ports), layers, two_input_cost(pairs), stage_ns)


def _symbolic_tensors(graph: Graph, network: Network, *, fast: bool) -> dict[str, SymbolicTensor]:
    """Every layer's result, its operations written into the graph."""
    solver = LinearSolver(graph, fast=fast)
    tensors: dict[str, SymbolicTensor] = {}
    for layer in network.layers:
        if isinstance(layer, Input):
            graph.layer = layer.name
            tensors[layer.name] = _input_tensor(graph, layer)
        else:
            tensors[layer.name] = apply_symbolic(solver, layer, [tensors[source] for source in layer.sources])
    return tensors


def _emitted(comb: CombLogic, layers: tuple[str, ...], stage_ns: float) -> tuple[CombLogic, tuple[str, ...]]:
    """The graph as it is written to Verilog: adders in pairs fused to ternary ones, costs and delays filled in."""
    if not comb.ops:
        return comb, layers
    # The passes carry the cost field along untouched, so that it can hold each operation's place meanwhile.
    marked = comb._replace(ops=[op._replace(cost=float(i)) for i, op in enumerate(comb.ops)])
    fused = fuse_ternary_adders(marked)
    if stage_ns < inf:
        slow = [
            op.opcode == _TERNARY and cost_lat_ternary_add(i, fused.ops, COST_MODEL.carry_size)[1] > stage_ns
            for i, op in enumerate(fused.ops)
        ]
        ops = [marked.ops[i] if slow[i] else op for i, op in enumerate(fused.ops)]
        fused = fused._replace(ops=ops)
    fused = dead_code_elimin(fused)
    return add_surrogate(fused), tuple(layers[int(op.cost)] for op in fused.ops)


def _input_tensor(graph: Graph, layer: Input) -> SymbolicTensor:
    """Every word that the port's bits can hold, legal or not."""
    bits = layer.format.width - int(layer.format.signed)
    low, high = (-(1 << bits) if layer.format.signed else 0), (1 << bits) - 1
    elements = [Element(graph.input(low, high), 0, low, high) for _ in range(prod(layer.shape))]
    tensor = SymbolicTensor(filled(layer.shape, elements), layer.format.fraction)
    tensor.check_size(layer.name)
    return tensor


def _output_port(graph: Graph, name: str, tensor: SymbolicTensor, fmt: FixedPoint, values: list[Value]) -> OutputPort:
    """The port of a result, its varying elements appended to ``values``."""
    shift = fmt.fraction - tensor.fraction
    sources, constants = [], []
    for element in tensor.aligned(fmt.fraction) if shift > 0 else tensor:
        if element.base is None:
            sources.append(-1)
            constants.append(element.low >> max(-shift, 0))
        else:
            sources.append(len(values))
            constants.append(0)
            values.append(element.materialised(graph).scaled(min(shift, 0)))
    return OutputPort(name, tensor.shape, fmt, tuple(sources), tuple(constants))
