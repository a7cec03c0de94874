"""What the detector sees of an event's particles: leptons, tracks, towers, and which leptons are isolated.

A fast simulation after Delphes, for many events at once. No pile-up, no magnetic field; a track takes its whole
hadron out of the calorimeter.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.events.objects.detector_settings import DetectorSettings
from sim.events.objects.record import Particles
from sim.events.objects.resolution import (
    ecal_sigma_gev,
    hcal_sigma_gev,
    muon_relative_sigma,
    smear,
    track_relative_sigma,
)

_PHOTON_LIKE = (11, 22)
_FORWARD = 3.0
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Seen:
    """Measured massless things; an event's are not sorted.

    Attributes
    ----------
    event : int64 array, shape (P,)
    pt_gev, eta, phi_rad : float64 arrays, shape (P,)
    kind : int64 array, shape (P,)
        11 electron, 13 muon, 0 anything else.
    """

    event: NDArray[np.int64]
    pt_gev: Floats
    eta: Floats
    phi_rad: Floats
    kind: NDArray[np.int64]

    def take(self, index: NDArray) -> Seen:
        """Those of a mask or an index."""
        return Seen(self.event[index], self.pt_gev[index], self.eta[index], self.phi_rad[index], self.kind[index])


def _passes(abs_eta: Floats, efficiency: tuple[float, float], rng: np.random.Generator) -> NDArray[np.bool_]:
    return np.asarray(rng.random(len(abs_eta)) < np.where(abs_eta <= 1.5, *efficiency))


def measure_leptons(
    particles: Particles, settings: DetectorSettings, rng: np.random.Generator
) -> tuple[Seen, NDArray[np.bool_]]:
    """Electrons and muons that are found, and which particles those were, shape (P,)."""
    abs_eta = np.abs(particles.eta)
    electron = (particles.pid == 11) & (abs_eta < settings.electron_max_abs_eta)
    muon = (particles.pid == 13) & (abs_eta < settings.muon_max_abs_eta)
    # half the cut: a lepton never gains a factor two
    candidate = np.flatnonzero((electron | muon) & (particles.pt_gev > settings.lepton_min_pt_gev / 2))
    is_muon = particles.pid[candidate] == 13
    found = np.where(
        is_muon,
        _passes(abs_eta[candidate], settings.muon_efficiency, rng),
        _passes(abs_eta[candidate], settings.electron_efficiency, rng),
    )
    chosen = candidate[found]
    is_muon, pt, eta = is_muon[found], particles.pt_gev[chosen], particles.eta[chosen]
    sigma = np.where(
        is_muon,
        muon_relative_sigma(pt, eta) * pt,
        ecal_sigma_gev(particles.energy_gev[chosen], eta) / np.cosh(eta),
    )
    pt = smear(pt, sigma, rng)
    listed = pt > settings.lepton_min_pt_gev
    used = np.zeros(len(particles.pid), dtype=bool)
    used[chosen[listed]] = True
    seen = Seen(particles.event[chosen], pt, eta, particles.phi_rad[chosen], np.where(is_muon, 13, 11)).take(listed)
    return seen, used


def _towers(particles: Particles, electromagnetic: bool, settings: DetectorSettings, rng: np.random.Generator) -> Seen:
    """Energy summed in towers, smeared, and cut; each at the energy-weighted direction of what is in it."""
    cell = np.where(
        np.abs(particles.eta) < _FORWARD,
        settings.ecal_cell if electromagnetic else settings.hcal_cell,
        settings.forward_cell,
    )
    row = np.floor(particles.eta / cell).astype(np.int64) + 1024
    column = np.floor((particles.phi_rad + np.pi) / cell).astype(np.int64)
    key = (particles.event * 2048 + row) * 1024 + column
    towers, index = np.unique(key, return_inverse=True)
    energy = np.asarray(np.bincount(index, particles.energy_gev, len(towers)), dtype=np.float64)
    eta = np.bincount(index, particles.energy_gev * particles.eta, len(towers)) / energy
    phi = np.bincount(index, particles.energy_gev * particles.phi_rad, len(towers)) / energy
    sigma_gev = ecal_sigma_gev if electromagnetic else hcal_sigma_gev
    measured = smear(energy, sigma_gev(energy, eta), rng)
    least = settings.ecal_min_gev if electromagnetic else settings.hcal_min_gev
    read = (measured > least) & (measured > settings.min_significance * sigma_gev(measured, eta))
    event = towers // (2048 * 1024)
    return Seen(event, measured / np.cosh(eta), eta, phi, np.zeros(len(towers), dtype=np.int64)).take(read)


def measure_rest(
    particles: Particles, used: NDArray[np.bool_], settings: DetectorSettings, rng: np.random.Generator
) -> Seen:
    """Tracks and towers of all that is no listed lepton; muons that are not listed leave nothing."""
    rest = particles.take(~used & (particles.pid != 13))
    abs_eta = np.abs(rest.eta)
    photon_like = np.isin(rest.pid, _PHOTON_LIKE)
    may_track = (
        rest.charged & ~photon_like & (abs_eta < settings.track_max_abs_eta) & (rest.pt_gev > settings.track_min_pt_gev)
    )
    tracked = may_track & np.where(
        rest.pt_gev > 1.0,
        _passes(abs_eta, settings.track_efficiency, rng),
        _passes(abs_eta, settings.soft_track_efficiency, rng),
    )
    charged = rest.take(tracked)
    pt = smear(charged.pt_gev, track_relative_sigma(charged.pt_gev, charged.eta) * charged.pt_gev, rng)
    tracks = Seen(charged.event, pt, charged.eta, charged.phi_rad, np.zeros(len(pt), dtype=np.int64))
    ecal = _towers(rest.take(photon_like), True, settings, rng)
    hcal = _towers(rest.take(~photon_like & ~tracked), False, settings, rng)
    return joined_seen(tracks, ecal, hcal)


def joined_seen(*parts: Seen) -> Seen:
    """All of several lists."""
    names = ("event", "pt_gev", "eta", "phi_rad", "kind")
    return Seen(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def isolated(leptons: Seen, rest: Seen, settings: DetectorSettings) -> NDArray[np.bool_]:
    """Which leptons have little around them, other leptons included; shape of `leptons`."""
    around = joined_seen(leptons, rest)
    around_index = np.arange(len(around.event))
    answer = np.zeros(len(leptons.event), dtype=bool)
    for i in range(len(leptons.event)):
        same = around.event == leptons.event[i]
        distance_phi = np.abs(around.phi_rad - leptons.phi_rad[i])
        distance_phi = np.minimum(distance_phi, 2 * np.pi - distance_phi)
        near = np.hypot(around.eta - leptons.eta[i], distance_phi) < settings.isolation_cone
        counts = same & near & (around.pt_gev > settings.isolation_min_pt_gev) & (around_index != i)
        answer[i] = around.pt_gev[counts].sum() < settings.isolation_max * leptons.pt_gev[i]
    return answer
