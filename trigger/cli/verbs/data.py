"""``trigger data``: make or read the events of a study."""

from __future__ import annotations

from argparse import Namespace
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from sim.events.dataset import load_dataset
from sim.events.table import ClusterTable
from trigger.cli.outcome import Outcome
from trigger.cli.progress import Advance, progress
from trigger.cli.workspace import Workspace, open_workspace

__all__ = ["class_counts", "events", "verb"]


def verb(options: Namespace) -> Outcome:
    """Load every sample once, so that it is in the cache."""
    workspace = open_workspace(options)
    return data_outcome(workspace, events(workspace))


def data_outcome(workspace: Workspace, tables: dict[str, ClusterTable]) -> Outcome:
    """What the samples hold."""
    counts = class_counts(tables)
    lines = [
        f"{split:<11}{found['signal']:>9,} signal {found['background']:>9,} background"
        for split, found in counts.items()
    ]
    variables = len(next(iter(tables.values())).names)
    where = (
        "read from the user's tables" if workspace.study.data.settings.files else f"in {workspace.study.data.cache_dir}"
    )
    return Outcome(
        {"verb": "data", "events": counts, "variables": variables},
        (f"events, {variables} variables each, {where}", *lines),
    )


def events(workspace: Workspace) -> dict[str, ClusterTable]:
    """Samples ``train``, ``validation`` and ``test``, from the cache where they are there."""
    data = workspace.study.data
    with ExitStack() as stack:
        advance: Advance | None = None

        def show(done: int, total: int) -> None:
            nonlocal advance
            if advance is None and done < total:  # nothing to show where all are there
                advance = stack.enter_context(progress("events"))
            if advance is not None:
                advance(done, total)

        return load_dataset(data.settings, Path(data.cache_dir), show)


def class_counts(tables: dict[str, ClusterTable]) -> dict[str, dict[str, int]]:
    """Events by sample and class."""
    return {
        split: {
            "signal": int(np.count_nonzero(table.label == 1)),
            "background": int(np.count_nonzero(table.label != 1)),
        }
        for split, table in tables.items()
    }
