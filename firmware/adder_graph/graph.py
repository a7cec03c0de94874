"""Building an adder graph, operation by operation, with exact integer ranges.

alkaid's own symbolic tracing derives ranges and last bits through float32 and loses them beyond 24 bits, misreads
slices of scaled values in one of its clean-ups, and spends most of a trace's time on bookkeeping. So operations are
written here directly in alkaid's instruction set; its solver, its interpreter, its fusion of ternary adders, its cost
model and its Verilog work on the result.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from alkaid.trace import HWConfig
from alkaid.trace.passes.surrogate import cost_lat_add
from alkaid.types import CombLogic, Op, QInterval

__all__ = ["COST_MODEL", "ZERO", "Graph", "Value", "trailing_zeros"]

COST_MODEL = HWConfig(adder_size=1, carry_size=1, latency_cutoff=-1)
"""One LUT a sum bit, delay counted bit by bit along the carry."""

# alkaid's operation codes, and those of its gates.
_NEGATE, _INPUT, _ADD, _SUBTRACT, _RELU, _SLICE, _ADD_CONSTANT, _CONSTANT, _MUX = -2, -1, 0, 1, 2, 3, 4, 5, 6
_UNARY, _GATE = 9, 10
_AND, _OR, _XOR = 0, 1, 2
_NOT, _ANY = 0, 1
_GATE_DELAY_NS = 0.5
_CONSTANT_BITS = 30


@dataclass(frozen=True, slots=True)
class Value:
    """An operation's result, scaled: ``(-1)**negative * 2**exponent * result``; ``node`` -1 is zero."""

    node: int
    exponent: int = 0
    negative: bool = False

    def scaled(self, bits: int) -> Value:
        """Times 2**bits: wiring only."""
        return Value(self.node, self.exponent + bits, self.negative)

    def negated(self) -> Value:
        """Minus the value; hardware comes only where a sum cannot take the sign."""
        return Value(self.node, self.exponent, not self.negative)


ZERO = Value(-1)


@dataclass(slots=True)
class _Node:
    """Range of a result, in units of its last bit ``2**unit``, and when it is there."""

    low: int
    high: int
    unit: int
    end_ns: float

    @property
    def top(self) -> int:
        """Bits of the magnitude."""
        return max(self.high, ~self.low).bit_length()


