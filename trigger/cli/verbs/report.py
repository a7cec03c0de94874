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
from trigger.cli.verbs.data import class_counts, events
from trigger.cli.workspace import Workspace, open_workspace, read_json
from trigger.errors import UserError
from trigger.models.genome import Genome

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
    from firmware.network.serial import from_json
    from trigger.report.gather import gather
    from trigger.report.page import render
    from trigger.search import read_candidates, read_front

    stored = read_front(workspace.run_dir)
    manifest = read_json(workspace.run_dir / "manifest.json")
    if manifest is None:
        raise UserError(
            f"'{workspace.run_dir}' must hold manifest.json, and does not; run trigger sweep {workspace.config_path}"
        )
    chosen = read_json(workspace.chosen_file)
    project = workspace.project_dir(chosen["id"]) if chosen else None
    model = workspace.run_dir / "models" / f"{chosen['id']}.json" if chosen else None
    record = gather(
        workspace.study,
        stored=stored,
        candidates=read_candidates(workspace.run_dir),
        manifest=manifest,
        folder=workspace.shown(workspace.run_dir),
        config_path=workspace.shown_config,
        overrides=workspace.overrides,
        baselines=_baselines(workspace, chosen),
        chosen=chosen,
        network=from_json(model.read_text(encoding="utf-8")) if model else None,
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
    """The references, from their file if they are of the same sets of variables."""
    from trigger.report.baselines import baselines, variable_sets

    genome = Genome.from_json(chosen["genome"]) if chosen else None
    features = tuple(name for name, _ in genome.inputs) if genome else ()
    stored = read_json(workspace.baselines_file)
    if stored is not None and stored.get("same_variables") == list(features):
        return stored
    tables = events(workspace)
    sets = variable_sets(features, tables["train"].names)
    with progress("references") as advance:
        found = baselines(
            tables,
            sets,
            seed=workspace.study.seed,
            signal_efficiency=workspace.study.search.signal_efficiency,
            advance=advance,
        )
    content = {"schema": 1, "same_variables": list(features), "events": class_counts(tables), "classifiers": found}
    workspace.write_json(workspace.baselines_file, content)
    return content
