"""Find the local concentrations of energy in minimum-bias events: the seeds of pile-up clusters.

A cluster above 10 GeV made of pile-up alone is rare (some 1e-2 an interaction), so the generator does not wait for one:
it draws from a list of such `cores`, each with all its neighbours of the same interaction.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .particles import Particles, transverse

CORE_RADIUS = 0.015
WINDOW_RADIUS = 0.045
_SEED_PT_GEV = 1.0


def find_cores(particles: Particles, min_pt_gev: float) -> NDArray[np.int64]:
    """Local maxima of energy in each event.

    A core is a particle of pT > 1 GeV around which the particles of the same event within 0.015 in the projected plane
    (4.8 cm at the face) sum to `min_pt_gev`. Around one core no second one is taken within the same radius; the one
    with the larger sum wins.

    Returns
    -------
    index : int64 array, shape (C, 3)
        For every core its central particle and the range [first, last) of its event's particles.
    """
    pt = particles.pt_gev
    starts = np.searchsorted(particles.event, particles.event, side="left")
    stops = np.searchsorted(particles.event, particles.event, side="right")
    found: list[tuple[int, int, int]] = []
    # only events with enough in all need the quadratic look
    total = np.zeros(int(particles.event[-1]) + 1 if len(particles) else 0)
    np.add.at(total, particles.event, pt)
    seeds = np.flatnonzero((pt > _SEED_PT_GEV) & (total[particles.event] >= min_pt_gev))
    for event in np.unique(particles.event[seeds]):
        in_event = seeds[particles.event[seeds] == event]
        first, last = int(starts[in_event[0]]), int(stops[in_event[0]])
        x, y, weight = particles.x[first:last], particles.y[first:last], pt[first:last]
        distance = np.hypot(x[None, :] - particles.x[in_event, None], y[None, :] - particles.y[in_event, None])
        sums = (distance < CORE_RADIUS) @ weight
        taken: list[int] = []
        for k in np.argsort(-sums, kind="stable"):
            if sums[k] < min_pt_gev:
                break
            seed = int(in_event[k])
            if all(np.hypot(particles.x[seed] - particles.x[t], particles.y[seed] - particles.y[t]) > CORE_RADIUS
                   for t in taken):
                taken.append(seed)
        found.extend((seed, first, last) for seed in taken)
    return np.array(found, dtype=np.int64).reshape(-1, 3)


def core_windows(particles: Particles, cores: NDArray[np.int64]) -> tuple[Particles, NDArray[np.int64]]:
    """The particles of every core's event within the window radius (0.045, 14 cm) of its centre.

    The centre is the pT-weighted mean position of the particles within the core radius.

    Returns
    -------
    windows : Particles
        ``event`` counts the cores from 0.
    source : int64 array
        Where each particle stands in `particles`.
    """
    pieces: list[NDArray[np.int64]] = []
    numbers: list[NDArray[np.int32]] = []
    for number, (seed, first, last) in enumerate(cores):
        x, y = particles.x[first:last], particles.y[first:last]
        weight = transverse(particles.energy_gev[first:last], x, y)
        near = np.hypot(x - particles.x[seed], y - particles.y[seed]) < CORE_RADIUS
        cx, cy = np.average(x[near], weights=weight[near]), np.average(y[near], weights=weight[near])
        inside = np.flatnonzero(np.hypot(x - cx, y - cy) < WINDOW_RADIUS) + first
        pieces.append(inside)
        numbers.append(np.full(len(inside), number, dtype=np.int32))
    source = np.concatenate(pieces) if pieces else np.zeros(0, dtype=np.int64)
    windows = particles.take(source)
    event = np.concatenate(numbers) if numbers else np.zeros(0, dtype=np.int32)
    return Particles(event, windows.x, windows.y, windows.energy_gev, windows.kind), source
