"""The quantiser: round half to even, then saturate, from operations of alkaid that are right.

alkaid 0.8.2's own ``RND_CONV`` gives wrong words for constants, and where an offset leaves a sum with a coarser last
bit than it assumes. Here, with ``s`` fraction bits to drop and ``y = x + half``:

    round_half_even(x) = y >> s, its last bit cleared where the s dropped bits of y are all zero (a tie).

The half joins the bias, so that rounding costs one two-input gate; ties that the last bits of the bias exclude cost
nothing. Overflow is read off the upper bits of y (clearing the last bit never changes them), and tested only on the
sides that the exact range reaches.
"""

from __future__ import annotations

import numpy as np
from alkaid.trace.fixed_variable import FVariable

from firmware.adder_graph.symbols import COST_MODEL, Element, sealed, unscaled
from firmware.errors import UserError
from firmware.network.fixed_point import FixedPoint

__all__ = ["quantised"]

_MAX_WIDTH = 24


def quantised(element: Element, fraction: int, target: FixedPoint) -> Element:
    """One value in another format, as ``FixedPoint.requantise`` computes it.

    Parameters
    ----------
    element : Element
    fraction : int
        Fraction bits of its words.
    target : FixedPoint

    Returns
    -------
    Element
        Words of the target format.

    Raises
    ------
    UserError
        The target is wider than 24 bits.
    """
    if target.width > _MAX_WIDTH:
        raise UserError(f"width of a quantiser must be at most {_MAX_WIDTH} bits in the adder graph, not {target.width}")
    bounds = np.array([element.low, element.high])
    low, high = (int(word) for word in target.requantise(bounds, fraction))
    if element.base is None or low == high:
        return Element.constant(low)
    if target.binary:
        # -1 or +1 is one bit: 1 - 2 * sign, and the constant waits for the next layer's bias.
        sign = _bits(element.materialised(), *_sign_position(element.low, element.high))
        return Element(sign * -2.0, 1, -1, 1)
    shift = fraction - target.fraction
    if shift <= 0:
        moved = element.shifted(-shift)
        if moved.low >= target.lowest and moved.high <= target.highest:
            return moved
        value = moved.materialised()
        return Element(_saturated(_Rounded(value, 0, moved.low, moved.high, None), low, high, target), 0, low, high)
    unbounded = FixedPoint(63, 62 - target.fraction, True)
    bottom, top = (int(word) for word in unbounded.requantise(bounds, fraction))
    fits = bottom >= target.lowest and top <= target.highest
    step = element.step
    half = 1 << (shift - 1)
    rest = (element.offset + half) % min(step, 1 << shift)
    if fits and step >= 1 << shift and element.offset % (1 << shift) != half:
        # Every value has the same dropped bits, and no tie: rounding is a constant.
        base = element.base * 2.0**-shift
        return Element(base, bottom - ((element.low - element.offset) >> shift), bottom, top)
    # Constant bits below the value's own last bit never change the floor; where any is set, no value is a tie.
    value = element.materialised(half - rest)
    first = element.low + half - rest
    last = element.high + half - rest
    unit, exponent = unscaled(value)
    tie_possible = rest == 0
    lowest_bit = _last_bit(unit, exponent, shift) if tie_possible else None
    rounded = _Rounded(value, shift, first, last, lowest_bit)
    if fits:
        return Element(sealed(rounded.whole(), bottom, top), 0, bottom, top)
    return Element(_saturated(rounded, low, high, target), 0, low, high)


class _Rounded:
    """The rounded value, in pieces: ``value >> shift``, with its last bit replaced by ``last_bit`` where given.

    ``low`` and ``high`` bound ``value``, before the shift.
    """

    def __init__(self, value: FVariable, shift: int, low: int, high: int, last_bit: FVariable | None) -> None:
        self.value = value
        self.shift = shift
        self.low = low >> shift
        self.high = high >> shift
        self.last_bit = last_bit
        self.top = max(self.high, ~self.low).bit_length()
        """Bits of the magnitude: the sign, if there is one, is bit ``top``."""

    def bits(self, first: int, last: int) -> FVariable:
        """Bits ``first`` to ``last - 1`` of the shifted value, as an unsigned number."""
        return _bits(self.value, self.shift + first, self.shift + last)

    def magnitude(self, count: int) -> FVariable:
        """The lowest ``count`` bits of the result, unsigned."""
        if self.last_bit is None:
            return self.bits(0, count)
        if count == 1:
            return self.last_bit
        upper = self.bits(1, count)
        return sealed(self.last_bit + upper * 2.0, 0, (1 << count) - 1)

    def whole(self) -> FVariable:
        """The whole result, signed if it can be negative."""
        unit, exponent = unscaled(self.value)
        keep = self.shift + (self.last_bit is not None) - exponent
        floor = unit.quantize(int(self.low < 0), 64, -keep) * 2.0 ** (exponent - self.shift)
        if self.last_bit is None:
            return floor
        return self.last_bit + floor

    def sign(self) -> FVariable | None:
        """1 where the result is negative; None where it never is."""
        return self.bits(self.top, self.top + 1) if self.low < 0 else None


