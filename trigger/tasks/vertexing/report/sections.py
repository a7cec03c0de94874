"""Tiles and sections: the chosen finder, its vertex beside FastHisto's, its association, the limit of tracks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from firmware.network.layers import Conv1D
from trigger.report.chart import Axis, Curve, line_chart
from trigger.report.layers import layers_table
from trigger.report.table import DASH, Html, count, decimal, interval_cell, percent, table, text
from trigger.tasks.interface import ReportInput
from trigger.tasks.parts import Reference, ReportParts, Section, Tile
from trigger.tasks.vertexing.evaluate import read_model
from trigger.tasks.vertexing.sections import search_of

__all__ = ["association_section", "parts", "vertex_section"]

_NAMES = {"ttbar": "ttbar", "zll": "Z to leptons"}
_PHYSICS = (
    "Collisions are Pythia 8's; tracking is parametrised (resolution, efficiency and fakes are settings), <b>not "
    "validated against full detector simulation</b>. Differences between vertex finders on the same events are "
    "meaningful; absolute efficiencies are not predictions for the experiment."
)
_OWN = "The events are the user's own tracks; this page says nothing about how they were made."
_FRONT = (
    "Fraction of events whose vertex is not found, averaged over ttbar and Z, on the validation events, with 68% "
    "intervals. LUT and latency are estimates for the whole finder, from its own quantised weights. The dashed line is "
    "FastHisto, in its published words, on test events."
)
_VERTEX = (
    "Fraction of test events whose vertex is nearer to the true one than a distance. Test events have been seen by no "
    "choice. The chosen finder is evaluated in integers, by the emulator of its own firmware."
)
_ROC = (
    "Fraction of all primary tracks that are associated with the vertex that was found, against the purity of those "
    "that are, on test events; a wrong vertex loses all tracks of its event. FastHisto, whose association is a set of "
    "cuts, is in the table below."
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
    window_cm = search_of(given.study).window_cm
    judged = _judged(given)
    sections = [Section(key="vertex", title="Vertex", content=vertex_section(judged, window_cm))]
    if given.chosen:
        sections.insert(0, Section(key="candidate", title="The chosen finder", content=_finder_section(given)))
        sections.append(Section(key="association", title="Association", content=association_section(judged)))
        sections.append(
            Section(key="truncation", title="Limit of tracks", content=_truncation(given.chosen["evaluation"]))
        )
    emulated = next(one for one in given.baselines["fasthisto"] if one["name"] == "fasthisto_emulated")
    return ReportParts(
        tiles=_tiles(given, emulated),
        sections=tuple(sections),
        references=(Reference(label=emulated["label"], value=1.0 - _mean(emulated["vertex"])),),
        accuracy_axis=f"vertex inefficiency (|dz| < {window_cm:g} cm), mean of processes",
        front_note=_FRONT,
        physics=Html(_OWN if given.study.data.settings.files is not None else _PHYSICS),
        events=_events(given.baselines["events"]),
    )


def _judged(given: ReportInput) -> list[dict[str, Any]]:
    """What was judged on test events: the chosen finder first, then its floating-point form, then FastHisto."""
    judged = []
    if given.chosen:
        label = f"chosen finder {given.chosen['id']}, firmware"
        judged.append({"name": "chosen", "label": label, **given.chosen["evaluation"]})
    if given.baselines["float"]:
        judged.append({"name": "float", "label": "the same networks in floating point", **given.baselines["float"]})
    return [*judged, *given.baselines["fasthisto"]]


def _mean(vertex: Mapping[str, Mapping[str, float]]) -> float:
    return sum(found["efficiency"] for found in vertex.values()) / len(vertex)


def _tiles(given: ReportInput, emulated: Mapping[str, Any]) -> tuple[Tile, ...]:
    if not given.chosen:
        return ()
    window_cm, vertex = search_of(given.study).window_cm, given.chosen["evaluation"]["vertex"]
    return tuple(
        Tile(
            value=percent(found["efficiency"], 1),
            label=f"{_NAMES[process]}: vertex within {window_cm:g} cm",
            below=f"{percent(found['efficiency_low'], 1)} to {percent(found['efficiency_high'], 1)}; FastHisto "
            f"{percent(emulated['vertex'][process]['efficiency'], 1)}",
        )
        for process, found in vertex.items()
    )  # fmt: skip


def vertex_section(judged: Sequence[Mapping[str, Any]], window_cm: float) -> Html:
    """Residual curves and efficiencies of all that was judged, by process.

    Parameters
    ----------
    judged : sequence of mapping
        With ``name``, ``label``, ``vertex``, ``residual_curves``.
    window_cm : float
    """
    drawn = [one for one in judged if one["name"] in ("chosen", "float", "fasthisto_float", "fasthisto_emulated")]
    content = ""
    for process in judged[0]["vertex"]:
        curves = [
            Curve(label=one["label"], x=one["residual_curves"][process]["distance_cm"],
                  y=one["residual_curves"][process]["fraction"], colour=min(place, 4), dashed=place > 0)
            for place, one in enumerate(drawn)
        ]  # fmt: skip
        chart = line_chart(
            curves, Axis("distance to the true vertex (cm)", log=True),
            Axis(f"fraction of {_NAMES[process]} events", 0, 1),
            title=f"Fraction of {_NAMES[process]} events with the vertex nearer than a distance", width=960, height=330,
        )  # fmt: skip
        content += f"<figure>{chart}<figcaption>{text(_NAMES[process])}. {_VERTEX}</figcaption></figure>"
        rows = [_vertex_row(one["label"], one["vertex"][process]) for one in judged]
        head = ("vertex finder", "events", f"|dz| < {window_cm:g} cm", "|dz| at 50%", "68%", "90%", "95% (cm)")
        content += table(
            head, rows, numeric=range(1, len(head)), emphasised=[0] if judged[0]["name"] == "chosen" else [],
            caption=f"{_NAMES[process]}: efficiency with 68% intervals, quantiles of |dz|",
        )  # fmt: skip
    return Html(content)


def _vertex_row(label: str, found: Mapping[str, float]) -> tuple[object, ...]:
    quantiles = [decimal(found[f"residual_{q}_cm"], 3) for q in (50, 68, 90, 95)]
    efficiency = interval_cell(found["efficiency"], found["efficiency_low"], found["efficiency_high"])
    return (label, count(found["events"]), efficiency, *quantiles)


def association_section(judged: Sequence[Mapping[str, Any]]) -> Html:
    """Curves of the networks, and the working points beside FastHisto's cuts, by process."""
    networks = [one for one in judged if "roc" in one]
    cuts = [one for one in judged if one["name"] in ("fasthisto_float", "fasthisto_emulated")]
    content = ""
    for process in networks[0]["association"]:
        curves = [
            Curve(label=one["label"], x=one["roc"][process]["efficiency"], y=one["roc"][process]["purity"],
                  colour=place, dashed=place > 0)
            for place, one in enumerate(networks)
        ]  # fmt: skip
        chart = line_chart(
            curves, Axis("fraction of primary tracks associated", 0, 1), Axis("purity", 0, 1),
            title=f"Purity against efficiency of the association, {_NAMES[process]}", width=960, height=330,
        )  # fmt: skip
        content += f"<figure>{chart}<figcaption>{text(_NAMES[process])}. {_ROC}</figcaption></figure>"
        rows = [_association_row(one["label"], one["association"][process]) for one in (*networks, *cuts)]
        content += table(
            ("association", "AUC", "purity", "efficiency"), rows, numeric=(1, 2, 3), emphasised=[0],
            caption=f"{_NAMES[process]}: networks at the purity of FastHisto's cuts (published words), 68% intervals",
        )  # fmt: skip
    return Html(content)


