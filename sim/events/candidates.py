"""The particles of a cluster candidate: electrons, photons and pions at the calorimeter face, or a pile-up
core."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.events.particles import CHARGED_HADRON, ELECTRON, PHOTON, Particles, at_face
from sim.events.settings import ShowerSettings

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Candidates:
    """Particles grouped by candidate (``particles.event`` counts them) and each candidate's axis, shape (N,
    2)."""

    particles: Particles
    centre: Array


def _kinematics(
    n: int, settings: ShowerSettings, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    low, high = settings.signal_pt_gev
    u, rise = rng.random(n), 1 - settings.signal_pt_power
    if abs(rise) < 1e-6:
        pt = low * (high / low) ** u
    else:
        pt = (low**rise + u * (high**rise - low**rise)) ** (1 / rise)
    eta = rng.uniform(*settings.eta_range, n)
    return pt, eta, rng.uniform(-np.pi, np.pi, n)


def _assemble(
    pt: NDArray[np.float64],
    eta: NDArray[np.float64],
    phi: NDArray[np.float64],
    shares: list[NDArray[np.float64]],
    shifts: list[NDArray[np.float64]],
    kinds: list[NDArray[np.int8]],
) -> Candidates:
    """Candidates of several straight pieces, each with a share of the energy and a shift in azimuth
    (radians)."""
    n = len(pt)
    share, shift = np.stack(shares, axis=1).ravel(), np.stack(shifts, axis=1).ravel()
    kind = np.stack(kinds, axis=1).ravel()
    owner = np.repeat(np.arange(n, dtype=np.int32), len(shares))
    x, y = at_face(pt[owner], eta[owner], phi[owner] + shift, np.zeros(len(owner), dtype=np.int8))
    energy = share * (pt * np.cosh(eta))[owner]
    keep = share > 0
    particles = Particles(owner, x, y, energy.astype(np.float32), kind).take(keep)
    weights = np.bincount(particles.event, particles.energy_gev, minlength=n)
    centre = np.stack(
        [
            np.bincount(particles.event, particles.energy_gev * c, minlength=n) / weights
            for c in (particles.x, particles.y)
        ],
        axis=1,
    )
    return Candidates(particles, centre.astype(np.float32))


def _bend(pt: NDArray[np.float64], eta: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shift in azimuth of a unit charge between vertex and calorimeter face, in radians."""
    x, y = at_face(pt, eta, np.zeros(len(pt)), np.ones(len(pt), dtype=np.int8))
    return -np.arctan2(y, x).astype(np.float64)


def electrons(n: int, settings: ShowerSettings, rng: np.random.Generator) -> Candidates:
    """Electrons that may have radiated in the tracker.

    The energy kept after t radiation lengths follows Bethe and Heitler, ``-ln z ~ Gamma(t / ln 2)``. What was
    radiated leaves in one photon at a uniform point u of the path (an assumption) and flies on straight.
    """
    pt, eta, phi = _kinematics(n, settings, rng)
    kept = np.exp(-rng.gamma(settings.tracker_x0 / np.log(2) + 1e-9, size=n))
    kept = np.maximum(kept, 0.02)
    u = rng.random(n)
    bend = _bend(pt, eta) * rng.choice([-1.0, 1.0], n)
    straight = bend * u * (2 - u)
    curved = straight + bend / kept * (1 - u) ** 2
    kinds = [np.full(n, ELECTRON, dtype=np.int8), np.full(n, PHOTON, dtype=np.int8)]
    return _assemble(pt, eta, phi, [kept, 1 - kept], [curved, straight], kinds)


def photons(n: int, settings: ShowerSettings, rng: np.random.Generator) -> Candidates:
    """Photons that may have converted in the tracker, with probability ``1 - exp(-7/9 t)`` at a uniform
    point.

    Electron and positron share the energy uniformly between 5 and 95% (an assumption) and bend apart.
    """
    pt, eta, phi = _kinematics(n, settings, rng)
    converted = rng.random(n) < 1 - np.exp(-7 / 9 * settings.tracker_x0)
    share = np.where(converted, rng.uniform(0.05, 0.95, n), 1.0)
    lever = _bend(pt, eta) * (1 - rng.random(n)) ** 2
    kind = np.where(converted, ELECTRON, PHOTON).astype(np.int8)
    first = np.where(converted, lever / share, 0.0)
    second = np.where(converted, -lever / np.where(converted, 1 - share, 1.0), 0.0)
    return _assemble(pt, eta, phi, [share, 1 - share], [first, second], [kind, kind])


def pions(n: int, settings: ShowerSettings, rng: np.random.Generator) -> Candidates:
    """Single charged pions with the signal's spectrum; their direction at the calorimeter is the drawn
    one."""
    pt, eta, phi = _kinematics(n, settings, rng)
    kind = np.full(n, CHARGED_HADRON, dtype=np.int8)
    return _assemble(pt, eta, phi, [np.ones(n)], [np.zeros(n)], [kind])
