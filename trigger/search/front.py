"""The front: candidates that keep the budget and that no other one beats in everything."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from trigger.config.sections import SpaceSection
from trigger.search.candidate import Candidate

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
    first_generation: Iterable[Candidate], objectives: Sequence[str], space: SpaceSection
) -> dict[str, float]:
    """Worst values that count in the hypervolume, fixed once for a run.

    Background efficiency: 1. Input bits: the most that the space allows. LUT and latency have no natural limit: the
    largest in the first generation, finished candidates only.

    Parameters
    ----------
    first_generation : iterable of Candidate
    objectives : sequence of str
    space : SpaceSection
        With its features listed.

    Returns
    -------
    dict of str to float
    """
    finished = [candidate for candidate in first_generation if candidate.status == "ok"]
    most = space.max_features or len(space.features)
    fixed = {"background_efficiency": 1.0, "input_bits": float(most * space.input_bits[-1])}
    return {
        name: fixed[name] if name in fixed else max((c.objectives[name] for c in finished), default=1.0) or 1.0
        for name in objectives
    }


def hypervolume(front: Iterable[Candidate], reference: Mapping[str, float]) -> float:
    """Share of the box between 0 and the reference point that the front dominates: 0 to 1, larger is better, exact.

    Parameters
    ----------
    front : iterable of Candidate
    reference : mapping of str to float
        Worst value of each objective, all above 0.

    Returns
    -------
    float
    """
    points = [tuple(min(c.objectives[name] / limit, 1.0) for name, limit in reference.items()) for c in front]
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
