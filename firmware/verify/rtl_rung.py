"""The RTL rung: the Verilog simulated clock by clock, and its words, order, latency and rate judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firmware.project.packing import pack, unpack
from firmware.verify.compare import Outputs, compare
from firmware.verify.judge import Timing, judge_timing
from firmware.verify.report import Check
from firmware.verify.rtl_design import RtlDesign, read_design
from firmware.verify.rtl_layer import first_register_that_differs
from firmware.verify.rungs import Ladder, failed_check
from firmware.verify.schedule import Schedule, make_schedule
from firmware.verify.simulate import Captured, Drive, simulate
from firmware.verify.toolchain import ToolFailure

__all__ = ["RtlOutcome", "check_rtl"]

NAME = "rtl_vs_emulator"


@dataclass(frozen=True)
class RtlOutcome:
    """The check, and what the simulation measured (None: not the same for all events)."""

    check: Check
    latency_cycles: int | None
    ii: int | None


def check_rtl(ladder: Ladder, *, simulator: str, rtl_events: int, seed: int) -> RtlOutcome:
    """Simulate the project's Verilog.

    Parameters
    ----------
    ladder : Ladder
    simulator : str
        ``verilator`` or ``icarus``.
    rtl_events : int
        Events back to back; more follow with gaps and resets.
    seed : int
        Of gaps and bursts.

    Raises
    ------
    UserError
        The simulator is missing, or the folder's port table cannot be read.
    """
    design = read_design(ladder.project)
    manifest = ladder.project.manifest
    schedule = make_schedule(
        ladder.stimulus.events, rtl_events, ii=manifest.ii, latency_cycles=manifest.latency_cycles, seed=seed
    )
    try:
        captured = simulate(design.design, drive(design, ladder, schedule), simulator)
    except ToolFailure as error:
        check = failed_check(NAME, ladder, str(error), {"simulator": simulator})
        return RtlOutcome(check, None, None)
    timing = judge_timing(
        schedule, captured.valid_edges, latency_cycles=manifest.latency_cycles, ii=manifest.ii
    )
    check = _check(ladder, design, captured, timing, simulator)
    return RtlOutcome(check, timing.latency_cycles, timing.ii)


def drive(design: RtlDesign, ladder: Ladder, schedule: Schedule) -> Drive:
    """The schedule with the stimulus packed for the design's input ports."""
    rows = {port.rtl_name: pack(ladder.stimulus.words[port.name], port.width) for port in design.inputs}
    return Drive(schedule.valid, schedule.rst, schedule.bus, rows)


def received_outputs(design: RtlDesign, captured: Captured, rows: NDArray[np.int64]) -> Outputs:
    """Words of some captured rows, by the network's output names."""
    words = {
        port.name: unpack(captured.rows[port.rtl_name][rows], port.width, port.signed, port.shape)
        for port in design.outputs
    }
    return Outputs(words, {port.name: port.fraction for port in design.outputs})


def _check(ladder: Ladder, design: RtlDesign, captured: Captured, timing: Timing, simulator: str) -> Check:
    expected = Outputs(
        {name: words[timing.rows] for name, words in ladder.expected.words.items()}, ladder.expected.fractions
    )
    problems = [*timing.problems, *_width_problems(design, captured)]
    if captured.unknown:
        edge, port, text = captured.unknown[0]
        problems.append(
            f"outputs must be 0 or 1, and X or Z was seen {len(captured.unknown)} times, "
            f"first on '{port}' at clock edge {edge}: {text}"
        )
    details: dict[str, Any] = {"simulator": simulator, "latency_cycles": timing.latency_cycles, "ii": timing.ii}
    if not len(timing.rows):
        return Check(NAME, timing.sent, ladder.expected.size, timing.sent, problems=tuple(problems), details=details)
    comparison = compare(expected, received_outputs(design, captured, timing.captured))
    first = comparison.first
    if first is not None:
        first = first.found_in(ladder.stimulus, int(timing.rows[first.event]))
        layer = first_register_that_differs(
            design, ladder.program, ladder.stimulus, first.event, ladder.project.rtl, simulator
        )
        first = first.with_layer(layer)
    return Check(
        NAME, events=timing.sent, outputs=ladder.expected.size, mismatches=comparison.mismatches + timing.lost,
        first_mismatch=first, problems=(*comparison.problems, *problems), details=details,
    )  # fmt: skip


def _width_problems(design: RtlDesign, captured: Captured) -> list[str]:
    stated = {**design.design.inputs, **design.design.outputs}
    return [
        f"port '{name}' must be {bits} bits wide as ports.json states, not {captured.widths[name]}"
        for name, bits in stated.items()
        if captured.widths[name] != bits
    ]
