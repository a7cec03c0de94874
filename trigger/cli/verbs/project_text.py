"""What the commands say of a generated project."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from firmware.project import read_project

__all__ = ["project_lines", "project_result"]


def project_result(project: Path) -> dict[str, Any]:
    """A project's key figures, from its manifest."""
    manifest = read_project(project, allow_edited=True).manifest
    return {
        "project": str(project),
        "name": manifest.name,
        "latency_cycles": manifest.latency_cycles,
        "ii": manifest.ii,
        "clock_period_ns": manifest.clock_period_ns,
        "resources": dict(manifest.resources),
    }


def project_lines(project: Path) -> tuple[str, ...]:
    """The same for people."""
    found = project_result(project)
    cycles, period = found["latency_cycles"], found["clock_period_ns"]
    return (
        f"project {project}",
        f"latency {cycles} cycles, {cycles * period:.1f} ns at the target of {1000 / period:.0f} MHz; II {found['ii']}",
        resource_line(found["resources"]),
    )


def resource_line(resources: Mapping[str, Any]) -> str:
    """LUT with its spread, FF and DSP; where they come from is told at length in the manifest."""
    counts = ", ".join(f"{resources[name]:,.0f} {name.upper()}" for name in ("lut", "ff", "dsp"))
    low, high = resources["low"]["lut"], resources["high"]["lut"]
    return f"{counts} (estimates; LUT {low:,.0f} to {high:,.0f}; source in manifest.json)"
