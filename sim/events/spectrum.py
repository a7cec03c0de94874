"""A parametrised pile-up spectrum, for use without any event generator's output.

Flat in pseudorapidity and azimuth, an exponential with a power-law tail in pT, and half photons. It knows
nothing of jets; a core is one neutral pion of a power-law pT with some softer particles around. All numbers
are assumptions.
"""

from __future__ import annotations

import numpy as np

from sim.events.cores import MIN_CORE_PT_GEV, VertexParticles

_EVENTS = 1500
_PER_EVENT = 36.0  # visible particles of pT > 0.2 GeV in both endcaps, 1.3 < |eta| < 3.2
_CORES = 4000
_SEED = 20260101  # the pool is one fixed list, as a file would be
_ETA = (1.3, 3.2)
_PION_GEV = 0.135
_PID, _PID_SHARE = (22, 211, -211, 130, 2112), (0.45, 0.21, 0.21, 0.06, 0.07)


def parametrised_minbias() -> VertexParticles:
    """1,500 collisions; always the same list."""
    rng = np.random.default_rng(_SEED)
    # multiplicities fluctuate about as much as their mean
    count = rng.poisson(rng.gamma(1.5, _PER_EVENT / 1.5, _EVENTS))
    n = int(count.sum())
    hard = rng.random(n) < 0.02
    pt = 0.2 + np.where(hard, 0.8 * (rng.random(n) ** (-1 / 3.5) - 1), rng.exponential(0.3, n))
    eta = rng.uniform(*_ETA, n) * rng.choice([-1, 1], n)
    return VertexParticles(
        np.repeat(np.arange(_EVENTS), count),
        rng.choice(_PID, n, p=_PID_SHARE),
        pt,
        eta,
        rng.uniform(-np.pi, np.pi, n),
    )


def parametrised_cores() -> VertexParticles:
    """4,000 cores; always the same list. Positions are relative to the core's centre."""
    rng = np.random.default_rng(_SEED + 1)
    pt = MIN_CORE_PT_GEV * rng.random(_CORES) ** (-1 / 3.5)
    share = rng.uniform(0.02, 0.98, _CORES)
    opening = _PION_GEV / (pt * np.sqrt(share * (1 - share)))
    angle = rng.uniform(-np.pi, np.pi, _CORES)
    core = np.arange(_CORES)
    photon = np.full(_CORES, 22)
    count = rng.poisson(6, _CORES)
    n = int(count.sum())
    soft = VertexParticles(
        np.repeat(core, count),
        rng.choice(_PID, n, p=_PID_SHARE),
        0.2 + rng.exponential(1.2, n),
        0.2 * rng.standard_normal(n),
        0.2 * rng.standard_normal(n),
    )
    lever = ((1 - share) * opening, -share * opening)
    photons = [
        VertexParticles(core, photon, part * pt, arm * np.cos(angle), arm * np.sin(angle))
        for part, arm in zip((share, 1 - share), lever, strict=True)
    ]
    columns = {
        name: np.concatenate([getattr(part, name) for part in (*photons, soft)])
        for name in ("event", "pid", "pt_gev", "eta", "phi_rad")
    }
    everything = VertexParticles(**columns)
    return everything.take(np.argsort(everything.event, kind="stable"))
