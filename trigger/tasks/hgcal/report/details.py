"""A candidate as a row of the front's table and as a point of its chart."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from trigger.config.study import Study
from trigger.report.table import decimal, percent
from trigger.search.candidate import Candidate
from trigger.tasks.hgcal.genome import Genome
from trigger.tasks.hgcal.sections import signal_efficiency
from trigger.tasks.parts import CandidateDetails, Column

__all__ = ["COLUMNS", "details"]

COLUMNS = (Column(head="AUC"), Column(head="variables"), Column(head="layers", numeric=False), Column(head="zeros"))


def details(study: Study, candidate: Candidate) -> CandidateDetails:
    """Accuracy with its interval on validation events, AUC, and the shape of the network."""
    inclusive = candidate.metrics["validation"]["inclusive"]
    wanted = signal_efficiency(study)
    point = next(p for p in inclusive["working_points"] if p["wanted_signal_efficiency"] == wanted)
    genome = candidate.genome
    sparsity = _mean_sparsity(genome, candidate.metrics.get("sparsity", {}))
    widths = "-".join(str(layer.units) for layer in genome.hidden) or "none"
    zeros = f", {percent(sparsity, 0)} of the weights zero" if sparsity is not None else ""
    return CandidateDetails(
        cells=(decimal(inclusive["auc"]), len(genome.inputs), widths, percent(sparsity, 0)),
        hover=(f"{len(genome.inputs)} variables, layers {widths}{zeros}",),
        accuracy=point["background_efficiency"],
        low=point["background_efficiency_low"],
        high=point["background_efficiency_high"],
    )


def _mean_sparsity(genome: Genome, by_layer: Mapping[str, float]) -> float | None:
    """Fraction of all weights that are zero, from the fractions by layer."""
    widths = [len(genome.inputs), *(layer.units for layer in genome.hidden), 1]
    sizes = [before * after for before, after in pairwise(widths)]
    if len(by_layer) != len(sizes):
        return None
    return sum(size * zero for size, zero in zip(sizes, by_layer.values(), strict=True)) / sum(sizes)
