"""Section ``data``: what there is to say of the events."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sim.events.tracks.dataset import VertexDatasetSettings
from sim.events.tracks.events import TrackEvents
from sim.events.tracks.sources import PYTHIA, SHIPPED
from trigger.config.digest import file_digest
from trigger.tasks.interface import Summary
from trigger.tasks.vertexing.samples import process_masks

__all__ = ["describe", "digests", "event_counts"]


def event_counts(samples: Mapping[str, TrackEvents]) -> dict[str, dict[str, float]]:
    """Events by sample and process, and mean number of tracks."""
    counts: dict[str, dict[str, float]] = {}
    for split, events in samples.items():
        masks = process_masks(events)
        counts[split] = {process: int(np.count_nonzero(mask)) for process, mask in masks.items()}
        counts[split]["tracks_per_event"] = round(float(events.n_tracks.mean()), 2)
        counts[split]["primary_fraction"] = round(float(events.is_primary.mean()), 4)
    return counts


def describe(settings: VertexDatasetSettings, samples: Mapping[str, TrackEvents]) -> Summary:
    """Events by sample and process."""
    counts = event_counts(samples)
    lines = [
        f"{split:<11}"
        + " ".join(f"{found[process]:>9,} {process}" for process in found if "_" not in process)
        + f", {found['tracks_per_event']:.0f} tracks an event, {found['primary_fraction']:.1%} of them primary"
        for split, found in counts.items()
    ]
    where = "read from the user's files" if settings.files else f"pool: {settings.pool}"
    return Summary(content={"events": counts}, lines=(f"events of tracks, {where}", *lines))


def digests(settings: VertexDatasetSettings) -> dict[str, Any]:
    """Digests of the user's files, or of the user's folder of pool files, in place of their paths.

    Raises
    ------
    UserError
        A file cannot be read.
    """
    if settings.files is None:
        if settings.pool in (SHIPPED, PYTHIA):
            return {}
        files = sorted(Path(settings.pool).rglob("[!.]*.parquet"))
        return {"pool": [file_digest(path, "data.pool") for path in files]}
    if isinstance(settings.files, str):
        return {"files": _digest(settings.files)}
    return {"files": {split: _digest(path) for split, path in settings.files.items()}}


def _digest(source: str) -> str:
    path, _, tree = source.partition(".root:")
    digest = file_digest(Path(f"{path}.root" if tree else path), "data.files")
    return f"{digest}:{tree}" if tree else digest
