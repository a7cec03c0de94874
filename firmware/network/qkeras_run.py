"""The QKeras rung of the verification: the model's own graph, run and read as integers."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firmware.errors import UserError
from firmware.network.float64_quantisers import like64
from firmware.network.intervals import exact_bits, exact_formats
from firmware.network.keras2 import import_keras, import_tensorflow
from firmware.network.network import Network
from firmware.network.qkeras_formats import is_linear, weight_format
from firmware.network.qkeras_layers import fused_name
from firmware.network.qkeras_read import graph_nodes, unwrap
from firmware.network.reference import EventWords, check_words

__all__ = ["needs_float64", "predict_words", "recreate"]

_FLOAT32_BITS, _FLOAT64_BITS = 24, 53
_WEIGHTED = ("QDense", "QConv1D", "QConv2D")
_BLOCK_VALUES = 2_000_000


def predict_words(
    model: Any, network: Network, words: EventWords, *, every_layer: bool = False
) -> dict[str, NDArray[np.int64]]:
    """Words that QKeras computes.

    Parameters
    ----------
    model : tf_keras.Model
        Its own graph, quantisers and weights are run; in float32 as they are, or, where `needs_float64`, re-created
        in float64.
    network : Network
        Its description (``from_qkeras(model)``): names, shapes and the fraction of every word.
    words : mapping of input name to int64 array of shape (events, *shape)
    every_layer : bool
        Return the words of every layer of the network, not only of its outputs.

    Returns
    -------
    dict of name to int64 array of shape (events, *shape)
        In the format of ``output_formats(network)``.

    Raises
    ------
    UserError
        Words do not fit the inputs, or sums exceed what float64 holds.
    ArithmeticError
        A value is no multiple of its last bit: QKeras and the description disagree.
    """
    arrays = check_words(network, words)
    float64 = needs_float64(model, network)
    if float64 or every_layer:
        model, taps = recreate(model, float64=float64)
        if every_layer:
            keras = import_keras()
            model = keras.Model(model.inputs, [taps[layer.name] for layer in network.layers])
    names = [layer.name for layer in network.layers] if every_layer else list(network.outputs)
    order = [tensor._keras_history.layer.name for tensor in model.inputs]
    dtype = np.float64 if float64 else np.float32
    formats = {port.name: port.format for port in network.inputs}
    values = [formats[name].to_float(arrays[name]).astype(dtype) for name in order]
    results = _run(model, values, _events_at_once(network))
    ranges = exact_formats(network)
    return {name: _to_words(name, result, ranges[name].fraction) for name, result in zip(names, results, strict=True)}


def needs_float64(model: Any, network: Network) -> bool:
    """Whether the model must be run in float64 to be exact.

    It must where a partial sum exceeds the 24 bits of float32, where a layer has another float type, or where
    QKeras's straight-through sum ``w + (q(w) - w)`` misses the quantised weight: it does far outside the range.

    Raises
    ------
    UserError
        A sum exceeds the 53 bits of float64.
    """
    bits = exact_bits(network)
    if bits > _FLOAT64_BITS:
        raise UserError(
            f"sums of network '{network.name}' must fit {_FLOAT64_BITS} bits for QKeras to compute them exactly, "
            f"not {bits}; use fewer bits, or formats with closer fractions"
        )
    return bits > _FLOAT32_BITS or any(_is_off_grid(unwrap(node.layer)) for node in graph_nodes(model))


def recreate(model: Any, *, float64: bool) -> tuple[Any, dict[str, Any]]:
    """The same graph from new layers, and a tensor for every layer of its description.

    Parameters
    ----------
    model : tf_keras.Model
        As `from_qkeras` accepts.
    float64 : bool
        In float64, with stand-ins for the quantisers; else in float32 with the model's own quantisers.

    Returns
    -------
    (tf_keras.Model, dict of name to tensor)
        Pruning wrappers are gone and fused activations are layers of their own; weights are the model's.
    """
    keras = import_keras()
    dtype = "float64" if float64 else "float32"
    results: dict[str, Any] = {}
    taps: dict[str, Any] = {}
    quantised: set[str] = set()
    for node in graph_nodes(model):
        layer = unwrap(node.layer)
        if type(layer).__name__ == "InputLayer":
            results[node.layer.name] = keras.Input(layer.output_shape[0][1:], name=layer.name, dtype=dtype)
            continue
        sources = [results[parent.layer.name] for parent in node.parent_nodes]
        copy = _copy(layer, dtype)
        tensor = copy(sources if isinstance(node.call_args[0], list | tuple) else sources[0])
        copy.set_weights(layer.get_weights())
        taps[layer.name] = tensor
        if type(layer).__name__ in _WEIGHTED and not is_linear(layer.activation):
            tensor = taps[fused_name(layer)] = _activation(fused_name(layer), layer.activation, dtype)(tensor)
        results[node.layer.name] = tensor
        for parent in node.parent_nodes:
            if type(parent.layer).__name__ == "InputLayer" and parent.layer.name not in quantised:
                quantised.add(parent.layer.name)
                taps[parent.layer.name] = tensor  # the words of an input are those behind its quantiser
    inputs = [results[tensor._keras_history.layer.name] for tensor in model.inputs]
    outputs = [results[tensor._keras_history.layer.name] for tensor in model.outputs]
    return keras.Model(inputs, outputs, name=model.name), taps


def _copy(layer: Any, dtype: str) -> Any:
    kind = type(layer).__name__
    if kind == "QActivation":
        return _activation(layer.name, layer.quantizer, dtype)
    if kind not in _WEIGHTED:
        return type(layer).from_config({**layer.get_config(), "dtype": dtype})
    kernel, bias = layer.kernel_quantizer_internal, layer.bias_quantizer_internal
    arguments: dict[str, Any] = {
        "name": layer.name,
        "dtype": dtype,
        "use_bias": layer.use_bias,
        "kernel_quantizer": _in_dtype(kernel, dtype),
        "bias_quantizer": None if bias is None else _in_dtype(bias, dtype),
        "kernel_initializer": "zeros",
    }
    if kind == "QDense":
        return type(layer)(layer.units, **arguments)
    return type(layer)(layer.filters, layer.kernel_size, strides=layer.strides, padding=layer.padding, **arguments)


def _activation(name: str, quantiser: Any, dtype: str) -> Any:
    from qkeras import QActivation

    return QActivation(_in_dtype(quantiser, dtype), name=name, dtype=dtype)


def _in_dtype(quantiser: Any, dtype: str) -> Any:
    return like64(quantiser) if dtype == "float64" else quantiser


def _is_off_grid(layer: Any) -> bool:
    if layer.dtype not in (None, "float32"):
        return True
    if type(layer).__name__ not in _WEIGHTED:
        return False
    pairs = [(layer.kernel, layer.kernel_quantizer_internal)]
    if layer.use_bias:
        pairs.append((layer.bias, layer.bias_quantizer_internal))
    for variable, quantiser in pairs:
        fmt = weight_format(f"weights of '{layer.name}'", quantiser)
        words = fmt.quantise(np.asarray(variable.numpy(), np.float64))
        if (np.asarray(quantiser(variable), np.float64) != fmt.to_float(words)).any():
            return True
    return False


def _events_at_once(network: Network) -> int:
    """Events a call, so that the tensors of a call stay within some tens of megabytes."""
    values = sum(prod(shape) for shape in network.shapes.values())
    return int(np.clip(_BLOCK_VALUES // values, 64, 16_384))


def _run(model: Any, values: list[Any], block: int) -> list[Any]:
    tf = import_tensorflow()
    signature = [tf.TensorSpec((None, *value.shape[1:]), value.dtype) for value in values]
    function = tf.function(
        lambda *tensors: model(list(tensors), training=False), input_signature=signature, autograph=False
    )
    parts = []
    for start in range(0, max(len(values[0]), 1), block):
        made = function(*(tf.constant(value[start : start + block]) for value in values))
        parts.append([tensor.numpy() for tensor in (made if isinstance(made, list | tuple) else [made])])
    return [np.concatenate(column) for column in zip(*parts, strict=True)]


def _to_words(name: str, values: Any, fraction: int) -> NDArray[np.int64]:
    scaled = np.asarray(values, np.float64) * 2.0**fraction
    words = np.rint(scaled)
    wrong = np.argwhere(scaled != words)
    if len(wrong):
        index = tuple(int(i) for i in wrong[0])
        raise ArithmeticError(
            f"QKeras's value of '{name}' must be a multiple of 2**{-fraction}: {len(wrong)} are not, the first at "
            f"{index}: {values[index]!r}"
        )
    return words.astype(np.int64)
