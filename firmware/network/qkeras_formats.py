"""What QKeras's quantisers mean as formats, and which of their options firmware cannot follow."""

from __future__ import annotations

from typing import Any

import numpy as np

from firmware.errors import UserError
from firmware.network.fixed_point import FixedPoint

__all__ = ["MAX_BITS", "activation_format", "is_linear", "weight_format"]

MAX_BITS = 24
"""Float32 weights carry no more."""

_RELU_HINT = "use quantized_relu(bits, integer)"
_BITS_HINT = "use quantized_bits(bits, integer, alpha=1)"
_SATURATING_HEADS = ("softmax", "sigmoid", "hard_sigmoid", "tanh", "quantized_sigmoid", "quantized_tanh")


def is_linear(activation: Any) -> bool:
    """Whether an activation of a layer does nothing."""
    return activation is None or getattr(activation, "__name__", None) == "linear" or activation == "linear"


def activation_format(subject: str, quantiser: Any) -> tuple[FixedPoint, bool]:
    """Format of an activation's quantiser, and whether it is a relu.

    Parameters
    ----------
    subject : str
        Name for the message, such as ``layer 'act_1'``.
    quantiser : QKeras quantiser

    Raises
    ------
    UserError
        It is not ``quantized_bits`` or ``quantized_relu``, or uses an option that firmware cannot follow.
    """
    kind = type(quantiser).__name__
    if kind == "quantized_relu":
        return _relu_format(subject, quantiser), True
    if kind == "quantized_bits":
        return _bits_format(subject, quantiser), False
    name = getattr(quantiser, "__name__", kind)
    if name in _SATURATING_HEADS:
        remedy = "take the logits to firmware, and their arg-max or threshold there: remove it"
    else:
        remedy = f"{_BITS_HINT} or quantized_relu(bits, integer)"
    raise UserError(f"activation of {subject} must be quantized_bits or quantized_relu, not {name}; {remedy}")


def weight_format(subject: str, quantiser: Any) -> FixedPoint:
    """Format of a kernel's or bias's quantiser.

    Raises
    ------
    UserError
        It is missing, is not ``quantized_bits``, or uses an option that firmware cannot follow.
    """
    if quantiser is None:
        raise UserError(f"{subject} must have a quantiser, not None; {_BITS_HINT}")
    kind = type(quantiser).__name__
    if kind != "quantized_bits":
        name = getattr(quantiser, "__name__", kind)
        hint = "use quantized_bits(1, 0, alpha=1)" if name == "binary" else _BITS_HINT
        raise UserError(f"{subject} must be quantised by quantized_bits, not {name}; {hint}")
    return _bits_format(subject, quantiser)


def _bits_format(subject: str, quantiser: Any) -> FixedPoint:
    bits, integer = _sizes(subject, quantiser)
    alpha = quantiser.alpha
    if alpha is not None and (isinstance(alpha, str) or np.ndim(alpha) != 0 or float(alpha) != 1.0):
        raise UserError(
            f"alpha of {subject} must be 1, not {alpha!r} (QKeras's default for kernels is a learnt scale); "
            f"{_BITS_HINT} and train again"
        )
    return FixedPoint.from_quantized_bits(bits, integer, bool(quantiser.keep_negative), bool(quantiser.symmetric))


def _relu_format(subject: str, quantiser: Any) -> FixedPoint:
    bits, integer = _sizes(subject, quantiser)
    for option, plain in (
        ("negative_slope", 0.0),
        ("use_sigmoid", 0),
        ("relu_upper_bound", None),
        ("is_quantized_clip", True),
    ):
        value = getattr(quantiser, option)
        if value != plain:
            raise UserError(f"{option} of {subject} must be {plain}, not {value}; {_RELU_HINT}")
    return FixedPoint.from_quantized_relu(bits, integer)


def _sizes(subject: str, quantiser: Any) -> tuple[int, int]:
    """(bits, integer), after a check of what both kinds of quantiser share."""
    bits, integer = _number(quantiser.bits), _number(quantiser.integer)
    if bits != int(bits) or not 1 <= bits <= MAX_BITS:
        raise UserError(f"bits of {subject} must be an integer from 1 to {MAX_BITS}, not {bits}; choose 1 to 16")
    if integer != int(integer) or not 0 <= integer <= MAX_BITS:
        raise UserError(
            f"integer of {subject} must be an integer from 0 to {MAX_BITS}, not {integer}; QKeras cannot compute "
            "negative ones: scale the values up instead"
        )
    if quantiser.use_stochastic_rounding:
        raise UserError(
            f"use_stochastic_rounding of {subject} must be off, not {quantiser.use_stochastic_rounding}; "
            "firmware rounds half to even"
        )
    noise = _number(quantiser.qnoise_factor)
    if noise != 1.0:
        raise UserError(f"qnoise_factor of {subject} must be 1, not {noise}; finish the quantisation schedule first")
    return int(bits), int(integer)


def _number(value: Any) -> float:
    """A Python number of a number or a TensorFlow variable."""
    return float(value.numpy() if hasattr(value, "numpy") else value)
