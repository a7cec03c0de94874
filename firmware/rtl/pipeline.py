"""Cutting an adder graph into pipeline stages, with a budget that no stage exceeds.

alkaid's delay model, in ns, is of an UltraScale+ fabric with its nets: a two-input adder 1.094 + 0.0254 a bit beyond
the first, a ternary adder 1.3125 (1 + 0.03125 a bit beyond the first), a multiplexer or two-input gate on a word 0.5;
slices, constants, inverters, relu masks and constant additions 0 (they are taken to be absorbed by their neighbours).
It is an estimate: published designs asked for 2.0 ns closed at 2.6 to 4.9 ns. alkaid's own splitter puts an operation
in the stage in which it *ends*, so that a stage holds the cut plus about one operation; here an operation that would
end after the budget starts the next stage.
"""

from __future__ import annotations

from dataclasses import dataclass

from alkaid.types import CombLogic, Op

from firmware.adder_graph import Program
from firmware.errors import UserError
from firmware.settings import FirmwareSettings

__all__ = ["Stage", "estimate_latency_cycles", "op_width", "register_bits", "split", "stage_budget_ns"]

_INPUT, _CONSTANT = -1, 5
_EPSILON = 1e-9
_KINDS = {0: "adder", 1: "subtractor", 6: "multiplexer", 10: "gate", 11: "ternary adder"}


@dataclass(frozen=True)
class Stage:
    """What lies between two registers.

    Parameters
    ----------
    comb : CombLogic
        The stage's own graph: inputs are the values of ``inputs``, outputs those of ``outputs``, in order.
    inputs, outputs : tuple of int
        Operations of the program's graph whose values the registers before and behind the stage hold.
    delay_ns : float
        Longest path of the stage, estimated.
    """

    comb: CombLogic
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    delay_ns: float


def stage_budget_ns(settings: FirmwareSettings) -> float:
    """Longest combinational delay that the settings leave to a stage, in ns: the period less its margin."""
    return settings.clock_period_ns * (1 - settings.clock_margin)


def estimate_latency_cycles(program: Program, settings: FirmwareSettings) -> int:
    """Cycles from ``in_valid`` to ``out_valid`` of the Verilog that these settings give.

    Raises
    ------
    UserError
        An operation cannot fit a stage.
    """
    return len(split(program, stage_budget_ns(settings))) + 1


def split(program: Program, budget_ns: float) -> tuple[Stage, ...]:
    """Cut the graph into the fewest stages of which none exceeds the budget, then move operations to save registers.

    Parameters
    ----------
    program : Program
    budget_ns : float
        Longest combinational delay allowed in a stage, by alkaid's estimate, in ns.

    Returns
    -------
    tuple of Stage
        At least one, in order.

    Raises
    ------
    UserError
        One operation alone exceeds the budget.
    """
    graph = _Graph(program)
    earliest = graph.earliest(budget_ns)
    count = max((stage for stage, _ in earliest), default=0) + 1
    choices = [[stage for stage, _ in earliest]]
    for late in (False, True):
        placed = choices[0]
        for _ in range(3):
            placed = graph.sunk(earliest, placed, count, budget_ns, late)
            choices.append(placed)
    stages = _stages(graph, min(choices, key=lambda placed: graph.bits(placed, count)), count)
    assert all(stage.delay_ns <= budget_ns + _EPSILON for stage in stages)
    return stages


def register_bits(program: Program, stages: tuple[Stage, ...]) -> int:
    """Flip-flops of the data path: input registers, those between stages, output registers."""
    ops = program.comb.ops
    boundaries = [stages[0].inputs, *(stage.outputs for stage in stages)]
    return sum(op_width(ops[value]) for boundary in boundaries for value in boundary)


def op_width(op: Op) -> int:
    """Bits of an operation's result."""
    return int(sum(op.qint.kif))


