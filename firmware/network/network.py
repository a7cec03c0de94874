"""A network: layers in order, each after those that feed it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from firmware.errors import UserError
from firmware.network.layers import Conv1D, Conv2D, Dense, Input, Layer, Shape, WeightedLayer

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
        for layer in self.layers:
            if isinstance(layer, Dense | Conv1D | Conv2D):
                self._check_weights(layer)

    def _check_weights(self, layer: WeightedLayer) -> None:
        expected = layer.kernel_shape(self.shapes[layer.source])
        if layer.kernel is not None and layer.kernel.shape != expected:
            raise UserError(f"kernel of '{layer.name}' must have shape {expected}, not {layer.kernel.shape}")
        if layer.bias is not None and layer.bias.shape != expected[-1:]:
            raise UserError(f"bias of '{layer.name}' must have shape {expected[-1:]}, not {layer.bias.shape}")

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
