"""The pool of minimum-bias particles: where it comes from, how it is split, and PU200 windows out of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .cores import CORE_RADIUS, core_windows, find_cores
from .errors import UserError
from .particles import Particles, at_face, charge_and_kind, transverse
from .settings import PARAMETRISED, SHIPPED, ShowerSettings
from .spectrum import parametrised_cores, parametrised_minbias

WINDOW = 0.032  # pile-up within this projected distance (10 cm at the face) of a candidate's axis is overlaid
_GROUP = 25  # events that share one rotation
_RHO_MIN, _RING, _N_RINGS = 0.04, 0.032, 16
_WRAP = 1.0  # radians repeated behind 2 pi, more than any window is wide
_KEY = 8.0  # room for one azimuth, 0 to 2 pi + _WRAP, in the sorted key
COLUMNS = ("event", "pid", "pt_gev", "eta", "phi_rad")
_MIN_CORE_PT_GEV = 5.0


@dataclass(frozen=True)
class PileupPool:
    """Minimum-bias particles ready for fast gathering.

    Attributes
    ----------
    soft : Particles
        Particles of whole events, sorted by `key`.
    key : float64 array
        ``(group * rings + ring) * 8 + azimuth`` of each particle; sorted.
    place : int16 array
        The event's place in its group of 25.
    n_groups : int
    azimuth : float32 array
        Azimuth of each soft particle; the copies behind 2 pi included.
    cores : Particles
        Windows around local concentrations of energy; ``event`` counts cores.
    core_start : int64 array, shape (C + 1,)
        Where each core's particles begin in `cores`.
    core_centre : float32 array, shape (C, 2)
    """

    soft: Particles
    key: NDArray[np.float64]
    place: NDArray[np.int16]
    n_groups: int
    cores: Particles
    core_start: NDArray[np.int64]
    core_centre: NDArray[np.float32]


def build_pool(soft: Particles, cores: Particles) -> PileupPool:
    """Sort and index the particles of whole events (`soft`) and of cores."""
    _, event = np.unique(soft.event, return_inverse=True)
    rho = np.hypot(soft.x, soft.y)
    ring = np.floor((rho - _RHO_MIN) / _RING).astype(np.int64)
    inside = (ring >= 0) & (ring < _N_RINGS)
    azimuth = np.arctan2(soft.y, soft.x).astype(np.float64) % (2 * np.pi)
    key = ((event // _GROUP) * _N_RINGS + ring) * _KEY + azimuth
    first = np.flatnonzero(inside)
    again = first[azimuth[first] < _WRAP]
    index = np.concatenate([first, again])
    keys = np.concatenate([key[first], key[again] + 2 * np.pi])
    order = np.argsort(keys, kind="stable")
    index, keys = index[order], keys[order]
    n_cores = int(cores.event[-1]) + 1 if len(cores) else 0
    start = np.searchsorted(cores.event, np.arange(n_cores + 1))
    return PileupPool(
        soft.take(index),
        keys,
        (event[index] % _GROUP).astype(np.int16),
        int(event.max()) // _GROUP + 1 if len(event) else 0,
        cores,
        start,
        _centres(cores, n_cores),
    )


def _centres(cores: Particles, n_cores: int) -> NDArray[np.float32]:
    """pT-weighted mean position of each core's particles around its hardest spot."""
    pt = cores.pt_gev
    centre = np.zeros((n_cores, 2))
    for axis, values in enumerate((cores.x, cores.y)):
        # the windows were cut around the centre: their hardest particles find it again
        weight = pt**2
        centre[:, axis] = np.bincount(cores.event, weight * values, n_cores) / np.bincount(
            cores.event, weight, n_cores
        )
    for _ in range(2):
        near = np.hypot(cores.x - centre[cores.event, 0], cores.y - centre[cores.event, 1]) < CORE_RADIUS
        weight = np.where(near, pt, 1e-6 * pt)
        total = np.bincount(cores.event, weight, n_cores)
        for axis, values in enumerate((cores.x, cores.y)):
            centre[:, axis] = np.bincount(cores.event, weight * values, n_cores) / total
    return centre.astype(np.float32)


