"""Resolutions of the simulated detector: the formulas of the public Delphes card of CMS."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


def ecal_sigma_gev(energy_gev: Values, eta: Values) -> Values:
    """Resolution of an electromagnetic energy.

    The card's formula of the endcap ends at 2.5; here it goes to 3, where the crystals end.
    """
    a = np.abs(eta)
    crystals = np.sqrt((0.008 * energy_gev) ** 2 + 0.11**2 * energy_gev + 0.40**2)
    forward = np.sqrt((0.107 * energy_gev) ** 2 + 2.08**2 * energy_gev)
    central = np.where(a <= 1.5, 1 + 0.64 * a**2, 2.16 + 5.6 * (a - 2) ** 2)
    return np.where(a <= 3.0, central * crystals, forward)


def hcal_sigma_gev(energy_gev: Values, eta: Values) -> Values:
    """Resolution of a hadronic energy."""
    inner = np.sqrt((0.050 * energy_gev) ** 2 + 1.50**2 * energy_gev)
    forward = np.sqrt((0.130 * energy_gev) ** 2 + 2.70**2 * energy_gev)
    return np.where(np.abs(eta) <= 3.0, inner, forward)


def _track_like(pt_gev: Values, eta: Values, constant: tuple[float, ...], slope: tuple[float, ...]) -> Values:
    region = np.digitize(np.abs(eta), (0.5, 1.5), right=True)
    return np.hypot(np.array(constant)[region], np.array(slope)[region] * pt_gev)


def track_relative_sigma(pt_gev: Values, eta: Values) -> Values:
    """Relative resolution of the pT of a charged hadron's track."""
    return _track_like(pt_gev, eta, (0.010, 0.015, 0.025), (1.5e-4, 2.5e-4, 5.5e-4))


def muon_relative_sigma(pt_gev: Values, eta: Values) -> Values:
    """Relative resolution of a muon's pT."""
    return _track_like(pt_gev, eta, (0.010, 0.015, 0.025), (1.0e-4, 1.5e-4, 3.5e-4))


def smear(mean: Values, sigma: Values, rng: np.random.Generator) -> Values:
    """Random values of this mean and standard deviation, log-normal, so that none is negative."""
    spread2 = np.log1p((sigma / mean) ** 2)
    return mean * np.exp(np.sqrt(spread2) * rng.standard_normal(len(mean)) - spread2 / 2)
