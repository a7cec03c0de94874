"""Fixed-point formats: the only place where the sign bit is counted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from firmware.errors import UserError

__all__ = ["FixedPoint"]

_WORD_BITS = 63
"""Bits of an int64 word without its sign."""


@dataclass(frozen=True)
class FixedPoint:
    """A fixed-point format whose values are ``word * 2**-fraction``.

    Quantising rounds half to even and saturates, as QKeras does.

    Parameters
    ----------
    width : int
        Bits in all, the sign bit included (1 to 63).
    integer : int
        Bits left of the binary point, the sign bit *not* counted (QKeras's ``integer``); may be negative.
    signed : bool
        Whether one of the bits is a sign.
    symmetric : bool
        Signed words stop at ``-highest`` (QKeras ``symmetric=1``).
    binary : bool
        The values are -1 and +1 only, 0 counting as +1: what QKeras makes of ``quantized_bits(1, 0, 1)``.
        Words are the integers -1 and +1 and occupy two bits.
    """

    width: int
    integer: int
    signed: bool
    symmetric: bool = False
    binary: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.width <= _WORD_BITS:
            raise UserError(f"width of a fixed-point format must be 1 to {_WORD_BITS} bits, not {self.width}")
        if self.binary and (self.width, self.integer, self.signed) != (2, 1, True):
            raise UserError("a binary format must be width 2, integer 1, signed: use FixedPoint.binary_format()")
        if self.signed and self.width < 2:
            raise UserError(
                f"width of a signed format must be at least 2 bits, not {self.width}; "
                "for the values -1 and +1 use FixedPoint.binary_format()"
            )

    @classmethod
    def binary_format(cls) -> FixedPoint:
        """The two values -1 and +1."""
        return cls(width=2, integer=1, signed=True, binary=True)

    @classmethod
    def from_quantized_bits(
        cls, bits: int, integer: int, keep_negative: bool = True, symmetric: bool = False
    ) -> FixedPoint:
        """The values of QKeras ``quantized_bits(bits, integer, keep_negative, symmetric, alpha=1)``."""
        if keep_negative and bits == 1:
            return cls.binary_format()
        return cls(width=bits, integer=integer, signed=keep_negative, symmetric=symmetric and keep_negative)

    @classmethod
    def from_quantized_relu(cls, bits: int, integer: int) -> FixedPoint:
        """The values of QKeras ``quantized_relu(bits, integer)``."""
        return cls(width=bits, integer=integer, signed=False)

    @classmethod
    def holding(cls, lowest: int, highest: int, fraction: int) -> FixedPoint:
        """The narrowest format with that many fraction bits that holds the words ``lowest`` to ``highest``."""
        signed = lowest < 0
        magnitude_bits = max(highest.bit_length(), (-lowest - 1).bit_length() if signed else 0, 1)
        return cls(width=magnitude_bits + int(signed), integer=magnitude_bits - fraction, signed=signed)

    @property
    def quantized_bits_arguments(self) -> tuple[int, int, bool, bool]:
        """(bits, integer, keep_negative, symmetric) of the QKeras ``quantized_bits`` with these values."""
        if self.binary:
            return 1, 0, True, False
        return self.width, self.integer, self.signed, self.symmetric

    @property
    def fraction(self) -> int:
        """Bits right of the binary point; may be negative."""
        return self.width - self.integer - int(self.signed)

    @property
    def lsb(self) -> float:
        """Value of the last bit."""
        return 2.0**-self.fraction

    @property
    def lowest(self) -> int:
        """Smallest word."""
        if not self.signed:
            return 0
        if self.binary or self.symmetric:
            return -self.highest
        return -(1 << (self.width - 1))

    @property
    def highest(self) -> int:
        """Largest word."""
        return (1 << (self.width - int(self.signed))) - 1

    @property
    def ap_type(self) -> str:
        """The type in HLS C++: ``ap_fixed<W, I, ...>`` counts the sign in ``I``, and here it is added."""
        name = "ap_fixed" if self.signed else "ap_ufixed"
        overflow = "AP_SAT_SYM" if self.symmetric or self.binary else "AP_SAT"
        return f"{name}<{self.width},{self.integer + int(self.signed)},AP_RND_CONV,{overflow},0>"

    @property
    def kif(self) -> tuple[bool, int, int]:
        """(signed, integer bits without sign, fraction bits), as adder graphs count."""
        return self.signed, self.integer, self.fraction

    def quantise(self, values: NDArray[np.floating]) -> NDArray[np.int64]:
        """Words of real values: round half to even, then saturate.

        Parameters
        ----------
        values : float array of any shape
            Real values; NaN is refused by an assertion, infinities saturate.

        Returns
        -------
        int64 array of the same shape
        """
        scaled = np.asarray(values, dtype=np.float64) * 2.0**self.fraction
        assert not np.isnan(scaled).any()
        if self.binary:
            return np.where(scaled < 0, -1, 1).astype(np.int64)
        return np.clip(np.rint(scaled), self.lowest, self.highest).astype(np.int64)

    def requantise(self, words: NDArray[np.int64], fraction: int) -> NDArray[np.int64]:
        """Words of exact integers ``words * 2**-fraction``: integer arithmetic only, no float.

        Parameters
        ----------
        words : int64 array
        fraction : int
            Fraction bits of ``words``.

        Returns
        -------
        int64 array of the same shape
        """
        words = np.asarray(words, dtype=np.int64)
        if self.binary:
            return np.where(words < 0, -1, 1).astype(np.int64)
        shift = fraction - self.fraction
        if shift <= 0:
            # Saturation is decided before the left shift, which could overflow.
            top, bottom = self.highest >> -shift, -(-self.lowest >> -shift)
            moved = np.clip(words, bottom, top) << min(-shift, _WORD_BITS)
            return np.where(words > top, self.highest, np.where(words < bottom, self.lowest, moved))
        if shift >= _WORD_BITS:
            return np.zeros_like(words)  # sums stay within 62 bits, so every value is at most half a step
        return self._rounded(words, shift)

    def _rounded(self, words: NDArray[np.int64], shift: int) -> NDArray[np.int64]:
        """``words / 2**shift`` to the nearest, ties to even, saturated; 0 < shift < 63."""
        floor = words >> shift
        rest = words - (floor << shift)
        half = np.int64(1) << (shift - 1)
        up = (rest > half) | ((rest == half) & ((floor & 1) == 1))
        return np.clip(floor + up, self.lowest, self.highest)

    def to_float(self, words: NDArray[np.int64]) -> NDArray[np.float64]:
        """Real values of words, float64 of the same shape."""
        return np.asarray(words, dtype=np.float64) * self.lsb
