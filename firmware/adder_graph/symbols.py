"""Symbolic values: what varies, and the constants and exact ranges beside it.

Everything is kept in *words*: a value is an integer, and the fraction belongs to the tensor. Constants wait beside the
value (``offset``) until a rounding needs them, so that biases, halves of rounding and folded inputs cost one addition.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from math import prod
from typing import cast

import numpy as np
from numpy.typing import NDArray

from firmware.adder_graph.graph import Graph, Value
from firmware.errors import UserError

__all__ = ["MAX_BITS", "Element", "SymbolicTensor", "filled"]

MAX_BITS = 52
"""Words stay below this magnitude: alkaid's interpreter takes and gives doubles."""


@dataclass(frozen=True, slots=True)
class Element:
    """One value: ``base + offset``, an integer.

    Parameters
    ----------
    base : Value or None
        The varying part; None: the value is the constant ``offset``.
    offset : int
    low, high : int
        Exact bounds of the value, the offset included.
    """

    base: Value | None
    offset: int
    low: int
    high: int

    @classmethod
    def constant(cls, word: int) -> Element:
        """A value that is always ``word``."""
        return cls(None, word, word, word)

    def shifted(self, bits: int) -> Element:
        """The value times 2**bits (bits >= 0)."""
        base = None if self.base is None else self.base.scaled(bits)
        return Element(base, self.offset << bits, self.low << bits, self.high << bits)

    def materialised(self, graph: Graph, extra: int = 0) -> Value:
        """The value plus ``extra`` as one result, the constant added in hardware if there is one."""
        assert self.base is not None
        return graph.add_constant(self.base, self.offset + extra)


@dataclass(frozen=True)
class SymbolicTensor:
    """Elements of any shape (object array), and the fraction of their words."""

    elements: NDArray[np.object_]
    fraction: int

    def __iter__(self) -> Iterator[Element]:
        return iter(cast("list[Element]", self.elements.ravel().tolist()))

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape, without the batch axis."""
        return self.elements.shape

    def aligned(self, fraction: int) -> SymbolicTensor:
        """The same values with more fraction bits."""
        bits = fraction - self.fraction
        return self if bits == 0 else self.map(lambda element: element.shifted(bits), fraction)

    def map(self, function: Callable[[Element], Element], fraction: int) -> SymbolicTensor:
        """A function of each element."""
        return SymbolicTensor(filled(self.shape, [function(element) for element in self]), fraction)

    def check_size(self, layer: str) -> None:
        """Refuse words that alkaid's interpreter could not carry exactly.

        Raises
        ------
        UserError
            A word needs more than ``MAX_BITS`` bits.
        """
        largest = max(max(abs(element.low), abs(element.high)) for element in self)
        if largest.bit_length() > MAX_BITS:
            raise UserError(
                f"words of layer '{layer}' must fit {MAX_BITS} bits to be computed exactly, not need "
                f"{largest.bit_length()}; quantise between the layers, or use formats with closer fractions"
            )


def filled(shape: tuple[int, ...], elements: Iterable[Element]) -> NDArray[np.object_]:
    """An object array of that shape, filled in C order."""
    array = np.empty(prod(shape), dtype=object)
    array[:] = list(elements)
    return array.reshape(shape)
