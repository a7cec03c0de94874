"""From a QKeras model to a plain one that hls4ml reads without guessing.

The values are those of QKeras: weights are put through the model's own quantisers and frozen. What changes is the form:
one layer a step (fused activations stand alone), merges of two tensors at a time, names that hls4ml can use.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from firmware.errors import UserError
from firmware.hls.names import SafeNames
from firmware.network.keras2 import import_keras, import_qkeras
from firmware.network.layers import Input, Quantise, Relu
from firmware.network.network import Network
from firmware.network.qkeras_layers import fused_name
from firmware.network.qkeras_read import graph_nodes, unwrap

__all__ = ["HlsLayer", "Prepared", "prepare"]

_IDENTITY = ("Dropout", "SpatialDropout1D", "SpatialDropout2D", "GaussianNoise", "GaussianDropout")
_COPIED = (
    "Subtract", "Flatten", "Reshape", "Permute", "UpSampling1D", "GlobalAveragePooling1D", "MaxPooling1D",
    "MaxPooling2D", "AveragePooling1D", "AveragePooling2D",
)  # fmt: skip
_RESHAPES = ("Flatten", "Reshape")
_MOVES = (*_RESHAPES, "Permute", "UpSampling1D")


@dataclass(frozen=True)
class HlsLayer:
    """A layer of the prepared model."""

    name: str
    """Its name in the hls4ml project."""

    described_by: str
    """The layer of the description whose types it takes."""

    is_result: bool = True
    """Whether its values are to be shown as that layer's (False: a part of a longer merge, or a copy)."""

    is_recast: bool = False
    """Whether its type must differ in its rounding mode from its source's, though not in its values."""


@dataclass
class Prepared:
    """A plain Keras model, its layers in order, and where the network's inputs and outputs went."""

    model: Any = None
    layers: list[HlsLayer] = field(default_factory=list)
    inputs: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)


def prepare(model: Any, network: Network) -> Prepared:
    """A plain model with the same integers.

    Parameters
    ----------
    model : tf_keras.Model
        QKeras model, functional or sequential; pruning wrappers are looked through.
    network : Network
        Its description: it says what is an input's quantiser and what a fused activation is called.

    Raises
    ------
    UserError
        A layer that hls4ml does not compute exactly, or one that the description lacks.
    """
    return _Builder(model, network).build()