def _read(path: Path, name: str) -> tuple[NDArray[np.int64], Particles]:
    """Particles of a pool file at the calorimeter face, sorted by event."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"{name} must be a readable Parquet file: {path}: {error}") from error
    missing = [column for column in COLUMNS if column not in table.column_names]
    if missing:
        raise UserError(f"{name} {path} must have the columns {', '.join(COLUMNS)}; missing: {', '.join(missing)}")
    column = {c: table[c].to_numpy(zero_copy_only=False) for c in COLUMNS}
    for c, values in column.items():
        bad = np.flatnonzero(~np.isfinite(values.astype(np.float64)))
        if len(bad):
            raise UserError(f"{name} {path}: column {c} must be finite; row {bad[0]} is {values[bad[0]]}; drop the row")
    if len(table) == 0:
        raise UserError(f"{name} {path} must hold particles; it has no row")
    if (low := float(np.min(column["pt_gev"]))) <= 0:
        raise UserError(f"{name} {path}: pt_gev must be positive; the smallest is {low:g}")
    charge, kind = charge_and_kind(column["pid"])
    x, y = at_face(column["pt_gev"], column["eta"], column["phi_rad"], charge)
    energy = (column["pt_gev"] * np.cosh(column["eta"])).astype(np.float32)
    particles = Particles(column["event"].astype(np.int32), x, y, energy, kind)
    shown = np.flatnonzero(kind >= 0)
    return column["event"], particles.take(shown[np.argsort(particles.event[shown], kind="stable")])


@lru_cache(maxsize=4)
def load_particles(source: str) -> tuple[Particles, Particles]:
    """Whole events and cores of a source: "shipped", "parametrised" or a file's path."""
    if source == PARAMETRISED:
        return parametrised_minbias(), parametrised_cores()
    if source == SHIPPED:
        data = resources.files(__package__) / "data"
        with resources.as_file(data) as folder:
            return _read(folder / "minbias.parquet", "shipped pool")[1], _read(folder / "cores.parquet", "shipped cores")[1]
    soft = _read(Path(source), "pileup_pool")[1]
    cores = find_cores(soft, _MIN_CORE_PT_GEV)
    if len(cores) < 100:
        raise UserError(
            f"pileup_pool {source} must hold at least 100 concentrations of {_MIN_CORE_PT_GEV:g} GeV, "
            f"not {len(cores)}; give more events (about 4,000 collisions)"
        )
    return soft, core_windows(soft, cores)[0]


def _part(particles: Particles, low: float, high: float) -> Particles:
    """The events of one share of the list, renumbered from 0 without gaps."""
    values, event = np.unique(particles.event, return_inverse=True)
    first, last = round(low * len(values)), round(high * len(values))
    chosen = (event >= first) & (event < last)
    part = particles.take(chosen)
    return Particles((event[chosen] - first).astype(np.int32), part.x, part.y, part.energy_gev, part.kind)


@lru_cache(maxsize=8)
def load_pool(source: str, low: float = 0.0, high: float = 1.0) -> PileupPool:
    """The pool of the events and cores between the shares `low` and `high` of a source.

    Disjoint shares have no event and no core in common: train, validation and test each get their own.
    """
    soft, cores = load_particles(source)
    return build_pool(_part(soft, low, high), _part(cores, low, high))


