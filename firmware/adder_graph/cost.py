"""What a network costs as an adder graph: the figure that a search scores."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from firmware.adder_graph.program import Program
from firmware.adder_graph.trace import trace_network
from firmware.network.network import Network

__all__ = ["Cost", "adder_graph_cost", "cost_of"]

_ADDERS = {0: 1, 1: 1, 11: 2}
_KEPT = 4096
_known: OrderedDict[str, Cost] = OrderedDict()


@dataclass(frozen=True)
class Cost:
    """Cost of an adder graph, by alkaid 0.8.2's model.

    Parameters
    ----------
    lut_raw : float
        LUTs of the graph as it is emitted: after fusion of adder pairs into ternary adders (what alkaid's tracing
        reports is the cost before it). Not calibrated: see ``firmware.resources``.
    latency_ns_estimate : float
        Longest path from any input to any output, unregistered, in ns.
    lut_two_input : float
        LUTs before that fusion, counted as in the published calibration.
    n_adders : int
        Two-input additions and subtractions; a ternary adder is two.
    lut_by_layer : mapping of layer name to float
        ``lut_raw`` by layer.
    """

    lut_raw: float
    lut_two_input: float
    latency_ns_estimate: float
    n_adders: int
    lut_by_layer: Mapping[str, float]


def adder_graph_cost(network: Network, *, fast: bool = True) -> Cost:
    """Cost of a trained network; the same network is solved once in a process.

    Parameters
    ----------
    network : Network
        Trained.
    fast : bool
        One greedy solution of each matrix product: 3 to 5 times faster, within a few per cent.

    Raises
    ------
    UserError
        The network has no weights, or words outgrow what can be computed exactly.
    """
    key = f"{fast}:{_digest(network)}"
    if key in _known:
        _known.move_to_end(key)
        return _known[key]
    cost = cost_of(trace_network(network, fast=fast))
    _known[key] = cost
    while len(_known) > _KEPT:
        _known.popitem(last=False)
    return cost


def cost_of(program: Program) -> Cost:
    """Cost of a program."""
    ops = program.comb.ops
    by_layer: dict[str, float] = {}
    for op, layer in zip(ops, program.layer_of_op, strict=True):
        by_layer[layer] = by_layer.get(layer, 0.0) + op.cost
    return Cost(
        lut_raw=program.cost,
        lut_two_input=program.two_input_cost,
        latency_ns_estimate=max((op.latency for op in ops), default=0.0),
        n_adders=sum(_ADDERS.get(op.opcode, 0) for op in ops),
        lut_by_layer=by_layer,
    )


def _digest(network: Network) -> str:
    digest = hashlib.sha256(repr(network.outputs).encode())
    for layer in network.layers:
        digest.update(type(layer).__name__.encode())
        for field in fields(layer):
            value: Any = getattr(layer, field.name)
            digest.update(repr(value).encode() if not isinstance(value, np.ndarray) else _array_bytes(value))
    return digest.hexdigest()


def _array_bytes(array: np.ndarray[Any, Any]) -> bytes:
    return repr(array.shape).encode() + np.ascontiguousarray(array, dtype=np.int64).tobytes()
