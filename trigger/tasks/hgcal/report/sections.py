"""Tiles and sections: what the chosen candidate reads and is, and how well it selects beside the references."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from firmware.network.network import Network
from sim.events.features import feature
from trigger.report.chart import Axis, Curve, line_chart
from trigger.report.layers import layers_table, weight_counts
from trigger.report.table import DASH, Html, count, decimal, interval_cell, number, percent, table, text
from trigger.tasks.hgcal.genome import Genome
from trigger.tasks.hgcal.model_file import read_model
from trigger.tasks.hgcal.report.evaluation import performance
from trigger.tasks.hgcal.report.record import Performance, WorkingPoint
from trigger.tasks.hgcal.sections import signal_efficiency
from trigger.tasks.interface import ReportInput
from trigger.tasks.parts import Reference, ReportParts, Section, Tile

__all__ = ["architecture_section", "parts", "performance_section"]

_FROM = 0.8
"""Signal efficiency at which the ROC chart begins: what a trigger would use."""
_ROC_CAPTION = (
    "Test events, which no choice has seen. Bands: 68% Clopper-Pearson intervals of the background efficiency. "
    "The chosen candidate is evaluated in integers, by the emulator of its own firmware."
)
_POINTS_CAPTION = "Background efficiency at working points (68% intervals)"
_OWN_TABLE = "The events are the user's own table of clusters; this page says nothing about how they were made."
_PARAMETRISED = (
    "The events are parametrised showers, longitudinal and radial profiles with fluctuations in a simplified HGCAL, "
    "under pile-up. They are <b>not validated against full detector simulation</b>. Differences between classifiers "
    "on the same events are meaningful; absolute efficiencies are not predictions for the experiment."
)


def parts(given: ReportInput) -> ReportParts:
    """What the page says of this task.

    Parameters
    ----------
    given : ReportInput

    Returns
    -------
    ReportParts
    """
    working_point = signal_efficiency(given.study)
    signal = f"{100 * working_point:g}%"
    contents = [given.chosen["evaluation"]] if given.chosen else []
    judged = [performance(content) for content in (*contents, *given.baselines["classifiers"])]
    sections = [Section(key="performance", title="Performance", content=performance_section(judged))]
    if given.chosen:
        genome = Genome.from_json(given.chosen["genome"])
        network = read_model(given.run_dir, given.chosen["id"])
        content = architecture_section(given.chosen, genome, network)
        sections.insert(0, Section(key="candidate", title="The chosen candidate", content=content))
    references = judged[1:] if given.chosen else judged
    return ReportParts(
        tiles=_tiles(given.chosen, judged, working_point),
        sections=tuple(sections),
        references=tuple(
            Reference(label=one.label, value=point.background_efficiency)
            for one in references
            if (point := one.at(working_point))
        ),
        accuracy_axis=f"background efficiency at {signal} signal",
        front_note=(
            f"Background efficiency at {signal} signal efficiency on the validation events, with 68% Clopper-Pearson "
            "intervals. LUT is estimated from the adder graph of a candidate's own quantised weights. The dashed lines "
            "are references on test events."
        ),
        physics=Html(_OWN_TABLE if given.study.data.settings.files is not None else _PARAMETRISED),
        events=_events(given.baselines["events"]),
    )


def _tiles(chosen: Mapping[str, Any] | None, judged: Sequence[Performance], working_point: float) -> tuple[Tile, ...]:
    if not chosen:
        return ()
    best = judged[0]
    bits = Genome.from_json(chosen["genome"]).input_bits
    variables = f"{best.n_features} variables"
    tiles = [
        Tile(value=decimal(best.auc), label="AUC on test events", below=variables),
        Tile(value=f"{bits}", label="input bits", below=variables),
    ]
    point = best.at(working_point)
    if point:
        efficiency, spread = percent(point.background_efficiency), f"{percent(point.low)} to {percent(point.high)}"
        label = f"background at {100 * working_point:g}% signal"
        tiles.insert(0, Tile(value=efficiency, label=label, below=spread))
    return tuple(tiles)


def _events(events: Mapping[str, Mapping[str, int]]) -> Html:
    rows = [(sample, count(found.get("signal")), count(found.get("background"))) for sample, found in events.items()]
    return table(("sample", "signal", "background"), rows, numeric=(1, 2), caption="Events") if rows else Html("")


def architecture_section(chosen: Mapping[str, Any], genome: Genome, network: Network) -> Html:
    """Input variables with their bits, layers with formats and zeros.

    Parameters
    ----------
    chosen : mapping
        With ``id`` and ``reason``.
    genome : Genome
    network : Network
        Trained.
    """
    weights, kept = weight_counts(network)
    zeros = f", {percent(1 - kept / weights, 1)} of them zero as quantised integers" if weights else ""
    rows = [_variable(name, bits) for name, bits in genome.inputs]
    return Html(
        f"<p>Candidate <b>{text(chosen['id'])}</b>, {text(chosen['reason'])}. "
        f"It reads {len(genome.inputs)} variables in {genome.input_bits} bits; {count(weights)} weights{zeros}.</p>"
        + table(("variable", "meaning", "unit", "range", "bits"), rows, numeric=(4,), caption="Input variables")
        + layers_table(network)
    )


def _variable(name: str, bits: int) -> tuple[object, ...]:
    known = feature(name)
    # Kept on one line by spaces that do not break.
    extent = f"{number(known.low, 4)}\u00a0to\u00a0{number(known.high, 4)}"
    return (name, known.meaning, DASH if known.unit == "1" else known.unit, extent, bits)


def performance_section(judged: Sequence[Performance]) -> Html:
    """ROC curves with bands, working points, and the same by eta region."""
    if not judged:
        return Html("<p>No test events have been evaluated yet.</p>")
    curves = [
        Curve(label=p.label, x=p.signal_efficiency, y=p.background_efficiency, low=p.low, high=p.high, colour=min(i, 4),
              dashed=i > 0)
        for i, p in enumerate(judged)
    ]  # fmt: skip
    chart = line_chart(
        curves, Axis("signal efficiency", _FROM, 1.0), Axis("background efficiency", _lowest(judged), 1.0, log=True),
        title="Background efficiency against signal efficiency, chosen candidate and references", width=960, height=430,
    )  # fmt: skip
    points = [w.signal_efficiency for w in judged[0].working_points]
    head = ("classifier", "variables", "AUC", *(f"at {100 * s:g}% signal" for s in points))
    rows = [(p.label, p.n_features, decimal(p.auc), *_cells(p.working_points)) for p in judged]
    return Html(
        f"<figure>{chart}<figcaption>{_ROC_CAPTION}</figcaption></figure>"
        + table(head, rows, numeric=range(1, len(head)), emphasised=[0], caption=_POINTS_CAPTION)
        + _by_region(judged)
    )


def _lowest(judged: Sequence[Performance]) -> float:
    """Lower end of the background axis: a little below the lowest value that is drawn."""
    drawn = [
        background
        for p in judged
        for signal, background in zip(p.signal_efficiency, p.background_efficiency, strict=True)
        if background > 0 and signal >= _FROM
    ]
    return max(min(drawn, default=1e-3) / 1.3, 1e-5)


def _cells(points: tuple[WorkingPoint, ...]) -> list[Html]:
    return [interval_cell(w.background_efficiency, w.low, w.high) for w in points]


def _by_region(performance: Sequence[Performance]) -> Html:
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
