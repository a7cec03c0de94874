"""Functions of one integer, known on a partition of its whole range, and the operations of adder graphs on them.

The range is cut into pieces. On a *known* piece the function is affine, so that its two ends say all; a piece may be
one point, and where every piece is, the function is its table. On a piece that is not known, the ends are a lower and
an upper bound: a slice of a wide sum takes many values where a saturated result does not depend on it, and bounds are
all that is needed there. Nothing is assumed: where a result is neither constant nor affine on a piece, it has bounds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = ["Function", "TooWide", "any_bit", "combine", "gate", "invert", "relu", "select", "slice_bits"]

Words = NDArray[np.int64]
_MAX_BITS = 62


class TooWide(ArithmeticError):
    """A value does not fit 62 bits."""


@dataclass(frozen=True, eq=False)
class Function:
    """Values of a function on the pieces of a partition.

    Parameters
    ----------
    first, last : int64 arrays
        Value at the lowest and at the highest point of each piece; the same object if every piece is one point.
    known : bool array or None
        Pieces on which the function is affine between its ends; on others they are bounds. None: all are known.
    """

    first: Words
    last: Words
    known: NDArray[np.bool_] | None = None
    low: int = field(init=False)
    high: int = field(init=False)

    def __post_init__(self) -> None:
        low, high = int(self.first.min()), int(self.first.max())
        if self.last is not self.first:
            low, high = min(low, int(self.last.min())), max(high, int(self.last.max()))
        object.__setattr__(self, "low", low)
        object.__setattr__(self, "high", high)

    @property
    def pointwise(self) -> bool:
        """Whether every piece is one point."""
        return self.last is self.first

    @property
    def is_known(self) -> bool:
        """Whether no piece has bounds only."""
        return self.known is None or bool(self.known.all())

    def same(self, other: Function) -> bool:
        """Whether two functions on one partition are known and equal."""
        return (
            self.is_known
            and other.is_known
            and np.array_equal(self.first, other.first)
            and ((self.pointwise and other.pointwise) or np.array_equal(self.last, other.last))
        )

    def constant(self) -> NDArray[np.bool_]:
        """Pieces on which the function is known and constant."""
        steady = self.first == self.last
        return steady if self.known is None else steady & self.known


def combine(terms: Sequence[tuple[Function, int]], constant: int = 0) -> Function:
    """``sum of factor * function + constant``.

    Raises
    ------
    TooWide
        A value could leave 62 bits.
    """
    _check(abs(constant) + sum(abs(factor) * max(abs(f.low), abs(f.high)) for f, factor in terms))
    first = np.full(len(terms[0][0].first), constant, np.int64)
    if all(f.pointwise for f, _ in terms):
        for f, factor in terms:
            first += np.multiply(f.first, factor, dtype=np.int64)
        return Function(first, first)
    last = first.copy()
    known = _both_known([f.known for f, _ in terms])
    if known is None:
        for f, factor in terms:
            first += f.first * factor
            last += f.last * factor
        return Function(first, last)
    low, high = first.copy(), first.copy()
    for f, factor in terms:
        one, other = f.first * factor, f.last * factor
        first += one
        last += other
        low += np.minimum(one, other)
        high += np.maximum(one, other)
    return Function(np.where(known, first, low), np.where(known, last, high), known)


def slice_bits(f: Function, drop: int, lowest: int, width: int) -> Function:
    """``floor(f / 2**drop)``, then its lowest ``width`` bits, read as a number from ``lowest`` on.

    Parameters
    ----------
    drop : int
        Bits lost below; negative: zeros joined below.
    lowest : int
        0, or -2**(width - 1).
    """
    if width <= 0:
        zero = np.zeros(len(f.first), np.int64)
        return Function(zero, zero if f.pointwise else zero.copy())
    if drop <= 0:
        floored = combine([(f, 1 << -drop)])
    elif f.pointwise:
        floor = f.first >> min(drop, 63)
        floored = Function(floor, floor)
    else:
        floored = _floor(f, min(drop, 63))
    if floored.low >= lowest and floored.high < lowest + (1 << width):
        return floored
    if f.pointwise:
        wrapped = ((floored.first - lowest) & ((1 << width) - 1)) + lowest
        return Function(wrapped, wrapped)
    low, high = np.minimum(floored.first, floored.last), np.maximum(floored.first, floored.last)
    window = (low - lowest) >> width
    together = window == (high - lowest) >> width
    moved = window << width
    first = np.where(together, floored.first - moved, lowest)
    last = np.where(together, floored.last - moved, lowest + (1 << width) - 1)
    return Function(first, last, together if floored.known is None else together & floored.known)


def relu(f: Function) -> Function:
    """``max(f, 0)``."""
    if f.pointwise:
        above = np.maximum(f.first, 0)
        return Function(above, above)
    crossing = (np.minimum(f.first, f.last) < 0) & (np.maximum(f.first, f.last) > 0)
    return _bounded(np.maximum(f.first, 0), np.maximum(f.last, 0), f.known, ~crossing)


def any_bit(f: Function) -> Function:
    """1 where the function is not zero."""
    if f.pointwise:
        found = (f.first != 0).astype(np.int64)
        return Function(found, found)
    low, high = np.minimum(f.first, f.last), np.maximum(f.first, f.last)
    never = (low > 0) | (high < 0)
    zero = (low == 0) & (high == 0)
    return _decided(never.astype(np.int64), never | zero)


def invert(f: Function, ones: int) -> Function:
    """``ones - f``."""
    return combine([(f, -1)], ones)


def gate(one: Function, other: Function, kind: int) -> Function:
    """Bitwise and (0), or (1), exclusive or (2) of functions that are nowhere negative."""
    operation: Callable[..., Words] = (np.bitwise_and, np.bitwise_or, np.bitwise_xor)[kind]
    if one.pointwise and other.pointwise:
        word = operation(one.first, other.first)
        return Function(word, word)
    top = max(one.high.bit_length(), other.high.bit_length())
    first, last = np.zeros(len(one.first), np.int64), np.full(len(one.first), (1 << top) - 1, np.int64)
    known = one.constant() & other.constant()
    exact = operation(one.first, other.first)
    first, last = np.where(known, exact, first), np.where(known, exact, last)
    for mask, rest in ((one, other), (other, one)):
        todo = mask.constant() & ~known
        rest_known = np.ones_like(todo) if rest.known is None else rest.known
        zero = todo & (mask.first == 0)
        ones = mask.first
        covers = todo & ((ones & (ones + 1)) == 0) & (ones >= np.maximum(rest.first, rest.last))
        for chosen, made in _shortcuts(kind, zero, covers, ones, rest):
            low, high, certain = made
            first, last = np.where(chosen, low, first), np.where(chosen, high, last)
            known = np.where(chosen, rest_known | certain, known)
    return Function(first, last, known)


def _shortcuts(
    kind: int, zero: NDArray[np.bool_], covers: NDArray[np.bool_], ones: Words, rest: Function
) -> list[tuple[NDArray[np.bool_], tuple[Words, Words, bool]]]:
    """Pieces where one operand is constant, and the result there: its ends, and whether it is certain anyway."""
    same = rest.first, rest.last, False
    if kind == 0:
        nothing = np.zeros_like(ones)
        return [(covers, same), (zero, (nothing, nothing, True))]
    if kind == 1:
        return [(covers, (ones, ones, True)), (zero, same)]
    unknown = np.zeros_like(zero) if rest.known is None else ~rest.known
    flipped = (
        np.where(unknown, ones - rest.last, ones - rest.first),
        np.where(unknown, ones - rest.first, ones - rest.last),
    )
    return [(covers, (*flipped, False)), (zero, same)]


def select(key: Function, chosen: Function, other: Function) -> Function:
    """``chosen`` where the key (0 or 1) is 1, else ``other``."""
    if key.pointwise and chosen.pointwise and other.pointwise:
        word = np.where(key.first != 0, chosen.first, other.first)
        return Function(word, word)
    decided = key.constant()
    one = key.first != 0
    low = np.minimum(np.minimum(chosen.first, chosen.last), np.minimum(other.first, other.last))
    high = np.maximum(np.maximum(chosen.first, chosen.last), np.maximum(other.first, other.last))
    chosen_known = np.ones_like(decided) if chosen.known is None else chosen.known
    other_known = np.ones_like(decided) if other.known is None else other.known
    known = decided & np.where(one, chosen_known, other_known)
    first = np.where(decided, np.where(one, chosen.first, other.first), low)
    last = np.where(decided, np.where(one, chosen.last, other.last), high)
    return Function(first, last, known)


def _floor(f: Function, drop: int) -> Function:
    """``f >> drop`` on pieces: constant if both ends agree, affine if the slope keeps the dropped bits."""
    low, high = np.minimum(f.first, f.last) >> drop, np.maximum(f.first, f.last) >> drop
    return _bounded(f.first >> drop, f.last >> drop, f.known, low == high)


def _bounded(first: Words, last: Words, known: NDArray[np.bool_] | None, certain: NDArray[np.bool_]) -> Function:
    """Ends of a monotone operation on pieces; where its result is not ``certain`` to be affine, bounds."""
    steady = first == last
    now_known = (certain if known is None else certain & known) | steady
    low, high = np.minimum(first, last), np.maximum(first, last)
    return Function(np.where(now_known, first, low), np.where(now_known, last, high), now_known)


def _decided(word: Words, decided: NDArray[np.bool_]) -> Function:
    """A bit that is known on some pieces."""
    return Function(np.where(decided, word, 0), np.where(decided, word, 1), decided)


def _both_known(parts: Sequence[NDArray[np.bool_] | None]) -> NDArray[np.bool_] | None:
    found = [part for part in parts if part is not None]
    return np.logical_and.reduce(found) if found else None


def _check(magnitude: int) -> None:
    if magnitude.bit_length() > _MAX_BITS:
        raise TooWide(f"a value of {magnitude.bit_length()} bits does not fit {_MAX_BITS}")
