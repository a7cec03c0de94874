"""The padded shapes that hold every candidate of a group, and where each candidate's elements lie in them.

A candidate's tensor lies in the frame's tensor by one list of positions an axis. What is not a candidate's own is zero
and stays so: its kernels have zero rows and columns there, so nothing flows in, and no gradient comes back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firmware.network.layers import Shape
from firmware.network.network import Network
from firmware.network.windows import window_count
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


def frame_of(drawn: Drawn, networks: Sequence[tuple[Drawn, Network]], pad: Callable[[int], int]) -> Frame:
    """The frame for a group of networks of one skeleton.

    Parameters
    ----------
    drawn : Drawn
        Of one of them.
    networks : sequence of (Drawn, Network)
        All of them.
    pad : callable
        Length of an axis to its padded length; at least it, and never falling.

    Returns
    -------
    Frame

    Raises
    ------
    UserError
        Widths differ where the computation cannot be padded.
    """
    shapes: list[Shape] = []
    rigid = _rigid(drawn.skeleton)
    for at, node in enumerate(drawn.skeleton.nodes):
        if node.kind == INPUT:
            lengths = [network.shapes[one.names[at]][-1] for one, network in networks]
            shapes.append((*node.fixed, _padded(at, lengths, rigid, pad)))
        elif node.kind in WEIGHTED:
            lengths = [network.shapes[one.names[at]][-1] for one, network in networks]
            own = tuple(networks[0][1].shapes[networks[0][0].names[at]][:-1])
            spatial = own if node.kind == "Dense" else _window_shape(node, shapes[node.sources[0]])
            shapes.append((*spatial, _padded(at, lengths, rigid, pad)))
        else:
            shapes.append(_SHAPES[node.kind](node, [shapes[source] for source in node.sources]))
    return Frame(drawn.skeleton, tuple(shapes))


def positions(frame: Frame, drawn: Drawn, network: Network) -> list[Positions]:
    """Where the elements of every node of one network lie in the frame."""
    found: list[Positions] = []
    for at, node in enumerate(frame.skeleton.nodes):
        own = network.shapes[drawn.names[at]]
        if node.kind == INPUT or node.kind in WEIGHTED:
            found.append(tuple(np.arange(length) for length in own))
        elif node.kind == "Flatten":
            axes, shape = found[node.sources[0]], frame.shapes[node.sources[0]]
            found.append((np.ravel_multi_index(np.meshgrid(*axes, indexing="ij"), shape).ravel(),))
        elif node.kind == "Concatenate":
            axes = list(found[node.sources[0]])
            offsets = np.cumsum([0, *(frame.shapes[source][node.fixed[0]] for source in node.sources)])
            axes[node.fixed[0]] = np.concatenate(
                [found[source][node.fixed[0]] + offset for source, offset in zip(node.sources, offsets, strict=False)]
            )
            found.append(tuple(axes))
        elif node.kind == "Permute":
            found.append(tuple(found[node.sources[0]][axis - 1] for axis in node.fixed[0]))
        elif node.kind in _ELEMENTWISE:
            found.append(found[node.sources[0]])
        else:  # only the last axis may be padded, and it is kept
            last = found[node.sources[0]][-1]
            found.append((*(np.arange(length) for length in own[:-1]), last))
    return found


_ELEMENTWISE = ("Quantise", "Relu", "Add", "Subtract")


def _padded(at: int, lengths: list[int], rigid: frozenset[int], pad: Callable[[int], int]) -> int:
    if at not in rigid:
        return pad(max(lengths))
    if len(set(lengths)) != 1:
        raise UserError(
            f"widths of layer {at} must be equal for all candidates of a population where a reshape or a convolution "
            f"depends on them, not {sorted(set(lengths))}; train them in groups of one width"
        )
    return lengths[0]


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
        window_count(length, *pair, padding)
        for length, *pair in zip(shape[:-1], _sizes(size), _sizes(strides), strict=True)
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
