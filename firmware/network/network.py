"""A network: layers in order, each after those that feed it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from firmware.errors import UserError
from firmware.network.fixed_point import FixedPoint
from firmware.network.layers import Conv1D, Conv2D, Dense, Input, Layer, Shape, Words

__all__ = ["Network"]


@dataclass(frozen=True)
class Network:
    """A quantised network.

    Parameters
    ----------
    name : str
    layers : tuple of layers, in topological order
    outputs : tuple of str
        Names of the layers whose values leave the network, in order.

    Raises
    ------
    UserError
        A name is used twice, a source or an output does not exist, or shapes do not fit.
    """

    name: str
    layers: tuple[Layer, ...]
    outputs: tuple[str, ...]

    def __post_init__(self) -> None:
        seen: set[str] = set()
        for layer in self.layers:
            if layer.name in seen:
                raise UserError(f"layer name '{layer.name}' must be used once in network '{self.name}'")
            for source in layer.sources:
                if source not in seen:
                    raise UserError(f"source of layer '{layer.name}' must be an earlier layer, not '{source}'")
            seen.add(layer.name)
        for output in self.outputs:
            if output not in seen:
                raise UserError(f"output of network '{self.name}' must be one of its layers, not '{output}'")
            if isinstance(self.layer(output), Input):
                raise UserError(f"output '{output}' of network '{self.name}' must be computed, not be an input")
        if len(set(self.outputs)) != len(self.outputs):
            raise UserError(f"outputs of network '{self.name}' must each be a layer of its own, not {self.outputs}")
        if not self.inputs or not self.outputs:
            raise UserError(f"network '{self.name}' must have at least one input and one output")
        shapes = self.shapes  # refuses what does not fit
        for layer in self.layers:
            if isinstance(layer, Dense | Conv1D | Conv2D):
                kernel_shape = layer.kernel_shape(shapes[layer.source])
                _check_weights(f"kernel of '{layer.name}'", layer.kernel, layer.kernel_format, kernel_shape)
                if layer.bias_format is not None:
                    _check_weights(f"bias of '{layer.name}'", layer.bias, layer.bias_format, kernel_shape[-1:])
                elif layer.bias is not None:
                    raise UserError(f"bias of '{layer.name}' must have a format; give bias_format, or no bias")

    @cached_property
    def shapes(self) -> dict[str, Shape]:
        """Shape of every layer's output, without the batch axis."""
        shapes: dict[str, Shape] = {}
        for layer in self.layers:
            shapes[layer.name] = layer.output_shape(*(shapes[source] for source in layer.sources))
        return shapes

    @property
    def inputs(self) -> tuple[Input, ...]:
        """The input layers, in order."""
        return tuple(layer for layer in self.layers if isinstance(layer, Input))

    def layer(self, name: str) -> Layer:
        """The layer of that name; KeyError if there is none."""
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise KeyError(name)

    @property
    def is_trained(self) -> bool:
        """Whether every weighted layer holds its weights."""
        return all(
            layer.kernel is not None and (layer.bias_format is None or layer.bias is not None)
            for layer in self.layers
            if isinstance(layer, Dense | Conv1D | Conv2D)
        )


def _check_weights(subject: str, words: Words | None, fmt: FixedPoint, shape: Shape) -> None:
    if words is None:
        return
    if words.shape != shape:
        raise UserError(f"{subject} must have shape {shape}, not {words.shape}")
    if words.dtype.kind != "i":
        raise UserError(f"{subject} must hold words (integers), not {words.dtype}; quantise them with {fmt}")
    allowed = np.isin(words, (-1, 1)) if fmt.binary else (words >= fmt.lowest) & (words <= fmt.highest)
    if not allowed.all():
        raise UserError(
            f"{subject} must hold words of its format ({fmt.lowest} to {fmt.highest}), not {words[~allowed][0]}"
        )
