"""HGCAL e/gamma identification as the general code sees it; what is slow to import waits until it is called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sim.events.dataset import DatasetSettings, load_dataset
from trigger.config.study import Study
from trigger.search.job import Evaluate
from trigger.tasks.hgcal.data import check, describe, digests
from trigger.tasks.hgcal.genome import Genome
from trigger.tasks.hgcal.operators import anchors, crossover, mutate, random_genome
from trigger.tasks.hgcal.report.details import COLUMNS, details
from trigger.tasks.hgcal.sections import HgcalSearch, HgcalTraining, SpaceSection
from trigger.tasks.interface import (
    Baselines,
    Data,
    GenomeOperations,
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

__all__ = ["TASK"]


def evaluator(study: Study, run_dir: Path) -> Evaluate:
    """Trains and scores genomes; called by its name in every worker process."""
    from trigger.tasks.hgcal.evaluate import HgcalEvaluator

    return HgcalEvaluator(study, run_dir)


def _train(study: Study, request: TrainRequest) -> Summary:
    from trigger.tasks.hgcal.train import train

    return train(study, request)


def _make_project(study: Study, request: ProjectRequest) -> dict[str, Any]:
    from trigger.tasks.hgcal.project import make_project

    return make_project(study, request)


def _baselines_key(study: Study, genome: Genome | None) -> dict[str, Any]:
    return {"same_variables": [name for name, _ in genome.inputs] if genome else []}


def _baselines(
    study: Study, samples: Samples, genome: Genome | None, advance: Callable[[int, int, str], None]
) -> dict[str, Any]:
    from trigger.tasks.hgcal.baselines import make

    return make(study, samples, genome, advance)


def _parts(given: ReportInput) -> ReportParts:
    from trigger.tasks.hgcal.report.sections import parts

    return parts(given)


def _most_bits(space: SpaceSection) -> float:
    return float((space.max_features or len(space.features)) * space.input_bits[-1])


def _knee_cost(cost: Mapping[str, float]) -> float:
    """LUT times input bits: halving either counts the same, whatever their units."""
    return cost["lut"] * cost["input_bits"]


TASK = Task(
    name="hgcal",
    objectives=(
        Objective(
            name="background_efficiency", label="background efficiency", short="background", format="{:.2%}", worst=1.0
        ),
        Objective(
            name="input_bits", label="input bits", short="bits", format="{:.0f}", axis="bits of all inputs",
            worst=_most_bits,
        ),
        Objective(
            name="lut", label="LUT", short="LUT", format="{:,.0f}", axis="LUT (estimate from the adder graph)", log=True
        ),
        Objective(
            name="latency_ns", label="latency", short="ns", format="{:.1f}",
            axis="latency at the target clock (ns, estimate)", default=False,
        ),
    ),
    data=Data(settings=DatasetSettings, load=load_dataset, describe=describe, digests=digests),
    space=SpaceSection,
    training=HgcalTraining,
    search=HgcalSearch,
    check=check,
    genome=GenomeOperations(
        random=random_genome, mutate=mutate, crossover=crossover, from_json=Genome.from_json, anchors=anchors
    ),
    evaluator=evaluator,
    train=_train,
    make_project=_make_project,
    baselines=Baselines(key=_baselines_key, make=_baselines),
    report=Report(columns=COLUMNS, details=details, parts=_parts),
    knee_cost=_knee_cost,
    budgets=("max_lut", "max_bits", "max_latency_ns"),
)  # fmt: skip
