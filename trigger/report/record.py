"""What a report says, as typed values: read from result files by ``gather``, written as HTML by the sections."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["ArchitectureRow", "Candidate", "Chosen", "FeatureRow", "Performance", "StudyRecord", "WorkingPoint"]


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One evaluated candidate, as plotted.

    Efficiencies are fractions; ``low`` and ``high`` bound the 68% interval of ``background_efficiency``.
    """

    id: str
    generation: int
    background_efficiency: float
    low: float | None
    high: float | None
    input_bits: int
    lut: float
    latency_ns: float | None
    auc: float | None
    sparsity: float | None
    n_features: int
    widths: str
    on_front: bool
    feasible: bool


@dataclass(frozen=True, kw_only=True)
class FeatureRow:
    """One input variable of the chosen candidate."""

    name: str
    meaning: str
    unit: str
    lowest: float
    highest: float
    bits: int


@dataclass(frozen=True, kw_only=True)
class ArchitectureRow:
    """One layer of the chosen candidate."""

    name: str
    kind: str
    shape: tuple[int, ...]
    weight_format: str
    output_format: str
    weights: int
    non_zero: int


@dataclass(frozen=True, kw_only=True)
class WorkingPoint:
    """Background efficiency at one signal efficiency, with its 68% Clopper-Pearson interval; fractions."""

    signal_efficiency: float
    background_efficiency: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Performance:
    """How well one classifier separates the test events."""

    name: str
    label: str
    n_features: int
    auc: float
    signal_efficiency: tuple[float, ...]
    background_efficiency: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    working_points: tuple[WorkingPoint, ...]
    regions: Mapping[str, tuple[WorkingPoint, ...]] = field(default_factory=dict)
    """Working points by eta region."""

    def at(self, signal_efficiency: float) -> WorkingPoint | None:
        """The working point of that signal efficiency, if it was evaluated."""
        return next((w for w in self.working_points if abs(w.signal_efficiency - signal_efficiency) < 1e-9), None)


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """The chosen candidate and its project."""

    id: str
    reason: str
    features: tuple[FeatureRow, ...]
    layers: tuple[ArchitectureRow, ...]
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
    signal_efficiency: float
    """Working point that the search minimised the background at."""

    objectives: tuple[str, ...]
    """What the search minimised, in words."""

    packages: Mapping[str, str]
    hashes: Mapping[str, str]
    own_events: bool
    """Whether the events are a user's table, and no generated ones."""

    events: Mapping[str, Mapping[str, int]]
    """Events by sample and class: ``{"test": {"signal": 1000, "background": 1000}}``."""

    evaluated: int
    """Candidates that were trained in all."""

    candidates: tuple[Candidate, ...]
    """Those that are plotted: of the search, and the members of the front as finally trained."""

    hypervolume: tuple[float, ...]
    """By generation."""

    algorithm: str
    """Name of the search, for its legend."""

    performance: tuple[Performance, ...]
    """The chosen candidate first, then the references."""

    chosen: Chosen | None
