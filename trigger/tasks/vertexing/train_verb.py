"""Verb ``train``: one genome on all training events, its finder and its three QKeras models as files."""

from __future__ import annotations

import warnings
from typing import Any

from firmware.network.qkeras_io import to_qkeras
from firmware.project.atomic import write_whole
from firmware.vertex.resources import finder_cost
from firmware.vertex.serial import finder_to_json
from trigger.config.study import Study
from trigger.search.seeds import derived_seed
from trigger.tasks.interface import Summary, TrainRequest
from trigger.tasks.vertexing.judge import baseline_purity, judge_finder
from trigger.tasks.vertexing.model import association_sparsities, make_plan
from trigger.tasks.vertexing.sections import search_of, space_of, training_of
from trigger.tasks.vertexing.train import fit_finder

__all__ = ["train"]


def train(study: Study, request: TrainRequest) -> Summary:
    """Train, measure on validation and test events, and write ``<name>.finder.json`` and ``<name>.<network>.h5``.

    Parameters
    ----------
    study : Study
    request : TrainRequest

    Returns
    -------
    Summary
    """
    name, genome, samples = request.name, request.genome, request.samples
    training = training_of(study)
    epochs = request.epochs or training.final_epochs or training.epochs
    request.say(f"train: {name}, {len(samples['train']):,} events, {epochs} epochs")
    plan = make_plan(genome, space_of(study), name=study.name)
    trained = fit_finder(
        plan, samples["train"], training, sparsity=association_sparsities(plan, genome), epochs=epochs,
        seed=derived_seed(study.seed, "train", name, epochs),
    )  # fmt: skip
    finder = trained.plan.finder()
    judged = {
        split: judge_finder(
            finder, samples[split], window_cm=search_of(study).window_cm, reference=baseline_purity(samples[split])
        )
        for split in ("validation", "test")
    }
    cost = finder_cost(finder, study.firmware, fast=False)
    model = request.folder / f"{name}.finder.json"
    write_whole(model, finder_to_json(finder))
    for network in (finder.weight, finder.pattern, finder.association):
        file = request.folder / f"{name}.{network.name}.h5"
        aside = file.with_name(f".{file.name}")
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "You are saving your model as an HDF5 file", UserWarning)
            to_qkeras(network).save(aside, include_optimizer=False)
        aside.replace(file)
    content: dict[str, Any] = {
        "model": str(model), "epochs": epochs, "sparsity": trained.sparsity, "cost": cost, "metrics": judged,
    }  # fmt: skip
    vertex, association = judged["test"]["vertex"], judged["test"]["association"]
    lines = (
        f"{name}, test events:",
        *(
            f"  {process}: vertex within {search_of(study).window_cm:g} cm {found['efficiency']:.2%} "
            f"({found['efficiency_low']:.2%} to {found['efficiency_high']:.2%}), association AUC "
            f"{association[process]['auc']:.4f}"
            for process, found in vertex.items()
        ),
        f"{cost['lut']:,.0f} LUT, vertex after {cost['latency_ns']:.1f} ns (estimates)",
        f"model {model}",
    )
    return Summary(content=content, lines=lines)
