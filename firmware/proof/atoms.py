"""What forms are made of: atoms, the groups of functions of one primitive form, and how a function gets one name."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import gcd

import numpy as np
from numpy.typing import NDArray

from firmware.proof.functions import Function

__all__ = ["Atom", "Form", "Group", "Key", "TooLarge", "crossings", "is_identity", "normalised"]

Key = tuple[tuple[int, int, int], ...]
"""A primitive form without constant: sorted (slot, atom, coefficient), the first coefficient positive."""


class TooLarge(ArithmeticError):
    """A function has too many pieces or points to be looked at."""


@dataclass(eq=False, slots=True)
class Form:
    """``2**exponent * (constant + sum of coefficient * atom)``; ``terms`` holds slot: (atom, coefficient).

    A slot is a group of functions (0 or above), or one atom that is no function (below 0).
    """

    exponent: int
    constant: int
    terms: dict[int, tuple[int, int]]
    low: int
    high: int
    """Bounds of the bracket."""

    @property
    def is_constant(self) -> bool:
        """Whether it is a number."""
        return not self.terms


@dataclass(eq=False, slots=True)
class Atom:
    """Something that varies, with its bounds; ``slot`` as in ``Form.terms``."""

    slot: int
    low: int
    high: int
    function: Function | None = None
    """For a function of a group's form."""
    largest_of: tuple[Form, ...] = ()
    """For the largest of some forms."""
    label: str = ""


@dataclass(eq=False)
class Group:
    """The functions of one primitive form ``M = sum of coefficient * atom``."""

    key: Key
    low: int
    high: int
    cuts: NDArray[np.int64] | None
    """Where the pieces of the range of ``M`` start; None: every point is a piece."""
    atoms: list[int] = field(default_factory=list)

    @property
    def pointwise(self) -> bool:
        """Whether every point of the range is looked at by itself."""
        return self.cuts is None

    @property
    def points(self) -> int:
        """Integers in the range."""
        return self.high - self.low + 1

    @property
    def starts(self) -> NDArray[np.int64]:
        """Lowest point of each piece."""
        return np.arange(self.low, self.high + 1, dtype=np.int64) if self.cuts is None else self.cuts

    @property
    def ends(self) -> NDArray[np.int64]:
        """Highest point of each piece."""
        return self.starts if self.cuts is None else np.append(self.cuts[1:] - 1, self.high)

    def identity(self) -> Function:
        """``M`` itself."""
        starts = self.starts
        return Function(starts, starts if self.pointwise else self.ends)

    def slopes(self, f: Function) -> NDArray[np.int64]:
        """Slope of a known function on each piece; 0 on a single point."""
        return (f.last - f.first) // np.maximum(self.ends - self.starts, 1)


def crossings(group: Group, f: Function, thresholds: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where to cut a group so that a known function is below, at, or above each threshold on whole pieces."""
    if group.pointwise:
        return np.zeros(0, np.int64)
    cuts = []
    for piece in np.flatnonzero(f.first != f.last):
        start, first, last = int(group.starts[piece]), int(f.first[piece]), int(f.last[piece])
        slope = (last - first) // int(group.ends[piece] - start)
        inside = thresholds[(thresholds >= min(first, last)) & (thresholds <= max(first, last))]
        away = (inside - first) if slope > 0 else (first - inside)
        steps = -(-away // abs(slope))
        cuts.append(start + steps)
        cuts.append(start + steps[steps * abs(slope) == away] + 1)
    return np.concatenate(cuts) if cuts else np.zeros(0, np.int64)


def normalised(f: Function, group: Group) -> tuple[int, int, Function]:
    """A known function as ``start + factor * normal``; a factor of 0: constant.

    ``normal`` starts at 0, rises at its first change, and its values share no factor; ``M - lowest M`` if it is affine.
    """
    start = int(f.first[0])
    factor = _common_factor(f, group, start)
    return start, factor, _divided(f, start, factor) if factor else f


def _common_factor(f: Function, group: Group, start: int) -> int:
    """Greatest common factor of all differences of values, with the sign of the first change; 0: constant."""
    if f.low == f.high:
        return 0
    changes = np.diff(f.first)
    changes = changes[changes != 0]
    factor = int(np.gcd.reduce(changes)) if len(changes) else 0
    if not f.pointwise:
        factor = gcd(factor, int(np.gcd.reduce(group.slopes(f))))
    changed = np.flatnonzero((f.first != start) | (f.last != start))[0]
    step = int(f.first[changed]) - start or int(f.last[changed]) - start
    return factor if step > 0 else -factor


def _divided(f: Function, start: int, factor: int) -> Function:
    """The function, brought to start at 0 and without its common factor; tables in as few bytes as they need."""
    first = (f.first - start) // factor
    if f.pointwise:
        first = first.astype(np.result_type(*(np.min_scalar_type(int(end)) for end in (first.min(), first.max()))))
        return Function(first, first)
    return Function(first, (f.last - start) // factor)


def is_identity(f: Function, group: Group) -> bool:
    """Whether a function is ``M - lowest M``."""
    return np.array_equal(f.first, group.starts - group.low) and (
        f.pointwise or np.array_equal(f.last, group.ends - group.low)
    )
