"""Sections about what the figures rest on, and how to make them again."""

from __future__ import annotations

import json

from trigger.report.record import StudyRecord
from trigger.report.table import Html, table, text

__all__ = ["basis_section", "repeat_section"]

_HARDWARE = (
    "Equality of the integers and latency in cycles are measured, in simulation. LUT, FF and DSP are estimates from "
    "the adder graph, scaled by published results; the clock is a target."
)


def basis_section(record: StudyRecord) -> Html:
    """What the physics and the hardware figures are, and what they are not."""
    physics = f"<p><b>Physics.</b> {record.parts.physics}</p>" if record.parts.physics else ""
    return Html(f'<div class="aside">{physics}<p><b>Hardware.</b> {_HARDWARE}</p></div>{record.parts.events}')


def repeat_section(record: StudyRecord) -> Html:
    """Commands, seed, configuration, package versions, hashes."""
    changes = "".join(f" --set {text(_quoted(change))}" for change in record.overrides)
    commands = f"make install\n.venv/bin/trigger run {text(record.config_path)}{changes}"
    if record.chosen:
        commands += f"\n.venv/bin/trigger verify {text(record.chosen.project)}"
    config = text(json.dumps(record.config, indent=2, sort_keys=True))
    packages = table(("package", "version"), sorted(record.packages.items()))
    rows = [(name, Html(f'<code class="hash">{text(value)}</code>')) for name, value in sorted(record.hashes.items())]
    hashes = table(("file", "SHA-256"), rows)
    return Html(
        f"<pre>{commands}</pre><p>Seed {record.seed}. The same configuration, seed and package versions give the same "
        f"front and, byte for byte, the same project. The study's folder is <code>{text(record.folder)}</code>.</p>"
        f"<details><summary>Resolved configuration</summary><pre>{config}</pre></details>"
        f"<details><summary>Package versions</summary>{packages}</details>"
        + (f"<details><summary>Hashes of the project's files</summary>{hashes}</details>" if record.hashes else "")
    )


def _quoted(change: str) -> str:
    return change if all(c.isalnum() or c in "._=-/" for c in change) else f"'{change}'"
