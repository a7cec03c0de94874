"""Files of a pool: the tracks of a run of collisions of one process, and what made them.

A file's metadata say the format, Pythia's version and settings, the seed, the first event and how many there
are: events without a track have no row and count all the same.
"""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sim.events.checked_parquet import UnusableFile, read_checked, write_checked
from sim.events.errors import UserError
from sim.events.tracks import processes
from sim.events.tracks.processes import COMMON_LINES, POOL_PROCESSES, PROCESS_LINES

FORMAT = "track-pool-1"
PYTHIA_VERSION = "8.317"
DTYPES: dict[str, np.dtype] = {
    "event": np.dtype(np.int32),
    "pt_gev": np.dtype(np.float32),
    "eta": np.dtype(np.float32),
    "phi_rad": np.dtype(np.float32),
    "charge": np.dtype(np.int8),
    "d0_cm": np.dtype(np.float32),
    "dz_cm": np.dtype(np.float32),
}
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PoolTracks:
    """Tracks of `n_events` collisions of one process, at generator level.

    Attributes
    ----------
    process : str
    first_event, n_events : int
        The events are numbered from `first_event`; some have no track.
    columns : dict of str to array, shape (tracks,)
        ``event`` int32, rising; ``pt_gev``, ``eta`` and ``phi_rad`` at the point closest to the beam line;
        ``charge``; ``d0_cm``, the signed distance from the beam line there; ``dz_cm``, the position along the
        beam relative to the collision.
    """

    process: str
    first_event: int
    n_events: int
    columns: dict[str, NDArray]


def description(process: str, seed: int) -> dict[str, str]:
    """What decides the content of a pool file, but for its events: goes into its metadata and its key."""
    selection = {
        "pt_gev": processes.MIN_PT_GEV,
        "abs_eta": processes.MAX_ABS_ETA,
        "production_radius_cm": processes.MAX_PRODUCTION_RADIUS_CM,
        "d0_cm": processes.MAX_D0_CM,
        "b_field_t": processes.B_FIELD_T,
        "pids": processes.TRACK_PIDS,
    }
    return {
        "format": FORMAT,
        "process": process,
        "pythia_version": PYTHIA_VERSION,
        "pythia_settings": "; ".join((*COMMON_LINES, *PROCESS_LINES[process])),
        "selection": json.dumps(selection, sort_keys=True),
        "seed": str(seed),
    }


def key_of(described: dict[str, str]) -> str:
    """SHA-256 over a description."""
    return hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()


def write_pool_file(
    path: Path, tracks: PoolTracks, described: dict[str, str], *, compression_level: int | None = None
) -> None:
    """Write a pool file, whole or not at all.

    Raises
    ------
    UserError
        If the folder cannot be written.
    """
    metadata = described | {
        "key": key_of(described),
        "first_event": str(tracks.first_event),
        "n_events": str(tracks.n_events),
    }
    try:
        write_checked(path, tracks.columns, metadata, compression_level=compression_level)
    except OSError as error:
        raise UserError(f"cache folder {path.parent} must be writable: {error}; set data.cache_dir") from error


def _checked(path: Path, expected: list[tuple[str, str, str]]) -> PoolTracks:
    known = [
        ("format", FORMAT, "it is no track pool of this version (format {}, not " + FORMAT + ")"),
        ("pythia_version", PYTHIA_VERSION, "it was made with Pythia {}, not " + PYTHIA_VERSION),
    ]
    columns, metadata = read_checked(path, DTYPES, [*known, *expected])
    try:
        process = metadata["process"]
        first, n_events = int(metadata["first_event"]), int(metadata["n_events"])
    except (KeyError, ValueError) as error:
        raise UnusableFile(f"its metadata are incomplete ({error})") from error
    event = columns["event"]
    if process not in POOL_PROCESSES:
        raise UnusableFile(f"its process is {process!r}, not one of {', '.join(POOL_PROCESSES)}")
    if first < 0 or n_events < 1 or (len(event) and not first <= event.min() <= event.max() < first + n_events):
        raise UnusableFile(f"its events are not those it names ({first} to {first + n_events - 1})")
    if np.any(np.diff(event) < 0):
        raise UnusableFile("its event numbers fall")
    return PoolTracks(process, first, n_events, columns)


def read_cached(path: Path, described: dict[str, str], first_event: int, n_events: int) -> PoolTracks | None:
    """A file of our cache, or None if it is missing or unusable; the latter is logged as a warning with its
    reason."""
    if not path.exists():
        return None
    try:
        return _checked(
            path,
            [
                ("key", key_of(described), "it was made with other settings (its key differs)"),
                ("first_event", str(first_event), "it is another part of the pool (first event {})"),
                ("n_events", str(n_events), "it holds {} events"),
            ],
        )
    except UnusableFile as reason:
        _log.warning("cached collisions %s are not used and made again: %s", path, reason)
        return None


def read_given(path: Path) -> PoolTracks:
    """A pool file that the user names.

    Raises
    ------
    UserError
        Missing, cut short, changed, of another format or of another Pythia version.
    """
    if not path.is_file():
        raise UserError(f"pool file {path} must exist; make it with pool: pythia, or use pool: shipped")
    try:
        return _checked(path, [])
    except UnusableFile as reason:
        raise UserError(
            f"pool file {path} must be an intact pool of Pythia {PYTHIA_VERSION}: {reason}; "
            "make it again, or use pool: pythia"
        ) from reason
