"""Anti-kT jets. fastjet is optional and GPL: it is imported here, when jets are asked for, and nowhere else."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.events.errors import UserError

PACKAGE = "fastjet"


def _fastjet() -> Any:
    """The package, with the banner that it prints at the first use turned off."""
    try:
        import fastjet
    except ImportError as error:
        raise UserError(
            f"source must be 'shipped' or 'files' where fastjet is not installed ({error}); "
            f"install it with: pip install {PACKAGE}"
        ) from error
    # the banner goes to a C++ stream; a null pointer for it is fastjet's own way to have none
    fastjet._swig.ClusterSequence.set_fastjet_banner_stream(None)
    return fastjet


def anti_kt(
    n_events: int, event: NDArray[np.int64], momenta: NDArray[np.float64], radius: float, min_pt_gev: float
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Anti-kT jets of many events.

    Parameters
    ----------
    n_events : int
    event : int64 array, shape (P,)
        0 to `n_events` - 1.
    momenta : float64 array, shape (P, 4)
        px, py, pz, energy in GeV.
    radius : float
    min_pt_gev : float
        Softer jets are left out.

    Returns
    -------
    event : int64 array, shape (J,)
    momenta : float64 array, shape (J, 4)
    """
    import awkward as ak

    fastjet = _fastjet()
    event_ids, counts = np.unique(event, return_counts=True)
    if len(event_ids) == 0:
        return np.zeros(0, dtype=np.int64), np.zeros((0, 4))
    order = np.argsort(event, kind="stable")
    columns = dict(zip(("px", "py", "pz", "E"), momenta[order].T, strict=True))
    definition = fastjet.JetDefinition(fastjet.antikt_algorithm, radius)
    jets = fastjet.ClusterSequence(ak.unflatten(ak.zip(columns), counts), definition).inclusive_jets(min_pt_gev)
    found = np.stack([ak.to_numpy(ak.flatten(jets[name])).astype(np.float64) for name in columns], axis=1)
    return np.repeat(event_ids, ak.to_numpy(ak.num(jets))), found
