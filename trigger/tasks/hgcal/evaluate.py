"""The score of one HGCAL genome: train it, cost its adder graph, measure its integer outputs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firmware.network.network import Network
from firmware.network.reference import evaluate
from firmware.network.serial import to_json
from firmware.project.atomic import write_whole
from sim.events.dataset import load_dataset
from sim.events.table import ClusterTable
from trigger.config.study import Study
from trigger.search.job import Evaluation, Job
from trigger.search.network_cost import network_cost
from trigger.search.seeds import derived_seed
from trigger.tasks.hgcal.events import events_of
from trigger.tasks.hgcal.genome import Genome
from trigger.tasks.hgcal.metrics import measure
from trigger.tasks.hgcal.model_file import model_path, read_model
from trigger.tasks.hgcal.network import OUTPUT, build, sparsities
from trigger.tasks.hgcal.sections import signal_efficiency
from trigger.train.events import Events
from trigger.train.fit import fit
from trigger.train.metrics import check_two_classes
from trigger.train.pruning import check_sparsity

__all__ = ["HgcalEvaluator", "output_words"]

_ACCEPTS_ALL = "at {:.1%} signal efficiency it accepts every background event of the validation set"


class HgcalEvaluator:
    """Trains and scores genomes; holds the events of the study.

    Parameters
    ----------
    study : Study
    run_dir : Path
        Folder of the run; networks are written to ``models/<id>.json``.

    Raises
    ------
    UserError
        A data set is empty or of one class.
    """

    def __init__(self, study: Study, run_dir: Path) -> None:
        self._study = study
        self._signal_efficiency = signal_efficiency(study)
        self._run_dir = run_dir
        tables = load_dataset(study.data.settings, Path(study.data.cache_dir))
        for name, table in tables.items():
            check_two_classes(table.label == 1, f"the {name} set")
        self._all, self._validation, self._test = tables["train"], tables["validation"], tables["test"]
        self._few = _subsample(self._all, study.training.train_events, study.seed)

    def __call__(self, job: Job) -> Evaluation:
        """Train, cost, measure, and write the network.

        Parameters
        ----------
        job : Job

        Returns
        -------
        Evaluation
        """
        trained, sparsity = self._train(job)
        # The front is costed by the very graph that becomes Verilog; the search by a quicker one, a few per cent off.
        cost = network_cost(trained, self._study.firmware, fast=job.stage != "final")
        metrics: dict[str, Any] = {"validation": self._measure(trained, job.genome, self._validation)}
        if job.stage == "final":
            metrics["test"] = self._measure(trained, job.genome, self._test)
        background = self._background_efficiency(metrics["validation"]["inclusive"])
        values = {"background_efficiency": background, **cost}
        # A network that lets everything through is no trigger, and the cheapest of all: no front may hold it.
        useless = background >= 1.0
        path = model_path(self._run_dir, job.id)
        path.parent.mkdir(exist_ok=True)
        write_whole(path, to_json(trained))
        return Evaluation(
            objectives={name: values[name] for name in self._study.search.objectives},
            cost=cost,
            violation=_excess(cost["latency_ns"], self._study.firmware.latency_budget_ns) + useless,
            reason=_ACCEPTS_ALL.format(self._signal_efficiency) if useless else "",
            metrics={**metrics, "sparsity": sparsity},
        )

    def _train(self, job: Job) -> tuple[Network, dict[str, float]]:
        training = self._study.training
        wanted = sparsities(job.genome)
        if job.stage == "final" and training.final_epochs is None:
            network = read_model(self._run_dir, job.search_id)
            return network, check_sparsity(network, wanted)
        final = job.stage == "final"
        trained = fit(
            build(job.genome, self._study.space, name=self._study.name),
            events_of(job.genome, self._all if final else self._few),
            training,
            sparsity=wanted,
            epochs=training.final_epochs if final and training.final_epochs is not None else training.epochs,
            seed=derived_seed(self._study.seed, "train", job.id),
        )
        return trained.network, trained.sparsity

    def _measure(self, network: Network, genome: Genome, table: ClusterTable) -> dict[str, Any]:
        events = events_of(genome, table)
        words = output_words(network, events)
        found = measure(words, events.is_signal, events.eta, (self._signal_efficiency,))
        return {region: metrics.to_json() for region, metrics in found.items()}

    def _background_efficiency(self, inclusive: Mapping[str, Any]) -> float:
        points = inclusive["working_points"]
        at = next(p for p in points if p["wanted_signal_efficiency"] == self._signal_efficiency)
        return float(at["background_efficiency"])


def output_words(network: Network, events: Events) -> NDArray[np.int64]:
    """The integer logit of every event.

    Parameters
    ----------
    network : Network
        Trained, of this job.
    events : Events

    Returns
    -------
    int64 array of shape (events,)
    """
    return evaluate(network, events.words)[OUTPUT].words[:, 0]


def _subsample(table: ClusterTable, events: int | None, seed: int) -> ClusterTable:
    if events is None or events >= len(table):
        return table
    random = np.random.default_rng(derived_seed(seed, "subsample"))
    return table.take(np.sort(random.permutation(len(table))[:events]))


def _excess(latency_ns: float, budget_ns: float | None) -> float:
    return 0.0 if budget_ns is None else max(0.0, latency_ns / budget_ns - 1.0)
