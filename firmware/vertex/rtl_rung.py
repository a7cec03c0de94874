"""The RTL rung of a finder: its Verilog simulated clock by clock, with gaps and resets, against the emulator."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firmware.verify.report import Check
from firmware.verify.toolchain import ToolFailure
from firmware.vertex.compare import ALL, compare_outputs, count_words, located, outputs_of
from firmware.vertex.events import FinderEvents
from firmware.vertex.rtl import FinderSimulation, simulate_finder
from firmware.vertex.rungs import FinderLadder, locate_by_outputs, middle_word
from firmware.vertex.stimulus import FinderStimulus, pick

__all__ = ["FinderRtlOutcome", "check_rtl"]

NAME = "rtl_vs_emulator"
_SEEN = tuple(name for name in ALL if name != "weight")
"""Weights do not leave the firmware."""

_RATE_EVENTS = 20
"""So many events must enter for one of them to come right behind another."""


@dataclass(frozen=True)
class FinderRtlOutcome:
    """The check, and what the simulation measured (None: not the same for all events)."""

    check: Check
    latency_cycles: int | None
    ii: int | None


def check_rtl(ladder: FinderLadder, *, simulator: str, rtl_events: int, seed: int) -> FinderRtlOutcome:
    """Simulate the project's Verilog.

    Parameters
    ----------
    ladder : FinderLadder
    simulator : str
        ``verilator`` or ``icarus``.
    rtl_events : int
        Events that enter once, packed or with gaps; bursts that resets cut follow.
    seed : int
        Of gaps and bursts.

    Raises
    ------
    UserError
        The simulator is missing, or the folder's port table cannot be read.
    """
    rows = _rows(ladder.stimulus, rtl_events)
    events = pick(ladder.stimulus.events, rows)
    expected = ladder.emulator.run(events)
    threshold = middle_word(expected)
    try:
        simulation = simulate_finder(
            ladder.project.rtl, ladder.finder, events, threshold=threshold, simulator=simulator, seed=seed
        )
    except ToolFailure as error:
        check = Check(
            NAME, len(events), len(_SEEN), len(events), problems=(str(error),), details={"simulator": simulator}
        )
        return FinderRtlOutcome(check, None, None)
    received = replace(simulation.outputs, weight=np.full(len(events.words), -1, np.int64))
    comparison = compare_outputs(ladder.finder, events, expected, received, _SEEN)
    first = comparison.first
    if first is not None:
        found = outputs_of(events, received, first.event)

        def locate(one: FinderEvents) -> str | None:
            return locate_by_outputs(ladder, one, found)

        first = located(first, ladder.stimulus, int(rows[first.event]), locate)
    details: dict[str, Any] = {
        "simulator": simulator, "latency_cycles": simulation.latency_cycles, "ii": simulation.ii,
        "association_latency": simulation.association_latency, "clocks": simulation.clocks,
        "tracks": len(events.words), "words": count_words(events, _SEEN), "association_threshold": threshold,
    }  # fmt: skip
    check = Check(
        NAME, events=len(events), outputs=len(_SEEN), mismatches=comparison.mismatches, first_mismatch=first,
        problems=(*comparison.problems, *simulation.problems, *_stated(ladder, simulation, len(events))),
        details=details,
    )  # fmt: skip
    return FinderRtlOutcome(check, simulation.latency_cycles, simulation.ii)


def _rows(stimulus: FinderStimulus, count: int) -> NDArray[np.int64]:
    """Events of the stimulus that enter: the patterns, and as many of the rest as there is room for, evenly."""
    total = len(stimulus.events)
    first = sum(n for kind, n in stimulus.kinds.items() if kind in _before("patterns", stimulus))
    corners = np.arange(first, first + stimulus.kinds.get("patterns", 0))
    if len(corners) >= count:
        return corners[np.linspace(0, len(corners) - 1, count).round().astype(np.int64)]
    rest = np.setdiff1d(np.arange(total), corners)
    room = min(count - len(corners), len(rest))
    chosen = rest[np.linspace(0, len(rest) - 1, room).round().astype(np.int64)] if room else rest[:0]
    return np.sort(np.concatenate([corners, chosen]))


def _before(kind: str, stimulus: FinderStimulus) -> list[str]:
    kinds = list(stimulus.kinds)
    return kinds[: kinds.index(kind)] if kind in kinds else []


def _stated(ladder: FinderLadder, simulation: FinderSimulation, events: int) -> list[str]:
    """What differs from the manifest."""
    manifest = ladder.project.manifest
    problems = []
    if simulation.latency_cycles is not None and simulation.latency_cycles != manifest.latency_cycles:
        problems.append(
            f"latency must be {manifest.latency_cycles} cycles as the project states, not {simulation.latency_cycles}"
        )
    if events >= _RATE_EVENTS and simulation.ii != manifest.ii:
        problems.append(f"ii must be {manifest.ii} as the project states, not {simulation.ii}")
    return problems
