"""``trigger data``: make or read the events of a study."""

from __future__ import annotations

from argparse import Namespace
from contextlib import ExitStack
from pathlib import Path

from trigger.cli.outcome import Outcome
from trigger.cli.progress import Advance, progress
from trigger.cli.workspace import Workspace, open_workspace
from trigger.tasks.interface import Samples

__all__ = ["events", "verb"]


def verb(options: Namespace) -> Outcome:
    """Load every sample once, so that it is in the cache."""
    workspace = open_workspace(options)
    study = workspace.study
    found = study.task.data.describe(study.data.settings, events(workspace))
    return Outcome({"verb": "data", **found.content}, found.lines)


def events(workspace: Workspace) -> Samples:
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

        return workspace.study.task.data.load(data.settings, Path(data.cache_dir), show)
