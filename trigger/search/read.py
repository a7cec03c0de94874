"""Reading what a search left in its folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from trigger.errors import UserError
from trigger.search.candidate import Candidate
from trigger.search.sweep import FRONT
from trigger.tasks.interface import Task

__all__ = ["StoredFront", "read_front"]


@dataclass(frozen=True)
class StoredFront:
    """The content of ``front.json``.

    Parameters
    ----------
    complete : bool
        Whether the search ran to its end and the members are trained to the end.
    generation : int
        Last finished generation.
    objectives : tuple of str
    reference : dict of str to float
    hypervolume : tuple of float
        After each generation.
    front : tuple of Candidate
        Without their wall times.
    """

    complete: bool
    generation: int
    objectives: tuple[str, ...]
    reference: dict[str, float]
    hypervolume: tuple[float, ...]
    front: tuple[Candidate, ...]


def read_front(run_dir: Path | str, task: Task) -> StoredFront:
    """Read ``front.json`` of a run.

    Parameters
    ----------
    run_dir : Path or str
    task : Task
        Of the run's study.

    Returns
    -------
    StoredFront

    Raises
    ------
    UserError
        There is none, or it was not written by a sweep.
    """
    path = Path(run_dir) / FRONT
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return StoredFront(
            complete=content["complete"],
            generation=content["generation"],
            objectives=tuple(content["objectives"]),
            reference=content["reference_point"],
            hypervolume=tuple(content["hypervolume"]),
            front=tuple(Candidate.from_json(member, task.genome.from_json) for member in content["front"]),
        )
    except FileNotFoundError as error:
        raise UserError(f"'{path}' must exist, and does not: run trigger sweep first") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"'{path}' must be a front as written by a sweep; run trigger sweep again to rewrite it"
        ) from error
