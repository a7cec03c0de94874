"""What networks must share to be computed side by side: kinds of layers, their wiring, and all that is no width.

Widths, formats, sparsities and which inputs enter are *not* part of it: those are tensors of the graph. Inputs that are
only joined with each other count as one input, whatever their number, since the join is made when events are laid out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firmware.network.layers import (
    Add,
    AveragePooling1D,
    AveragePooling2D,
    Concatenate,
    Conv1D,
    Conv2D,
    Dense,
    Flatten,
    GlobalAveragePooling1D,
    Input,
    Layer,
    MaxPooling1D,
    MaxPooling2D,
    Permute,
    Quantise,
    Relu,
    Reshape,
    Subtract,
    UpSampling1D,
)
from firmware.network.network import Network
from trigger.errors import UserError

__all__ = ["INPUT", "WEIGHTED", "Drawn", "Node", "Skeleton", "draw", "joined_values"]

INPUT = "Input"
WEIGHTED = ("Dense", "Conv1D", "Conv2D")


@dataclass(frozen=True)
class Node:
    """One layer without its width and formats.

    Parameters
    ----------
    kind : str
        Name of the layer's class; `INPUT` also for joined inputs.
    sources : tuple of int
        Nodes that feed it.
    fixed : tuple
        All else that decides the computation.
    """

    kind: str
    sources: tuple[int, ...] = ()
    fixed: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Skeleton:
    """Nodes in topological order, and those whose values leave the network."""

    nodes: tuple[Node, ...]
    outputs: tuple[int, ...]


@dataclass(frozen=True)
class Drawn:
    """A network on its skeleton.

    Parameters
    ----------
    skeleton : Skeleton
    names : tuple of str
        Name of the network's layer at every node.
    ports : dict of int to tuple of str
        For every input node: the ports that are joined there, in order.
    """

    skeleton: Skeleton
    names: tuple[str, ...]
    ports: dict[int, tuple[str, ...]]


def draw(network: Network) -> Drawn:
    """Find the skeleton of a network.

    Raises
    ------
    UserError
        A format is the two values -1 and +1: QKeras's own straight-through sum is inexact there.
    """
    joined = _joined_inputs(network)
    used = {source for layer in network.layers if layer.name not in joined for source in layer.sources}
    if used & set(network.outputs) & set(joined):
        raise UserError(f"outputs of network '{network.name}' must be computed, not be joined inputs")
    nodes: list[Node] = []
    at: dict[str, int] = {}
    ports: dict[int, tuple[str, ...]] = {}
    for layer in network.layers:
        if layer.name in joined:
            if layer.name not in used:
                continue
            ports[len(nodes)] = joined[layer.name]
            node = Node(INPUT, (), network.shapes[layer.name][:-1])
        else:
            _refuse_binary(layer)
            fixed = _FIXED[type(layer)](layer, network)
            node = Node(type(layer).__name__, tuple(at[source] for source in layer.sources), fixed)
        at[layer.name] = len(nodes)
        nodes.append(node)
    return Drawn(Skeleton(tuple(nodes), tuple(at[name] for name in network.outputs)), tuple(at), ports)


def joined_values(
    network: Network, ports: tuple[str, ...], words: Mapping[str, NDArray[np.int64]]
) -> NDArray[np.float32]:
    """Values of the ports of one input node, float32 of shape (events, ..., sum of the lengths of the last axis)."""
    formats = {port.name: port.format for port in network.inputs}
    return np.concatenate([formats[name].to_float(words[name]).astype(np.float32) for name in ports], axis=-1)


def _joined_inputs(network: Network) -> dict[str, tuple[str, ...]]:
    """Ports by layer, for all inputs and all layers that only join inputs along the last axis."""
    found: dict[str, tuple[str, ...]] = {}
    for layer in network.layers:
        if isinstance(layer, Input):
            found[layer.name] = (layer.name,)
        elif isinstance(layer, Concatenate) and all(source in found for source in layer.sources):
            rank = len(network.shapes[layer.name])
            if layer.axis % rank == rank - 1:
                found[layer.name] = tuple(port for source in layer.sources for port in found[source])
    return found


def _refuse_binary(layer: Layer) -> None:
    formats = [getattr(layer, name, None) for name in ("format", "kernel_format", "bias_format")]
    if any(fmt is not None and fmt.binary for fmt in formats):
        raise UserError(
            f"formats of layer '{layer.name}' must have at least 2 bits to be trained in a population, not be the "
            "values -1 and +1; choose 2 bits, or train its candidates one by one"
        )


def _attributes(*names: str) -> Callable[[Any, Network], tuple[Any, ...]]:
    return lambda layer, network: tuple(getattr(layer, name) for name in names)


def _convolution(layer: Conv1D | Conv2D, network: Network) -> tuple[Any, ...]:
    return (layer.kernel_size, layer.strides, layer.padding, layer.bias_format is not None)


def _concatenate(layer: Concatenate, network: Network) -> tuple[Any, ...]:
    return (layer.axis % len(network.shapes[layer.name]),)


def _reshape(layer: Reshape, network: Network) -> tuple[Any, ...]:
    """Axes of length 1 that come or go do not depend on widths; every other reshape fixes the shapes."""
    before, after = network.shapes[layer.source], layer.target_shape
    if tuple(n for n in before[:-1] if n != 1) == tuple(n for n in after[:-1] if n != 1) and before[-1] == after[-1]:
        return ("ones", after[:-1])
    return ("fixed", before, after)


_pool = _attributes("pool_size", "strides", "padding")

_FIXED: dict[type, Callable[[Any, Network], tuple[Any, ...]]] = {
    Quantise: _attributes(),
    Relu: _attributes(),
    Dense: lambda layer, network: (layer.bias_format is not None,),
    Conv1D: _convolution,
    Conv2D: _convolution,
    Add: _attributes(),
    Subtract: _attributes(),
    Concatenate: _concatenate,
    Flatten: _attributes(),
    Reshape: _reshape,
    Permute: _attributes("dims"),
    UpSampling1D: _attributes("size"),
    GlobalAveragePooling1D: _attributes(),
    MaxPooling1D: _pool,
    MaxPooling2D: _pool,
    AveragePooling1D: _pool,
    AveragePooling2D: _pool,
}
