"""A parametrised pile-up spectrum, for use without any event generator's output.

Flat in pseudorapidity and azimuth, an exponential with a power-law tail in pT, and half photons. It knows nothing of
jets; its cores are built as a few fragments of a power-law energy around one axis. All numbers are assumptions.
"""

from __future__ import annotations

import numpy as np

from .particles import Particles, at_face, charge_and_kind

_EVENTS = 3000
_PER_EVENT = 18.0  # visible particles of pT > 0.2 GeV in one endcap, 1.3 < eta < 3.2
_CORES = 6000
_SEED = 20260101  # the pool is one fixed list, as a file would be
_ETA = (1.3, 3.2)
_PID, _PID_SHARE = (22, 211, -211, 130, 2112), (0.45, 0.21, 0.21, 0.06, 0.07)


def _at_face(event: np.ndarray, pid: np.ndarray, pt: np.ndarray, eta: np.ndarray, phi: np.ndarray) -> Particles:
    charge, kind = charge_and_kind(pid)
    x, y = at_face(pt, eta, phi, charge)
    return Particles(event.astype(np.int32), x, y, (pt * np.cosh(eta)).astype(np.float32), kind)


def parametrised_minbias() -> Particles:
    """3,000 events of one endcap; always the same list."""
    rng = np.random.default_rng(_SEED)
    # negative-binomial multiplicities: as wide as they are high
    count = rng.poisson(rng.gamma(1.5, _PER_EVENT / 1.5, _EVENTS))
    n = int(count.sum())
    hard = rng.random(n) < 0.02
    pt = 0.2 + np.where(hard, 0.8 * (rng.random(n) ** (-1 / 3.5) - 1), rng.exponential(0.3, n))
    pid = rng.choice(_PID, n, p=_PID_SHARE)
    return _at_face(
        np.repeat(np.arange(_EVENTS), count), pid, pt, rng.uniform(*_ETA, n), rng.uniform(-np.pi, np.pi, n)
    )


def parametrised_cores() -> Particles:
    """6,000 cores above 5 GeV; always the same list."""
    rng = np.random.default_rng(_SEED + 1)
    total = 5 * rng.random(_CORES) ** (-1 / 3.5)
    count = 1 + rng.poisson(3, _CORES)
    owner = np.repeat(np.arange(_CORES), count)
    share = rng.exponential(size=len(owner)) ** 1.5
    share /= np.bincount(owner, share)[owner]
    pt = np.maximum(share * total[owner], 0.2)
    eta = rng.uniform(*_ETA, _CORES)[owner]
    phi = rng.uniform(-np.pi, np.pi, _CORES)[owner]
    # fragments of mass around the axis: the harder, the closer
    spread = 0.4 / (1 + pt)
    eta = np.clip(eta + spread * rng.standard_normal(len(owner)), 1.2, 3.4)
    phi = phi + spread * rng.standard_normal(len(owner))
    return _at_face(owner, rng.choice(_PID, len(owner), p=_PID_SHARE), pt, eta, phi)
