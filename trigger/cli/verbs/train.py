"""``trigger train``: one configuration, on all training events, for as long as one likes."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import replace

from trigger.cli.outcome import Outcome
from trigger.cli.progress import say
from trigger.cli.verbs.data import events
from trigger.cli.workspace import Workspace, open_workspace
from trigger.config.sections import ChoiceSection
from trigger.errors import UserError
from trigger.tasks.interface import Genome, TrainRequest

__all__ = ["verb"]


def verb(options: Namespace) -> Outcome:
    """Train a candidate of the front, or one of the task's known starting points.

    Raises
    ------
    UserError
        The candidate does not exist, or there is no front yet.
    """
    workspace = open_workspace(options)
    name, genome = _genome(workspace, options.candidate or "knee")
    samples = events(workspace)
    folder = workspace.run_dir / "trained"
    folder.mkdir(parents=True, exist_ok=True)
    found = workspace.study.task.train(
        workspace.study,
        TrainRequest(name=name, genome=genome, samples=samples, epochs=options.epochs, folder=folder, say=say),
    )
    content = {"name": name, "genome": genome.to_json(), **found.content}
    workspace.write_json(
        folder / f"{name}.json", {"schema": 1, **{key: value for key, value in content.items() if key != "model"}}
    )
    return Outcome({"verb": "train", **content}, found.lines)


def _genome(workspace: Workspace, asked: str) -> tuple[str, Genome]:
    study = workspace.study
    anchors = study.task.genome.anchors(study.space)
    if asked in anchors:
        if anchors[asked] is None:
            raise UserError(f"candidate {asked} needs choices that section space leaves out")
        return asked, anchors[asked]
    from trigger.search import choose, read_front

    stored = read_front(workspace.run_dir, study.task)
    wanted = ChoiceSection() if asked == "knee" else ChoiceSection(id=asked)
    candidate = choose(stored.front, replace(wanted, tolerance=study.choice.tolerance), study.task)
    return candidate.id, candidate.genome
