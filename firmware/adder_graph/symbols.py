"""Symbolic values: alkaid variables with our own exact integer ranges beside them.

Everything is kept in *words*: a variable's value is an integer, and the fraction belongs to the tensor. Three habits
keep alkaid 0.8.2 on ground where it is right:

- its interval arithmetic finds last bits through float32, so ranges and steps are computed here, in integers, and
  written into each result (``sealed``);
- constants are kept beside the variable (``offset``) until a rounding needs them, and then added in pieces that its
  32-bit constant fits;
- bits are taken from unscaled variables only (``unscaled``), since its clean-up of most-significant-bit slices
  misreads scaled ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import cast

import numpy as np
from alkaid.trace.affine_interval import AffineInterval
from alkaid.trace.fixed_variable import FVariable, HWConfig
from alkaid.types import QInterval
from numpy.typing import NDArray

from firmware.errors import UserError

__all__ = [
    "COST_MODEL", "MAX_BITS", "Element", "SymbolicTensor", "filled", "new_input", "sealed", "trailing_zeros",
    "unscaled",
]  # fmt: skip

COST_MODEL = HWConfig(adder_size=1, carry_size=1, latency_cutoff=-1)
"""One LUT a sum bit, delay counted bit by bit along the carry."""

MAX_BITS = 52
"""Words stay below this magnitude: alkaid's interpreter takes and gives doubles."""

_CONSTANT_BITS = 30


@dataclass(frozen=True)
class Element:
    """One value: ``base + offset``, an integer.

    Parameters
    ----------
    base : FVariable or None
        The varying part; None: the value is the constant ``offset``.
    offset : int
    low, high : int
        Exact bounds of the value, the offset included.
    """

    base: FVariable | None
    offset: int
    low: int
    high: int

    @classmethod
    def constant(cls, word: int) -> Element:
        """A value that is always ``word``."""
        return cls(None, word, word, word)

    @property
    def step(self) -> int:
        """Power of two that divides every value of the varying part; 0 for a constant."""
        return 0 if self.base is None else int(self.base.step)

    def shifted(self, bits: int) -> Element:
        """The value times 2**bits (bits >= 0)."""
        base = None if self.base is None else self.base * 2.0**bits
        return Element(base, self.offset << bits, self.low << bits, self.high << bits)

    def materialised(self, extra: int = 0) -> FVariable:
        """The value plus ``extra`` as one variable, the constant added in hardware if there is one."""
        assert self.base is not None
        total = self.offset + extra
        low, high = self.low - self.offset, self.high - self.offset
        result = self.base
        for part in _pieces(total):
            low, high = low + part, high + part
            result = _plus_constant(result, part, low, high)
        return result


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
    array = np.empty(int(np.prod(shape)), dtype=object)
    array[:] = list(elements)
    return array.reshape(shape)


def new_input(low: int, high: int) -> Element:
    """An input of the program: any integer from ``low`` to ``high``."""
    return Element(FVariable(float(low), float(high), 1.0, hwconf=COST_MODEL, opr="new"), 0, low, high)


def sealed(variable: FVariable, low: int, high: int, step: int | None = None) -> FVariable:
    """The variable with a range that is known to be exact, in place of alkaid's own.

    The step may be coarser than alkaid's, never finer: a slice that makes bits below its source's would be wrong.
    """
    unit = step or variable.step
    interval = AffineInterval.new(QInterval(-(-low // unit) * float(unit), high // unit * float(unit), float(unit)))
    return variable._with(_affine=interval, renew_id=False)


def unscaled(variable: FVariable) -> tuple[FVariable, int]:
    """``(u, e)`` with ``variable == u * 2**e`` and ``u`` as alkaid stores it, up to its sign."""
    scale = abs(variable._factor)
    exponent = int(np.log2(scale))
    return (variable, 0) if exponent == 0 else (variable * (1 / scale), exponent)


def trailing_zeros(number: int) -> int:
    """Zero bits below the lowest one bit of a non-zero integer."""
    return (number & -number).bit_length() - 1


def _pieces(total: int) -> list[int]:
    """``total`` as a sum of constants that alkaid's 32-bit mantissa holds."""
    parts = []
    while total:
        zeros = trailing_zeros(total)
        mantissa = total >> zeros
        if mantissa.bit_length() > _CONSTANT_BITS:
            mantissa &= (1 << _CONSTANT_BITS) - 1
        parts.append(mantissa << zeros)
        total -= parts[-1]
    return parts


def _plus_constant(variable: FVariable, constant: int, low: int, high: int) -> FVariable:
    """``variable + constant``, built as alkaid builds it, but for the float32 search of the constant's last bit."""
    zeros = trailing_zeros(constant)
    base, exponent = unscaled(variable)
    sign = 1 if base._factor > 0 else -1
    data = (exponent - zeros) << 32 | (sign * (constant >> zeros) & 0xFFFFFFFF)
    scale = 2.0**exponent
    step = min(int(variable.step), 1 << zeros)
    result = FVariable(
        low / scale, high / scale, step / scale,
        _from=(base,), _factor=base._factor, _data=data, opr="cadd", hwconf=COST_MODEL,
    )  # fmt: skip
    return result * scale
