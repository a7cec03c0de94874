"""QKeras's quantisers computed in float64, for networks whose sums float32 cannot hold.

QKeras follows Keras's global float type in ``quantized_bits`` and casts to float32 in ``quantized_relu``. These
stand in for them at inference: the same formula in float64, without the straight-through sum that only gradients
need.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from firmware.network.keras2 import import_qkeras, import_tensorflow

__all__ = ["bits64", "like64", "relu64"]


def bits64(bits: int, integer: int, keep_negative: bool, symmetric: bool) -> Any:
    """``quantized_bits(bits, integer, symmetric, keep_negative, alpha=1)`` in float64."""
    return _classes()[0](bits, integer, symmetric=int(symmetric), keep_negative=keep_negative, alpha=1)


def relu64(bits: int, integer: int) -> Any:
    """``quantized_relu(bits, integer)`` in float64."""
    return _classes()[1](bits, integer)


def like64(quantiser: Any) -> Any:
    """The float64 stand-in of a ``quantized_bits`` with alpha 1 or a plain ``quantized_relu``."""
    bits, integer = int(quantiser.bits), int(quantiser.integer)
    if isinstance(quantiser, import_qkeras().quantized_relu):
        return relu64(bits, integer)
    return bits64(bits, integer, bool(quantiser.keep_negative), bool(quantiser.symmetric))


@cache
def _classes() -> tuple[type, type]:
    """The two classes; made at first use, since their bases come with TensorFlow."""
    tf = import_tensorflow()
    qkeras: Any = import_qkeras()

    def rounded(x: Any, scale: float, lowest: float, highest: float) -> Any:
        return tf.clip_by_value(tf.round(x * scale), lowest, highest) / scale

    class QuantizedBits64(qkeras.quantized_bits):
        def __call__(self, x: Any) -> Any:
            x = tf.cast(x, tf.float64)
            unsigned_bits = self.bits - int(self.keep_negative)
            if unsigned_bits == 0:
                return tf.where(x < 0, tf.constant(-1.0, tf.float64), tf.constant(1.0, tf.float64))
            levels = 2.0**unsigned_bits
            lowest = -levels + self.symmetric if self.keep_negative else 0.0
            return rounded(x, levels / 2.0**self.integer, lowest, levels - 1)

    class QuantizedRelu64(qkeras.quantized_relu):
        def __call__(self, x: Any) -> Any:
            levels = 2.0**self.bits
            return rounded(tf.cast(x, tf.float64), levels / 2.0**self.integer, 0.0, levels - 1)

    return QuantizedBits64, QuantizedRelu64
