"""The 19 objects of an event, in the layout of the public anomaly challenge of 2021 (arXiv:2107.02157).

Missing transverse energy, four electrons, four muons, ten jets; each group falls in pT, and a slot whose pT is
zero is empty. A file holds (pT, eta, phi, class) a slot; class is the code of the group, 0 where the slot is empty.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Group:
    """The slots of one kind of object.

    Attributes
    ----------
    name : str
    label : str
        The challenge's name of it, in the data set ``Particles_Classes``.
    code : int
        The fourth number of its objects.
    first, size : int
        Its slots.
    """

    name: str
    label: str
    code: int
    first: int
    size: int

    @property
    def slots(self) -> slice:
        """Its slots, as an index."""
        return slice(self.first, self.first + self.size)


MET = Group("met", "MET_class_1", 1, 0, 1)
ELECTRON = Group("electron", "Four_Ele_class_2", 2, 1, 4)
MUON = Group("muon", "Four_Mu_class_3", 3, 5, 4)
JET = Group("jet", "Ten_Jet_class_4", 4, 9, 10)
GROUPS = (MET, ELECTRON, MUON, JET)
N_OBJECTS = 19
FEATURES = ("pt_gev", "eta", "phi_rad")
SLOT_CODES = np.concatenate([np.full(group.size, group.code, dtype=np.int8) for group in GROUPS])

PARTICLES, NAMES, CLASSES, WEIGHTS = "Particles", "Particles_Names", "Particles_Classes", "Weights"
COLUMN_NAMES = ("Pt", "Eta", "Phi", "Class")


@dataclass(frozen=True)
class ObjectEvents:
    """Events of reconstructed objects.

    Attributes
    ----------
    objects : float32 array, shape (N, 19, 3)
        pT in GeV, eta, phi in rad from -pi to pi; empty slots are zero. The eta of the missing energy is zero.
    process : int8 array, shape (N,)
        Position in `process_names`.
    weight : float64 array, shape (N,)
        What the event counts for in its process, or in the mixture if it is one.
    process_names : tuple of str
    """

    objects: NDArray[np.float32]
    process: NDArray[np.int8]
    weight: NDArray[np.float64]
    process_names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.objects)

    @property
    def present(self) -> NDArray[np.bool_]:
        """Which slots hold an object, shape (N, 19)."""
        return np.asarray(self.objects[:, :, 0] > 0)

    def of(self, name: str) -> NDArray[np.bool_]:
        """Which events are of the process of this name, shape (N,)."""
        return np.asarray(self.process == self.process_names.index(name))

    def take(self, index: NDArray | slice) -> ObjectEvents:
        """The events of an index or a mask."""
        return ObjectEvents(self.objects[index], self.process[index], self.weight[index], self.process_names)


def joined(parts: Sequence[ObjectEvents]) -> ObjectEvents:
    """All events of several tables with the same names, in their order."""
    names = {part.process_names for part in parts}
    if len(names) != 1:
        raise ValueError(f"tables to join must name the same processes, not {sorted(names)}")
    return ObjectEvents(
        np.concatenate([part.objects for part in parts]),
        np.concatenate([part.process for part in parts]),
        np.concatenate([part.weight for part in parts]),
        names.pop(),
    )


def with_codes(objects: NDArray[np.float32]) -> NDArray[np.float32]:
    """The challenge's array of shape (N, 19, 4): the objects and, in the fourth place, the class of those present."""
    code = np.where(objects[:, :, :1] > 0, SLOT_CODES[:, None].astype(np.float32), np.float32(0))
    return np.concatenate([objects, code], axis=2)
