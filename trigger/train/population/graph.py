"""The forward pass of all candidates of a frame, as one TensorFlow graph.

Tensors have shape (candidates, batch, *padded shape). Layers that know nothing of candidates see both first axes as
one batch, and are the very operations that Keras calls.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

from firmware.network.keras2 import import_tensorflow
from firmware.network.layers import Shape
from trigger.train.population.frame import Frame
from trigger.train.population.quantisers import Format, quantise, rectify
from trigger.train.population.skeleton import INPUT, WEIGHTED, Node

__all__ = ["forward"]


def forward(
    frame: Frame, parameters: Any, weight_formats: Format, formats: Sequence[Any], inputs: Sequence[Any]
) -> dict[int, Any]:
    """Values of every node.

    Parameters
    ----------
    frame : Frame
    parameters : float32 tensor of shape (candidates, frame.n_parameters)
        Not quantised.
    weight_formats : Format
        Of every parameter, of that shape.
    formats : sequence of float32 tensors of shape (4, candidates)
        For every node of ``frame.format_nodes``: the rows of `Format`.
    inputs : sequence of float32 tensors of shape (candidates, batch, *shape)
        For every input node, in order; on the grid of their ports.

    Returns
    -------
    dict of int to float32 tensor of shape (candidates, batch, *shape)
    """
    weights = _weights(frame, quantise(parameters, weight_formats))
    values: dict[int, Any] = dict(zip(frame.input_nodes, inputs, strict=True))
    format_of = dict(zip(frame.format_nodes, formats, strict=True))
    for at, node in enumerate(frame.skeleton.nodes):
        if node.kind == INPUT:
            continue
        sources = [values[source] for source in node.sources]
        if node.kind in WEIGHTED:
            values[at] = _weighted(node, sources[0], *weights[at], frame.shapes[at])
        elif at in format_of:
            rank = 2 + len(frame.shapes[at])
            rows = [_reshaped(row, (-1,) + (1,) * (rank - 1)) for row in import_tensorflow().unstack(format_of[at])]
            values[at] = (rectify if node.kind == "Relu" else quantise)(sources[0], Format(*rows))
        else:
            values[at] = _RULES[node.kind](node, sources, frame.shapes[at])
    return values


def _weights(frame: Frame, flat: Any) -> dict[int, tuple[Any, Any]]:
    """Kernel (candidates, *shape) and bias (candidates, units) or None, by node."""
    tf = import_tensorflow()
    if not frame.parameters:
        return {}
    sizes = [size for one in frame.parameters for size in (prod(one.kernel_shape), one.bias_length)]
    parts = tf.split(flat, sizes, axis=1)
    return {
        one.node: (tf.reshape(kernel, (-1, *one.kernel_shape)), bias if one.bias_length else None)
        for one, kernel, bias in zip(frame.parameters, parts[::2], parts[1::2], strict=True)
    }


def _reshaped(tensor: Any, shape: Sequence[int]) -> Any:
    return import_tensorflow().reshape(tensor, shape)


def _weighted(node: Node, values: Any, kernel: Any, bias: Any, shape: Shape) -> Any:
    tf = import_tensorflow()
    units = shape[-1]
    if node.kind != "Dense":
        values = _windows(node, values)  # (candidates, batch, *spatial, window * channels)
    depth = values.shape[-1]
    candidates = tf.shape(values)[0]
    rows = values if len(shape) == 1 else tf.reshape(values, tf.stack([candidates, -1, depth]))
    kernel = kernel if node.kind == "Dense" else tf.reshape(kernel, (-1, depth, units))
    result = tf.matmul(rows, kernel)
    if bias is not None:
        result = result + bias[:, None, :]
    return result if len(shape) == 1 else tf.reshape(result, tf.stack([candidates, -1, *shape]))


def _windows(node: Node, values: Any) -> Any:
    """Windows side by side in the last axis, in the order of a kernel."""
    tf = import_tensorflow()
    sizes, strides = (value if isinstance(value, tuple) else (value,) for value in node.fixed[:2])
    spatial = tuple(values.shape[2:-1])
    amounts = [(0, 0)] * len(sizes)
    if node.fixed[2] == "same":
        missing = [
            max((-(-length // stride) - 1) * stride + size - length, 0)
            for length, size, stride in zip(spatial, sizes, strides, strict=True)
        ]
        amounts = [(one // 2, one - one // 2) for one in missing]
        values = tf.pad(values, [(0, 0), (0, 0), *amounts, (0, 0)])
    counts = [
        (length + sum(amount) - size) // stride + 1
        for length, amount, size, stride in zip(spatial, amounts, sizes, strides, strict=True)
    ]
    offsets: list[tuple[int, ...]] = [()]
    for size in sizes:
        offsets = [(*offset, one) for offset in offsets for one in range(size)]
    if len(offsets) == 1 and set(strides) == {1}:
        return values
    parts = []
    for offset in offsets:
        cuts = [
            slice(start, start + (count - 1) * stride + 1, stride)
            for start, count, stride in zip(offset, counts, strides, strict=True)
        ]
        parts.append(values[(slice(None), slice(None), *cuts)])
    return tf.concat(parts, axis=-1)


def _as_one_batch(made: Callable[[Any, Node, Any], Any]) -> Callable[[Node, list[Any], Shape], Any]:
    """A rule for an operation that knows one batch axis only."""

    def rule(node: Node, sources: list[Any], shape: Shape) -> Any:
        tf = import_tensorflow()
        values = sources[0]
        result = made(tf, node, tf.reshape(values, (-1, *values.shape[2:])))
        return tf.reshape(result, tf.stack([tf.shape(values)[0], -1, *shape]))

    return rule


def _pool(operation: str) -> Callable[[Any, Node, Any], Any]:
    def made(tf: Any, node: Node, values: Any) -> Any:
        size, strides, padding = node.fixed
        return getattr(tf.nn, operation)(values, size, strides, padding.upper())

    return made


def _sum(node: Node, sources: list[Any], shape: Shape) -> Any:
    total = sources[0]
    for source in sources[1:]:
        total = total + source
    return total


_RULES: dict[str, Callable[[Node, list[Any], Shape], Any]] = {
    "Add": _sum,
    "Subtract": lambda node, sources, shape: sources[0] - sources[1],
    "Concatenate": lambda node, sources, shape: import_tensorflow().concat(sources, axis=node.fixed[0] + 2),
    "Flatten": _as_one_batch(lambda tf, node, values: values),
    "Reshape": _as_one_batch(lambda tf, node, values: values),
    "Permute": _as_one_batch(lambda tf, node, values: tf.transpose(values, (0, *node.fixed[0]))),
    "UpSampling1D": _as_one_batch(lambda tf, node, values: tf.repeat(values, node.fixed[0], axis=1)),
    "GlobalAveragePooling1D": _as_one_batch(lambda tf, node, values: tf.reduce_mean(values, axis=1)),
    "MaxPooling1D": _as_one_batch(_pool("max_pool1d")),
    "MaxPooling2D": _as_one_batch(_pool("max_pool2d")),
    "AveragePooling1D": _as_one_batch(_pool("avg_pool1d")),
    "AveragePooling2D": _as_one_batch(_pool("avg_pool2d")),
}
