"""A network traced into an adder graph."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from alkaid.trace import trace
from alkaid.trace.fixed_variable import FVariable
from alkaid.trace.passes import add_surrogate, dead_code_elimin, fuse_ternary_adders, optimize
from alkaid.trace.tracer import gather_variables, needs_negative
from alkaid.types import CombLogic, Op

from firmware.adder_graph.layer_rules import apply_symbolic
from firmware.adder_graph.linear import LinearSolver
from firmware.adder_graph.program import OutputPort, Port, Program
from firmware.adder_graph.symbols import COST_MODEL, Element, SymbolicTensor, filled, new_input
from firmware.network.fixed_point import FixedPoint
from firmware.network.intervals import exact_formats
from firmware.network.layers import Input
from firmware.network.network import Network

__all__ = ["trace_network"]


def trace_network(network: Network, *, fast: bool = False, every_layer: bool = False) -> Program:
    """Trace a trained network into its adder graph.

    Parameters
    ----------
    network : Network
        Trained.
    fast : bool
        Solve each matrix product greedily; the cost is within a few per cent of the full search.
    every_layer : bool
        Give every layer's words as outputs, not only the network's own.

    Returns
    -------
    Program
        Words of each output are in the format of ``network.intervals.exact_formats``.

    Raises
    ------
    UserError
        The network has no weights, or words outgrow what can be computed exactly.
    """
    solver = LinearSolver(fast=fast)
    tensors: dict[str, SymbolicTensor] = {}
    inputs: list[Element] = []
    tags = _LayerTags()
    for layer in network.layers:
        if isinstance(layer, Input):
            tensor = _input_tensor(layer)
            inputs += tensor
        else:
            tensor = apply_symbolic(solver, layer, [tensors[source] for source in layer.sources])
        tensors[layer.name] = tensor
        tags.mark(layer.name, tensor)
    formats = exact_formats(network)
    wanted = tuple(layer.name for layer in network.layers) if every_layer else network.outputs
    variables: list[FVariable] = []
    ports = [_output_port(name, tensors[name], formats[name].format, variables) for name in wanted]
    for name, port in zip(wanted, ports, strict=True):
        tags.mark_variables(name, [variables[source] for source in port.sources if source >= 0])
    roots = [element.base for element in inputs if element.base is not None]
    comb, layers = _graph(roots, variables, tags)
    comb, ports = _without_constants(comb, ports)
    return Program(
        name=network.name,
        comb=comb,
        inputs=tuple(Port(layer.name, layer.shape, layer.format) for layer in network.inputs),
        outputs=tuple(ports),
        layer_of_op=layers,
    )


class _LayerTags:
    """Which layer made each variable: the first that can reach it."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.place: dict[int, int] = {}

    def mark(self, name: str, tensor: SymbolicTensor) -> None:
        """Give the layer's name to all new variables behind its result."""
        self.mark_variables(name, [element.base for element in tensor if element.base is not None])

    def mark_variables(self, name: str, variables: Sequence[FVariable]) -> None:
        """The same, from a list of variables."""
        if name not in self.names:
            self.names.append(name)
        stack = list(variables)
        while stack:
            variable = stack.pop()
            if variable.id.int not in self.place:
                self.place[variable.id.int] = self.names.index(name)
                stack += variable._from


def _input_tensor(layer: Input) -> SymbolicTensor:
    """Every word that the port's bits can hold, legal or not."""
    bits = layer.format.width - int(layer.format.signed)
    low = -(1 << bits) if layer.format.signed else 0
    count = int(np.prod(layer.shape))
    elements = [new_input(low, (1 << bits) - 1) for _ in range(count)]
    return SymbolicTensor(filled(layer.shape, elements), layer.format.fraction)


def _output_port(name: str, tensor: SymbolicTensor, fmt: FixedPoint, variables: list[FVariable]) -> OutputPort:
    """The port of a result, its varying elements appended to ``variables``."""
    shift = fmt.fraction - tensor.fraction
    sources, constants = [], []
    for element in tensor.aligned(fmt.fraction) if shift >= 0 else tensor:
        if element.base is None:
            sources.append(-1)
            constants.append(element.low >> max(-shift, 0))
        else:
            sources.append(len(variables))
            constants.append(0)
            variables.append(element.materialised() * 2.0 ** min(shift, 0))
    return OutputPort(name, tensor.shape, fmt, tuple(sources), tuple(constants))


def _graph(inputs: list[FVariable], outputs: list[FVariable], tags: _LayerTags) -> tuple[CombLogic, tuple[str, ...]]:
    """The optimised graph with ternary adders, and the layer of each operation.

    alkaid's passes carry an operation's cost field along untouched, so that it can hold the layer meanwhile. The pass
    that traces again is left out: it derives all ranges anew, through float32.
    """
    if not outputs:
        return CombLogic((len(inputs), 0), [0] * len(inputs), [], [], [], [], COST_MODEL.carry_size, COST_MODEL.adder_size), ()
    comb = trace(inputs, outputs, optimize=False)
    marks = list(_marks(inputs, outputs, tags))
    assert len(marks) == len(comb.ops)
    comb = comb._replace(ops=[op._replace(cost=float(mark)) for op, mark in zip(comb.ops, marks, strict=True)])
    comb = optimize(comb, surrogate=False, retrace=False)
    comb = dead_code_elimin(fuse_ternary_adders(comb))
    layers = tuple(tags.names[int(op.cost)] for op in comb.ops)
    return add_surrogate(comb), layers


def _marks(inputs: list[FVariable], outputs: list[FVariable], tags: _LayerTags) -> Iterator[int]:
    """Layer of each operation, in the order in which alkaid writes them: a negation follows what it negates."""
    variables = gather_variables(inputs, outputs)
    negated = needs_negative(variables, outputs)
    for variable in variables:
        place = tags.place.get(variable.id.int, 0)
        yield place
        if variable.id in negated:
            yield place


def _without_constants(comb: CombLogic, ports: list[OutputPort]) -> tuple[CombLogic, list[OutputPort]]:
    """Outputs that the passes found to be constant moved from the graph to the ports."""
    words = {i: int(_constant_word(comb, i)) for i, op in enumerate(comb.out_idxs) if comb.ops[op].opcode == 5}
    if not words:
        return comb, ports
    kept = [i for i in range(len(comb.out_idxs)) if i not in words]
    place = {old: new for new, old in enumerate(kept)}
    ports = [
        replace(
            port,
            sources=tuple(place.get(source, -1) for source in port.sources),
            constants=tuple(words.get(s, c) for s, c in zip(port.sources, port.constants, strict=True)),
        )
        for port in ports
    ]
    return (
        comb._replace(
            shape=(comb.shape[0], len(kept)),
            out_idxs=[comb.out_idxs[i] for i in kept],
            out_shifts=[comb.out_shifts[i] for i in kept],
            out_negs=[comb.out_negs[i] for i in kept],
        ),
        ports,
    )


def _constant_word(comb: CombLogic, output: int) -> float:
    op: Op = comb.ops[comb.out_idxs[output]]
    value: float = op.data[0] * op.qint.step * 2.0 ** comb.out_shifts[output]
    return -value if comb.out_negs[output] else value
