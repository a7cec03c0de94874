"""From a member of the front to its project, judged on the test events by the project's own emulator."""

from __future__ import annotations

from typing import Any

from firmware.vertex.convert import convert_finder
from firmware.vertex.emulate import FinderEmulator
from firmware.vertex.finder import VertexFinder
from firmware.vertex.project import read_finder, read_programs
from sim.events.tracks.events import TrackEvents
from trigger.config.study import Study
from trigger.tasks.interface import ProjectRequest
from trigger.tasks.vertexing.evaluate import read_model
from trigger.tasks.vertexing.judge import baseline_purity, judge_outputs
from trigger.tasks.vertexing.metrics import vertex_metrics
from trigger.tasks.vertexing.model import Z0_STEP_CM, make_plan, word_meanings
from trigger.tasks.vertexing.rungs import unlimited_outputs
from trigger.tasks.vertexing.samples import finder_events
from trigger.tasks.vertexing.sections import search_of, space_of

__all__ = ["association_threshold", "make_project"]


def make_project(study: Study, request: ProjectRequest) -> dict[str, Any]:
    """Write the project, its vectors from test events, and evaluate its firmware on all of them.

    Parameters
    ----------
    study : Study
    request : ProjectRequest

    Returns
    -------
    dict
        As from `trigger.tasks.vertexing.judge.judge_outputs` with curves; ``without_limit``: the vertex with room for
        every track; ``blocks``: cost by block.
    """
    candidate, project = request.candidate, request.project
    test: TrackEvents = request.samples["test"]
    finder = read_model(request.run_dir, candidate.id)
    stimulus = finder_events(test, finder.lanes)
    about = {
        "study": study.study.name,
        "candidate": candidate.id,
        **word_meanings(make_plan(candidate.genome, space_of(study), name=study.name)),
        "association_threshold": association_threshold(candidate.metrics["validation"]["association"], finder),
    }
    convert_finder(
        finder, project.parent, study.firmware, name=project.name, events=stimulus.take(0, study.verify.events),
        about=about,
    )  # fmt: skip
    window_cm, reference = search_of(study).window_cm, baseline_purity(test)
    outputs = FinderEmulator(read_finder(project), read_programs(project)).run(stimulus)
    judged = judge_outputs(outputs, test, window_cm=window_cm, reference=reference, curves=True)
    roomy = unlimited_outputs(finder, test)
    judged["without_limit"] = vertex_metrics(roomy.z0 * Z0_STEP_CM, test, window_cm)
    judged["blocks"] = candidate.metrics["blocks"]
    return judged


def association_threshold(association: dict[str, dict[str, Any]], finder: VertexFinder) -> int:
    """The lowest threshold that reaches the purity of FastHisto's cuts in every process, on validation events."""
    thresholds = [found["threshold"] for found in association.values()]
    if any(threshold is None for threshold in thresholds):
        return finder.association_format.highest
    return int(max(thresholds))
