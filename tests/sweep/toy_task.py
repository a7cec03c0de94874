"""A task that costs nothing, for tests of what serves every task; imported by spawned workers.

It "studies" how well a coin of so many sides is guessed: more bits and more coins are better and dearer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from firmware.project import Manifest, hash_files, write_manifest
from trigger.config import Study
from trigger.config.check import choices, in_range
from trigger.config.sections import TrainingSection
from trigger.errors import UserError
from trigger.report import Html
from trigger.search.job import Evaluate, Evaluation, Job
from trigger.search.operators import ChoiceGenome, choice_operations
from trigger.tasks.interface import (
    Baselines,
    Data,
    Objective,
    ProjectRequest,
    Report,
    ReportInput,
    Summary,
    Task,
    TrainRequest,
)
from trigger.tasks.parts import CandidateDetails, Column, Reference, ReportParts, Section, Tile


@dataclass(frozen=True, kw_only=True)
class ToyData:
    coins: int = 100
    workers: int = 1


@dataclass(frozen=True, kw_only=True)
class ToySpace:
    bits: tuple[int, ...] = (1, 2, 3, 4)
    lanes: tuple[int, ...] = (1, 2, 4, 8)

    def __post_init__(self) -> None:
        choices("bits", self.bits, 1, 8)
        choices("lanes", self.lanes, 1, 64)


@dataclass(frozen=True, kw_only=True)
class ToyTraining(TrainingSection):
    patience: int = 3

    def __post_init__(self) -> None:
        super().__post_init__()
        in_range("patience", self.patience, 1, 9)


def _check(study: Study) -> Study:
    if study.data.settings.coins < study.training.patience:
        raise UserError(f"data.coins must be at least training.patience ({study.training.patience})")
    return replace(study, data=replace(study.data, settings=replace(study.data.settings, coins=2 * 50)))


def _load(settings: ToyData, cache_dir: Path, progress) -> dict[str, list[int]]:
    return {split: list(range(settings.coins)) for split in ("train", "validation", "test")}


def _table(space: ToySpace) -> dict[str, tuple[int, ...]]:
    return {"bits": space.bits, "lanes": space.lanes}


def _anchors(space: ToySpace) -> dict[str, ChoiceGenome | None]:
    return {
        "smallest": ChoiceGenome((("bits", space.bits[0]), ("lanes", space.lanes[0]))),
        "published": ChoiceGenome((("bits", 4), ("lanes", 8))) if 4 in space.bits and 8 in space.lanes else None,
    }


def _score(genome: ChoiceGenome) -> dict[str, float]:
    return {
        "missed": 1 / (genome["bits"] * genome["lanes"]) ** 0.5,
        "lut": 100.0 * genome["lanes"] * 2 ** genome["bits"],
        "latency_ns": 2.5 * genome["bits"],
    }


def evaluator(study: Study, run_dir: Path) -> Evaluate:
    def evaluate(job: Job) -> Evaluation:
        found = _score(job.genome)
        objectives = {name: found[name] for name in study.search.objectives}
        return Evaluation(objectives=objectives, cost={"lut": found["lut"], "latency_ns": found["latency_ns"]})

    return evaluate


def _train(study: Study, request: TrainRequest) -> Summary:
    (request.folder / f"{request.name}.txt").write_text("heads")
    return Summary(content={"epochs": request.epochs or study.training.epochs}, lines=(f"{request.name}: heads",))


def _make_project(study: Study, request: ProjectRequest) -> dict[str, float]:
    """No hardware, but a folder that is known by its hashes: all that the general code asks of a project."""
    request.project.mkdir(parents=True)
    (request.project / "coin.txt").write_text("heads")
    manifest = Manifest(
        name=request.project.name, settings={}, packages={}, ports=(), latency_cycles=2, ii=1, clock_period_ns=2.5,
        resources={"lut": 9, "ff": 0, "dsp": 0, "low": {"lut": 8}, "high": {"lut": 10}}, vectors={},
        files=hash_files(request.project),
    )  # fmt: skip
    write_manifest(request.project, manifest)
    return {"missed": _score(request.candidate.genome)["missed"], "tested": len(request.samples["test"])}


def _parts(given: ReportInput) -> ReportParts:
    guessed = given.chosen["evaluation"]["missed"] if given.chosen else 1.0
    return ReportParts(
        tiles=(Tile(value=f"{guessed:.3f}", label="coins missed", below="of 100"),),
        sections=(Section(key="coins", title="The coins", content=Html("<p>Heads or tails.</p>")),),
        references=(Reference(label="a monkey", value=given.baselines["monkey"]),),
        physics=Html("Coins have two sides."),
    )


TASK = Task(
    name="toy",
    objectives=(
        Objective(name="missed", label="coins missed", short="missed", format="{:.3f}", worst=1.0),
        Objective(name="lut", label="LUT", short="LUT", format="{:,.0f}", log=True),
        Objective(
            name="latency_ns", label="latency", short="ns", format="{:.1f}", worst=lambda space: 3.0 * space.bits[-1]
        ),
        Objective(name="luck", label="luck", short="luck", format="{:.0f}", default=False),
    ),
    data=Data(
        settings=ToyData, load=_load, digests=lambda settings: {"coins": "digest"},
        describe=lambda settings, samples: Summary(content={"coins": settings.coins}, lines=("100 coins",)),
    ),
    space=ToySpace,
    training=ToyTraining,
    check=_check,
    genome=choice_operations(_table, anchors=_anchors),
    evaluator=evaluator,
    train=_train,
    make_project=_make_project,
    baselines=Baselines(
        key=lambda study, genome: {"of": genome.to_json() if genome else None},
        make=lambda study, samples, genome, advance: {"monkey": 0.5},
    ),
    report=Report(
        columns=(Column(head="sides"),),
        details=lambda study, candidate: CandidateDetails(cells=(2 ** candidate.genome["bits"],), hover=("a coin",)),
        parts=_parts,
    ),
)  # fmt: skip
