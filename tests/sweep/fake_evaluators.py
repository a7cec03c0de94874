"""Evaluators that cost nothing, for tests of everything round the real one; imported by spawned workers."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

from trigger.config import Study
from trigger.search.job import Evaluate, Evaluation, Job
from trigger.tasks.hgcal.genome import Genome


def score(genome: Genome, budget_ns: float | None = None) -> Evaluation:
    """A made-up trade-off, exact in floats: more bits and weights make a better and a dearer network."""
    weights = sum(layer.units * layer.weight_bits for layer in genome.hidden) + genome.output.weight_bits
    luck = int(hashlib.sha256(repr(genome).encode()).hexdigest()[:4], 16) / 2**16
    lut = 10.0 * weights + genome.input_bits
    latency_ns = 10.0 + len(genome.hidden) * 20.0
    values = {
        "background_efficiency": 1.0 / (1.0 + genome.input_bits / 16 + weights / 256) * (0.75 + luck / 4),
        "input_bits": float(genome.input_bits),
        "lut": lut,
    }
    return Evaluation(
        objectives=values,
        cost={"input_bits": values["input_bits"], "lut": lut, "latency_ns": latency_ns},
        violation=0.0 if budget_ns is None else max(0.0, latency_ns / budget_ns - 1),
        metrics={"note": "made up"},
    )


def plain(study: Study, run_dir: Path) -> Evaluate:
    budget = study.firmware.latency_budget_ns
    return lambda job: score(job.genome, budget)


def slow(study: Study, run_dir: Path) -> Evaluate:
    """So slow that a killer comes in between; finishing out of order."""

    def evaluate(job: Job) -> Evaluation:
        time.sleep(0.002 * (int(job.id, 16) % 20))
        return score(job.genome)

    return evaluate


def one_layer_raises(study: Study, run_dir: Path) -> Evaluate:
    def evaluate(job: Job) -> Evaluation:
        if len(job.genome.hidden) == 1:
            raise ArithmeticError("one layer is too few")
        return score(job.genome)

    return evaluate


def one_layer_is_nan(study: Study, run_dir: Path) -> Evaluate:
    def evaluate(job: Job) -> Evaluation:
        made = score(job.genome)
        lut = float("nan") if len(job.genome.hidden) == 1 else made.objectives["lut"]
        return Evaluation(objectives={**made.objectives, "lut": lut}, cost=made.cost)

    return evaluate


def one_layer_is_useless(study: Study, run_dir: Path) -> Evaluate:
    return lambda job: _useless(job.genome) if len(job.genome.hidden) == 1 else score(job.genome)


def all_useless(study: Study, run_dir: Path) -> Evaluate:
    return lambda job: _useless(job.genome)


def _useless(genome: Genome) -> Evaluation:
    """No hardware, and it lets everything through."""
    made = score(genome)
    nothing = {"lut": 0.0}
    return Evaluation(
        objectives={**made.objectives, **nothing}, cost={**made.cost, **nothing}, violation=1.0,
        reason="it accepts everything",
    )  # fmt: skip


def one_layer_dies(study: Study, run_dir: Path) -> Evaluate:
    """Ends its process, without a word, at every network of one layer; counts the attempts."""

    def evaluate(job: Job) -> Evaluation:
        if len(job.genome.hidden) == 1:
            with open(run_dir / f"attempts-{job.id}", "a", encoding="ascii") as file:
                file.write("x")
            os._exit(9)
        return score(job.genome)

    return evaluate


def dies_once(study: Study, run_dir: Path) -> Evaluate:
    """Ends its process at the first attempt at some candidates, and does the second."""

    def evaluate(job: Job) -> Evaluation:
        mark = run_dir / f"attempt-{job.id}"
        if int(job.id, 16) % 5 == 0 and not mark.exists():
            mark.touch()
            os._exit(9)
        return score(job.genome)

    return evaluate


def all_raise(study: Study, run_dir: Path) -> Evaluate:
    def evaluate(job: Job) -> Evaluation:
        raise ArithmeticError("nothing works")

    return evaluate


def refuses_the_data(study: Study, run_dir: Path) -> Evaluate:
    raise ValueError("the train set must hold signal and background events")


def cannot_start(study: Study, run_dir: Path) -> Evaluate:
    os._exit(3)
