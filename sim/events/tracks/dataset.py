"""The events of a vertexing study: overlaid from a pool, or read from a user's files.

Overlaid events are not cached: reading them back would save three of five seconds for the default data set, and
take half a gigabyte for every choice of settings. The pools are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from sim.events.checks import number, whole_number
from sim.events.columns import check_files, check_split_fractions
from sim.events.errors import UserError
from sim.events.tracks.events import TrackEvents
from sim.events.tracks.overlay import Overlay, overlay_events
from sim.events.tracks.pool import SPLITS, build_split_pool
from sim.events.tracks.settings import PoolSettings, TrackSettings
from sim.events.tracks.sources import SHIPPED, load_pool_files
from sim.events.tracks.user_tracks import read_track_events

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class VertexDatasetSettings:
    """What events a vertexing study learns from and is judged on.

    Attributes
    ----------
    n_train, n_validation, n_test : int
        Events of each split, both processes together. A pool's hard collisions are used in turn, and again
        with other pile-up and another rotation when all were used.
    ttbar_fraction : float
        Share of ttbar; the others are Z to leptons. They alternate, so that every range of events has the
        mixture.
    pool : str
        "shipped": a small pool in the package, for tests and the demo; "pythia": made with Pythia 8 and kept
        in the cache; or a folder of pool files.
    pythia : PoolSettings
        How large the pool of "pythia" is.
    tracks : TrackSettings
        How collisions become tracks.
    seed : int
        Seed of the overlay; that of the pool is its own.
    workers : int
        Processes that run Pythia; the result does not depend on it.
    files : mapping or str, optional
        A user's own events instead: one path a split, or one path that is cut into `split_fractions`. A path
        is a Parquet file or "file.root:tree".
    split_fractions : (float, float, float)
        Shares of the events of one file for train, validation and test, drawn at random by `seed`.
    """

    n_train: int = 60_000
    n_validation: int = 10_000
    n_test: int = 40_000
    ttbar_fraction: float = 0.5
    pool: str = SHIPPED
    pythia: PoolSettings = field(default_factory=PoolSettings)
    tracks: TrackSettings = field(default_factory=TrackSettings)
    seed: int = 1
    workers: int = 1
    files: Mapping[str, str] | str | None = None
    split_fractions: tuple[float, float, float] = (0.6, 0.2, 0.2)

    def __post_init__(self) -> None:
        for split in SPLITS:
            whole_number(f"n_{split}", getattr(self, f"n_{split}"), 1, 100_000_000)
        number("ttbar_fraction", self.ttbar_fraction, 0, 1)
        whole_number("seed", self.seed, 0, 2**63 - 1)
        whole_number("workers", self.workers, 1, 256)
        if not isinstance(self.pool, str) or not self.pool:
            raise UserError(f"pool must be 'shipped', 'pythia' or a folder, not {self.pool!r}")
        for name, kind in (("pythia", PoolSettings), ("tracks", TrackSettings)):
            if not isinstance(getattr(self, name), kind):
                raise UserError(f"{name} must be a section of settings, not {getattr(self, name)!r}")
        object.__setattr__(self, "split_fractions", check_split_fractions(self.split_fractions))
        if self.files is not None:
            check_files(self.files, SPLITS)

    def events(self, split: str) -> int:
        """Events of a split of generated data."""
        return int(getattr(self, f"n_{split}"))


def _from_files(settings: VertexDatasetSettings) -> dict[str, TrackEvents]:
    if isinstance(settings.files, Mapping):
        return {split: read_track_events(settings.files[split]) for split in SPLITS}
    assert settings.files is not None
    events = read_track_events(settings.files)
    order = np.random.default_rng(settings.seed).permutation(len(events))
    edges = np.rint(np.cumsum([0.0, *settings.split_fractions]) * len(events)).astype(int)
    if np.any(np.diff(edges) == 0):
        raise UserError(
            f"files must hold an event for each of {', '.join(SPLITS)}: {settings.files} has {len(events)} events; "
            "give more, or other split_fractions"
        )
    return {split: events.take(order[edges[i] : edges[i + 1]]) for i, split in enumerate(SPLITS)}


def load_vertex_dataset(
    settings: VertexDatasetSettings, cache_dir: Path, progress: Progress | None = None
) -> dict[str, TrackEvents]:
    """The events "train", "validation" and "test".

    Same settings, same bytes: it matters neither what the cache holds, nor how many workers there are, nor,
    for the first events of a split, how many are asked for.

    Parameters
    ----------
    settings : VertexDatasetSettings
    cache_dir : Path
        Pools of Pythia lie under ``tracks/`` in it; made if it does not exist.
    progress : callable, optional
        Called with (collisions ready, collisions in all) while a pool is made.

    Raises
    ------
    UserError
        Bad settings, a bad file, no Pythia where it is asked for, or a folder that cannot be written.
    """
    if settings.files is not None:
        return _from_files(settings)
    files = load_pool_files(
        settings.pool, settings.pythia, Path(cache_dir), workers=settings.workers, progress=progress
    )
    return {
        split: overlay_events(
            Overlay(
                build_split_pool(files, split, settings.tracks),
                split,
                settings.tracks,
                settings.ttbar_fraction,
                settings.seed,
            ),
            0,
            settings.events(split),
        )
        for split in SPLITS
    }
