"""Sections about the chosen candidate: what it reads, what it is, how well it selects."""

from __future__ import annotations

from trigger.report.chart import Axis, Curve, line_chart
from trigger.report.record import ArchitectureRow, Chosen, FeatureRow, Performance, StudyRecord, WorkingPoint
from trigger.report.table import DASH, Html, count, decimal, interval_cell, number, percent, table, text

_LAYER_HEAD = ("layer", "kind", "shape", "weights are", "values are", "weights", "non-zero", "zero")
_LAYER_CAPTION = "Layers; ap_fixed<bits, integer bits with the sign>, round half to even, saturating"

_FROM = 0.8
"""Signal efficiency at which the ROC chart begins: what a trigger would use."""
_ROC_CAPTION = (
    "Test events, which no choice has seen. Bands: 68% Clopper-Pearson intervals of the background efficiency. "
    "The chosen candidate is evaluated in integers, by the emulator of its own firmware."
)
_POINTS_CAPTION = "Background efficiency at working points (68% intervals)"
_SEARCH_CAPTION = (
    "Share of the space of objectives that the front dominates, after each generation: "
    "it can only grow, and where it is flat, more generations would bring little."
)

__all__ = ["architecture_section", "performance_section", "search_section"]


def architecture_section(chosen: Chosen) -> Html:
    """Input variables with their bits, layers with formats and zeros."""
    features = [(f.name, f.meaning, f.unit or DASH, _range(f), f.bits) for f in chosen.features]
    total = sum(f.bits for f in chosen.features)
    layers = [_layer(layer) for layer in chosen.layers]
    weights, kept = sum(layer.weights for layer in chosen.layers), sum(layer.non_zero for layer in chosen.layers)
    zeros = f", {percent(1 - kept / weights, 1)} of them zero as quantised integers" if weights else ""
    return Html(
        f"<p>Candidate <b>{text(chosen.id)}</b>, {text(chosen.reason)}. "
        f"It reads {len(chosen.features)} variables in {total} bits; {count(weights)} weights{zeros}.</p>"
        + table(("variable", "meaning", "unit", "range", "bits"), features, numeric=(4,), caption="Input variables")
        + table(_LAYER_HEAD, layers, numeric=(5, 6, 7), caption=_LAYER_CAPTION)
    )


def _range(f: FeatureRow) -> str:
    """Kept on one line by spaces that do not break."""
    return f"{number(f.lowest, 4)}\u00a0to\u00a0{number(f.highest, 4)}"


def _layer(layer: ArchitectureRow) -> tuple[object, ...]:
    shape = " \u00d7 ".join(map(str, layer.shape))
    if not layer.weights:
        return (layer.name, layer.kind, shape, DASH, layer.output_format, DASH, DASH, DASH)
    zero = percent(1 - layer.non_zero / layer.weights, 1)
    counts = (count(layer.weights), count(layer.non_zero), zero)
    return (layer.name, layer.kind, shape, layer.weight_format, layer.output_format, *counts)


def performance_section(record: StudyRecord) -> Html:
    """ROC curves with bands, working points, and the same by eta region."""
    if not record.performance:
        return Html("<p>No test events have been evaluated yet.</p>")
    curves = [
        Curve(label=p.label, x=p.signal_efficiency, y=p.background_efficiency, low=p.low, high=p.high, colour=min(i, 4),
              dashed=i > 0)
        for i, p in enumerate(record.performance)
    ]  # fmt: skip
    chart = line_chart(
        curves, Axis("signal efficiency", _FROM, 1.0), Axis("background efficiency", _lowest(record), 1.0, log=True),
        title="Background efficiency against signal efficiency, chosen candidate and references", width=960, height=430,
    )  # fmt: skip
    points = [w.signal_efficiency for w in record.performance[0].working_points]
    head = ("classifier", "variables", "AUC", *(f"at {100 * s:g}% signal" for s in points))
    rows = [(p.label, p.n_features, decimal(p.auc), *_cells(p.working_points)) for p in record.performance]
    return Html(
        f"<figure>{chart}<figcaption>{_ROC_CAPTION}</figcaption></figure>"
        + table(head, rows, numeric=range(1, len(head)), emphasised=[0], caption=_POINTS_CAPTION)
        + _by_region(record.performance)
    )


def _lowest(record: StudyRecord) -> float:
    """Lower end of the background axis: a little below the lowest value that is drawn."""
    drawn = [
        background
        for p in record.performance
        for signal, background in zip(p.signal_efficiency, p.background_efficiency, strict=True)
        if background > 0 and signal >= _FROM
    ]
    return max(min(drawn, default=1e-3) / 1.3, 1e-5)


def _cells(points: tuple[WorkingPoint, ...]) -> list[Html]:
    return [interval_cell(w.background_efficiency, w.low, w.high) for w in points]


def _by_region(performance: tuple[Performance, ...]) -> Html:
    rows = [
        (p.label, region, *_cells(points))
        for p in performance for region, points in p.regions.items()
    ]  # fmt: skip
    if not rows:
        return Html("")
    points = next(iter(next(p for p in performance if p.regions).regions.values()))
    head = ("classifier", "region", *(f"at {100 * w.signal_efficiency:g}% signal" for w in points))
    chosen = [i for i, row in enumerate(rows) if row[0] == performance[0].label]
    inner = table(head, rows, numeric=range(2, len(head)), emphasised=chosen)
    return Html(f"<details><summary>The same by eta region</summary>{inner}</details>")


def search_section(record: StudyRecord) -> Html:
    """Hypervolume by generation."""
    if len(record.hypervolume) < 2:
        return Html("")
    curves = [
        Curve(label=record.algorithm, x=range(len(record.hypervolume)), y=record.hypervolume, colour=0, steps=True)
    ]
    chart = line_chart(
        curves, Axis("generation", 0, len(record.hypervolume) - 1, whole=True), Axis("hypervolume", 0, None),
        title="Hypervolume of the front by generation", width=960, height=270,
    )  # fmt: skip
    return Html(f"<h3>How the search went</h3><figure>{chart}<figcaption>{_SEARCH_CAPTION}</figcaption></figure>")
