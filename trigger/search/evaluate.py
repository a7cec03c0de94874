"""The score of one HGCAL genome: train it, cost its adder graph, measure its integer outputs."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firmware.adder_graph.cost import cost_of
from firmware.adder_graph.trace import trace_network
from firmware.network.network import Network
from firmware.network.reference import evaluate
from firmware.network.serial import from_json, to_json
from firmware.project.atomic import write_whole
from firmware.resources.estimate import lut_estimate
from firmware.rtl.pipeline import estimate_latency_cycles, stage_budget_ns
from firmware.settings import FirmwareSettings
from sim.events.dataset import load_dataset
from sim.events.table import ClusterTable
from trigger.config.study import Study
from trigger.models.genome import Genome
from trigger.models.hgcal import OUTPUT, build, sparsities
from trigger.search.seeds import derived_seed
from trigger.search.task import Evaluation, Task
from trigger.train.events import Events, events_of
from trigger.train.fit import fit
from trigger.train.metrics import check_two_classes, measure
from trigger.train.pruning import check_sparsity

__all__ = ["HgcalEvaluator", "model_path", "network_cost", "output_words", "read_model"]


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
        self._run_dir = run_dir
        tables = load_dataset(study.data.settings, Path(study.data.cache_dir))
        for name, table in tables.items():
            check_two_classes(table.label == 1, f"the {name} set")
        self._all, self._validation, self._test = tables["train"], tables["validation"], tables["test"]
        self._few = _subsample(self._all, study.training.train_events, study.seed)

    def __call__(self, task: Task) -> Evaluation:
        """Train, cost, measure, and write the network.

        Parameters
        ----------
        task : Task

        Returns
        -------
        Evaluation
        """
        trained, sparsity = self._train(task)
        # The front is costed by the very graph that becomes Verilog; the search by a quicker one, a few per cent off.
        cost = network_cost(trained, self._study.firmware, fast=task.stage != "final")
        metrics: dict[str, Any] = {"validation": self._measure(trained, task.genome, self._validation)}
        if task.stage == "final":
            metrics["test"] = self._measure(trained, task.genome, self._test)
        values = {
            "background_efficiency": self._background_efficiency(metrics["validation"]["inclusive"]),
            **cost,
        }
        path = model_path(self._run_dir, task.id)
        path.parent.mkdir(exist_ok=True)
        write_whole(path, to_json(trained))
        return Evaluation(
            objectives={name: values[name] for name in self._study.search.objectives},
            cost=cost,
            violation=_excess(cost["latency_ns"], self._study.firmware.latency_budget_ns),
            metrics={**metrics, "sparsity": sparsity},
        )

    def _train(self, task: Task) -> tuple[Network, dict[str, float]]:
        training = self._study.training
        wanted = sparsities(task.genome)
        if task.stage == "final" and training.final_epochs is None:
            network = read_model(self._run_dir, task.search_id)
            return network, check_sparsity(network, wanted)
        final = task.stage == "final"
        trained = fit(
            build(task.genome, self._study.space, name=self._study.name),
            events_of(task.genome, self._all if final else self._few),
            training,
            sparsity=wanted,
            epochs=training.final_epochs if final and training.final_epochs is not None else training.epochs,
            seed=derived_seed(self._study.seed, "train", task.id),
        )
        return trained.network, trained.sparsity

    def _measure(self, network: Network, genome: Genome, table: ClusterTable) -> dict[str, Any]:
        events = events_of(genome, table)
        words = output_words(network, events)
        found = measure(words, events.is_signal, events.eta, (self._study.search.signal_efficiency,))
        return {region: metrics.to_json() for region, metrics in found.items()}

    def _background_efficiency(self, inclusive: Mapping[str, Any]) -> float:
        wanted = self._study.search.signal_efficiency
        points = inclusive["working_points"]
        return float(next(p["background_efficiency"] for p in points if p["wanted_signal_efficiency"] == wanted))


def network_cost(network: Network, settings: FirmwareSettings, *, fast: bool) -> dict[str, float]:
    """What a trained network costs in hardware, by the estimate of its adder graph.

    Parameters
    ----------
    network : Network
    settings : FirmwareSettings
        Clock and margin decide the number of pipeline stages.
    fast : bool
        A quicker solution of the adder graph, its cost within a few per cent.

    Returns
    -------
    dict of str to float
        ``input_bits``; ``lut``: the calibrated estimate that a project states too; ``latency_cycles`` of the pipelined
        Verilog and ``latency_ns`` at the target clock; ``adders``.

    Raises
    ------
    UserError
        The clock is too fast for a single operation.
    """
    program = trace_network(network, fast=fast, stage_ns=stage_budget_ns(settings))
    cost = cost_of(program)
    cycles = estimate_latency_cycles(program, settings)
    return {
        "input_bits": sum(prod(port.shape) * port.format.width for port in network.inputs),
        "lut": lut_estimate(program),
        "latency_ns": round(cycles * settings.clock_period_ns, 6),
        "latency_cycles": cycles,
        "adders": cost.n_adders,
    }


def output_words(network: Network, events: Events) -> NDArray[np.int64]:
    """The integer logit of every event.

    Parameters
    ----------
    network : Network
        Trained, of this task.
    events : Events

    Returns
    -------
    int64 array of shape (events,)
    """
    return evaluate(network, events.words)[OUTPUT].words[:, 0]


def model_path(run_dir: Path, id: str) -> Path:
    """File of a candidate's trained network."""
    return run_dir / "models" / f"{id}.json"


def read_model(run_dir: Path, id: str) -> Network:
    """The trained network of a candidate.

    Parameters
    ----------
    run_dir : Path
    id : str

    Returns
    -------
    Network

    Raises
    ------
    UserError
        The file is no network.
    """
    return from_json(model_path(run_dir, id).read_text(encoding="utf-8"))


def _subsample(table: ClusterTable, events: int | None, seed: int) -> ClusterTable:
    if events is None or events >= len(table):
        return table
    random = np.random.default_rng(derived_seed(seed, "subsample"))
    return table.take(np.sort(random.permutation(len(table))[:events]))


def _excess(latency_ns: float, budget_ns: float | None) -> float:
    return 0.0 if budget_ns is None else max(0.0, latency_ns / budget_ns - 1.0)
