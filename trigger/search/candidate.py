"""A candidate: one genome, trained and scored, as kept in ``candidates.jsonl``."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["Candidate", "Stage", "candidate_id"]

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
        Of the study's task.
    status : str
        ``ok`` or ``failed``.
    reason : str
        Why it failed, or why it must not be chosen although it did not; else empty.
    objectives : mapping of str to float
        What the search minimises.
    cost : mapping of str to number
        ``lut``, ``latency_ns`` and what else the task's estimate gives.
    violation : float
        By how much constraints are broken, e.g. the excess over the latency budget, relative to it; 0: all are kept.
    metrics : mapping
        As the task's evaluator gives them.
    seconds : float
        Wall time of the evaluation.
    """

    id: str
    stage: Stage
    generation: int
    genome: Any
    status: Literal["ok", "failed"]
    reason: str = ""
    objectives: Mapping[str, float] = field(default_factory=dict)
    cost: Mapping[str, float] = field(default_factory=dict)
    violation: float = 0.0
    metrics: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def feasible(self) -> bool:
        """Whether it finished and keeps every constraint."""
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
    def from_json(cls, content: Mapping[str, Any], genome_from_json: Callable[[Any], Any]) -> Candidate:
        """The candidate that `to_json` wrote; KeyError, TypeError or UserError for anything else."""
        return cls(**{**content, "genome": genome_from_json(content["genome"])})

    @property
    def line(self) -> str:
        """One line of JSON, without the line's end."""
        return json.dumps(self.to_json(), separators=(",", ":"), allow_nan=False)


def candidate_id(genome: Any, stage: str = "search") -> str:
    """Name of a candidate: 10 hexadecimal digits of a hash over its genome and the stage of its training.

    Parameters
    ----------
    genome : Genome
    stage : str
        ``search``, or ``final`` for a member of the front that was trained again.

    Returns
    -------
    str
    """
    text = json.dumps([stage, genome.to_json()], sort_keys=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:10]
