"""``trigger generate``: the project of a candidate of the front, or of any saved model."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

import numpy as np

from trigger.cli.outcome import Outcome
from trigger.cli.progress import hint, say
from trigger.cli.verbs.project_text import project_lines, project_result
from trigger.cli.verbs.synthesis import check_tools, synthesise
from trigger.cli.workspace import Workspace, open_workspace, read_json
from trigger.config.sections import ChoiceSection
from trigger.errors import UserError
from trigger.search.candidate import Candidate

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

    stored = read_front(workspace.run_dir)
    if not stored.complete:
        raise UserError(
            f"the search in '{workspace.run_dir}' must be finished, and stopped after generation "
            f"{stored.generation + 1}; continue it with: trigger sweep {workspace.config_path}"
        )
    study = workspace.study
    candidate = choose(stored.front, study.choice)
    project = workspace.project_dir(candidate.id)
    if not again and _is_there(workspace, candidate, project):
        say(f"generate: kept {project}")
        return _outcome(workspace, candidate, project)

    from firmware.adder_graph import emulate, load_program
    from firmware.convert import convert
    from firmware.project import read_project
    from trigger.cli.verbs.data import events
    from trigger.models.hgcal import OUTPUT, word_meanings
    from trigger.report.evaluation import evaluate
    from trigger.search.evaluate import read_model
    from trigger.train.events import events_of

    test = events_of(candidate.genome, events(workspace)["test"])
    stimulus = {port: words[: study.verify.events] for port, words in test.words.items()}
    network = read_model(workspace.run_dir, candidate.id)
    hint(f"generate: {candidate.id} -> {project}")
    points = candidate.metrics["validation"]["inclusive"]["working_points"]
    about = {
        "study": study.study.name,
        "candidate": candidate.id,
        **word_meanings(candidate.genome),
        "thresholds": [{key: point[key] for key in ("wanted_signal_efficiency", "threshold")} for point in points],
    }
    convert(network, project.parent, study.firmware, name=project.name, events=stimulus, about=about)
    program = load_program(read_project(project).program)
    words = np.asarray(emulate(program, test.words)[OUTPUT]).reshape(len(test))
    features = tuple(name for name, _ in candidate.genome.inputs)
    label = f"chosen candidate {candidate.id}"
    judged = evaluate("chosen", label, features, words, test.is_signal, test.eta, study.search.signal_efficiency)
    workspace.write_json(
        workspace.chosen_file,
        {
            "schema": 1,
            "id": candidate.id,
            "reason": reason(study.choice),
            "genome": candidate.genome.to_json(),
            "project": workspace.shown(project),
            "evaluation": judged,
        },
    )
    return _outcome(workspace, candidate, project)


def reason(choice: ChoiceSection) -> str:
    """Why a candidate was chosen, in words."""
    if choice.id is not None:
        return "chosen by its id"
    budgets = [
        f"at most {value:,.10g} {unit}"
        for value, unit in ((choice.max_lut, "LUT"), (choice.max_bits, "input bits"), (choice.max_latency_ns, "ns"))
        if value is not None
    ]
    if budgets:
        return f"the best of the front with {' and '.join(budgets)}"
    return f"the knee of the front: cheapest within {choice.tolerance:.0%} of the best background efficiency"


def _is_there(workspace: Workspace, candidate: Candidate, project: Path) -> bool:
    from firmware.project import read_project

    chosen = read_json(workspace.chosen_file)
    if chosen is None or chosen["id"] != candidate.id or chosen["reason"] != reason(workspace.study.choice):
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
    lines = [candidate_line(candidate).strip(), *project_lines(project)]
    if not passed:
        lines.append(f"BUDGET NOT MET: latency {latency_ns:.1f} ns, and firmware.latency_budget_ns is {budget:g}")
    result: dict[str, Any] = {
        "verb": "generate",
        "candidate": candidate.id,
        "objectives": dict(candidate.objectives),
        **found,
    }
    return Outcome(result, tuple(lines), passed)
