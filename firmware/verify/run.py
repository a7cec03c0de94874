"""``verify``: every rung of the ladder on one project, and the verdict written into it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from firmware.adder_graph import load_program
from firmware.errors import UserError
from firmware.network.serial import from_json
from firmware.project import Project, Vectors, cache_dir, read_project, read_vectors
from firmware.proof import prove
from firmware.proof import prove_primitives as prove_library
from firmware.verify.build_ahead import build_ahead
from firmware.verify.report import Check, VerifyResult, write_results
from firmware.verify.rtl_rung import check_rtl
from firmware.verify.rungs import Ladder, check_hls, check_qkeras, check_vectors, emulator_outputs
from firmware.verify.stimulus import InputPort, default_stimulus
from firmware.verify.toolchain import SIMULATORS, compiler, icarus, verilator_root

if TYPE_CHECKING:
    from firmware.hls.csim import CSimulation
    from firmware.vertex.events import FinderEvents

__all__ = ["CHECKS", "verify"]

CHECKS = ("vectors_vs_emulator", "qkeras_vs_emulator", "hls_csim_vs_emulator", "rtl_vs_emulator")
_RTL_EVENTS = {"verilator": 20_000, "icarus": 200}

EventWords = Mapping[str, NDArray[np.integer]]


def verify(
    project: Path | str, *, events: EventWords | FinderEvents | None = None, simulator: str = "verilator",
    n_events: int = 20_000, rtl_events: int | None = None, seed: int = 0, allow_edited: bool = False,
    checks: Collection[str] = CHECKS, prove_primitives: bool = False, progress: Callable[[str], None] | None = None,
) -> VerifyResult:
    """Prove that a project's model, emulator, HLS and Verilog compute the same integers.

    What is checked is what lies in the folder. The verdict is returned, and written into the project as
    ``verify.json`` and ``verify.xml`` (unless only some ``checks`` are asked for).

    Parameters
    ----------
    project : path
        Folder that :func:`firmware.convert` wrote.
    events : mapping of input name to integer array of shape (events, *shape), or FinderEvents, optional
        The caller's own events, all used; default: those stored in the project. Patterns and random words join them.
    simulator : str
        ``verilator`` or ``icarus``.
    n_events : int
        Events through emulator, QKeras and C-simulation.
    rtl_events : int, optional
        Events back to back through the Verilog; about a twentieth more follows with gaps and resets. Default: 20,000
        for Verilator, 200 for Icarus, which is a thousand times slower.
    seed : int
        Of random words, gaps and bursts.
    allow_edited : bool
        Verify files that were edited by hand.
    checks : collection of str
        Some of ``CHECKS``. With all of them, the emulator's program is also proven equal to the network for all inputs.
    prove_primitives : bool
        Prove every distinct instance of the Verilog library with Yosys too: minutes for a large design, kept in the
        cache.
    progress : callable, optional
        Told in words what is being done, and each check's outcome.

    Returns
    -------
    VerifyResult
        ``passed`` only if every check passed and nothing was refuted.

    Raises
    ------
    UserError
        The folder is no project, is incomplete or edited, events do not fit, or a tool is missing.
    """
    say = progress or (lambda message: None)
    _check_request(checks, simulator, n_events, rtl_events)
    opened = read_project(project, allow_edited=allow_edited)
    if opened.manifest.kind != "network":
        if prove_primitives:
            raise UserError(f"prove_primitives must be left out for a {opened.manifest.kind}; it is for networks")
        amount = {"n_events": n_events, "rtl_events": rtl_events, "seed": seed, "simulator": simulator}
        return _other_kind(opened, events, checks, say, amount)
    if events is not None and not isinstance(events, Mapping):
        raise UserError("events of a network must be a mapping of its inputs' names to words")
    program = load_program(opened.program)
    ports = [InputPort(port.name, port.shape, port.format) for port in program.inputs]
    vectors = read_vectors(opened.vectors, program.inputs, program.outputs)
    study = vectors.inputs if opened.manifest.vectors.get("source") == "study" else None
    stimulus = default_stimulus(ports, n_events=n_events, seed=seed, study=study, events=events)
    say(f"emulator: {stimulus.events} events")
    network = from_json(opened.network.read_text())
    proof = prove(program, network) if set(checks) == set(CHECKS) else None
    if proof is not None:
        say(f"proof: {proof}")
    primitives = prove_library(opened.rtl, progress=say) if prove_primitives else None
    if primitives is not None:
        say(f"primitives: {primitives}")
    found: list[Check] = []
    latency_cycles, ii = None, None
    try:
        ladder = Ladder(opened, network, program, stimulus, emulator_outputs(program, stimulus.words))
    except ArithmeticError as error:  # an edited program: nothing can agree with it
        found = [Check(name, stimulus.events, 0, stimulus.events, problems=(str(error),)) for name in checks]
        checks = ()
    with build_ahead(partial(_hls_build, opened) if "hls_csim_vs_emulator" in checks else None) as build:
        for name in (check for check in CHECKS if check in checks):
            say(f"{name} ...")
            if name == "rtl_vs_emulator":
                count = rtl_events if rtl_events is not None else _RTL_EVENTS[simulator]
                outcome = check_rtl(ladder, simulator=simulator, rtl_events=count, seed=seed)
                check, latency_cycles, ii = outcome.check, outcome.latency_cycles, outcome.ii
            else:
                check = _python_rung(name, ladder, vectors, build)
            found.append(check)
            say(str(check))
    result = VerifyResult(
        name=opened.manifest.name, checks=tuple(found), latency_cycles=latency_cycles, ii=ii,
        clock_period_ns=opened.manifest.clock_period_ns, resources=opened.manifest.resources,
        stimulus=stimulus.kinds, seed=seed, simulator=simulator, edited=opened.edited,
        proof=proof, primitives=primitives,
    )  # fmt: skip
    if {check.name for check in found} == set(CHECKS):
        write_results(result, opened.folder)
    return result


def _other_kind(
    project: Project, events: Any, checks: Collection[str], say: Callable[[str], None], amount: Mapping[str, Any]
) -> VerifyResult:
    if project.manifest.kind != "vertex_finder":
        raise UserError(f"kind of a project must be network or vertex_finder, not '{project.manifest.kind}'")
    from firmware.vertex.verify import verify_finder

    return verify_finder(project, events=events, checks=checks, say=say, **amount)


def _python_rung(name: str, ladder: Ladder, vectors: Vectors, build: Future[CSimulation] | None) -> Check:
    if name == "vectors_vs_emulator":
        return check_vectors(ladder, vectors)
    if name == "qkeras_vs_emulator":
        return check_qkeras(ladder)
    assert build is not None
    return check_hls(ladder, build)


def _check_request(checks: Collection[str], simulator: str, n_events: int, rtl_events: int | None) -> None:
    """Everything that can be refused before any slow work is."""
    unknown = sorted(set(checks) - set(CHECKS))
    if unknown or not checks:
        raise UserError(f"checks must be some of {', '.join(CHECKS)}, not {unknown or 'none'}")
    if simulator not in SIMULATORS:
        raise UserError(f"simulator must be one of {', '.join(SIMULATORS)}, not '{simulator}'")
    if n_events < 1 or (rtl_events is not None and rtl_events < 1):
        raise UserError(f"number of events must be at least 1, not {n_events if n_events < 1 else rtl_events}")
    if "hls_csim_vs_emulator" in checks:
        compiler()
    if "rtl_vs_emulator" in checks:
        if simulator == "icarus":
            icarus()
        else:
            compiler()
            verilator_root()


def _hls_build(project: Project) -> CSimulation:
    from firmware.hls.csim import build

    return build(project.hls, cache_dir() / "csim")
