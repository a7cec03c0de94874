"""A candidate: one genome, trained and scored, as kept in ``candidates.jsonl``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from trigger.models.genome import Genome

__all__ = ["Candidate", "Stage"]

Stage = Literal["search", "final"]


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One line of ``candidates.jsonl``.

    Parameters
    ----------
    id : str
        Hash of genome and stage.
    stage : str
        ``search``, or ``final``: trained again on all events, evaluated on the independent test set too.
    generation : int
        Generation that asked for it, from 0.
    genome : Genome
    status : str
        ``ok`` or ``failed``.
    reason : str
        Why it failed; empty if it did not.
    objectives : mapping of str to float
        What the search minimises.
    cost : mapping of str to number
        ``input_bits``, ``lut``, ``latency_ns``, ``latency_cycles`` and what else the estimate gives.
    violation : float
        Excess over the latency budget, relative to it; 0: the budget is kept.
    metrics : mapping
        By data set (``validation``; for ``final`` also ``test``), by region: `trigger.train.metrics.Metrics`.
        ``sparsity``: fraction of zero words, by layer.
    seconds : float
        Wall time of the evaluation.
    """

    id: str
    stage: Stage
    generation: int
    genome: Genome
    status: Literal["ok", "failed"]
    reason: str = ""
    objectives: Mapping[str, float] = field(default_factory=dict)
    cost: Mapping[str, float] = field(default_factory=dict)
    violation: float = 0.0
    metrics: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def feasible(self) -> bool:
        """Whether it finished and keeps to the budget."""
        return self.status == "ok" and self.violation <= 0

    def to_json(self) -> dict[str, Any]:
        """Plain values for a file."""
        return {
            "id": self.id,
            "stage": self.stage,
            "generation": self.generation,
            "genome": self.genome.to_json(),
            "objectives": dict(self.objectives),
            "cost": dict(self.cost),
            "violation": self.violation,
            "metrics": dict(self.metrics),
            "status": self.status,
            "reason": self.reason,
            "seconds": self.seconds,
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Candidate:
        """The candidate that `to_json` wrote; KeyError, TypeError or UserError for anything else."""
        return cls(**{**content, "genome": Genome.from_json(content["genome"])})

    @property
    def line(self) -> str:
        """One line of JSON, without the line's end."""
        return json.dumps(self.to_json(), separators=(",", ":"), allow_nan=False)
