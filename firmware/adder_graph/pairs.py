"""Ternary adders as pairs of two-input ones: the same values, which alkaid's interpreter computes twice as fast."""

from __future__ import annotations

from alkaid.types import CombLogic, Op, QInterval

__all__ = ["as_pairs"]

_ADD, _SUBTRACT, _TERNARY = 0, 1, 11


def as_pairs(comb: CombLogic) -> CombLogic:
    """The graph with every ternary adder written as two operations; outputs and inputs stay as they are."""
    place: list[int] = []
    ops: list[Op] = []
    for op in comb.ops:
        if op.opcode == _TERNARY:
            pair, root = _pair(op, [comb.ops[i].qint for i in op.addr], place, len(ops))
            ops += [pair, root]
        else:
            ops.append(op._replace(addr=tuple(place[i] for i in op.addr)))
        place.append(len(ops) - 1)
    return comb._replace(ops=ops, out_idxs=[place[i] for i in comb.out_idxs])


def _pair(op: Op, ranges: list[QInterval], place: list[int], new: int) -> tuple[Op, Op]:
    """The sum of the first two terms, and the whole.

    Fusing leaves one of two forms: ``(a +- b) +- c``, or ``c +- (a +- b)`` with all of the bracket scaled. Either the
    first term or the last one is plain.
    """
    a, b, c = (place[i] for i in op.addr)
    (plus_a, shift_a), (plus_b, shift_b), (plus_c, shift_c) = zip(op.data[0::2], op.data[1::2], strict=True)
    inner = _ADD if plus_a == plus_b else _SUBTRACT
    interval = _sum(ranges[0], ranges[1], 2.0 ** (shift_b - shift_a), inner == _SUBTRACT)
    pair = Op((a, b), inner, (shift_b - shift_a,), interval, 0.0, 0.0)
    if plus_a and shift_a == 0:
        return pair, op._replace(addr=(new, c), opcode=_ADD if plus_c else _SUBTRACT, data=(shift_c,))
    assert (plus_c, shift_c) == (1, 0)
    return pair, op._replace(addr=(c, new), opcode=_ADD if plus_a else _SUBTRACT, data=(shift_a,))


def _sum(first: QInterval, second: QInterval, scale: float, subtract: bool) -> QInterval:
    low, high = (-second.max, -second.min) if subtract else (second.min, second.max)
    return QInterval(first.min + low * scale, first.max + high * scale, min(first.step, second.step * scale))
