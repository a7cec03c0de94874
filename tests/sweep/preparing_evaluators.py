"""Evaluators that prepare several candidates at once; imported by spawned workers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from fake_evaluators import score

from trigger.config import Study
from trigger.errors import UserError
from trigger.search.job import Evaluate, Evaluation, Job

TOGETHER = 3


class Prepares:
    """Scores only what was prepared, and notes how many jobs came at once."""

    def __init__(self, study: Study, run_dir: Path) -> None:
        self._budget_ns = study.firmware.latency_budget_ns
        self._run_dir = run_dir
        self._prepared: set[str] = set()

    together = TOGETHER

    def prepare(self, jobs: Sequence[Job]) -> None:
        with open(self._run_dir / "sizes", "a", encoding="ascii") as file:
            file.write(f"{len(jobs)}\n")
        self._prepared = {job.id for job in jobs}

    def __call__(self, job: Job) -> Evaluation:
        self._prepared.remove(job.id)
        return score(job.genome, self._budget_ns)


def prepares(study: Study, run_dir: Path) -> Evaluate:
    return Prepares(study, run_dir)


class DiesOnce(Prepares):
    """Ends its process at the first attempt at a group that holds one of some candidates."""

    def prepare(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            mark = self._run_dir / f"attempt-{job.id}"
            if int(job.id, 16) % 5 == 0 and not mark.exists():
                mark.touch()
                os._exit(9)
        super().prepare(jobs)


def dies_once(study: Study, run_dir: Path) -> Evaluate:
    return DiesOnce(study, run_dir)


class OneLayerDies(Prepares):
    """Ends its process at every group that holds a network of one layer."""

    def prepare(self, jobs: Sequence[Job]) -> None:
        if any(len(job.genome.hidden) == 1 for job in jobs):
            os._exit(9)
        super().prepare(jobs)


def one_layer_dies(study: Study, run_dir: Path) -> Evaluate:
    return OneLayerDies(study, run_dir)


class NoMemory(Prepares):
    def prepare(self, jobs: Sequence[Job]) -> None:
        raise UserError("training.population_mb must hold one candidate")


def no_memory(study: Study, run_dir: Path) -> Evaluate:
    return NoMemory(study, run_dir)
