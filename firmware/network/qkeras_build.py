"""From the description to a QKeras model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from firmware.errors import UserError
from firmware.network.fixed_point import FixedPoint
from firmware.network.float64_quantisers import bits64, relu64
from firmware.network.keras2 import import_keras, import_qkeras
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
    WeightedLayer,
)
from firmware.network.network import Network

__all__ = ["to_qkeras"]


def to_qkeras(network: Network, *, float64: bool = False, seed: int = 0) -> Any:
    """The QKeras model of a network.

    Parameters
    ----------
    network : Network
    float64 : bool
        Compute in float64, with stand-ins for QKeras's quantisers: for inference where float32 would round.
    seed : int
        Of the initial kernels, where the network has no weights.

    Returns
    -------
    tf_keras.Model
        Layers named as in the network; weights where the network has them, else He-normal kernels and zero biases.

    Raises
    ------
    UserError
        A format has negative integer bits, which QKeras cannot compute in float32.
    """
    keras = import_keras()
    build = _Build(float64, seed)
    tensors: dict[str, Any] = {}
    inputs = []
    for layer in network.layers:
        if isinstance(layer, Input):
            tensor = keras.Input(layer.shape, name=layer.name, dtype=build.dtype)
            inputs.append(tensor)
            tensors[layer.name] = build.activation(layer.quantiser_name, layer.format, is_relu=False)(tensor)
        else:
            sources = [tensors[source] for source in layer.sources]
            made = _RULES[type(layer)](build, layer)
            tensors[layer.name] = made(sources if isinstance(layer, _MERGES) else sources[0])
    model = keras.Model(inputs, [tensors[name] for name in network.outputs], name=network.name)
    for layer in network.layers:
        if isinstance(layer, Dense | Conv1D | Conv2D) and layer.kernel is not None:
            set_weights(model.get_layer(layer.name), layer)
    return model


def set_weights(keras_layer: Any, layer: WeightedLayer) -> None:
    """Give a QKeras layer exactly the quantised weights of the description."""
    assert layer.kernel is not None
    weights = [layer.kernel_format.to_float(layer.kernel)]
    if layer.bias is not None:
        assert layer.bias_format is not None
        weights.append(layer.bias_format.to_float(layer.bias))
    keras_layer.set_weights(weights)


_MERGES = (Add, Subtract, Concatenate)


class _Build:
    """What every layer needs to know: the float type, and quantisers of that type."""

    def __init__(self, float64: bool, seed: int) -> None:
        self.float64 = float64
        self.seed = seed
        self.dtype = "float64" if float64 else "float32"
        self.keras = import_keras().layers
        self.initializers = import_keras().initializers
        self.qkeras = import_qkeras()

    def quantiser(self, name: str, fmt: FixedPoint) -> Any:
        bits, integer, keep_negative, symmetric = fmt.quantized_bits_arguments
        if self.float64:
            return bits64(bits, integer, keep_negative, symmetric)
        _need_float32(name, fmt)
        return self.qkeras.quantized_bits(bits, integer, symmetric=int(symmetric), keep_negative=keep_negative, alpha=1)

    def activation(self, name: str, fmt: FixedPoint, is_relu: bool) -> Any:
        if not is_relu:
            return self.qkeras.QActivation(self.quantiser(name, fmt), name=name, dtype=self.dtype)
        if self.float64:
            return self.qkeras.QActivation(relu64(fmt.width, fmt.integer), name=name, dtype=self.dtype)
        _need_float32(name, fmt)
        relu = self.qkeras.quantized_relu(fmt.width, fmt.integer)
        return self.qkeras.QActivation(relu, name=name, dtype=self.dtype)

    def weighted(self, layer: WeightedLayer) -> dict[str, Any]:
        """Arguments common to the layers with weights."""
        bias = layer.bias_format
        self.seed += 1  # a layer of its own, a start of its own
        return {
            "name": layer.name,
            "dtype": self.dtype,
            "use_bias": bias is not None,
            "kernel_initializer": self.initializers.HeNormal(seed=self.seed),
            "kernel_quantizer": self.quantiser(layer.name, layer.kernel_format),
            "bias_quantizer": None if bias is None else self.quantiser(layer.name, bias),
        }


def _need_float32(name: str, fmt: FixedPoint) -> None:
    if fmt.integer < 0:
        raise UserError(
            f"integer bits of layer '{name}' must be 0 or more (QKeras raises 2 to that power in whole numbers), "
            f"not {fmt.integer}; scale the values up by {2**-fmt.integer}"
        )


def _convolution(build: _Build, layer: Conv1D | Conv2D) -> Any:
    made = build.qkeras.QConv1D if isinstance(layer, Conv1D) else build.qkeras.QConv2D
    return made(
        layer.filters,
        layer.kernel_size,
        strides=layer.strides,
        padding=layer.padding,
        **build.weighted(layer),
    )


def _pooling(kind: str) -> Callable[[_Build, Any], Any]:
    def make(build: _Build, layer: Any) -> Any:
        made = getattr(build.keras, kind)
        return made(layer.pool_size, strides=layer.strides, padding=layer.padding, name=layer.name, dtype=build.dtype)

    return make


def _plain(kind: str, *arguments: str) -> Callable[[_Build, Layer], Any]:
    def make(build: _Build, layer: Layer) -> Any:
        values = (getattr(layer, argument) for argument in arguments)
        return getattr(build.keras, kind)(*values, name=layer.name, dtype=build.dtype)

    return make


def _concatenate(build: _Build, layer: Concatenate) -> Any:
    # Keras counts the batch axis; hls4ml too, and both take -1 as the last.
    axis = layer.axis if layer.axis < 0 else layer.axis + 1
    return build.keras.Concatenate(axis=axis, name=layer.name, dtype=build.dtype)


_RULES: dict[type, Callable[..., Any]] = {
    Quantise: lambda build, layer: build.activation(layer.name, layer.format, is_relu=False),
    Relu: lambda build, layer: build.activation(layer.name, layer.format, is_relu=True),
    Dense: lambda build, layer: build.qkeras.QDense(layer.units, **build.weighted(layer)),
    Conv1D: _convolution,
    Conv2D: _convolution,
    Add: _plain("Add"),
    Subtract: _plain("Subtract"),
    Concatenate: _concatenate,
    Flatten: _plain("Flatten"),
    Reshape: _plain("Reshape", "target_shape"),
    Permute: _plain("Permute", "dims"),
    UpSampling1D: _plain("UpSampling1D", "size"),
    GlobalAveragePooling1D: _plain("GlobalAveragePooling1D"),
    MaxPooling1D: _pooling("MaxPooling1D"),
    MaxPooling2D: _pooling("MaxPooling2D"),
    AveragePooling1D: _pooling("AveragePooling1D"),
    AveragePooling2D: _pooling("AveragePooling2D"),
}
