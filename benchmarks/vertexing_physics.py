"""How well the vertex is found and tracks are associated: FastHisto, oracle weights, and the network in every form.

    python benchmarks/vertexing_physics.py [--config configs/vertexing.yaml] [--set section.key=value ...]
        [--finder bins=512,kernel_size=5 ...] [--test-set section.key=value ...] [--epochs N] [--seeds 1] [--no-float]
        [--out FILE]

Trains the published network, with the choices of each ``--finder`` put over it, on the study's training events, and
judges it on the study's test events, which no choice has seen: in floating point (trained so), as QKeras models, and in
the integers of the firmware. Intervals: 68% Clopper-Pearson. ``--test-set data.pythia.seed=7`` takes the test events
from collisions that were generated apart, which no earlier figure was made of.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sim.events.tracks.dataset import load_vertex_dataset
from sim.events.tracks.events import TrackEvents
from trigger.config import load
from trigger.search.operators.choices import ChoiceGenome
from trigger.tasks.vertexing.baselines import fasthisto_baselines
from trigger.tasks.vertexing.judge import baseline_purity, judge_finder, judge_outputs
from trigger.tasks.vertexing.metrics import vertex_metrics
from trigger.tasks.vertexing.model import Z0_STEP_CM, FinderPlan, association_sparsities, make_plan
from trigger.tasks.vertexing.oracles import oracle_positions
from trigger.tasks.vertexing.sections import search_of, space_of, training_of
from trigger.tasks.vertexing.space import PUBLISHED
from trigger.tasks.vertexing.train import fit_finder


def main() -> None:
    """Print and store the tables."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", default="configs/vertexing.yaml")
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE")
    parser.add_argument("--test-set", action="append", default=[], metavar="SECTION.KEY=VALUE")
    parser.add_argument("--finder", action="append", default=[], metavar="GENE=CHOICE,...")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--no-float", action="store_true")
    parser.add_argument("--no-references", action="store_true")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    study = load(arguments.config, arguments.set)
    samples = load_vertex_dataset(study.data.settings, Path(study.data.cache_dir))
    if arguments.test_set:
        other = load(arguments.config, [*arguments.set, *arguments.test_set])
        samples["test"] = load_vertex_dataset(other.data.settings, Path(other.data.cache_dir))["test"]
    test, window_cm = samples["test"], search_of(study).window_cm
    found: dict[str, Any] = {}
    if not arguments.no_references:
        for baseline in fasthisto_baselines(test, window_cm):
            baseline.pop("residual_curves")
            found[baseline["label"]] = _shown(baseline["label"], baseline)
        for label, position in oracle_positions(samples["train"], test).items():
            found[label] = _shown(label, {"vertex": vertex_metrics(position, test, window_cm)})
    for choices in arguments.finder or [""]:
        genome = ChoiceGenome(tuple({**PUBLISHED, **_choices(choices)}.items()))
        plan = make_plan(genome, space_of(study))
        for seed in range(1, arguments.seeds + 1):
            found |= _network(study, samples, plan, genome, choices or "published", seed, arguments)
    if arguments.out:
        arguments.out.write_text(json.dumps(found, indent=1) + "\n")


def _choices(text: str) -> dict[str, Any]:
    pairs = [pair.split("=") for pair in text.split(",") if pair]
    for gene, _ in pairs:
        if gene not in PUBLISHED:
            sys.exit(f"gene must be one of {', '.join(PUBLISHED)}, not '{gene}'")
    return {gene: float(value) if "." in value else int(value) for gene, value in pairs}


def _network(
    study: Any, samples: Mapping[str, TrackEvents], plan: FinderPlan, genome: ChoiceGenome, name: str, seed: int,
    arguments: argparse.Namespace,
) -> dict[str, Any]:  # fmt: skip
    from trigger.tasks.vertexing.rungs import keras_outputs, soft_position_cm, unlimited_outputs

    test, window_cm, training = samples["test"], search_of(study).window_cm, training_of(study)
    reference = baseline_purity(test)
    epochs = arguments.epochs or training.final_epochs or training.epochs
    found: dict[str, Any] = {}

    def say(form: str, judged: Mapping[str, Any]) -> None:
        found[f"{name}, seed {seed}, {form}"] = _shown(f"{name}, seed {seed}, {form}", judged)

    def judge(outputs: Any) -> dict[str, Any]:
        return judge_outputs(outputs, test, window_cm=window_cm, reference=reference)

    def timed(make: Callable[[], Any], what: str) -> Any:
        start = time.perf_counter()
        result = make()
        print(f"  {what}: {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)
        return result

    if not arguments.no_float:
        plain = timed(
            lambda: fit_finder(
                plan, samples["train"], training, sparsity={}, epochs=epochs, seed=seed, quantised=False
            ),
            "training in floating point",
        )
        say("floating point", judge(keras_outputs(plan, plain.models, test)))
    sparsity = association_sparsities(plan, genome)
    trained = timed(
        lambda: fit_finder(plan, samples["train"], training, sparsity=sparsity, epochs=epochs, seed=seed), "training"
    )
    say("quantised (QKeras)", judge(keras_outputs(plan, trained.models, test)))
    soft = soft_position_cm(plan, trained.models, trained.sharpness, test)
    say("soft arg-max", {"vertex": vertex_metrics(soft, test, window_cm)})
    finder = trained.plan.finder()
    say("firmware", judge_finder(finder, test, window_cm=window_cm, reference=reference))
    roomy = unlimited_outputs(finder, test)
    say("firmware, room for every track", {"vertex": vertex_metrics(roomy.z0 * Z0_STEP_CM, test, window_cm)})
    print("  zeros of the association: ", {layer: round(zero, 3) for layer, zero in trained.sparsity.items()})
    return found


def _shown(label: str, judged: Mapping[str, Any]) -> dict[str, Any]:
    """Print one line a process, and hand the figures on."""
    for process, vertex in judged["vertex"].items():
        quantiles = " ".join(f"{vertex[f'residual_{q}_cm']:.3f}" for q in (50, 68, 90, 95))
        line = (
            f"{label:48s} {process:6s} {vertex['efficiency']:.4f} [{vertex['efficiency_low']:.4f}, "
            f"{vertex['efficiency_high']:.4f}] |dz| {quantiles}"
        )
        if "association" in judged:
            found = judged["association"][process]
            area = f" AUC {found['auc']:.4f}" if "auc" in found else ""
            line += (
                f"  tracks: purity {found['purity']:.4f} efficiency {found['efficiency']:.4f} "
                f"[{found['efficiency_low']:.4f}, {found['efficiency_high']:.4f}]{area}"
            )
        if "truncation" in judged:
            cut = judged["truncation"][process]
            line += f"  cut: {cut['truncated_events']:.5f} of events, {cut['dropped_tracks']:.6f} of tracks"
        print(line, flush=True)
    return {key: value for key, value in judged.items() if key in ("vertex", "association", "truncation")}


if __name__ == "__main__":
    main()
