"""Pools of collisions made with Pythia 8, in parallel processes and in files that stay.

Each file has a seed of its own from (seed, process, number of the file), so the content depends neither on the
number of processes nor on what was there before; a run that was killed goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.events import pythia
from sim.events.checked_parquet import remove_leftovers
from sim.events.parallel import run_jobs
from sim.events.tracks.pool_files import (
    DTYPES,
    PYTHIA_VERSION,
    PoolTracks,
    description,
    key_of,
    read_cached,
    write_pool_file,
)
from sim.events.tracks.processes import (
    COMMON_LINES,
    MAX_ABS_ETA,
    MAX_D0_CM,
    MAX_PRODUCTION_RADIUS_CM,
    MIN_PT_GEV,
    POOL_PROCESSES,
    PROCESS_LINES,
    RINV_PER_INVERSE_GEV,
    TRACK_PIDS,
)
from sim.events.tracks.settings import PoolSettings

# starting takes Pythia 7 s for minimum bias and half a second for the others
FILE_EVENTS = {"minbias": 10_000, "ttbar": 2_000, "zll": 2_000}
_PYTHIA_SEEDS = 900_000_000
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class PoolFile:
    """One file of a pool that is to be there: its process, its place in the pool and its events."""

    process: str
    number: int
    n_events: int

    @property
    def first_event(self) -> int:
        """Number of its first event."""
        return self.number * FILE_EVENTS[self.process]

    @property
    def name(self) -> str:
        """Its name in the pool's folder."""
        return f"{self.process}-{self.number:05d}-{self.n_events}.parquet"


