"""How good the search is: NSGA-II against random search, and the front against the published variable sets.

    python benchmarks/search_quality.py CONFIG [--set section.key=value ...] [--seeds 1 2 3] [--out FOLDER]

For every seed both algorithms evaluate the same number of genomes, neither with anchors, and the hypervolumes of
what they found are compared in one common box. Then the published small and large variable sets at 8 bits, trained
as long as the front and with the middle choice for all else, are put beside the front of the first seed: what the
front offers for no more input bits, and for no more LUT. Interrupted, the same command continues. Results: a table
on standard output, and ``search_quality.json`` in the folder.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from sim.events.features import CMSSW_LARGE, CMSSW_SMALL
from trigger.config import Study, load
from trigger.search import Candidate, Sweep, SweepProgress, candidate_id, knee, sweep
from trigger.search.front import hypervolume, non_dominated
from trigger.search.job import Job
from trigger.search.pool import WorkerPool
from trigger.tasks.hgcal.genome import Genome
from trigger.tasks.hgcal.operators.anchors import uniform_genome


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path)
    parser.add_argument("--set", action="append", default=[], dest="overrides", metavar="section.key=value")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--out", type=Path, default=Path("runs/search_quality"))
    options = parser.parse_args(arguments)
    study = load(options.config, options.overrides)
    options.out.mkdir(parents=True, exist_ok=True)
    rows = [_compare(study, seed, options.out) for seed in options.seeds]
    fixed = _fixed_sets(study, options.seeds[0], options.out)
    ratios = [row["ratio"] for row in rows]
    result = {"config": options.config.name, "overrides": options.overrides, "seeds": rows, "fixed_sets": fixed}
    (options.out / "search_quality.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print("| seed | evaluations | hypervolume NSGA-II | random | ratio |\n|---|---|---|---|---|")
    for row in rows:
        print("| {seed} | {evaluations} | {nsga2:.4f} | {random:.4f} | {ratio:.3f} |".format(**row))
    print(f"\nratio: mean {statistics.mean(ratios):.3f}, smallest {min(ratios):.3f}\n")
    print("| network | background efficiency (test) | input bits | LUT (adder graph) |\n|---|---|---|---|")
    for row in fixed:
        print("| {name} | {background:.4f} | {input_bits} | {lut:.0f} |".format(**row))


def _compare(study: Study, seed: int, out: Path) -> dict[str, Any]:
    """Both algorithms for one seed; the box reaches to the worst LUT that either had in its first generation."""
    found = {name: _sweep(study, seed, name, out) for name in ("nsga2", "random")}
    reference: dict[str, float] = {
        name: max(sweep_.reference[name] for sweep_ in found.values()) for name in study.search.objectives
    }
    searched = {
        name: [candidate for candidate in sweep_.candidates if candidate.stage == "search"]
        for name, sweep_ in found.items()
    }
    logarithmic = [name for name in study.search.objectives if study.task.objective(name).log]
    volumes = {
        name: hypervolume(non_dominated(candidates, study.search.objectives), reference, logarithmic)
        for name, candidates in searched.items()
    }
    return {
        "seed": seed,
        "evaluations": len(searched["nsga2"]),
        "evaluations_random": len(searched["random"]),
        "reference_point": reference,
        **volumes,
        "ratio": volumes["nsga2"] / volumes["random"],
    }


def _sweep(study: Study, seed: int, algorithm: Any, out: Path) -> Sweep:
    # The random front is not trained further: only its search is compared.
    promote = study.search.promote if algorithm == "nsga2" else 1
    search = replace(study.search, algorithm=algorithm, anchors=False, promote=promote)
    variant = replace(study, study=replace(study.study, seed=seed), search=search)
    print(f"{algorithm}, seed {seed}", file=sys.stderr)
    return sweep(variant, out / f"{algorithm}-{seed}", _say)


def _say(state: SweepProgress) -> None:
    if state.done % 20 == 0 or state.done == state.total:
        best = ", ".join(f"{name} {value:.4g}" for name, value in state.best.items())
        print(f"  {state.stage} {state.done}/{state.total}: {best}", file=sys.stderr)


def _fixed_sets(study: Study, seed: int, out: Path) -> list[dict[str, Any]]:
    """The published sets at 8 bits, each followed by what the front offers for no more bits, and for no more LUT."""
    front = _sweep(study, seed, "nsga2", out).front
    rows = [_row("knee of the front", knee(front, study.choice.tolerance, study.task))]
    rows.append(_row("best of the front", min(front, key=_background)))
    for name, variables in (("small", CMSSW_SMALL), ("large", CMSSW_LARGE)):
        genome = uniform_genome(study.space, variables, bits=8)
        fixed = _trained(study, genome, out)
        rows.append(_row(f"CMSSW {name} set, {genome.inputs[0][1]} bits", fixed))
        for cost in ("input_bits", "lut"):
            within = [candidate for candidate in front if candidate.cost[cost] <= fixed.cost[cost]]
            if within:
                rows.append(_row(f"front, {cost} <= that", min(within, key=_background)))
    return rows


def _trained(study: Study, genome: Genome, out: Path) -> Candidate:
    job = Job(candidate_id(genome, "final"), "final", 0, genome, candidate_id(genome))
    (out / "fixed").mkdir(exist_ok=True)
    with WorkerPool(study.task.evaluator, study, out / "fixed", workers=1, recycle_after=1) as pool:
        answer = next(iter(pool.run([job])))
    if answer.evaluation is None:
        raise SystemExit(f"a fixed set could not be trained: {answer.reason}")
    made = answer.evaluation
    return Candidate(
        id=job.id, stage="final", generation=0, genome=genome, status="ok", objectives=made.objectives, cost=made.cost,
        metrics=made.metrics,
    )  # fmt: skip


def _background(candidate: Candidate) -> float:
    return candidate.objectives["background_efficiency"]


def _row(name: str, candidate: Candidate) -> dict[str, Any]:
    points = candidate.metrics["test"]["inclusive"]["working_points"]
    at = next(p for p in points if p["wanted_signal_efficiency"] == 0.975)
    return {
        "name": name,
        "id": candidate.id,
        "variables": len(candidate.genome.inputs),
        "background": at["background_efficiency"],
        "background_low": at["background_efficiency_low"],
        "background_high": at["background_efficiency_high"],
        "input_bits": candidate.cost["input_bits"],
        "lut": candidate.cost["lut"],
    }


if __name__ == "__main__":
    main()
