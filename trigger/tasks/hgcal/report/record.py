"""How well a classifier selects, as typed values read from result files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Performance", "WorkingPoint"]


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
