"""A candidate as a row of the front's table and as a point of its chart."""

from __future__ import annotations

import math

from trigger.config.study import Study
from trigger.report.table import decimal, percent
from trigger.search.candidate import Candidate
from trigger.tasks.parts import CandidateDetails, Column

__all__ = ["COLUMNS", "details"]

COLUMNS = (
    Column(head="ttbar"), Column(head="Z"), Column(head="AUC"), Column(head="bins"),
    Column(head="weight", numeric=False),
    Column(head="association", numeric=False),
)  # fmt: skip


def details(study: Study, candidate: Candidate) -> CandidateDetails:
    """Efficiencies on validation events, association AUC, bins, and the shape of both networks."""
    del study
    judged, gene = candidate.metrics["validation"], candidate.genome
    vertex, association = judged["vertex"], judged["association"]
    inefficiency = 1.0 - sum(found["efficiency"] for found in vertex.values()) / len(vertex)
    below, above = (
        math.sqrt(sum((found["efficiency"] - found[f"efficiency_{side}"]) ** 2 for found in vertex.values()))
        / len(vertex)
        for side in ("high", "low")
    )  # a mean of independent efficiencies: their intervals added in squares
    auc = sum(found["auc"] for found in association.values()) / len(association)
    weight = "-".join([str(gene["weight_units"])] * gene["weight_layers"])
    network = "-".join([str(gene["association_units"])] * gene["association_layers"])
    return CandidateDetails(
        cells=(
            percent(vertex["ttbar"]["efficiency"]) if "ttbar" in vertex else "",
            percent(vertex["zll"]["efficiency"]) if "zll" in vertex else "",
            decimal(auc), gene["bins"], weight, network,
        ),
        hover=(
            f"{gene['bins']} bins, pattern of {gene['kernel_size']}, weights of {gene['word_bits']} bits",
            f"weight network {weight}, association network {network}",
        ),
        accuracy=inefficiency, low=inefficiency - below, high=inefficiency + above,
    )  # fmt: skip
