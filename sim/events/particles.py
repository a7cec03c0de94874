"""Particles at the face of the endcap calorimeter, and how they get there from the vertex.

A particle is described by its projected position ``(x, y) / z``: two numbers that a straight line from the
origin keeps through all layers, so that a cluster is a disc in this plane. Charged particles reach the face
along a helix.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

PHOTON, CHARGED_HADRON, NEUTRAL_HADRON, ELECTRON = 0, 1, 2, 3
MAGNETIC_FIELD_T = 3.8
FACE_Z_CM = 321.0
_GEV_PER_TESLA_METRE = 0.299792458
_INVISIBLE = (12, 13, 14, 16)  # neutrinos, and muons, which leave one minimum-ionising track and no shower


@dataclass(frozen=True)
class Particles:
    """A flat list of particles at the calorimeter face, grouped by event.

    Attributes
    ----------
    event : int32 array, shape (N,)
        Non-decreasing event number.
    x, y : float32 arrays, shape (N,)
        Projected position at the face, x/z and y/z, dimensionless.
    energy_gev : float32 array, shape (N,)
        Energy in GeV.
    kind : int8 array, shape (N,)
        0 photon, 1 charged hadron, 2 neutral hadron, 3 electron or positron.
    """

    event: NDArray[np.int32]
    x: NDArray[np.float32]
    y: NDArray[np.float32]
    energy_gev: NDArray[np.float32]
    kind: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.event)

    def take(self, index: NDArray[np.integer] | NDArray[np.bool_]) -> Particles:
        """The particles at `index` (positions or a mask), in that order."""
        return Particles(**{f.name: getattr(self, f.name)[index] for f in fields(self)})

    @property
    def pt_gev(self) -> NDArray[np.float32]:
        """Transverse momentum as the calorimeter sees it: energy times the sine of the polar angle."""
        return transverse(self.energy_gev, self.x, self.y)


def transverse(energy_gev: NDArray[np.float32], x: NDArray[np.float32], y: NDArray[np.float32]) -> NDArray[np.float32]:
    """Energy times the sine of the polar angle of the projected position (x, y), in GeV."""
    rho = np.hypot(x, y)
    return energy_gev * rho / np.sqrt(1 + rho * rho)


def charge_and_kind(pid: NDArray[np.integer]) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
    """Charge (-1, 0, 1) and shower kind (-1 where nothing showers) from PDG codes.

    Every long-lived particle that reaches the calorimeter carries a charge of 0 or +-1.
    """
    code = np.abs(np.asarray(pid, dtype=np.int64))
    charged_hadron = np.isin(code, (211, 321, 2212, 3112, 3222, 3312, 3334))
    electron = code == 11
    sign = np.sign(pid).astype(np.int8)
    charge = np.where(charged_hadron, sign, 0).astype(np.int8)
    charge[electron] = -sign[electron]
    # baryons whose PDG code and charge have opposite signs: Sigma-, Xi-, Omega-
    flipped = np.isin(code, (3112, 3312, 3334))
    charge[flipped] = -sign[flipped]
    kind = np.full(code.shape, NEUTRAL_HADRON, dtype=np.int8)
    kind[charged_hadron] = CHARGED_HADRON
    kind[electron] = ELECTRON
    kind[code == 22] = PHOTON
    kind[np.isin(code, _INVISIBLE)] = -1
    return charge, kind


def at_face(
    pt_gev: NDArray[np.floating],
    eta: NDArray[np.floating],
    phi: NDArray[np.floating],
    charge: NDArray[np.integer],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Projected position (x/z, y/z) at the calorimeter face of particles from the origin.

    The helix of a solenoid of 3.8 T along z: on the way to z the momentum turns by ``0.3 B z / p_z``, the
    position by half of that. Both endcaps are folded on one (|eta|).

    Parameters
    ----------
    pt_gev, eta, phi, charge : arrays, shape (N,)
        Transverse momentum in GeV, pseudorapidity, azimuth in radians, and charge in units of e.

    Returns
    -------
    x, y : float32 arrays, shape (N,)
    """
    sinh_eta = np.sinh(np.abs(np.asarray(eta, dtype=np.float64)))
    half_turn = 0.5e-2 * _GEV_PER_TESLA_METRE * MAGNETIC_FIELD_T * FACE_Z_CM * np.asarray(charge) / (pt_gev * sinh_eta)
    rho = np.sinc(half_turn / np.pi) / sinh_eta
    azimuth = np.asarray(phi, dtype=np.float64) - half_turn
    return (rho * np.cos(azimuth)).astype(np.float32), (rho * np.sin(azimuth)).astype(np.float32)
