"""Changes planted into a program, to see that the proof refuses them: one operation or one port changed at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from alkaid.types import Op, QInterval

from firmware.adder_graph import Program

__all__ = ["KINDS", "PlantedChange", "planted_changes"]

_NEGATE, _INPUT, _ADD, _SUBTRACT, _RELU, _SLICE, _ADD_CONSTANT, _CONSTANT, _MUX = -2, -1, 0, 1, 2, 3, 4, 5, 6
_UNARY, _GATE, _TERNARY = 9, 10, 11

Rng = np.random.Generator


@dataclass(frozen=True)
class PlantedChange:
    """A program with one change.

    Parameters
    ----------
    kind : str
        One of ``KINDS``.
    where : str
        What was changed, in words.
    program : Program
    """

    kind: str
    where: str
    program: Program


def planted_changes(program: Program, *, per_kind: int, seed: int) -> Iterator[PlantedChange]:
    """Changed copies of a program, up to ``per_kind`` of each kind, at places drawn from the seed.

    Parameters
    ----------
    program : Program
    per_kind : int
    seed : int

    Yields
    ------
    PlantedChange
    """
    rng = np.random.default_rng([20241117, seed])
    for kind, (codes, change) in _OPERATION_KINDS.items():
        places = [i for i, op in enumerate(program.comb.ops) if op.opcode in codes]
        for place in rng.permutation(places)[:per_kind]:
            op = program.comb.ops[place]
            changed = change(op, int(place), rng, program.comb.ops)
            if changed is not None and changed != op:
                ops = list(program.comb.ops)
                ops[place] = changed
                where = f"operation {place} of '{program.layer_of_op[place]}'"
                yield PlantedChange(kind, where, replace(program, comb=program.comb._replace(ops=ops)))
    for kind, change_port in _PORT_KINDS.items():
        for _ in range(per_kind):
            other = change_port(program, rng)
            if other is not None:
                yield PlantedChange(kind, "an output", other)


def _constant(op: Op, place: int, rng: Rng, ops: list[Op]) -> Op:
    return op._replace(data=(op.data[0] + int(rng.choice([-2, -1, 1, 2])), *op.data[1:]))


def _shift(op: Op, place: int, rng: Rng, ops: list[Op]) -> Op:
    # Where an operation's payload holds shifts: the second of each pair of a ternary sum, or of a constant.
    shifts = {_TERNARY: [1, 3, 5], _ADD_CONSTANT: [1]}.get(op.opcode, [0])
    chosen = int(rng.choice(shifts))
    data = list(op.data)
    data[chosen] += int(rng.choice([-1, 1]))
    return op._replace(data=tuple(data))


def _sign(op: Op, place: int, rng: Rng, ops: list[Op]) -> Op:
    if op.opcode == _TERNARY:
        chosen = int(rng.choice([0, 2, 4]))
        data = tuple(1 - value if i == chosen else value for i, value in enumerate(op.data))
        return op._replace(data=data)
    return op._replace(opcode=_SUBTRACT if op.opcode == _ADD else _ADD)


def _operand(op: Op, place: int, rng: Rng, ops: list[Op]) -> Op | None:
    """Another operand, near the right one."""
    chosen = int(rng.integers(len(op.addr)))
    near = [i for i in range(max(op.addr[chosen] - 6, 0), min(op.addr[chosen] + 7, place)) if i != op.addr[chosen]]
    if not near:
        return None
    address = tuple(int(rng.choice(near)) if i == chosen else a for i, a in enumerate(op.addr))
    return op._replace(addr=address)


def _swap(op: Op, place: int, rng: Rng, ops: list[Op]) -> Op:
    return op._replace(addr=(op.addr[1], op.addr[0], *op.addr[2:]))


def _narrower(op: Op, place: int, rng: Rng, ops: list[Op]) -> Op | None:
    """One bit less at the top."""
    low, high, step = op.qint
    low, high = np.ceil(low / step / 2) * step, np.floor(high / step / 2) * step
    return op._replace(qint=QInterval(float(low), float(high), step)) if low <= high else None


def _bound(op: Op, place: int, rng: Rng, ops: list[Op]) -> Op | None:
    """One step less at one end."""
    low, high, step = op.qint
    if high - low < 2 * step:
        return None
    interval = QInterval(low + step, high, step) if rng.random() < 0.5 else QInterval(low, high - step, step)
    return op._replace(qint=interval)


def _wider(op: Op, place: int, rng: Rng, ops: list[Op]) -> Op:
    """One bit more at the top: harmless, unless something counts on the bits."""
    low, high, step = op.qint
    return op._replace(qint=QInterval(2 * low, 2 * high + step, step))


def _last_bit(op: Op, place: int, rng: Rng, ops: list[Op]) -> Op | None:
    """A coarser last bit."""
    low, high, step = op.qint
    if high - low < 4 * step:
        return None
    return op._replace(
        qint=QInterval(np.floor(low / step / 2) * 2 * step, np.ceil(high / step / 2) * 2 * step, 2 * step)
    )


def _gate(op: Op, place: int, rng: Rng, ops: list[Op]) -> Op:
    if op.opcode == _GATE:
        return op._replace(data=(op.data[0], int(rng.choice([kind for kind in (0, 1, 2) if kind != op.data[1]]))))
    return op._replace(data=(1 - op.data[0],) if op.data[0] in (0, 1) else (0,))


def _opcode(op: Op, place: int, rng: Rng, ops: list[Op]) -> Op:
    """A relu without its comparison, or a slice with one."""
    return op._replace(opcode=_SLICE, data=(0,)) if op.opcode == _RELU else op._replace(opcode=_RELU, data=())


def _output_place(program: Program, rng: Rng) -> Program | None:
    count = len(program.comb.out_idxs)
    if count == 0:
        return None
    places = list(program.comb.out_idxs)
    chosen = int(rng.integers(count))
    places[chosen] = int(rng.integers(max(places[chosen] - 5, 0), min(places[chosen] + 6, len(program.comb.ops))))
    if places == list(program.comb.out_idxs):
        return None
    return replace(program, comb=program.comb._replace(out_idxs=places))


def _output_shift(program: Program, rng: Rng) -> Program | None:
    shifts = list(program.comb.out_shifts)
    if not shifts:
        return None
    shifts[int(rng.integers(len(shifts)))] += int(rng.choice([-1, 1]))
    return replace(program, comb=program.comb._replace(out_shifts=shifts))


def _output_constant(program: Program, rng: Rng) -> Program | None:
    choices = [
        (i, element) for i, port in enumerate(program.outputs) for element, s in enumerate(port.sources) if s < 0
    ]
    if not choices:
        return None
    i, element = choices[int(rng.integers(len(choices)))]
    port = program.outputs[i]
    constants = tuple(word + (place == element) for place, word in enumerate(port.constants))
    outputs = tuple(replace(port, constants=constants) if k == i else other for k, other in enumerate(program.outputs))
    return replace(program, outputs=outputs)


def _input_place(op: Op, place: int, rng: Rng, ops: list[Op]) -> Op | None:
    others = [other.data for other in ops if other.opcode == _INPUT and other.data != op.data]
    return op._replace(data=others[int(rng.integers(len(others)))]) if others else None


_ALL = (_NEGATE, _INPUT, _ADD, _SUBTRACT, _RELU, _SLICE, _ADD_CONSTANT, _CONSTANT, _MUX, _UNARY, _GATE, _TERNARY)
_Change = Callable[[Op, int, Rng, list[Op]], Op | None]
_OPERATION_KINDS: dict[str, tuple[tuple[int, ...], _Change]] = {
    "constant": ((_ADD_CONSTANT, _CONSTANT), _constant),
    "shift": ((_ADD, _SUBTRACT, _TERNARY, _SLICE, _ADD_CONSTANT, _MUX, _GATE), _shift),
    "sign": ((_ADD, _SUBTRACT, _TERNARY), _sign),
    "operand": (tuple(code for code in _ALL if code not in (_INPUT, _CONSTANT)), _operand),
    "swapped operands": ((_ADD, _SUBTRACT, _MUX), _swap),
    "swapped inputs": ((_INPUT,), _input_place),
    "interval: a bit less": (_ALL, _narrower),
    "interval: a step less": (_ALL, _bound),
    "interval: a bit more": (_ALL, _wider),
    "interval: coarser": (_ALL, _last_bit),
    "gate": ((_UNARY, _GATE), _gate),
    "relu or slice": ((_RELU, _SLICE), _opcode),
}
_PORT_KINDS: dict[str, Callable[[Program, Rng], Program | None]] = {
    "output's operation": _output_place,
    "output's shift": _output_shift,
    "output's constant": _output_constant,
}
KINDS = (*_OPERATION_KINDS, *_PORT_KINDS)
"""Kinds of change."""
