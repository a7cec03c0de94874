"""The score of one HGCAL genome: train it, cost its adder graph, measure its integer outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
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
from trigger.tasks.hgcal.sections import HgcalTraining, signal_efficiency
from trigger.train.events import Events
from trigger.train.fit import Trained, fit
from trigger.train.metrics import check_two_classes
from trigger.train.population import Member, fit_population
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
        assert isinstance(study.training, HgcalTraining)
        self._study, self._training = study, study.training
        self._trained: dict[str, Trained | RuntimeError] = {}
        self._signal_efficiency = signal_efficiency(study)
        self._run_dir = run_dir
        tables = load_dataset(study.data.settings, Path(study.data.cache_dir))
        for name, table in tables.items():
            check_two_classes(table.label == 1, f"the {name} set")
        self._all, self._validation, self._test = tables["train"], tables["validation"], tables["test"]
        self._few = _subsample(self._all, self._training.train_events, study.seed)

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

    @property
    def together(self) -> int:
        """Candidates that are trained at once."""
        return max(1, self._training.population)

    def prepare(self, jobs: Sequence[Job]) -> None:
        """Train these candidates side by side, if the study wants that; calls for them then take what came out.

        Parameters
        ----------
        jobs : sequence of Job
        """
        self._trained.clear()
        if not self._training.population:
            return
        for stage in ("search", "final"):
            chosen = [job for job in jobs if job.stage == stage and self._epochs(job) is not None]
            members = [self._member(job) for job in chosen]
            epochs = self._epochs(chosen[0]) if chosen else None
            if epochs is not None:
                memory_mb = self._training.population_mb
                made = fit_population(members, self._training, epochs=epochs, memory_mb=memory_mb)
                self._trained |= {job.id: one for job, one in zip(chosen, made, strict=True)}

    def _epochs(self, job: Job) -> int | None:
        """Passes over the events; None: the weights of the search stay."""
        return self._training.final_epochs if job.stage == "final" else self._training.epochs

    def _member(self, job: Job) -> Member:
        events = events_of(job.genome, self._all if job.stage == "final" else self._few)
        return Member(
            network=build(job.genome, self._study.space, name=self._study.name),
            events=replace(events, words={name: words.astype(np.uint16) for name, words in events.words.items()}),
            sparsity=sparsities(job.genome),
            seed=derived_seed(self._study.seed, "train", job.id),
        )

    def _train(self, job: Job) -> tuple[Network, dict[str, float]]:
        wanted, epochs = sparsities(job.genome), self._epochs(job)
        if epochs is None:
            network = read_model(self._run_dir, job.search_id)
            return network, check_sparsity(network, wanted)
        if job.id not in self._trained:
            self.prepare([job])
        trained = self._trained.pop(job.id, None)
        if isinstance(trained, RuntimeError):
            raise trained
        if trained is None:
            member = self._member(job)
            trained = fit(
                member.network, member.events, self._training, sparsity=wanted, epochs=epochs, seed=member.seed
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
