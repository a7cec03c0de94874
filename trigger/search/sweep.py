"""A search from a study to its front."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from firmware.project.atomic import write_whole
from trigger.config.canonical import run_folder
from trigger.config.study import Study
from trigger.errors import UserError
from trigger.search.algorithms import ALGORITHMS
from trigger.search.candidate import Candidate, Stage, candidate_id
from trigger.search.front import hypervolume, non_dominated, reference_point, spread
from trigger.search.job import EvaluatorFactory, Job
from trigger.search.manifest import locked_run
from trigger.search.pool import Answer, WorkerPool
from trigger.search.progress import Progress, SweepProgress
from trigger.search.store import CandidateStore
from trigger.tasks.interface import Genome, Objective

__all__ = ["FRONT", "Sweep", "sweep"]

FRONT = "front.json"
_SCHEMA = 1


@dataclass(frozen=True)
class Sweep:
    """A finished search.

    Parameters
    ----------
    run_dir : Path
    front : tuple of Candidate
        Trained to the end, feasible, non-dominated; sorted by objectives.
    candidates : tuple of Candidate
        All that the search asked for, generation by generation, then those of the final stage.
    reference : dict of str to float
        Reference point of the hypervolume.
    hypervolume : tuple of float
        Of all that the search had found after each generation.
    """

    run_dir: Path
    front: tuple[Candidate, ...]
    candidates: tuple[Candidate, ...]
    reference: dict[str, float]
    hypervolume: tuple[float, ...]


def sweep(
    study: Study,
    run_dir: Path | str | None = None,
    progress: Progress | None = None,
    *,
    factory: EvaluatorFactory | None = None,
) -> Sweep:
    """Search; a run that was interrupted anywhere is continued.

    Parameters
    ----------
    study : Study
    run_dir : Path or str, optional
        Folder of the run; default ``runs/<study>-<hash8>``.
    progress : callable, optional
        Told after every candidate.
    factory : callable, optional
        Makes the evaluator inside each worker process; default: training and costing of the study's task.

    Returns
    -------
    Sweep

    Raises
    ------
    UserError
        The data cannot be used, the folder belongs to another study, or no candidate keeps the latency budget.
    RuntimeError
        Every candidate of the first generation failed, or workers cannot be started.
    """
    folder = Path(run_dir) if run_dir is not None else run_folder(study)
    if factory is None:
        factory = study.task.evaluator
        # Made once, before workers would all find it missing.
        study.task.data.load(study.data.settings, Path(study.data.cache_dir), None)
    workers = study.search.workers or os.cpu_count() or 1
    with (
        locked_run(study, folder),
        CandidateStore(folder, study.task) as store,
        WorkerPool(factory, study, folder, workers=workers, recycle_after=study.search.recycle_after) as pool,
    ):
        return _Run(study, folder, store, pool, progress).run()


@dataclass
class _Run:
    study: Study
    folder: Path
    store: CandidateStore
    pool: WorkerPool
    progress: Progress | None
    found: list[Candidate] = field(default_factory=list)
    reference: dict[str, float] = field(default_factory=dict)
    volumes: list[float] = field(default_factory=list)

    @property
    def objectives(self) -> list[Objective]:
        """What is minimised."""
        return [self.study.task.objective(name) for name in self.study.search.objectives]

    def run(self) -> Sweep:
        search = self.study.search
        known = self.study.task.genome.anchors(self.study.space).values() if search.anchors else ()
        batches = ALGORITHMS[search.algorithm](self.study, [genome for genome in known if genome is not None])
        pace = _Pace(search.population * search.generations)
        genomes = next(batches, None)
        generation = 0
        while genomes is not None:
            results = self._evaluate("search", generation, genomes, pace)
            self.found += results
            self._close_generation(generation)
            generation += 1
            try:
                genomes = batches.send(results)
            except StopIteration:
                genomes = None
        searched = non_dominated(self.found, search.objectives)
        self._need_feasible(self.found, searched)
        promoted = spread(searched, search.promote)
        final = self._evaluate("final", generation - 1, [c.genome for c in promoted], _Pace(len(promoted)))
        front = non_dominated(final, search.objectives)
        self._need_feasible(final, front)
        self._write_front("final", generation - 1, front, complete=True)
        return Sweep(self.folder, front, (*self.found, *final), self.reference, tuple(self.volumes))

    def _evaluate(self, stage: Stage, generation: int, genomes: Sequence[Genome], pace: _Pace) -> list[Candidate]:
        """Candidates of these genomes, in their order: from the store where they are, else from the workers."""
        jobs = [Job(candidate_id(genome, stage), stage, generation, genome, candidate_id(genome)) for genome in genomes]
        missing = [job for job in jobs if self.store.get(job.id) is None]
        pace.done += len(jobs) - len(missing)
        for answer in self.pool.run(missing):
            candidate = _candidate(answer, self.study.search.objectives)
            self.store.append(candidate)
            pace.count()
            if self.progress is not None:
                self.progress(self._state(stage, generation, jobs, pace))
        found = [self.store.get(job.id) for job in jobs]
        assert all(found)
        return [candidate for candidate in found if candidate is not None]

    def _state(self, stage: Stage, generation: int, jobs: Sequence[Job], pace: _Pace) -> SweepProgress:
        under_way = [candidate for job in jobs if (candidate := self.store.get(job.id)) is not None]
        seen = under_way + (self.found if stage == "search" else [])
        feasible = [candidate for candidate in seen if candidate.feasible]
        best: dict[str, float] = (
            {name: min(c.objectives[name] for c in feasible) for name in self.study.search.objectives}
            if feasible
            else {}
        )
        return SweepProgress(
            stage=stage,
            generation=generation,
            generations=self.study.search.generations,
            done=pace.done,
            total=pace.total,
            failed=sum(candidate.status == "failed" for candidate in seen),
            best=best,
            seconds_left=pace.seconds_left,
        )

    def _close_generation(self, generation: int) -> None:
        if generation == 0:
            if all(candidate.status == "failed" for candidate in self.found):
                reason = self.found[0].reason
                kind = UserError if reason.startswith(UserError.__name__) else RuntimeError
                raise kind(f"every candidate of the first generation failed; the first: {reason}")
            self.reference = reference_point(self.found, self.objectives, self.study.space)
        front = non_dominated(self.found, self.study.search.objectives)
        self.volumes.append(hypervolume(front, self.reference, [one.name for one in self.objectives if one.log]))
        self._write_front("search", generation, front, complete=False)

    def _write_front(self, stage: Stage, generation: int, front: Sequence[Candidate], *, complete: bool) -> None:
        content: dict[str, Any] = {
            "schema": _SCHEMA,
            "study": self.study.name,
            "stage": stage,
            "complete": complete,
            "generation": generation,
            "objectives": list(self.study.search.objectives),
            "reference_point": self.reference,
            "hypervolume": self.volumes,
            # Wall time is no result: the same study writes the same bytes.
            "front": [{key: value for key, value in c.to_json().items() if key != "seconds"} for c in front],
        }
        write_whole(self.folder / FRONT, json.dumps(content, indent=2, allow_nan=False) + "\n")

    def _need_feasible(self, candidates: Sequence[Candidate], front: Sequence[Candidate]) -> None:
        if front:
            return
        finished = [candidate for candidate in candidates if candidate.status == "ok"]
        if not finished:
            raise RuntimeError(f"every candidate failed; the first: {candidates[0].reason}")
        closest = min(finished, key=lambda c: (c.violation, c.id))
        budget = self.study.firmware.latency_budget_ns
        if budget is None or closest.cost["latency_ns"] <= budget:
            raise UserError(
                f"some candidate must keep every constraint, and none of {len(finished)} does; the closest, "
                f"{closest.id}: {closest.reason or 'breaks one'}; train longer, or allow more in section space"
            )
        raise UserError(
            f"firmware.latency_budget_ns ({budget:g}) must be met by some candidate, "
            f"and none of {len(finished)} does; the closest, {closest.id}, is estimated at "
            f"{closest.cost['latency_ns']:g} ns: raise the budget, or allow fewer bits or units in section space"
        )


@dataclass
class _Pace:
    """Candidates done of a stage, and the time that the rest will take at this process's pace."""

    total: int
    done: int = 0
    fresh: int = 0
    started: float = field(default_factory=time.monotonic)

    def count(self) -> None:
        self.done += 1
        self.fresh += 1

    @property
    def seconds_left(self) -> float | None:
        if not self.fresh:
            return None
        return (time.monotonic() - self.started) / self.fresh * max(self.total - self.done, 0)


def _candidate(answer: Answer, objectives: Sequence[str]) -> Candidate:
    job, evaluation = answer.job, answer.evaluation
    reason = answer.reason
    if evaluation is not None:
        values = [*evaluation.objectives.items(), *evaluation.cost.items(), ("violation", evaluation.violation)]
        bad = sorted({name for name, value in values if not math.isfinite(value)})
        missing = [name for name in objectives if name not in evaluation.objectives]
        if bad or missing:
            reason = f"objective must be a finite number: {', '.join(bad + missing)}"
    common: dict[str, Any] = {
        "id": job.id, "stage": job.stage, "generation": job.generation, "genome": job.genome,
        "seconds": round(answer.seconds, 3),
    }  # fmt: skip
    if evaluation is None or reason:
        return Candidate(**common, status="failed", reason=reason)
    return Candidate(
        **common, status="ok", objectives=evaluation.objectives, cost=evaluation.cost, violation=evaluation.violation,
        reason=evaluation.reason, metrics=evaluation.metrics,
    )  # fmt: skip
