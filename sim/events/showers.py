"""Generate tables of HGCAL clusters: electrons, photons, charged pions and clusters of pile-up alone.

A parametrised simulation, not validated against a full one. A batch of candidates goes through these steps
together, all as array operations: particles at the face, pile-up around them, showers into trigger cells,
noise and threshold, clustering, selection, shape variables.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from sim.events.candidates import electrons, photons, pions
from sim.events.deposits import deposit
from sim.events.errors import UserError
from sim.events.features import SHOWER_FEATURES
from sim.events.geometry import EM_TRIGGER_LAYERS, Layers, trigger_layers
from sim.events.particles import ELECTRON as ELECTRON_KIND
from sim.events.particles import PHOTON as PHOTON_KIND
from sim.events.particles import Particles
from sim.events.pool import PileupPool, draw_cores, keep_candidates, load_pool, local_pt, overlay
from sim.events.settings import ShowerSettings
from sim.events.shapes import cluster, kinematics, read_cells, shape_variables
from sim.events.table import ELECTRON, KINDS, PHOTON, PILEUP, PION, ClusterTable, concatenate

__all__ = ["ShowerSettings", "generate_clusters"]

_BATCH = 64  # candidates simulated together: their arrays fit in the processor's cache
_CORE_RADIUS = 0.014  # projected radius of the particles' sum that decides whether a core is looked at
_CORE_SHARE = 0.7  # of the selection's pT
_ESTIMATE_DENSITY_GEV = 0.6  # pile-up in the estimate, per collision and unit of eta and azimuth
_ESTIMATE_SHARE = 0.945  # of the selection's pT
_MAX_BATCHES_WITHOUT = 200
_SIGNAL = {ELECTRON: electrons, PHOTON: photons, PION: pions}


def _joined(first: Particles, second: Particles) -> Particles:
    """Both lists; the order within a candidate does not matter to what follows."""
    return Particles(
        *(
            np.concatenate([getattr(first, name), getattr(second, name)])
            for name in ("event", "x", "y", "energy_gev", "kind")
        )
    )


def _signal_batch(
    kind: int, settings: ShowerSettings, pool: PileupPool, rng: np.random.Generator
) -> tuple[Particles, NDArray[np.float32]]:
    made = _SIGNAL[kind](_BATCH, settings, rng)
    return _joined(made.particles, overlay(pool, made.centre, settings, rng)), made.centre


def _pileup_pt(
    centre: NDArray[np.floating], density_gev: float, radius: float, settings: ShowerSettings
) -> NDArray[np.floating]:
    """Mean pT of pile-up in a circle: density per collision and unit of eta and azimuth, times its area
    there."""
    rho2 = np.square(centre).sum(axis=1)
    return settings.pileup * density_gev * np.pi * radius**2 / rho2


def _pileup_batch(
    settings: ShowerSettings, pool: PileupPool, rng: np.random.Generator
) -> tuple[Particles, NDArray[np.float32]]:
    """Cores with pile-up on top, only those whose particles could make a cluster."""
    particles, centre = draw_cores(pool, 4 * _BATCH, settings, rng)
    particles, centre = keep_candidates(
        particles, centre, local_pt(particles, centre, _CORE_RADIUS) > _CORE_SHARE * settings.pileup_min_pt_gev
    )
    particles = _joined(particles, overlay(pool, centre, settings, rng))
    return keep_candidates(particles, centre, _promising(particles, centre, settings))


def _promising(particles: Particles, centre: NDArray[np.float32], settings: ShowerSettings) -> NDArray[np.bool_]:
    """Whether the particles in the cluster's circle may make a cluster above the cut.

    The estimate counts hadrons half and subtracts the particles' own mean pile-up. At its cut 98% of the clusters
    stay, and two thirds of what stays are clusters.
    """
    radius = settings.cluster_radius
    em = (particles.kind == PHOTON_KIND) | (particles.kind == ELECTRON_KIND)
    total, em_pt = local_pt(particles, centre, radius), local_pt(particles.take(em), centre, radius)
    estimate = 0.5 * (total + em_pt) - _pileup_pt(centre, _ESTIMATE_DENSITY_GEV, radius, settings)
    return estimate > _ESTIMATE_SHARE * settings.pileup_min_pt_gev


def _simulate(
    particles: Particles,
    centre: NDArray[np.float32],
    kind: int,
    layers: Layers,
    settings: ShowerSettings,
    rng: np.random.Generator,
) -> ClusterTable:
    """Clusters of a batch of candidates that pass the selection."""
    image, corner = deposit(particles, centre, layers, settings, rng)
    cells = read_cells(image, corner, centre, layers, settings, rng)
    cells, seed = cluster(cells, centre, layers, settings.cluster_radius)
    pt, eta, _ = kinematics(cells.take(cells.layer < EM_TRIGGER_LAYERS), layers)
    pt = settings.calibration * (pt - _pileup_pt(seed, settings.pileup_density_gev, settings.cluster_radius, settings))
    low, high = settings.eta_range
    if kind == PILEUP:
        chosen = (pt > settings.pileup_min_pt_gev) & (pt < settings.pileup_max_pt_gev)
    else:
        chosen = pt > settings.signal_min_pt_gev
    chosen &= (eta > low) & (eta < high)
    shapes = shape_variables(cells.select(chosen), layers)
    features = np.stack([shapes[name] for name in SHOWER_FEATURES], axis=1).astype(np.float32)
    n = len(features)
    return ClusterTable(
        tuple(SHOWER_FEATURES),
        features,
        np.full(n, kind in (ELECTRON, PHOTON), dtype=np.int8),
        np.full(n, kind, dtype=np.int8),
        pt[chosen].astype(np.float32),
        eta[chosen].astype(np.float32),
    )


def _kind(
    kind: int,
    n: int,
    settings: ShowerSettings,
    pool: PileupPool,
    rng: np.random.Generator,
    progress: Callable[[int], None] | None,
) -> ClusterTable:
    """Exactly `n` clusters of one kind."""
    layers = trigger_layers(settings.critical_energy_gev)
    tables: list[ClusterTable] = []
    found = barren = 0
    while found < n:
        if kind == PILEUP:
            particles, centre = _pileup_batch(settings, pool, rng)
        else:
            particles, centre = _signal_batch(kind, settings, pool, rng)
        if len(centre) == 0:
            made = 0
        else:
            tables.append(_simulate(particles, centre, kind, layers, settings, rng))
            made = len(tables[-1])
        barren = 0 if made else barren + 1
        if barren >= _MAX_BATCHES_WITHOUT:
            raise UserError(
                f"the settings must let some {KINDS[kind]} clusters pass; none of {barren * _BATCH} "
                f"candidates did; "
                "lower the pT cut or widen eta_range"
            )
        if progress is not None:
            progress(min(made, n - found))
        found += made
    return concatenate(tables).take(np.arange(n))


def generate_clusters(
    settings: ShowerSettings,
    *,
    n_electron: int = 0,
    n_photon: int = 0,
    n_pion: int = 0,
    n_pileup: int = 0,
    seed: int | np.random.SeedSequence,
    pool: PileupPool | None = None,
    progress: Callable[[int], None] | None = None,
) -> ClusterTable:
    """Clusters of each kind, shuffled.

    Parameters
    ----------
    settings : ShowerSettings
    n_electron, n_photon, n_pion, n_pileup : int
        Clusters wanted after selection.
    seed : int or SeedSequence
        Same settings, numbers and seed: same table.
    pool : PileupPool, optional
        Pile-up to overlay and to take cores from; the whole pool of `settings.pileup_pool` if left out.
    progress : callable, optional
        Called with the number of clusters just made.

    Raises
    ------
    UserError
        If a number is negative, all are zero, or the settings let nothing pass.
    """
    wanted = {ELECTRON: n_electron, PHOTON: n_photon, PION: n_pion, PILEUP: n_pileup}
    if min(wanted.values()) < 0 or sum(wanted.values()) == 0:
        raise UserError(f"numbers of clusters must be 0 or more and not all 0, not {tuple(wanted.values())}")
    pool = load_pool(settings.pileup_pool) if pool is None else pool
    entropy = seed if isinstance(seed, np.random.SeedSequence) else np.random.SeedSequence(seed)
    # a copy: spawning counts up inside the sequence, and a second call must draw the same
    streams = np.random.SeedSequence(entropy.entropy, spawn_key=entropy.spawn_key).spawn(len(KINDS) + 1)
    tables = [
        _kind(kind, n, settings, pool, np.random.default_rng(streams[kind]), progress)
        for kind, n in wanted.items()
        if n > 0
    ]
    table = concatenate(tables)
    return table.take(np.random.default_rng(streams[-1]).permutation(len(table)))
