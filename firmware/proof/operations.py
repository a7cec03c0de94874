"""The rules for an adder graph's operations on exact forms.

Only a slice drops or wraps bits. Any other value that does not fit its declared bits is refused later: hardware would
cut it, and alkaid's interpreters would not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from alkaid.types import Op

from firmware.proof.atoms import Form, TooLarge
from firmware.proof.functions import Function, any_bit, combine, gate, relu, select, slice_bits
from firmware.proof.largest import largest
from firmware.proof.space import Space

__all__ = ["Layout", "Operations", "Stop", "Univariate", "Value"]

_NEGATE, _INPUT, _ADD, _SUBTRACT, _RELU, _SLICE, _ADD_CONSTANT, _CONSTANT, _MUX = -2, -1, 0, 1, 2, 3, 4, 5, 6
_UNARY, _GATE, _TERNARY = 9, 10, 11
_NOT, _ANY = 0, 1
_LINEAR = (_NEGATE, _ADD, _SUBTRACT, _ADD_CONSTANT, _CONSTANT, _TERNARY)
_OPERANDS = {
    _NEGATE: 1, _INPUT: 0, _ADD: 2, _SUBTRACT: 2, _RELU: 1, _SLICE: 1, _ADD_CONSTANT: 1, _CONSTANT: 0, _MUX: 3,
    _UNARY: 1, _GATE: 2, _TERNARY: 3,
}  # fmt: skip
_PAYLOAD = {
    _INPUT: 1, _ADD: 1, _SUBTRACT: 1, _SLICE: 1, _ADD_CONSTANT: 2, _CONSTANT: 1, _MUX: 1, _UNARY: 1, _GATE: 2,
    _TERNARY: 6,
}  # fmt: skip


@dataclass(eq=False, slots=True)
class Univariate:
    """A function of one group's form, not yet brought to normal form, in units of ``2**exponent``."""

    group: int
    function: Function
    exponent: int
    form: Form | None = None


Value = Form | Univariate


@dataclass(frozen=True)
class Layout:
    """Bits of an operation: its words are multiples of ``2**unit`` from ``lowest`` on, ``width`` bits of them."""

    signed: bool
    width: int
    unit: int

    @classmethod
    def of(cls, op: Op) -> Layout:
        """Bits of an operation's result, as alkaid's Verilog has them."""
        signed, integers, fraction = op.qint.kif
        return cls(bool(signed), int(signed) + int(integers) + int(fraction), -int(fraction))

    @property
    def lowest(self) -> int:
        """Lowest word."""
        return -(1 << (self.width - 1)) if self.signed and self.width else 0


