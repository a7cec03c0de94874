"""From one QKeras layer to layers of the description: a small function for each kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firmware.errors import UserError
from firmware.network.fixed_point import FixedPoint
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
    Layer,
    MaxPooling1D,
    MaxPooling2D,
    Permute,
    Quantise,
    Relu,
    Reshape,
    Shape,
    Subtract,
    UpSampling1D,
)
from firmware.network.qkeras_formats import activation_format, is_linear, weight_format

__all__ = ["fused_name", "read_layer"]

_Rule = Callable[[Any, list[str], Shape], list[Layer]]


def read_layer(keras_layer: Any, sources: list[str], shape: Shape) -> list[Layer]:
    """The layers of the description that stand for one QKeras layer; the last gives its result.

    Parameters
    ----------
    keras_layer : tf_keras layer
        Not an input, not a pruning wrapper.
    sources : list of str
        Names, in the description, of what feeds it.
    shape : tuple of int
        Of its result, without the batch axis.

    Raises
    ------
    UserError
        Its kind or one of its options is not supported; the message says what to use instead.
    """
    kind = type(keras_layer).__name__
    rule = _RULES.get(kind)
    if rule is None:
        raise UserError(_unsupported(keras_layer, kind))
    _need_channels_last(keras_layer)
    return rule(keras_layer, sources, shape)


def fused_name(keras_layer: Any) -> str:
    """Name of the activation that is fused into a QKeras layer."""
    return f"{keras_layer.name}_{type(keras_layer.activation).__name__}"


def _need_channels_last(keras_layer: Any) -> None:
    if getattr(keras_layer, "data_format", "channels_last") not in ("channels_last", None):
        raise UserError(
            f"data_format of '{keras_layer.name}' must be channels_last, not {keras_layer.data_format}; "
            "Permute the input and build it so"
        )


def _unsupported(keras_layer: Any, kind: str) -> str:
    subject = f"layer '{keras_layer.name}'"
    if kind in ("Dense", "Conv1D", "Conv2D"):
        return f"{subject} must be quantised, not {kind}; use Q{kind} with kernel_quantizer and bias_quantizer"
    if kind in ("BatchNormalization", "QBatchNormalization", "SyncBatchNormalization"):
        return f"{subject} must not be {kind}; fold it into the kernel and bias of the layer before, and train again"
    activation = getattr(getattr(keras_layer, "activation", None), "__name__", "")
    if kind in ("Softmax", "Activation") and (kind == "Softmax" or activation in ("softmax", "sigmoid", "tanh")):
        return (
            f"{subject} must not be {activation or 'softmax'}; take the logits to firmware, and their arg-max or "
            "threshold there: remove it"
        )
    if kind in ("Activation", "ReLU", "LeakyReLU"):
        return f"{subject} must be quantised, not {kind} {activation}; use QActivation('quantized_relu(bits,integer)')"
    if kind in ("Functional", "Sequential", "Model"):
        return f"{subject} must not be a model within the model; call its layers one by one in the outer model"
    supported = ", ".join(sorted([*_RULES, "Dropout", "InputLayer", "QActivation"]))
    return f"{subject} must be one of the supported kinds ({supported}), not {kind}"


def _activation(name: str, source: str, quantiser: Any) -> Layer:
    fmt, relu = activation_format(f"layer '{name}'", quantiser)
    return Relu(name=name, source=source, format=fmt) if relu else Quantise(name=name, source=source, format=fmt)


def _weights(keras_layer: Any) -> dict[str, Any]:
    """Formats and words of a layer's kernel and bias, as arguments of ours."""
    kernel_format = weight_format(f"kernel of '{keras_layer.name}'", keras_layer.kernel_quantizer_internal)
    found: dict[str, Any] = {
        "kernel_format": kernel_format,
        "kernel": _words(f"kernel of '{keras_layer.name}'", keras_layer.kernel, kernel_format,
                         keras_layer.kernel_quantizer_internal),
    }  # fmt: skip
    if keras_layer.use_bias:
        bias_format = weight_format(f"bias of '{keras_layer.name}'", keras_layer.bias_quantizer_internal)
        found["bias_format"] = bias_format
        found["bias"] = _words(
            f"bias of '{keras_layer.name}'",
            keras_layer.bias,
            bias_format,
            keras_layer.bias_quantizer_internal,
        )
    return found


def _words(subject: str, variable: Any, fmt: FixedPoint, quantiser: Any) -> NDArray[np.int64]:
    values = np.asarray(variable.numpy(), np.float64)
    if not np.isfinite(values).all():
        raise UserError(f"{subject} must be finite, not {values[~np.isfinite(values)][0]}; train again")
    words = fmt.quantise(values)
    # QKeras's own answer, but for the float32 rounding of its straight-through sum w + (q(w) - w).
    theirs = np.asarray(quantiser(variable), np.float64) / fmt.lsb
    if (np.abs(theirs - words) > 0.01 + np.abs(values) / fmt.lsb * 2.0**-23).any():
        raise UserError(f"{subject} must quantise to what its quantiser {quantiser} makes of it, and does not")
    return words


