"""The padded shapes that hold every candidate of a group, and where each candidate's elements lie in them.

A candidate's tensor lies in the frame's tensor by one list of positions an axis. What is not a candidate's own is zero
and stays so: its kernels have zero rows and columns there, so nothing flows in, and no gradient comes back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firmware.network.layers import Shape
from firmware.network.network import Network
from trigger.errors import UserError
from trigger.train.population.skeleton import INPUT, WEIGHTED, Drawn, Node, Skeleton

__all__ = ["Frame", "Parameters", "Positions", "frame_of", "positions"]

Positions = tuple[NDArray[np.int64], ...]
"""Where the elements of one tensor lie, for every axis."""


@dataclass(frozen=True)
class Parameters:
    """Where a weighted node's parameters lie in a candidate's flat list: the kernel, then the bias."""

    node: int
    kernel_shape: Shape
    bias_length: int
    start: int

    @property
    def kernel(self) -> slice:
        """Of the kernel, in C order."""
        return slice(self.start, self.start + prod(self.kernel_shape))

    @property
    def bias(self) -> slice:
        """Of the bias; empty without one."""
        return slice(self.kernel.stop, self.kernel.stop + self.bias_length)


@dataclass(frozen=True)
class Frame:
    """A skeleton with padded shapes.

    Parameters
    ----------
    skeleton : Skeleton
    shapes : tuple of tuple of int
        Of every node, without candidates and batch.
    """

    skeleton: Skeleton
    shapes: tuple[Shape, ...]

    @cached_property
    def parameters(self) -> tuple[Parameters, ...]:
        """Of every weighted node, in order."""
        found: list[Parameters] = []
        start = 0
        for at, node in enumerate(self.skeleton.nodes):
            if node.kind in WEIGHTED:
                channels, units = self.shapes[node.sources[0]][-1], self.shapes[at][-1]
                window = () if node.kind == "Dense" else _sizes(node.fixed[0])
                one = Parameters(at, (*window, channels, units), units if node.fixed[-1] else 0, start)
                start = one.bias.stop
                found.append(one)
        return tuple(found)

    @property
    def n_parameters(self) -> int:
        """Length of a candidate's flat list of parameters."""
        return self.parameters[-1].bias.stop if self.parameters else 0

    @property
    def input_nodes(self) -> tuple[int, ...]:
        """Nodes that are inputs."""
        return tuple(at for at, node in enumerate(self.skeleton.nodes) if node.kind == INPUT)

    @property
    def format_nodes(self) -> tuple[int, ...]:
        """Nodes that quantise: Quantise and Relu."""
        return tuple(at for at, node in enumerate(self.skeleton.nodes) if node.kind in ("Quantise", "Relu"))


def frame_of(drawn: Drawn, network: Network, pad: Callable[[int, int], int]) -> Frame:
    """The frame of a network.

    Parameters
    ----------
    drawn : Drawn
        Of the network.
    network : Network
    pad : callable
        ``pad(node, width)``: the padded width of an input or a weighted node; at least its width.

    Returns
    -------
    Frame
        Widths that a reshape or another order of the axes depends on are not padded.
    """
    shapes: list[Shape] = []
    rigid = _rigid(drawn.skeleton)
    for at, node in enumerate(drawn.skeleton.nodes):
        *spatial, width = network.shapes[drawn.names[at]]
        if node.kind == INPUT or node.kind in WEIGHTED:
            shapes.append((*spatial, width if at in rigid else pad(at, width)))
        else:
            shapes.append(_SHAPES[node.kind](node, [shapes[source] for source in node.sources]))
    return Frame(drawn.skeleton, tuple(shapes))