class Stop(ArithmeticError):
    """An operation has no form; carries the kind of finding."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Operations:
    """Values of operations, one after the other.

    Parameters
    ----------
    space : Space
        Where the forms live; frozen.
    words : list of forms
        The input words, all ports one after the other.
    ports : list of Layout
        Bits of each.
    """

    def __init__(self, space: Space, words: list[Form], ports: list[Layout]) -> None:
        self.space = space
        self.words = words
        self.ports = ports
        self.seen: set[int] = set()
        """Atoms that values are made of."""

    def check_shape(self, place: int, op: Op) -> None:
        """Refuse an operation that is none.

        Raises
        ------
        Stop
            Its code, its operands or its data are not those of an operation at that place.
        """
        if op.opcode not in _OPERANDS:
            raise Stop("unsupported", f"there is no rule for operation code {op.opcode}")
        if len(op.addr) != _OPERANDS[op.opcode] or len(op.data) != _PAYLOAD.get(op.opcode, 0):
            raise Stop("malformed", f"operation code {op.opcode} with {len(op.addr)} operands and data {op.data}")
        if any(not 0 <= address < place for address in op.addr):
            raise Stop("malformed", f"operands {op.addr} are not earlier operations")

    def result(self, op: Op, layout: Layout, sources: list[Layout], operands: list[Value]) -> Value:
        """Value of an operation, before it is held against its interval.

        Parameters
        ----------
        op : Op
        layout : Layout
            Of its result.
        sources : list of Layout
            Of its operands.
        operands : list of values

        Raises
        ------
        Stop
            There is no rule for these operands.
        TooWide, TooLarge
            Values do not fit 62 bits, or have too many pieces.
        """
        if op.opcode == _INPUT:
            place = int(op.data[0])
            if not 0 <= place < len(self.words):
                raise Stop("malformed", f"there is no input {place}")
            word, port = self.words[place], self.ports[place]
            if layout != port:
                raise Stop("malformed", f"input {place} has {port.width} bits, declared are {layout.width}")
            return word
        if op.opcode in _LINEAR:
            return self._linear(op, layout, operands)
        if op.opcode == _SLICE:
            return self._slice(operands[0], int(op.data[0]), layout)
        if op.opcode == _RELU:
            return self._relu(operands[0])
        if op.opcode == _MUX:
            return self._mux(op, sources[2], operands)
        if op.opcode == _UNARY:
            return self._unary(op, layout, sources[0], operands[0])
        return self._gate(op, layout, sources, operands)

    def check_bits(self, op: Op, layout: Layout, sources: list[Layout]) -> None:
        """Refuse results whose bits are not those of their operands, and could not be wired.

        Raises
        ------
        Stop
            A last bit below all operands', or bits above an unsigned operand's.
        """
        if layout.width == 0:
            return
        if op.opcode != _MUX and any(source.width == 0 for source in sources):
            raise Stop("malformed", "an operand has no bits, and cannot be wired")
        shifts = [int(shift) for shift in op.data]
        units = [source.unit for source in sources]
        if op.opcode in (_ADD, _SUBTRACT):
            wired = layout.unit >= min(units[0], units[1] + shifts[0])
        elif op.opcode == _TERNARY:
            wired = layout.unit >= min(unit + shift for unit, shift in zip(units, shifts[1::2], strict=True))
        elif op.opcode == _ADD_CONSTANT:
            wired = layout.unit >= min(units[0], -shifts[1])
        elif op.opcode == _NEGATE:
            wired = layout.unit == units[0]
        elif op.opcode == _MUX:
            wired = layout.unit == min(units[0], units[1] + shifts[0])
        elif op.opcode in (_SLICE, _RELU):
            drop = layout.unit - units[0] - (shifts[0] if op.opcode == _SLICE else 0)
            reaches = drop + layout.width <= sources[0].width
            wired = drop >= 0 and (reaches or (op.opcode == _SLICE and sources[0].signed))
        else:
            wired = True
        if not wired:
            raise Stop("malformed", "its declared bits are not among those of its operands")

    def is_multiple(self, value: Value, unit: int) -> bool:
        """Whether every value is a multiple of ``2**unit``."""
        if isinstance(value, Form):
            return self.space.multiple_of(value, unit)
        below = (1 << max(unit - value.exponent, 0)) - 1
        if not below:
            return True
        f = value.function
        if not f.is_known:
            raise TooLarge("a value with more bits than declared is not known on whole pieces of its range")
        inner = not f.pointwise and (self.space.groups[value.group].slopes(f) & below).any()
        return not (inner or (f.first & below).any() or (f.last & below).any())

    # Sums

    def _linear(self, op: Op, layout: Layout, operands: list[Value]) -> Value:
        if op.opcode == _CONSTANT:
            return self.space.constant(int(op.data[0]), layout.unit)
        if op.opcode == _NEGATE:
            return self._sum([(operands[0], -1, 0)])
        if op.opcode == _ADD_CONSTANT:
            constant = self.space.constant(int(op.data[0]), -int(op.data[1]))
            return self._sum([(operands[0], 1, 0), (constant, 1, 0)])
        if op.opcode == _TERNARY:
            factors = [1 if plus else -1 for plus in op.data[0::2]]
            return self._sum(list(zip(operands, factors, (int(s) for s in op.data[1::2]), strict=True)))
        return self._sum([(operands[0], 1, 0), (operands[1], 1 if op.opcode == _ADD else -1, int(op.data[0]))])

    def _sum(self, parts: list[tuple[Value, int, int]]) -> Value:
        group = self._common_group([value for value, _, _ in parts])
        if group is not None and any(isinstance(value, Univariate) for value, _, _ in parts):
            exponent = min(value.exponent + shift for value, _, shift in parts)
            constant, terms = 0, []
            for value, factor, shift in parts:
                scale = factor << (value.exponent + shift - exponent)
                if isinstance(value, Form) and value.is_constant:
                    constant += value.constant * scale
                else:
                    terms.append((self._function(value), scale))
            return self._univariate(group, combine(terms, constant), exponent)
        return self.space.combine([(self.form(value), factor, shift) for value, factor, shift in parts])

    # Functions of one form

    def _slice(self, value: Value, shift: int, layout: Layout) -> Value:
        """Floor to the layout's unit, then wrap into its bits: what a slice of wires gives."""
        exponent = value.exponent + shift
        drop = layout.unit - exponent
        top = layout.lowest + (1 << layout.width)
        if isinstance(value, Form):
            moved = self.space.combine([(value, 1, shift)])
            if self.space.multiple_of(moved, layout.unit):
                moved = self.space.aligned(moved, layout.unit)
                if moved.low >= layout.lowest and moved.high < top:
                    return moved
            if value.is_constant:
                word = value.constant >> drop if drop > 0 else value.constant << -drop
                word = (word - layout.lowest) % (1 << layout.width) + layout.lowest
                return self.space.constant(word, layout.unit)
        sliced = slice_bits(self._function(value), drop, layout.lowest, layout.width)
        return self._univariate(self._base(value), sliced, layout.unit)

    def _relu(self, value: Value) -> Value:
        low, high = (value.low, value.high) if isinstance(value, Form) else (value.function.low, value.function.high)
        if low >= 0:
            return value
        if high <= 0:
            return self.space.constant(0, value.exponent)
        return self._univariate(self._base(value), relu(self._function(value)), value.exponent)

    def _unary(self, op: Op, layout: Layout, source: Layout, value: Value) -> Value:
        if op.data[0] == _NOT:
            if source != layout:
                raise Stop("unsupported", "an inverter between different widths")
            ones = -1 if layout.signed else (1 << layout.width) - 1
            return self._sum([(value, -1, 0), (self.space.constant(ones, layout.unit), 1, 0)])
        if layout != Layout(False, 1, 0):
            raise Stop("unsupported", "a reduction to other than one bit")
        if op.data[0] != _ANY:
            raise Stop("unsupported", f"reduction {op.data[0]}")
        if isinstance(value, Form) and value.is_constant:
            return self.space.constant(int(value.constant != 0))
        return self._univariate(self._base(value), any_bit(self._function(value)), 0)

    def _gate(self, op: Op, layout: Layout, sources: list[Layout], operands: list[Value]) -> Value:
        shift, kind = int(op.data[0]), int(op.data[1])
        one, other = sources
        unit = min(one.unit, other.unit + shift)
        if one.signed or other.signed or kind not in (0, 1, 2) or layout.signed or layout.unit != unit:
            raise Stop("unsupported", "a gate on signed words, or with another last bit than its operands")
        if all(isinstance(operand, Form) and operand.is_constant for operand in operands):
            first, second = (
                np.array([self.space.aligned(self.space.combine([(self.form(value), 1, s)]), unit).constant])
                for value, s in zip(operands, (0, shift), strict=True)
            )
            return self.space.constant(gate(Function(first, first), Function(second, second), kind).low, unit)
        group, functions = self._together([(operands[0], 0), (operands[1], shift)], unit, "gate")
        assert min(f.low for f in functions) >= 0  # intervals of unsigned operands have been checked
        return self._univariate(group, gate(functions[0], functions[1], kind), unit)

    def _mux(self, op: Op, source: Layout, operands: list[Value]) -> Value:
        chosen, other, key = operands
        shift = int(op.data[0])
        if source.width == 0:
            raise Stop("unsupported", "a multiplexer with a key of no bits")
        if isinstance(key, Form) and key.is_constant:
            word = self.space.aligned(key, source.unit).constant
            first = word < 0 if source.signed else word >> (source.width - 1) == 1
            return chosen if first else self._sum([(other, 1, shift)])
        if self._common_group(operands) is not None:
            top = Layout(False, 1, source.unit + source.width - 1)
            bits = self._slice(key, 0, top)
            exponent = min(chosen.exponent, other.exponent + shift)
            parts = [(bits, exponent - top.unit), (chosen, 0), (other, shift)]
            group, functions = self._together(parts, exponent, "multiplexer")
            return self._univariate(group, select(*functions), exponent)
        # key < 0 ? chosen : other, where the key is a positive multiple of other - chosen, is the larger of the two.
        one, two = self.form(chosen), self.space.combine([(self.form(other), 1, shift)])
        difference = self.space.combine([(two, 1, 0), (one, -1, 0)])
        if not source.signed or not self.space.same_sign(self.form(key), difference):
            raise Stop("unsupported", "a multiplexer that does not pick the larger operand")
        return largest(self.space, [one, two])

    # Helpers

    def _common_group(self, values: list[Value]) -> int | None:
        """The one group of which all varying values are functions."""
        groups = {self._base(value) for value in values if not (isinstance(value, Form) and value.is_constant)}
        return groups.pop() if len(groups) == 1 else None

    def _base(self, value: Value) -> int:
        return value.group if isinstance(value, Univariate) else self.space.base(value)

    def _together(self, parts: list[tuple[Value, int]], unit: int, what: str) -> tuple[int, list[Function]]:
        """Values, each shifted, as functions of one group in units of ``2**unit``."""
        group = self._common_group([value for value, _ in parts])
        if group is None:
            raise Stop("unsupported", f"a {what} of values that are no functions of one sum")
        functions = []
        for value, shift in parts:
            scale = value.exponent + shift - unit
            if isinstance(value, Form) and value.is_constant:
                word = value.constant << scale if scale >= 0 else value.constant >> -scale
                f = combine([(self.space.groups[group].identity(), 0)], word)
            elif scale >= 0:
                f = combine([(self._function(value), 1 << scale)])
            else:
                raise Stop("unsupported", f"a {what} of a value with bits below its last bit")
            functions.append(f)
        return group, functions

    def _function(self, value: Value) -> Function:
        return value.function if isinstance(value, Univariate) else self.space.function(value)

    def form(self, value: Value) -> Form:
        """Normal form of a value.

        Raises
        ------
        TooLarge
            It is not known on whole pieces of its range.
        """
        if isinstance(value, Form):
            return value
        if value.form is not None:
            return value.form
        if not value.function.is_known:
            raise TooLarge("a value is not known on whole pieces of its range, which has too many points")
        form = value.form = self.space.named(value.group, value.function, value.exponent)
        self.seen.update(atom for atom, _ in form.terms.values())
        return form

    def _univariate(self, group: int, f: Function, exponent: int) -> Value:
        if f.low == f.high:
            return self.space.constant(f.low, exponent)
        return Univariate(group, f, exponent)
