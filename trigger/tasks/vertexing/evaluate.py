"""The score of one genome: train its finder, cost its firmware, measure its integers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from firmware.project.atomic import write_whole
from firmware.vertex import VertexFinder
from firmware.vertex.resources import finder_cost
from firmware.vertex.serial import finder_from_json, finder_to_json
from sim.events.tracks.dataset import load_vertex_dataset
from sim.events.tracks.events import TrackEvents
from trigger.config.study import Study
from trigger.search.job import Evaluation, Job
from trigger.search.seeds import derived_seed
from trigger.tasks.vertexing.judge import baseline_purity, judge_finder
from trigger.tasks.vertexing.metrics import mean_efficiency
from trigger.tasks.vertexing.model import association_sparsities, make_plan
from trigger.tasks.vertexing.sections import search_of, space_of, training_of
from trigger.tasks.vertexing.train import fit_finder
from trigger.train.pruning import check_sparsity

__all__ = ["VertexEvaluator", "model_path", "read_model"]


class VertexEvaluator:
    """Trains and scores genomes; holds the events of the study.

    Parameters
    ----------
    study : Study
    run_dir : Path
        Folder of the run; finders are written to ``models/<id>.json``.
    """

    def __init__(self, study: Study, run_dir: Path) -> None:
        self._study = study
        self._search, self._training, self._space = search_of(study), training_of(study), space_of(study)
        self._run_dir = run_dir
        samples = load_vertex_dataset(study.data.settings, Path(study.data.cache_dir))
        self._all, self._validation, self._test = samples["train"], samples["validation"], samples["test"]
        few = self._training.train_events
        self._few = self._all if few is None or few >= len(self._all) else self._all.take(np.arange(few))
        self._reference = baseline_purity(self._validation)

    def __call__(self, job: Job) -> Evaluation:
        """Train, cost, measure, and write the finder.

        Parameters
        ----------
        job : Job

        Returns
        -------
        Evaluation
        """
        finder, sparsity = self._train(job)
        final = job.stage == "final"
        cost = finder_cost(finder, self._study.firmware, fast=not final)
        judged = self._judge(finder, self._validation, self._reference)
        metrics: dict[str, Any] = {"validation": judged, "sparsity": sparsity, "blocks": cost.pop("blocks")}
        if final:
            metrics["test"] = self._judge(finder, self._test, baseline_purity(self._test))
        values = {"vertex_inefficiency": 1.0 - mean_efficiency(judged["vertex"]), **cost}
        path = model_path(self._run_dir, job.id)
        path.parent.mkdir(exist_ok=True)
        write_whole(path, finder_to_json(finder))
        violation, reason = self._violation(cost, judged["association"])
        return Evaluation(
            objectives={name: values[name] for name in self._study.search.objectives}, cost=cost, violation=violation,
            reason=reason, metrics=metrics,
        )  # fmt: skip

    def _train(self, job: Job) -> tuple[VertexFinder, dict[str, float]]:
        training, final = self._training, job.stage == "final"
        plan = make_plan(job.genome, self._space, name=self._study.name)
        wanted = association_sparsities(plan, job.genome)
        if final and training.final_epochs is None:
            finder = read_model(self._run_dir, job.search_id)
            return finder, check_sparsity(finder.association, wanted)
        trained = fit_finder(
            plan, self._all if final else self._few, training, sparsity=wanted,
            epochs=training.final_epochs if final and training.final_epochs is not None else training.epochs,
            seed=derived_seed(self._study.seed, "train", job.id) % 2**31,
        )  # fmt: skip
        return trained.plan.finder(), trained.sparsity

    def _judge(
        self, finder: VertexFinder, events: TrackEvents, reference: Mapping[str, Mapping[str, float]]
    ) -> dict[str, Any]:
        return judge_finder(finder, events, window_cm=self._search.window_cm, reference=reference)

    def _violation(self, cost: Mapping[str, float], association: Mapping[str, Mapping[str, Any]]) -> tuple[float, str]:
        """How far the candidate is from what may be chosen, and why."""
        reference = {name: found["efficiency"] for name, found in self._reference.items()}
        gained = {name: found["efficiency"] - reference[name] for name, found in association.items()}
        worst = min(gained, key=lambda name: gained[name])
        missing = max(0.0, self._search.association_margin - gained[worst])
        budget = self._study.firmware.latency_budget_ns
        excess = 0.0 if budget is None else max(0.0, cost["latency_ns"] / budget - 1.0)
        reasons = []
        if missing:
            reasons.append(
                f"at the purity of FastHisto's cuts the association keeps {gained[worst]:+.4f} of the primary tracks "
                f"of {worst} events beside them, and must keep {self._search.association_margin:+.4f}"
            )
        if excess:
            reasons.append(f"the vertex takes {cost['latency_ns']:.1f} ns, and the budget is {budget:g} ns")
        return missing + excess, "; ".join(reasons)


def model_path(run_dir: Path, id: str) -> Path:
    """File of a candidate's trained finder."""
    return run_dir / "models" / f"{id}.json"


def read_model(run_dir: Path, id: str) -> VertexFinder:
    """The trained finder of a candidate.

    Raises
    ------
    UserError
        The file is no finder.
    """
    return finder_from_json(model_path(run_dir, id).read_text(encoding="utf-8"))