def _saturated(rounded: _Rounded, low: int, high: int, target: FixedPoint) -> FVariable:
    """The rounded value clipped to the target; the result's exact range is ``low`` to ``high``."""
    bits = target.width - int(target.signed)
    sign = rounded.sign()
    over = rounded.high >> bits > 0
    if not target.signed:
        count = min(bits, rounded.top)
        result = rounded.magnitude(count)
        if over:
            result = result | _mask(_any(rounded.bits(bits, rounded.top)), bits)
        if sign is not None:
            result = _with_sign(result, sign, count).relu()
        return sealed(result, low, high)
    if sign is None:
        result = rounded.magnitude(bits) | _mask(_any(rounded.bits(bits, rounded.top)), bits)
        return sealed(result, low, high)
    under = ~rounded.low >> bits > 0
    if not over and not under:  # only a symmetric format gets here: all fits but the lowest word
        return sealed(_without_lowest(rounded.magnitude(bits), sign, bits), low, high)
    upper = rounded.bits(bits, rounded.top)
    magnitude = rounded.magnitude(bits)
    if not under:
        magnitude = magnitude | _mask(_any(upper) & _not(sign), bits)
    elif not over:
        magnitude = magnitude & _mask(_not(_any(_inverted(upper, rounded.top - bits)) & sign), bits)
    else:
        wrong = _any(upper ^ _mask(sign, rounded.top - bits))
        magnitude = wrong.msb_mux(_mask(_not(sign), bits), magnitude)
    combine = _without_lowest if target.symmetric else _with_sign
    return sealed(combine(magnitude, sign, bits), low, high)


def _with_sign(magnitude: FVariable, sign: FVariable, bits: int) -> FVariable:
    """Two's complement number of a sign and the bits below it."""
    return magnitude + sign * -(2.0**bits)


def _without_lowest(magnitude: FVariable, sign: FVariable, bits: int) -> FVariable:
    """The number, but for the lowest word, which becomes the one above it."""
    lowest = _not(_any(magnitude)) & sign
    return _with_sign(magnitude | lowest, sign, bits)


def _last_bit(unit: FVariable, exponent: int, shift: int) -> FVariable:
    """Bit ``shift`` of the sum, cleared at a tie: where all bits below it are zero."""
    value = unit * 2.0**exponent
    dropped = _bits(value, 0, shift)
    bit = _bits(value, shift, shift + 1)
    if dropped.low == dropped.high:
        return bit if dropped.low else FVariable.from_const(0.0, COST_MODEL)
    return bit & _any(dropped)


def _sign_position(low: int, high: int) -> tuple[int, int]:
    top = max(high, ~low).bit_length()
    return top, top + 1


def _bits(value: FVariable, first: int, last: int) -> FVariable:
    """Bits ``first`` to ``last - 1`` of the two's complement of a value, as an unsigned integer."""
    unit, exponent = unscaled(value)
    return unit.quantize(0, last - exponent, exponent - first) * 2.0 ** (exponent - first)


def _any(bits: FVariable) -> FVariable:
    """1 where any bit is set."""
    return bits.unary_bit_op("any")


def _not(bit: FVariable) -> FVariable:
    return bit.unary_bit_op("not")


def _inverted(bits: FVariable, count: int) -> FVariable:
    return bits ^ FVariable.from_const(float((1 << count) - 1), COST_MODEL)


def _mask(bit: FVariable, count: int) -> FVariable:
    """``count`` copies of a bit, as an unsigned integer."""
    return bit if count == 1 else _bits(-bit, 0, count)
