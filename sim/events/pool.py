"""The pool of minimum-bias particles: where it comes from, how it is split, and PU200 windows out of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from sim.events.cores import VertexParticles, find_cores
from sim.events.errors import UserError
from sim.events.particles import ELECTRON, PHOTON, Particles, at_face, charge_and_kind, transverse
from sim.events.settings import PARAMETRISED, SHIPPED, ShowerSettings
from sim.events.shapes import summed
from sim.events.spectrum import parametrised_cores, parametrised_minbias

WINDOW = 0.026  # pile-up within this projected distance (8 cm at the face) of a candidate's axis is overlaid
_GROUP = 25  # events that share one rotation
_RHO_MIN, _RING, _N_RINGS = 0.04, 0.032, 16
_WRAP = 1.0  # radians repeated behind 2 pi, more than any window is wide
_KEY = 8.0  # room for one azimuth, 0 to 2 pi + _WRAP, in the sorted key
COLUMNS = ("event", "pid", "pt_gev", "eta", "phi_rad")
_SOFT_ETA = (1.3, 3.2)
_MIN_CORES = 100
_EM_RADIUS = 0.015  # projected radius in which a core's electromagnetic share is taken


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
    cores : VertexParticles
        Windows around photon-rich concentrations of energy, relative to their centres; ``event`` counts
        cores.
    core_start : int64 array, shape (C + 1,)
        Where each core's particles begin in `cores`.
    """

    soft: Particles
    key: NDArray[np.float64]
    place: NDArray[np.int16]
    n_groups: int
    cores: VertexParticles
    core_start: NDArray[np.int64]

    @property
    def n_cores(self) -> int:
        """Number of cores."""
        return len(self.core_start) - 1


def build_pool(soft: Particles, cores: VertexParticles) -> PileupPool:
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
    )


def _read(path: Path, name: str) -> VertexParticles:
    """The particles of a pool file, sorted by event."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"{name} must be a readable Parquet file: {path}: {error}") from error
    missing = [column for column in COLUMNS if column not in table.column_names]
    if missing:
        raise UserError(f"{name} {path} must have the columns {', '.join(COLUMNS)}; missing: {', '.join(missing)}")
    if len(table) == 0:
        raise UserError(f"{name} {path} must hold particles; it has no row")
    column = {c: table[c].to_numpy(zero_copy_only=False) for c in COLUMNS}
    for c, values in column.items():
        if not np.issubdtype(values.dtype, np.number):
            raise UserError(f"{name} {path}: column {c} must hold numbers without gaps, not {values.dtype}")
        bad = np.flatnonzero(~np.isfinite(values))
        if len(bad):
            raise UserError(f"{name} {path}: column {c} must be finite; row {bad[0]} is {values[bad[0]]}; drop the row")
    if (low := float(np.min(column["pt_gev"]))) <= 0:
        raise UserError(f"{name} {path}: column pt_gev must be positive; the smallest is {low:g}")
    event, pid = (column[c].astype(np.int64) for c in ("event", "pid"))
    pt, eta, phi = (column[c].astype(np.float64) for c in ("pt_gev", "eta", "phi_rad"))
    shown = np.flatnonzero(charge_and_kind(pid)[1] >= 0)
    order = shown[np.argsort(event[shown], kind="stable")]
    return VertexParticles(event, pid, pt, eta, phi).take(order)


def _endcap(particles: VertexParticles) -> Particles:
    """Particles of the endcaps at the calorimeter face; the two ends of a collision become two events."""
    low, high = _SOFT_ETA
    inside = particles.take((np.abs(particles.eta) > low) & (np.abs(particles.eta) < high))
    event = 2 * inside.event + (inside.eta < 0)
    order = np.argsort(event, kind="stable")
    inside = inside.take(order)
    charge, kind = charge_and_kind(inside.pid)
    x, y = at_face(inside.pt_gev, inside.eta, inside.phi_rad, charge)
    energy = inside.pt_gev * np.cosh(inside.eta)
    _, number = np.unique(event[order], return_inverse=True)
    return Particles(number.astype(np.int32), x, y, energy.astype(np.float32), kind)


@lru_cache(maxsize=4)
def load_particles(source: str) -> tuple[Particles, VertexParticles]:
    """Endcap events and cores of a source: "shipped", "parametrised" or a file's path."""
    if source == PARAMETRISED:
        return _endcap(parametrised_minbias()), parametrised_cores()
    if source == SHIPPED:
        with resources.as_file(resources.files(__package__) / "data") as folder:
            soft, cores = (_read(folder / f"{name}.parquet", "shipped pool") for name in ("minbias", "cores"))
        return _endcap(soft), cores
    particles = _read(Path(source), "pileup_pool")
    cores = find_cores(particles)
    found = len(np.unique(cores.event))
    if found < _MIN_CORES:
        raise UserError(
            f"pileup_pool {source} must hold at least {_MIN_CORES} photon-rich concentrations of 7 GeV, not "
            f"{found}; "
            "give more collisions, or some with a hard scatter"
        )
    return _endcap(particles), cores


