"""Random objects of about the right size, with no physics in them: for tests and for trying a network's shapes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.events.objects.layout import GROUPS, N_OBJECTS

_MAX_ABS_ETA = {"met": 0.0, "electron": 3.0, "muon": 2.1, "jet": 4.0}
_MEAN_NUMBER = {"electron": 0.7, "muon": 0.7, "jet": 2.5}
_SOFTEST_GEV = {"met": 0.0, "electron": 3.0, "muon": 3.0, "jet": 15.0}


def example_objects(n_events: int, seed: int) -> NDArray[np.float32]:
    """Objects of shape (N, 19, 3): groups that fall in pT, empty slots that are zero, at least one lepton."""
    rng = np.random.default_rng(seed)
    objects = np.zeros((n_events, N_OBJECTS, 3), dtype=np.float32)
    for group in GROUPS:
        shape = (n_events, group.size)
        pt = _SOFTEST_GEV[group.name] + rng.exponential(20.0, shape)
        eta = rng.uniform(-1, 1, shape) * _MAX_ABS_ETA[group.name]
        phi = rng.uniform(-np.pi, np.pi, shape)
        number = rng.poisson(_MEAN_NUMBER.get(group.name, 0.0), n_events) + (group.name in ("met", "electron"))
        there = np.arange(group.size) < number[:, None]
        values = np.stack([-np.sort(-pt, axis=1), eta, phi], axis=2)
        objects[:, group.slots] = np.where(there[:, :, None], values, 0)
    objects[:, 1, 0] += 23.0
    return objects
