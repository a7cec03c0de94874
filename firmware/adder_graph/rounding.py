"""The quantiser: round half to even, then saturate, from sums, slices and gates.

alkaid 0.8.2's own ``RND_CONV`` gives wrong words for constants, and where an offset leaves a sum with a coarser last
bit than it assumes. Here, with ``s`` fraction bits to drop and ``y = x + half``:

    round_half_even(x) = y >> s, its last bit cleared where the s dropped bits of y are all zero (a tie).

The half joins the bias, so that rounding costs one two-input gate; ties that the last bits of the bias exclude cost
nothing. Overflow is read off the upper bits of y (clearing the last bit never changes them), and tested only on the
sides that the exact range reaches.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from firmware.adder_graph.graph import Graph, Value
from firmware.adder_graph.symbols import Element
from firmware.network.fixed_point import FixedPoint

__all__ = ["quantised"]


def quantised(graph: Graph, element: Element, fraction: int, target: FixedPoint) -> Element:
    """One value in another format, as ``FixedPoint.requantise`` computes it.

    Parameters
    ----------
    graph : Graph
        Where the operations are written.
    element : Element
    fraction : int
        Fraction bits of its words.
    target : FixedPoint

    Returns
    -------
    Element
        Words of the target format.
    """
    bounds = np.array([element.low, element.high])
    low, high = (int(word) for word in target.requantise(bounds, fraction))
    if element.base is None or low == high:
        return Element.constant(low)
    if target.binary:
        # -1 or +1 is one bit: 1 - 2 * sign, and the constant waits for the next layer's bias.
        top = max(element.high, ~element.low).bit_length()
        sign = graph.bits(element.materialised(graph), top, top + 1)
        return Element(sign.scaled(1).negated(), 1, -1, 1)
    shift = fraction - target.fraction
    if shift <= 0:
        moved = element.shifted(-shift)
        if moved.low >= target.lowest and moved.high <= target.highest:
            return moved
        rounded = _Rounded(graph, moved.materialised(graph), 0, moved.low, moved.high, None)
        return Element(graph.narrow(_saturated(rounded, target), low, high), 0, low, high)
    bottom, top = (int(word) for word in FixedPoint(63, 62 - target.fraction, True).requantise(bounds, fraction))
    fits = bottom >= target.lowest and top <= target.highest
    step = graph.bounds(element.base)[2]
    half = 1 << (shift - 1)
    if fits and step >= 1 << shift and element.offset % (1 << shift) != half:
        # Every value has the same dropped bits, and no tie: rounding is a constant.
        return Element(element.base.scaled(-shift), bottom - ((element.low - element.offset) >> shift), bottom, top)
    # Constant bits below the value's own last bit never change the floor; where any is set, no value is a tie.
    rest = (element.offset + half) % min(step, 1 << shift)
    value = element.materialised(graph, half - rest)
    last_bit = _last_bit(graph, value, shift) if rest == 0 else None
    rounded = _Rounded(graph, value, shift, element.low + half - rest, element.high + half - rest, last_bit)
    if fits:
        return Element(graph.narrow(rounded.whole(), bottom, top), 0, bottom, top)
    return Element(graph.narrow(_saturated(rounded, target), low, high), 0, low, high)


def _last_bit(graph: Graph, value: Value, shift: int) -> Value:
    """Bit ``shift`` of the sum, cleared at a tie: where all bits below it are zero."""
    return graph.both(graph.bits(value, shift, shift + 1), graph.any(graph.bits(value, 0, shift)))


@dataclass(frozen=True)
class _Rounded:
    """The rounded value, in pieces: ``value >> shift``, with its last bit replaced by ``last_bit`` where given.

    ``lowest`` and ``highest`` bound ``value``, before the shift.
    """

    graph: Graph
    value: Value
    shift: int
    lowest: int
    highest: int
    last_bit: Value | None

    @property
    def low(self) -> int:
        """Lowest value, after the shift."""
        return self.lowest >> self.shift

    @property
    def high(self) -> int:
        """Highest value, after the shift."""
        return self.highest >> self.shift

    @property
    def top(self) -> int:
        """Bits of the magnitude: the sign, if there is one, is bit ``top``."""
        return max(self.high, ~self.low).bit_length()

    def bits(self, first: int, last: int) -> Value:
        """Bits ``first`` to ``last - 1`` of the shifted value, as an unsigned number."""
        return self.graph.bits(self.value, self.shift + first, self.shift + last)

    def magnitude(self, count: int) -> Value:
        """The lowest ``count`` bits of the result, unsigned."""
        if self.last_bit is None:
            return self.bits(0, count)
        return self.graph.add(self.last_bit, self.bits(1, count).scaled(1))

    def whole(self) -> Value:
        """The whole result, signed if it can be negative."""
        if self.last_bit is None:
            return self.graph.floor(self.value, self.shift)
        return self.graph.add(self.last_bit, self.graph.floor(self.value, self.shift + 1).scaled(1))

    def sign(self) -> Value | None:
        """1 where the result is negative; None where it never is."""
        return self.bits(self.top, self.top + 1) if self.low < 0 else None


def _saturated(rounded: _Rounded, target: FixedPoint) -> Value:
    """The rounded value clipped to the target, for values that leave it on one side or on both."""
    graph = rounded.graph
    bits = target.width - int(target.signed)
    sign = rounded.sign()
    over = rounded.high >> bits > 0
    if sign is None or not target.signed:
        count = min(bits, rounded.top)
        result = rounded.magnitude(count)
        if over:
            result = graph.either(result, graph.copies(graph.any(rounded.bits(bits, rounded.top)), bits))
        return result if sign is None else graph.relu(_with_sign(graph, result, sign, count))
    under = ~rounded.low >> bits > 0
    if not over and not under:  # only a symmetric format gets here: all fits but the lowest word
        return _without_lowest(graph, rounded.magnitude(bits), sign, bits)
    upper = rounded.bits(bits, rounded.top)
    count = rounded.top - bits
    result = rounded.magnitude(bits)
    if not under:
        result = graph.either(result, graph.copies(graph.both(graph.any(upper), graph.invert(sign)), bits))
    elif not over:
        lost = graph.both(graph.any(graph.differ(graph.copies(sign, count), upper)), sign)
        result = graph.both(result, graph.copies(graph.invert(lost), bits))
    else:
        wrong = graph.any(graph.differ(upper, graph.copies(sign, count)))
        result = graph.select(wrong, graph.copies(graph.invert(sign), bits), result)
    combine = _without_lowest if target.symmetric else _with_sign
    return combine(graph, result, sign, bits)


def _with_sign(graph: Graph, magnitude: Value, sign: Value, bits: int) -> Value:
    """Two's complement number of a sign and the bits below it."""
    return graph.add(magnitude, sign.scaled(bits).negated())


def _without_lowest(graph: Graph, magnitude: Value, sign: Value, bits: int) -> Value:
    """The number, but for the lowest word, which becomes the one above it."""
    lowest = graph.both(graph.invert(graph.any(magnitude)), sign)
    return _with_sign(graph, graph.either(magnitude, lowest), sign, bits)
