"""``trigger train``: one configuration, on all training events, for as long as one likes."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import replace
from typing import Any

from sim.events.features import CMSSW_LARGE, CMSSW_SMALL
from trigger.cli.outcome import Outcome
from trigger.cli.progress import say
from trigger.cli.verbs.data import events
from trigger.cli.workspace import Workspace, open_workspace
from trigger.config.sections import ChoiceSection
from trigger.errors import UserError
from trigger.models.genome import Genome

__all__ = ["verb"]

_ANCHORS = {"cmssw_small": CMSSW_SMALL, "cmssw_large": CMSSW_LARGE}


def verb(options: Namespace) -> Outcome:
    """Train a candidate of the front, or one of the published sets of variables at 8 bits.

    The network is written as a QKeras model too, which ``trigger generate --model`` takes.

    Raises
    ------
    UserError
        The candidate does not exist, or there is no front yet.
    """
    workspace = open_workspace(options)
    asked = options.candidate or "knee"
    name, genome = _genome(workspace, asked)
    study = workspace.study
    epochs = options.epochs or study.training.final_epochs or study.training.epochs
    tables = events(workspace)


    from firmware.network.qkeras_io import to_qkeras
    from firmware.network.serial import to_json
    from firmware.project.atomic import write_whole
    from trigger.models.hgcal import build, sparsities
    from trigger.search.evaluate import network_cost, output_words
    from trigger.search.seeds import derived_seed
    from trigger.train import events_of, fit
    from trigger.train.metrics import measure

    say(f"train: {name}, {len(tables['train']):,} events, {epochs} epochs")
    trained = fit(
        build(genome, study.space, name=study.name),
        events_of(genome, tables["train"]),
        study.training,
        sparsity=sparsities(genome),
        epochs=epochs,
        seed=derived_seed(study.seed, "train", name, epochs),
    )
    judged: dict[str, Any] = {}
    for split in ("validation", "test"):
        found = events_of(genome, tables[split])
        words = output_words(trained.network, found)
        regions = measure(words, found.is_signal, found.eta, (study.search.signal_efficiency,))
        judged[split] = {region: metrics.to_json() for region, metrics in regions.items()}
    cost = network_cost(trained.network, study.firmware, fast=False)
    folder = workspace.run_dir / "trained"
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / f"{name}.network.json", to_json(trained.network))
    aside = folder / f".{name}.h5"
    to_qkeras(trained.network).save(aside, include_optimizer=False)
    aside.replace(folder / f"{name}.h5")
    content = {
        "schema": 1,
        "name": name,
        "epochs": epochs,
        "genome": genome.to_json(),
        "sparsity": trained.sparsity,
        "cost": cost,
        "metrics": judged,
    }
    workspace.write_json(folder / f"{name}.json", content)
    return Outcome(
        {"verb": "train", "model": str(folder / f"{name}.h5"), **content}, _lines(content, str(folder / name))
    )


def _genome(workspace: Workspace, asked: str) -> tuple[str, Genome]:
    if asked in _ANCHORS:
        from trigger.search.operators import anchors

        found = anchors(workspace.study.space, (_ANCHORS[asked],))
        if not found:
            raise UserError(f"candidate {asked} needs variables or bits that section space leaves out")
        return asked, found[0]
    from trigger.search import choose, read_front

    stored = read_front(workspace.run_dir)
    wanted = ChoiceSection() if asked == "knee" else ChoiceSection(id=asked)
    candidate = choose(stored.front, replace(wanted, tolerance=workspace.study.choice.tolerance))
    return candidate.id, candidate.genome


def _lines(content: dict[str, Any], path: str) -> tuple[str, ...]:
    inclusive = content["metrics"]["test"]["inclusive"]
    points = ", ".join(
        f"{point['background_efficiency']:.2%} at {point['wanted_signal_efficiency']:.1%}"
        for point in inclusive["working_points"]
    )
    cost = content["cost"]
    return (
        f"{content['name']}: AUC {inclusive['auc']:.4f}, background {points} signal (test events)",
        f"{cost['input_bits']} input bits, {cost['lut']:,.0f} LUT (estimate)",
        f"model {path}.h5",
    )
