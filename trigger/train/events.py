"""Events as a network sees them: input words, class, pseudorapidity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.events.table import ClusterTable
from trigger.models.genome import Genome
from trigger.models.hgcal import event_words

__all__ = ["Events", "events_of"]


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


def events_of(genome: Genome, table: ClusterTable) -> Events:
    """The events of a table of clusters, digitised as a genome wants them.

    Parameters
    ----------
    genome : Genome
    table : ClusterTable

    Returns
    -------
    Events
    """
    columns = {name: _column(table, name) for name, _ in genome.inputs}
    return Events(event_words(genome, columns), table.label == 1, table.eta)


def _column(table: ClusterTable, name: str) -> NDArray[np.floating]:
    if name in table.names:
        return table.column(name)
    # The context variables are fields of their own.
    return table.pt_gev if name == "pt" else np.abs(table.eta)
