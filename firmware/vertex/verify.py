"""Every rung of the ladder on a finder's project, and the verdict written into it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING, Any

from firmware.errors import UserError
from firmware.project import Project, cache_dir
from firmware.proof import Proof, joined, prove
from firmware.verify.build_ahead import build_ahead
from firmware.verify.report import Check, VerifyResult, write_results
from firmware.vertex.emulate import FinderEmulator
from firmware.vertex.events import FinderEvents, FinderOutputs
from firmware.vertex.project import networks, read_finder, read_programs
from firmware.vertex.rungs import FinderLadder, check_hls, check_qkeras, check_vectors
from firmware.vertex.stimulus import finder_stimulus
from firmware.vertex.vectors import read_vectors

if TYPE_CHECKING:
    from firmware.vertex.hls import FinderCSimulation

__all__ = ["CHECKS", "verify_finder"]

CHECKS = ("vectors_vs_emulator", "qkeras_vs_emulator", "hls_csim_vs_emulator", "rtl_vs_emulator")
_RTL_EVENTS = {"verilator": 2_000, "icarus": 20}


def verify_finder(
    project: Project, *, events: FinderEvents | None, simulator: str, n_events: int, rtl_events: int | None, seed: int,
    checks: Collection[str], say: Callable[[str], None],
) -> VerifyResult:  # fmt: skip
    """What :func:`firmware.verify` does with a finder's project; arguments as there.

    Of the stimulus's events the Verilog takes ``rtl_events``, by default 2,000 (20 of Icarus): all patterns that
    there is room for, and as many of the others.

    Raises
    ------
    UserError
        The project is incomplete, or events cannot enter the finder.
    """
    if events is not None and not isinstance(events, FinderEvents):
        raise UserError(f"events of a vertex finder must be FinderEvents, not {type(events).__name__}")
    finder = read_finder(project.folder)
    vectors = read_vectors(project.vectors)
    study = vectors[0] if project.manifest.vectors.get("source") == "study" else None
    stimulus = finder_stimulus(finder, n_events=n_events, seed=seed, study=study, events=events)
    say(f"emulator: {len(stimulus.events)} events, {len(stimulus.events.words)} tracks")
    found: list[Check] = []
    latency_cycles, ii = None, None
    proof: Proof | None = None
    wanted = [name for name in CHECKS if name in checks]
    try:
        programs = read_programs(project.folder)
        if set(wanted) == set(CHECKS):
            described = networks(finder)
            proof = joined({name: prove(getattr(programs, name), network) for name, network in described.items()})
            say(f"proof: {proof}")
        emulator = FinderEmulator(finder, programs)
        ladder = FinderLadder(project, emulator, stimulus, emulator.run(stimulus.events))
    except (ArithmeticError, KeyError, IndexError, UserError) as error:  # edited programs: nothing can agree with them
        count = len(stimulus.events)
        found = [Check(name, count, 0, count, problems=(f"the emulator cannot run: {error}",)) for name in wanted]
        wanted = []
    with build_ahead(partial(_hls_build, project) if "hls_csim_vs_emulator" in wanted else None) as build:
        for name in wanted:
            say(f"{name} ...")
            if name == "rtl_vs_emulator":
                from firmware.vertex.rtl_rung import check_rtl  # brings cocotb

                count = rtl_events if rtl_events is not None else _RTL_EVENTS[simulator]
                outcome = check_rtl(ladder, simulator=simulator, rtl_events=count, seed=seed)
                check, latency_cycles, ii = outcome.check, outcome.latency_cycles, outcome.ii
            else:
                check = _python_rung(name, ladder, vectors, build)
            found.append(check)
            say(str(check))
    result = VerifyResult(
        name=project.manifest.name, checks=tuple(found), latency_cycles=latency_cycles, ii=ii,
        clock_period_ns=project.manifest.clock_period_ns, resources=project.manifest.resources,
        stimulus=stimulus.kinds, seed=seed, simulator=simulator, edited=project.edited,
        proof=proof,
    )  # fmt: skip
    if {check.name for check in found} == set(CHECKS):
        write_results(result, project.folder)
    return result


def _python_rung(
    name: str, ladder: FinderLadder, vectors: tuple[FinderEvents, FinderOutputs],
    build: Future[FinderCSimulation] | None,
) -> Check:  # fmt: skip
    if name == "vectors_vs_emulator":
        return check_vectors(ladder, *vectors)
    if name == "qkeras_vs_emulator":
        return check_qkeras(ladder)
    assert build is not None
    return check_hls(ladder, build)


def _hls_build(project: Project) -> Any:
    from firmware.vertex.hls import build

    return build(project.hls, cache_dir() / "csim")
