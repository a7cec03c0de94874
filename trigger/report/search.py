"""The section about how the search went."""

from __future__ import annotations

from trigger.report.chart import Axis, Curve, line_chart
from trigger.report.record import StudyRecord
from trigger.report.table import Html

__all__ = ["search_section"]

_SEARCH_CAPTION = (
    "Share of the space of objectives that the front dominates, after each generation: "
    "it can only grow, and where it is flat, more generations would bring little."
)


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