class Graph:
    """Operations in order; equal ones are made once. ``layer`` is written beside each new one."""

    def __init__(self) -> None:
        self.layer = ""
        self.layers: list[str] = []
        self._nodes: list[_Node] = []
        self._ops: list[tuple[tuple[int, ...], int, tuple[int, ...]]] = []
        self._places: dict[tuple[tuple[int, ...], int, tuple[int, ...], tuple[int, int] | None], int] = {}
        self._inputs = 0

    def bounds(self, value: Value) -> tuple[int, int, int]:
        """Lowest, highest and step of a value, as integers."""
        if value.node < 0:
            return 0, 0, 0
        node = self._nodes[value.node]
        shift = node.unit + value.exponent
        assert shift >= 0
        low, high = node.low << shift, node.high << shift
        return (-high, -low, 1 << shift) if value.negative else (low, high, 1 << shift)

    def end_ns(self, value: Value) -> float:
        """When a value is there, estimated."""
        return self._nodes[value.node].end_ns

    def narrow(self, value: Value, low: int, high: int) -> Value:
        """Write down a range that the value is known to keep; returns the value."""
        if value.node >= 0:
            if value.negative:
                low, high = -high, -low
            node = self._nodes[value.node]
            shift = node.unit + value.exponent
            if shift < 0:
                low, high = low << -shift, high << -shift
            else:
                low, high = -(-low >> shift), high >> shift
            node.low, node.high = max(node.low, low), min(node.high, high)
        return value

    def input(self, low: int, high: int) -> Value:
        """A new input, any integer from ``low`` to ``high``."""
        self._inputs += 1
        return Value(self._new((), _INPUT, (self._inputs - 1,), _Node(low, high, 0, 0.0)))

    def add(self, one: Value, other: Value, known: tuple[int, int, int] | None = None) -> Value:
        """Sum of two values.

        Parameters
        ----------
        known : (low, high, unit) or None
            Tighter range of the result's operation, in units of 2**unit.
        """
        if one.node < 0 or other.node < 0:
            return other if one.node < 0 else one
        if one.negative:
            if not other.negative:
                return self.add(other, one, known)
            return self.add(one.negated(), other.negated(), known).negated()
        a, b = self._nodes[one.node], self._nodes[other.node]
        shift = other.exponent - one.exponent
        if known is None:
            unit = min(a.unit, b.unit + shift)
            left, right = a.unit - unit, b.unit + shift - unit
            low, high = (-b.high, -b.low) if other.negative else (b.low, b.high)
            known = (a.low << left) + (low << right), (a.high << left) + (high << right), unit
        opcode = _SUBTRACT if other.negative else _ADD
        key = (one.node, other.node), opcode, (shift,)
        place = self._places.get((*key, None))
        if place is None:
            delay = cost_lat_add(_interval(a), _interval(b), shift, 1, 1, other.negative)[1]
            place = self._new(*key, _Node(*known, max(a.end_ns, b.end_ns) + delay))
        return Value(place, one.exponent)

    def add_constant(self, value: Value, constant: int) -> Value:
        """Value plus an integer, in pieces that the instruction's 32-bit constant holds."""
        while constant:
            zeros = trailing_zeros(constant)
            mantissa = constant >> zeros
            if mantissa.bit_length() > _CONSTANT_BITS:
                mantissa &= (1 << _CONSTANT_BITS) - 1
            constant -= mantissa << zeros
            node = self._nodes[value.node]
            own = zeros - value.exponent
            mantissa = -mantissa if value.negative else mantissa
            unit = min(node.unit, own)
            extra, left = mantissa << (own - unit), node.unit - unit
            new = _Node((node.low << left) + extra, (node.high << left) + extra, unit, node.end_ns)
            place = self._new((value.node,), _ADD_CONSTANT, (mantissa, -own), new)
            value = Value(place, value.exponent, value.negative)
        return value

    def bits(self, value: Value, first: int, last: int) -> Value:
        """Bits ``first`` to ``last - 1`` of the two's complement of an integer, as an unsigned integer."""
        place = self._positive(value)
        node = self._nodes[place]
        bottom, top = first - value.exponent, last - value.exponent
        start = max(bottom, node.unit)
        if top <= start:
            return ZERO
        drop = start - node.unit
        low, high = node.low >> drop, node.high >> drop
        if low < 0 or high >> (top - start):
            low, high = 0, (1 << (top - start)) - 1
        elif drop == 0:
            return Value(place, value.exponent - first)
        elif high == 0:
            return ZERO
        return Value(self._slice(place, low, high, start), value.exponent - first)

    def floor(self, value: Value, first: int) -> Value:
        """The value divided by 2**first, rounded down."""
        place = self._positive(value)
        node = self._nodes[place]
        start = max(first - value.exponent, node.unit)
        drop = start - node.unit
        if drop:
            low, high = node.low >> drop, node.high >> drop
            if low == high == 0:  # no bits: nothing that Verilog could name
                return ZERO
            place = self._slice(place, low, high, start)
        return Value(place, value.exponent - first)

    def any(self, value: Value) -> Value:
        """1 where an unsigned value is not zero."""
        if value.node < 0:
            return ZERO
        node = self._nodes[value.node]
        assert not value.negative
        assert node.low >= 0
        if node.high == 1:
            return Value(value.node, -node.unit)
        return Value(self._new((value.node,), _UNARY, (_ANY,), _Node(0, 1, 0, node.end_ns)))

    def invert(self, bit: Value) -> Value:
        """1 minus a bit."""
        if bit.node < 0:
            return Value(self._new((), _CONSTANT, (1,), _Node(1, 1, 0, 0.0)))
        node = self._nodes[bit.node]
        assert not bit.negative
        assert (node.low, node.high) == (0, 1)
        return Value(self._new((bit.node,), _UNARY, (_NOT,), _Node(0, 1, node.unit, node.end_ns)), bit.exponent)

    def both(self, one: Value, other: Value) -> Value:
        """Bitwise and of unsigned values."""
        return ZERO if one.node < 0 or other.node < 0 else self._gate(one, other, _AND)

    def either(self, one: Value, other: Value) -> Value:
        """Bitwise or of unsigned values."""
        if one.node < 0 or other.node < 0:
            return other if one.node < 0 else one
        return self._gate(one, other, _OR)

    def differ(self, one: Value, other: Value) -> Value:
        """Bitwise exclusive or of unsigned values."""
        if one.node < 0 or other.node < 0:
            return other if one.node < 0 else one
        return self._gate(one, other, _XOR)

    def copies(self, bit: Value, count: int) -> Value:
        """A bit, ``count`` times, as an unsigned integer."""
        return bit if bit.node < 0 or count == 1 else self.bits(bit.negated(), 0, count)

    def select(self, key: Value, chosen: Value, other: Value) -> Value:
        """``chosen`` where the key is 1 (an unsigned bit) or negative (a signed value), else ``other``."""
        if chosen.node < 0:
            chosen = Value(self._new((), _CONSTANT, (0,), _Node(0, 0, 0, 0.0)))
        if other.node < 0:
            other = Value(self._new((), _CONSTANT, (0,), _Node(0, 0, 0, 0.0)))
        places = self._positive(chosen), self._positive(other), self._positive(key)
        a, b = self._nodes[places[0]], self._nodes[places[1]]
        shift = other.exponent - chosen.exponent
        unit = min(a.unit, b.unit + shift)
        left, right = a.unit - unit, b.unit + shift - unit
        low, high = min(a.low << left, b.low << right), max(a.high << left, b.high << right)
        end = max(self._nodes[place].end_ns for place in places) + _GATE_DELAY_NS
        return Value(self._new(places, _MUX, (shift,), _Node(low, high, unit, end)), chosen.exponent)

    def relu(self, value: Value) -> Value:
        """The value where it is above zero, else 0."""
        place = self._positive(value)
        node = self._nodes[place]
        if node.low >= 0:
            return Value(place, value.exponent)
        new = _Node(0, max(node.high, 0), node.unit, node.end_ns)
        return Value(self._new((place,), _RELU, (), new), value.exponent)

    def finish(self, outputs: Sequence[Value]) -> tuple[CombLogic, tuple[str, ...]]:
        """The graph of all that the outputs need, and the layer of each operation.

        Costs and delays are not filled in yet.
        """
        places = [self._positive(value) for value in outputs]
        alive = set(places)
        for place in range(len(self._ops) - 1, -1, -1):
            if place in alive:
                alive.update(self._ops[place][0])
        kept = sorted(alive)
        new = {old: i for i, old in enumerate(kept)}
        ops = []
        for old in kept:
            addresses, opcode, data = self._ops[old]
            interval = _interval(self._nodes[old])
            ops.append(Op(tuple(new[a] for a in addresses), opcode, data, interval, 0.0, 0.0))
        comb = CombLogic(
            (self._inputs, len(outputs)), [0] * self._inputs, [new[place] for place in places],
            [value.exponent for value in outputs], [False] * len(outputs), ops,
            COST_MODEL.carry_size, COST_MODEL.adder_size,
        )  # fmt: skip
        return comb, tuple(self.layers[old] for old in kept)

    def _gate(self, one: Value, other: Value, kind: int) -> Value:
        a, b = self._nodes[one.node], self._nodes[other.node]
        assert min(a.low, b.low) >= 0
        assert not one.negative
        assert not other.negative
        shift = other.exponent - one.exponent
        unit = min(a.unit, b.unit + shift)
        tops = a.top + a.unit - unit, b.top + b.unit + shift - unit
        top = min(tops) if kind == _AND else max(tops)
        new = _Node(0, (1 << top) - 1, unit, max(a.end_ns, b.end_ns) + _GATE_DELAY_NS)
        return Value(self._new((one.node, other.node), _GATE, (shift, kind), new), one.exponent)

    def _positive(self, value: Value) -> int:
        """The operation that gives a value's magnitude bits: itself, or a negation of it."""
        if not value.negative:
            return value.node
        node = self._nodes[value.node]
        return self._new((value.node,), _NEGATE, (), _Node(-node.high, -node.low, node.unit, node.end_ns))

    def _slice(self, place: int, low: int, high: int, unit: int) -> int:
        node = _Node(low, high, unit, self._nodes[place].end_ns)
        return self._new((place,), _SLICE, (0,), node, (node.top + int(low < 0), unit))

    def _new(
        self, addresses: tuple[int, ...], opcode: int, data: tuple[int, ...], node: _Node,
        slice_place: tuple[int, int] | None = None,
    ) -> int:  # fmt: skip
        key = addresses, opcode, data, slice_place
        place = self._places.get(key)
        if place is None:
            place = self._places[key] = len(self._ops)
            self._ops.append((addresses, opcode, data))
            self._nodes.append(node)
            self.layers.append(self.layer)
        return place


def trailing_zeros(number: int) -> int:
    """Zero bits below the lowest one bit of a non-zero integer."""
    return (number & -number).bit_length() - 1


def _interval(node: _Node) -> QInterval:
    unit = 2.0**node.unit
    return QInterval(node.low * unit, node.high * unit, unit)
