"""The page: one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources

from trigger.report.front import front_section, plotly_source
from trigger.report.hardware import resources_section, verdict, verification_section
from trigger.report.record import StudyRecord
from trigger.report.repeat import basis_section, repeat_section
from trigger.report.search import search_section
from trigger.report.table import Html, count, number, text
from trigger.tasks.parts import Tile

__all__ = ["render"]

_LEAD = (
    "From events to firmware in one search: the front of physics against hardware, the candidate chosen from it, "
    "and the proof that its firmware computes what was trained."
)


def render(record: StudyRecord, device: Mapping[str, int]) -> str:
    """Write the page of a study.

    Parameters
    ----------
    record : StudyRecord
    device : mapping
        What the part holds: ``lut``, ``ff``, ``dsp``.

    Returns
    -------
    str
        HTML with style, scripts and data inside; the same record gives the same text.
    """
    sections: list[tuple[str, str, Html]] = [
        ("front", "The front", Html(front_section(record) + search_section(record)))
    ]
    sections += [(section.key, section.title, section.content) for section in record.parts.sections]
    if record.chosen and record.chosen.manifest:
        sections.append(("resources", "Resources and timing", resources_section(record.chosen, device)))
        sections.append(("verification", "Verification", verification_section(record.chosen)))
    sections.append(("basis", "What the figures rest on", basis_section(record)))
    sections.append(("repeat", "To repeat it", repeat_section(record)))
    links = "".join(f'<a href="#s-{text(key)}">{text(title)}</a>' for key, title, _ in sections)
    body = "".join(
        f'<section id="s-{text(key)}"><h2>{text(title)}</h2>{content}</section>' for key, title, content in sections
    )
    scripts = f"<script>{plotly_source()}</script><script>{_asset('front.js')}</script>" if record.candidates else ""
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
        f"<title>{text(record.study)} | trigger co-design</title><style>{_asset('style.css')}</style></head>"
        f'<body><main><header><h1>{text(record.study)}</h1><p class="lead">{_LEAD}</p>'
        f"{verdict(record.chosen)}{_tiles(record)}<nav>{links}</nav></header>{body}</main>{scripts}</body></html>\n"
    )


def _tiles(record: StudyRecord) -> str:
    tiles = list(record.parts.tiles)
    if record.chosen:
        manifest = record.chosen.manifest or {}
        resources_ = manifest.get("resources") or {}
        if resources_.get("lut") is not None:
            low, high = (resources_.get("low") or {}).get("lut"), (resources_.get("high") or {}).get("lut")
            tiles.append(
                Tile(value=count(resources_["lut"]), label="LUT, estimate", below=f"{count(low)} to {count(high)}")
            )
        cycles, period = manifest.get("latency_cycles"), manifest.get("clock_period_ns")
        if cycles and period:
            time, below = f"{number(cycles * period)}\u2009ns", f"{cycles} cycles, II {manifest.get('ii')}"
            tiles.append(Tile(value=time, label="latency at the target clock", below=below))
    items = "".join(
        f"<li><span>{text(tile.label)}</span><b>{text(tile.value)}</b><span>{text(tile.below)}</span></li>"
        for tile in tiles
    )
    return f'<ul class="tiles">{items}</ul>' if items else ""


def _asset(name: str) -> str:
    return resources.files("trigger.report").joinpath(name).read_text(encoding="utf-8")
