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
from trigger.tasks.interface import Task

__all__ = ["search", "verb"]


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
            bars[state.stage](state.done, state.total, _note(state, workspace.study.task), state.seconds_left)

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
    return Outcome(result, (head, *(candidate_line(candidate, workspace.study.task) for candidate in found.front)))


def candidate_line(candidate: Candidate, task: Task) -> str:
    """A candidate's objectives in one line."""
    shown = [(task.objective(name), value) for name, value in candidate.objectives.items()]
    values = "  ".join(f"{objective.text(value):>10} {objective.short}" for objective, value in shown)
    return f"  {candidate.id}  {values}"


def _note(state: SweepProgress, task: Task) -> str:
    shown = [(task.objective(name), value) for name, value in state.best.items()]
    best = ", ".join(f"{objective.short} {objective.text(value)}" for objective, value in shown)
    generation = (
        f"generation {state.generation + 1}/{state.generations}" if state.stage == "search" else "final training"
    )
    failed = f", {state.failed} failed" if state.failed else ""
    return f"{generation}, best {best or 'none yet'}{failed}"
