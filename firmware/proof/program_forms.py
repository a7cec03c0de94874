"""The program of an adder graph executed on exact forms, every operation held against its declared interval."""

from __future__ import annotations

from dataclasses import dataclass
from math import frexp, isfinite

from alkaid.types import Op

from firmware.adder_graph import Program
from firmware.proof.atoms import Form, TooLarge
from firmware.proof.functions import TooWide
from firmware.proof.operations import Layout, Operations, Stop, Value
from firmware.proof.space import Space

__all__ = ["Finding", "ProgramForms", "program_forms"]

_MAX_WIDTH = 62


@dataclass(frozen=True)
class Finding:
    """Something that keeps a program from being proven.

    Parameters
    ----------
    kind : str
        ``leaves_interval``: an operation's value may not fit the bits that it has; ``differs``: a value is not the
        network's; ``malformed``: ports or operations are not those of a program; ``unsupported``: an operation on
        operands for which there is no rule; ``too_large``: too many values to look at.
    layer : str
    node : int or None
        Operation of the program's graph.
    message : str
    """

    kind: str
    layer: str
    node: int | None
    message: str

    @property
    def refutes(self) -> bool:
        """Whether it says that the program is wrong, and not only that it was not shown right."""
        return self.kind in ("leaves_interval", "differs", "malformed")

    def __str__(self) -> str:
        where = f"layer '{self.layer}'" if self.node is None else f"layer '{self.layer}', operation {self.node}"
        return f"{where}: {self.message}"


@dataclass(frozen=True)
class ProgramForms:
    """What a program computes.

    Parameters
    ----------
    outputs : tuple of forms or None
        The graph's outputs; None where there is no form.
    findings : tuple of Finding
        In the order of the operations.
    seen : set of int
        Atoms that the program's values are made of.
    """

    outputs: tuple[Form | None, ...]
    findings: tuple[Finding, ...]
    seen: frozenset[int]


def program_forms(space: Space, program: Program, words: list[Form]) -> ProgramForms:
    """Every output of the graph as a form over the input words.

    Parameters
    ----------
    space : Space
        The one in which the network was executed; frozen.
    program : Program
    words : list of forms
        The input words, all ports one after the other.
    """
    run = _Run(space, program, words)
    comb = program.comb
    if any(comb.out_negs) or any(comb.inp_shifts):
        found = Finding("malformed", program.name, None, "inputs are shifted or outputs negated beside the operations")
        return ProgramForms((None,) * len(comb.out_idxs), (found,), frozenset())
    last_use = list(range(len(comb.ops)))
    for i, op in enumerate(comb.ops):
        for address in op.addr:
            if 0 <= address < i:
                last_use[address] = i
    for place in comb.out_idxs:
        if 0 <= place < len(comb.ops):
            last_use[place] = len(comb.ops)
    for i, op in enumerate(comb.ops):
        run.execute(i, op)
        for address in op.addr:
            if 0 <= address < i and last_use[address] == i:
                run.values[address] = None
    outputs = [run.output(int(place), int(shift)) for place, shift in zip(comb.out_idxs, comb.out_shifts, strict=True)]
    return ProgramForms(tuple(outputs), tuple(run.findings), frozenset(run.operations.seen))


class _Run:
    def __init__(self, space: Space, program: Program, words: list[Form]) -> None:
        self.program = program
        ports = [Layout(port.format.signed, port.format.width, 0) for port in program.inputs for _ in range(port.size)]
        self.operations = Operations(space, words, ports)
        self.values: list[Value | None] = []
        self.findings: list[Finding] = []
        self._layouts: list[Layout] = []

    def execute(self, i: int, op: Op) -> None:
        """One operation: its value, and whether it fits its interval."""
        layout = Layout.of(op)
        self._layouts.append(layout)
        self.values.append(None)
        try:
            if layout.width > _MAX_WIDTH:
                raise Stop("unsupported", f"a result of {layout.width} bits")
            self.operations.check_shape(i, op)
            operands = [value for address in op.addr if (value := self.values[address]) is not None]
            if len(operands) < len(op.addr):
                return  # what feeds it has been found already
            sources = [self._layouts[address] for address in op.addr]
            self.operations.check_bits(op, layout, sources)
            value = self.operations.result(op, layout, sources, operands)
            self._check_interval(op, layout, value)
        except (Stop, TooWide, TooLarge) as error:
            self._find(i, error)
            return
        if isinstance(value, Form):
            self.operations.seen.update(atom for atom, _ in value.terms.values())
        self.values[i] = value

    def output(self, place: int, shift: int) -> Form | None:
        """Form of one output of the graph."""
        value = self.values[place] if 0 <= place < len(self.values) else None
        if value is None:
            return None
        try:
            form = self.operations.form(value)
        except (TooWide, TooLarge) as error:
            self._find(place, error)
            return None
        return self.operations.space.combine([(form, 1, shift)])

    def _find(self, node: int, error: ArithmeticError) -> None:
        kind = error.kind if isinstance(error, Stop) else "too_large"
        self.findings.append(Finding(kind, self.program.layer_of_op[node], node, str(error)))

    def _check_interval(self, op: Op, layout: Layout, value: Value) -> None:
        """Every value within the declared bounds, and a multiple of the declared step."""
        mantissa, power = frexp(op.qint.step)
        unit = power - 1
        if mantissa != 0.5 or not isfinite(op.qint.min) or not isfinite(op.qint.max):
            raise Stop("malformed", f"declared interval {tuple(op.qint)} has no power of two as its step")
        low, high = int(op.qint.min / op.qint.step), int(op.qint.max / op.qint.step)
        if low * op.qint.step != op.qint.min or high * op.qint.step != op.qint.max:
            raise Stop("malformed", f"declared interval {tuple(op.qint)} does not end at multiples of its step")
        if layout.width and (layout.unit != unit or low < layout.lowest or high >= layout.lowest + (1 << layout.width)):
            raise Stop("malformed", f"declared interval {tuple(op.qint)} is not held by its own bits")
        fits = self.operations.is_multiple(value, unit)
        bounds = (value.low, value.high) if isinstance(value, Form) else (value.function.low, value.function.high)
        shift = value.exponent - unit
        inside = (
            bounds[0] << shift >= low and bounds[1] << shift <= high
            if shift >= 0
            else bounds[0] >= low << -shift and bounds[1] <= high << -shift
        )
        if not fits:
            raise Stop("leaves_interval", f"values are no multiples of the declared step {op.qint.step:g}")
        if not inside:
            scale = 2.0**value.exponent
            if not isinstance(value, Form) and not value.function.is_known:
                raise TooLarge("a value is not known on whole pieces of its range, and may not fit its interval")
            raise Stop(
                "leaves_interval",
                f"values reach {bounds[0] * scale:g} to {bounds[1] * scale:g}, declared are "
                f"{op.qint.min:g} to {op.qint.max:g}",
            )
