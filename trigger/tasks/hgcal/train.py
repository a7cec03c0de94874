"""Verb ``train``: one genome on all training events, as a QKeras file among others."""

from __future__ import annotations

from typing import Any

from firmware.network.qkeras_io import to_qkeras
from firmware.network.serial import to_json
from firmware.project.atomic import write_whole
from trigger.config.study import Study
from trigger.search.network_cost import network_cost
from trigger.search.seeds import derived_seed
from trigger.tasks.hgcal.evaluate import output_words
from trigger.tasks.hgcal.events import events_of
from trigger.tasks.hgcal.metrics import measure
from trigger.tasks.hgcal.network import build, sparsities
from trigger.tasks.hgcal.sections import signal_efficiency
from trigger.tasks.interface import Summary, TrainRequest
from trigger.train import fit

__all__ = ["train"]


def train(study: Study, request: TrainRequest) -> Summary:
    """Train, measure on validation and test events, and write ``<name>.network.json`` and ``<name>.h5``.

    The second is a QKeras model, which ``trigger generate --model`` takes.

    Parameters
    ----------
    study : Study
    request : TrainRequest

    Returns
    -------
    Summary
    """
    name, genome, samples = request.name, request.genome, request.samples
    epochs = request.epochs or study.training.final_epochs or study.training.epochs
    request.say(f"train: {name}, {len(samples['train']):,} events, {epochs} epochs")
    trained = fit(
        build(genome, study.space, name=study.name),
        events_of(genome, samples["train"]),
        study.training,
        sparsity=sparsities(genome),
        epochs=epochs,
        seed=derived_seed(study.seed, "train", name, epochs),
    )
    judged: dict[str, Any] = {}
    for split in ("validation", "test"):
        events = events_of(genome, samples[split])
        regions = measure(output_words(trained.network, events), events.is_signal, events.eta,
                          (signal_efficiency(study),))  # fmt: skip
        judged[split] = {region: metrics.to_json() for region, metrics in regions.items()}
    cost = network_cost(trained.network, study.firmware, fast=False)
    model = request.folder / f"{name}.h5"
    write_whole(request.folder / f"{name}.network.json", to_json(trained.network))
    aside = model.with_name(f".{name}.h5")
    to_qkeras(trained.network).save(aside, include_optimizer=False)
    aside.replace(model)
    content = {
        "model": str(model), "epochs": epochs, "sparsity": trained.sparsity, "cost": cost, "metrics": judged,
    }  # fmt: skip
    inclusive = judged["test"]["inclusive"]
    points = ", ".join(
        f"{point['background_efficiency']:.2%} at {point['wanted_signal_efficiency']:.1%}"
        for point in inclusive["working_points"]
    )
    lines = (
        f"{name}: AUC {inclusive['auc']:.4f}, background {points} signal (test events)",
        f"{cost['input_bits']} input bits, {cost['lut']:,.0f} LUT (estimate)",
        f"model {model}",
    )
    return Summary(content=content, lines=lines)