def pool_files(settings: PoolSettings) -> list[PoolFile]:
    """All files of a pool, in the order in which they are made: the slow ones first."""
    return [
        PoolFile(process, number, min(size, settings.events(process) - number * size))
        for process in POOL_PROCESSES
        for size in [FILE_EVENTS[process]]
        for number in range(-(-settings.events(process) // size))
    ]


def pool_folder(process: str, seed: int, cache_dir: Path) -> Path:
    """Where the files of one process lie."""
    return Path(cache_dir) / "tracks" / f"{process}-{key_of(description(process, seed))[:16]}"


def pythia_seed(seed: int, file: PoolFile) -> int:
    """Seed of one file, 1 to 900,000,000."""
    sequence = np.random.SeedSequence(seed, spawn_key=(POOL_PROCESSES.index(file.process), file.number))
    return 1 + int(sequence.generate_state(1, np.uint64)[0] % _PYTHIA_SEEDS)


def at_beam_line(
    pt_gev: NDArray[np.float64],
    eta: NDArray[np.float64],
    phi_rad: NDArray[np.float64],
    charge: NDArray[np.float64],
    position_cm: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Follow each helix back to its point closest to the beam line (x = y = 0).

    Parameters
    ----------
    pt_gev, eta, phi_rad, charge : float64 arrays, shape (N,)
        At the point of production.
    position_cm : float64 array, shape (N, 3)
        The point of production, relative to the collision.

    Returns
    -------
    phi_rad : float64 array, shape (N,)
        Direction at the closest point, -pi to pi.
    d0_cm : float64 array, shape (N,)
        ``x sin(phi) - y cos(phi)`` there.
    dz_cm : float64 array, shape (N,)
        z there.
    """
    x, y, z = position_cm.T
    radius = pt_gev / RINV_PER_INVERSE_GEV
    # with the field along +z a positive charge turns clockwise, about a centre to its right
    centre_x = x + charge * radius * np.sin(phi_rad)
    centre_y = y - charge * radius * np.cos(phi_rad)
    phi = np.arctan2(charge * centre_x, -charge * centre_y)
    turned = (phi - phi_rad + np.pi) % (2 * np.pi) - np.pi
    path = charge * radius * turned
    return phi, charge * (np.hypot(centre_x, centre_y) - radius), z - path * np.sinh(eta)


def _selected(event: Any, number: int, rows: list[tuple[float, ...]]) -> None:
    """Append the tracks of one event record."""
    for particle in event:
        # the cheap cut that most fail comes first: this loop is a fifth of the time
        if particle.pT2() < MIN_PT_GEV**2 or not particle.isFinal() or particle.idAbs() not in TRACK_PIDS:
            continue
        eta = particle.eta()
        if abs(eta) < MAX_ABS_ETA:
            position = (particle.xProd() / 10, particle.yProd() / 10, particle.zProd() / 10)
            rows.append((number, particle.pT(), eta, particle.phi(), particle.charge(), *position))


def generate_tracks(file: PoolFile, seed: int) -> PoolTracks:
    """The tracks of one file, made with Pythia.

    Raises
    ------
    UserError
        If Pythia is missing or has another version than the one whose pools are supported.
    RuntimeError
        If Pythia fails.
    """
    generator = pythia.start((*COMMON_LINES, *PROCESS_LINES[file.process]), pythia_seed(seed, file))
    pythia.require_version(generator, PYTHIA_VERSION)
    rows: list[tuple[float, ...]] = []
    for local, event in enumerate(pythia.events(generator, file.n_events)):
        _selected(event, file.first_event + local, rows)
    table = np.array(rows, dtype=np.float64).reshape(-1, 8)
    number, pt, eta, phi, charge = table[:, :5].T
    phi0, d0, dz = at_beam_line(pt, eta, phi, charge, table[:, 5:])
    radius = np.hypot(table[:, 5], table[:, 6])
    kept = (radius < MAX_PRODUCTION_RADIUS_CM) & (np.abs(d0) < MAX_D0_CM)
    values = (number, pt, eta, phi0, charge, d0, dz)
    columns = {
        name: np.ascontiguousarray(column[kept].astype(dtype))
        for (name, dtype), column in zip(DTYPES.items(), values, strict=True)
    }
    return PoolTracks(file.process, file.first_event, file.n_events, columns)


def _make(file: PoolFile, seed: int, cache_dir: Path) -> int:
    path = pool_folder(file.process, seed, cache_dir) / file.name
    write_pool_file(path, generate_tracks(file, seed), description(file.process, seed))
    return file.n_events


def _read(file: PoolFile, seed: int, cache_dir: Path) -> PoolTracks | None:
    path = pool_folder(file.process, seed, cache_dir) / file.name
    return read_cached(path, description(file.process, seed), file.first_event, file.n_events)


def generate_pool(
    settings: PoolSettings, cache_dir: Path, *, workers: int = 1, progress: Progress | None = None
) -> dict[str, list[PoolTracks]]:
    """The collisions of a pool, by process; files that are missing or unusable in the cache are made.

    Parameters
    ----------
    settings : PoolSettings
    cache_dir : Path
        The files lie under ``tracks/`` in it.
    workers : int
        Processes; the result does not depend on it.
    progress : callable, optional
        Called with (collisions ready, collisions in all).

    Raises
    ------
    UserError
        Pythia is missing or of another version, or the folder cannot be written.
    """
    for process in POOL_PROCESSES:
        remove_leftovers(pool_folder(process, settings.seed, cache_dir))
    files = pool_files(settings)
    tracks = {file: _read(file, settings.seed, cache_dir) for file in files}
    missing = [file for file in files if tracks[file] is None]
    total = sum(file.n_events for file in files)
    done = total - sum(file.n_events for file in missing)
    if progress is not None:
        progress(done, total)
    for n_events in run_jobs(_make, [(file, settings.seed, Path(cache_dir)) for file in missing], workers):
        done += n_events
        if progress is not None:
            progress(done, total)
    for file in missing:
        tracks[file] = _read(file, settings.seed, cache_dir)
    pool: dict[str, list[PoolTracks]] = {process: [] for process in POOL_PROCESSES}
    for file, read in tracks.items():
        if read is None:
            raise OSError(f"{file.name} was just written and cannot be read back: check the disk")
        pool[file.process].append(read)
    return pool
