"""Collisions whose taus or heavy hadrons decay several times over, for processes that seldom leave a hard lepton.

Making a collision takes Pythia fifty times as long as decaying those few particles. So each collision is decayed a
number of times; of the decays that pass the selection one is kept, and it counts for the share of decays that passed.
Weighted like this the events are distributed as those of one decay each, and no two events share a collision.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.events.objects.record import NEUTRINOS, Particles, is_charged

Row = tuple[int, int, float, float, float, float]


def _rows(event: Any, number: int, indices: range, skipped: frozenset[int], max_abs_eta: float) -> list[Row]:
    """Stable visible particles among the entries of a record."""
    rows = []
    for i in indices:
        particle = event[i]
        if not particle.isFinal():
            continue
        pid = particle.idAbs()
        if pid in NEUTRINOS or pid in skipped:
            continue
        eta = particle.eta()
        if abs(eta) < max_abs_eta:
            rows.append((number, pid, particle.pT(), eta, particle.phi(), particle.e()))
    return rows


def _has_lepton(event: Any, indices: range, min_pt_gev: float) -> bool:
    for i in indices:
        particle = event[i]
        if particle.idAbs() in (11, 13) and particle.isFinal() and particle.pT2() > min_pt_gev**2:
            return True
    return False


def decayed_collisions(
    generator: Any, n_events: int, unstable: Sequence[int], n_decays: int, min_lepton_pt_gev: float, max_abs_eta: float
) -> tuple[Particles, NDArray[np.int64], NDArray[np.float64]]:
    """Collisions with their decays.

    Parameters
    ----------
    generator : Pythia
        Initialised.
    n_events : int
        Collisions to try; those that fail are left out.
    unstable : sequence of int
        PDG codes of what is decayed again and again.
    n_decays : int
        How often.
    min_lepton_pt_gev : float
        Decays without an electron or muon above it are left out.
    max_abs_eta : float
        Particles beyond it are lost.

    Returns
    -------
    particles : Particles
        Each decay that has a lepton is an event.
    collision : int64 array, shape (particles.n_events,)
        The collision that each belongs to.
    weight : float64 array, shape (collisions,)
        Pythia's weight of each collision.
    """
    import pythia8mc  # type: ignore[import-not-found,unused-ignore]  # optional, GPL

    heavy = frozenset(unstable)
    record = generator.event
    collision: list[int] = []
    weights: list[float] = []
    rows: list[Row] = []
    for _ in range(n_events):
        for pid in unstable:
            generator.particleData.mayDecay(pid, False)
        if not generator.next():
            continue
        for pid in unstable:
            generator.particleData.mayDecay(pid, True)
        weights.append(generator.infoPython().weight())
        undecayed = pythia8mc.Event(record)
        size = undecayed.size()
        always = _has_lepton(undecayed, range(size), min_lepton_pt_gev)
        shared: list[Row] | None = None
        for _ in range(n_decays):
            record.assign(undecayed)
            if not generator.moreDecays():
                raise RuntimeError("Pythia failed to decay a collision once more")
            new = range(size, record.size())
            if not always and not _has_lepton(record, new, min_lepton_pt_gev):
                continue
            if shared is None:
                shared = _rows(undecayed, 0, range(size), heavy, max_abs_eta)
            number = len(collision)
            collision.append(len(weights) - 1)
            rows += [(number, *row[1:]) for row in shared]
            rows += _rows(record, number, new, frozenset(), max_abs_eta)
    table = np.array(rows, dtype=np.float64).reshape(-1, 6)
    codes = table[:, 1].astype(np.int64)
    particles = Particles(
        len(collision),
        table[:, 0].astype(np.int64),
        codes,
        is_charged(codes),
        *(table[:, i].copy() for i in range(2, 6)),
    )
    return particles, np.array(collision, dtype=np.int64), np.array(weights)
