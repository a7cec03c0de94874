"""What DEAP selects: ordinary classes of this module, so that they pickle anywhere."""

from __future__ import annotations

from collections.abc import Sequence

from deap.base import Fitness

from trigger.search.candidate import Candidate

__all__ = ["ConstrainedFitness", "Individual", "fitness_class"]


class ConstrainedFitness(Fitness):
    """Minimised objectives under a constraint, compared by constraint domination.

    A candidate that keeps the constraint dominates every one that does not; of two that do not, the smaller violation
    dominates; of two that do, Pareto domination decides.

    Notes
    -----
    K. Deb et al., IEEE Trans. Evol. Comput. 6 (2002) 182, section VI. DEAP's class of that name compares violation as
    yes or no only.
    """

    weights = (-1.0,)
    violation = 0.0

    def dominates(self, other: ConstrainedFitness, obj: slice = slice(None)) -> bool:
        """Whether this one is preferred to the other without doubt."""
        if self.violation > 0 or other.violation > 0:
            return self.violation < other.violation
        return bool(super().dominates(other, obj))

    def __hash__(self) -> int:
        return hash((self.wvalues, self.violation))

    def __eq__(self, other: object) -> bool:
        # DEAP groups equal fitnesses before it sorts: equal must mean that neither dominates for any reason.
        return (
            isinstance(other, ConstrainedFitness)
            and self.wvalues == other.wvalues
            and self.violation == other.violation
        )


_CLASSES: dict[int, type[ConstrainedFitness]] = {}


def fitness_class(objectives: int) -> type[ConstrainedFitness]:
    """The class for that number of objectives; DEAP keeps weights on the class."""
    if objectives not in _CLASSES:
        _CLASSES[objectives] = type(f"Fitness{objectives}", (ConstrainedFitness,), {"weights": (-1.0,) * objectives})
    return _CLASSES[objectives]


class Individual:
    """A finished candidate in DEAP's terms.

    Parameters
    ----------
    candidate : Candidate
        With status ok.
    objectives : sequence of str
        Names of what is minimised, in order.
    """

    def __init__(self, candidate: Candidate, objectives: Sequence[str]) -> None:
        self.candidate = candidate
        self.fitness = fitness_class(len(objectives))(tuple(candidate.objectives[name] for name in objectives))
        self.fitness.violation = candidate.violation
