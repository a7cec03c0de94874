"""Events as a network that tells two classes apart sees them: input words, class, pseudorapidity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Events"]


@dataclass(frozen=True)
class Events:
    """Events of one data set for one network.

    Parameters
    ----------
    words : dict of str to int64 array of shape (events, *shape)
        By input port.
    is_signal : bool array of shape (events,)
    eta : float array of shape (events,)
        Pseudorapidity; NaN where unknown.
    """

    words: dict[str, NDArray[np.int64]]
    is_signal: NDArray[np.bool_]
    eta: NDArray[np.floating]

    def __len__(self) -> int:
        return len(self.is_signal)
