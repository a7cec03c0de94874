"""Find the photon-rich concentrations of energy in collisions: the seeds of pile-up clusters.

A cluster above 10 GeV made of pile-up alone is rare, so the generator does not wait for one: it draws from a
list of such `cores`, each with all its neighbours of the same collision.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

CORE_RADIUS = 0.08  # in eta and azimuth
WINDOW_RADIUS = 0.4  # more than a cluster's window anywhere in the endcap
MIN_CORE_PT_GEV = 7.0
MAX_CORE_ETA = 3.2
_SEED_PT_GEV = 1.0
_EM = (22, 11, -11)


@dataclass(frozen=True)
class VertexParticles:
    """Particles as a generator gives them, grouped by event; arrays of shape (N,).

    Attributes
    ----------
    event : int array
        Non-decreasing.
    pid : int array
        PDG code.
    pt_gev, eta, phi_rad : float arrays
        Momentum at the origin.
    """

    event: NDArray[np.integer]
    pid: NDArray[np.integer]
    pt_gev: NDArray[np.floating]
    eta: NDArray[np.floating]
    phi_rad: NDArray[np.floating]

    def __len__(self) -> int:
        return len(self.event)

    def take(self, index: NDArray[np.integer] | NDArray[np.bool_]) -> VertexParticles:
        """The particles at `index` (positions or a mask), in that order."""
        return VertexParticles(**{f.name: getattr(self, f.name)[index] for f in fields(self)})


def _distance2(particles: VertexParticles, eta: float, phi: float) -> NDArray[np.floating]:
    turn = (particles.phi_rad - phi + np.pi) % (2 * np.pi) - np.pi
    return (particles.eta - eta) ** 2 + turn**2


def event_cores(particles: VertexParticles, min_pt_gev: float = MIN_CORE_PT_GEV) -> list[tuple[float, float]]:
    """Centres (eta, azimuth) of one event's cores.

    A core is a photon or electron of pT > 1 GeV around which those within 0.08 sum to `min_pt_gev`; its
    centre is their pT-weighted mean. Within 0.08 of one core no second one is taken; the larger sum wins.
    """
    em = particles.take(np.isin(particles.pid, _EM))
    seeds = np.flatnonzero((em.pt_gev > _SEED_PT_GEV) & (np.abs(em.eta) < MAX_CORE_ETA))
    if em.pt_gev.sum() < min_pt_gev:
        return []
    found: list[tuple[float, float, float]] = []
    for seed in seeds:
        near = _distance2(em, em.eta[seed], em.phi_rad[seed]) < CORE_RADIUS**2
        total = float(em.pt_gev[near].sum())
        if total >= min_pt_gev:
            weight = em.pt_gev[near] / total
            turn = (em.phi_rad[near] - em.phi_rad[seed] + np.pi) % (2 * np.pi) - np.pi
            found.append((total, float(weight @ em.eta[near]), float(em.phi_rad[seed] + weight @ turn)))
    found.sort(reverse=True)
    taken: list[tuple[float, float]] = []
    for _, eta, phi in found:
        if all((eta - e) ** 2 + ((phi - p + np.pi) % (2 * np.pi) - np.pi) ** 2 > CORE_RADIUS**2 for e, p in taken):
            taken.append((eta, phi))
    return taken


def find_cores(particles: VertexParticles, min_pt_gev: float = MIN_CORE_PT_GEV) -> VertexParticles:
    """The windows (radius 0.4) around all cores; ``event`` counts the cores from 0.

    Positions are kept relative to the core's centre: ``eta`` and ``phi_rad`` are differences, since the
    generator places a core anywhere (a boost along the beam changes neither pT nor differences of eta).
    """
    pieces: list[VertexParticles] = []
    starts = np.flatnonzero(np.diff(particles.event, prepend=-1))
    for first, last in zip(starts, np.append(starts[1:], len(particles)), strict=True):
        event = particles.take(np.arange(first, last))
        for eta, phi in event_cores(event, min_pt_gev):
            near = event.take(_distance2(event, eta, phi) < WINDOW_RADIUS**2)
            turn = (near.phi_rad - phi + np.pi) % (2 * np.pi) - np.pi
            number = np.full(len(near), len(pieces), dtype=np.int32)
            pieces.append(VertexParticles(number, near.pid, near.pt_gev, near.eta - eta, turn))
    if not pieces:
        return particles.take(np.zeros(0, dtype=np.int64))
    return VertexParticles(**{f.name: np.concatenate([getattr(p, f.name) for p in pieces]) for f in fields(particles)})
