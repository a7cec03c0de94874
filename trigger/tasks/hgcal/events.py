"""A table of clusters as the events of a network."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.events.table import ClusterTable
from trigger.tasks.hgcal.genome import Genome
from trigger.tasks.hgcal.network import event_words
from trigger.train.events import Events

__all__ = ["events_of"]


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
