"""QKeras's quantisers with a candidate axis: formats are tensors, values and gradients those of QKeras.

``quantized_bits`` passes every gradient, also where it saturates. ``quantized_relu`` passes it for 0 < x <= its highest
value and nothing else: without that, training diverges although the forward pass is the same. QKeras computes
``x + (q(x) - x)``; the inner difference is exact for a value within 24 bits of the format's last bit, so the sum is
``q(x)`` itself, which is what is computed here.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from firmware.network.fixed_point import FixedPoint
from firmware.network.keras2 import import_tensorflow

__all__ = ["Format", "format_rows", "quantise", "rectify"]


class Format(NamedTuple):
    """A format of each candidate, as float32 tensors that broadcast against the values."""

    levels: Any
    """Words a unit: 2**fraction."""
    step: Any
    """Its inverse."""
    lowest: Any
    """Word."""
    highest: Any
    """Word."""


def format_rows(fmt: FixedPoint) -> NDArray[np.float32]:
    """The four numbers of a format, in the order of `Format`; all exact in float32."""
    return np.array([2.0**fmt.fraction, fmt.lsb, fmt.lowest, fmt.highest], np.float32)


def quantise(values: Any, fmt: Format) -> Any:
    """``quantized_bits``, alpha 1: round half to even, saturate; the gradient passes unchanged.

    Parameters
    ----------
    values : float32 tensor of shape (candidates, ...)
    fmt : Format

    Returns
    -------
    float32 tensor of that shape
    """
    return _functions()[0](values, *fmt)


def rectify(values: Any, fmt: Format) -> Any:
    """``quantized_relu``: as `quantise` with a lowest word of 0; the gradient passes for 0 < x <= highest value.

    Parameters and result are those of `quantise`.
    """
    return _functions()[1](values, *fmt)


@cache
def _functions() -> tuple[Any, Any]:
    """The two functions; made at first use, since they need TensorFlow."""
    tf = import_tensorflow()

    def grid(values: Any, levels: Any, step: Any, lowest: Any, highest: Any) -> Any:
        return tf.minimum(tf.maximum(tf.round(values * levels), lowest), highest) * step

    @tf.custom_gradient
    def bits(values: Any, levels: Any, step: Any, lowest: Any, highest: Any) -> Any:
        return grid(values, levels, step, lowest, highest), lambda upstream: (upstream, None, None, None, None)

    @tf.custom_gradient
    def relu(values: Any, levels: Any, step: Any, lowest: Any, highest: Any) -> Any:
        def gradient(upstream: Any) -> tuple[Any, ...]:
            inside = tf.logical_and(values > 0.0, values <= highest * step)
            return tf.where(inside, upstream, tf.zeros_like(upstream)), None, None, None, None

        return grid(values, levels, step, lowest, highest), gradient

    return bits, relu
