"""What goes to a worker and what comes back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from trigger.config.study import Study
from trigger.search.candidate import Stage

__all__ = ["Evaluate", "Evaluation", "EvaluatorFactory", "Job", "Preparing"]


@dataclass(frozen=True)
class Job:
    """One genome to train and score.

    Parameters
    ----------
    id : str
        Of the candidate; names its model file.
    stage : str
    generation : int
    genome : Genome
        Of the study's task.
    search_id : str
        For the final stage: the candidate of the search with the same genome; else the id itself.
    """

    id: str
    stage: Stage
    generation: int
    genome: Any
    search_id: str


@dataclass(frozen=True)
class Evaluation:
    """The score of one genome; the fields are those of `trigger.search.candidate.Candidate`.

    ``reason`` says in words why ``violation`` is above 0.
    """

    objectives: Mapping[str, float]
    cost: Mapping[str, float] = field(default_factory=dict)
    violation: float = 0.0
    reason: str = ""
    metrics: Mapping[str, Any] = field(default_factory=dict)


@runtime_checkable
class Preparing(Protocol):
    """An evaluator that does part of its work for several jobs at once: ``prepare`` is called before their calls.

    What comes out of a job must not depend on those beside it.
    """

    @property
    def together(self) -> int:
        """Jobs that it prepares at once, at most."""

    def prepare(self, jobs: Sequence[Job]) -> None:
        """Work for all of these jobs; each is then evaluated by a call of its own."""


Evaluate = Callable[[Job], Evaluation]
EvaluatorFactory = Callable[[Study, Path], Evaluate]
"""Called once in every worker process, with the study and the folder of the run; must be importable by name."""
