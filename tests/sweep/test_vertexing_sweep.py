"""A tiny search for vertex finders with real training and real cost, to the files that the report needs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from firmware.vertex.resources import finder_cost
from sim.events.tracks.dataset import load_vertex_dataset
from trigger.config import Study, from_mapping
from trigger.search import choose, sweep
from trigger.search.job import Job
from trigger.tasks.interface import ReportInput, TrainRequest
from trigger.tasks.parts import ReportParts
from trigger.tasks.vertexing.baselines import key, make
from trigger.tasks.vertexing.evaluate import VertexEvaluator, read_model
from trigger.tasks.vertexing.judge import baseline_purity, judge_finder
from trigger.tasks.vertexing.metrics import mean_efficiency, vertex_metrics
from trigger.tasks.vertexing.model import Z0_STEP_CM
from trigger.tasks.vertexing.project import association_threshold
from trigger.tasks.vertexing.report.sections import parts
from trigger.tasks.vertexing.rungs import unlimited_outputs
from trigger.tasks.vertexing.train_verb import train


def _study(cache: Path, **search: object) -> Study:
    return from_mapping(
        {
            "study": {"name": "tiny", "task": "vertexing"},
            "data": {"n_train": 600, "n_validation": 400, "n_test": 400, "cache_dir": str(cache)},
            "space": {
                "pt_bits": [5], "eta_bits": [3], "weight_layers": [1], "weight_units": [4, 6], "weight_bits": [6],
                "bins": [128, 256], "bins_per_clock": [16], "kernel_size": [3], "association_layers": [1],
                "association_units": [6], "association_sparsity": [0.0, 0.5],
            },
            "training": {
                "epochs": 2, "batch_size": 32, "learning_rate": 0.04, "final_epochs": None, "association_tracks": 512,
            },
            "search": {
                "population": 4, "generations": 1, "promote": 2, "workers": 1, "association_margin": -1.0, **search,
            },
        }
    )  # fmt: skip


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("vertex")


@pytest.fixture(scope="module")
def run(cache: Path) -> tuple[Study, Path]:
    study = _study(cache)
    sweep(study, cache / "run")
    return study, cache / "run"


def test_front_holds_what_its_models_do(run: tuple[Study, Path]) -> None:
    study, folder = run
    front = sweep(study, folder).front
    samples = load_vertex_dataset(study.data.settings, folder)
    assert front
    for candidate in front:
        finder = read_model(folder, candidate.id)
        reference = baseline_purity(samples["test"])
        judged = judge_finder(finder, samples["test"], window_cm=0.15, reference=reference)
        assert candidate.metrics["test"] == json.loads(json.dumps(judged))
        validation = candidate.metrics["validation"]["vertex"]
        assert candidate.objectives["vertex_inefficiency"] == pytest.approx(1 - mean_efficiency(validation))
        cost = finder_cost(finder, study.firmware, fast=False)
        assert candidate.cost["lut"] == cost["lut"] == sum(block["lut"] for block in cost["blocks"].values())
        assert candidate.metrics["blocks"] == cost["blocks"]
    assert choose(front, study.choice, study.task) in front


def test_what_may_not_be_chosen_says_why(run: tuple[Study, Path]) -> None:
    study, folder = run
    strict = _study(folder, association_margin=0.9)
    strict = replace(strict, firmware=replace(strict.firmware, latency_budget_ns=50.0))
    candidate = sweep(study, folder).front[0]
    evaluator = VertexEvaluator(strict, folder)
    evaluation = evaluator(Job("again", "final", 0, candidate.genome, candidate.id))
    assert evaluation.violation > 0
    assert "must keep +0.9000" in evaluation.reason
    assert "the budget is 50 ns" in evaluation.reason


def test_page_is_written_from_plain_files(run: tuple[Study, Path]) -> None:
    study, folder = run
    samples = load_vertex_dataset(study.data.settings, folder)
    candidate = sweep(study, folder).front[0]
    finder = read_model(folder, candidate.id)
    steps: list[str] = []
    baselines = json.loads(
        json.dumps(make(study, samples, candidate.genome, lambda done, total, note: steps.append(note)))
    )
    assert steps == ["FastHisto", "the network in floating point", "references"]
    assert key(study, candidate.genome) != key(study, None)
    test = samples["test"]
    evaluation = judge_finder(finder, test, window_cm=0.15, reference=baseline_purity(test), curves=True)
    roomy = unlimited_outputs(finder, test)
    evaluation["without_limit"] = vertex_metrics(roomy.z0 * Z0_STEP_CM, test, 0.15)
    evaluation["blocks"] = candidate.metrics["blocks"]
    chosen = {
        "id": candidate.id, "reason": "the knee", "genome": candidate.genome.to_json(), "project": "",
        "evaluation": json.loads(json.dumps(evaluation)),
    }  # fmt: skip
    written = parts(ReportInput(study=study, run_dir=folder, baselines=baselines, chosen=chosen, project=None))
    assert isinstance(written, ReportParts)
    text = "".join(section.content for section in written.sections)
    for said in ("FastHisto, published words", "the same networks in floating point", "association", candidate.id):
        assert said in text
    assert len(written.tiles) == 2
    threshold = association_threshold(candidate.metrics["validation"]["association"], finder)
    assert finder.association_format.lowest <= threshold <= finder.association_format.highest
    assert not parts(
        ReportInput(study=study, run_dir=folder, baselines={**baselines, "float": None}, chosen=None, project=None)
    ).tiles


def test_verb_train_writes_the_finder(run: tuple[Study, Path], tmp_path: Path) -> None:
    study, _ = run
    samples = load_vertex_dataset(study.data.settings, tmp_path)
    genome = sweep(*run).front[0].genome
    said: list[str] = []
    summary = train(
        study, TrainRequest(name="one", genome=genome, samples=samples, epochs=1, folder=tmp_path, say=said.append)
    )
    assert {path.name for path in tmp_path.iterdir()} == {
        "one.finder.json", "one.weight.h5", "one.pattern.h5", "one.association.h5",
    }  # fmt: skip
    assert summary.content["metrics"]["test"]["vertex"]["zll"]["events"] == 200
    assert said == ["train: one, 600 events, 1 epochs"]
