"""From an event's particles to its 19 objects."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.events.objects.detector import Seen, isolated, joined_seen, measure_leptons, measure_rest
from sim.events.objects.detector_settings import DetectorSettings
from sim.events.objects.jets import anti_kt
from sim.events.objects.layout import ELECTRON, JET, MUON, N_OBJECTS, Group
from sim.events.objects.record import Particles


def _fill(
    objects: NDArray[np.float32],
    group: Group,
    event: NDArray[np.int64],
    values: NDArray[np.float64],
) -> None:
    """Put the hardest of each event into the group's slots; `values` has shape (P, 3)."""
    order = np.lexsort((-values[:, 0], event))
    event, values = event[order], values[order]
    rank = np.arange(len(event)) - np.searchsorted(event, event)
    kept = rank < group.size
    objects[event[kept], group.first + rank[kept]] = values[kept]


def _values(seen: Seen) -> NDArray[np.float64]:
    return np.stack([seen.pt_gev, seen.eta, seen.phi_rad], axis=1)


def _missing(flow: Seen, n_events: int) -> NDArray[np.float64]:
    x = -np.bincount(flow.event, flow.pt_gev * np.cos(flow.phi_rad), n_events)
    y = -np.bincount(flow.event, flow.pt_gev * np.sin(flow.phi_rad), n_events)
    return np.stack([np.hypot(x, y), np.zeros(n_events), np.arctan2(y, x)], axis=1)


def _jets(flow: Seen, n_events: int, settings: DetectorSettings) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    pt = flow.pt_gev
    momenta = np.stack(
        [pt * np.cos(flow.phi_rad), pt * np.sin(flow.phi_rad), pt * np.sinh(flow.eta), pt * np.cosh(flow.eta)],
        axis=1,
    )
    # the correction at most doubles what is above 5 GeV, so nothing that counts is cut here
    event, p = anti_kt(n_events, flow.event, momenta, settings.jet_radius, min(5.0, settings.jet_min_pt_gev / 3))
    pt = np.hypot(p[:, 0], p[:, 1])
    eta = np.arcsinh(p[:, 2] / pt)
    a, b = settings.jet_scale
    pt = pt * np.sqrt((a - b * np.abs(eta)) ** 2 / pt + 1)
    kept = (pt > settings.jet_min_pt_gev) & (np.abs(eta) < settings.jet_max_abs_eta)
    return event[kept], np.stack([pt, eta, np.arctan2(p[:, 1], p[:, 0])], axis=1)[kept]


def reconstruct(
    particles: Particles, settings: DetectorSettings, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The events with a trigger lepton, and their objects.

    Parameters
    ----------
    particles : Particles
    settings : DetectorSettings
    rng : numpy.random.Generator

    Returns
    -------
    event : int64 array, shape (S,)
        Numbers of the selected events, rising.
    objects : float32 array, shape (S, 19, 3)
        pT in GeV, eta, phi in rad; empty slots are zero.
    """
    leptons, used = measure_leptons(particles, settings, rng)
    # most events end here, before anything slow
    hard = np.unique(leptons.event[leptons.pt_gev > settings.trigger_pt_gev])
    leptons = leptons.take(np.isin(leptons.event, hard))
    within = np.isin(particles.event, hard)
    rest = measure_rest(particles.take(within), used[within], settings, rng)
    alone = isolated(leptons, rest, settings)
    chosen = np.unique(leptons.event[alone & (leptons.pt_gev > settings.trigger_pt_gev)])
    if len(chosen) == 0:
        return chosen, np.zeros((0, N_OBJECTS, 3), dtype=np.float32)
    of_chosen = np.isin(leptons.event, chosen)
    leptons, alone = leptons.take(of_chosen), alone[of_chosen]
    rest = rest.take(np.isin(rest.event, chosen))
    # from here on events are numbered as rows of the result
    renumber = np.zeros(particles.n_events, dtype=np.int64)
    renumber[chosen] = np.arange(len(chosen))
    leptons = Seen(renumber[leptons.event], *(getattr(leptons, n) for n in ("pt_gev", "eta", "phi_rad", "kind")))
    rest = Seen(renumber[rest.event], *(getattr(rest, n) for n in ("pt_gev", "eta", "phi_rad", "kind")))
    objects = np.zeros((len(chosen), N_OBJECTS, 3), dtype=np.float32)
    objects[:, 0] = _missing(joined_seen(leptons, rest), len(chosen))
    for group, kind in ((ELECTRON, 11), (MUON, 13)):
        listed = leptons.take(alone & (leptons.kind == kind))
        _fill(objects, group, listed.event, _values(listed))
    event, jets = _jets(joined_seen(leptons.take(~alone), rest), len(chosen), settings)
    _fill(objects, JET, event, jets)
    return chosen, objects
