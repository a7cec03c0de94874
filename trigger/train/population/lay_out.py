"""Candidates as tensors of a frame, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from firmware.network.layers import Conv1D, Conv2D, Dense, WeightedLayer
from firmware.network.network import Network
from trigger.train.population.frame import Frame, Positions, positions
from trigger.train.population.quantisers import format_rows
from trigger.train.population.skeleton import Drawn, draw, joined_values

__all__ = ["Placed", "Weights", "node_formats", "pack_inputs", "pack_weights", "parameter_formats", "place",
           "unpack_weights", "with_weights"]  # fmt: skip

Weights = Mapping[str, tuple[NDArray[np.floating], NDArray[np.floating] | None]]
"""Kernel and bias by layer, as real values."""


@dataclass(frozen=True)
class Placed:
    """A network and where its elements lie in a frame.

    Parameters
    ----------
    network : Network
    drawn : Drawn
    positions : list of Positions
        Of every node.
    parameter_indices : dict of str to (int64 array, int64 array or None)
        Place in the flat list of every element of kernel and bias, by layer.
    """

    network: Network
    drawn: Drawn
    positions: list[Positions]
    parameter_indices: dict[str, tuple[NDArray[np.int64], NDArray[np.int64] | None]]


def place(frame: Frame, network: Network) -> Placed:
    """Find the places of a network in a frame of its skeleton."""
    drawn = draw(network)
    assert drawn.skeleton == frame.skeleton
    found = positions(frame, drawn, network)
    indices: dict[str, tuple[NDArray[np.int64], NDArray[np.int64] | None]] = {}
    for one in frame.parameters:
        rows, units = found[frame.skeleton.nodes[one.node].sources[0]][-1], found[one.node][-1]
        window = [np.arange(length) for length in one.kernel_shape[:-2]]
        grid = np.meshgrid(*window, rows, units, indexing="ij")
        kernel = one.kernel.start + np.ravel_multi_index(grid, one.kernel_shape)
        indices[drawn.names[one.node]] = kernel, one.bias.start + units if one.bias_length else None
    return Placed(network, drawn, found, indices)


def pack_weights(frame: Frame, placed: Placed, weights: Weights) -> NDArray[np.float32]:
    """Flat parameters, float32 of shape (frame.n_parameters,); zero where the network has none."""
    flat = np.zeros(frame.n_parameters, np.float32)
    for name, (kernel_at, bias_at) in placed.parameter_indices.items():
        kernel, bias = weights[name]
        flat[kernel_at] = kernel
        if bias_at is not None:
            assert bias is not None
            flat[bias_at] = bias
    return flat


def unpack_weights(placed: Placed, flat: NDArray[np.float32]) -> dict[str, tuple[NDArray, NDArray | None]]:
    """Kernel and bias by layer; the inverse of `pack_weights`."""
    return {
        name: (flat[kernel_at], None if bias_at is None else flat[bias_at])
        for name, (kernel_at, bias_at) in placed.parameter_indices.items()
    }


def with_weights(network: Network, weights: Weights) -> Network:
    """The network with these weights rounded to its formats."""
    layers = []
    for layer in network.layers:
        if isinstance(layer, Dense | Conv1D | Conv2D):
            kernel, bias = weights[layer.name]
            words = None
            if layer.bias_format is not None:
                assert bias is not None
                words = layer.bias_format.quantise(bias)
            layer = replace(layer, kernel=layer.kernel_format.quantise(kernel), bias=words)
        layers.append(layer)
    return replace(network, layers=tuple(layers))


def parameter_formats(frame: Frame, placed: Placed) -> NDArray[np.float32]:
    """Format of every parameter, float32 of shape (4, frame.n_parameters).

    It is 0 where the network has none, so that padding is zero whatever happens.
    """
    rows = np.zeros((4, frame.n_parameters), np.float32)
    for name, (kernel_at, bias_at) in placed.parameter_indices.items():
        layer = placed.network.layer(name)
        assert isinstance(layer, WeightedLayer)
        rows[:, kernel_at.ravel()] = format_rows(layer.kernel_format)[:, None]
        if bias_at is not None:
            assert layer.bias_format is not None
            rows[:, bias_at] = format_rows(layer.bias_format)[:, None]
    return rows


def node_formats(frame: Frame, placed: Sequence[Placed]) -> list[NDArray[np.float32]]:
    """Formats of every node of ``frame.format_nodes``, float32 of shape (4, candidates)."""
    found = []
    for at in frame.format_nodes:
        layers = [one.network.layer(one.drawn.names[at]) for one in placed]
        found.append(np.stack([format_rows(layer.format) for layer in layers], axis=1))  # type: ignore[union-attr]
    return found


def pack_inputs(frame: Frame, placed: Placed, words: Mapping[str, NDArray[np.int64]]) -> list[NDArray[np.float32]]:
    """Values of every input node, float32 of shape (events, *padded shape)."""
    made = []
    for at in frame.input_nodes:
        values = joined_values(placed.network, placed.drawn.ports[at], words)
        padded = np.zeros((*values.shape[:-1], frame.shapes[at][-1]), np.float32)
        padded[..., : values.shape[-1]] = values
        made.append(padded)
    return made
