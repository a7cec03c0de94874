"""The front: an interactive plot, and the same as a table."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

from trigger.report.record import Candidate, StudyRecord
from trigger.report.table import Html, count, decimal, interval, interval_cell, number, percent, table, text

__all__ = ["front_section", "plotly_source"]


def plotly_source() -> str:
    """The plotting library as JavaScript text, to be put into the page once."""
    # Read as a file: importing plotly for this costs a second and would allow it to look for a network.
    return Path(str(resources.files("plotly").joinpath("package_data", "plotly.min.js"))).read_text(encoding="utf-8")


def front_section(record: StudyRecord) -> Html:
    """The section about the front; says so if there is none yet."""
    front = sorted((c for c in record.candidates if c.on_front), key=lambda c: c.lut)
    if not front:
        return Html("<p>No candidate has been evaluated yet.</p>")
    chosen = record.chosen.id if record.chosen else ""
    signal = f"{100 * record.signal_efficiency:g}%"
    buttons = (
        '<button data-axis="lut" type="button">LUT</button><button data-axis="bits" type="button">input bits</button>'
    )
    if all(c.latency_ns is not None for c in record.candidates if c.feasible):
        buttons += '<button data-axis="latency" type="button">latency</button>'
    return Html(
        f"<p>{count(record.evaluated)} candidates were trained and costed; the {count(len(front))} of the front are "
        f"beaten by no other in {text(', '.join(record.objectives))} together. "
        "Point at one for its details, drag to enlarge.</p>"
        f'<figure><div class="switch screen"><span>horizontal axis</span>{buttons}</div><div id="front"></div>'
        f"<figcaption>Background efficiency at {signal} signal efficiency on the validation events, with 68% "
        "Clopper-Pearson intervals. LUT is estimated from the adder graph of a candidate's own quantised weights. "
        "The ring marks the chosen candidate; the dashed lines are references on test events.</figcaption></figure>"
        f'<script type="application/json" id="front-data">{_data(record, chosen)}</script>'
        f"<details><summary>The front as a table</summary>{_table(front, chosen, signal)}</details>"
    )


def _data(record: StudyRecord, chosen: str) -> str:
    shown = [c for c in record.candidates if c.feasible or c.on_front]
    references = [
        {"label": p.label, "efficiency": point.background_efficiency}
        for p in record.performance[1:]
        if (point := p.at(record.signal_efficiency))
    ]
    data = {
        "points": [_point(c, chosen) for c in shown],
        "references": references,
        "log": all(c.background_efficiency > 0 for c in shown),
        "label": f"background efficiency at {100 * record.signal_efficiency:g}% signal",
    }
    return json.dumps(data, separators=(",", ":"), sort_keys=True).replace("<", "\\u003c")


def _point(c: Candidate, chosen: str) -> dict[str, object]:
    efficiency = c.background_efficiency
    return {
        "efficiency": efficiency,
        "low": efficiency if c.low is None else c.low,
        "high": efficiency if c.high is None else c.high,
        "bits": c.input_bits,
        "lut": c.lut,
        "latency": c.latency_ns,
        "front": c.on_front,
        "chosen": c.id == chosen,
        "text": _hover(c),
    }


def _hover(c: Candidate) -> str:
    lines = [
        f"<b>{text(c.id)}</b> (generation {c.generation})",
        f"background {interval(c.background_efficiency, c.low, c.high)}",
        f"{count(c.lut)} LUT, {c.input_bits} input bits in {c.n_features} variables",
        f"layers {text(c.widths)}"
        + (f", {percent(c.sparsity, 0)} of the weights zero" if c.sparsity is not None else ""),
    ]
    if c.latency_ns is not None:
        lines.append(f"{number(c.latency_ns)} ns (estimate)")
    return "<br>".join(lines)


def _table(front: list[Candidate], chosen: str, signal: str) -> Html:
    rows = [
        (c.id, _efficiency(c), decimal(c.auc), c.input_bits, c.n_features, c.widths,
         percent(c.sparsity, 0), count(c.lut), number(c.latency_ns))
        for c in front
    ]  # fmt: skip
    head = (
        "candidate",
        f"background at {signal} signal",
        "AUC",
        "input bits",
        "variables",
        "layers",
        "zeros",
        "LUT",
        "latency (ns)",
    )
    return table(
        head, rows, numeric=(1, 2, 3, 4, 6, 7, 8), emphasised=[i for i, c in enumerate(front) if c.id == chosen]
    )


def _efficiency(c: Candidate) -> str:
    if c.low is None or c.high is None:
        return percent(c.background_efficiency)
    return interval_cell(c.background_efficiency, c.low, c.high)