def _association_row(label: str, found: Mapping[str, Any]) -> tuple[object, ...]:
    cells = [
        interval_cell(found[name], found[f"{name}_low"], found[f"{name}_high"]) for name in ("purity", "efficiency")
    ]
    return (label, decimal(found["auc"]) if "auc" in found else DASH, *cells)


def _truncation(evaluation: Mapping[str, Any]) -> Html:
    rows = [
        (
            _NAMES[process],
            interval_cell(found["truncated_events"], found["truncated_events_low"], found["truncated_events_high"], 3),
            percent(found["dropped_tracks"], 4),
            percent(evaluation["vertex"][process]["efficiency"]),
            percent(evaluation["without_limit"][process]["efficiency"]),
        )
        for process, found in evaluation["truncation"].items()
    ]
    head = ("process", "events that lose tracks", "tracks lost", "efficiency", "with room for every track")
    return Html(
        "<p>Each lane keeps the first tracks of an event up to its limit and drops the rest, in training, emulator and "
        "Verilog alike.</p>" + table(head, rows, numeric=range(1, 5))
    )


def _finder_section(given: ReportInput) -> Html:
    assert given.chosen is not None
    finder, genome = read_model(given.run_dir, given.chosen["id"]), given.chosen["genome"]
    kernel = next(layer for layer in finder.pattern.layers if isinstance(layer, Conv1D)).kernel
    assert kernel is not None
    rows = [(gene.replace("_", " "), choice) for gene, choice in genome.items()]
    rows += [("lanes", finder.lanes), ("tracks per lane", finder.tracks_per_lane)]
    rows.append(("pattern, in words", ", ".join(str(int(word)) for word in kernel.ravel())))
    networks = "".join(
        f"<h3>{text(name)} network</h3>{layers_table(network)}"
        for name, network in (("Weight", finder.weight), ("Association", finder.association))
    )
    head = f"<p>Candidate <b>{text(given.chosen['id'])}</b>, {text(given.chosen['reason'])}.</p>"
    return Html(head + table(("choice", ""), rows, numeric=(1,)) + networks + _blocks(given))


def _blocks(given: ReportInput) -> str:
    """Cost by block, from the candidate's own estimate."""
    assert given.chosen is not None
    blocks = given.chosen["evaluation"].get("blocks")
    if not blocks:
        return ""
    rows = [(name, count(cost["lut"]), count(cost["ff"])) for name, cost in blocks.items()]
    return table(("block", "LUT", "FF"), rows, numeric=(1, 2), caption="Cost by block, all copies together (estimate)")


def _events(events: Mapping[str, Mapping[str, float]]) -> Html:
    rows = [
        (
            sample, *(count(found.get(process, 0)) for process in _NAMES), decimal(found["tracks_per_event"], 1),
            percent(found["primary_fraction"], 1),
        )
        for sample, found in events.items()
    ]  # fmt: skip
    head = ("sample", *_NAMES.values(), "tracks an event", "primary")
    return table(head, rows, numeric=range(1, len(head)), caption="Events") if rows else Html("")