def positions(frame: Frame, drawn: Drawn, network: Network) -> list[Positions]:
    """Where the elements of every node of one network lie in the frame.

    Raises
    ------
    UserError
        Tensors that are added lie differently.
    """
    found: list[Positions] = []
    for at, node in enumerate(frame.skeleton.nodes):
        own = network.shapes[drawn.names[at]]
        if node.kind == INPUT or node.kind in WEIGHTED:
            found.append(tuple(np.arange(length) for length in own))
        elif node.kind == "Flatten":
            axes, shape = found[node.sources[0]], frame.shapes[node.sources[0]]
            found.append((np.ravel_multi_index(np.meshgrid(*axes, indexing="ij"), shape).ravel(),))
        elif node.kind == "Concatenate":
            axis = node.fixed[0]
            first, *_ = joined = [found[source] for source in node.sources]
            offsets = np.cumsum([0, *(frame.shapes[source][axis] for source in node.sources)])
            along = np.concatenate([one[axis] + offset for one, offset in zip(joined, offsets, strict=False)])
            found.append((*first[:axis], along, *first[axis + 1 :]))
        elif node.kind == "Permute":
            found.append(tuple(found[node.sources[0]][axis - 1] for axis in node.fixed[0]))
        elif node.kind in _ELEMENTWISE:
            first, *others = (found[source] for source in node.sources)
            if not all(np.array_equal(one, same) for other in others for one, same in zip(first, other, strict=True)):
                raise UserError(
                    f"sources of layer '{drawn.names[at]}' must be padded alike to be trained in a population: put a "
                    "layer with weights behind the Flatten or Concatenate, or train its candidates one by one"
                )
            found.append(first)
        elif node.kind == "Reshape" and node.fixed[0] == "fixed":
            found.append(tuple(np.arange(length) for length in own))
        else:  # only the last axis may be padded, and it is kept
            last = found[node.sources[0]][-1]
            found.append((*(np.arange(length) for length in own[:-1]), last))
    return found


_ELEMENTWISE = ("Quantise", "Relu", "Add", "Subtract")


def _rigid(skeleton: Skeleton) -> frozenset[int]:
    """Inputs and weighted nodes whose width a later node turns into something else than a width."""
    origins: list[frozenset[int]] = []
    rigid: set[int] = set()
    for at, node in enumerate(skeleton.nodes):
        feeding = frozenset().union(*(origins[source] for source in node.sources))
        if (node.kind == "Reshape" and node.fixed[0] == "fixed") or (
            node.kind == "Permute" and node.fixed[0][-1] != len(node.fixed[0])
        ):
            rigid |= feeding
        origins.append(frozenset([at]) if node.kind == INPUT or node.kind in WEIGHTED else feeding)
    return frozenset(rigid)


def _sizes(value: Any) -> tuple[int, ...]:
    return value if isinstance(value, tuple) else (value,)


def _window_shape(node: Node, shape: Shape) -> Shape:
    size, strides, padding = node.fixed[:3]
    return tuple(
        -(-length // stride) if padding == "same" else (length - window) // stride + 1
        for length, window, stride in zip(shape[:-1], _sizes(size), _sizes(strides), strict=True)
    )


def _concatenate(node: Node, shapes: list[Shape]) -> Shape:
    axis = node.fixed[0]
    return (*shapes[0][:axis], sum(shape[axis] for shape in shapes), *shapes[0][axis + 1 :])


def _reshape(node: Node, shapes: list[Shape]) -> Shape:
    return (*node.fixed[1], shapes[0][-1]) if node.fixed[0] == "ones" else tuple(node.fixed[2])


def _pool(node: Node, shapes: list[Shape]) -> Shape:
    return (*_window_shape(node, shapes[0]), shapes[0][-1])


_SHAPES: dict[str, Callable[[Node, list[Shape]], Shape]] = {
    **dict.fromkeys(_ELEMENTWISE, lambda node, shapes: shapes[0]),
    "Concatenate": _concatenate,
    "Flatten": lambda node, shapes: (prod(shapes[0]),),
    "Reshape": _reshape,
    "Permute": lambda node, shapes: tuple(shapes[0][axis - 1] for axis in node.fixed[0]),
    "UpSampling1D": lambda node, shapes: (shapes[0][0] * node.fixed[0], shapes[0][1]),
    "GlobalAveragePooling1D": lambda node, shapes: shapes[0][1:],
    **dict.fromkeys(("MaxPooling1D", "MaxPooling2D", "AveragePooling1D", "AveragePooling2D"), _pool),
}
