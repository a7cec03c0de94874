"""``trigger sweep``: search for the front."""

from __future__ import annotations

from argparse import Namespace
from contextlib import ExitStack

from trigger.cli.outcome import Outcome
from trigger.cli.progress import Advance, progress
from trigger.cli.verbs.data import events
from trigger.cli.workspace import Workspace, open_workspace
from trigger.search.candidate import Candidate
from trigger.search.progress import SweepProgress

__all__ = ["search", "verb"]

_FORMATS = {
    "background_efficiency": ("background", "{:.2%}"),
    "input_bits": ("bits", "{:.0f}"),
    "lut": ("LUT", "{:,.0f}"),
    "latency_ns": ("ns", "{:.1f}"),
}


def verb(options: Namespace) -> Outcome:
    """Search, or go on where an earlier search was stopped."""
    return search(open_workspace(options))


def search(workspace: Workspace) -> Outcome:
    """Search; what is finished already is kept and not done again."""
    events(workspace)  # with a progress bar of its own; the search finds them in the cache
    from trigger.search.sweep import sweep

    with ExitStack() as stack:
        bars: dict[str, Advance] = {}

        def show(state: SweepProgress) -> None:
            if state.stage not in bars:
                bars[state.stage] = stack.enter_context(progress("search" if state.stage == "search" else "front"))
            bars[state.stage](state.done, state.total, _note(state), state.seconds_left)

        found = sweep(workspace.study, workspace.run_dir, show)
    finished = sum(candidate.status == "ok" for candidate in found.candidates)
    volume = found.hypervolume[-1] if found.hypervolume else 0.0
    result = {
        "verb": "sweep",
        "run": str(found.run_dir),
        "candidates": len(found.candidates),
        "failed": len(found.candidates) - finished,
        "hypervolume": volume,
        "front": [{"id": c.id, "objectives": dict(c.objectives)} for c in found.front],
    }
    head = f"front of {len(found.front)} out of {len(found.candidates)} candidates, hypervolume {volume:.4f}"
    return Outcome(result, (head, *(candidate_line(candidate) for candidate in found.front)))


def candidate_line(candidate: Candidate) -> str:
    """A candidate's objectives in one line."""
    values = "  ".join(f"{_text(name, value):>10} {_FORMATS[name][0]}" for name, value in candidate.objectives.items())
    return f"  {candidate.id}  {values}"


def _note(state: SweepProgress) -> str:
    best = ", ".join(f"{_FORMATS[name][0]} {_text(name, value)}" for name, value in state.best.items())
    generation = (
        f"generation {state.generation + 1}/{state.generations}" if state.stage == "search" else "final training"
    )
    failed = f", {state.failed} failed" if state.failed else ""
    return f"{generation}, best {best or 'none yet'}{failed}"


def _text(name: str, value: float) -> str:
    return _FORMATS[name][1].format(value)
