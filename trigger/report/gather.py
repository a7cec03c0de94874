"""From the files of a run to what its report says."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from trigger.config.study import Study
from trigger.report.record import Candidate, Chosen, StudyRecord
from trigger.search.candidate import Candidate as StoredCandidate
from trigger.search.choose import accuracy
from trigger.search.read import StoredFront
from trigger.tasks.interface import ReportInput

__all__ = ["gather"]

_ALGORITHMS = {"nsga2": "NSGA-II", "random": "random search"}


def gather(
    study: Study,
    *,
    run_dir: Path,
    stored: StoredFront,
    candidates: Sequence[StoredCandidate],
    manifest: Mapping[str, Any],
    folder: str,
    config_path: str,
    overrides: Sequence[str],
    baselines: Mapping[str, Any],
    chosen: Mapping[str, Any] | None,
    project: Path | None,
    primitives: Mapping[str, Any] | None = None,
) -> StudyRecord:
    """Put together what a page is written from.

    Parameters
    ----------
    study : Study
    run_dir : Path
        Folder of the run.
    stored : StoredFront
        ``front.json`` of the run.
    candidates : sequence of Candidate
        ``candidates.jsonl``.
    manifest : mapping
        ``manifest.json`` of the run.
    folder, config_path : str
        The run's folder and the configuration's file, as the page states them.
    overrides : sequence of str
        ``--set`` of the command.
    baselines : mapping
        ``baselines.json`` of the run.
    chosen : mapping or None
        ``chosen.json`` of the run.
    project : Path or None
        Project folder of the chosen candidate.
    primitives : mapping or None
        Its count by Yosys.

    Returns
    -------
    StudyRecord
    """
    front = {candidate.id: candidate for candidate in stored.front}
    searched = [c for c in candidates if c.stage == "search" and c.status == "ok" and c.id not in front]
    if chosen is not None and chosen["id"] not in front:
        chosen = {**chosen, "reason": f"{chosen['reason']}, of an earlier front"}
    task = study.task
    given = ReportInput(study=study, run_dir=run_dir, baselines=baselines, chosen=chosen, project=project)
    return StudyRecord(
        study=study.name,
        folder=folder,
        config_path=config_path,
        config=manifest["study"],
        overrides=tuple(overrides),
        seed=study.seed,
        objectives=task.objectives,
        searched=stored.objectives,
        packages=manifest["packages"],
        hashes=_hashes(project),
        evaluated=sum(c.status == "ok" for c in candidates),
        candidates=tuple(_candidate(c, study, on_front=c.id in front) for c in (*searched, *stored.front)),
        columns=task.report.columns,
        hypervolume=stored.hypervolume,
        algorithm=_ALGORITHMS[study.search.algorithm],
        parts=task.report.parts(given),
        chosen=_chosen(chosen, project, primitives) if chosen and project else None,
    )


def _candidate(c: StoredCandidate, study: Study, *, on_front: bool) -> Candidate:
    details = study.task.report.details(study, c)
    known = {**c.cost, **c.objectives}
    return Candidate(
        id=c.id,
        generation=c.generation,
        accuracy=accuracy(c, study.task) if details.accuracy is None else details.accuracy,
        values={one.name: known[one.name] for one in study.task.objectives[1:] if one.name in known},
        details=details,
        on_front=on_front,
        feasible=c.feasible,
    )


def _chosen(content: Mapping[str, Any], project: Path, primitives: Mapping[str, Any] | None) -> Chosen:
    return Chosen(
        id=content["id"],
        project=content["project"],
        manifest=_json(project / "manifest.json"),
        verification=_json(project / "verify.json"),
        primitives=primitives,
    )


def _hashes(project: Path | None) -> dict[str, str]:
    manifest = _json(project / "manifest.json") if project else None
    return dict(manifest["files"]) if manifest else {}


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
