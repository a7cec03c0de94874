"""``trigger generate``: the project of a candidate of the front, or of any saved model."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

from trigger.cli.outcome import Outcome
from trigger.cli.progress import hint, say
from trigger.cli.verbs.data import events
from trigger.cli.verbs.project_text import project_lines, project_result
from trigger.cli.verbs.synthesis import check_tools, synthesise
from trigger.cli.workspace import Workspace, open_workspace, read_json
from trigger.config import Study
from trigger.config.sections import BUDGETS
from trigger.errors import UserError
from trigger.search.candidate import Candidate
from trigger.tasks.interface import ProjectRequest

__all__ = ["generate", "verb"]


def verb(options: Namespace) -> Outcome:
    """Convert ``--model``, or choose a candidate and convert it; then run vendor tools, if ``--synth`` asks for it."""
    if options.synth:
        check_tools()
    if options.model is not None:
        from trigger.cli.verbs.model_file import generate_from_file

        made = generate_from_file(options)
    else:
        made = generate(open_workspace(options))
    if not options.synth:
        return made
    found = synthesise(Path(made.result["project"]))
    result = {**made.result, "synthesis": found.result}
    return Outcome(result, (*made.lines, *found.lines), made.passed and found.passed)


def generate(workspace: Workspace, *, again: bool = True) -> Outcome:
    """Choose a candidate, write its project, and judge its firmware on the test events.

    Parameters
    ----------
    workspace : Workspace
    again : bool
        False: a project that is there, whole, and of the same choice is kept.

    Returns
    -------
    Outcome
        Not passed if the project's latency exceeds the budget: the search only estimates it.

    Raises
    ------
    UserError
        There is no front yet, or none of it is what was asked for.
    """
    from trigger.search import choose, read_front

    study = workspace.study
    stored = read_front(workspace.run_dir, study.task)
    if not stored.complete:
        raise UserError(
            f"the search in '{workspace.run_dir}' must be finished, and stopped after generation "
            f"{stored.generation + 1}; continue it with: trigger sweep {workspace.config_path}"
        )
    candidate = choose(stored.front, study.choice, study.task)
    project = workspace.project_dir(candidate.id)
    if not again and _is_there(workspace, candidate, project):
        say(f"generate: kept {project}")
        return _outcome(workspace, candidate, project)
    samples = events(workspace)
    hint(f"generate: {candidate.id} -> {project}")
    request = ProjectRequest(candidate=candidate, samples=samples, run_dir=workspace.run_dir, project=project)
    judged = study.task.make_project(study, request)
    workspace.write_json(
        workspace.chosen_file,
        {
            "schema": 1,
            "id": candidate.id,
            "reason": reason(study),
            "genome": candidate.genome.to_json(),
            "project": workspace.shown(project),
            "evaluation": judged,
        },
    )
    return _outcome(workspace, candidate, project)


def reason(study: Study) -> str:
    """Why a candidate was chosen, in words."""
    choice = study.choice
    if choice.id is not None:
        return "chosen by its id"
    if choice.budgets:
        kept = [f"at most {value:,.10g} {BUDGETS[key][1]}" for key, value in choice.budgets.items()]
        return f"the best of the front with {' and '.join(kept)}"
    return f"the knee of the front: cheapest within {choice.tolerance:.0%} of the best {study.task.accuracy.label}"


def _is_there(workspace: Workspace, candidate: Candidate, project: Path) -> bool:
    from firmware.project import read_project

    chosen = read_json(workspace.chosen_file)
    if chosen is None or chosen["id"] != candidate.id or chosen["reason"] != reason(workspace.study):
        return False
    try:
        read_project(project)
    except ValueError:  # not there, torn, or edited: write it again
        return False
    return True


def _outcome(workspace: Workspace, candidate: Candidate, project: Path) -> Outcome:
    from trigger.cli.verbs.sweep import candidate_line

    found = project_result(project)
    budget = workspace.study.firmware.latency_budget_ns
    latency_ns = found["latency_cycles"] * found["clock_period_ns"]
    passed = budget is None or latency_ns <= budget
    lines = [candidate_line(candidate, workspace.study.task).strip(), *project_lines(project)]
    if not passed:
        lines.append(f"BUDGET NOT MET: latency {latency_ns:.1f} ns, and firmware.latency_budget_ns is {budget:g}")
    result: dict[str, Any] = {
        "verb": "generate",
        "candidate": candidate.id,
        "objectives": dict(candidate.objectives),
        **found,
    }
    return Outcome(result, tuple(lines), passed)
