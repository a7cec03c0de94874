"""The front: an interactive plot, and the same as a table."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

from trigger.report.record import Candidate, StudyRecord
from trigger.report.table import Html, count, table, text
from trigger.tasks.objective import Objective

__all__ = ["front_section", "plotly_source"]


def plotly_source() -> str:
    """The plotting library as JavaScript text, to be put into the page once."""
    # Read as a file: importing plotly for this costs a second and would allow it to look for a network.
    return Path(str(resources.files("plotly").joinpath("package_data", "plotly.min.js"))).read_text(encoding="utf-8")


def front_section(record: StudyRecord) -> Html:
    """The section about the front; says so if there is none yet."""
    front = [c for c in record.candidates if c.on_front]
    if not front:
        return Html("<p>No candidate has been evaluated yet.</p>")
    axes = _axes(record)
    front.sort(key=lambda c: (c.values.get(axes[0].name, 0.0) if axes else c.accuracy, c.id))
    chosen = record.chosen.id if record.chosen else ""
    buttons = "".join(f'<button data-axis="{text(one.name)}" type="button">{text(one.label)}</button>' for one in axes)
    labels = ", ".join(one.label for one in record.objectives if one.name in record.searched)
    return Html(
        f"<p>{count(record.evaluated)} candidates were trained and costed; the {count(len(front))} of the front are "
        f"beaten by no other in {text(labels)} together. Point at one for its details, drag to enlarge.</p>"
        f'<figure><div class="switch screen"><span>horizontal axis</span>{buttons}</div><div id="front"></div>'
        f"<figcaption>{text(record.parts.front_note)} The ring marks the chosen candidate.</figcaption></figure>"
        f'<script type="application/json" id="front-data">{_data(record, axes, chosen)}</script>'
        f"<details><summary>The front as a table</summary>{_table(record, front, axes, chosen)}</details>"
    )


def _axes(record: StudyRecord) -> list[Objective]:
    """Objectives to draw the accuracy against: known of every candidate; LUT first, where it is one."""
    shown = _shown(record)
    known = [one for one in record.objectives[1:] if all(one.name in c.values for c in shown)]
    return sorted(known, key=lambda one: one.name != "lut")


def _shown(record: StudyRecord) -> list[Candidate]:
    return [c for c in record.candidates if c.feasible or c.on_front]


def _data(record: StudyRecord, axes: list[Objective], chosen: str) -> str:
    shown = _shown(record)
    data = {
        "axes": [
            {"name": one.name, "label": one.axis or one.label, "short": one.label, "log": one.log} for one in axes
        ],
        "points": [_point(c, record, chosen) for c in shown],
        "references": [{"label": one.label, "value": one.value} for one in record.parts.references],
        "log": all(c.accuracy > 0 for c in shown),
        "label": record.accuracy_axis,
    }
    return json.dumps(data, separators=(",", ":"), sort_keys=True).replace("<", "\\u003c")


def _point(c: Candidate, record: StudyRecord, chosen: str) -> dict[str, object]:
    low, high = c.details.low, c.details.high
    return {
        "accuracy": c.accuracy,
        "low": c.accuracy if low is None else low,
        "high": c.accuracy if high is None else high,
        "values": dict(c.values),
        "front": c.on_front,
        "chosen": c.id == chosen,
        "text": _hover(c, record),
    }


def _hover(c: Candidate, record: StudyRecord) -> str:
    spread = ""
    if c.details.low is not None and c.details.high is not None:
        spread = f" ({record.accuracy.text(c.details.low)} to {record.accuracy.text(c.details.high)})"
    known = [one for one in record.objectives[1:] if one.name in c.values]
    lines = [
        f"<b>{text(c.id)}</b> (generation {c.generation})",
        text(f"{record.accuracy.label} {record.accuracy.text(c.accuracy)}{spread}"),
        text(", ".join(f"{one.text(c.values[one.name])} {one.short}" for one in known)),
        *(text(line) for line in c.details.hover),
    ]
    return "<br>".join(lines)


def _table(record: StudyRecord, front: list[Candidate], axes: list[Objective], chosen: str) -> Html:
    head = (
        "candidate",
        record.accuracy_axis,
        *(_head(one) for one in axes),
        *(column.head for column in record.columns),
    )
    rows = [
        (c.id, _accuracy(c, record), *(one.text(c.values[one.name]) for one in axes), *c.details.cells) for c in front
    ]
    first = 2 + len(axes)
    numeric = [*range(1, first), *(first + at for at, column in enumerate(record.columns) if column.numeric)]
    return table(head, rows, numeric=numeric, emphasised=[i for i, c in enumerate(front) if c.id == chosen])


def _head(objective: Objective) -> str:
    """Label and unit of a column."""
    return objective.label if objective.short in objective.label else f"{objective.label} ({objective.short})"


def _accuracy(c: Candidate, record: StudyRecord) -> Html:
    objective, low, high = record.accuracy, c.details.low, c.details.high
    value = text(objective.text(c.accuracy))
    if low is None or high is None:
        return Html(value)
    return Html(f"{value}<small>{text(objective.text(low))} to {text(objective.text(high))}</small>")
