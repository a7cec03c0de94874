"""From a QKeras model to the description; what firmware cannot carry is refused here, with advice."""

from __future__ import annotations

from collections import Counter
from typing import Any

from firmware.errors import UserError
from firmware.network.keras2 import import_keras
from firmware.network.layers import Input, Layer, Shape
from firmware.network.names import check_names
from firmware.network.network import Network
from firmware.network.qkeras_formats import activation_format, is_linear
from firmware.network.qkeras_layers import read_layer

__all__ = ["PRUNING_WRAPPERS", "from_qkeras", "graph_nodes", "unwrap"]

PRUNING_WRAPPERS = ("PruneLowMagnitude",)
_IDENTITIES = ("Dropout", "SpatialDropout1D", "SpatialDropout2D", "GaussianNoise", "GaussianDropout")


def from_qkeras(model: Any) -> Network:
    """The description of a QKeras model, its weights quantised to words.

    Parameters
    ----------
    model : tf_keras.Model
        Functional or Sequential, built. Pruning wrappers, dropout and linear activations are folded away; a fused
        ``activation=`` becomes a layer named ``<layer>_<activation>``.

    Returns
    -------
    Network

    Raises
    ------
    UserError
        The model holds what firmware cannot compute exactly; the message says what to use instead.
    """
    reader = _Reader()
    nodes = graph_nodes(model)
    for node in nodes:
        reader.read(node)
    outputs = [reader.output(tensor) for tensor in model.outputs]
    inputs = [reader.input_of(tensor) for tensor in model.inputs]
    layers = (*inputs, *(layer for layer in reader.layers if not isinstance(layer, Input)))
    check_names(name for layer in layers for name in _names(layer))
    network = Network(model.name, layers, tuple(outputs))
    for tensor, name in zip(model.outputs, outputs, strict=True):
        assert tuple(tensor.shape)[1:] == network.shapes[name], (name, tensor.shape, network.shapes[name])
    return network


def graph_nodes(model: Any) -> list[Any]:
    """The calls of layers that make up a model, each after those that feed it.

    Raises
    ------
    UserError
        It is no functional or Sequential Keras 2 model, or a layer or model is called twice or nested.
    """
    keras = import_keras()
    if not isinstance(model, keras.Model):
        kind = f"{type(model).__module__}.{type(model).__name__}"
        raise UserError(f"model must be a tf_keras (Keras 2) Model, as QKeras makes, not {kind}")
    if not getattr(model, "_is_graph_network", False):
        raise UserError(
            f"model '{model.name}' must be functional or Sequential with a known input shape, not subclassed or "
            "unbuilt; rebuild it with tf_keras.Input and tf_keras.Model(inputs, outputs)"
        )
    depths = model._nodes_by_depth
    nodes = [node for depth in sorted(depths, reverse=True) for node in depths[depth]]
    for name, count in Counter(node.layer.name for node in nodes).items():
        if count > 1:
            raise UserError(
                f"layer '{name}' must be called once, not {count} times; give each call a layer of its own, or use "
                "QConv1D with kernel_size=1 over a list of objects"
            )
    return nodes


def unwrap(keras_layer: Any) -> Any:
    """The layer inside a pruning wrapper, or the layer itself."""
    return keras_layer.layer if type(keras_layer).__name__ in PRUNING_WRAPPERS else keras_layer


class _Reader:
    """Layers read so far, and under which name each Keras layer's result is known."""

    def __init__(self) -> None:
        self.layers: list[Layer] = []
        self.names: dict[str, str] = {}
        self.inputs: dict[str, Input | None] = {}
        """By name of the Keras input; None until its quantiser is met."""

    def read(self, node: Any) -> None:
        keras_layer = unwrap(node.layer)
        kind = type(keras_layer).__name__
        if kind == "InputLayer":
            _shape(node)
            self.inputs[node.layer.name] = None
            return
        origins = [parent.layer.name for parent in node.parent_nodes]
        if kind == "QActivation" and origins[0] in self.inputs:
            self._quantise_input(origins[0], keras_layer, _shape(node))
            self.names[node.layer.name] = origins[0]
            return
        if kind in _IDENTITIES or (kind == "Activation" and is_linear(keras_layer.activation)):
            self._alias(node.layer.name, origins[0])
            return
        for origin in origins:
            if origin in self.inputs:
                raise UserError(
                    f"input '{origin}' must be quantised before layer '{keras_layer.name}' ({kind}) uses it; put "
                    "QActivation(quantized_bits(bits, integer, alpha=1)) right behind the input"
                )
        sources = [self.names[origin] for origin in origins]
        made = read_layer(keras_layer, sources, _shape(node))
        self.layers += made
        self.names[node.layer.name] = made[-1].name

    def output(self, tensor: Any) -> str:
        name = tensor._keras_history.layer.name
        if name in self.inputs:
            raise UserError(f"output '{name}' must be computed, not be an input as it is; remove it from the outputs")
        return self.names[name]

    def input_of(self, tensor: Any) -> Input:
        name = tensor._keras_history.layer.name
        found = self.inputs[name]
        if found is None:
            raise UserError(f"input '{name}' must be used by the network; remove it")
        return found

    def _quantise_input(self, name: str, keras_layer: Any, shape: Shape) -> None:
        earlier = self.inputs[name]
        if earlier is not None:
            raise UserError(
                f"input '{name}' must have one quantiser, not '{earlier.quantiser_name}' and '{keras_layer.name}'; "
                "quantise it once to the finer format, and again behind that"
            )
        fmt, _ = activation_format(f"layer '{keras_layer.name}'", keras_layer.quantizer)
        quantiser = "" if keras_layer.name == f"{name}_quantiser" else keras_layer.name
        made = Input(name=name, shape=shape, format=fmt, quantiser=quantiser)
        self.inputs[name] = made
        self.layers.append(made)

    def _alias(self, name: str, origin: str) -> None:
        if origin in self.inputs:
            raise UserError(
                f"input '{origin}' must be followed by its quantiser, not by '{name}'; put QActivation first"
            )
        self.names[name] = self.names[origin]


def _names(layer: Layer) -> tuple[str, ...]:
    return (layer.name, layer.quantiser_name) if isinstance(layer, Input) else (layer.name,)


def _shape(node: Any) -> Shape:
    """Shape of the one tensor that a call of a layer makes, without the batch axis."""
    tensors = node.outputs if isinstance(node.outputs, list | tuple) else [node.outputs]
    if len(tensors) != 1:
        raise UserError(f"layer '{node.layer.name}' must give one tensor, not {len(tensors)}; split it into layers")
    shape = tuple(tensors[0].shape)[1:]
    if any(length is None for length in shape):
        raise UserError(f"shape of '{node.layer.name}' must be fixed, not {shape}; give Input every length")
    return tuple(int(length) for length in shape)
