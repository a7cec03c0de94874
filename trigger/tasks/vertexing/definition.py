"""Primary vertex finding as the general code sees it; what is slow to import waits until it is called."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from sim.events.tracks.dataset import VertexDatasetSettings, load_vertex_dataset
from trigger.config.study import Study
from trigger.search.job import Evaluate
from trigger.search.operators.choices import ChoiceGenome, choice_operations
from trigger.tasks.interface import (
    Baselines,
    Data,
    Objective,
    ProjectRequest,
    Report,
    ReportInput,
    Samples,
    Summary,
    Task,
    TrainRequest,
)
from trigger.tasks.parts import ReportParts
from trigger.tasks.vertexing.data import describe, digests
from trigger.tasks.vertexing.report.details import COLUMNS, details
from trigger.tasks.vertexing.sections import VertexSearch, check
from trigger.tasks.vertexing.space import SpaceSection, anchors, repair, table
from trigger.tasks.vertexing.training_section import VertexTraining

__all__ = ["TASK"]


def evaluator(study: Study, run_dir: Path) -> Evaluate:
    """Trains and scores genomes; called by its name in every worker process."""
    from trigger.tasks.vertexing.evaluate import VertexEvaluator

    return VertexEvaluator(study, run_dir)


def _train(study: Study, request: TrainRequest) -> Summary:
    from trigger.tasks.vertexing.train_verb import train

    return train(study, request)


def _make_project(study: Study, request: ProjectRequest) -> dict[str, Any]:
    from trigger.tasks.vertexing.project import make_project

    return make_project(study, request)


def _baselines_key(study: Study, genome: ChoiceGenome | None) -> dict[str, Any]:
    from trigger.tasks.vertexing.baselines import key

    return key(study, genome)


def _baselines(
    study: Study, samples: Samples, genome: ChoiceGenome | None, advance: Callable[[int, int, str], None]
) -> dict[str, Any]:
    from trigger.tasks.vertexing.baselines import make

    return make(study, samples, genome, advance)


def _parts(given: ReportInput) -> ReportParts:
    from trigger.tasks.vertexing.report.sections import parts

    return parts(given)


TASK = Task(
    name="vertexing",
    objectives=(
        Objective(
            name="vertex_inefficiency", label="vertex inefficiency", short="inefficiency", format="{:.2%}", worst=1.0,
            axis="vertex inefficiency, mean of ttbar and Z",
        ),
        Objective(
            name="lut", label="LUT", short="LUT", format="{:,.0f}", axis="LUT of the whole finder (estimate)", log=True
        ),
        Objective(
            name="latency_ns", label="latency", short="ns", format="{:.1f}",
            axis="vertex after the last track at the target clock (ns, estimate)",
        ),
    ),
    data=Data(settings=VertexDatasetSettings, load=load_vertex_dataset, describe=describe, digests=digests),
    space=SpaceSection,
    training=VertexTraining,
    search=VertexSearch,
    check=check,
    genome=choice_operations(table, repair, anchors),
    evaluator=evaluator,
    train=_train,
    make_project=_make_project,
    baselines=Baselines(key=_baselines_key, make=_baselines),
    report=Report(columns=COLUMNS, details=details, parts=_parts),
)  # fmt: skip