class _Builder:
    def __init__(self, model: Any, network: Network) -> None:
        self.keras = import_keras()
        self.model, self.network = model, network
        self.names = SafeNames()
        self.result = Prepared()
        self.tensors: dict[str, Any] = {}
        """Keras layer name to the tensor that stands for its output."""
        self.described: dict[str, str] = {}
        """Keras layer name to the layer of the description that holds the same values."""
        self.flat: dict[str, str] = {}
        """Keras layer name to the name of the layer whose values it holds, through reshapes."""
        self.permuted: set[str] = set()
        self.recast: set[str] = set()
        self.weights: list[tuple[Any, list[np.ndarray]]] = []

    def build(self) -> Prepared:
        for node in graph_nodes(self.model):
            self._add(node.layer.name, unwrap(node.layer), [parent.layer.name for parent in node.parent_nodes])
        self._finish()
        return self.result

    def _add(self, keras_name: str, layer: Any, sources: list[str]) -> None:
        kind = type(layer).__name__
        inputs = [self.tensors[source] for source in sources]
        if kind == "InputLayer":
            self._input(keras_name, layer)
        elif _changes_nothing(layer):
            self.tensors[keras_name] = inputs[0]
            self.described[keras_name] = layer.name if self._has(layer.name) else self.described[sources[0]]
            self.flat[keras_name] = self.flat[sources[0]]
        elif kind == "QActivation":
            self._activation(keras_name, layer, sources[0])
        elif kind in ("QDense", "QConv1D", "QConv2D"):
            self._weighted(keras_name, layer, inputs[0])
        elif kind in ("Add", "Concatenate"):
            self._merge(keras_name, layer, inputs)
        elif kind in _COPIED:
            self._copy(keras_name, layer, sources, inputs)
        else:
            raise UserError(
                f"layer '{keras_name}' must be one that hls4ml computes exactly, not {kind}; "
                "see the list of supported layers in the README"
            )

    def _input(self, keras_name: str, layer: Any) -> None:
        described = self._known(layer.name)
        name = self._take(layer.name, described)
        shape = self.network.shapes[described]
        self._put(keras_name, described, self.keras.Input(shape, name=name))
        self.result.inputs[described] = name

    def _activation(self, keras_name: str, layer: Any, source: str) -> None:
        described = layer.name if self._has(layer.name) else self.described[source]
        if not isinstance(self.network.layer(described), Input | Quantise | Relu):
            raise _unknown(layer.name)
        self._put(keras_name, described, self._quantiser(layer.name, described, layer.quantizer, self.tensors[source]))

    def _copy(self, keras_name: str, layer: Any, sources: list[str], inputs: list[Any]) -> None:
        kind = type(layer).__name__
        described = self._known(layer.name)
        recast = kind in _MOVES and sources[0] in self.recast
        if kind in _RESHAPES and sources[0] in self.permuted:
            # hls4ml would swap a permutation in front of a flattening for another order of weights, and not always the
            # right one: keep the two apart.
            recast = not recast
            of = self.described[sources[0]]
            name = self._take(f"{of}_copy", of, is_result=False, is_recast=recast)
            inputs = [self.keras.layers.Activation("linear", name=name)(inputs[0])]
        config = layer.get_config() | {"name": self._take(layer.name, described, is_recast=recast)}
        self._put(keras_name, described, type(layer).from_config(config)(inputs if len(inputs) > 1 else inputs[0]))
        if kind in _RESHAPES:
            self.flat[keras_name] = self.flat[sources[0]]
        if kind == "Permute":
            self.permuted.add(keras_name)
        if recast:
            self.recast.add(keras_name)

    def _weighted(self, keras_name: str, layer: Any, tensor: Any) -> None:
        described = self._known(layer.name)
        made = _plain_weighted(self.keras, layer, self._take(layer.name, described))
        result = made(tensor)
        weights = [_quantised(layer.kernel_quantizer_internal, layer.kernel)]
        if layer.use_bias:
            weights.append(_quantised(layer.bias_quantizer_internal, layer.bias))
        self.weights.append((made, weights))
        self._put(keras_name, described, result)
        if not _is_linear(layer.activation):
            fused = self._known(fused_name(layer))
            self._put(keras_name, fused, self._quantiser(fused, fused, layer.activation, result))

    def _merge(self, keras_name: str, layer: Any, inputs: list[Any]) -> None:
        described = self._known(layer.name)
        config = layer.get_config()
        result = inputs[0]
        for i, other in enumerate(inputs[1:], start=2):
            is_last = i == len(inputs)
            name = self._take(layer.name if is_last else f"{layer.name}_of_{i}", described, is_result=is_last)
            result = type(layer).from_config(config | {"name": name})([result, other])
        self._put(keras_name, described, result)

    def _quantiser(self, name: str, described: str, quantiser: Any, tensor: Any) -> Any:
        kind = _quantiser_kind(name, quantiser)
        own = self._take(name, described)
        if kind == "binary":
            # Its values are -1 and +1, and a cast to two bits would give 0 for a small one: hls4ml has a sign function.
            qkeras = import_qkeras()
            return qkeras.QActivation(qkeras.quantizers.binary(alpha=1), name=own)(tensor)
        return self.keras.layers.Activation(kind, name=own)(tensor)

    def _put(self, keras_name: str, described: str, tensor: Any) -> None:
        self.tensors[keras_name] = tensor
        self.described[keras_name] = described
        self.flat[keras_name] = self.result.layers[-1].name

    def _take(self, name: str, described: str, *, is_result: bool = True, is_recast: bool = False) -> str:
        taken = self.names.take(name)
        self.result.layers.append(HlsLayer(taken, described, is_result, is_recast))
        return taken

    def _has(self, name: str) -> bool:
        return any(layer.name == name for layer in self.network.layers)

    def _known(self, name: str) -> str:
        if not self._has(name):
            raise _unknown(name)
        return name

    def _finish(self) -> None:
        inputs = [self.tensors[name] for name in self.model.input_names]
        tensors: dict[str, Any] = {}
        for name in self.model.output_names:
            # hls4ml drops a reshape at the end, and cannot give out a tensor and its reshape: the words are the same.
            self.result.outputs[self.described[name]] = self.flat[name]
        by_hls_name = {flat: self.tensors[name] for name, flat in self.flat.items() if self._is_own(name, flat)}
        for flat in self.result.outputs.values():
            tensors[flat] = by_hls_name[flat]
        missing = set(self.network.outputs) ^ set(self.result.outputs)
        if missing:
            raise _unknown(", ".join(sorted(missing)))
        self.result.model = self.keras.Model(inputs, list(tensors.values()))
        for layer, values in self.weights:
            layer.set_weights(values)

    def _is_own(self, name: str, flat: str) -> bool:
        return bool(self.tensors[name]._keras_history.layer.name == flat)


def _plain_weighted(keras: Any, layer: Any, name: str) -> Any:
    kind = type(layer).__name__
    config = layer.get_config()
    kept = ["use_bias"]
    if kind == "QDense":
        kept.append("units")
    else:
        kept += ["filters", "kernel_size", "strides", "padding", "dilation_rate", "groups"]
        if any(np.ravel(config.get("dilation_rate", 1)) != 1) or config.get("groups", 1) != 1:
            raise UserError(f"dilation_rate and groups of '{layer.name}' must be 1: hls4ml ignores others")
        if config.get("data_format", "channels_last") != "channels_last":
            raise UserError(f"data_format of '{layer.name}' must be channels_last")
    made: Callable[..., Any] = getattr(keras.layers, kind[1:])
    return made(name=name, **{key: config[key] for key in kept if key in config})


def _quantised(quantiser: Any, variable: Any) -> np.ndarray:
    return np.asarray(quantiser(variable))


def _changes_nothing(layer: Any) -> bool:
    kind = type(layer).__name__
    if kind == "Permute":  # hls4ml drops one of a single axis itself
        return list(layer.dims) == sorted(layer.dims)
    return kind in _IDENTITY or (kind == "Activation" and _is_linear(layer.activation))


def _is_linear(activation: Any) -> bool:
    return activation is None or getattr(activation, "__name__", "") == "linear"


def _quantiser_kind(name: str, quantiser: Any) -> str:
    kind = type(quantiser).__name__
    if kind == "quantized_relu":
        return "relu"
    if kind == "quantized_bits":
        return "binary" if int(quantiser.bits) == 1 and quantiser.keep_negative else "linear"
    raise UserError(f"quantiser of '{name}' must be quantized_bits or quantized_relu, not {kind}")


def _unknown(name: str) -> UserError:
    return UserError(
        f"layer {name} of the model must be in its description, and is not; describe this very model with from_qkeras"
    )
