"""What a report says, as typed values: read from result files by ``gather``, written as HTML by the sections."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trigger.tasks.objective import Objective
from trigger.tasks.parts import CandidateDetails, Column, ReportParts

__all__ = ["Candidate", "Chosen", "StudyRecord"]


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One evaluated candidate, as plotted.

    Parameters
    ----------
    id : str
    generation : int
    accuracy : float
        Value of the first objective.
    values : mapping of str to float
        Of the other objectives that are known, searched or not.
    details : CandidateDetails
    on_front, feasible : bool
    """

    id: str
    generation: int
    accuracy: float
    values: Mapping[str, float]
    details: CandidateDetails
    on_front: bool
    feasible: bool


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """The chosen candidate and its project."""

    id: str
    project: str
    """Path of the project folder, as the commands print it."""

    manifest: Mapping[str, Any] | None
    verification: Mapping[str, Any] | None
    primitives: Mapping[str, Any] | None = None
    """Count by Yosys, where it was made."""


@dataclass(frozen=True, kw_only=True)
class StudyRecord:
    """Everything that the page of one study is written from."""

    study: str
    folder: str
    config_path: str
    config: Mapping[str, Any]
    overrides: tuple[str, ...]
    seed: int
    objectives: tuple[Objective, ...]
    """All of the task, the accuracy first."""

    searched: tuple[str, ...]
    """Names of those that the search minimised."""

    packages: Mapping[str, str]
    hashes: Mapping[str, str]
    evaluated: int
    """Candidates that were trained in all."""

    candidates: tuple[Candidate, ...]
    """Those that are plotted: of the search, and the members of the front as finally trained."""

    columns: tuple[Column, ...]
    """Of the front's table: what the cells of the candidates' details are."""

    hypervolume: tuple[float, ...]
    """By generation."""

    algorithm: str
    """Name of the search, for its legend."""

    parts: ReportParts
    """What the task adds."""

    chosen: Chosen | None

    @property
    def accuracy(self) -> Objective:
        """The objective that means accuracy."""
        return self.objectives[0]

    @property
    def accuracy_axis(self) -> str:
        """Text of its axis."""
        return self.parts.accuracy_axis or self.accuracy.axis or self.accuracy.label