class _Graph:
    """The program's graph with what placing needs."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.ops = program.comb.ops
        self.n_out = program.comb.shape[1]
        self.outputs = list(dict.fromkeys(int(op) for op in program.comb.out_idxs))
        ends = [op.latency for op in self.ops]
        self.delay = [op.latency - max((ends[i] for i in op.addr), default=0.0) for op in self.ops]
        self.sources = [tuple(dict.fromkeys(op.addr)) for op in self.ops]
        self.uses: list[list[int]] = [[] for _ in self.ops]
        for i, sources in enumerate(self.sources):
            for source in sources:
                self.uses[source].append(i)
        self.width = [0 if op.opcode == _CONSTANT else op_width(op) for op in self.ops]
        self.is_output = [False] * len(self.ops)
        for i in self.outputs:
            self.is_output[i] = True

    def earliest(self, budget: float) -> list[tuple[int, float]]:
        """For each operation the first stage it fits, and when it ends there."""
        placed: list[tuple[int, float]] = []
        for i, op in enumerate(self.ops):
            if self.delay[i] > budget + _EPSILON:
                kind = _KINDS.get(op.opcode, "operation")
                raise UserError(
                    f"delay of the {kind} of {op_width(op)} bits in layer '{self.program.layer_of_op[i]}' must fit a "
                    f"stage of {budget:.3f} ns, not take {self.delay[i]:.3f} ns (estimated); use a longer "
                    "clock_period_ns, a smaller clock_margin, fewer bits, or trace the network with this stage_ns"
                )
            stage = max((placed[j][0] for j in op.addr), default=0)
            start = max((placed[j][1] for j in op.addr if placed[j][0] == stage), default=0.0)
            if start + self.delay[i] > budget + _EPSILON:
                stage, start = stage + 1, 0.0
            placed.append((stage, start + self.delay[i]))
        return placed

    def sunk(
        self, earliest: list[tuple[int, float]], before: list[int], count: int, budget: float, late: bool
    ) -> list[int]:
        """Each operation, last first, in the stage that costs the fewest register bits, its users being placed.

        Any stage from the earliest on is possible as long as the users' deadlines hold: whatever feeds an operation
        can stay at its own earliest place. Users that are not placed yet count where ``before`` has them.
        """
        placed = before.copy()
        deadline = [budget] * len(self.ops)
        for i in range(len(self.ops) - 1, -1, -1):
            if self.ops[i].opcode in (_INPUT, _CONSTANT):
                continue
            users = self.uses[i]
            last = min((placed[user] for user in users), default=count - 1)
            limit = min((deadline[u] - self.delay[u] for u in users if placed[u] == last), default=budget)
            first, end = earliest[i]
            options = [s for s in range(first, last + 1) if self._fits(i, s, last, limit, first, end, budget)]
            costs = {s: self._bits_at(i, s, placed, count) for s in options}
            best = min(costs.values())
            choice = [s for s in options if costs[s] == best]
            placed[i] = choice[-1] if late else choice[0]
            deadline[i] = min(limit, budget) if placed[i] == last else budget
        return placed

    def _fits(self, i: int, stage: int, last: int, limit: float, first: int, end: float, budget: float) -> bool:
        allowed = limit if stage == last else budget
        return (end if stage == first else self.delay[i]) <= allowed + _EPSILON

    def _bits_at(self, i: int, stage: int, placed: list[int], count: int) -> int:
        end = count if self.is_output[i] else max((placed[user] for user in self.uses[i]), default=stage)
        bits = self.width[i] * (end - stage)
        for source in self.sources[i]:
            others = max((placed[user] for user in self.uses[source] if user != i), default=0)
            if self.is_output[source]:
                others = count
            bits += self.width[source] * max(stage - others, 0)
        return bits

    def bits(self, placed: list[int], count: int) -> int:
        """Register bits between and behind the stages."""
        return sum(self.width[i] * (self._last_use(i, placed, count) - placed[i]) for i in range(len(self.ops)))

    def _last_use(self, i: int, placed: list[int], count: int) -> int:
        return count if self.is_output[i] else max((placed[user] for user in self.uses[i]), default=placed[i])

    def boundaries(self, placed: list[int], count: int) -> list[tuple[int, ...]]:
        """Values held in front of each stage, and behind the last."""
        held: list[list[int]] = [[] for _ in range(count + 1)]
        for i, op in enumerate(self.ops):
            if op.opcode == _CONSTANT:
                continue
            first = 0 if op.opcode == _INPUT else placed[i] + 1
            for boundary in range(first, self._last_use(i, placed, count) + 1):
                held[boundary].append(i)
        return [tuple(values) for values in held[:-1]] + [tuple(self.outputs)]


def _stages(graph: _Graph, placed: list[int], count: int) -> tuple[Stage, ...]:
    boundaries = graph.boundaries(placed, count)
    return tuple(_stage(graph, placed, k, boundaries[k], boundaries[k + 1]) for k in range(count))


def _stage(graph: _Graph, placed: list[int], number: int, inputs: tuple[int, ...], outputs: tuple[int, ...]) -> Stage:
    own = [i for i, op in enumerate(graph.ops) if placed[i] == number and op.opcode not in (_INPUT, _CONSTANT)]
    constants = sorted({j for i in own for j in graph.sources[i] if graph.ops[j].opcode == _CONSTANT})
    local: dict[int, int] = {}
    ops: list[Op] = []
    ends: list[float] = []
    for i in [*inputs, *constants, *own]:
        op = graph.ops[i]
        held = i not in local and len(local) < len(inputs)
        delay = 0.0 if held else graph.delay[i]
        end = delay + max((ends[local[j]] for j in op.addr), default=0.0) if not held else 0.0
        if held:
            ops.append(Op((), _INPUT, (len(local),), op.qint, 0.0, 0.0))
        else:
            ops.append(op._replace(addr=tuple(local[j] for j in op.addr), latency=end))
        local[i] = len(local)
        ends.append(end)
    comb = graph.program.comb._replace(
        shape=(len(inputs), len(outputs)),
        inp_shifts=[0] * len(inputs),
        out_idxs=[local[i] for i in outputs],
        out_shifts=[0] * len(outputs),
        out_negs=[False] * len(outputs),
        ops=ops,
    )
    return Stage(comb, inputs, outputs, max(ends, default=0.0))
