"""The front: candidates that keep every constraint and that no other one beats in everything."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from trigger.search.candidate import Candidate
from trigger.tasks.objective import Objective

__all__ = ["hypervolume", "non_dominated", "reference_point", "spread"]


def non_dominated(candidates: Iterable[Candidate], objectives: Sequence[str]) -> tuple[Candidate, ...]:
    """The feasible candidates that no feasible one dominates, sorted by objectives; one of each set of equals.

    Parameters
    ----------
    candidates : iterable of Candidate
    objectives : sequence of str

    Returns
    -------
    tuple of Candidate
    """
    best: dict[tuple[float, ...], Candidate] = {}
    for candidate in sorted((c for c in candidates if c.feasible), key=lambda c: c.id):
        best.setdefault(_values(candidate, objectives), candidate)
    front = [values for values in best if not any(_dominates(other, values) for other in best)]
    return tuple(best[values] for values in sorted(front))


def reference_point(
    first_generation: Iterable[Candidate], objectives: Sequence[Objective], space: Any
) -> dict[str, float]:
    """Worst values that count in the hypervolume, fixed once for a run.

    An objective's own worst value where it has one; else the largest of the first generation, finished candidates
    only. The box of an objective that counts by its logarithm spans a decade at least.

    Parameters
    ----------
    first_generation : iterable of Candidate
    objectives : sequence of Objective
    space : space section of the study

    Returns
    -------
    dict of str to float
        By name, in order.
    """
    finished = [candidate for candidate in first_generation if candidate.status == "ok"]
    found: dict[str, float] = {}
    for objective in objectives:
        worst = objective.worst(space) if callable(objective.worst) else objective.worst
        if worst is None:
            worst = max((c.objectives[objective.name] for c in finished), default=1.0) or 1.0
        found[objective.name] = max(worst, 10.0) if objective.log else worst
    return found


def hypervolume(front: Iterable[Candidate], reference: Mapping[str, float], logarithmic: Collection[str] = ()) -> float:
    """Share of the box below the reference point that the front dominates: 0 to 1, larger is better, exact.

    The box reaches from 0 to the reference; on a logarithmic axis from 1, with its length measured in decades, so that
    halving a cost counts the same wherever it is halved.

    Parameters
    ----------
    front : iterable of Candidate
    reference : mapping of str to float
        Worst value of each objective, all above 0; above 1 on a logarithmic axis.
    logarithmic : collection of str
        Objectives that count by their logarithm; values below 1 count as 1.

    Returns
    -------
    float
    """

    def place(name: str, value: float) -> float:
        limit = reference[name]
        share = math.log10(max(value, 1.0)) / math.log10(limit) if name in logarithmic else value / limit
        return min(share, 1.0)

    points = [tuple(place(name, c.objectives[name]) for name in reference) for c in front]
    return _volume(sorted(set(points)))


def spread(front: Sequence[Candidate], count: int) -> tuple[Candidate, ...]:
    """At most ``count`` members, evenly along a sorted front, the ends included.

    Parameters
    ----------
    front : sequence of Candidate
        As from `non_dominated`.
    count : int

    Returns
    -------
    tuple of Candidate
    """
    if len(front) <= count:
        return tuple(front)
    if count == 1:
        return (front[0],)
    return tuple(front[round(at * (len(front) - 1) / (count - 1))] for at in range(count))


def _volume(points: Sequence[tuple[float, ...]]) -> float:
    """Dominated volume of the unit box, by slicing along the first axis."""
    if not points:
        return 0.0
    if len(points[0]) == 1:
        return 1.0 - min(points)[0]
    levels = [*sorted({point[0] for point in points}), 1.0]
    return sum(
        (above - level) * _volume(sorted({point[1:] for point in points if point[0] <= level}))
        for level, above in pairwise(levels)
    )


def _values(candidate: Candidate, objectives: Sequence[str]) -> tuple[float, ...]:
    return tuple(candidate.objectives[name] for name in objectives)


def _dominates(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one != other and all(a <= b for a, b in zip(one, other, strict=True))