def _ranges(start: NDArray[np.int64], stop: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """All integers of the ranges [start, stop) one after the other, and the range each belongs to."""
    length = np.maximum(stop - start, 0)
    owner = np.repeat(np.arange(len(start)), length)
    offset = np.arange(len(owner)) - np.repeat(np.cumsum(length) - length, length)
    return start[owner] + offset, owner


def overlay(
    pool: PileupPool, centre: NDArray[np.float32], settings: ShowerSettings, rng: np.random.Generator
) -> Particles:
    """Pile-up particles around each candidate, ``event`` counting the candidates.

    Every candidate gets Poisson(pile-up) events of the pool, in groups of 25 with a random rotation each; only the
    particles within 0.032 of its axis are gathered.
    """
    n = len(centre)
    n_events = rng.poisson(settings.pileup, n)
    groups = -(-n_events // _GROUP)
    owner = np.repeat(np.arange(n), groups)
    rank = np.arange(len(owner)) - np.repeat(np.cumsum(groups) - groups, groups)
    last = np.minimum(n_events[owner] - rank * _GROUP, _GROUP)  # events used of this group
    group = rng.integers(0, max(pool.n_groups, 1), len(owner))
    rotation = rng.random(len(owner)) * 2 * np.pi
    rho = np.hypot(centre[:, 0], centre[:, 1]).astype(np.float64)
    width = np.arcsin(np.minimum(WINDOW / rho, 0.8))
    target = np.arctan2(centre[:, 1], centre[:, 0]).astype(np.float64)
    lowest = np.floor((rho - WINDOW - _RHO_MIN) / _RING).astype(np.int64)
    middle = (target[owner] - rotation - width[owner]) % (2 * np.pi)
    pieces, owners = [], []
    for step in range(3):
        ring = lowest[owner] + step
        base = (group * _N_RINGS + ring) * _KEY + middle
        ok = (ring >= 0) & (ring < _N_RINGS)
        start = np.searchsorted(pool.key, np.where(ok, base, -1.0))
        stop = np.searchsorted(pool.key, np.where(ok, base + 2 * width[owner], -1.0))
        index, which = _ranges(start, stop)
        used = pool.place[index] < last[which]
        pieces.append(index[used])
        owners.append(which[used])
    index, which = np.concatenate(pieces), np.concatenate(owners)
    cos, sin = np.cos(rotation).astype(np.float32)[which], np.sin(rotation).astype(np.float32)[which]
    x, y = pool.soft.x[index], pool.soft.y[index]
    turned_x, turned_y = x * cos - y * sin, x * sin + y * cos
    candidate = owner[which].astype(np.int32)
    near = (turned_x - centre[candidate, 0]) ** 2 + (turned_y - centre[candidate, 1]) ** 2 < WINDOW**2
    index = index[near]
    return Particles(
        candidate[near], turned_x[near], turned_y[near], pool.soft.energy_gev[index], pool.soft.kind[index]
    )


def draw_cores(
    pool: PileupPool, n: int, settings: ShowerSettings, rng: np.random.Generator
) -> tuple[Particles, NDArray[np.float32]]:
    """`n` random cores, each rotated at random and mirrored half of the time, and their centres, shape (n, 2)."""
    eta = np.arcsinh(1 / np.hypot(pool.core_centre[:, 0], pool.core_centre[:, 1]))
    low, high = settings.eta_range
    choice = np.flatnonzero((eta > low) & (eta < high))
    if len(choice) == 0:
        raise UserError(f"the pile-up pool must hold cores in eta_range {low:g} to {high:g}; it has none; widen it")
    core = rng.choice(choice, n)
    index, owner = _ranges(pool.core_start[core], pool.core_start[core + 1])
    angle = rng.random(n) * 2 * np.pi
    flip = rng.choice(np.array([-1, 1], dtype=np.float32), n)
    cos, sin = np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)

    def turned(x: NDArray[np.float32], y: NDArray[np.float32], k: NDArray[np.integer]) -> tuple:
        return x * cos[k] - flip[k] * y * sin[k], x * sin[k] + flip[k] * y * cos[k]

    x, y = turned(pool.cores.x[index], pool.cores.y[index], owner)
    centre = np.stack(turned(*pool.core_centre[core].T, np.arange(n)), axis=1)
    particles = Particles(
        owner.astype(np.int32), x, y, pool.cores.energy_gev[index], pool.cores.kind[index]
    )
    return particles, centre


def local_pt(particles: Particles, centre: NDArray[np.float32], radius: float) -> NDArray[np.float64]:
    """Summed pT (GeV) of the particles within `radius` of each candidate's axis, shape (N,)."""
    near = (particles.x - centre[particles.event, 0]) ** 2 + (
        particles.y - centre[particles.event, 1]
    ) ** 2 < radius**2
    pt = transverse(particles.energy_gev, particles.x, particles.y)
    return np.bincount(particles.event, np.where(near, pt, 0), minlength=len(centre))