def _weighted(keras_layer: Any, layer: Dense | Conv1D | Conv2D) -> list[Layer]:
    """The layer, and the activation fused into it."""
    if is_linear(keras_layer.activation):
        return [layer]
    return [layer, _activation(fused_name(keras_layer), layer.name, keras_layer.activation)]


def _dense(keras_layer: Any, sources: list[str], shape: Shape) -> list[Layer]:
    made = Dense(name=keras_layer.name, source=sources[0], units=keras_layer.units, **_weights(keras_layer))
    return _weighted(keras_layer, made)


def _convolution(keras_layer: Any, sources: list[str], shape: Shape) -> list[Layer]:
    for option, plain in (("dilation_rate", 1), ("groups", 1)):
        value = getattr(keras_layer, option)
        if set(np.atleast_1d(value)) != {plain}:
            raise UserError(f"{option} of '{keras_layer.name}' must be {plain}, not {value}; hls4ml ignores it")
    if getattr(keras_layer, "_mask", None) is not None:
        raise UserError(f"mask of '{keras_layer.name}' must be None; set the masked weights to zero instead")
    arguments = {
        "name": keras_layer.name,
        "source": sources[0],
        "filters": keras_layer.filters,
        "padding": _padding(keras_layer),
        **_weights(keras_layer),
    }
    if type(keras_layer).__name__ == "QConv1D":
        (kernel_size,), (strides,) = keras_layer.kernel_size, keras_layer.strides
        return _weighted(keras_layer, Conv1D(kernel_size=kernel_size, strides=strides, **arguments))
    return _weighted(
        keras_layer,
        Conv2D(kernel_size=tuple(keras_layer.kernel_size), strides=tuple(keras_layer.strides), **arguments),
    )


def _padding(keras_layer: Any) -> str:
    if keras_layer.padding not in ("valid", "same"):
        raise UserError(
            f"padding of '{keras_layer.name}' must be valid or same, not {keras_layer.padding}; pad the input yourself"
        )
    return str(keras_layer.padding)


def _pooling(kind: Callable[..., Layer], rank: int) -> _Rule:
    def read(keras_layer: Any, sources: list[str], shape: Shape) -> list[Layer]:
        size, strides = np.ravel(keras_layer.pool_size), np.ravel(keras_layer.strides)
        return [
            kind(
                name=keras_layer.name,
                source=sources[0],
                pool_size=int(size[0]) if rank == 1 else tuple(map(int, size)),
                strides=int(strides[0]) if rank == 1 else tuple(map(int, strides)),
                padding=_padding(keras_layer),
            )
        ]

    return read


def _concatenate(keras_layer: Any, sources: list[str], shape: Shape) -> list[Layer]:
    axis, rank = keras_layer.axis, len(shape)
    if axis == 0 or not -rank <= axis <= rank:
        raise UserError(f"axis of Concatenate '{keras_layer.name}' must be 1 to {rank} (0 is the batch), not {axis}")
    return [Concatenate(name=keras_layer.name, sources=tuple(sources), axis=axis - 1 if axis > 0 else axis)]


def _merge(kind: type[Add] | type[Subtract]) -> _Rule:
    def read(keras_layer: Any, sources: list[str], shape: Shape) -> list[Layer]:
        return [kind(name=keras_layer.name, sources=tuple(sources))]

    return read


def _global_average(keras_layer: Any, sources: list[str], shape: Shape) -> list[Layer]:
    if getattr(keras_layer, "keepdims", False):
        raise UserError(f"keepdims of '{keras_layer.name}' must be False, not True; put Reshape behind it")
    return [GlobalAveragePooling1D(name=keras_layer.name, source=sources[0])]


_RULES: dict[str, _Rule] = {
    "QActivation": lambda layer, sources, shape: [_activation(layer.name, sources[0], layer.quantizer)],
    "QDense": _dense,
    "QConv1D": _convolution,
    "QConv2D": _convolution,
    "Add": _merge(Add),
    "Subtract": _merge(Subtract),
    "Concatenate": _concatenate,
    "Flatten": lambda layer, sources, shape: [Flatten(name=layer.name, source=sources[0])],
    "Reshape": lambda layer, sources, shape: [Reshape(name=layer.name, source=sources[0], target_shape=shape)],
    "Permute": lambda layer, sources, shape: [Permute(name=layer.name, source=sources[0], dims=tuple(layer.dims))],
    "UpSampling1D": lambda layer, sources, shape: [
        UpSampling1D(name=layer.name, source=sources[0], size=int(layer.size))
    ],
    "GlobalAveragePooling1D": _global_average,
    "MaxPooling1D": _pooling(MaxPooling1D, 1),
    "MaxPooling2D": _pooling(MaxPooling2D, 2),
    "AveragePooling1D": _pooling(AveragePooling1D, 1),
    "AveragePooling2D": _pooling(AveragePooling2D, 2),
}
