"""From the files of a run to what its report says."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from firmware.network.fixed_point import FixedPoint
from firmware.network.layers import Conv1D, Conv2D, Dense, Input
from firmware.network.network import Network
from sim.events.features import feature
from trigger.config.study import Study
from trigger.models.genome import Genome
from trigger.report.evaluation import performance
from trigger.report.record import ArchitectureRow, Candidate, Chosen, FeatureRow, StudyRecord
from trigger.search.candidate import Candidate as StoredCandidate
from trigger.search.read import StoredFront

__all__ = ["gather"]

_IN_WORDS = {
    "background_efficiency": "background efficiency",
    "input_bits": "input bits",
    "lut": "LUT",
    "latency_ns": "latency",
}
_ALGORITHMS = {"nsga2": "NSGA-II", "random": "random search"}


def gather(
    study: Study,
    *,
    stored: StoredFront,
    candidates: Sequence[StoredCandidate],
    manifest: Mapping[str, Any],
    folder: str,
    config_path: str,
    overrides: Sequence[str],
    baselines: Mapping[str, Any] | None,
    chosen: Mapping[str, Any] | None,
    network: Network | None,
    project: Path | None,
    primitives: Mapping[str, Any] | None = None,
) -> StudyRecord:
    """Put together what a page is written from.

    Parameters
    ----------
    study : Study
    stored : StoredFront
        ``front.json`` of the run.
    candidates : sequence of Candidate
        ``candidates.jsonl``.
    manifest : mapping
        ``manifest.json`` of the run.
    folder, config_path : str
        As the user would write them.
    overrides : sequence of str
        ``--set`` of the command.
    baselines, chosen : mapping or None
        ``baselines.json`` and ``chosen.json`` of the run.
    network : Network or None
        Of the chosen candidate.
    project : Path or None
        Its project folder.
    primitives : mapping or None
        Its count by Yosys.

    Returns
    -------
    StudyRecord
    """
    front = {candidate.id: candidate for candidate in stored.front}
    searched = [c for c in candidates if c.stage == "search" and c.status == "ok" and c.id not in front]
    plotted = [*searched, *stored.front]
    judged = [chosen["evaluation"]] if chosen else []
    judged += baselines["classifiers"] if baselines else []
    return StudyRecord(
        study=study.name,
        folder=folder,
        config_path=config_path,
        config=manifest["study"],
        overrides=tuple(overrides),
        seed=study.seed,
        signal_efficiency=study.search.signal_efficiency,
        objectives=tuple(_IN_WORDS[name] for name in stored.objectives),
        packages=manifest["packages"],
        hashes=_hashes(project),
        own_events=study.data.settings.files is not None,
        events=baselines["events"] if baselines else {},
        evaluated=sum(c.status == "ok" for c in candidates),
        candidates=tuple(_candidate(c, study, on_front=c.id in front) for c in plotted),
        hypervolume=stored.hypervolume,
        algorithm=_ALGORITHMS[study.search.algorithm],
        performance=tuple(performance(content) for content in judged),
        chosen=_chosen(chosen, front, network, project, primitives) if chosen and network and project else None,
    )


def _candidate(c: StoredCandidate, study: Study, *, on_front: bool) -> Candidate:
    inclusive = c.metrics["validation"]["inclusive"]
    wanted = study.search.signal_efficiency
    point = next(p for p in inclusive["working_points"] if p["wanted_signal_efficiency"] == wanted)
    sparsity = c.metrics.get("sparsity", {})
    return Candidate(
        id=c.id,
        generation=c.generation,
        background_efficiency=point["background_efficiency"],
        low=point["background_efficiency_low"],
        high=point["background_efficiency_high"],
        input_bits=c.genome.input_bits,
        lut=c.cost["lut"],
        latency_ns=c.cost.get("latency_ns"),
        auc=inclusive["auc"],
        sparsity=_mean_sparsity(c.genome, sparsity),
        n_features=len(c.genome.inputs),
        widths="-".join(str(layer.units) for layer in c.genome.hidden) or "none",
        on_front=on_front,
        feasible=c.feasible,
    )


def _mean_sparsity(genome: Genome, by_layer: Mapping[str, float]) -> float | None:
    """Fraction of all weights that are zero, from the fractions by layer."""
    widths = [len(genome.inputs), *(layer.units for layer in genome.hidden), 1]
    sizes = [before * after for before, after in pairwise(widths)]
    if len(by_layer) != len(sizes):
        return None
    return sum(size * zero for size, zero in zip(sizes, by_layer.values(), strict=True)) / sum(sizes)


def _chosen(
    content: Mapping[str, Any],
    front: Mapping[str, StoredCandidate],
    network: Network,
    project: Path,
    primitives: Mapping[str, Any] | None,
) -> Chosen:
    genome = Genome.from_json(content["genome"])
    features = []
    for name, bits in genome.inputs:
        known = feature(name)
        unit = "" if known.unit == "1" else known.unit
        features.append(
            FeatureRow(name=name, meaning=known.meaning, unit=unit, lowest=known.low, highest=known.high, bits=bits)
        )
    return Chosen(
        id=content["id"],
        reason=content["reason"] if content["id"] in front else f"{content['reason']}, of an earlier front",
        features=tuple(features),
        layers=tuple(_layer(network, layer) for layer in network.layers if not isinstance(layer, Input)),
        project=content["project"],
        manifest=_json(project / "manifest.json"),
        verification=_json(project / "verify.json"),
        primitives=primitives,
    )


def _layer(network: Network, layer: Any) -> ArchitectureRow:
    weighted = isinstance(layer, Dense | Conv1D | Conv2D)
    kernel = layer.kernel if weighted else None
    output = getattr(layer, "format", None)
    return ArchitectureRow(
        name=layer.name,
        kind=type(layer).__name__,
        shape=tuple(network.shapes[layer.name]),
        weight_format=_short(layer.kernel_format) if weighted else "",
        output_format=_short(output) if output is not None else "exact",
        weights=0 if kernel is None else int(kernel.size),
        non_zero=0 if kernel is None else int(np.count_nonzero(kernel)),
    )


def _short(format: FixedPoint) -> str:
    """The C++ type without the modes, which are the same everywhere."""
    return format.ap_type.split(",AP_")[0] + ">"


def _hashes(project: Path | None) -> dict[str, str]:
    manifest = _json(project / "manifest.json") if project else None
    return dict(manifest["files"]) if manifest else {}


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
