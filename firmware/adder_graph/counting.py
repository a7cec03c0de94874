"""LUTs of a graph of two-input adders, counted as the published calibration counts them."""

from __future__ import annotations

from alkaid.types import CombLogic, Op, QInterval

__all__ = ["two_input_cost"]

_ADD, _SUBTRACT, _RELU, _MUX, _GATE = 0, 1, 2, 6, 10


def two_input_cost(comb: CombLogic) -> float:
    """Cost of a graph before its adders are fused to ternary ones, by the rules of da4ml 0.3.

    The published place-and-route results are given against that count (see ``resources.calibration``). Its rules: an
    adder takes one LUT for each bit from the coarser of its operands' last bits to the top of the wider operand,
    the sign included; a mask half a LUT a bit. alkaid 0.8.2 counts additions likewise and subtractions with all their
    low bits; over 17 networks da4ml's count is 0.99 to 1.13 (median 1.04) of alkaid's before fusion, and 1.07 to 1.31
    (median 1.21) of alkaid's after it.
    """
    return sum(_cost(op, comb.ops) for op in comb.ops)


def _cost(op: Op, ops: list[Op]) -> float:
    if op.opcode in (_ADD, _SUBTRACT):
        first, second = (ops[i].qint for i in op.addr)
        return max(_adder_bits(first, second, 2.0 ** op.data[0], op.opcode == _SUBTRACT), 0)
    if op.opcode in (_RELU, _MUX, _GATE):
        return sum(op.qint.kif) / 2
    return 0.0


def _adder_bits(first: QInterval, second: QInterval, scale: float, subtract: bool) -> int:
    low, high, step = (scale * bound for bound in second)
    if subtract:
        low, high = high, low
    unit = max(first.step, step)
    reach = max(abs(first.min), abs(low), abs(first.max + first.step), abs(high + step)) / unit
    signed = first.min < 0 or second.min < 0
    return int(signed) + _ceil_log2(reach)


def _ceil_log2(value: float) -> int:
    whole = int(value) + (value != int(value))
    return (whole - 1).bit_length() if whole > 1 else 0
