"""The stable visible particles of Pythia's events, as flat arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

NEUTRINOS = (12, 14, 16)


@dataclass(frozen=True)
class Particles:
    """Stable visible particles of `n_events` events.

    Attributes
    ----------
    n_events : int
    event : int64 array, shape (P,)
        0 to `n_events` - 1, rising.
    pid : int64 array, shape (P,)
        PDG code without its sign.
    charged : bool array, shape (P,)
    pt_gev, eta, phi_rad, energy_gev : float64 arrays, shape (P,)
    """

    n_events: int
    event: NDArray[np.int64]
    pid: NDArray[np.int64]
    charged: NDArray[np.bool_]
    pt_gev: NDArray[np.float64]
    eta: NDArray[np.float64]
    phi_rad: NDArray[np.float64]
    energy_gev: NDArray[np.float64]

    def take(self, index: NDArray) -> Particles:
        """The particles of a mask or an index; the events keep their numbers."""
        return Particles(
            self.n_events,
            *(
                getattr(self, name)[index]
                for name in ("event", "pid", "charged", "pt_gev", "eta", "phi_rad", "energy_gev")
            ),
        )


def is_charged(pid: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether stable hadrons and leptons of these codes carry charge.

    By the quarks in the code: a meson is charged if one quark is up-like and the other down-like; a baryon if the
    charges of its three do not cancel.
    """
    code = np.abs(pid)
    q1, q2, q3 = code // 1000 % 10, code // 100 % 10, code // 10 % 10
    third = np.where(np.arange(10) % 2 == 0, 2, -1)  # charge of a quark, in thirds
    third[0] = 0
    baryon = third[q1] + third[q2] + third[q3]
    meson = third[q2] - third[q3]
    hadron = np.where(q1 > 0, baryon, meson) != 0
    return np.where(code < 100, np.isin(code, (11, 13, 15)), hadron)


def visible_particles(batch: Any, max_abs_eta: float) -> tuple[Particles, NDArray[np.float64]]:
    """Stable visible particles of a batch of Pythia, and the weight of each event.

    Parameters
    ----------
    batch : awkward array
        What ``Pythia.nextBatch`` gives.
    max_abs_eta : float
        Particles beyond it are lost.
    """
    import awkward as ak

    particles = batch.prt
    n_events = len(batch)
    event = np.repeat(np.arange(n_events), ak.to_numpy(ak.num(particles)))
    status = ak.to_numpy(ak.flatten(particles.status))
    pid = np.abs(ak.to_numpy(ak.flatten(particles.id)).astype(np.int64))
    kept = (status > 0) & ~np.isin(pid, NEUTRINOS)
    px, py, pz, energy = (ak.to_numpy(ak.flatten(particles.p[c]))[kept] for c in ("px", "py", "pz", "e"))
    event, pid = event[kept], pid[kept]
    pt = np.hypot(px, py)
    inside = np.abs(pz) < np.sinh(max_abs_eta) * pt
    pt, pid = pt[inside], pid[inside]
    found = Particles(
        n_events,
        event[inside],
        pid,
        is_charged(pid),
        pt,
        np.arcsinh(pz[inside] / pt),
        np.arctan2(py[inside], px[inside]),
        energy[inside],
    )
    weights = ak.to_numpy(ak.firsts(batch.info.weights)) if n_events else np.zeros(0)
    return found, np.asarray(weights, dtype=np.float64)
