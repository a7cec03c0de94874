"""Small events of tracks for the tests of vertex finding, by hand or from the pool that ships with the package."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from sim.events.tracks.dataset import VertexDatasetSettings, load_vertex_dataset
from sim.events.tracks.events import TrackEvents
from sim.events.tracks.word import FIELDS, digitise, pack, rinv_from_pt

__all__ = ["made_events", "shipped_events"]


def made_events(tracks: list[list[dict[str, float]]], z0_true: list[float], process: list[int]) -> TrackEvents:
    """Events from lists of tracks: ``pt``, ``z0``; ``eta``, ``mva``, ``link``, ``primary``, ``valid`` if needed."""
    flat = [track for event in tracks for track in event]

    def column(name: str, default: float) -> np.ndarray:
        return np.array([track.get(name, default) for track in flat], dtype=np.float64)

    pt, z0, eta = column("pt", 2.5), column("z0", 0.0), column("eta", 0.1)
    fields = {name: np.zeros(len(flat), np.int64) for name in FIELDS}
    fields |= {
        "valid": column("valid", 1).astype(np.int64),
        "rinv": digitise("rinv", rinv_from_pt(pt, np.ones(len(flat)))),
        "tanl": digitise("tanl", np.sinh(eta)),
        "z0": digitise("z0", z0),
        "mva_quality": column("mva", 7).astype(np.int64),
    }
    return TrackEvents(
        start=np.concatenate([[0], np.cumsum([len(event) for event in tracks])]).astype(np.int64),
        words=pack(fields), link=column("link", 0).astype(np.uint8), is_primary=column("primary", 0).astype(bool),
        process=np.array(process, np.uint8), z0_true=np.array(z0_true, np.float32), pt=pt.astype(np.float32),
        eta=eta.astype(np.float32), z0=z0.astype(np.float32),
    )  # fmt: skip


@lru_cache
def shipped_events(count: int = 512) -> TrackEvents:
    """Training events of the shipped pool."""
    settings = VertexDatasetSettings(n_train=count, n_validation=1, n_test=1)
    return load_vertex_dataset(settings, Path("unused"))["train"]
