"""``trigger report``: one page about a study."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import asdict
from pathlib import Path
from typing import Any

from firmware.project.atomic import write_whole
from firmware.settings import PARTS
from trigger.cli.outcome import Outcome
from trigger.cli.progress import progress, say
from trigger.cli.verbs.data import events
from trigger.cli.workspace import Workspace, open_workspace, read_json
from trigger.errors import UserError

__all__ = ["verb", "write_report"]


def verb(options: Namespace) -> Outcome:
    """Write the page; references that are not there yet are trained first."""
    return write_report(open_workspace(options), count=options.yosys)


def write_report(workspace: Workspace, *, count: bool = False) -> Outcome:
    """Write ``report.html`` from the files of the run.

    Parameters
    ----------
    workspace : Workspace
    count : bool
        Have Yosys count the primitives of the chosen project, unless it has already.

    Raises
    ------
    UserError
        There is no front yet.
    """
    from trigger.report.gather import gather
    from trigger.report.page import render
    from trigger.search import read_candidates, read_front

    study = workspace.study
    stored = read_front(workspace.run_dir, study.task)
    manifest = read_json(workspace.run_dir / "manifest.json")
    if manifest is None:
        raise UserError(
            f"'{workspace.run_dir}' must hold manifest.json, and does not; run trigger sweep {workspace.config_path}"
        )
    chosen = read_json(workspace.chosen_file)
    project = workspace.project_dir(chosen["id"]) if chosen else None
    record = gather(
        study,
        run_dir=workspace.run_dir,
        stored=stored,
        candidates=read_candidates(workspace.run_dir, study.task),
        manifest=manifest,
        folder=workspace.shown(workspace.run_dir),
        config_path=workspace.shown_config,
        overrides=workspace.overrides,
        baselines=_baselines(workspace, chosen),
        chosen=chosen,
        project=project,
        primitives=_primitives(workspace, project, count=count) if project else None,
    )
    write_whole(workspace.report_file, render(record, asdict(PARTS[workspace.study.firmware.part])))
    return Outcome({"verb": "report", "report": str(workspace.report_file)}, (f"report {workspace.report_file}",))


def _primitives(workspace: Workspace, project: Path, *, count: bool) -> dict[str, Any] | None:
    stored = read_json(workspace.primitives_file) or {}
    if count and project.name not in stored:
        from firmware.resources.yosys import count_primitives

        say(f"yosys: counts the primitives of {project}")
        stored[project.name] = asdict(count_primitives(project / "rtl"))
        workspace.write_json(workspace.primitives_file, stored)
    found: dict[str, Any] | None = stored.get(project.name)
    return found


def _baselines(workspace: Workspace, chosen: dict[str, Any] | None) -> dict[str, Any]:
    """The references, from their file if what they depend on is the same."""
    study = workspace.study
    task = study.task
    genome = task.genome.from_json(chosen["genome"]) if chosen else None
    key = dict(task.baselines.key(study, genome))
    stored = read_json(workspace.baselines_file)
    if stored is not None and all(name in stored and stored[name] == value for name, value in key.items()):
        return stored
    samples = events(workspace)
    with progress("references") as advance:
        found = task.baselines.make(study, samples, genome, advance)
    content = {"schema": 1, **key, **found}
    workspace.write_json(workspace.baselines_file, content)
    return content
