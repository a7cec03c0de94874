"""A table of clusters: the shape variables of each, its label and its kinematics."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

KINDS = ("electron", "photon", "pion", "pileup")
ELECTRON, PHOTON, PION, PILEUP = range(4)
UNKNOWN = -1  # a user's table does not say


@dataclass(frozen=True)
class ClusterTable:
    """Clusters, one a row.

    Attributes
    ----------
    names : tuple of str
        Names of the columns of `features`, in the order of the feature table.
    features : float32 array, shape (N, F)
        Shape variables in the units of the feature table.
    label : int8 array, shape (N,)
        1 electron or photon, 0 background.
    kind : int8 array, shape (N,)
        0 electron, 1 photon, 2 pion, 3 pile-up (`KINDS`), -1 unknown.
    pt_gev, eta : float32 arrays, shape (N,)
        Transverse momentum in GeV and pseudorapidity; NaN where a user's table has none.
    """

    names: tuple[str, ...]
    features: NDArray[np.float32]
    label: NDArray[np.int8]
    kind: NDArray[np.int8]
    pt_gev: NDArray[np.float32]
    eta: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.label)

    def column(self, name: str) -> NDArray[np.float32]:
        """One shape variable, shape (N,)."""
        return self.features[:, self.names.index(name)]

    def columns(self, names: tuple[str, ...] | list[str]) -> NDArray[np.float32]:
        """Some shape variables in the order asked for, shape (N, len(names))."""
        return self.features[:, [self.names.index(name) for name in names]]

    def take(self, index: NDArray[np.integer] | NDArray[np.bool_]) -> ClusterTable:
        """The rows at `index` (positions or a mask)."""
        return ClusterTable(
            self.names,
            self.features[index],
            self.label[index],
            self.kind[index],
            self.pt_gev[index],
            self.eta[index],
        )


def concatenate(tables: list[ClusterTable]) -> ClusterTable:
    """Several tables with the same columns, one below the other."""
    columns = [
        np.concatenate([getattr(table, name) for table in tables])
        for name in ("features", "label", "kind", "pt_gev", "eta")
    ]
    return ClusterTable(tables[0].names, *columns)