_Listed = TypeVar("_Listed", Particles, VertexParticles)


def _part(particles: _Listed, low: float, high: float) -> _Listed:
    """The events of one share of the list, renumbered from 0 without gaps."""
    values, event = np.unique(particles.event, return_inverse=True)
    first, last = round(low * len(values)), round(high * len(values))
    chosen = (event >= first) & (event < last)
    return replace(particles.take(chosen), event=(event[chosen] - first).astype(np.int32))


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

    Every candidate gets Poisson(pile-up) events of the pool, in groups of 25 with a random rotation each;
    only the particles within 0.026 of its axis are gathered.
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
    """Up to `n` random cores at random places, and their centres.

    Each is put at a random eta in the range and a random azimuth, mirrored in either half of the time. Those
    that are not photon-rich enough where they reach the face (`pileup_em_share`) are dropped.

    Returns
    -------
    particles : Particles
        ``event`` counts the cores that stay.
    centre : float32 array, shape (M, 2), M <= n
    """
    core = rng.integers(0, pool.n_cores, n)
    eta = rng.uniform(*settings.eta_range, n)
    phi = rng.uniform(-np.pi, np.pi, n)
    mirror = rng.choice([-1.0, 1.0], (2, n))
    index, owner = _ranges(pool.core_start[core], pool.core_start[core + 1])
    drawn = pool.cores.take(index)
    charge, kind = charge_and_kind(drawn.pid)
    eta_here = eta[owner] + mirror[0, owner] * drawn.eta
    x, y = at_face(drawn.pt_gev, eta_here, phi[owner] + mirror[1, owner] * drawn.phi_rad, charge)
    energy = drawn.pt_gev * np.cosh(eta_here)
    particles = Particles(owner.astype(np.int32), x, y, energy.astype(np.float32), kind)
    centre = np.stack(at_face(np.ones(n), eta, phi, np.zeros(n, dtype=np.int8)), axis=1)
    all_pt = local_pt(particles, centre, _EM_RADIUS)
    em = (kind == PHOTON) | (kind == ELECTRON)
    em_pt = local_pt(particles.take(em), centre, _EM_RADIUS)
    rich = (em_pt >= settings.pileup_em_share * all_pt) & (em_pt > 0)
    return keep_candidates(particles, centre, rich)


def keep_candidates(
    particles: Particles, centre: NDArray[np.float32], keep: NDArray[np.bool_]
) -> tuple[Particles, NDArray[np.float32]]:
    """Only the candidates of a mask, renumbered."""
    number = np.cumsum(keep) - 1
    kept = particles.take(keep[particles.event])
    return replace(kept, event=number[kept.event].astype(np.int32)), centre[keep]


def local_pt(particles: Particles, centre: NDArray[np.float32], radius: float) -> NDArray[np.floating]:
    """Summed pT (GeV) of the particles within `radius` of each candidate's axis, shape (N,)."""
    near = (particles.x - centre[particles.event, 0]) ** 2 + (particles.y - centre[particles.event, 1]) ** 2 < radius**2
    pt = transverse(particles.energy_gev, particles.x, particles.y)
    return summed(particles.event, np.where(near, pt, 0), len(centre))
